"""Outgoing HTTP: what is fetched, what is refused, and where the connection goes."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest

from vestibule.ground.errors import Refused
from vestibule.outside.fetch import HttpFetch, system_resolve

Handler = Callable[[httpx2.Request], httpx2.Response]


async def public(host: str, port: int) -> tuple[str, ...]:
    return ("8.8.8.8",)


def get(url: str, handler: Handler, *, limit: int = 1000, resolve: object = public) -> bytes:
    fetch = HttpFetch(transport=httpx2.MockTransport(handler), resolve=resolve)  # type: ignore[arg-type]
    return asyncio.run(fetch.get(url, limit=limit))


def refused(url: str, handler: Handler, *, limit: int = 1000, resolve: object = public) -> str:
    with pytest.raises(Refused) as caught:
        get(url, handler, limit=limit, resolve=resolve)
    return caught.value.code


def answer(status: int = 200, *, body: bytes = b"ok", **headers: str) -> Handler:
    return lambda request: httpx2.Response(
        status, headers={name.replace("_", "-"): value for name, value in headers.items()}, stream=_Stream(body)
    )


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, body: bytes) -> None:
        self.body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.body


def unreached(request: httpx2.Request) -> httpx2.Response:
    raise AssertionError(f"connected to {request.url}")


def test_the_connection_goes_to_the_checked_address_under_the_right_name() -> None:
    """A second DNS answer cannot lead elsewhere, and TLS is checked against the name, not the address."""
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return answer()(request)

    assert get("https://idp.example:8443/metadata?a=b#c", handler) == b"ok"
    assert str(seen[0].url) == "https://8.8.8.8:8443/metadata?a=b"
    assert seen[0].headers["host"] == "idp.example:8443"
    assert seen[0].extensions["sni_hostname"] == "idp.example"
    assert seen[0].headers["accept-encoding"] == "identity"


def test_ipv6_addresses_are_connected_to() -> None:
    async def resolve(host: str, port: int) -> tuple[str, ...]:
        return ("2606:4700:4700::1111",)

    hosts: list[str] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        hosts.append(request.url.host)
        return answer()(request)

    assert get("https://idp.example/", handler, resolve=resolve) == b"ok"
    assert hosts == ["2606:4700:4700::1111"]


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/",
        "ftp://idp.example/",
        "file:///etc/passwd",
        "https:///x",
        "https://user:password@idp.example/",
        "nonsense",
        "https://[::1",
    ],
)
def test_only_https_urls_with_a_host_and_no_user_are_fetched(url: str) -> None:
    assert refused(url, unreached) == "fetch.url"


def test_private_addresses_are_refused_before_connecting() -> None:
    async def resolve(host: str, port: int) -> tuple[str, ...]:
        return ("8.8.8.8", "169.254.169.254")

    assert refused("https://idp.example/", unreached, resolve=resolve) == "fetch.address"


def test_loopback_is_refused_unless_opened() -> None:
    assert refused("http://localhost:1/", unreached, resolve=system_resolve) == "fetch.address"
    assert refused("https://127.0.0.1/", unreached, resolve=system_resolve) == "fetch.address"
    assert refused("https://0x7f.1/", unreached, resolve=system_resolve) == "fetch.address"


def test_a_body_may_be_as_long_as_the_limit_and_no_longer() -> None:
    assert get("https://idp.example/", answer(body=b"x" * 10), limit=10) == b"x" * 10
    assert refused("https://idp.example/", answer(body=b"x" * 11), limit=10) == "fetch.too_large"


@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 404, 500])
def test_only_200_is_an_answer(status: int) -> None:
    assert refused("https://idp.example/", answer(status)) == "fetch.status"


def test_a_compressed_body_is_refused() -> None:
    assert refused("https://idp.example/", answer(content_encoding="gzip")) == "fetch.encoding"


def hops(count: int) -> Handler:
    def handler(request: httpx2.Request) -> httpx2.Response:
        done = int(request.url.path.strip("/") or 0)
        return answer()(request) if done == count else answer(302, location=f"/{done + 1}")(request)

    return handler


def test_three_redirects_are_followed_and_no_more() -> None:
    assert get("https://idp.example/", hops(3)) == b"ok"
    assert refused("https://idp.example/", hops(4)) == "fetch.redirect"


@pytest.mark.parametrize("location", ["http://idp.example/", "http://localhost/", "ftp://idp.example/"])
def test_a_redirect_may_not_leave_https(location: str) -> None:
    assert refused("https://idp.example/", answer(302, location=location)) == "fetch.redirect"


def test_every_hop_is_checked() -> None:
    """A public name may redirect to a private one."""

    async def resolve(host: str, port: int) -> tuple[str, ...]:
        return ("10.0.0.1",) if host == "inside.example" else ("8.8.8.8",)

    handler = answer(302, location="https://inside.example/")
    assert refused("https://idp.example/", handler, resolve=resolve) == "fetch.address"


def test_the_next_address_is_tried_where_one_cannot_be_reached() -> None:
    async def resolve(host: str, port: int) -> tuple[str, ...]:
        return ("8.8.8.8", "1.1.1.1")

    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "8.8.8.8":
            raise httpx2.ConnectError("down")
        return answer()(request)

    assert get("https://idp.example/", handler, resolve=resolve) == b"ok"


def test_what_cannot_be_reached_is_a_refusal() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("down")

    async def nowhere(host: str, port: int) -> tuple[str, ...]:
        raise OSError("no such name")

    async def nothing(host: str, port: int) -> tuple[str, ...]:
        return ()

    assert refused("https://idp.example/", handler) == "fetch.unreachable"
    assert refused("https://idp.example/", unreached, resolve=nowhere) == "fetch.unreachable"
    assert refused("https://idp.example/", unreached, resolve=nothing) == "fetch.unreachable"


def raising(error: Exception, cause: Exception) -> Handler:
    def handler(request: httpx2.Request) -> httpx2.Response:
        raise error from cause

    return handler


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "certificate has expired"
    return error


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (untrusted(), "its TLS certificate was not accepted: certificate has expired."),
        (ssl.SSLError(1, "wrong version number"), "no TLS connection could be made: wrong version number."),
        (ConnectionRefusedError(111, "Connect call failed ('::1', 443, 0, 0)"), "Connection refused."),
        (ValueError("nothing that says anything"), "the connection failed (ConnectError)."),
    ],
)
def test_the_cause_is_said_and_not_how_a_library_wraps_it(cause: Exception, sentence: str) -> None:
    with pytest.raises(Refused) as caught:
        get("https://idp.example/m", raising(httpx2.ConnectError("All attempts failed"), cause))
    assert caught.value.code == "fetch.unreachable"
    assert caught.value.why == f"https://idp.example/m: {sentence}"


def test_a_name_that_dns_does_not_know_is_said_to_be_that() -> None:
    async def nowhere(host: str, port: int) -> tuple[str, ...]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(Refused) as caught:
        get("https://idp.example/m", unreached, resolve=nowhere)
    assert caught.value.why == "The name idp.example could not be looked up in DNS: Name or service not known."


def test_refusals_show_no_query() -> None:
    """A metadata URL may carry a token."""
    with pytest.raises(Refused) as caught:
        get("https://idp.example/metadata?token=sesame", answer(404))
    assert "sesame" not in str(caught.value)


@asynccontextmanager
async def serving(body: bytes | None) -> AsyncIterator[int]:
    """A real server on loopback that answers every request with `body`, or, if there is none, never."""
    talks: list[asyncio.Task[None] | None] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.current_task())
        # A client that lost patience may leave in the middle of its request, or of the answer.
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            if body is not None:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
                await writer.drain()
            await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        for _ in range(100):  # on a busy machine the client may be gone before the server has met it
            if talks:
                break
            await asyncio.sleep(0.01)
        server.close()
        await asyncio.gather(*(talk for talk in talks if talk))


def test_loopback_names_are_this_machine_without_asking_dns() -> None:
    async def fetched() -> bytes:
        async with serving(b"metadata") as port:
            return await HttpFetch(loopback=True).get(f"http://idp.localhost:{port}/", limit=100)

    assert asyncio.run(fetched()) == b"metadata"


def test_a_slow_answer_is_refused_in_time() -> None:
    async def fetched() -> bytes:
        async with serving(None) as port:
            return await HttpFetch(loopback=True, timeout=0.1).get(f"http://localhost:{port}/", limit=100)

    with pytest.raises(Refused) as caught:
        asyncio.run(fetched())
    assert caught.value.code == "fetch.timeout"
