"""@logto/react 4.0.15 with the component that its makers document, unmodified, from the identity provider's tile to sign-out."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.browser.chromium import Chromium, Window
from tests.browser.practice_idp import PracticeIdp
from tests.browser.small_site import Reply, Request, small_site
from tests.peers.broker import Broker, new_broker
from tests.peers.machine import NODE_MODULES, free_port, node

MODES: dict[str, dict[str, Any]] = {
    "restart": {},
    "confirm": {"unsolicited": "confirm"},
    "accept": {"unsolicited": "accept", "accept_login_csrf_risk": True},
}
SIGNED_IN = "location.pathname === '/' && window.logto && !window.logto.isLoading && window.logto.isAuthenticated"
SIGNED_OUT = "location.pathname === '/' && window.logto && !window.logto.isLoading && !window.logto.isAuthenticated"


@dataclass(frozen=True)
class Board:
    """A single-page application at spa.localhost, and one under React's StrictMode at strict.localhost."""

    broker: Broker
    idp: PracticeIdp
    port: int

    def origin(self, strict: bool) -> str:
        return f"http://{'strict' if strict else 'spa'}.localhost:{self.port}"


def bundle(directory: Path, mode: str) -> str:
    out = directory / f"{mode}.js"
    command = [node(), str(Path(__file__).parent / "logto/build.mjs"), str(out), mode]
    subprocess.run(command, check=True, env={**os.environ, "NODE_MODULES": str(NODE_MODULES)}, timeout=120)
    return out.read_text()


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    run = tmp_path_factory.mktemp("logto")
    scripts = {"spa": bundle(run, "production"), "strict": bundle(run, "development")}
    broker = new_broker(run / "broker")
    port = free_port()

    def answer(request: Request) -> Reply:
        name = request.host.partition(".")[0]
        if request.path == "/app.js":
            return Reply(scripts[name], kind="text/javascript; charset=utf-8")
        if request.path not in ("/", "/sso", "/callback"):
            return Reply(status=404)
        settings = {"endpoint": broker.origin, "appId": name, "strict": name == "strict"}
        # HTML's own end tag cannot occur in these settings; they are ours.
        script = f"<script>window.settings = {json.dumps(settings)}</script><script src=/app.js></script>"
        return Reply(f"<!doctype html><html lang=en><title>Board</title><div id=app></div>{script}")

    with ExitStack() as stack:
        idp = stack.enter_context(PracticeIdp.serving(broker))
        applications, connections = [], []
        for name in ("spa", "strict"):
            origin = f"http://{name}.localhost:{port}"
            applications.append(
                {
                    "client_id": name,
                    "name": "Board",
                    "type": "spa",
                    "redirect_uris": [f"{origin}/callback"],
                    "post_logout_redirect_uris": [f"{origin}/"],
                }
            )
            for mode, policy in MODES.items():
                url = {"client_redirect_url": f"{origin}/sso"}
                connections.append(idp.connection(f"{name}-{mode}", name, **policy, **url) | {"acs": "logto"})
        stack.enter_context(broker.serving({"applications": applications, "connections": connections}))
        stack.enter_context(small_site(port, answer))
        yield Board(broker, idp, port)


def go_through(window: Window, board: Board, mode: str, strict: bool) -> None:
    """From the tile to the signed-in page."""
    name = "strict" if strict else "spa"
    window.goto(board.idp.tile(f"{name}-{mode}"))
    if mode == "confirm":
        window.wait_for_words("ada@acme.test")
        window.click("Continue to Board")
    window.wait_for_url(board.origin(strict))
    window.wait_for(SIGNED_IN)


@pytest.mark.parametrize("strict", [False, True], ids=["production", "StrictMode"])
@pytest.mark.parametrize("mode", MODES)
def test_from_the_tile_to_a_signed_in_page_user_info_and_sign_out(
    chromium: Chromium, board: Board, mode: str, strict: bool
) -> None:
    """Option A of a moved Logto installation keeps working: its ACS path, `ssoConnectorId`, `direct_sign_in`, discovery, logout.

    StrictMode asks twice for each login; the one that the browser goes on with is answered.
    """
    with chromium.window() as window:
        go_through(window, board, mode, strict)
        claims = window.evaluate("window.logto.getIdTokenClaims()")
        info = window.evaluate("window.logto.fetchUserInfo()")
        assert claims["connection"] == f"{'strict' if strict else 'spa'}-{mode}"
        assert claims["iss"] == board.broker.issuer
        assert info["email"] == "ada@acme.test"
        assert info["sub"] == claims["sub"]
        asked = window.look().asked(board.broker.url("authorize"))
        assert len(asked) == (2 if strict else 1)
        assert all("prompt=login" in url and "direct_sign_in=sso%3A" in url for url in asked)

        window.evaluate("void window.logto.signOut(location.origin + '/')")
        window.wait_for(SIGNED_OUT)
        sight = window.look()
        assert sight.url == f"{board.origin(strict)}/"
        assert sight.asked(board.broker.url("oidc/logout"))


def test_after_sign_out_the_session_is_gone(chromium: Chromium, board: Board) -> None:
    """Signing out ends Vestibule's own session as well: the next login goes to the identity provider."""
    with chromium.window() as window:
        go_through(window, board, "restart", False)
        window.evaluate("void window.logto.signOut(location.origin + '/')")
        window.wait_for(SIGNED_OUT)
        before = len(window.look().asked(board.idp.sso_url("spa-restart")))
        go_through(window, board, "restart", False)
        assert len(window.look().asked(board.idp.sso_url("spa-restart"))) == before + 1
