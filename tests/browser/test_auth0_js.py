"""auth0-js 10: tokens that nobody asked for, in the fragment, as applications moving over from Auth0 take them."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.browser.chromium import Chromium, Window
from tests.browser.practice_idp import PracticeIdp
from tests.browser.small_site import Reply, Request, small_site
from tests.peers.broker import Broker, new_broker
from tests.peers.machine import NODE_MODULES, free_port, node


@dataclass(frozen=True)
class Legacy:
    """Two callback pages of one application: /with-flag and /without-flag; a connection of the same name leads to each."""

    broker: Broker
    idp: PracticeIdp
    base: str


def callback(broker: Broker, flag: bool) -> str:
    options = {
        "domain": broker.origin.removeprefix("http://"),
        "clientID": "legacy",
        "responseType": "token id_token",
        # The library takes for granted that the domain is reached over TLS; a development server says otherwise.
        "overrides": {
            "__tenant": "broker",
            "__token_issuer": broker.issuer,
            "__jwks_uri": broker.url(".well-known/jwks.json"),
        },
    }
    given = json.dumps({"__enableIdPInitiatedLogin": True} if flag else {})
    return f"""<!doctype html><html lang=en><title>Legacy</title><script src=/auth0.js></script><script>
        new auth0.WebAuth({json.dumps(options)}).parseHash({given}, (error, result) => {{ window.result = {{ error, result }}; }});
        </script>"""


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Legacy]:
    node()
    library = (NODE_MODULES / "auth0-js/dist/auth0.min.js").read_text()
    broker = new_broker(tmp_path_factory.mktemp("auth0-js"))
    port = free_port()
    base = f"http://legacy.localhost:{port}"

    def answer(request: Request) -> Reply:
        if request.path == "/auth0.js":
            return Reply(library, kind="text/javascript; charset=utf-8")
        return Reply(callback(broker, request.path == "/with-flag"))

    application = {
        "client_id": "legacy",
        "name": "Legacy",
        "type": "spa",
        "redirect_uris": [f"{base}/with-flag", f"{base}/without-flag"],
        "allow_unsolicited_tokens": True,
    }
    with ExitStack() as stack:
        idp = stack.enter_context(PracticeIdp.serving(broker))
        policy: dict[str, Any] = {
            "unsolicited": "accept",
            "accept_login_csrf_risk": True,
            "delivery": "direct",
            "accept_application_login_csrf_risk": True,
        }
        connections = [
            idp.connection(
                name,
                "legacy",
                **policy,
                # A query string with blanks in it, as Auth0's own setting has it.
                parameters=f"redirect_uri={base}/{name}&scope=openid profile email&response_type=token id_token",
            )
            for name in ("with-flag", "without-flag")
        ]
        stack.enter_context(broker.serving({"applications": [application], "connections": connections}))
        stack.enter_context(small_site(port, answer))
        yield Legacy(broker, idp, base)


def parsed(window: Window, legacy: Legacy, page: str) -> dict[str, Any]:
    window.goto(legacy.idp.tile(page))
    window.wait_for_url(f"{legacy.base}/{page}")
    window.wait_for("window.result !== undefined")
    return dict(window.evaluate("window.result"))


def test_parse_hash_with_the_flag_gives_the_identity(chromium: Chromium, legacy: Legacy) -> None:
    """Signature, issuer, audience and at_hash are checked by the library; no `state` comes, and no `nonce`."""
    with chromium.window() as window:
        found = parsed(window, legacy, "with-flag")
        assert found["error"] is None
        payload = found["result"]["idTokenPayload"]
        assert payload["email"] == "ada@acme.test"
        assert payload["connection"] == "with-flag"
        assert "nonce" not in payload
        assert found["result"]["accessToken"]
        sight = window.look()
        assert sight.asked(legacy.broker.url(".well-known/jwks.json"))
        fragment = parse_qs(urlsplit(sight.url).fragment)
        assert "state" not in fragment


def test_parse_hash_without_the_flag_is_refused_by_the_library(chromium: Chromium, legacy: Legacy) -> None:
    """The application has to choose it: left alone, the library wants the state of a login that it began itself."""
    with chromium.window() as window:
        found = parsed(window, legacy, "without-flag")
        assert found.get("result") is None
        assert found["error"]["error"] == "invalid_token"
        assert "state" in found["error"]["errorDescription"]


def test_the_access_token_opens_user_info(chromium: Chromium, legacy: Legacy) -> None:
    """The token in the fragment is a real one: /userinfo answers it, across origins."""
    with chromium.window() as window:
        token = parsed(window, legacy, "with-flag")["result"]["accessToken"]
        headers = json.dumps({"Authorization": f"Bearer {token}"})
        url = json.dumps(legacy.broker.url("userinfo"))
        info = window.evaluate(f"fetch({url}, {{ headers: {headers} }}).then((answer) => answer.json())")
        assert info["email"] == "ada@acme.test"
