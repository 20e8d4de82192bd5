"""The portal's pages, the identity provider's endpoint among them."""

import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient
from tests.doubles import CountingEntropy, FixedClock

from vestibule.demo.idp import PracticeIdp
from vestibule.demo.journey import Journey
from vestibule.demo.people import ADA, GRACE
from vestibule.demo.places import lay_out
from vestibule.demo.portal import Portal
from vestibule.demo.scenarios import ATTACKS, TILES, TILES_BY_KEY
from vestibule.demo.stage import Stage
from vestibule.saml import bindings
from vestibule.saml import request as requests

PLACES = lay_out(8000)
CLOCK = FixedClock()
IDP = PracticeIdp.make(PLACES, clock=CLOCK, entropy=CountingEntropy())


class Configuring:
    """Takes what is applied, and counts."""

    def __init__(self) -> None:
        self.applied: list[Any] = []

    async def apply(self, document: Any, base: Path) -> None:
        self.applied.append(document)


class Visit:
    def __init__(self, directory: Path) -> None:
        self.configuring = Configuring()
        self.journey = Journey()
        stage = Stage(places=PLACES, directory=directory, configuring=self.configuring, secret="a" * 43)  # type: ignore[arg-type]
        app = Portal(places=PLACES, journey=self.journey, idp=IDP, stage=stage).app()
        self.browser = TestClient(app, base_url=PLACES.portal.origin, follow_redirects=False)


@pytest.fixture
def visit(tmp_path: Path) -> Visit:
    return Visit(tmp_path)


def fields(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in found}


def response_in(page: str) -> str:
    return bindings.decode_post(fields(page)["SAMLResponse"]).decode()


def asked(*, force_authn: bool = False) -> dict[str, str]:
    octets = requests.authn_request(
        id="_asked",
        issue_instant=CLOCK.now(),
        issuer=IDP.audience,
        destination="http://portal.localhost:8001/sso",
        acs_url=IDP.acs_url,
        force_authn=force_authn,
    )
    url = bindings.redirect_url(
        "http://portal.localhost:8001/sso",
        parameter="SAMLRequest",
        message=octets,
        relay_state="back",
        sign=None,
        algorithm=None,
    )
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_the_front_page_leads_to_every_tile_and_every_attack(visit: Visit) -> None:
    page = visit.browser.get("/").text
    assert all(f'action="/tile/{tile.key}"' in page for tile in TILES)
    assert all(f'href="{PLACES.evil.origin}/attack/{attack.key}"' in page for attack in ATTACKS)
    assert "Good to see you, Ada." in page


@pytest.mark.parametrize(
    "path", ["/", *(f"/tile/{tile.key}" for tile in TILES), "/people", "/configuration", "/journey"]
)
def test_every_page_has_one_heading_and_nothing_inline(visit: Visit, path: str) -> None:
    """One h1, a language, and no inline script or style, which the policy would drop."""
    page = visit.browser.get(path)
    assert page.status_code == 200
    assert page.text.count("<h1") == 1
    assert '<html lang="en">' in page.text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page.text)


@pytest.mark.parametrize("tile", TILES, ids=lambda tile: tile.key)
def test_a_tiles_page_says_what_happens_what_it_protects_from_and_what_it_costs(visit: Visit, tile: Any) -> None:
    page = html.unescape(visit.browser.get(f"/tile/{tile.key}").text)
    assert all(text in page for text in (*tile.hops, tile.protects, tile.costs))
    assert f"unsolicited: {tile.policy.unsolicited}" in page


def test_a_click_puts_the_tiles_policy_in_force_once(visit: Visit) -> None:
    visit.browser.post("/tile/confirm-direct")
    visit.browser.post("/tile/confirm-direct")
    [document] = visit.configuring.applied
    assert document.connections[0].idp_initiated.unsolicited == "confirm"
    assert "unsolicited: confirm" in visit.browser.get("/configuration").text


def test_a_click_makes_a_response_about_whoever_is_here(visit: Visit) -> None:
    """The form goes to Vestibule, carries no RelayState, and starts a journey."""
    page = visit.browser.post("/tile/restart-client").text
    assert f'action="{html.escape(IDP.acs_url)}"' in page
    assert set(fields(page)) == {"SAMLResponse"}
    assert ADA.email in response_in(page)
    assert [hop.path for hop in visit.journey.hops] == ["/tile/restart-client"]


def test_the_deep_link_tile_carries_its_alias(visit: Visit) -> None:
    assert fields(visit.browser.post("/tile/relay-state").text)["RelayState"] == "deals"


def test_the_bookmark_makes_no_response(visit: Visit) -> None:
    answer = visit.browser.post("/tile/launch")
    assert answer.headers["Location"] == (
        "http://vestibule.localhost:8000/launch/crm?connection=acme"
        "&target_link_uri=http%3A%2F%2Fcrm.localhost%3A8002%2Fapp%2Fdeals%2F42"
    )


def test_the_mismatch_tile_announces_the_other_colleague(visit: Visit) -> None:
    assert TILES_BY_KEY["mismatch"].rings_another
    assert GRACE.email in response_in(visit.browser.post("/tile/mismatch").text)
    visit.browser.post("/people", data={"person": "grace"})
    assert ADA.email in response_in(visit.browser.post("/tile/mismatch").text)


def test_a_visitor_can_be_a_colleague_and_never_the_attacker(visit: Visit) -> None:
    visit.browser.post("/people", data={"person": "grace"})
    assert "Good to see you, Grace." in visit.browser.get("/").text
    visit.browser.post("/people", data={"person": "mallory"})
    assert "Good to see you, Ada." in visit.browser.get("/").text


def test_a_request_is_answered_silently_for_the_portals_person(visit: Visit) -> None:
    page = visit.browser.get("/sso", params=asked()).text
    assert fields(page)["RelayState"] == "back"
    assert 'InResponseTo="_asked"' in response_in(page)
    assert ADA.email in response_in(page)


def test_force_authn_asks_for_a_click_first(visit: Visit) -> None:
    """No response before the click [SAMLCore 3.4.1]."""
    page = visit.browser.get("/sso", params=asked(force_authn=True)).text
    assert set(fields(page)) == {"SAMLRequest", "RelayState"}
    answered = visit.browser.post("/sso", data=fields(page)).text
    assert 'InResponseTo="_asked"' in response_in(answered)


@pytest.mark.parametrize("query", [{}, {"SAMLRequest": "%%%"}])
def test_nonsense_at_the_endpoint_is_a_page(visit: Visit, query: dict[str, str]) -> None:
    assert visit.browser.get("/sso", params=query).status_code == 400


def test_an_unknown_tile_is_a_page(visit: Visit) -> None:
    assert visit.browser.get("/tile/nothing").status_code == 404
    assert visit.browser.post("/tile/nothing").status_code == 404
    assert visit.configuring.applied == []
