"""Attack table O18 to O20: signing out leads nowhere that is not registered, and ends nobody's session on a foreign page's word."""

from urllib.parse import urlencode

import pytest
from tests.wire.attacker import claims, page_code, sign_in, tokens
from tests.wire.world import (
    CRM,
    ISSUER,
    MALLORY,
    SPA,
    WireBrowser,
    World,
    authorization,
    configuration,
    fields,
    location,
    moved_to,
    parameters,
    play,
)

from vestibule.ground.errors import ConfigurationRefused, Refused

HOME = f"{CRM}/"
OUT = f"{ISSUER}oidc/signed-out"

UNREGISTERED = [
    "https://evil.example/",
    CRM,
    f"{CRM}//",
    f"{CRM}/x",
    f"{CRM}/?",
    f"{CRM}/?next=https://evil.example/",
    f"{CRM}/#",
    f"{CRM}/#x",
    f"{CRM}/callback",
    "https://CRM.example/",
    "HTTPS://crm.example/",
    "https://crm.example:443/",
    "https://crm.example./",
    "http://crm.example/",
    "//crm.example/",
    "/",
    "https://crm.example.evil.example/",
    "https://crm.example@evil.example/",
    "https://evil.example@crm.example/",
    "https://crm.example@crm.example@evil.example/",
    "https://crm.example\\@evil.example/",
    "https://crm.example/\r\nSet-Cookie: a=b",
    "https://crm.example/ ",
    " https://crm.example/",
    f"{CRM}/.",
    f"{CRM}/%2e",
    f"{CRM}/x/..",
    f"{SPA}/",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://[2001:db8::1]/",
    "https://\u0441rm.example/",
]


def paths(uri: str) -> list[str]:
    """Both addresses at which an application signs somebody out."""
    return [
        "/oidc/logout?" + urlencode({"client_id": "crm", "post_logout_redirect_uri": uri, "state": "s"}),
        "/v2/logout?" + urlencode({"client_id": "crm", "returnTo": uri}),
    ]


async def is_signed_in(browser: WireBrowser) -> bool:
    answer = await browser.get(authorization(prompt="none"), cross_site=True)
    return "code" in parameters(location(answer))


@pytest.mark.parametrize("uri", UNREGISTERED)
def test_o18_an_address_that_is_not_registered_is_never_led_to(uri: str) -> None:
    """Neither at once, nor after the person's yes, nor for somebody who is not signed in at all."""

    async def scene(world: World) -> None:
        for path in paths(uri):
            browser = world.browser()
            await sign_in(world, browser)
            question = await browser.get(path, cross_site=True)
            form = fields(question)
            assert "location" not in question.headers
            assert await is_signed_in(browser)
            gone = await browser.post("/oidc/logout/confirm", {**form, "decision": "yes"})
            assert moved_to(gone) == OUT
            assert not await is_signed_in(browser)
            assert location(await world.browser().get(path, cross_site=True)) == OUT

    play(scene)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"state": "https://evil.example/"},
        {"client_id": "crm"},
        {"client_id": "crm", "state": "s"},
        {"client_id": "nobody", "post_logout_redirect_uri": HOME},
        {"client_id": "board", "post_logout_redirect_uri": HOME},
        {"client_id": "CRM", "post_logout_redirect_uri": HOME},
        {"post_logout_redirect_uri": HOME},
        {"client_id": "crm", "post_logout_redirect_uri": HOME, "id_token_hint": "no.to.ken"},
        {"client_id": "crm", "post_logout_redirect_uri": HOME, "id_token_hint": "x"},
        {"client_id": "crm", "logout_token": "a.b.c"},
        {"client_id": "crm", "returnTo": HOME},
        {"client_id": "crm", "redirect_uri": HOME},
        {"logout_hint": "ada@acme.example"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_o18_whoever_cannot_be_trusted_makes_the_person_be_asked(form: dict[str, str], method: str) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        await sign_in(world, browser)
        if method == "POST":
            sent = await browser.post("/oidc/logout", form, origin=CRM, cross_site=True)
            path = location(sent)
            assert path.startswith(f"{ISSUER}oidc/logout")
        else:
            path = "/oidc/logout?" + urlencode(form)
        question = await browser.get(path, cross_site=True)
        assert set(fields(question)) >= {"csrf"}
        assert await is_signed_in(browser)

    play(scene)


@pytest.mark.parametrize("change", ["another person", "another client", "modified", "cut", "of another session"])
def test_o18_a_hint_that_does_not_hold_is_worse_than_none(change: str) -> None:
    """Beside a client and address that would be trusted alone, a wrong hint still makes the person be asked."""

    async def scene(world: World) -> None:
        browser = world.browser()
        hint = (await tokens(world, browser))["id_token"]
        if change == "another person":
            hint = (await tokens(world, who=MALLORY))["id_token"]
        elif change == "of another session":
            hint = (await tokens(world))["id_token"]
        elif change == "modified":
            hint = hint[:-6] + "AAAAAA"
        elif change == "cut":
            hint = hint.rpartition(".")[0] + "."
        client = "board" if change == "another client" else "crm"
        uri = f"{SPA}/" if change == "another client" else HOME
        asked = {"client_id": client, "post_logout_redirect_uri": uri, "id_token_hint": hint}
        question = await browser.get("/oidc/logout?" + urlencode(asked), cross_site=True)
        assert fields(question)["id_token_hint"] == hint
        assert await is_signed_in(browser)

    play(scene)


def test_o18_the_registered_address_is_led_to_with_its_state() -> None:
    """Else the rows above could be refused for any reason."""

    async def scene(world: World) -> None:
        for path, where in zip(paths(HOME), (f"{HOME}?state=s", HOME), strict=True):
            browser = world.browser()
            await sign_in(world, browser)
            assert location(await browser.get(path, cross_site=True)) == where
            assert not await is_signed_in(browser)

    play(scene)


@pytest.mark.parametrize("forged", [{"csrf": "guess"}, {"csrf": ""}, {"csrf": None}])
def test_o18_no_other_page_says_yes_for_the_person(forged: dict[str, str | None]) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        await sign_in(world, browser)
        form = {**fields(await browser.get("/oidc/logout")), **forged, "decision": "yes"}
        sent = {name: value for name, value in form.items() if value is not None}
        page = await browser.post("/oidc/logout/confirm", sent)
        assert await page_code(world, page) == "request.csrf"
        assert await is_signed_in(browser)

    play(scene)


def test_o18_a_yes_from_another_site_comes_without_the_cookie() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        await sign_in(world, browser)
        form = {**fields(await browser.get("/oidc/logout")), "decision": "yes"}
        page = await browser.post("/oidc/logout/confirm", form, origin="https://evil.example", cross_site=True)
        assert await page_code(world, page) == "request.csrf"
        assert await is_signed_in(browser)

    play(scene)


@pytest.mark.parametrize(
    "uri", ["https://crm.example/*", "http://crm.example/", "https://u@crm.example/", "javascript:x"]
)
def test_o18_an_address_that_can_be_read_two_ways_cannot_be_registered(uri: str) -> None:
    async def scene(world: World) -> None:
        document = configuration()
        document["applications"][0]["post_logout_redirect_uris"] = [uri]
        with pytest.raises(ConfigurationRefused) as caught:
            await world.apply(document)
        assert "application.redirect_uri" in {fault.code for fault in caught.value.faults}

    play(scene)


# -- O19, O20: what is not offered -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "backchannel_logout_uri",
        "backchannel_logout_session_required",
        "frontchannel_logout_uri",
        "frontchannel_logout_session_required",
    ],
)
def test_o19_no_address_for_logout_tokens_can_be_configured_so_none_is_ever_called(key: str) -> None:
    async def scene(world: World) -> None:
        document = configuration()
        document["applications"][0][key] = "http://169.254.169.254/"
        with pytest.raises(Refused) as caught:
            await world.apply(document)
        assert caught.value.code == "configuration.invalid"
        assert key in caught.value.why

    play(scene)


@pytest.mark.parametrize(
    "path", ["/backchannel_logout", "/oidc/backchannel", "/oidc/logout/backchannel", "/saml/slo/acme"]
)
def test_o19_there_is_no_door_for_a_logout_token_or_a_logout_request(path: str) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        await sign_in(world, browser)
        forged = {"logout_token": "eyJhbGciOiJub25lIn0.e30.", "SAMLRequest": "PHg-", "SAMLResponse": "PHg-"}
        assert (await browser.post(path, forged)).status_code == 404
        assert (await browser.get(f"{path}?logout_token=x")).status_code == 404
        assert await is_signed_in(browser)

    play(scene)


def test_o20_neither_front_channel_logout_nor_a_session_iframe_is_announced_or_framable() -> None:
    async def scene(world: World) -> None:
        found = (await world.browser().get("/.well-known/openid-configuration")).json()
        assert "check_session_iframe" not in found
        assert not [name for name in found if "frontchannel" in name or "backchannel" in name]
        for path in ("/oidc/logout", "/oidc/signed-out", "/session/check", "/oidc/session/check"):
            page = await world.browser().get(path)
            assert page.headers["x-frame-options"] == "DENY"
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]

    play(scene)


def test_o19_signing_out_here_ends_what_the_session_gave_but_not_what_was_meant_to_outlive_it() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        online = await world.redeem(await sign_in(world, browser))
        offline = await tokens(world, browser, prompt="login", said={"authn_instant": world.clock.now()})
        assert (await claims(world, offline["id_token"]))["sid"] == (await claims(world, online.json()["id_token"]))[
            "sid"
        ]
        await browser.get(paths(HOME)[0], cross_site=True)
        for token, status in ((online.json()["access_token"], 401), (offline["access_token"], 200)):
            answer = await world.browser().get("/userinfo", authorization=f"Bearer {token}")
            assert answer.status_code == status

    play(scene)
