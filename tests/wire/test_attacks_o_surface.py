"""Attack table O, what every door has in common: who may frame, read and cache it, what it says of itself, what it does not tell."""

from typing import Any

import pytest
from starlette.routing import Route
from tests.wire.attacker import ask, basic, page_code, sign_in, tokens, userinfo
from tests.wire.world import (
    CRM,
    HOST,
    ISSUER,
    SPA,
    World,
    authorization,
    configuration,
    location,
    parameters,
    play,
)

from vestibule.ground.errors import Refused
from vestibule.web import app

PRIVATE_PARTS = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}
EVIL = "evil.example"


def doors() -> list[tuple[str, str]]:
    """Every door, by every method that it takes."""
    found = []
    for route in app._routes():
        assert isinstance(route, Route)
        path = route.path
        for name in ("{name}", "{id}", "{client_id}"):
            path = path.replace(name, "crm")
        found += [(method, path) for method in sorted(route.methods or ()) if method != "HEAD"]
    return found


# -- O17: clickjacking, referrers, caches ----------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), doors())
def test_o17_no_answer_of_any_door_can_be_framed_sniffed_or_told_on(method: str, path: str) -> None:
    """Pages, redirects, JSON and errors alike."""

    async def scene(world: World) -> None:
        answer = await world.browser()._send(method, path, cross_site=True, headers={})
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        if not path.startswith(("/static/", "/.well-known/", "/oidc/.well-known/")):
            assert answer.headers["cache-control"] == "no-store"

    play(scene)


def test_o17_the_questions_of_a_login_cannot_be_framed_either() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        landed = location(await world.tile(browser))
        pages = [await browser.get(landed, cross_site=True), await browser.get(authorization(), cross_site=True)]
        pages.append(await browser.get(authorization(response_mode="form_post", prompt="none"), cross_site=True))
        pages.append(await browser.get("/nothing/here"))
        for page in pages:
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
            assert page.headers["x-frame-options"] == "DENY"
            assert page.headers["cache-control"] == "no-store"

    play(scene, configuration(unsolicited="confirm"))


# -- O21: discovery and keys -----------------------------------------------------------------------------------------

POISON = [
    {"host": EVIL},
    {"host": f"{HOST}.{EVIL}"},
    {"host": f"{HOST}:443@{EVIL}"},
    {"x-forwarded-host": EVIL},
    {"x-forwarded-proto": "http", "x-forwarded-host": EVIL},
    {"x-forwarded-server": EVIL},
    {"x-original-url": f"https://{EVIL}/"},
    {"x-rewrite-url": f"https://{EVIL}/"},
    {"x-host": EVIL},
    {"forwarded": f"for=1.2.3.4;host={EVIL};proto=http"},
    {"x-forwarded-prefix": "//evil.example"},
]


@pytest.mark.parametrize("headers", POISON, ids=lambda headers: " ".join(headers))
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/oidc/.well-known/openid-configuration"])
def test_o21_what_we_say_of_ourselves_never_comes_from_a_request(headers: dict[str, str], path: str) -> None:
    async def scene(world: World) -> None:
        plain = await world.browser().get(path)
        poisoned = await world.browser().get(path, **headers)
        assert poisoned.json() == plain.json()
        assert plain.json()["issuer"] == ISSUER
        assert all(v.startswith(ISSUER) for k, v in plain.json().items() if k.endswith(("_endpoint", "_uri")))
        assert poisoned.headers["cache-control"] == "public, max-age=300"

    play(scene)


@pytest.mark.parametrize("headers", POISON, ids=lambda headers: " ".join(headers))
def test_o21_no_redirect_page_or_metadata_names_the_requests_host(headers: dict[str, str]) -> None:
    """Whatever a proxy or an attacker writes into a header: every address that we give is made from the issuer."""

    async def scene(world: World) -> None:
        browser = world.browser()
        answers = [
            await browser.get(authorization(), **headers),
            await browser.post("/authorize", parameters(authorization()), **headers),
            await browser.get("/launch/crm?connection=acme", **headers),
            await browser.get("/oidc/logout", **headers),
            await browser.get("/v2/logout?client_id=crm", **headers),
            await browser.get("/samlp/metadata?connection=acme", **headers),
            await browser.get("/saml/metadata/acme", **headers),
            await browser.get("/nothing", **headers),
            await browser.get("/authorize/", **headers),
            await browser.post("/oauth/token/", {"a": "b"}, **headers),
        ]
        for answer in answers:
            assert answer.status_code < 500
            assert EVIL not in answer.text
            assert EVIL not in answer.headers.get("location", "")
        rung = await browser.post(
            "/login/callback?connection=acme",
            {"SAMLResponse": world.saml_response()},
            cross_site=True,
            **{name: value for name, value in headers.items() if name != "host"},
        )
        assert location(rung).startswith(f"{ISSUER}login/continue")

    play(scene)


def test_o21_the_key_set_has_unique_names_and_no_private_part() -> None:
    async def scene(world: World) -> None:
        answer = await world.browser().get("/.well-known/jwks.json")
        keys = answer.json()["keys"]
        assert len({key["kid"] for key in keys}) == len(keys) == 2
        assert {key["kty"] for key in keys} == {"RSA", "EC"}
        assert {key["use"] for key in keys} == {"sig"}
        assert not [key for key in keys if PRIVATE_PARTS & set(key)]
        assert answer.headers["cache-control"] == "public, max-age=60"
        for path in ("/samlp/metadata?connection=acme", "/saml/metadata/acme"):
            text = (await world.browser().get(path)).text
            assert "PRIVATE" not in text
            assert "KeyValue" not in text

    play(scene)


# -- O23, O24: what is not offered -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/oauth/register", "/oidc/register", "/connect/register", "/register", "/oidc/reg", "/clients"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_o23_clients_are_not_registered_by_strangers(path: str, method: str) -> None:
    """Neither registered nor changed nor read: applications come from the operator's configuration alone."""

    async def scene(world: World) -> None:
        body = '{"redirect_uris":["https://evil.example/"],"jwks_uri":"http://127.0.0.1/"}'
        sent = {"content-type": "application/json"}
        answer = await world.browser()._send(method, path, cross_site=False, headers=sent, content=body)
        assert answer.status_code == 404
        found = (await world.browser().get("/.well-known/openid-configuration")).json()
        assert "registration_endpoint" not in found
        assert len(await world.house.store.configured.applications()) == 2

    play(scene)


@pytest.mark.parametrize("key", ["jwks_uri", "jwks", "sector_identifier_uri", "request_uris", "logo_uri", "policy_uri"])
def test_o23_an_application_has_no_address_that_we_would_fetch(key: str) -> None:
    async def scene(world: World) -> None:
        document = configuration()
        document["applications"][0][key] = "http://169.254.169.254/latest/"
        with pytest.raises(Refused) as caught:
            await world.apply(document)
        assert caught.value.code == "configuration.invalid"
        assert key in caught.value.why

    play(scene)


def test_o24_tokens_bound_to_a_sender_are_not_promised() -> None:
    """A DPoP proof or a client certificate changes nothing, and the answer says Bearer, not DPoP."""

    async def scene(world: World) -> None:
        code = await sign_in(world)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": f"{CRM}/callback", "dpop_jkt": "x"}
        proof = {"dpop": "eyJ0eXAiOiJkcG9wK2p3dCJ9.e30.x", "x-client-cert": "MIIB", "authorization": basic()}
        answer = await world.browser().post("/oauth/token", form, origin=None, **proof)
        assert answer.json()["token_type"] == "Bearer"
        assert (await userinfo(world, answer.json()["access_token"])).status_code == 200
        told = await ask(world, "/userinfo", "", f"DPoP {answer.json()['access_token']}")
        assert told == (400, "invalid_request", "oidc.access_token_scheme")
        found = (await world.browser().get("/.well-known/openid-configuration")).json()
        assert not [name for name in found if "dpop" in name or "tls" in name or "mtls" in name]

    play(scene)


# -- O28: CORS -------------------------------------------------------------------------------------------------------

STRANGERS = [
    "https://evil.example",
    "null",
    "*",
    "",
    "http://crm.example",
    "https://crm.example.evil.example",
    "https://evilcrm.example",
    "https://sub.crm.example",
    "https://crm.example:8443",
    "https://crm.example:443",
    "https://CRM.example",
    "https://crm.example/",
    "https://crm.example/callback",
    "https://crm.example https://evil.example",
    "https://crm.example,https://evil.example",
    "https://crm.example@evil.example",
    "crm.example",
    "file://",
    "https://idp.acme.example",
    "https://login.crm.example",
]


@pytest.mark.parametrize("origin", STRANGERS)
def test_o28_no_strangers_origin_is_ever_reflected(origin: str) -> None:
    """At no door, for no method, in success and failure; and credentials are allowed to nobody."""

    async def scene(world: World) -> None:
        token = (await tokens(world))["access_token"]
        for method, path in doors():
            sent = {"origin": origin, "access-control-request-method": "POST", "authorization": f"Bearer {token}"}
            for one in {method, "OPTIONS"}:
                answer = await world.browser()._send(one, path, cross_site=True, headers=sent)
                allowed = answer.headers.get("access-control-allow-origin")
                assert allowed == ("*" if "well-known" in path and one == "GET" else None), (one, path)
                assert "access-control-allow-credentials" not in answer.headers
                assert "access-control-allow-private-network" not in answer.headers

    play(scene)


@pytest.mark.parametrize("origin", [CRM, SPA])
def test_o28_a_registered_origin_reads_the_machines_doors_and_no_persons_door(origin: str) -> None:
    async def scene(world: World) -> None:
        open_to_it = {"/oauth/token", "/oauth/revoke", "/userinfo"}
        for method, path in doors():
            answer = await world.browser()._send(method, path, cross_site=True, headers={"origin": origin})
            allowed = answer.headers.get("access-control-allow-origin")
            assert allowed == (origin if path in open_to_it else "*" if "well-known" in path else None), (method, path)
            assert "access-control-allow-credentials" not in answer.headers
            if path in open_to_it:
                assert answer.headers["vary"] == "Origin"

    play(scene)


# -- O29: enumeration ------------------------------------------------------------------------------------------------


def two_connections() -> dict[str, Any]:
    document = configuration()
    acme = document["connections"][0]
    for name, changes in (("globex", {}), ("hidden", {"applications": ["board"]}), ("off", {"enabled": False})):
        idp = {**acme["idp"], "entity_id": f"https://idp.{name}.example/"}
        more = {"name": name, "id": f"con_{name}", "domains": [{"name": f"{name}.example"}], "idp": idp}
        document["connections"].append({**acme, **more, "idp_initiated": {}, **changes})
    return document


def test_o29_an_email_address_does_not_tell_which_companies_are_customers() -> None:
    """Unknown domain, one of a disabled connection, one of another application's: the very same page."""

    async def scene(world: World) -> None:
        pages = []
        for domain in ("nowhere.example", "hidden.example", "off.example"):
            page = await world.browser().get(
                authorization(connection=None, login_hint=f"eve@{domain}"), cross_site=True
            )
            pages.append(page.text.replace(domain, "DOMAIN"))
        assert pages[0] == pages[1] == pages[2]

    play(scene, two_connections())


def test_o29_a_connection_that_cannot_be_used_is_told_to_the_application_in_the_same_words() -> None:
    async def scene(world: World) -> None:
        told = set()
        for name in ("nobody", "hidden", "off", "con_hidden"):
            got = parameters(location(await world.browser().get(authorization(connection=name), cross_site=True)))
            told.add((got["error"], got["error_description"]))
        assert len(told) == 1
        assert told.pop()[0] == "invalid_request"

    play(scene, two_connections())


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_o29_a_client_that_is_unknown_switched_off_or_wrong_is_told_the_same(path: str) -> None:
    """By header and by body: whether a name is registered, and by which method, does not show. The audit has the reason."""

    async def scene(world: World) -> None:
        told = set()
        for name in ("crm", "nobody", "off"):
            form = {"grant_type": "authorization_code", "code": "x", "token": "x"}
            for more, headers in (
                ({}, {"authorization": basic(name, "wrong")}),
                ({"client_id": name, "client_secret": "wrong"}, {}),
            ):
                answer = await world.browser().post(path, {**form, **more}, origin=None, **headers)
                told.add((answer.status_code, answer.text))
        assert len(told) == 1, told
        codes = {event.code for event in await world.house.store.events.latest(limit=50, kind="client.refused")}
        assert codes == (
            {"oidc.client_secret", "oidc.client_auth_method", "oidc.client_unknown"} if "token" in path else set()
        )

    document = configuration()
    off = {"client_id": "off", "name": "Off", "type": "web", "client_secret": "o" * 32, "enabled": False}
    document["applications"].append({**off, "redirect_uris": ["https://off.example/cb"]})
    play(scene, document)


def test_o29_whether_a_person_exists_shows_only_after_the_identity_provider_has_answered() -> None:
    """Known, unknown and blocked alike are sent upstream; a silent request is login_required for all of them."""

    async def scene(world: World) -> None:
        got = await tokens(world)
        person = (await userinfo(world, got["access_token"])).json()["sub"]
        for blocked in (False, True):
            await world.house.store.people.block(person, blocked=blocked)
            for who in ("ada@acme.example", "nobody@acme.example"):
                sent = await world.browser().get(authorization(login_hint=who), cross_site=True)
                assert location(sent).startswith("https://idp.acme.example/sso?")
                silent = await world.browser().get(authorization(login_hint=who, prompt="none"), cross_site=True)
                assert parameters(location(silent))["error"] == "login_required"

    play(scene)


def test_o29_pages_tell_people_apart_from_nothing_but_their_words() -> None:
    """An unknown and a switched-off application have one sentence; no page names a client, a connection or an address."""

    async def scene(world: World) -> None:
        unknown = await world.browser().get(authorization(client_id="nobody"), cross_site=True)
        assert await page_code(world, unknown) == "application.unknown"
        for secret in ("nobody", "crm.example/", "acme", "con_acme", "idp.acme.example"):
            assert secret not in unknown.text
        off = await world.browser().get(authorization(client_id="off"), cross_site=True)
        assert await page_code(world, off) == "application.disabled"
        told = [page.text.partition("<h1>")[2].partition("<dl")[0] for page in (unknown, off)]
        assert told[0] == told[1]

    document = configuration()
    off = {"client_id": "off", "name": "Off", "type": "web", "client_secret": "o" * 32, "enabled": False}
    document["applications"].append({**off, "redirect_uris": [f"{CRM}/callback"]})
    play(scene, document)
