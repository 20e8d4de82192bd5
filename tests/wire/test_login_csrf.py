"""Login CSRF: an attacker's own fresh response, put into the victim's browser, never signs the victim in as the attacker."""

from typing import Any

import pytest
from tests.builders_saml import idp_key
from tests.wire.test_attack_table_s import GLOBEX, two_connections
from tests.wire.test_refusals import code_behind
from tests.wire.world import (
    ADA,
    CRM,
    ISSUER,
    MALLORY,
    WireBrowser,
    World,
    authorization,
    code_of,
    configuration,
    fields,
    location,
    moved_to,
    play,
    refused,
    words,
)

EVIL = "https://evil.example"
ACCEPT: dict[str, Any] = {"unsolicited": "accept", "accept_login_csrf_risk": True}
DIRECT: dict[str, Any] = {"delivery": "direct", "accept_application_login_csrf_risk": True}


async def attack(world: World, victim: WireBrowser) -> str:
    """The attacker's page posts his own fresh response from the victim's browser; where that leads."""
    return location(await world.tile(victim, MALLORY, origin=EVIL))


async def signed_in(world: World, browser: WireBrowser, who: str = ADA) -> None:
    sent = await browser.get(authorization(), cross_site=True)
    landed = location(await world.answer(browser, sent, who))
    code_of(await browser.get(landed, cross_site=True))


@pytest.mark.parametrize("delivery", [{}, DIRECT])
def test_under_restart_the_victim_is_asked_when_the_fresh_answer_names_somebody_else(delivery: dict[str, Any]) -> None:
    """The bell said Mallory, the fresh answer says Ada: a question, and nothing is issued before it is answered."""

    async def scene(world: World) -> None:
        victim = world.browser()
        landed = await victim.get(await attack(world, victim), cross_site=True)
        if not delivery:
            assert location(landed).startswith(f"{CRM}/login?")
            landed = await victim.get(authorization(), cross_site=True)
        question = await victim.get(location(await world.answer(victim, landed, ADA)), cross_site=True)
        assert ADA in words(question)
        assert MALLORY not in words(question)
        assert not victim.names("__Host-vst-sid")
        assert not victim.names("__Host-vst-seen")

    play(scene, configuration(**delivery))


def test_under_restart_no_ends_on_a_page_and_issues_nothing() -> None:
    async def scene(world: World) -> None:
        victim = world.browser()
        await victim.get(await attack(world, victim), cross_site=True)
        sent = await victim.get(authorization(), cross_site=True)
        question = await victim.get(location(await world.answer(victim, sent, ADA)), cross_site=True)
        declined = await victim.post("/login/confirm", {**fields(question), "decision": "no"})
        assert f"{CRM}/login" in declined.text
        assert not victim.names("__Host-vst-sid")
        assert "login.succeeded" not in await world.kinds()
        again = await victim.post("/login/confirm", {**fields(question), "decision": "yes"})
        refused(again, 400)

    play(scene)


def test_under_restart_yes_to_the_mismatch_goes_on_as_the_fresh_person() -> None:
    async def scene(world: World) -> None:
        victim = world.browser()
        await victim.get(await attack(world, victim), cross_site=True)
        sent = await victim.get(authorization(), cross_site=True)
        question = await victim.get(location(await world.answer(victim, sent, ADA)), cross_site=True)
        moved = moved_to(await victim.post("/login/confirm", {**fields(question), "decision": "yes"}))
        assert moved.startswith(f"{CRM}/callback?code=")

    play(scene)


@pytest.mark.parametrize("policy", [{"unsolicited": "confirm"}, ACCEPT])
def test_steering_the_victim_straight_to_the_application_issues_nothing(policy: dict[str, Any]) -> None:
    """The post is never followed to its page; the victim's browser is sent to the application's login instead."""

    async def scene(world: World) -> None:
        victim = world.browser()
        await attack(world, victim)
        page = await victim.get(authorization(prompt="login"), cross_site=True)
        assert MALLORY in words(page)
        assert "code=" not in page.text
        assert not victim.names("__Host-vst-sid")
        silent = location(await victim.get(authorization(prompt="none"), cross_site=True))
        assert "error=login_required" in silent

    play(scene, configuration(**policy))


@pytest.mark.parametrize(
    "origin", [EVIL, None, "null", "https://idp.acme.example.evil.example", "http://idp.acme.example"]
)
def test_under_accept_a_post_from_a_foreign_origin_becomes_a_question(origin: str | None) -> None:
    async def scene(world: World) -> None:
        victim = world.browser()
        landed = location(await world.tile(victim, MALLORY, origin=origin))
        page = await victim.get(landed, cross_site=True)
        assert MALLORY in words(page)
        assert not victim.names("__Host-vst-sid")

    play(scene, configuration(**ACCEPT, **DIRECT))


@pytest.mark.parametrize(
    ("listed", "origin"), [("*", EVIL), ("*", None), ("null", "null"), ("null", None), (EVIL, EVIL)]
)
def test_post_origins_let_accept_believe_what_it_lists(listed: str, origin: str | None) -> None:
    """The positive control: with the weaker choice made by name, the attack works."""

    async def scene(world: World) -> None:
        victim = world.browser()
        assert code_of(await world.tile(victim, MALLORY, origin=origin))

    play(scene, configuration(**ACCEPT, **DIRECT, post_origins=[listed]))


def test_a_yes_after_steering_goes_back_to_the_same_request_and_only_then_answers_it() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        location(await world.tile(browser, ADA))
        page = await browser.get(authorization(state="kept"), cross_site=True)
        back = moved_to(await browser.post("/login/confirm", {**fields(page), "decision": "yes"}))
        assert back.startswith(f"{ISSUER}authorize?")
        assert "state=kept" in location(await browser.get(back))

    play(scene, configuration(unsolicited="confirm"))


def test_a_confirm_post_needs_the_browsers_own_cookie_token_and_page() -> None:
    """A foreign page cannot answer for the person: no Lax cookie, no token, and another origin."""

    async def scene(world: World) -> None:
        victim = world.browser()
        page = await victim.get(await attack(world, victim), cross_site=True)
        form = {**fields(page), "decision": "yes"}
        refused(await victim.post("/login/confirm", form, cross_site=True), 400)
        refused(await victim.post("/login/confirm", form, origin=EVIL), 400)
        refused(await victim.post("/login/confirm", {**form, "csrf": "guess"}), 400)
        refused(await victim.post("/login/confirm", {**form, "resume": "client_id=crm"}), 400)
        refused(await world.browser().post("/login/confirm", form), 400)
        assert moved_to(await victim.post("/login/confirm", form))

    play(scene, configuration(unsolicited="confirm"))


@pytest.mark.parametrize("policy", [{}, {"unsolicited": "confirm"}, ACCEPT])
def test_on_a_shared_browser_another_person_is_never_let_in_without_the_question(policy: dict[str, Any]) -> None:
    """Ada was last here; Mallory's tile, even from the right origin, asks first and leaves Ada's session alone."""

    async def scene(world: World) -> None:
        browser = world.browser()
        await signed_in(world, browser)
        session, seen = browser.jar["__Host-vst-sid"], browser.jar["__Host-vst-seen"]
        page = await browser.get(location(await world.tile(browser, MALLORY)), cross_site=True)
        if page.status_code == 303:
            sent = await browser.get(authorization(), cross_site=True)
            page = await browser.get(location(await world.answer(browser, sent, MALLORY)), cross_site=True)
        assert MALLORY in words(page)
        assert browser.jar["__Host-vst-sid"] == session
        assert browser.jar["__Host-vst-seen"] == seen

    play(scene, configuration(**policy))


@pytest.mark.parametrize("policy", [{}, {"unsolicited": "confirm"}, ACCEPT])
def test_the_same_name_from_another_connection_is_asked_before_it_replaces_the_session(policy: dict[str, Any]) -> None:
    """Ada of Acme was last here; whom Globex calls by the same name and email is somebody else."""

    async def scene(world: World) -> None:
        browser, globex = world.browser(), {"connection": "globex", "issuer": GLOBEX, "key": idp_key("globex")}
        await signed_in(world, browser)
        session, seen = browser.jar["__Host-vst-sid"], browser.jar["__Host-vst-seen"]
        page = await browser.get(location(await world.tile(browser, ADA, **globex)), cross_site=True)
        if page.status_code == 303:
            sent = await browser.get(authorization(connection="globex"), cross_site=True)
            page = await browser.get(location(await world.answer(browser, sent, ADA, **globex)), cross_site=True)
        assert page.status_code == 200
        assert fields(page)["csrf"]
        assert browser.jar["__Host-vst-sid"] == session
        assert browser.jar["__Host-vst-seen"] == seen

    document = two_connections()
    for connection in document["connections"]:
        connection["idp_initiated"] |= policy
    play(scene, document)


def test_a_solicited_login_as_another_person_asks_before_it_replaces_the_session() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        await signed_in(world, browser)
        before = browser.jar["__Host-vst-sid"]
        sent = await browser.get(authorization(prompt="login"), cross_site=True)
        now = world.clock.now()
        answered = await world.answer(browser, sent, MALLORY, authn_instant=now)
        question = await browser.get(location(answered), cross_site=True)
        assert MALLORY in words(question)
        assert browser.jar["__Host-vst-sid"] == before
        moved_to(await browser.post("/login/confirm", {**fields(question), "decision": "yes"}))
        assert browser.jar["__Host-vst-sid"] != before

    play(scene)


def test_the_switch_question_can_be_turned_off_for_the_installation() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        await signed_in(world, browser)
        sent = await browser.get(authorization(prompt="login"), cross_site=True)
        answered = await world.answer(browser, sent, MALLORY, authn_instant=world.clock.now())
        assert code_of(await browser.get(location(answered), cross_site=True))

    play(scene, {**configuration(), "confirm_identity_switch": False})


def test_a_response_to_another_browsers_request_is_refused() -> None:
    """The attacker starts the login himself and carries the answer over: the cookie is not in the victim's browser."""

    async def scene(world: World) -> None:
        attacker, victim = world.browser(), world.browser()
        sent = await attacker.get(authorization(), cross_site=True)
        page = await world.answer(victim, sent, MALLORY)
        assert await code_behind(world, refused(page, 400)) == "login.other_browser"
        assert not victim.jar

    play(scene)


def test_an_arrival_cannot_be_carried_to_another_browser() -> None:
    async def scene(world: World) -> None:
        attacker, victim = world.browser(), world.browser()
        landed = await attack(world, attacker)
        refused(await victim.get(landed, cross_site=True), 400)

    play(scene, configuration(unsolicited="confirm"))


def test_the_question_forbids_framing_and_foreign_content() -> None:
    async def scene(world: World) -> None:
        victim = world.browser()
        page = await victim.get(await attack(world, victim), cross_site=True)
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"

    play(scene, configuration(unsolicited="confirm"))


def test_a_foreign_page_cannot_fill_the_header_with_cookies() -> None:
    """At most five of each bounded kind as soon as the browser shows them; the oldest go."""

    async def scene(world: World) -> None:
        browser = world.browser()
        for _ in range(8):
            world.clock.advance(1)
            await browser.get(authorization(), cross_site=True)
            await attack(world, browser)
        sent = await browser.get(authorization(), cross_site=True)
        assert len(browser.names("__Host-vst-login-")) == 5
        assert 1 < len(browser.names("__Host-vst-arrival-")) <= 5
        assert location(await world.answer(browser, sent)).startswith(f"{ISSUER}login/continue?login=")

    play(scene)
