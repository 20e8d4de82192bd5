"""Mallory's own browser, and the page that carries what it brought back."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient
from tests.doubles import CountingEntropy, FixedClock

from vestibule.demo.evil import Evil
from vestibule.demo.idp import PracticeIdp
from vestibule.demo.journey import Journey
from vestibule.demo.mallory import MOST_HOPS, MalloryBrowser
from vestibule.demo.places import lay_out
from vestibule.demo.scenarios import ATTACKS
from vestibule.demo.stage import Stage
from vestibule.ground.errors import Refused

PLACES = lay_out(8000)
IDP = PracticeIdp.make(PLACES, clock=FixedClock(), entropy=CountingEntropy())
CODE = "http://crm.localhost:8002/direct/callback?code=c&state=s"


class Broker:
    """Redirects through `places` in turn, setting a cookie each time, and remembers what it was asked."""

    def __init__(self, *places: str) -> None:
        self.places = list(places)
        self.asked: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        if not self.places:
            return httpx2.Response(200)
        number = len(self.asked)
        cookies = [("Set-Cookie", f"__Host-n={number}; Secure; Path=/"), ("Set-Cookie", "gone=; Max-Age=0")]
        return httpx2.Response(303, headers=[("Location", self.places.pop(0)), *cookies])

    def line(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(self), headers={"User-Agent": "mallory"})


def address(broker: Broker) -> str:
    return asyncio.run(MalloryBrowser(places=PLACES, idp=IDP, http=broker.line()).code_address())


def test_the_walk_stops_at_the_code_and_does_not_spend_it() -> None:
    broker = Broker("/login/continue?arrival=1", CODE)
    assert address(broker) == CODE
    assert [str(asked.url) for asked in broker.asked] == [IDP.acs_url, f"{PLACES.issuer}login/continue?arrival=1"]


def test_cookies_belong_to_their_host_and_secure_ones_are_kept() -> None:
    broker = Broker("/login/continue", "http://crm.localhost:8002/login", CODE)
    address(broker)
    assert [asked.headers.get("Cookie") for asked in broker.asked] == [None, "__Host-n=1", None]


def test_the_post_names_the_portal_as_its_origin() -> None:
    """Mallory's own login is an honest one."""
    broker = Broker(CODE)
    address(broker)
    assert broker.asked[0].headers["Origin"] == PLACES.portal.origin
    assert broker.asked[0].headers["User-Agent"] == "mallory"


@pytest.mark.parametrize("places", [(), ("/login/continue",), ("/round",) * (MOST_HOPS + 5)], ids=len)
def test_a_walk_without_a_code_is_refused(places: tuple[str, ...]) -> None:
    """Pages and circles both."""
    with pytest.raises(Refused) as refused:
        address(Broker(*places))
    assert refused.value.code == "demo.attack"


class Configuring:
    async def apply(self, document: Any, base: Path) -> None:
        return None


@pytest.fixture
def workshop(tmp_path: Path) -> TestClient:
    stage = Stage(places=PLACES, directory=tmp_path, configuring=Configuring(), secret="a" * 43)  # type: ignore[arg-type]
    evil = Evil(places=PLACES, journey=Journey(), idp=IDP, stage=stage, http=Broker().line())
    return TestClient(evil.app(), base_url=PLACES.evil.origin)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.key)
def test_an_attacks_page_tells_what_and_why(workshop: TestClient, attack: Any) -> None:
    page = workshop.get(f"/attack/{attack.key}").text.replace("&#39;", "'").replace("&#34;", '"')
    assert all(text in page for text in (attack.see, *attack.why, attack.verdict.value))


def test_the_workshop_lists_every_attack(workshop: TestClient) -> None:
    page = workshop.get("/").text
    assert all(f'href="/attack/{attack.key}"' in page for attack in ATTACKS)


def test_an_attack_that_cannot_be_prepared_says_so(workshop: TestClient) -> None:
    page = workshop.post("/bait/code")
    assert page.status_code == 502
    assert "Mallory&#39;s own login did not end in a code." in page.text


def test_an_unknown_attack_is_a_page(workshop: TestClient) -> None:
    assert workshop.get("/attack/nothing").status_code == 404
    assert workshop.post("/bait/nothing").status_code == 404
