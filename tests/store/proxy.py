"""A TCP proxy between the engine and PostgreSQL that loses what it is told to lose."""

import asyncio
import contextlib
from enum import Enum
from types import TracebackType


class Mood(Enum):
    THROUGH = "through"
    LOSES_ANSWERS = "loses answers"
    """The server's next answer is not passed on: what it was asked was done, and the connection ends."""
    LOSES_REQUESTS = "loses requests"
    """The next request does not reach the server, and the connection ends."""


class Proxy:
    """Listens on a free port of 127.0.0.1. A loss happens once; then everything passes through again."""

    def __init__(self, port: int) -> None:
        self._behind = port
        self.mood = Mood.THROUGH
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._dead: set[asyncio.StreamWriter] = set()

    def swallow(self) -> None:
        """The connections that there are pass nothing on any more, either way, and do not end. New ones are good."""
        self._dead.update(self._writers)

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.sleep(0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        behind, onward = await asyncio.open_connection("127.0.0.1", self._behind)
        self._writers += [writer, onward]
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await asyncio.gather(
                self._pass(reader, onward, writer, Mood.LOSES_REQUESTS),
                self._pass(behind, writer, onward, Mood.LOSES_ANSWERS),
            )

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, other: asyncio.StreamWriter, loses: Mood
    ) -> None:
        while octets := await source.read(65536):
            if self.mood is loses:
                self.mood = Mood.THROUGH
                break
            if sink not in self._dead:
                sink.write(octets)
        sink.close()
        other.close()
