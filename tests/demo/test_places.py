"""The five places."""

import asyncio

import httpx2

from vestibule.demo.places import LoopbackTransport, lay_out


def test_every_place_has_a_port_and_a_site_of_its_own() -> None:
    """Five names below localhost, five ports from the base on."""
    places = lay_out(9100)
    assert [place.origin for place in places.all] == [
        "http://vestibule.localhost:9100",
        "http://portal.localhost:9101",
        "http://crm.localhost:9102",
        "http://board.localhost:9103",
        "http://evil.localhost:9104",
    ]
    assert places.issuer == "http://vestibule.localhost:9100/"


def test_own_calls_go_to_the_loopback_address_and_name_the_host() -> None:
    """No resolver is asked for *.localhost: the address is ours, the Host header is the place's."""
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(204)

    async def call() -> None:
        transport = LoopbackTransport("127.0.0.1", httpx2.MockTransport(answer))
        async with httpx2.AsyncClient(transport=transport) as client:
            await client.get("http://vestibule.localhost:8000/userinfo?a=b")

    asyncio.run(call())
    assert str(seen[0].url) == "http://127.0.0.1:8000/userinfo?a=b"
    assert seen[0].headers["Host"] == "vestibule.localhost:8000"
