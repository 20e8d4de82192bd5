"""A traditional web application with openid-client 6, reached from a tile both ways."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.browser.practice_idp import PracticeIdp
from tests.peers.broker import Broker, new_broker
from tests.peers.plain_browser import PlainBrowser
from tests.peers.web_application import WebApplication, new_web_application, signed_in


@dataclass(frozen=True)
class Portal:
    broker: Broker
    idp: PracticeIdp
    application: WebApplication


def modes(application: WebApplication) -> dict[str, dict[str, Any]]:
    """One connection a mode; each weaker one accepts its risk by name."""
    direct = {
        "delivery": "direct",
        "parameters": {
            "redirect_uri": f"{application.base}/direct",
            "state": "from-the-portal",
            "scope": "openid email",
        },
        "accept_application_login_csrf_risk": True,
    }
    accept = {"unsolicited": "accept", "accept_login_csrf_risk": True}
    return {
        "restart-client": {},
        "confirm-client": {"unsolicited": "confirm"},
        "accept-client": accept,
        "restart-direct": direct,
        "confirm-direct": {"unsolicited": "confirm", **direct},
        "accept-direct": {**accept, **direct},
    }


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    application = new_web_application()
    run = tmp_path_factory.mktemp("openid-client")
    broker = new_broker(run / "broker")
    with ExitStack() as stack:
        idp = stack.enter_context(PracticeIdp.serving(broker))
        connections = [idp.connection(name, application.client_id, **more) for name, more in modes(application).items()]
        document = {"applications": [application.settings()], "connections": connections}
        stack.enter_context(broker.serving(document))
        stack.enter_context(application.serving(broker, run))
        yield Portal(broker, idp, application)


def sign_in(portal: Portal, connection: str) -> tuple[PlainBrowser, dict[str, Any]]:
    browser = PlainBrowser()
    page = browser.open(portal.idp.tile(connection))
    if connection.startswith("confirm"):
        assert "ada@acme.test" in page.words, page
        page = browser.submit(page, ("decision", "yes"))
    return browser, signed_in(page)


@pytest.mark.parametrize("connection", ["restart-client", "confirm-client", "accept-client"])
def test_client_delivery_goes_through_initiate_login_uri(portal: Portal, connection: str) -> None:
    """[OIDC Core 4]: `iss` and a `login_hint` that names the connection, never the person; then state, nonce and PKCE."""
    browser, person = sign_in(portal, connection)
    assert person["claims"]["connection"] == connection
    assert person["userinfo"]["email"] == "ada@acme.test"
    (invited,) = browser.visited(f"{portal.application.base}/login")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(invited.url).query).items()}
    assert asked["iss"] == portal.broker.issuer
    assert asked["login_hint"] == f"connection:{connection}"
    assert "ada" not in invited.url
    assert person["claims"]["nonce"]


@pytest.mark.parametrize("connection", ["restart-direct", "confirm-direct", "accept-direct"])
def test_direct_delivery_brings_a_code_with_the_configured_state(portal: Portal, connection: str) -> None:
    """No request of the application came before: the code is redeemed with client authentication alone."""
    browser, person = sign_in(portal, connection)
    assert person["claims"]["connection"] == connection
    assert person["userinfo"]["email"] == "ada@acme.test"
    assert parse_qs(person["callback"].removeprefix("?"))["state"] == ["from-the-portal"]
    assert "nonce" not in person["claims"]
    assert browser.visited(f"{portal.application.base}/login") == []


@pytest.mark.parametrize(("connection", "asked"), [("restart-client", 1), ("confirm-client", 0), ("accept-client", 0)])
def test_only_restart_asks_the_idp_again(portal: Portal, connection: str, asked: int) -> None:
    """What the modes cost: one more round trip to the IdP, or none."""
    browser, _ = sign_in(portal, connection)
    assert len(browser.visited(portal.idp.sso_url(connection))) == asked


def test_a_code_that_was_redeemed_is_worth_nothing(portal: Portal) -> None:
    """The callback's address, found in a history or a log, signs nobody in a second time."""
    browser, _ = sign_in(portal, "accept-direct")
    (callback,) = browser.visited(f"{portal.application.base}/direct")
    again = PlainBrowser().open(callback.url)
    assert again.status == 500
    assert "invalid_grant" in again.text


def test_the_accepted_arrival_opens_no_session(portal: Portal) -> None:
    """`accept` answers its one application once: coming back later, the person goes to the IdP."""
    browser, _ = sign_in(portal, "accept-client")
    browser.cookies = [cookie for cookie in browser.cookies if cookie.name != "app"]
    launch = portal.broker.url(f"launch/{portal.application.client_id}?connection=accept-client")
    assert signed_in(browser.open(launch))["claims"]["connection"] == "accept-client"
    assert len(browser.visited(portal.idp.sso_url("accept-client"))) == 1
