"""The cookie table in Chromium, on three sites: what the jar holds, what crosses sites, and what a sibling site can toss."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from tests.browser.chromium import Chromium, Window
from tests.browser.practice_idp import PracticeIdp
from tests.browser.small_site import Reply, Request, page, see_other, self_posting, small_site
from tests.peers.broker import Broker, new_broker
from tests.peers.machine import free_port

SID, SEEN, CSRF = "__Host-vst-sid", "__Host-vst-seen", "__Host-vst-csrf"
LOGIN, ARRIVAL = "__Host-vst-login-", "__Host-vst-arrival-"


@dataclass(frozen=True)
class Sites:
    """broker.localhost and idp.localhost; app.localhost and evil(.broker).localhost on one small server."""

    broker: Broker
    idp: PracticeIdp
    port: int

    @property
    def app(self) -> str:
        return f"http://app.localhost:{self.port}"

    def sibling(self, path: str) -> str:
        """A page of a sibling of the broker's host: below it, so that it may set cookies for it."""
        return f"http://evil.broker.localhost:{self.port}/{path}"

    def foreign(self, path: str) -> str:
        return f"http://evil.localhost:{self.port}/{path}"

    def authorize(self, connection: str, **more: str) -> str:
        """The application's request; `quiet` is a connection whose identity provider never answers."""
        asked = {
            "client_id": "crm",
            "redirect_uri": f"{self.app}/callback",
            "response_type": "code",
            "scope": "openid",
            "state": "s",
            "connection": connection,
            **more,
        }
        return self.broker.url("authorize?" + urlencode(asked))

    def answer(self, request: Request) -> Reply:
        door, _, rest = request.path.removeprefix("/").partition("/")
        if door == "login":  # the tile's way: the application starts an ordinary login at the hinted connection
            return see_other(self.authorize(request.asked["login_hint"].removeprefix("connection:")))
        if door == "post":
            return self_posting(self.broker.acs(rest), {"SAMLResponse": "AAAA"})
        if door == "toss":
            value = request.asked["value"]
            if rest == "plain":
                return Reply("tossed", headers=tossed(value, HELD_TO_THE_PREFIX))
            line = f"{NOT_KNOWN_FOR_OURS[int(rest)]}={value}; Domain=broker.localhost; Path=/"
            return Reply("tossed", headers=(("Set-Cookie", line),))
        return page("Site", f"<h1>{door or 'nothing'}</h1>")


def tossed(value: str, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Set-Cookie lines of a sibling for the broker's host."""
    return tuple(
        ("Set-Cookie", f"{name}={value}; Domain=broker.localhost; Path={path}{secure}")
        for name in names
        for path in ("/", "/authorize")
        for secure in ("", "; Secure")
    )


HELD_TO_THE_PREFIX = (SID, SID.upper(), SID.lower(), f"{SID}\u00a0", f" {SID}", f"\t{SID}", f"={SID}")
"""Names that Chromium knows for ours, and does not take with a Domain [RFC 6265bis 4.1.3.2]."""
NOT_KNOWN_FOR_OURS = (f"\u00a0{SID}", f"\u0085{SID}", f"$Version={SID}")
"""Names that Chromium takes, and that a reader who trims what it takes for white space would read as ours."""


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    broker = new_broker(tmp_path_factory.mktemp("cookies"))
    with ExitStack() as stack:
        idp = stack.enter_context(PracticeIdp.serving(broker))
        sites = Sites(broker, idp, free_port())
        stack.enter_context(small_site(sites.port, sites.answer))
        connections: list[dict[str, Any]] = [
            idp.connection("restart", "crm"),
            idp.connection("confirm", "crm", unsolicited="confirm"),
            idp.connection("quiet", "crm"),
        ]
        connections[-1]["idp"]["sso_url"] = sites.foreign("quiet")
        application = {
            "client_id": "crm",
            "name": "Customers",
            "type": "web",
            "client_secret": "a-secret-of-the-tests-long-enough",
            "redirect_uris": [f"{sites.app}/callback"],
            "initiate_login_uri": f"{sites.app}/login",
        }
        stack.enter_context(broker.serving({"applications": [application], "connections": connections}))
        yield sites


def jar(window: Window) -> dict[str, dict[str, Any]]:
    """What the browser holds for the broker's host, and for that host alone."""
    return {one["name"]: one for one in window.cookies() if one["domain"].endswith("broker.localhost")}


def kinds(window: Window, prefix: str) -> list[str]:
    return sorted(name for name in jar(window) if name.startswith(prefix))


def hold_table(window: Window, expected: set[str]) -> None:
    """The jar is exactly this, and each cookie has exactly the flags of the table."""
    found = jar(window)
    assert {re.sub("[0-9]+$", "N", name) for name in found} == expected
    for name, cookie in found.items():
        assert (cookie["domain"], cookie["path"], cookie["secure"]) == ("broker.localhost", "/", True), cookie
        assert cookie["httpOnly"] is (name != CSRF), cookie
        same = "None" if name.startswith(LOGIN) else "Strict" if name == CSRF else "Lax"
        assert cookie["sameSite"] == same, cookie
        lasting = name == SEEN or name.startswith((LOGIN, ARRIVAL))
        assert (cookie["expires"] != -1) is lasting, cookie


def wait_for_code(window: Window, sites: Sites) -> None:
    window.wait_for_url(f"{sites.app}/callback")


def sign_in(window: Window, sites: Sites, connection: str = "restart") -> None:
    window.goto(sites.authorize(connection))
    wait_for_code(window, sites)
    assert "code=" in window.look().url


def everything(window: Window, sites: Sites) -> None:
    """A session, a login under way, a tile that waits for its question, a sign-out page: one of each kind."""
    sign_in(window, sites)
    window.goto(sites.idp.tile("confirm"))
    window.wait_for_words("Is this you?")
    window.goto(sites.broker.url("oidc/logout"))
    window.wait_for("document.querySelector('h1')")
    window.goto(sites.authorize("quiet"))
    window.wait_for_words("quiet")


def test_after_a_login_from_the_application_the_jar_holds_session_and_memory_alone(
    chromium: Chromium, sites: Sites
) -> None:
    with chromium.window() as window:
        sign_in(window, sites)
        hold_table(window, {SID, SEEN})


def test_after_a_tile_nothing_of_the_pending_login_is_left(chromium: Chromium, sites: Sites) -> None:
    """The doorbell's own cookie stays for its quarter of an hour, and answers nothing any more."""
    with chromium.window() as window:
        window.goto(sites.idp.tile("restart"))
        wait_for_code(window, sites)
        hold_table(window, {SID, SEEN, f"{ARRIVAL}N"})
        (bell,) = (one for name, one in jar(window).items() if name.startswith(ARRIVAL))
        assert 0 < bell["expires"] - window.evaluate("Date.now() / 1000") <= 900
        assert LOGIN in "".join(d["headers"].get("set-cookie", "") for d in window.look().documents)


def test_each_cookie_has_the_flags_of_the_table(chromium: Chromium, sites: Sites) -> None:
    """Host-only, the whole path, Secure; None only for what must come with the identity provider's post."""
    with chromium.window() as window:
        everything(window, sites)
        hold_table(window, {SID, SEEN, CSRF, f"{LOGIN}N", f"{ARRIVAL}N"})


def sent_to(window: Window, url: str) -> set[str]:
    """The names of the cookies that went with the last navigation to this address."""
    document = next(d for d in reversed(window.look().documents) if d["url"] == url)
    return {pair.partition("=")[0] for pair in document["sent"].get("cookie", "").split("; ") if pair}


def test_a_cross_site_post_carries_pending_logins_and_nothing_else(chromium: Chromium, sites: Sites) -> None:
    """Not the session: a foreign page that posts is a stranger. A link from there brings the Lax ones, never the form's."""
    with chromium.window() as window:
        everything(window, sites)
        held = set(jar(window))
        window.goto(sites.foreign("post/restart"))
        window.wait_for_words("Reference")
        sent = sent_to(window, sites.broker.acs("restart"))
        assert sent
        assert all(name.startswith(LOGIN) for name in sent)
        window.goto(sites.foreign("kittens"))
        window.evaluate(f"void (location.href = '{sites.broker.url('')}')")
        window.wait_for_url(sites.broker.url(""))
        assert sent_to(window, sites.broker.url("")) == held - {CSRF}


@pytest.mark.parametrize("kind", [LOGIN, ARRIVAL])
def test_twelve_started_logins_leave_five_cookies_of_a_kind(chromium: Chromium, sites: Sites, kind: str) -> None:
    """A foreign page that starts logins in somebody's browser must not fill its requests."""
    with chromium.window() as window:
        for _ in range(12):
            if kind == LOGIN:
                window.goto(sites.authorize("quiet"))
                window.wait_for_words("quiet")
            else:
                window.goto(sites.idp.tile("confirm"))
                window.wait_for_words("Is this you?")
        assert 1 <= len(kinds(window, kind)) <= 5
        header = "; ".join(f"{one['name']}={one['value']}" for one in jar(window).values())
        assert len(header) < 2_048
    with chromium.window() as window:
        for _ in range(6):
            window.goto(sites.idp.tile("confirm"))
            window.wait_for_words("Is this you?")
        window.click("Continue to Customers")
        wait_for_code(window, sites)
        assert SID in jar(window)


def test_the_session_has_a_new_id_after_every_login(chromium: Chromium, sites: Sites) -> None:
    """Whoever planted or saw the id from before has nothing (session fixation)."""
    with chromium.window() as window:
        sign_in(window, sites)
        first = jar(window)[SID]["value"]
        window.goto(sites.authorize("restart", prompt="login"))
        wait_for_code(window, sites)
        second = jar(window)[SID]["value"]
        assert first != second
    with chromium.window() as window:
        plant(window, sites, first)
        assert silently(window, sites) == "login_required", "the former id answers nothing any more"


def plant(window: Window, sites: Sites, value: str) -> None:
    """Puts a session cookie into this browser from the broker's own host, as nobody but the broker can."""
    window.goto(sites.broker.url(""))
    window.evaluate(f"void (document.cookie = '{SID}={value}; Path=/; Secure; SameSite=Lax')")


def silently(window: Window, sites: Sites) -> str:
    """What an authorization request without any question comes to: "code", or the error."""
    window.goto(sites.authorize("restart", prompt="none"))
    wait_for_code(window, sites)
    answer = parse_qs(urlsplit(window.look().url).query)
    return "code" if "code" in answer else answer["error"][0]


def test_a_sibling_site_cannot_toss_its_session_into_somebodys_browser(chromium: Chromium, sites: Sites) -> None:
    """Mallory's own, live session under every name that a browser takes: the browser refuses it, or it is not ours."""
    with chromium.window() as mallorys:
        mallorys.goto(f"{sites.idp.base}/be/mallory")
        sign_in(mallorys, sites)
        value = jar(mallorys)[SID]["value"]
    with chromium.window() as control:
        plant(control, sites, value)
        assert silently(control, sites) == "code", "the positive control: set by the host itself, it is her session"
    with chromium.window() as window:
        window.goto(sites.sibling(f"toss/plain?value={value}"))
        assert window.cookies() == [], "the prefix keeps these names from being set with a Domain"
    for which in range(len(NOT_KNOWN_FOR_OURS)):
        with chromium.window() as window:
            window.goto(sites.sibling(f"toss/{which}?value={value}"))
            assert window.cookies(), "the sibling may set cookies for the broker's host, or this test shows nothing"
            assert silently(window, sites) == "login_required"
            own = sites.broker.url("authorize")
            asked = next(d for d in reversed(window.look().documents) if d["url"].startswith(own))
            assert value in asked["sent"].get("cookie", ""), "it did arrive, and did not count"
            sign_in(window, sites)
            assert silently(window, sites) == "code", "and what was tossed does not keep anybody from signing in"
