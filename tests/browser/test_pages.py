"""People's pages in Chromium: by keyboard alone, on a phone, in light and dark, with nothing fetched from elsewhere."""

from pathlib import Path
from typing import Any

import pytest
from tests.browser.chromium import Chromium, Window
from tests.browser.practice_portal import Portal
from tests.browser.test_login_csrf import CONFIRM, SWITCH, sign_in, who

PHONE = {"viewport": {"width": 360, "height": 740}, "isMobile": True, "hasTouch": True, "deviceScaleFactor": 2}

# Contrast as WCAG 2.2 reckons it (1.4.3), of everything that has text of its own on an opaque background.
CONTRASTS = """(() => {
  const channels = (colour) => { const c = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    c.fillStyle = colour; c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => { const l = [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2]; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = channels(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; }
    return channels('Canvas'); };
  return [...document.querySelectorAll('body *')]
    .filter((e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .map((e) => { const a = light(channels(getComputedStyle(e).color)), b = light(ground(e));
      return { words: e.innerText.slice(0, 40), ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) }; });
})()"""
BRIGHTNESS = """(() => { const c = document.createElement('canvas').getContext('2d');
  const colour = getComputedStyle(document.body).backgroundColor, root = getComputedStyle(document.documentElement).backgroundColor;
  c.fillStyle = colour === 'rgba(0, 0, 0, 0)' ? root : colour; c.fillRect(0, 0, 1, 1);
  const [r, g, b] = c.getImageData(0, 0, 1, 1).data; return (r + g + b) / 765; })()"""


def show(window: Window, portal: Portal, page: str) -> None:
    """Bring one of the pages that people meet to the screen."""
    if page == "confirm":
        window.goto(portal.idp.tile("confirm"))
        window.wait_for_words(CONFIRM)
    elif page == "switch":
        sign_in(window, portal)
        window.goto(f"{portal.idp.base}/be/grace")
        window.goto(portal.idp.tile("restart"))
        window.wait_for_words(SWITCH)
    elif page == "mismatch":
        window.goto(portal.attacker.post("restart"))
        window.wait_for_words("Not the account you started with")
    elif page == "email":
        window.goto(f"{portal.application.base}/")
        window.wait_for_words("Work email")
    elif page == "error":
        window.goto(portal.idp.tile("closed"))
        window.wait_for_words("Reference")
    else:
        window.goto(portal.broker.url("oidc/logout"))
        window.wait_for("document.querySelector('h1')")


PAGES = ("confirm", "switch", "mismatch", "email", "error", "logout")


def focused(window: Window) -> str:
    return str(window.evaluate("document.activeElement ? document.activeElement.innerText || '' : ''"))


def tab_to(window: Window, name: str) -> None:
    """Press Tab until the control of that name has the focus, as somebody without a mouse does."""
    for _ in range(12):
        window.press("Tab")
        if name in focused(window):
            return
    raise AssertionError(f"{name} cannot be reached by keyboard")


def own_complaints(window: Window, portal: Portal) -> list[str]:
    """What the console said about the broker's pages; a refusal's own status is no fault of the page."""
    return [
        complaint
        for complaint in window.look().complaints
        if portal.broker.origin in complaint and "the server responded with a status of 4" not in complaint
    ]


def test_the_question_is_answered_by_keyboard_alone(chromium: Chromium, portal: Portal) -> None:
    """Tab to the button, Enter: signed in. The focus can be seen."""
    with chromium.window() as window:
        show(window, portal, "confirm")
        tab_to(window, "Continue to Customers")
        outline = window.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        shadow = window.evaluate("getComputedStyle(document.activeElement).boxShadow")
        assert outline != "none" or shadow != "none"
        window.press("Enter")
        assert who(window, portal) == "ada@acme.test"


def test_no_is_said_by_keyboard_alone(chromium: Chromium, portal: Portal) -> None:
    """The way out is as easy to reach as the way on."""
    with chromium.window() as window:
        show(window, portal, "confirm")
        tab_to(window, "No, this isn\u2019t me")
        window.press("Enter")
        window.wait_for_words("You were not signed in")


def test_the_email_page_is_filled_in_by_keyboard_alone(chromium: Chromium, portal: Portal) -> None:
    """Home realm discovery: the address's domain picks the connection."""
    with chromium.window() as window:
        show(window, portal, "email")
        for _ in range(5):
            if window.evaluate("document.activeElement.id") == "email":
                break
            window.press("Tab")
        assert window.evaluate("document.activeElement.labels[0].innerText") == "Work email"
        window.evaluate("document.activeElement.value = 'ada@acme.test'")
        window.press("Enter")
        assert who(window, portal) == "ada@acme.test"


@pytest.mark.parametrize("page", PAGES)
def test_a_phone_shows_the_whole_page_without_scrolling_sideways(
    chromium: Chromium, portal: Portal, page: str, tmp_path: Path
) -> None:
    """Nothing is cut off, and what is to be pressed is as large as a finger needs [WCAG 2.2, 2.5.8]."""
    with chromium.window(**PHONE) as window:
        show(window, portal, page)
        window.screenshot(tmp_path / f"{page}.png")
        assert window.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
        heights: list[float] = window.evaluate(
            "[...document.querySelectorAll('button, .button, input:not([type=hidden])')].map((e) => e.getBoundingClientRect().height)"
        )
        assert all(height >= 40 for height in heights), heights


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_light_and_dark_are_both_readable(chromium: Chromium, portal: Portal, page: str, scheme: str) -> None:
    """The scheme is the person's choice, and every word has the contrast of WCAG AA in both."""
    with chromium.window(colorScheme=scheme) as window:
        show(window, portal, page)
        brightness = window.evaluate(BRIGHTNESS)
        assert brightness > 0.8 if scheme == "light" else brightness < 0.25
        contrasts: list[dict[str, Any]] = window.evaluate(CONTRASTS)
        assert len(contrasts) >= 2
        assert [one for one in contrasts if one["ratio"] < 4.5] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_nobody_else_for_anything(chromium: Chromium, portal: Portal, page: str) -> None:
    """No script, style or picture comes from elsewhere; the policy would not let it, and nothing even tries."""
    with chromium.window() as window:
        show(window, portal, page)
        sight = window.look()
        policy = next(d for d in sight.documents[::-1] if d["url"].startswith(portal.broker.origin))["headers"]
        csp = policy["content-security-policy"]
        assert "default-src 'none'" in csp
        assert "frame-ancestors 'none'" in csp
        assert "base-uri 'none'" in csp
        assert "unsafe" not in csp
        assert policy["x-content-type-options"] == "nosniff"
        assert "no-store" in policy["cache-control"]
        parts: list[str] = window.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
        assert [url for url in parts if not url.startswith(portal.broker.url("static/"))] == []
        assert own_complaints(window, portal) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_screen_reader_is_told_what_the_page_is(chromium: Chromium, portal: Portal, page: str) -> None:
    """A language, a title, one heading, a main part, and a label for every field."""
    with chromium.window() as window:
        show(window, portal, page)
        assert window.evaluate("document.documentElement.lang") == "en"
        assert window.look().title
        assert window.evaluate("document.querySelectorAll('h1').length") == 1
        assert window.evaluate("document.querySelectorAll('main').length") == 1
        unlabelled = "[...document.querySelectorAll('input:not([type=hidden])')].filter((e) => !e.labels.length).length"
        assert window.evaluate(unlabelled) == 0
