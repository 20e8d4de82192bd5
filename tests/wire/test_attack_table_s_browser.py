"""Rows of attack table S about the browser and the request: where it is led, what it carries, what it is shown."""

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from tests.wire.test_attack_table_s import ACCEPT, ACS, SCRIPT, posted, started, turned_away
from tests.wire.test_refusals import code_behind
from tests.wire.world import (
    CRM,
    HOST,
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
    refused,
)

# -- the browser -----------------------------------------------------------------------------------------------------------

HOSTILE_RELAY_STATES = (
    "https://evil.example/",
    "https://evil.example/app/",
    "//evil.example/",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https://crm.example@evil.example/app/",
    "https://crm.example.evil.example/app/",
    "https://crm.example\\@evil.example/app/",
    "https://crm.example/app/../../evil",
    "https://crm.example/app/%2e%2e/evil",
    "https://crm.example/application/",
    "http://crm.example/app/",
    "https://crm.example:8443/app/",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "\tjavascript:alert(1)",
    "https://crm.example/app/\r\nLocation: https://evil.example/",
    "https://crm.example/app/\u2028x",
    f"https://evil.example/{'a' * 100_000}",
    SCRIPT,
)


@pytest.mark.parametrize("use", ["ignore", "route", "target_link_uri"])
def test_s79_a_relay_state_leads_nowhere_that_is_not_registered(use: str) -> None:
    """A tile with it is the same as a tile without it."""

    async def scene(world: World) -> None:
        for hostile in (None, *HOSTILE_RELAY_STATES):
            browser = world.browser()
            landed = await world.tile(browser, relay_state=hostile)
            assert location(landed).startswith(f"{ISSUER}login/continue?arrival=")
            onward = location(await browser.get(location(landed), cross_site=True))
            assert onward.startswith(f"{CRM}/login?"), hostile
            assert "target_link_uri" not in parameters(onward), hostile
            assert "evil" not in onward, hostile

    play(scene, configuration(relay_state=use))


@pytest.mark.parametrize("hostile", HOSTILE_RELAY_STATES)
def test_s79_the_relay_state_of_an_answer_is_not_looked_at(hostile: str) -> None:
    """Where a solicited login goes on was decided when it was started."""

    async def scene(world: World) -> None:
        browser, sent = await started(world)
        value = world.saml_response(in_response_to=asked(sent).id)
        landed = location(await posted(browser, value, RelayState=hostile))
        assert landed.startswith(f"{ISSUER}login/continue?login=")
        assert location(await browser.get(landed, cross_site=True)).startswith(f"{CRM}/callback?code=")

    play(scene)


def test_s79_direct_delivery_carries_a_relay_state_as_data_alone() -> None:
    """`relay_state: state` hands it to the application as `state`, escaped, at the registered address."""

    async def scene(world: World) -> None:
        for hostile in HOSTILE_RELAY_STATES:
            page = await world.tile(world.browser(), relay_state=hostile)
            url = location(page)
            assert url.startswith(f"{CRM}/callback?"), hostile
            assert parameters(url).get("state") in (None, hostile)

    policy = {**ACCEPT, "delivery": "direct", "accept_application_login_csrf_risk": True, "relay_state": "state"}
    play(scene, configuration(**policy))


@pytest.mark.parametrize("signed_in", [False, True])
def test_s80_the_attackers_own_answer_is_refused_in_the_victims_browser(signed_in: bool) -> None:
    """Whether the victim has a session already or none, and has a login of his own on its way: both stay as they were."""

    async def scene(world: World) -> None:
        attacker, sent = await started(world)
        victim, own = await started(world)
        if signed_in:
            await victim.get(location(await world.answer(victim, own)), cross_site=True)
            own = await victim.get(authorization(prompt="login"), cross_site=True)
        before = dict(victim.jar)
        page = await world.answer(victim, sent, MALLORY)
        assert await code_behind(world, refused(page, 400)) == "login.other_browser"
        assert victim.jar == before
        assert location(await world.answer(victim, own, authn_instant=world.clock.now()))
        assert location(await world.answer(attacker, sent, MALLORY))

    play(scene)


def test_s81_a_cookie_of_a_sibling_site_is_no_cookie_of_ours() -> None:
    """Without the prefix that only our host can set, a login's value means nothing."""

    async def scene(world: World) -> None:
        attacker, sent = await started(world)
        (name,) = attacker.names("__Host-vst-login-")
        victim = world.browser()
        for tossed in (name.removeprefix("__Host-"), name.replace("__Host-", "__host-"), f"x{name}", f" {name}x"):
            victim.jar = {tossed: attacker.jar[name]}
            page = await world.answer(victim, sent, MALLORY)
            assert await code_behind(world, refused(page, 400)) == "login.other_browser"
        victim.jar = {}

    play(scene)


def test_s81_two_tabs_finish_two_logins_in_either_order() -> None:
    """Each with its own cookie, and the session's id is another after each."""

    async def scene(world: World) -> None:
        browser = world.browser()
        first = await browser.get(authorization(state="first"), cross_site=True)
        second = await browser.get(authorization(state="second"), cross_site=True)
        assert len(browser.names("__Host-vst-login-")) == 2
        sessions = []
        for sent, state in ((second, "second"), (first, "first")):
            landed = location(await world.answer(browser, sent))
            assert parameters(location(await browser.get(landed, cross_site=True)))["state"] == state
            sessions.append(browser.jar["__Host-vst-sid"])
        assert sessions[0] != sessions[1]

    play(scene)


def test_s81_without_its_cookie_an_answer_is_refused() -> None:
    """A Lax cookie would not come with a cross-site post; ours is None, and one that is lost is not done without."""

    async def scene(world: World) -> None:
        browser, sent = await started(world)
        (name,) = browser.names("__Host-vst-login-")
        assert browser.jar[name][1] == "none"
        browser.jar.clear()
        await turned_away(world, browser, await world.answer(browser, sent), 400, "login.other_browser")

    play(scene)


# -- the request -----------------------------------------------------------------------------------------------------------


def test_s85_a_body_without_a_length_is_cut_off_at_the_limit() -> None:
    """Chunked: it is refused before it is read to its end."""

    async def scene(world: World) -> None:
        sent = 0

        async def body() -> AsyncIterator[bytes]:
            nonlocal sent
            yield b"SAMLResponse="
            for _ in range(1_000):
                sent += 100_000
                yield b"A" * 100_000

        headers = {"content-type": "application/x-www-form-urlencoded"}
        browser = world.browser()
        page = await browser.client.post(ACS, content=body(), headers=headers)
        assert await code_behind(world, refused(page, 413)) == "request.too_large"
        assert sent <= 1_800_000

    play(scene)


@pytest.mark.parametrize("count", [101, 500_000])
def test_s85_many_fields_are_refused_by_their_number(count: int) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        page = await browser.post(
            ACS, "&".join(("a=",) * count) if count > 101 else urlencode({f"f{n}": n for n in range(count)})
        )
        await turned_away(world, browser, page, 400, "request.too_many_fields")

    play(scene)


# -- what is shown and written ---------------------------------------------------------------------------------------------


def test_s91_what_a_message_says_is_never_markup() -> None:
    """A name, a qualifier, attributes and a RelayState that are scripts: the question shows the name as text."""

    async def scene(world: World) -> None:
        browser = world.browser()
        landed = await world.tile(
            browser,
            f'"><img src=x onerror=alert(1)>{SCRIPT}',
            relay_state=SCRIPT,
            name_qualifier=SCRIPT,
            session_index=SCRIPT,
            attributes={SCRIPT: (SCRIPT,), "mail": (SCRIPT,), "displayName": (SCRIPT,)},
        )
        page = await browser.get(location(landed), cross_site=True)
        assert fields(page)
        assert "&lt;script&gt;alert(1)" in page.text
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy

    play(scene, configuration(unsolicited="confirm"))


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": SCRIPT},
        {"audience": SCRIPT},
        {"destination": SCRIPT},
        {"in_response_to": SCRIPT},
        {"assertion_id": "_x\" onload='"},
    ],
)
def test_s91_a_refusal_shows_nothing_of_the_message(changes: dict[str, str]) -> None:
    async def scene(world: World) -> None:
        page = await world.tile(world.browser(), **changes)
        refused(page, 400)
        assert "alert(1)" not in page.text
        assert "onload" not in page.text

    play(scene)


def test_s92_nothing_that_is_sent_begins_a_line_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Line breaks and escape sequences in the address, the fields and the message stay within one line, escaped."""

    async def scene(world: World) -> None:
        capsys.readouterr()
        forged = "x\r\nforged code=login.succeeded \x1b[31mred\u2028y"
        browser = world.browser()
        await browser.post("/login/callback?" + urlencode({"connection": forged}), {"SAMLResponse": "AAAA"})
        await browser.post("/saml/acs/" + "x%0d%0aforged%20code=login.succeeded", {"SAMLResponse": "AAAA"})
        await world.tile(browser, issuer=forged.replace("\x1b", ""), relay_state=forged)
        await browser.post(ACS, {"SAMLResponse": "AAAA", forged: forged})
        logged = "".join(capsys.readouterr())
        assert logged.count("refused") >= 4
        assert not [line for line in logged.splitlines() if line.startswith("forged")]
        assert "\x1b[31mred" not in logged

    play(scene)


# -- messages that nobody takes yet ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_s96_s97_s98_s99_no_logout_message_is_taken_and_none_is_asked_for(method: str) -> None:
    """The address answers 404, the metadata does not name it, and no session ends."""

    async def scene(world: World) -> None:
        browser, sent = await started(world)
        await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        session = browser.jar["__Host-vst-sid"]
        message = {"SAMLRequest": world.saml_response(), "SigAlg": "x", "Signature": "AAAA"}
        for path in ("/saml/slo/acme", "/saml/slo/", "/samlp/crm/logout", "/samlp/crm"):
            if method == "GET":
                page = await browser.get(f"{path}?{urlencode(message)}"[:8000], cross_site=True)
            else:
                page = await browser.post(path, message, cross_site=True)
            assert page.status_code == 404
            assert "set-cookie" not in page.headers
        assert browser.jar["__Host-vst-sid"] == session
        assert code_of(await browser.get(authorization(prompt="none"), cross_site=True))
        metadata = await browser.get("/saml/metadata/acme")
        assert "SingleLogoutService" not in metadata.text
        assert HOST in metadata.text

    play(scene)
