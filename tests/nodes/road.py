"""The road between nodes and PostgreSQL: it can be slow, closed, silent, or lose what was said."""

import asyncio

from tests.store.proxy import Mood, Proxy


class _Slowed(asyncio.StreamReader):
    """What a reader brings, `road.delay` seconds later, and counted."""

    def __init__(self, source: asyncio.StreamReader, road: "Road", *, answers: bool) -> None:
        super().__init__()
        self._source, self._road, self._answers = source, road, answers

    async def read(self, n: int = -1) -> bytes:
        octets = await self._source.read(n)
        while octets and self._road.silent:
            octets = await self._source.read(n)
        if self._road.delay:
            await asyncio.sleep(self._road.delay)
        if octets and self._answers:
            self._road.answered()
        return octets


class Road(Proxy):
    """A proxy on one port for as long as it lives."""

    delay = 0.0
    """Seconds that everything takes in each direction."""
    silent = False
    """Nothing is passed on either way, and nothing ends."""
    lost = 0
    """How many answers were lost on purpose."""
    _until: int | None = None

    async def close_up(self) -> None:
        """Whoever is on it is sent away, and nobody is let on."""
        self._server.close()
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def open_up(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await super()._accept(reader, writer)
        except OSError:  # nobody is at its end
            writer.close()

    def hush(self) -> None:
        """From now on nothing passes. Connections that there are never pass anything again: pieces would be missing."""
        self.silent = True
        self.swallow()

    def speak(self) -> None:
        self.silent = False

    def lose(self, after: int = 0) -> None:
        """One answer of the server is lost, after so many others, and its connection ends."""
        self._until = after

    def answered(self) -> None:
        if self._until == 0:
            self._until, self.mood = None, Mood.LOSES_ANSWERS
            self.lost += 1
        elif self._until is not None:
            self._until -= 1

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, other: asyncio.StreamWriter, loses: Mood
    ) -> None:
        await super()._pass(_Slowed(source, self, answers=loses is Mood.LOSES_ANSWERS), sink, other, loses)
