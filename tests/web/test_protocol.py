"""The protocol in front of the application, over real sockets: heads within bounds of size and time, bodies not lingered for."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from vestibule.web.limits import STATIC_HEADERS
from vestibule.web.protocol import BoundedHttp


class Small(BoundedHttp):
    """The same with room for little."""

    HEAD_LIMIT = 2_000


class Quick(Small):
    """And with little patience, for the tests that wait until it ends."""

    HEAD_SECONDS = 0.3
    LINGER_SECONDS = 0.3


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Application:
    """Answers every request with its path and how many bytes came with it; `/unread` without reading them."""

    paths: list[str] = field(default_factory=list)
    headers: list[dict[bytes, bytes]] = field(default_factory=list)
    """As they are once the body was read."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        self.paths.append(scope["path"])
        request = Request(scope, receive)
        if scope["path"] == "/slow":
            await asyncio.sleep(0.7)
        body = b"" if scope["path"] == "/unread" else await request.body()
        self.headers.append(dict(scope["headers"]))
        await PlainTextResponse(f"{scope['path']} {len(body)}")(scope, receive, send)


@dataclass
class Line:
    """One connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def say(self, text: bytes) -> None:
        self.writer.write(text)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """The next answer of this connection; status 0 if it was closed without one."""
        try:
            async with asyncio.timeout(5):
                head = await self.reader.readuntil(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                headers = {
                    name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)
                }
                body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0, {}, b""
        return int(lines[0].split(" ")[1]), headers, body

    async def closed(self, within: float = 5.0) -> bool:
        """Whether the server ends the connection, without another word, in time."""
        try:
            async with asyncio.timeout(within):
                return await self.reader.read() == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True


Scene = Callable[[Application, Callable[[], Awaitable[Line]]], Awaitable[None]]


@asynccontextmanager
async def serving(app: Application, protocol: type[BoundedHttp]) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(
            app, http=protocol, ws="none", lifespan="off", log_level="warning", access_log=False, timeout_keep_alive=30
        )
        server = Server(config)
        running = asyncio.create_task(server.serve([listening]))
        try:
            yield listening.getsockname()[1]  # whoever connects before it serves waits in line
        finally:
            server.should_exit = True
            await running


def play(scene: Scene, protocol: type[BoundedHttp] = Small) -> None:
    async def whole() -> None:
        app = Application()
        lines: list[Line] = []
        async with serving(app, protocol) as port:

            async def connect() -> Line:
                lines.append(Line(*await asyncio.open_connection("127.0.0.1", port)))
                return lines[-1]

            try:
                await scene(app, connect)
            finally:
                for line in lines:
                    line.writer.close()
                    with contextlib.suppress(ConnectionError):
                        await line.writer.wait_closed()

    asyncio.run(whole())


def get(path: str = "/", *headers: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: x", *headers, "", "")).encode()


def post(path: str, body: bytes, *, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode() + body


def test_ordinary_requests_are_served_one_after_the_other_on_one_connection() -> None:
    """The positive control, with a body far larger than a head may be."""

    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        line = await connect()
        for path, size in (("/a", 0), ("/b", 300_000), ("/c", 5)):
            line.say(post(path, b"x" * size))
            status, _, body = await line.answer()
            assert (status, body) == (200, f"{path} {size}".encode())
        line.say(get("/d") + get("/e") + post("/f", b"x" * 10))
        assert [(await line.answer())[2] for _ in range(3)] == [b"/d 0", b"/e 0", b"/f 10"]

    play(scene)


def test_a_head_may_be_as_large_as_the_limit_and_no_larger() -> None:
    """To the byte, counting request line, headers and the empty line."""

    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        bare = len(get("/", "X: "))
        for extra, expected in ((0, 200), (1, 431)):
            line = await connect()
            line.say(get("/", "X: " + "y" * (Small.HEAD_LIMIT - bare + extra)))
            status, headers, _ = await line.answer()
            assert status == expected
            assert (headers.get("connection") == "close") is (expected == 431)

    play(scene)


@pytest.mark.parametrize(
    "start",
    [
        b"GET /" + b"a" * 5_000,
        b"GET / HTTP/1.1\r\nCookie: " + b"c=d; " * 1_000,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1_000,
        b"GET / HTTP/1.1\r\n" + b"X" * 5_000,
    ],
)
def test_a_head_that_is_too_large_is_answered_before_its_end(start: bytes) -> None:
    """In plain words, with what every answer carries; the application never hears of it, and the connection ends."""

    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        line = await connect()
        line.say(start)
        status, headers, body = await line.answer()
        assert status == 431
        assert b"Delete the cookies of this site" in body
        for name, value in STATIC_HEADERS:
            assert headers[name.decode()] == value.decode()
        assert await line.closed()
        assert app.paths == []

    play(scene)


def test_a_large_head_in_small_pieces_is_no_different() -> None:
    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        line = await connect()
        line.say(b"GET / HTTP/1.1\r\n")
        for _ in range(30):
            line.say(b"X-Header: " + b"y" * 90 + b"\r\n")
            await line.writer.drain()
            await asyncio.sleep(0.001)
        assert (await line.answer())[0] == 431
        assert app.paths == []

    play(scene)


@pytest.mark.parametrize("first", [get("/first"), post("/first", b"x" * 5_000)])
def test_the_second_head_of_a_connection_has_the_same_limit(first: bytes) -> None:
    """Behind a first request it is answered like that one; together with it, by the end of the connection alone."""

    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        line = await connect()
        line.say(first)
        assert (await line.answer())[0] == 200
        line.say(b"GET / HTTP/1.1\r\nX: " + b"y" * 10_000)
        assert (await line.answer())[0] == 431
        line = await connect()
        line.say(first + b"GET / HTTP/1.1\r\nX: " + b"y" * 10_000)
        assert (await line.answer())[0] in (0, 200), "never is a refusal taken for the answer to the first"
        assert await line.closed()
        assert app.paths == ["/first", "/first"]

    play(scene)


@pytest.mark.parametrize("start", [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
def test_a_connection_that_does_not_finish_its_head_is_closed(start: bytes) -> None:
    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        line = await connect()
        line.say(start)
        assert await line.closed()
        assert app.paths == []

    play(scene, Quick)


def test_a_head_that_drips_is_not_waited_for() -> None:
    """The time is for the whole head: a byte now and then does not buy more (slowloris)."""

    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        lines = [await connect() for _ in range(20)]
        for line in lines:
            line.say(b"GET / HTTP/1.1\r\n")

        async def drip(line: Line) -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    line.say(b"X")
                    await line.writer.drain()
                    await asyncio.sleep(0.05)

        drips = [asyncio.create_task(drip(line)) for line in lines]
        began = asyncio.get_running_loop().time()
        assert all(await asyncio.gather(*(line.closed() for line in lines)))
        assert asyncio.get_running_loop().time() - began < 5
        for task in drips:
            task.cancel()
        assert app.paths == []

    play(scene, Quick)


def test_a_kept_connection_has_its_time_from_the_first_byte_of_the_next_head() -> None:
    """While it is idle it may stay as long as the server keeps connections; a head once begun must come."""

    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        line = await connect()
        line.say(get("/a"))
        assert (await line.answer())[0] == 200
        await asyncio.sleep(Quick.HEAD_SECONDS * 2)
        line.say(get("/b"))
        assert (await line.answer())[0] == 200
        line.say(b"GET /c")
        assert await line.closed()
        assert app.paths == ["/a", "/b"]

    play(scene, Quick)


def test_a_slow_answer_is_not_cut_off_by_the_head_behind_it() -> None:
    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        line = await connect()
        line.say(get("/slow"))
        await line.writer.drain()
        await asyncio.sleep(0.1)
        line.say(b"GET /next")
        status, _, body = await line.answer()
        assert (status, body) == (200, b"/slow 0")
        assert await line.closed()
        assert app.paths == ["/slow"]

    play(scene, Quick)


def test_a_body_that_nobody_reads_is_thrown_away_for_a_short_time_only() -> None:
    """Long enough to read the answer; not as long as it pleases to drip."""

    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        line = await connect()
        line.say(post("/unread", b"x" * 100, length=1_000_000))
        assert (await line.answer())[0] == 200

        async def drip() -> None:
            with contextlib.suppress(ConnectionError):
                while True:
                    line.say(b"x")
                    await line.writer.drain()
                    await asyncio.sleep(0.05)

        task = asyncio.create_task(drip())
        assert await line.closed()
        task.cancel()

    play(scene, Quick)


def test_a_body_that_nobody_reads_but_that_ends_leaves_the_connection_usable() -> None:
    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        line = await connect()
        line.say(post("/unread", b"x" * 100, length=50_000))
        assert (await line.answer())[0] == 200
        line.say(b"x" * 49_900)
        line.say(get("/next"))
        assert (await line.answer())[2] == b"/next 0"

    play(scene)


@pytest.mark.parametrize(
    "junk",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELO mail.example\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_not_http_or_could_be_read_in_two_ways_is_refused(
    junk: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Request smuggling needs two readers who differ; and a stranger's junk is no line in the log."""

    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        line = await connect()
        line.say(junk)
        status, headers, _ = await line.answer()
        assert status in (0, 400)
        if status:
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["connection"] == "close"
        assert await line.closed()

    play(scene)
    assert caplog.records == []


def test_an_upgrade_is_not_taken_up_and_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        line = await connect()
        line.say(
            get(
                "/x",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: eA==",
            )
        )
        assert (await line.answer())[0] in (200, 400, 426)

    play(scene)
    assert caplog.records == []


def test_the_limits_in_force_are_those_that_are_documented() -> None:
    assert (BoundedHttp.HEAD_LIMIT, BoundedHttp.HEAD_SECONDS, BoundedHttp.LINGER_SECONDS) == (32_768, 10.0, 5.0)


def chunked(path: str, *chunks: bytes, extension: bytes = b"", trailers: bytes = b"", end: bool = True) -> bytes:
    """A post in chunks; without `end` the trailers go on."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    parts = b"".join(b"%x%s\r\n%s\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    return head + parts + b"0\r\n" + trailers + (b"\r\n" if end else b"")


@pytest.mark.parametrize("at_once", [True, False])
def test_what_stands_behind_a_body_never_becomes_a_header(at_once: bool) -> None:
    """Not an address, not a credential, not a cookie [RFC 9110 6.5.1], whether it comes with the head or after it."""
    octets = chunked(
        "/t", b"abc", trailers=b"X-Forwarded-For: 203.0.113.9\r\nAuthorization: Basic eDp5\r\nCookie: a=b\r\n"
    )

    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        line = await connect()
        for part in (octets,) if at_once else (octets[:60], octets[60:75], octets[75:]):
            line.say(part)
            await asyncio.sleep(0.02)
        assert (await line.answer())[2] == b"/t 3"
        assert set(app.headers[0]) == {b"host", b"transfer-encoding"}
        line.say(get("/next"))
        assert (await line.answer())[2] == b"/next 0"

    play(scene)


@pytest.mark.parametrize(
    "endless",
    [
        chunked("/t", b"abc", trailers=b"a: b\r\n" * 4_000, end=False),
        chunked("/t", b"abc", trailers=b"a: " + b"b" * 24_000, end=False),
        chunked("/t", *[b"x"] * 10, extension=b";e=" + b"x" * 4_000),
    ],
    ids=["many trailers", "one long trailer", "extensions"],
)
def test_what_comes_beside_a_body_has_an_end(endless: bytes) -> None:
    """Nobody reads it, so nobody needs much of it."""

    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        line = await connect()
        line.say(endless)
        assert await line.closed()

    play(scene)


def test_a_large_body_in_ordinary_chunks_is_taken() -> None:
    async def scene(app: Application, connect: Callable[[], Awaitable[Line]]) -> None:
        line = await connect()
        line.say(chunked("/t", *[b"x" * 4_096] * 300))
        assert (await line.answer())[2] == b"/t 1228800"
        line.say(chunked("/t", *[b"x" * 16] * 5_000))
        assert (await line.answer())[2] == b"/t 80000"

    play(scene)
