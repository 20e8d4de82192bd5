"""What a test with a real identity provider consists of: the IdP, the broker with one connection a signing mode, an application."""

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers.broker import Broker, new_broker
from tests.peers.plain_browser import PlainBrowser
from tests.peers.web_application import WebApplication, new_web_application, signed_in

SIGNING = ("assertion", "response", "both")
ENCRYPTING = tuple(f"encrypted-{signing}" for signing in SIGNING)
"""The same, with the assertion encrypted for the key that our metadata names."""
MODES = SIGNING + ENCRYPTING


@dataclass(frozen=True)
class Enterprise:
    """`base` is where the identity provider is; connections are called PREFIX-MODE."""

    base: str
    prefix: str
    run: Path
    broker: Broker
    application: WebApplication
    tile: Callable[[Broker, str], str]

    def name(self, mode: str) -> str:
        return f"{self.prefix}-{mode}"

    def connection(self, signing: str, idp: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        return {
            "name": self.name(signing),
            "display_name": f"Acme {signing}",
            "idp": dict(idp),
            "applications": [self.application.client_id],
            "idp_initiated": {"enabled": True, "default_application": self.application.client_id},
            **more,
        }

    @contextmanager
    def serving(self, connections: list[dict[str, Any]]) -> Iterator["Enterprise"]:
        """The broker and the application run, and the identity provider has our metadata in RUN/sp."""
        document = {"applications": [self.application.settings()], "connections": connections}
        with ExitStack() as stack:
            stack.enter_context(self.broker.serving(document))
            stack.enter_context(self.application.serving(self.broker, self.run))
            for connection in connections:
                metadata = self.broker.metadata(connection["name"])
                (self.run / "sp" / f"{connection['name']}.xml").write_text(metadata)
            yield self


def new_enterprise(run: Path, base: str, prefix: str, tile: Callable[[Broker, str], str]) -> Enterprise:
    return Enterprise(base, prefix, run, new_broker(run / "broker"), new_web_application(), tile)


def sign_in_from_the_tile(enterprise: Enterprise, signing: str) -> tuple[PlainBrowser, dict[str, Any]]:
    """The person clicks the tile in the portal; gives the browser, and what the application then says of the person."""
    browser = PlainBrowser()
    page = browser.open(enterprise.tile(enterprise.broker, enterprise.name(signing)))
    return browser, signed_in(page)


def sign_in_from_the_bookmark(enterprise: Enterprise, signing: str) -> tuple[PlainBrowser, dict[str, Any]]:
    """The person follows our own launch link, which needs no SAML response to begin with."""
    browser = PlainBrowser()
    launch = enterprise.broker.url(f"launch/{enterprise.application.client_id}?connection={enterprise.name(signing)}")
    return browser, signed_in(browser.open(launch))


def responses_posted(enterprise: Enterprise, browser: PlainBrowser, signing: str) -> int:
    acs = enterprise.broker.acs(enterprise.name(signing))
    return sum(page.method == "POST" and page.url == acs for page in browser.history)


def messages(browser: PlainBrowser) -> list[bytes]:
    """Every SAML response that the identity provider handed this browser to post."""
    pages = [page for page in browser.history if page.is_html]
    fields = [dict(form.form_values()) for page in pages for form in page.document.forms]
    found = [base64.b64decode(form["SAMLResponse"]) for form in fields if "SAMLResponse" in form]
    assert found
    return found


def check_person(enterprise: Enterprise, signing: str, person: Mapping[str, Any]) -> None:
    """The identity is the one that this IdP asserted, and says through which connection it came."""
    claims = person["claims"]
    assert claims["connection"] == enterprise.name(signing)
    assert claims["iss"] == enterprise.broker.issuer
    assert person["userinfo"]["email"] == "alice@acme.test"
    assert person["userinfo"]["sub"] == claims["sub"]
