"""Outgoing HTTP: documents from URLs that somebody typed, fetched with bounds on time, size, redirects and reach."""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from urllib.parse import urljoin

import httpx2

from vestibule.ground.errors import Refused
from vestibule.ground.url import is_loopback
from vestibule.outside.addresses import Reach

Resolve = Callable[[str, int], Awaitable[tuple[str, ...]]]
"""Host and port in, every address of that host out."""

MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def system_resolve(host: str, port: int) -> tuple[str, ...]:
    """What the machine's resolver says. Loopback names are not asked for: they are this machine [RFC 6761 6.3]."""
    if host == "localhost" or host.endswith(".localhost"):
        return ("127.0.0.1", "::1")
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))


class HttpFetch:
    """Gets documents over https (plain http only from loopback hosts).

    Every address that the name resolves to is checked, and the connection is made to a checked address, so that a
    second DNS answer cannot lead elsewhere. Proxies from the environment are not used: they would resolve the name
    once more. TLS certificates are verified against the name.
    """

    def __init__(
        self,
        *,
        private: bool = False,
        loopback: bool = False,
        hosts: frozenset[str] = frozenset(),
        timeout: float = 10.0,
        resolve: Resolve = system_resolve,
        transport: httpx2.AsyncBaseTransport | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._reach = Reach(private=private, loopback=loopback, hosts=hosts)
        self._timeout = timeout
        self._resolve = resolve
        self._transport = transport
        self._trust = trust

    async def get(self, url: str, *, limit: int) -> bytes:
        """The body found at `url`: a 200, at most `limit` bytes, uncompressed, within the time allowed in all."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._follow(url, limit)
        except (TimeoutError, httpx2.TimeoutException):
            raise Refused(
                "fetch.timeout", f"{_shown(url)} gave no whole answer within {self._timeout:g} seconds."
            ) from None
        except (OSError, httpx2.HTTPError) as error:
            raise Refused("fetch.unreachable", f"{_shown(url)}: {_cause(error)}") from None

    async def _follow(self, url: str, limit: int) -> bytes:
        async with httpx2.AsyncClient(
            transport=self._transport,
            verify=self._trust or True,
            trust_env=False,
            follow_redirects=False,
            timeout=self._timeout,
        ) as client:
            current = url
            for _ in range(MAX_REDIRECTS + 1):
                answer = await self._hop(client, current, limit)
                if isinstance(answer, bytes):
                    return answer
                if current.lower().startswith("https:") and not answer.lower().startswith("https:"):
                    raise Refused("fetch.redirect", f"{_shown(current)} redirects from https to something else.")
                current = answer
        raise Refused("fetch.redirect", f"{_shown(url)} redirects more than {MAX_REDIRECTS} times.")

    async def _hop(self, client: httpx2.AsyncClient, url: str, limit: int) -> bytes | str:
        """One request: the body, or the URL that it redirects to."""
        target = _parsed(url)
        port = target.port or (443 if target.scheme == "https" else 80)
        try:
            addresses = self._reach.checked(target.host, await self._resolve(target.host, port))
        except OSError as error:
            raise Refused(
                "fetch.unreachable", f"The name {target.host} could not be looked up in DNS: {_cause(error)}"
            ) from None
        for position, address in enumerate(addresses, start=1):
            try:
                return await self._ask(client, target, address, limit)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if position == len(addresses):
                    raise
        raise Refused("fetch.unreachable", f"The name {target.host} has no address.")

    async def _ask(self, client: httpx2.AsyncClient, target: httpx2.URL, address: str, limit: int) -> bytes | str:
        request = client.build_request(
            "GET",
            target.copy_with(host=address, fragment=None),
            headers={"Host": target.netloc.decode("ascii"), "Accept-Encoding": "identity"},
            extensions={"sni_hostname": target.raw_host.decode("ascii")},
        )
        response = await client.send(request, stream=True)
        try:
            if response.status_code in _REDIRECTS and "location" in response.headers:
                return _led(target, response.headers["location"])
            return await _body(response, _shown(str(target)), limit)
        finally:
            await response.aclose()


async def _body(response: httpx2.Response, shown: str, limit: int) -> bytes:
    """The body, read as sent: a compressed one is refused, since its size would be known only too late."""
    if response.status_code != 200:
        raise Refused("fetch.status", f"{shown} did not answer with 200.", want=200, got=response.status_code)
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused("fetch.encoding", f"{shown} answered with a compressed body although none was asked for.")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > limit:
            raise Refused("fetch.too_large", f"{shown} is larger than allowed.", want=f"at most {limit} bytes")
    return bytes(body)


def _led(target: httpx2.URL, location: str) -> str:
    """Where a redirect leads; it is judged like any other URL before anything is sent there."""
    try:
        return urljoin(str(target), location)
    except ValueError:
        raise Refused("fetch.redirect", f"{_shown(str(target))} redirects to something that is no URL.") from None


def _parsed(url: str) -> httpx2.URL:
    try:
        target = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        raise Refused("fetch.url", "This is not a URL that can be fetched.") from None
    if not target.host or target.userinfo:
        raise Refused("fetch.url", "A URL to fetch needs a host, and carries no user name or password.")
    if target.scheme != "https" and not (target.scheme == "http" and is_loopback(target.host)):
        raise Refused("fetch.url", f"{_shown(url)} is not https. Plain http is used only for hosts on this machine.")
    return target


def _cause(error: BaseException) -> str:
    """The first cause, in a sentence: what the network or TLS said, not how a library wraps it."""
    causes = [error]
    while (inner := causes[-1].__cause__ or causes[-1].__context__) is not None and inner not in causes:
        causes.append(inner)
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its TLS certificate was not accepted: {cause.verify_message}."
        if isinstance(cause, ssl.SSLError):
            return f"no TLS connection could be made: {getattr(cause, 'reason', None) or cause.strerror}."
        if isinstance(cause, OSError) and cause.strerror:
            # The event loop writes its own words, with addresses, over the system's; a resolver's errors are negative.
            return f"{os.strerror(cause.errno) if cause.errno and cause.errno > 0 else cause.strerror}."
    return f"the connection failed ({type(error).__name__})."


def _shown(url: str) -> str:
    """The URL without what may be secret in it: query, fragment and user name."""
    plain = url.partition("#")[0].partition("?")[0]
    return plain.rpartition("@")[2]
