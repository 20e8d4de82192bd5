"""The end of serving: whatever reached us is answered, the balancer is told first, and idle connections do not hold it up."""

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from vestibule.web import health
from vestibule.web.protocol import BoundedHttp
from vestibule.web.serving import DrainingServer


class Quick(BoundedHttp):
    LAST_SECONDS = 0.5


async def slow(request: Request) -> Response:
    await asyncio.sleep(0.3)
    return PlainTextResponse("slow")


async def plain(request: Request) -> Response:
    return PlainTextResponse(f"{len(await request.body())} bytes")


APP = Starlette(
    routes=[Route("/", plain, methods=["GET", "POST"]), Route("/slow", slow), Route("/readyz", health.ready)]
)
GET = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"


class Scene:
    """A server that serves, its port, and the sockets it listens on."""

    def __init__(self, server: DrainingServer, listening: socket.socket) -> None:
        self.server, self.listening = server, listening
        self.port: int = listening.getsockname()[1]

    def line(self) -> socket.socket:
        """A connection that the kernel took; the server has not looked yet, as nothing was awaited since."""
        made = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        made.setblocking(False)
        return made

    async def accepted(self) -> socket.socket:
        """A connection that the server has accepted."""
        before = len(self.server.server_state.connections)
        made = self.line()
        while len(self.server.server_state.connections) == before:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.001)
        return made

    async def end(self) -> float:
        """SIGTERM as far as the server can tell; how long the end took."""
        began = time.monotonic()
        self.server._captured_signals.append(signal.SIGTERM)
        await self.server.shutdown([self.listening])
        return time.monotonic() - began


@asynccontextmanager
async def serving(*, drain: float = 0.0) -> AsyncIterator[Scene]:
    config = uvicorn.Config(
        APP, http=Quick, ws="none", lifespan="off", log_level="warning", access_log=False, timeout_graceful_shutdown=5
    )
    config.load()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        server = DrainingServer(config, drain=drain)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listening])
        yield Scene(server, listening)


async def send(line: socket.socket, octets: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(line, octets)


async def heard(line: socket.socket, *, whole: bool = True) -> str:
    """What the server says until it closes the connection (`whole`), or its first words."""
    said = b""
    with contextlib.closing(line) if whole else contextlib.nullcontext(), contextlib.suppress(ConnectionResetError):
        async with asyncio.timeout(5):
            while piece := await asyncio.get_running_loop().sock_recv(line, 65_536):
                said += piece
                if not whole:
                    break
    return said.decode()


def test_connections_that_wait_to_be_accepted_are_answered() -> None:
    """The kernel took them, and their requests with them: closing the socket would reset them."""

    async def scene() -> None:
        async with serving() as it:
            lines = [it.line() for _ in range(20)]
            for line in lines:
                line.send(POST)
            ending = asyncio.create_task(it.end())
            said = await asyncio.gather(*(heard(line) for line in lines))
            await ending
            assert all(one.endswith("4 bytes") and "connection: close" in one for one in said), said

    asyncio.run(scene())


def test_a_request_on_its_way_on_a_new_connection_is_answered() -> None:
    async def scene() -> None:
        async with serving() as it:
            line = await it.accepted()
            ending = asyncio.create_task(it.end())
            await asyncio.sleep(0.1)
            await send(line, POST)
            said = await heard(line)
            assert said.startswith("HTTP/1.1 200 ")
            assert "connection: close" in said
            await ending

    asyncio.run(scene())


def test_a_request_that_is_half_here_is_answered() -> None:
    """In its head, on a connection that had one request before, and in its body."""

    async def scene() -> None:
        async with serving() as it:
            head, body = await it.accepted(), await it.accepted()
            await send(head, GET % b"/")
            assert "200 OK" in await heard(head, whole=False)
            await send(head, POST[:20])
            await send(body, POST[:-2])
            await asyncio.sleep(0.05)
            ending = asyncio.create_task(it.end())
            await asyncio.sleep(0.1)
            await send(head, POST[20:])
            await send(body, POST[-2:])
            for line in (head, body):
                said = await heard(line)
                assert said.endswith("4 bytes")
                assert "connection: close" in said
            await ending

    asyncio.run(scene())


def test_a_request_in_flight_is_answered() -> None:
    async def scene() -> None:
        async with serving() as it:
            line = await it.accepted()
            await send(line, GET % b"/slow")
            await asyncio.sleep(0.05)
            ending = asyncio.create_task(it.end())
            assert (await heard(line)).endswith("slow")
            await ending

    asyncio.run(scene())


def test_a_request_on_its_way_on_a_kept_connection_is_answered() -> None:
    """A proxy keeps connections, and knows only from the answer that this one is at its end."""

    async def scene() -> None:
        async with serving() as it:
            kept = await it.accepted()
            await send(kept, GET % b"/")
            assert "connection: close" not in await heard(kept, whole=False)
            ending = asyncio.create_task(it.end())
            await asyncio.sleep(0.1)
            await send(kept, POST)
            said = await heard(kept)
            assert said.endswith("4 bytes")
            assert "connection: close" in said
            await ending

    asyncio.run(scene())


def test_connections_without_a_request_hold_up_the_end_for_a_moment_only() -> None:
    """One that had its answer, and one that never asked anything."""

    async def scene() -> None:
        async with serving() as it:
            idle, silent = await it.accepted(), await it.accepted()
            await send(idle, GET % b"/")
            assert "200 OK" in await heard(idle, whole=False)
            took = await it.end()
            assert took < 2.0
            assert (await heard(idle), await heard(silent)) == ("", "")

    asyncio.run(scene())


def test_while_it_drains_everything_is_served_and_readyz_says_that_it_ends() -> None:
    async def scene() -> None:
        async with serving(drain=0.6) as it:
            kept = await it.accepted()
            await send(kept, GET % b"/")
            first = await heard(kept, whole=False)
            assert "connection: close" not in first
            ending = asyncio.create_task(it.end())
            await asyncio.sleep(0.1)
            late, asked = it.line(), it.line()
            await send(asked, GET % b"/readyz")
            for line in (kept, late):
                await send(line, POST)
                said = await heard(line)
                assert said.endswith("4 bytes")
                assert "connection: close" in said
            said = await heard(asked)
            assert said.startswith("HTTP/1.1 503 ")
            assert said.endswith("not ready: ending\n")
            assert await ending >= 0.6

    asyncio.run(scene())


def test_ctrl_c_waits_for_no_balancer() -> None:
    async def scene() -> None:
        async with serving(drain=60.0) as it:
            it.server._captured_signals.append(signal.SIGINT)
            assert await it.end() < 5.0

    asyncio.run(scene())
