"""Attack table O, authorization answers: who answered, what was asked, for whom, how fresh; and nothing that was not registered."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from tests.wire.attacker import (
    BOARD,
    CALLBACK,
    CHALLENGE,
    claims,
    error_code,
    page_code,
    sign_in,
    tokens,
)
from tests.wire.world import (
    ADA,
    CRM,
    ISSUER,
    MALLORY,
    World,
    asked,
    authorization,
    code_of,
    configuration,
    fields,
    location,
    parameters,
    play,
)

from vestibule.ground.errors import ConfigurationRefused


def implicit() -> dict[str, Any]:
    document = configuration()
    document["applications"][1]["response_types"] = ["code", "token", "id_token", "id_token token"]
    return document


# -- O7: mix-up ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [None, "query", "fragment", "form_post"])
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"prompt": "none"}, "login_required"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "token"}, "unauthorized_client"),
        ({"response_type": None}, "invalid_request"),
        ({"request": "x.y.z"}, "request_not_supported"),
        ({"connection": "nobody"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"code_challenge": "x"}, "invalid_request"),
    ],
)
def test_o7_every_error_says_who_answers(mode: str | None, changes: dict[str, str], error: str) -> None:
    """So that a client that knows several providers cannot be made to take one's answer for another's [RFC 9207 2]."""

    async def scene(world: World) -> None:
        answer = await world.browser().get(authorization(response_mode=mode, **changes), cross_site=True)
        got = fields(answer) if mode == "form_post" else parameters(location(answer))
        assert (got["error"], got["iss"], got["state"]) == (error, ISSUER, "the-state")

    play(scene)


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
def test_o7_every_code_says_who_answers(mode: str) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(response_mode=mode), cross_site=True)
        answer = await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        got = fields(answer) if mode == "form_post" else parameters(location(answer))
        assert (got["iss"], got["state"]) == (ISSUER, "the-state")
        assert got["code"]

    play(scene)


@pytest.mark.parametrize("kind", ["token", "id_token", "id_token token"])
def test_o7_every_token_by_the_browser_says_who_answers(kind: str) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization("board", response_type=kind), cross_site=True)
        url = location(await browser.get(location(await world.answer(browser, sent)), cross_site=True))
        assert url.startswith(f"{BOARD}#")
        assert (parameters(url)["iss"], parameters(url)["state"]) == (ISSUER, "the-state")

    play(scene, implicit())


def test_o7_the_metadata_announces_it_and_names_the_same_issuer() -> None:
    async def scene(world: World) -> None:
        found = (await world.browser().get("/.well-known/openid-configuration")).json()
        assert found["authorization_response_iss_parameter_supported"] is True
        assert found["issuer"] == ISSUER
        got = await tokens(world)
        assert (await claims(world, got["id_token"]))["iss"] == ISSUER

    play(scene)


# -- O8: what may be asked -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "error", "code"),
    [
        (None, "invalid_request", "oidc.invalid_request"),
        ("", "invalid_request", "oidc.invalid_request"),
        (" ", "invalid_request", "oidc.invalid_request"),
        ("token", "unauthorized_client", "oidc.response_type_not_allowed"),
        ("id_token", "unauthorized_client", "oidc.response_type_not_allowed"),
        ("token id_token", "unauthorized_client", "oidc.response_type_not_allowed"),
        ("id_token token", "unauthorized_client", "oidc.response_type_not_allowed"),
        ("code token", "unsupported_response_type", "oidc.unsupported_response_type"),
        ("code id_token", "unsupported_response_type", "oidc.unsupported_response_type"),
        ("code id_token token", "unsupported_response_type", "oidc.unsupported_response_type"),
        ("none", "unsupported_response_type", "oidc.unsupported_response_type"),
        ("code none", "unsupported_response_type", "oidc.unsupported_response_type"),
        ("CODE", "unsupported_response_type", "oidc.unsupported_response_type"),
        ("code,token", "unsupported_response_type", "oidc.unsupported_response_type"),
        ("code+token", "unsupported_response_type", "oidc.unsupported_response_type"),
        ("password", "unsupported_response_type", "oidc.unsupported_response_type"),
    ],
)
def test_o8_an_application_asks_only_for_the_response_types_it_is_registered_for(
    kind: str | None, error: str, code: str
) -> None:
    async def scene(world: World) -> None:
        answer = await world.browser().get(authorization(response_type=kind), cross_site=True)
        assert await error_code(world, answer) == (error, code)

    play(scene)


@pytest.mark.parametrize("kind", ["token", "id_token", "id_token token"])
@pytest.mark.parametrize("mode", ["query", "web_message", "jwt", "query.jwt", "fragment.jwt", "nonsense"])
def test_o8_tokens_never_travel_in_a_query_nor_in_a_mode_that_is_not_offered(kind: str, mode: str) -> None:
    async def scene(world: World) -> None:
        wish = authorization("board", response_type=kind, response_mode=mode)
        answer = await world.browser().get(wish, cross_site=True)
        assert location(answer).startswith(f"{BOARD}#")
        assert await error_code(world, answer, BOARD) == ("invalid_request", "oidc.response_mode")

    play(scene, implicit())


@pytest.mark.parametrize("change", [{"response_type": "token"}, {"response_mode": "fragment"}, {"redirect_uri": BOARD}])
def test_o8_what_was_asked_first_is_answered_whatever_comes_with_the_later_hops(change: dict[str, str]) -> None:
    """A login on its way is changed by nothing that the browser sends along: not at the post, not at the hop after it."""

    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        landed = location(await world.answer(browser, sent))
        more = "&".join(f"{name}={value}" for name, value in {**change, "client_id": "board"}.items())
        assert code_of(await browser.get(f"{landed}&{more}", cross_site=True))

    play(scene)


def test_o8_a_response_type_that_is_taken_away_during_the_login_is_answered_no_more() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization("board", response_type="id_token"), cross_site=True)
        landed = location(await world.answer(browser, sent))
        await world.apply(configuration())
        answer = await browser.get(landed, cross_site=True)
        assert await error_code(world, answer, BOARD) == ("unauthorized_client", "oidc.response_type_not_allowed")

    play(scene, implicit())


# -- O12: request objects --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (
            {"request": "eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwuZXhhbXBsZS8ifQ."},
            "request_not_supported",
        ),
        ({"request": "x"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/request.jwt"}, "request_uri_not_supported"),
        ({"request_uri": "http://169.254.169.254/latest/meta-data/"}, "request_uri_not_supported"),
        ({"request_uri": "file:///etc/passwd"}, "request_uri_not_supported"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:guess"}, "request_uri_not_supported"),
        ({"request": "x", "request_uri": "https://crm.example/r"}, "request_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
    ],
)
def test_o12_request_objects_are_refused_by_name_and_nothing_in_them_is_read_or_fetched(
    changes: dict[str, str], error: str
) -> None:
    """The flow holds nothing that could fetch: there is no outgoing request to forge."""

    async def scene(world: World) -> None:
        answer = await world.browser().get(authorization(**changes), cross_site=True)
        assert await error_code(world, answer) == (error, f"oidc.{error}")
        parts = vars(type(world.house.authorizing))["__dataclass_fields__"]
        assert not {"fetch", "http", "client"} & set(parts)

    play(scene)


def test_o12_a_request_object_alone_cannot_name_the_redirect_uri() -> None:
    async def scene(world: World) -> None:
        object_only = "/authorize?client_id=crm&request=eyJhbGciOiJub25lIn0.e30."
        assert await page_code(world, await world.browser().get(object_only)) == "oidc.redirect_uri_missing"

    play(scene)


@pytest.mark.parametrize("path", ["/oauth/par", "/par", "/as/par.oauth2"])
def test_o12_pushed_requests_are_not_offered_and_not_announced(path: str) -> None:
    async def scene(world: World) -> None:
        assert (await world.browser().post(path, {"client_id": "crm"})).status_code == 404
        found = (await world.browser().get("/.well-known/openid-configuration")).json()
        assert found["request_parameter_supported"] is False
        assert found["request_uri_parameter_supported"] is False
        assert not [name for name in found if "pushed" in name or "request_object" in name]

    play(scene)


# -- O15: whose sub --------------------------------------------------------------------------------------------------


async def subject(world: World, code: str) -> str:
    return str((await claims(world, (await world.redeem(code)).json()["id_token"]))["sub"])


def test_o15_an_id_token_hint_only_compares() -> None:
    """With Mallory's ID token as a hint, Ada's answer is refused to the application; it never becomes Mallory's."""

    async def scene(world: World) -> None:
        mallorys = (await tokens(world, who=MALLORY))["id_token"]
        browser = world.browser()
        sent = await browser.get(authorization(id_token_hint=mallorys), cross_site=True)
        landed = location(await world.answer(browser, sent, ADA))
        answer = await browser.get(landed, cross_site=True)
        assert await error_code(world, answer) == ("login_required", "oidc.login_required")
        assert not browser.names("__Host-vst-sid")

    play(scene)


@pytest.mark.parametrize(
    "changes",
    [
        {"login_hint": MALLORY},
        {"sub": "the-subject-of-mallory"},
        {"claims": json.dumps({"id_token": {"sub": {"value": "the-subject-of-mallory"}}})},
        {"claims": json.dumps({"userinfo": {"email": {"value": MALLORY}}})},
        {"username": MALLORY},
    ],
)
def test_o15_no_parameter_chooses_the_subject(changes: dict[str, str]) -> None:
    async def scene(world: World) -> None:
        plain = await subject(world, await sign_in(world))
        assert await subject(world, await sign_in(world, **changes)) == plain

    play(scene)


# -- O16: how fresh --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unsolicited", ["restart", "confirm", "accept"])
def test_o16_prompt_none_never_reads_an_arrival(unsolicited: str) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        location(await world.tile(browser))
        answer = await browser.get(authorization(prompt="none"), cross_site=True)
        assert parameters(location(answer))["error"] == "login_required"

    risk = {"accept_login_csrf_risk": True} if unsolicited == "accept" else {}
    play(scene, configuration(unsolicited=unsolicited, **risk))


@pytest.mark.parametrize(("changes", "forced"), [({"prompt": "login"}, True), ({"max_age": "0"}, True), ({}, False)])
def test_o16_a_forced_login_is_forwarded_and_its_answer_must_be_fresh(changes: dict[str, str], forced: bool) -> None:
    """ForceAuthn goes out; an AuthnInstant from before it, by more than the skew, is login_required."""

    async def scene(world: World) -> None:
        for age, fresh in ((timedelta(seconds=60), True), (timedelta(seconds=61), not forced)):
            browser = world.browser()
            sent = await browser.get(authorization(**changes), cross_site=True)
            assert asked(sent).force_authn is forced
            landed = location(await world.answer(browser, sent, authn_instant=world.clock.now() - age))
            answer = await browser.get(landed, cross_site=True)
            if fresh:
                assert code_of(answer)
            else:
                assert await error_code(world, answer) == ("login_required", "oidc.login_required")
                assert not browser.names("__Host-vst-sid")

    play(scene)


@pytest.mark.parametrize("max_age", [0, 30])
def test_o16_max_age_holds_until_the_answer_leaves_and_not_only_until_it_comes(max_age: int) -> None:
    """Whoever dawdles over a question, or stops at a hop, is no fresher for it; up to the skew that is allowed."""

    async def scene(world: World) -> None:
        for dawdled, fresh in ((60, True), (61, False)):
            browser = world.browser()
            sent = await browser.get(authorization(max_age=str(max_age), prompt="login"), cross_site=True)
            landed = location(await world.answer(browser, sent, authn_instant=world.clock.now()))
            world.clock.advance(max_age + dawdled)
            answer = await browser.get(landed, cross_site=True)
            if fresh:
                assert code_of(answer)
            else:
                assert await error_code(world, answer) == ("login_required", "oidc.login_required")
                assert not browser.names("__Host-vst-sid")

    play(scene)


def test_o16_a_session_is_not_fresh_enough_for_prompt_login_or_a_small_max_age() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        await sign_in(world, browser)
        assert code_of(await browser.get(authorization(max_age="600"), cross_site=True))
        for changes in ({"prompt": "login"}, {"max_age": "0"}, {"max_age": "5"}, {"prompt": "select_account"}):
            assert asked(await browser.get(authorization(**changes), cross_site=True))
        for changes in ({"prompt": "none", "max_age": "0"}, {"prompt": "none", "max_age": "5"}):
            silent = await browser.get(authorization(**changes), cross_site=True)
            assert parameters(location(silent))["error"] == "login_required"

    play(scene)


def test_o16_an_authentication_in_the_future_does_not_stretch_max_age() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(max_age="60"), cross_site=True)
        ahead = world.clock.now() + timedelta(hours=1)
        assert await page_code(world, await world.answer(browser, sent, authn_instant=ahead)) == "saml.authn_instant"

    play(scene)


def test_o16_auth_time_and_acr_are_the_identity_providers_and_no_wish_of_the_application() -> None:
    async def scene(world: World) -> None:
        instant = world.clock.now() - timedelta(seconds=30)
        said = {"authn_instant": instant, "authn_context": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"}
        got = await tokens(world, said=said, acr_values="https://refeds.org/profile/mfa", auth_time="1")
        told = await claims(world, got["id_token"])
        assert told["auth_time"] == int(instant.timestamp())
        assert (told["acr"], told["amr"]) == ("urn:oasis:names:tc:SAML:2.0:ac:classes:Password", ["pwd"])

    play(scene)


@pytest.mark.parametrize("value", ["-1", "1.5", "1e3", "soon", "0x10", "٣", " 1", "9" * 10])
def test_o16_a_max_age_that_is_no_number_is_refused_and_not_ignored(value: str) -> None:
    async def scene(world: World) -> None:
        answer = await world.browser().get(authorization(max_age=value), cross_site=True)
        assert await error_code(world, answer) == ("invalid_request", "oidc.max_age")

    play(scene)


@pytest.mark.parametrize("value", ["none login", "none consent", "login none", "none select_account"])
def test_o16_prompt_none_stands_alone(value: str) -> None:
    async def scene(world: World) -> None:
        answer = await world.browser().get(authorization(prompt=value), cross_site=True)
        assert await error_code(world, answer) == ("invalid_request", "oidc.prompt")

    play(scene)


# -- O17: deep links, RelayState, tiles: where we lead -----------------------------------------------------------------

ASTRAY = [
    "https://evil.example/",
    "https://evil.example/app/",
    "//evil.example/app/",
    "https:evil.example/app/",
    "https:/evil.example/app/",
    "https://crm.example.evil.example/app/",
    "https://crm.example@evil.example/app/",
    "https://evil.example@crm.example/app/",
    "https://crm.example@crm.example@evil.example/app/",
    "https://crm.example\\@evil.example/app/",
    "https:\\\\evil.example\\app",
    "http://crm.example/app/",
    "https://crm.example:444/app/",
    "https://sub.crm.example/app/",
    f"{CRM}/application",
    f"{CRM}/app/../admin",
    f"{CRM}/app/%2e%2e/admin",
    f"{CRM}/app/%252e%252e/admin",
    f"{CRM}/app/..;/admin",
    f"{CRM}/app/..%2fadmin",
    f"{CRM}/app\\..\\admin",
    f"{CRM}/app/%5c..%5cadmin",
    f"{CRM}/app//evil.example",
    f"{CRM}/APP/",
    f"{CRM}/%61pp/",
    f"{CRM}/app/\r\nLocation: https://evil.example/",
    f"{CRM}/app/\t",
    f"{CRM}/app/\u202e",
    "javascript:alert(1)//crm.example/app/",
    "data:text/html,crm.example/app/",
    "/app/",
    "app",
]


@pytest.mark.parametrize("link", ASTRAY)
def test_o17_a_deep_link_that_leads_astray_is_dropped_at_every_entrance(link: str) -> None:
    """RelayState, `/launch` and the application's own RelayState route: the person still gets in, at the front door."""

    async def scene(world: World) -> None:
        browser = world.browser()
        landed = location(await world.tile(browser, relay_state=link))
        urls = [location(await browser.get(landed, cross_site=True))]
        urls.append(location(await browser.get(f"/launch/crm?connection=acme&target_link_uri={quote(link, safe='')}")))
        for url in urls:
            assert url.startswith(f"{CRM}/login?iss=")
            assert "target_link_uri" not in parameters(url)
            assert "evil" not in url

    play(scene, configuration(relay_state="target_link_uri"))


@pytest.mark.parametrize("use", ["ignore", "route", "target_link_uri"])
def test_o17_relay_state_is_no_address_by_itself(use: str) -> None:
    async def scene(world: World) -> None:
        for value in ("https://evil.example/", "/authorize?client_id=crm", "javascript:alert(1)", "crm"):
            browser = world.browser()
            landed = location(await world.tile(browser, relay_state=value))
            assert landed.startswith(f"{ISSUER}login/continue?arrival=")
            assert location(await browser.get(landed, cross_site=True)).startswith(f"{CRM}/login?iss=")

    play(scene, configuration(relay_state=use))


def test_o17_the_relay_state_of_a_solicited_answer_leads_nowhere() -> None:
    """It names nothing: the login that is answered is found by InResponseTo and the browser's cookie."""

    async def scene(world: World) -> None:
        browser, other = world.browser(), world.browser()
        theirs = asked(await other.get(authorization(state="theirs"), cross_site=True)).id
        for value in ("https://evil.example/", theirs, ""):
            sent = await browser.get(authorization(state="mine", prompt="login"), cross_site=True)
            form = {
                "SAMLResponse": world.saml_response(in_response_to=asked(sent).id, authn_instant=world.clock.now()),
                "RelayState": value,
            }
            landed = location(await browser.post("/login/callback?connection=acme", form, cross_site=True))
            assert landed.startswith(f"{ISSUER}login/continue?login=")
            got = location(await browser.get(landed, cross_site=True))
            assert got.startswith(CALLBACK)
            assert parameters(got)["state"] == "mine"

    play(scene)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/launch/crm", 400, "launch.no_connection"),
        ("/launch/crm?connection=", 400, "launch.no_connection"),
        ("/launch/crm?connection=nobody", 404, "connection.unknown"),
        ("/launch/crm?connection=https://evil.example/", 404, "connection.unknown"),
        ("/launch/crm?connection=globex", 403, "connection.not_enabled_for_application"),
        ("/launch/crm?connection=off", 403, "connection.disabled"),
        ("/launch/nobody?connection=acme", 400, "application.unknown"),
        ("/launch/plain?connection=acme", 400, "launch.no_initiate_login_uri"),
        ("/launch/asleep?connection=acme", 400, "application.disabled"),
    ],
)
def test_o17_a_tile_that_fits_nothing_leads_nowhere(path: str, status: int, code: str) -> None:
    async def scene(world: World) -> None:
        page = await world.browser().get(path + ("&" if "?" in path else "?") + "target_link_uri=https://evil.example/")
        assert await page_code(world, page, status) == code
        assert "evil.example" not in page.text

    document = configuration()
    acme = document["connections"][0]
    for name, changes in (("globex", {"applications": ["board"]}), ("off", {"enabled": False})):
        idp = {**acme["idp"], "entity_id": f"https://idp.{name}.example/"}
        more = {"name": name, "id": f"con_{name}", "domains": [], "idp": idp, "idp_initiated": {}}
        document["connections"].append({**acme, **more, **changes})
    plain = {"name": "x", "type": "web", "client_secret": "s" * 32, "redirect_uris": ["https://plain.example/cb"]}
    document["applications"] += [{**plain, "client_id": "plain"}, {**plain, "client_id": "asleep", "enabled": False}]
    acme["applications"] += ["plain", "asleep"]
    play(scene, document)


@pytest.mark.parametrize("url", ["https://evil.example/", "https://crm.example.evil.example/login", "//crm.example/x"])
def test_o17_an_address_of_our_own_delivery_must_be_the_applications(url: str) -> None:
    async def scene(world: World) -> None:
        with pytest.raises(ConfigurationRefused) as caught:
            await world.apply(configuration(client_redirect_url=url))
        assert any("client_redirect_url" in fault.path for fault in caught.value.faults)

    play(scene)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_o17_every_redirect_is_a_303_so_that_no_body_is_ever_posted_on(method: str) -> None:
    """A 307 would hand the form with its secrets to the next address [RFC 9700 4.12]."""

    async def scene(world: World) -> None:
        browser = world.browser()
        hops = [await browser.get(authorization(), cross_site=True)]
        hops.append(await world.answer(browser, hops[0]))
        hops.append(await browser.get(location(hops[1]), cross_site=True))
        hops.append(await browser.get(authorization(prompt="none"), cross_site=True))
        hops.append(await world.tile(world.browser()))
        hops.append(await browser.get("/launch/crm?connection=acme"))
        hops.append(await browser.get("/v2/logout?client_id=crm&returnTo=https://crm.example/"))
        hops.append(await world.browser("https://old-name.example/").get(authorization()))
        if method == "POST":
            hops = [await browser.post("/authorize", parameters(authorization()), origin=CRM, cross_site=True)]
            hops.append(await browser.post("/oidc/logout", {"client_id": "crm"}, origin=CRM, cross_site=True))
        assert {hop.status_code for hop in hops} == {303}
        assert all(hop.headers["referrer-policy"] == "no-referrer" for hop in hops)
        assert all(hop.headers["cache-control"] == "no-store" for hop in hops)

    play(scene)


def test_o17_a_public_client_is_answered_by_its_own_address_alone() -> None:
    async def scene(world: World) -> None:
        answer = await world.browser().get(authorization("board", prompt="none", **CHALLENGE), cross_site=True)
        assert location(answer).startswith(f"{BOARD}?error=login_required")

    play(scene)
