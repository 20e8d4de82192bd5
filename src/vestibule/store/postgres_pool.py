"""The connections to one PostgreSQL database: few, kept open, lent out one at a time, and never waited for without end."""

import asyncio
import contextlib
from collections import deque
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from vestibule.store.port import StoreUnavailable
from vestibule.store.postgres_faults import Full, meaning, of_door
from vestibule.store.postgres_line import Line

FULL_FOR = 0.5
"""Seconds for which a server that had no connection left is not asked for another by whoever has one."""

_ALWAYS = {"client_encoding": "UTF8"}
# A connection whose other end went without a word is noticed by the kernel within a minute, or at once by whoever asks.
_UNLESS_GIVEN = {
    "application_name": "vestibule",
    "keepalives_idle": "30",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}


class Address:
    """Where the database is: all that the driver needs, and for people all but the password."""

    def __init__(self, url: str) -> None:
        try:
            given: dict[str, Any] = dict(conninfo_to_dict(url))
        except psycopg.Error:
            raise StoreUnavailable(
                "The address of the database cannot be read. Write it as postgresql://user:password@host:port/database."
            ) from None
        self.conninfo = make_conninfo("", **{**_UNLESS_GIVEN, **given, **_ALWAYS})
        self._password = str(given.get("password") or "")
        user = f"{given['user']}@" if given.get("user") else ""
        port = f":{given['port']}" if given.get("port") else ""
        self._words = f"postgresql://{user}{given.get('host') or ''}{port}/{given.get('dbname') or ''}"

    def __str__(self) -> str:
        return self._words

    def __repr__(self) -> str:
        return f"Address({self._words!r})"

    def safe(self, text: str) -> str:
        """What somebody else said, without the password."""
        return text.replace(self._password, "…") if self._password else text


class Pool:
    """Up to `size` lines. `patience`: seconds that anybody waits for one."""

    def __init__(self, address: Address, *, size: int, patience: float) -> None:
        self._address, self._size, self._patience = address, size, patience
        self._loop = asyncio.get_running_loop()
        self._idle: list[Line] = []
        self._lines: set[Line] = set()
        self._connecting = 0
        self._waiting: deque[tuple[float, asyncio.Future[Line | None]]] = deque()
        self._full_since = float("-inf")
        self._closing: asyncio.Event | None = None
        self._every = min(0.25, patience / 10)
        self._ticking = self._loop.call_later(self._every, self._tick)

    async def take(self, deadline: float) -> Line:
        """A line that nobody else uses until it is brought `back`. Raises `StoreUnavailable`."""
        if self._closing is not None:
            raise self._over()
        while True:
            while self._idle:
                line = self._idle.pop()  # the last one that was used: fewer stay warm
                if line.idle:
                    return line
                self._drop(line)
            if len(self._lines) + self._connecting < self._size and not (self._lines and self._full()):
                try:
                    return await self._connected(deadline)
                except Full as full:
                    self._full_since = self._loop.time()
                    if not self._lines:
                        self._wake(None)
                        raise StoreUnavailable(str(full)) from None
                    if self._idle:  # somebody brought one back meanwhile, when nobody was waiting yet
                        continue
            handed = await self._turn(deadline)
            if handed is not None:
                return handed

    def _full(self) -> bool:
        return self._loop.time() - self._full_since < FULL_FOR

    def _over(self) -> StoreUnavailable:
        return StoreUnavailable(f"The database {self._address} is not open: Vestibule is going down.")

    def back(self, line: Line) -> None:
        if not line.idle:
            self._drop(line)
            self._wake(None)
        elif not self._wake(line):
            self._idle.append(line)
        if self._closing is not None and self._quiet():
            self._closing.set()

    def _quiet(self) -> bool:
        return len(self._idle) == len(self._lines) and not self._waiting and not self._connecting

    def distrust(self) -> None:
        """One line did not answer, nor say that it ended: those that nobody is using may be dead as well."""
        while self._idle:
            self._drop(self._idle.pop())

    async def close(self) -> None:
        """Ends all lines; those that are in use, and whoever waits for one, first have the time that they had anyway."""
        self._closing = asyncio.Event()
        if not self._quiet():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._patience)
        self._ticking.cancel()
        for line in tuple(self._lines):
            await line.ended()
        self._lines.clear()
        self._idle.clear()

    async def _connected(self, deadline: float) -> Line:
        self._connecting += 1
        try:
            async with asyncio.timeout_at(deadline):
                connection = await psycopg.AsyncConnection.connect(self._address.conninfo, autocommit=True)
        except TimeoutError:
            self._wake(None)
            raise StoreUnavailable(
                f"The database {self._address} cannot be reached: no answer within {self._patience:g} s. "
                "Look whether it runs, and whether the network lets us through."
            ) from None
        except (psycopg.Error, OSError) as error:
            refused = self._refused(error)
            if not isinstance(refused, Full):
                self._wake(None)
            raise refused from None
        except BaseException:
            self._wake(None)  # whoever asked has gone, and leaves room
            raise
        finally:
            self._connecting -= 1
        line = Line(connection, self._loop)
        self._lines.add(line)
        return line

    def _refused(self, error: Exception) -> Exception:
        says = " ".join(self._address.safe(str(error)).split())
        code = of_door(says)
        means = "Look whether it runs, and whether the network lets us through" if code is None else meaning(code)
        words = f"The database {self._address} cannot be reached: {means} ({says})."
        return Full(words) if code == "53300" else StoreUnavailable(words)

    async def _turn(self, deadline: float) -> Line | None:
        """Waits until a line is handed over; None when there may be room for a new one."""
        turn: asyncio.Future[Line | None] = self._loop.create_future()
        self._waiting.append((deadline, turn))
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                handed = turn.result()
                if handed is not None:
                    self.back(handed)
                else:
                    self._wake(None)  # the room that it was told of is another's now
            raise

    def _wake(self, line: Line | None) -> bool:
        while self._waiting:
            turn = self._waiting.popleft()[1]
            if not turn.done():
                turn.set_result(line)
                return True
        return False

    def _drop(self, line: Line) -> None:
        line.close()
        self._lines.discard(line)

    def _tick(self) -> None:
        now = self._loop.time()
        self._ticking = self._loop.call_later(self._every, self._tick)
        for line in tuple(self._lines):
            line.look(now)
        patient = deque[tuple[float, asyncio.Future[Line | None]]]()
        for deadline, turn in self._waiting:
            if turn.done():
                continue
            if deadline <= now:
                turn.set_exception(self._busy())
            else:
                patient.append((deadline, turn))
        self._waiting = patient
        room = len(self._lines) + self._connecting < self._size
        if self._waiting and room and not self._full():
            self._wake(None)  # the server may have a connection again

    def _busy(self) -> StoreUnavailable:
        count = len(self._lines)
        if count < self._size:
            return StoreUnavailable(
                f"The database {self._address} gives no more connections than the {count} that are open, and they were busy for "
                f"{self._patience:g} s. Free some of what others hold, or raise its max_connections (or the role's limit)."
            )
        return StoreUnavailable(
            f"All {self._size} connections to the database {self._address} were busy for {self._patience:g} s. Look "
            "for what makes it slow, or raise VESTIBULE_DATABASE_CONNECTIONS."
        )
