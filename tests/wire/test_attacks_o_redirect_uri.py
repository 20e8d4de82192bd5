"""Attack table O, where answers may go: a redirect URI that is not registered is told to the person and to nobody else."""

from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from tests.wire.attacker import CALLBACK, CHALLENGE, error_code, page_code, redeeming, sign_in
from tests.wire.world import CRM, World, authorization, code_of, configuration, location, parameters, play

from vestibule.ground.errors import ConfigurationRefused

UNREGISTERED = "oidc.redirect_uri_unregistered"
EVIL = "evil.example"

LOOKALIKES = {
    "another host": f"https://{EVIL}/callback",
    "subdomain": "https://sub.crm.example/callback",
    "subdomain www": "https://www.crm.example/callback",
    "parent domain": "https://example/callback",
    "prefix glued on": "https://evilcrm.example/callback",
    "appended domain": f"https://crm.example.{EVIL}/callback",
    "appended tld": "https://crm.example.com/callback",
    "trailing dot": "https://crm.example./callback",
    "path suffix": f"{CALLBACK}/evil",
    "path glued on": f"{CALLBACK}evil",
    "path prefix": f"{CRM}/evil/callback",
    "path parameter": f"{CALLBACK};evil",
    "trailing slash": f"{CALLBACK}/",
    "doubled slash": f"{CRM}//callback",
    "no path": CRM,
    "root": f"{CRM}/",
    "wildcard": f"{CRM}/*",
    "userinfo, we as user": f"https://crm.example@{EVIL}/callback",
    "userinfo, we as user and path": f"https://crm.example%2Fcallback@{EVIL}/",
    "userinfo, we as host": f"https://{EVIL}@crm.example/callback",
    "userinfo with password": f"https://crm.example:443@{EVIL}/callback",
    "userinfo, several": f"https://crm.example@crm.example@{EVIL}/callback",
    "userinfo, several, we last": f"https://{EVIL}@{EVIL}@crm.example/callback",
    "userinfo, empty": "https://@crm.example/callback",
    "userinfo, encoded at": f"https://crm.example%40{EVIL}/callback",
    "userinfo, backslash": f"https://{EVIL}\\@crm.example/callback",
    "userinfo in the path": f"{CALLBACK}@{EVIL}",
    "backslashes": "https:\\\\crm.example\\callback",
    "backslash host": f"https://crm.example\\.{EVIL}/callback",
    "case of the scheme": "HTTPS://crm.example/callback",
    "case of the host": "https://CRM.example/callback",
    "case of the path": f"{CRM}/Callback",
    "default port": "https://crm.example:443/callback",
    "empty port": "https://crm.example:/callback",
    "another port": "https://crm.example:8443/callback",
    "port as text": "https://crm.example:0443/callback",
    "plain http": "http://crm.example/callback",
    "another scheme": "com.crm.example:/callback",
    "no scheme": "//crm.example/callback",
    "only a path": "/callback",
    "only a query": "?x=1",
    "javascript": "javascript:alert(1)//crm.example/callback",
    "data": "data:text/html,https://crm.example/callback",
    "added query": f"{CALLBACK}?next=https://{EVIL}/",
    "empty query": f"{CALLBACK}?",
    "code in the query": f"{CALLBACK}?code=stolen",
    "fragment": f"{CALLBACK}#{EVIL}",
    "empty fragment": f"{CALLBACK}#",
    "dots": f"{CRM}/x/../callback",
    "dots up and away": f"{CALLBACK}/../../evil",
    "one dot": f"{CRM}/./callback",
    "encoded dots": f"{CRM}/x/%2e%2e/callback",
    "doubly encoded dots": f"{CRM}/x/%252e%252e/callback",
    "encoded slash": f"{CRM}%2Fcallback",
    "encoded letter": f"{CRM}/%63allback",
    "encoded whole": quote(CALLBACK, safe=""),
    "homograph": "https://\u0441rm.example/callback",
    "full width": "https://crm。example/callback",
    "punycode": "https://xn--rm-4lc.example/callback",
    "sharp s": "https://crm.exampleß/callback",
    "ideographic slash": f"https://{EVIL}\u2044.crm.example/callback",
    "ipv4": "https://203.0.113.7/callback",
    "ipv4 as a number": "https://3405803783/callback",
    "ipv6": "https://[2001:db8::1]/callback",
    "ipv6 loopback": "http://[::1]/callback",
    "ipv4 in ipv6": "https://[::ffff:203.0.113.7]/callback",
    "localhost": "http://localhost/callback",
    "loopback": "http://127.0.0.1/callback",
    "space before": f" {CALLBACK}",
    "space behind": f"{CALLBACK} ",
    "tab": f"{CALLBACK}\t",
    "line break": f"{CALLBACK}\r\nSet-Cookie: a=b",
    "line break within": "https://crm.exa\nmple/callback",
    "zero width": "https://crm.example\u200b/callback",
    "two in one": f"{CALLBACK} https://{EVIL}/",
    "two by comma": f"{CALLBACK},https://{EVIL}/",
    "another application's": "https://board.example/callback",
    "our own": "https://login.crm.example/authorize",
    "sign-out address": f"{CRM}/x",
    "entrance": f"{CRM}/login",
    "very long": f"{CALLBACK}?{'a' * 6000}",
}


@pytest.mark.parametrize("uri", LOOKALIKES.values(), ids=LOOKALIKES.keys())
def test_o1_a_lookalike_of_a_registered_redirect_uri_gets_a_page_and_never_a_redirect(uri: str) -> None:
    """Neither from the identity provider's door, nor silently from a session that could answer at once."""

    async def scene(world: World) -> None:
        browser = world.browser()
        await sign_in(world, browser)
        for changes in ({}, {"prompt": "none"}, {"response_mode": "form_post"}, {"response_mode": "fragment"}):
            page = await browser.get(authorization(redirect_uri=uri, **changes), cross_site=True)
            assert await page_code(world, page) == UNREGISTERED
            assert EVIL not in page.text
            assert "code=" not in page.text
            assert "form_post" not in page.text

    play(scene)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("%00", "request.encoding"),
        ("%ff", "request.encoding"),
        ("%", "request.encoding"),
        ("", "oidc.redirect_uri_missing"),
    ],
)
def test_o1_a_redirect_uri_that_is_no_text_gets_a_page(name: str, code: str) -> None:
    async def scene(world: World) -> None:
        uri = quote(CALLBACK, safe="") + name if name else ""
        page = await world.browser().get(f"/authorize?client_id=crm&response_type=code&redirect_uri={uri}")
        assert await page_code(world, page) == code

    play(scene)


FAULTS = [
    {"response_type": "nonsense"},
    {"response_type": None},
    {"request": "eyJhbGciOiJub25lIn0.e30."},
    {"request_uri": f"https://{EVIL}/"},
    {"prompt": "none"},
    {"prompt": "none login"},
    {"max_age": "soon"},
    {"code_challenge_method": "plain", "code_challenge": "x"},
    {"connection": "nobody"},
    {"scope": "nothing"},
    {"response_mode": "web_message"},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: " ".join(map(str, fault)))
def test_o17_no_fault_of_a_request_is_reported_to_an_address_that_is_not_registered(fault: dict[str, Any]) -> None:
    """Else every error would be an open redirect [RFC 9700 4.11.2]."""

    async def scene(world: World) -> None:
        asked_for = authorization(redirect_uri=f"https://{EVIL}/callback", **fault)
        assert await page_code(world, await world.browser().get(asked_for, cross_site=True)) == UNREGISTERED

    play(scene)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client_id": "nobody"}, "application.unknown"),
        ({"client_id": "CRM"}, "application.unknown"),
        ({"client_id": "crm "}, "application.unknown"),
        ({"client_id": None}, "oidc.invalid_request"),
        ({"client_id": ""}, "oidc.invalid_request"),
        ({"client_id": "board"}, UNREGISTERED),
    ],
)
def test_o17_no_fault_of_a_client_is_reported_to_the_address_that_it_names(changes: dict[str, Any], code: str) -> None:
    async def scene(world: World) -> None:
        page = await world.browser().get(authorization(**changes), cross_site=True)
        assert await page_code(world, page) == code

    play(scene)


def test_o17_a_disabled_application_is_sent_nothing() -> None:
    async def scene(world: World) -> None:
        page = await world.browser().get(authorization(), cross_site=True)
        assert await page_code(world, page) == "application.disabled"

    document = configuration()
    document["applications"][0]["enabled"] = False
    document["connections"][0]["idp_initiated"] = {}
    play(scene, document)


def test_o1_a_posted_request_is_judged_the_same() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        form = parameters(authorization(redirect_uri=f"https://crm.example@{EVIL}/callback"))
        round_trip = location(await browser.post("/authorize", form, origin=CRM, cross_site=True))
        assert urlsplit(round_trip).netloc == "login.crm.example"
        assert await page_code(world, await browser.get(round_trip, cross_site=True)) == UNREGISTERED

    play(scene)


def test_o1_home_realm_discovery_is_no_way_round() -> None:
    """The page's form carries the request's parameters; they are judged again when they come back."""

    async def scene(world: World) -> None:
        browser = world.browser()
        form = {**parameters(authorization(redirect_uri=f"https://{EVIL}/")), "email": "ada@acme.example"}
        moved = await browser.post("/login/realm", form)
        assert f"https://{EVIL}/" not in moved.text
        assert "login.crm.example/authorize?" in moved.text
        page = await browser.get("/authorize?" + "&".join(f"{k}={quote(v, safe='')}" for k, v in form.items()))
        assert await page_code(world, page) == UNREGISTERED

    play(scene)


def test_o1_a_redirect_uri_that_is_taken_away_during_the_login_gets_nothing_any_more() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        landed = location(await world.answer(browser, sent))
        document = configuration()
        document["applications"][0]["redirect_uris"] = [f"{CRM}/direct"]
        await world.apply(document)
        assert await page_code(world, await browser.get(landed, cross_site=True)) == UNREGISTERED
        assert not browser.names("__Host-vst-sid")

    play(scene)


def native() -> dict[str, Any]:
    document = configuration()
    document["applications"].append(
        {
            "client_id": "app",
            "name": "App",
            "type": "native",
            "redirect_uris": ["http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"],
        }
    )
    document["connections"][0]["applications"].append("app")
    return document


NATIVE_LOOKALIKES = [
    "http://localhost:5000/cb",
    "http://127.0.0.1:5000/other",
    "http://127.0.0.1:5000/cb/",
    "http://127.0.0.1:5000/cb?x=1",
    "http://127.0.0.1:5000/cb#f",
    "http://127.0.0.1:0/cb",
    "http://127.0.0.1:65536/cb",
    "http://127.0.0.1:99999999/cb",
    "http://127.0.0.1:/cb",
    "http://127.0.0.1:-1/cb",
    "http://127.0.0.1:٣/cb",
    "http://127.0.0.2:5000/cb",
    "http://127.1:5000/cb",
    "http://2130706433:5000/cb",
    "http://0x7f000001:5000/cb",
    "http://[::1%25lo]:5000/cb",
    "http://[0:0:0:0:0:0:0:1]:5000/cb",
    "http://[::ffff:127.0.0.1]:5000/cb",
    "https://127.0.0.1:5000/cb",
    f"http://127.0.0.1:5000@{EVIL}/cb",
    f"http://127.0.0.1.{EVIL}:5000/cb",
    f"http://{EVIL}#127.0.0.1:5000/cb",
    "HTTP://127.0.0.1:5000/cb",
    "com.example.app:/cb/evil",
    "com.example.app://cb",
    "com.example.app.evil:/cb",
    "COM.example.app:/cb",
]


@pytest.mark.parametrize("uri", NATIVE_LOOKALIKES)
def test_o1_of_a_native_applications_loopback_address_only_the_port_may_vary(uri: str) -> None:
    """The positive beside it: another port of the same literal is answered [RFC 8252 7.3]."""

    async def scene(world: World) -> None:
        browser = world.browser()
        page = await browser.get(authorization("app", redirect_uri=uri, **CHALLENGE), cross_site=True)
        assert await page_code(world, page) == UNREGISTERED
        good = "http://127.0.0.1:5000/cb"
        silent = await browser.get(authorization("app", redirect_uri=good, prompt="none", **CHALLENGE))
        assert location(silent).startswith(f"{good}?error=login_required")

    play(scene, native())


@pytest.mark.parametrize(
    "uri",
    [
        f"{CRM}/*",
        "https://*.crm.example/callback",
        f"{CALLBACK}#x",
        "http://crm.example/callback",
        "https://user@crm.example/callback",
        "https://crm.example@evil.example/callback",
        f"{CRM}/x/../callback",
        f"{CRM}/x/%2e%2e/callback",
        "javascript:alert(1)",
        "//crm.example/callback",
        "com.example.app:/cb",
    ],
)
def test_o1_what_two_readers_could_read_differently_cannot_be_registered(uri: str) -> None:
    async def scene(world: World) -> None:
        document = configuration()
        document["applications"][0]["redirect_uris"] = [uri]
        with pytest.raises(ConfigurationRefused) as caught:
            await world.apply(document)
        assert "application.redirect_uri" in {fault.code for fault in caught.value.faults}

    play(scene)


def test_o1_the_registered_address_is_answered() -> None:
    """Else the rows above could be refused for any reason."""

    async def scene(world: World) -> None:
        for uri in (CALLBACK, f"{CRM}/direct"):
            browser = world.browser()
            assert await sign_in(world, browser, redirect_uri=uri)
            silent = await browser.get(authorization(redirect_uri=uri, prompt="none"), cross_site=True)
            assert code_of(silent, uri)
        error = await world.browser().get(authorization(response_type="nonsense"), cross_site=True)
        assert await error_code(world, error) == ("unsupported_response_type", "oidc.unsupported_response_type")

    play(scene)


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "",
        f"{CRM}/direct",
        f"{CALLBACK}/",
        f"{CALLBACK}?x=1",
        f"{CALLBACK}#x",
        "https://CRM.example/callback",
        "https://crm.example:443/callback",
        f"https://{EVIL}/",
    ],
)
def test_o2_a_code_is_redeemed_with_the_redirect_uri_that_it_was_sent_to(uri: str | None) -> None:
    """Another one that is registered for the same application is no better; and no mistake burns the code."""

    async def scene(world: World) -> None:
        code = await sign_in(world)
        told = await redeeming(world, code, redirect_uri=uri)
        assert told == (400, "invalid_grant", "oidc.code_redirect_uri")
        assert (await world.redeem(code)).status_code == 200

    play(scene)
