"""The traditional web application of these tests: openid-client 6 on Node, and how the broker is told of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers.broker import Broker
from tests.peers.machine import HERE, NODE_MODULES, free_port, node, running
from tests.peers.plain_browser import Page

SECRET = "a-secret-of-the-tests-long-enough"


@dataclass(frozen=True)
class WebApplication:
    port: int
    client_id: str = "crm"

    @property
    def base(self) -> str:
        return f"http://app.localhost:{self.port}"

    def settings(self, **more: Any) -> dict[str, Any]:
        """The application as the configuration file has it."""
        return {
            "client_id": self.client_id,
            "name": "Customers",
            "type": "web",
            "client_secret": SECRET,
            "redirect_uris": [f"{self.base}/callback", f"{self.base}/direct"],
            "initiate_login_uri": f"{self.base}/login",
            "target_link_uris": [f"{self.base}/"],
            **more,
        }

    @contextmanager
    def serving(self, broker: Broker, run: Path, **more: str) -> Iterator["WebApplication"]:
        """Serve until the block ends; `more` are further variables of the environment."""
        environment = {
            **more,
            "NODE_MODULES": str(NODE_MODULES),
            "PORT": str(self.port),
            "BASE": self.base,
            "ISSUER": broker.issuer,
            "CLIENT_ID": self.client_id,
            "CLIENT_SECRET": SECRET,
        }
        command = (node(), "--require", HERE / "localhost.cjs", HERE / "web_application.mjs")
        with running(command, port=self.port, log=run / "web_application.log", env=environment):
            yield self


def new_web_application() -> WebApplication:
    node()  # says what is missing
    return WebApplication(port=free_port())


def signed_in(page: Page) -> dict[str, Any]:
    """What the application says of the person who is signed in."""
    assert page.status == 200, page
    assert "application/json" in (page.header("content-type") or ""), page
    return dict(json.loads(page.text))
