"""Login CSRF, played in Chromium on separate sites: the attacker has a response for his own account, the victim a browser."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from tests.browser.chromium import Chromium, Window
from tests.browser.practice_portal import Portal

from vestibule.ground.url import origin

YES, NO = "Continue to Customers", "No, this isn\u2019t me"
MISMATCH, SWITCH, CONFIRM = "Not the account you started with", "Use another account in this browser?", "Is this you?"


def callbacks(window: Window, portal: Portal) -> list[str]:
    """Every answer that the application was ever given by way of this browser."""
    base = portal.application.base
    return [url for door in ("callback", "direct") for url in window.look().asked(f"{base}/{door}")]


def who(window: Window, portal: Portal) -> str:
    """Whom the application shows as signed in."""
    window.wait_for_url(f"{portal.application.base}/")
    window.wait_for("document.body.innerText.includes('userinfo')")
    shown: dict[str, Any] = json.loads(window.look().words)
    return str(shown["userinfo"]["email"])


def sign_in(window: Window, portal: Portal, connection: str = "restart") -> None:
    """An ordinary sign-in from the portal's tile, of whoever holds the identity provider's session."""
    window.goto(portal.idp.tile(connection))
    assert who(window, portal).endswith("@acme.test")


def login_url(portal: Portal, connection: str) -> str:
    """The application's own login URL, as anybody can write it down."""
    hint = f"connection:{connection}"
    return (
        f"{portal.application.base}/login?iss={quote(portal.broker.issuer, safe='')}&login_hint={quote(hint, safe='')}"
    )


def test_the_sites_of_these_tests_are_foreign_to_each_other(portal: Portal) -> None:
    """What follows would prove little on one site: SameSite cookies and Origin only tell sites and origins apart."""
    places = {portal.idp.base, portal.broker.origin, portal.application.base, portal.attacker.base}
    assert len({origin(place) for place in places}) == 4
    assert len({place.split("//")[1].split(":")[0] for place in places}) == 4


@pytest.mark.parametrize("connection", ["restart", "restart-direct"])
def test_restart_never_signs_in_as_the_attacker(chromium: Chromium, portal: Portal, connection: str) -> None:
    """The response only rings: the identity provider is asked who is at *this* browser, and the answer is the victim."""
    with chromium.window() as window:
        window.goto(portal.attacker.post(connection))
        window.wait_for_words(MISMATCH)
        assert "ada@acme.test" in window.look().words
        assert "mallory" not in window.look().words
        assert callbacks(window, portal) == []
        window.click(YES)
        assert who(window, portal) == "ada@acme.test"


def test_restart_goes_nowhere_when_the_victim_says_no(chromium: Chromium, portal: Portal) -> None:
    """The victim did not ask for any login, says so, and no session of hers has begun either."""
    with chromium.window() as window:
        window.goto(portal.attacker.post("restart"))
        window.wait_for_words(MISMATCH)
        window.click(NO)
        window.wait_for_words("You were not signed in")
        assert callbacks(window, portal) == []
        assert not [cookie for cookie in window.cookies() if cookie["name"] == "__Host-vst-sid"]


@pytest.mark.parametrize("connection", ["confirm", "confirm-direct"])
def test_confirm_signs_nobody_in_without_the_click(chromium: Chromium, portal: Portal, connection: str) -> None:
    """The page names the attacker's account; until the victim agrees, the application hears nothing."""
    with chromium.window() as window:
        window.goto(portal.attacker.post(connection))
        window.wait_for_words(CONFIRM)
        assert "mallory@acme.test" in window.look().words
        assert callbacks(window, portal) == []
        window.click(NO)
        window.wait_for_words("You were not signed in")
        assert callbacks(window, portal) == []
        assert not [cookie for cookie in window.cookies() if cookie["name"] == "__Host-vst-sid"]


@pytest.mark.parametrize("connection", ["confirm", "accept"])
def test_posting_and_then_steering_to_the_application_issues_nothing(
    chromium: Chromium, portal: Portal, connection: str
) -> None:
    """The arrival waits: an authorization request that meets it gets the same question, not an answer."""
    with chromium.window() as window:
        window.goto(portal.attacker.post(connection))
        window.wait_for_words(CONFIRM)
        for _ in range(2):
            window.goto(portal.attacker.steer(quote(login_url(portal, connection), safe="")))
            window.wait_for_url(portal.broker.url("authorize"))
            window.wait_for_words(CONFIRM)
            assert "mallory@acme.test" in window.look().words
        assert callbacks(window, portal) == []


def test_posting_a_doorbell_and_then_steering_asks_about_the_mismatch(chromium: Chromium, portal: Portal) -> None:
    """Under `restart` the steered login is the victim's own, and even then she is asked before it goes on."""
    with chromium.window() as window:
        window.goto(portal.attacker.post("restart"))
        window.wait_for_words(MISMATCH)
        window.goto(portal.attacker.steer(quote(login_url(portal, "restart"), safe="")))
        window.wait_for_words(MISMATCH)
        assert "mallory" not in window.look().words
        assert callbacks(window, portal) == []


@pytest.mark.parametrize("connection", ["accept", "accept-direct"])
def test_accept_turns_a_post_from_a_foreign_origin_into_a_question(
    chromium: Chromium, portal: Portal, connection: str
) -> None:
    """The browser itself says where the post came from; only the identity provider's own origin is believed."""
    with chromium.window() as window:
        window.goto(portal.attacker.post(connection))
        window.wait_for_words(CONFIRM)
        assert "mallory@acme.test" in window.look().words
        assert callbacks(window, portal) == []


@pytest.mark.parametrize("connection", ["accept", "accept-direct"])
def test_accept_believes_a_post_from_the_identity_provider(chromium: Chromium, portal: Portal, connection: str) -> None:
    """The positive control: the same mode, the same browser, the portal's own tile."""
    with chromium.window() as window:
        window.goto(portal.idp.tile(connection))
        assert who(window, portal) == "ada@acme.test"


def test_with_any_origin_believed_the_attack_succeeds(chromium: Chromium, portal: Portal) -> None:
    """The positive control of the attack itself: with `post_origins: ["*"]` the victim works in the attacker's account."""
    with chromium.window() as window:
        window.goto(portal.attacker.post("anywhere"))
        assert who(window, portal) == "mallory@acme.test"


def test_another_persons_session_is_not_replaced_without_the_question(chromium: Chromium, portal: Portal) -> None:
    """A shared browser: ada is signed in, grace clicks the tile; ada's session stands until grace has agreed."""
    with chromium.window() as window:
        sign_in(window, portal)
        session = [cookie["value"] for cookie in window.cookies() if cookie["name"] == "__Host-vst-sid"]
        window.goto(f"{portal.idp.base}/be/grace")
        before = callbacks(window, portal)
        window.goto(portal.idp.tile("restart"))
        window.wait_for_words(SWITCH)
        assert "grace@acme.test" in window.look().words
        assert callbacks(window, portal) == before
        assert [cookie["value"] for cookie in window.cookies() if cookie["name"] == "__Host-vst-sid"] == session
        window.click(YES)
        assert who(window, portal) == "grace@acme.test"
        assert [cookie["value"] for cookie in window.cookies() if cookie["name"] == "__Host-vst-sid"] != session


def test_another_persons_session_stays_when_the_answer_is_no(chromium: Chromium, portal: Portal) -> None:
    """Saying no leaves everything as it was: the application still shows ada, and her session still answers."""
    with chromium.window() as window:
        sign_in(window, portal)
        window.goto(f"{portal.idp.base}/be/grace")
        window.goto(portal.idp.tile("restart"))
        window.wait_for_words(SWITCH)
        window.click(NO)
        window.wait_for_words("You were not signed in")
        window.goto(f"{portal.application.base}/")
        assert who(window, portal) == "ada@acme.test"


@pytest.mark.parametrize("connection", ["confirm", "anywhere"])
def test_an_arrival_of_another_person_does_not_answer_over_a_session(
    chromium: Chromium, portal: Portal, connection: str
) -> None:
    """Even where the attacker's post is believed, a browser that somebody is signed in with asks before it changes hands."""
    with chromium.window() as window:
        sign_in(window, portal)
        before = callbacks(window, portal)
        window.goto(portal.attacker.post(connection))
        window.wait_for_words("mallory@acme.test")
        window.goto(portal.attacker.steer(quote(login_url(portal, connection), safe="")))
        window.wait_for_words("mallory@acme.test")
        assert callbacks(window, portal) == before


def test_a_session_does_not_answer_a_request_for_another_connection(chromium: Chromium, portal: Portal) -> None:
    """Ada's session came through one connection; a login that names another goes to that connection's identity provider."""
    with chromium.window() as window:
        sign_in(window, portal)
        window.goto(f"{portal.idp.base}/be/grace")
        before = callbacks(window, portal)
        window.goto(login_url(portal, "confirm"))
        window.wait_for_words(SWITCH)
        sight = window.look()
        assert "grace@acme.test" in sight.words
        assert sight.asked(portal.idp.sso_url("confirm"))
        assert callbacks(window, portal) == before


def test_the_question_cannot_be_framed_or_answered_from_elsewhere(chromium: Chromium, portal: Portal) -> None:
    """Clickjacking and a forged click: no page may frame the question, and a post without its token changes nothing."""
    with chromium.window() as window:
        window.goto(portal.attacker.post("confirm"))
        window.wait_for_words(CONFIRM)
        question = next(d for d in window.look().documents[::-1] if d["status"] == 200)
        assert "frame-ancestors 'none'" in question["headers"]["content-security-policy"]
        handle = window.evaluate("document.querySelector('input[name=arrival]').value")
        action = json.dumps(portal.broker.url("login/confirm"))
        fields = json.dumps({"arrival": handle, "decision": "yes", "csrf": "guessed"})
        window.goto(f"{portal.attacker.base}/kittens")
        window.evaluate(
            f"""(() => {{ const form = document.createElement('form'); form.method = 'post'; form.action = {action};
            for (const [name, value] of Object.entries({fields})) form.append(Object.assign(document.createElement('input'), {{ name, value }}));
            document.body.append(form); form.submit(); }})()"""
        )
        window.wait_for_url(portal.broker.url("login/confirm"))
        refused = window.look().documents[-1]
        assert 400 <= refused["status"] < 500
        assert callbacks(window, portal) == []
