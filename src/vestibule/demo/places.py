"""The five places of the tour: each has an origin, and a *site*, of its own, as on the real web.

Browsers resolve `*.localhost` to this machine by themselves [RFC 6761 6.3]; resolvers need not, so the places' own
calls to each other go to the loopback address and name the host in the Host header.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx2


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`key` is its short name, `host` its DNS name, `title` what the tour calls it."""

    key: str
    title: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        return f"http://{self.authority}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    broker: Place
    portal: Place
    crm: Place
    board: Place
    evil: Place

    @property
    def issuer(self) -> str:
        return f"{self.broker.origin}/"

    @property
    def all(self) -> tuple[Place, ...]:
        return (self.broker, self.portal, self.crm, self.board, self.evil)


def lay_out(port_base: int) -> Places:
    """The five places, on five ports from `port_base` on."""
    names = (
        ("broker", "Vestibule", "vestibule"),
        ("portal", "Acme portal", "portal"),
        ("crm", "CRM", "crm"),
        ("board", "Board", "board"),
        ("evil", "Mallory's page", "evil"),
    )
    return Places(
        **{
            key: Place(key=key, title=title, host=f"{host}.localhost", port=port_base + offset)
            for offset, (key, title, host) in enumerate(names)
        }
    )


class LoopbackTransport(httpx2.AsyncBaseTransport):
    """Carries a request for `http://NAME.localhost:PORT` to `address:PORT`, the Host header unchanged."""

    def __init__(self, address: str, inner: httpx2.AsyncBaseTransport | None = None) -> None:
        self._address = address
        self._inner = inner or httpx2.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers.setdefault("Host", request.url.netloc.decode("ascii"))
        request.url = request.url.copy_with(host=self._address)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def back_channel(address: str, headers: Mapping[str, str]) -> httpx2.AsyncClient:
    """A client for the places' own calls: straight to this machine, no proxy, no redirects followed."""
    return httpx2.AsyncClient(transport=LoopbackTransport(address), headers=dict(headers), timeout=10.0)
