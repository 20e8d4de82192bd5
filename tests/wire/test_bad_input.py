"""Every door with missing, repeated, oversized, wrongly encoded and hostile parameters: a clear refusal, never a 500."""

import base64
import json
from urllib.parse import quote, urlsplit

import pytest
from starlette.routing import Route
from tests.wire.world import (
    ADA,
    CRM,
    World,
    asked,
    authorization,
    code_of,
    configuration,
    location,
    parameters,
    play,
    refused,
    words,
)

from vestibule.web import app

SECRET = configuration()["applications"][0]["client_secret"]
HOSTILE = (
    "",
    " ",
    "a" * 3000,
    "%00",
    "%ff%fe",
    "%",
    "%zz",
    "<script>alert(1)</script>",
    "'; DROP TABLE codes; --",
    "../../../etc/passwd",
    "javascript:alert(1)",
    "//evil.example",
    "https://evil.example/\r\nSet-Cookie: a=b",
    "\u202egnp.exe",
    "\U0001f600",
    "${jndi:ldap://x}",
    "9" * 400,
    "-1",
    "null",
)
NAMES = (
    "connection",
    "SAMLResponse",
    "RelayState",
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "prompt",
    "max_age",
    "login_hint",
    "direct_sign_in",
    "arrival",
    "login",
    "outcome",
    "csrf",
    "decision",
    "resume",
    "email",
    "target_link_uri",
    "grant_type",
    "code",
    "refresh_token",
    "token",
    "id_token_hint",
    "post_logout_redirect_uri",
    "returnTo",
)


def doors() -> list[tuple[str, str]]:
    """Every method and path of the route table, with hostile names in the paths."""
    found = []
    for route in app._routes():
        assert isinstance(route, Route)
        path = route.path
        for name in ("{name}", "{id}", "{client_id}"):
            path = path.replace(name, "crm")
        found += [(method, path) for method in sorted(route.methods or ()) if method != "HEAD"]
    return found


def encoded(value: str) -> str:
    """As it stands where it is about encoding, else percent-encoded."""
    return value if value.startswith("%") else quote(value, safe="")


@pytest.mark.parametrize(("method", "path"), doors())
def test_no_door_answers_hostile_parameters_with_a_server_error_or_an_echo(method: str, path: str) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        for value, name in ((value, name) for n, name in enumerate(NAMES) for value in HOSTILE[n % 3 :: 3]):
            text = f"{name}={encoded(value)}"
            if method == "GET":
                response = await browser.get(f"{path}?{text}"[:15000])
            elif method == "POST":
                response = await browser.post(path, text)
            else:
                response = await browser._send(method, path, cross_site=False, headers={})
                assert response.status_code < 500
                return
            assert response.status_code < 500, (name, value, response.text)
            assert "<script>alert" not in response.text
            assert "Traceback" not in response.text
            assert urlsplit(response.headers.get("location", "")).hostname in (None, "login.crm.example", "crm.example")

    play(scene)


@pytest.mark.parametrize(("method", "path"), doors())
def test_every_door_refuses_repeated_parameters_and_bodies_that_are_no_forms(method: str, path: str) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        twice = "client_id=crm&client_id=other&connection=acme&connection=other"
        if method == "POST":
            for body in (twice, "client_id=%", "&".join(f"f{n}=1" for n in range(200))):
                assert 400 <= (await browser.post(path, body)).status_code < 500
            typed = {"content-type": "multipart/form-data; boundary=x"}
            assert 400 <= (await browser.post(path, "--x--", **typed)).status_code < 500
            assert 400 <= (await browser.post(path, "x=" + "a" * 1_700_000)).status_code < 500
        elif (
            method == "GET"
            and path not in ("/", "/healthz", "/readyz", "/userinfo", "/oidc/signed-out")
            and "well-known" not in path
        ):
            response = await browser.get(f"{path}?{twice}")
            assert 300 <= response.status_code < 500 or path.startswith(("/saml/metadata", "/static"))

    play(scene)


def test_a_response_over_the_limit_is_refused_before_it_is_parsed_and_audited() -> None:
    async def scene(world: World) -> None:
        big = base64.b64encode(b"<not-even-xml " + b"a" * 1_048_577).decode()
        page = await world.browser().post("/login/callback?connection=acme", {"SAMLResponse": big}, cross_site=True)
        assert page.status_code == 413
        huge = await world.browser().post("/login/callback?connection=acme", "SAMLResponse=" + "A" * 3_000_000)
        assert huge.status_code == 413
        events = await world.house.store.events.latest(limit=10, kind="login.refused")
        assert [event.code for event in events] == ["request.too_large", "saml.too_large"]
        assert all(event.connection == "con_acme" for event in events)

    play(scene)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("SAMLResponse=%%%", "request.encoding"),
        ("SAMLResponse=not*base64", "saml.base64"),
        ("", "saml.no_response"),
        ("SAMLResponse=AAAA&SAMLRequest=AAAA", "saml.no_response"),
        ("SAMLResponse=AAAA&SAMLResponse=BBBB", "request.duplicate_parameter"),
        ("SAMLResponse=" + quote(base64.b64encode(b"<!DOCTYPE x><x/>").decode()), "xml.doctype"),
        ("SAMLResponse=" + quote(base64.b64encode(b"<x>").decode()), "xml.malformed"),
        ("SAMLResponse=" + quote(base64.b64encode(b"<x/>").decode()), "saml.not_a_response"),
    ],
)
def test_a_post_that_is_no_response_is_refused_under_its_own_code(body: str, code: str) -> None:
    async def scene(world: World) -> None:
        page = await world.browser().post("/login/callback?connection=acme", body, cross_site=True)
        refused(page, 400)
        events = await world.house.store.events.latest(limit=10, kind="login.refused")
        assert [event.code for event in events] == [code]

    play(scene)


def test_the_acs_takes_no_get_and_no_json() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        assert (await browser.get("/login/callback?connection=acme&SAMLResponse=AAAA")).status_code == 405
        page = await browser.post("/login/callback?connection=acme", "{}", **{"content-type": "application/json"})
        refused(page, 415)

    play(scene)


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": f"{CRM}/callback/"},
        {"redirect_uri": f"{CRM}/callback?x=1"},
        {"redirect_uri": "https://crm.example@evil.example/callback"},
        {"redirect_uri": None},
        {"client_id": "nobody"},
        {"client_id": None},
    ],
)
def test_nothing_is_sent_to_a_redirect_uri_that_is_not_registered(changes: dict[str, str | None]) -> None:
    async def scene(world: World) -> None:
        page = await world.browser().get(authorization(**changes), cross_site=True)
        refused(page, 400)
        assert "location" not in page.headers

    play(scene)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unauthorized_client"),
        ({"response_type": "nonsense"}, "unsupported_response_type"),
        ({"code_challenge": "abc"}, "invalid_request"),
        ({"code_challenge": "a" * 43, "code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
        ({"connection": "nobody"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_other_faults_go_to_the_application_as_its_protocol_says(changes: dict[str, str | None], error: str) -> None:
    async def scene(world: World) -> None:
        url = location(await world.browser().get(authorization(**changes), cross_site=True))
        assert url.startswith(f"{CRM}/callback")
        got = parameters(url)
        assert (got["error"], got["state"], got["iss"]) == (error, "the-state", "https://login.crm.example/")
        assert got["error_description"]

    play(scene)


def test_a_public_application_must_send_a_challenge() -> None:
    async def scene(world: World) -> None:
        url = location(await world.browser().get(authorization("board"), cross_site=True))
        assert parameters(url)["error"] == "invalid_request"

    play(scene)


def test_token_errors_are_json_for_the_client_and_burn_nothing() -> None:
    """A wrong client, verifier or redirect URI leaves the code good for its owner."""

    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        code = code_of(await browser.get(location(await world.answer(browser, sent)), cross_site=True))
        for attempt in (
            await world.redeem(code, redirect_uri=f"{CRM}/direct"),
            await world.redeem(code, code_verifier="x" * 43),
            await world.redeem(code, client="board"),
            await world.browser().post("/oauth/token", {"grant_type": "authorization_code", "code": code}),
            await world.browser().post("/oauth/token", "{", **{"content-type": "application/json"}),
            await world.browser().post("/oauth/token", json.dumps([1]), **{"content-type": "application/json"}),
            await world.browser().post("/oauth/token", {"grant_type": "password"}),
        ):
            assert attempt.status_code in (400, 401), attempt.text
            assert {"error", "error_description", "code", "message"} <= set(attempt.json())
            assert attempt.headers["cache-control"] == "no-store"
        assert (await world.redeem(code)).status_code == 200

    play(scene)


def test_an_unexpected_address_is_a_page_and_a_login_that_is_not_there_has_a_reference() -> None:
    async def scene(world: World) -> None:
        assert "Sign-ins to Acme CRM pass through here" in words(await world.browser().get("/"))
        nothing = await world.browser().get("/nothing/here")
        assert nothing.status_code == 404
        assert "There is nothing here" in nothing.text
        refused(await world.browser().get("/login/continue"), 400)
        refused(await world.browser().get("/login/continue?arrival=guess"), 400)
        refused(await world.browser().get("/login/continue?login=guess"), 400)
        refused(await world.browser().get("/login/test/guess"), 400)

    play(scene)


def test_nothing_secret_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """No message, code, token, cookie or attribute value goes to the log or the audit trail, of a success or of a failure."""

    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(scope="openid email offline_access"), cross_site=True)
        form = {"SAMLResponse": world.saml_response(in_response_to=asked(sent).id)}
        arrived = await browser.post("/login/callback?connection=acme", form, cross_site=True)
        code = code_of(await browser.get(location(arrived), cross_site=True))
        tokens = (await world.redeem(code)).json()
        references = [
            refused(await browser.post("/login/callback?connection=acme", form, cross_site=True), 400),
            refused(await world.tile(world.browser(), audience="https://other.example/"), 400),
        ]
        logged = "".join(capsys.readouterr())
        events = await world.house.store.events.latest(limit=100)
        kept = repr(events)
        assert {"login.succeeded", "code.redeemed", "login.refused"} <= {event.kind for event in events}
        for reference in references:
            assert reference in logged, "the positive control: it was logged at all"
            assert reference in kept
        cookies = [value.rpartition(".")[2] for value, _ in browser.jar.values()]
        assert all(len(value) > 20 for value in cookies)
        given = [code, *(tokens[name] for name in ("access_token", "id_token", "refresh_token"))]
        for secret in (*given, *cookies, SECRET, ADA, form["SAMLResponse"], "SAMLResponse=", "<saml"):
            assert secret not in logged
            assert secret not in kept

    play(scene, configuration())
