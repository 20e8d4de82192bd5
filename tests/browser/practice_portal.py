"""Three sites and a foreign one, for the tests of attacks and of people's pages: idp, broker, app and evil under `.localhost`."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from tests.browser.practice_idp import PracticeIdp
from tests.browser.small_site import Reply, Request, page, self_posting, small_site
from tests.peers.broker import Broker, new_broker
from tests.peers.machine import free_port
from tests.peers.web_application import WebApplication, new_web_application


@dataclass(frozen=True)
class Attacker:
    """evil.localhost: /post/CONNECTION posts mallory's own fresh response from the victim's browser, /steer?to=URL leads on."""

    idp: PracticeIdp
    port: int

    @property
    def base(self) -> str:
        return f"http://evil.localhost:{self.port}"

    def post(self, connection: str) -> str:
        return f"{self.base}/post/{connection}"

    def steer(self, to: str) -> str:
        return f"{self.base}/steer?to={to}"

    def answer(self, request: Request) -> Reply:
        door, _, name = request.path.removeprefix("/").partition("/")
        if door == "post":
            return self_posting(self.idp.broker.acs(name), {"SAMLResponse": self.idp.response(name, "mallory")})
        if door == "steer":
            link = f'<a id=to href="{escape(request.asked["to"])}">kittens</a>'
            return page("Kittens", f"{link}<script>document.getElementById('to').click()</script>")
        return page("Kittens", "<h1>Kittens</h1>")


@dataclass(frozen=True)
class Portal:
    broker: Broker
    idp: PracticeIdp
    application: WebApplication
    attacker: Attacker


ACCEPT: dict[str, Any] = {"unsolicited": "accept", "accept_login_csrf_risk": True}
CONNECTIONS: dict[str, dict[str, Any]] = {
    "restart": {},
    "confirm": {"unsolicited": "confirm"},
    "accept": ACCEPT,
    "anywhere": {**ACCEPT, "post_origins": ["*"]},
}
DIRECT = ("restart-direct", "confirm-direct", "accept-direct")


@contextmanager
def practice_portal(directory: Path) -> Iterator[Portal]:
    """A broker with one connection a mode, `closed` (IdP-initiated off) and the same modes with direct delivery."""
    application = new_web_application()
    broker = new_broker(directory / "broker")
    direct: dict[str, Any] = {
        "delivery": "direct",
        "parameters": {
            "redirect_uri": f"{application.base}/direct",
            "state": "from-the-portal",
            "scope": "openid email",
        },
        "accept_application_login_csrf_risk": True,
    }
    with ExitStack() as stack:
        idp = stack.enter_context(PracticeIdp.serving(broker))
        connections = [idp.connection(name, application.client_id, **policy) for name, policy in CONNECTIONS.items()]
        connections += [
            idp.connection(name, application.client_id, **CONNECTIONS[name.partition("-")[0]], **direct)
            for name in DIRECT
        ]
        closed = idp.connection("closed", application.client_id)
        closed["idp_initiated"] = {"enabled": False}
        connections.append(closed)
        connections[0]["domains"] = [{"name": "acme.test", "verified": True}]
        stack.enter_context(broker.serving({"applications": [application.settings()], "connections": connections}))
        stack.enter_context(application.serving(broker, directory))
        attacker = Attacker(idp, free_port())
        stack.enter_context(small_site(attacker.port, attacker.answer))
        yield Portal(broker, idp, application, attacker)
