"""The PostgreSQL engine: as many nodes as wanted on one database, and a transaction in as few round trips as it can do with."""

from __future__ import annotations  # those of nested steps would else be evaluated at every call

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

from vestibule.store import port
from vestibule.store import statements as sql
from vestibule.store.codec import micros
from vestibule.store.keeping import kept
from vestibule.store.nouns.configured import SqlConfigured
from vestibule.store.nouns.grants import SqlCodes, SqlTokens
from vestibule.store.nouns.journal import SqlEvents, SqlKeys
from vestibule.store.nouns.logins import SqlArrivals, SqlAssertions, SqlOutcomes, SqlPendingLogins, SqlRehearsals
from vestibule.store.nouns.people import SqlPeople, SqlSessions
from vestibule.store.postgres_dialect import SWEEP, encoded, worded
from vestibule.store.postgres_faults import AGAIN, ELSEWHERE, STALE, Failed, Lost, raised
from vestibule.store.postgres_line import Line, Message, Row
from vestibule.store.postgres_migrate import prepare
from vestibule.store.postgres_pool import Address, Pool
from vestibule.store.retention import DAY, EVENTS, horizons
from vestibule.store.steps import Alone, Asked, Finish, Statement, Steps, Together, Undone, Unread

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds that one read or write may take, waiting for a connection and for the server included."""
TRIES = 8
"""How often a write is tried that another disturbed."""

_BEGIN = "BEGIN"
# A node that stops between two trips holds rows that others wait for; the server ends that for it.
_NO_IDLING = "SELECT set_config('idle_in_transaction_session_timeout', ?, true)"
_COMMIT, _ROLLBACK = "COMMIT", "ROLLBACK"
_ALONE = "SELECT pg_advisory_xact_lock(?)"


class PostgresStore:
    """A `Store` in a PostgreSQL database, which any number of processes may use at once; one event loop an instance.

    A write whose steps ask for no rows, or for rows only at their end, is one round trip and one implicit transaction.
    """

    def __init__(self, url: str, *, connections: int = 10, patience: float = PATIENCE) -> None:
        """`connections`: how many this instance opens at most. `patience`: see `PATIENCE`."""
        self._address = Address(url)
        self._connections, self._patience = connections, patience
        self._prepare = True
        self._pool: Pool | None = None
        self.configured: port.Configured = SqlConfigured(self)
        self.assertions: port.Assertions = SqlAssertions(self)
        self.pending: port.PendingLogins = SqlPendingLogins(self)
        self.arrivals: port.Arrivals = SqlArrivals(self)
        self.outcomes: port.Outcomes = SqlOutcomes(self)
        self.people: port.People = SqlPeople(self)
        self.sessions: port.Sessions = SqlSessions(self)
        self.codes: port.Codes = SqlCodes(self)
        self.tokens: port.Tokens = SqlTokens(self)
        self.keys: port.Keys = SqlKeys(self)
        self.events: port.Events = SqlEvents(self)
        self.rehearsals: port.Rehearsals = SqlRehearsals(self)

    @property
    def prepares(self) -> bool:
        """Whether statements are prepared on the server; not any more once a pooler was found to lose them."""
        return self._prepare

    async def open(self) -> None:
        if self._pool is not None:
            return
        self._pool = Pool(self._address, size=self._connections, patience=self._patience)
        try:
            await prepare(self, self._address)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """What is under way ends with an error; nothing that was acknowledged is lost by it."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def read(self, steps: Callable[[], Steps[T]]) -> T:
        async def once(line: Line, deadline: float) -> T:
            return await _reading(line, steps(), deadline, self._prepare)

        return await self._tried(once, _Outcome())

    async def write(self, steps: Callable[[], Steps[T]], *, patience: float | None = None) -> T:
        outcome = _Outcome()

        async def once(line: Line, deadline: float) -> T:
            return await _Transaction(line, deadline, self._prepare, outcome).run(steps())

        return await self._tried(once, outcome, patience)

    async def _tried(
        self, once: Callable[[Line, float], Awaitable[T]], outcome: _Outcome, patience: float | None = None
    ) -> T:
        pool = self._pool
        if pool is None:
            raise port.StoreUnavailable(f"The database {self._address} is not open.")
        clock = asyncio.get_running_loop().time
        deadline = clock() + (patience or self._patience)
        lost = 0
        for attempt in range(1, TRIES + 1):
            line = await pool.take(deadline)
            try:
                return await once(line, deadline)
            except Lost as error:
                lost += 1
                if not line.spoke:
                    pool.distrust()
                if outcome.unknown or lost > 1 or clock() >= deadline:
                    raise self._gone(error, outcome) from None
            except Failed as failed:
                await self._refused(failed, line, attempt)
            finally:
                pool.back(line)
        raise AssertionError("the last try returns or raises")

    async def _refused(self, failed: Failed, line: Line, attempt: int) -> None:
        """Returns if the same may be tried again: nothing was changed by what failed."""
        if failed.code in STALE and attempt == 1:
            # "0A000" is but a table that has changed; the others tell of a pooler that gives each transaction another server.
            self._prepare = self._prepare and failed.code == "0A000"
            line.close()
            return
        if failed.code == ELSEWHERE and self._pool is not None:
            line.close()
            self._pool.distrust()
            if attempt == 1:
                return
        if failed.code in AGAIN and attempt < TRIES:
            await asyncio.sleep(0.002 * attempt)
            return
        raise raised(failed, str(self._address)) from None

    def _gone(self, lost: Lost, outcome: _Outcome) -> port.StoreUnavailable:
        what = (
            "Whether what was asked was kept is not known: it counts as refused."
            if outcome.unknown
            else "Nothing was changed."
        )
        return port.StoreUnavailable(
            f"The connection to the database {self._address} was lost: {self._address.safe(str(lost))}. {what} "
            "It is made anew with the next request; look whether the database runs."
        )

    async def keep(self, *records: port.Record) -> None:
        await self.write(lambda: kept(records))

    async def ready(self) -> None:
        """Writes something: nothing less tells a standby, a full disk or a commit that waits for ever."""

        def pulse() -> Steps[None]:
            yield Unread(((sql.PULSE, ()),))

        await self.write(pulse)

    async def sweep(self, *, now: datetime, limit: int = 500, events: timedelta = EVENTS) -> int:
        """One table a transaction. Rows that another node is just sweeping are passed over, not waited for."""

        def dated() -> Steps[None]:
            yield Unread(((sql.END_REVOKED, (micros(now + DAY),)),))

        await self.write(dated)
        gone = 0
        for rule, horizon in horizons(now, events):
            left = limit
            for statement in SWEEP[rule.table]:
                went = await self.write(_swept(statement, micros(horizon), left))
                gone, left = gone + went, left - went
        return gone


def _swept(statement: str, horizon: int, limit: int) -> Callable[[], Steps[int]]:
    def steps() -> Steps[int]:
        (rows,) = yield Finish(((statement, (horizon, limit)),))
        return len(rows)

    return steps


async def _reading(line: Line, steps: Steps[T], deadline: float, prepare: bool) -> T:
    """Runs steps that change nothing, a round trip for each time that they ask."""
    try:
        asked = next(steps)
        while True:
            statements = asked.statements if isinstance(asked, Together) else (_plain(asked),)
            asking = [_asking(statement) for statement in statements]
            messages = [message for message in asking if message is not None]
            came = iter(await line.exchange(messages, deadline=deadline, prepare=prepare) if messages else ())
            rows = [[] if message is None else next(came) for message in asking]
            asked = steps.send(rows if isinstance(asked, Together) else rows[0])
    except StopIteration as end:
        result: T = end.value
        return result


def _plain(asked: Asked) -> Statement:
    if not isinstance(asked, tuple):
        raise TypeError(f"steps that read asked for {asked}")
    return asked


def _asking(statement: Statement) -> Message | None:
    """None where nothing can match, as it is no text that a database could hold."""
    text, parameters = statement
    try:
        return worded(text), encoded(parameters)
    except ValueError:
        return None


def _message(statement: Statement, after: int | None = None, tells: int | None = None) -> Message:
    text, parameters = statement
    return worded(text, after, tells), encoded(parameters)


class _Outcome:
    """Whether a commit was sent whose answer did not come."""

    unknown = False


class _Transaction:
    """One run of a write's steps: what can wait for company waits, and the rest goes out with it."""

    def __init__(self, line: Line, deadline: float, prepare: bool, outcome: _Outcome) -> None:
        self._line, self._deadline, self._prepare, self._outcome = line, deadline, prepare, outcome
        self._unsent: list[Message] = []
        self._begun = False

    async def run(self, steps: Steps[T]) -> T:
        try:
            return await self._run(steps)
        except Undone as undone:
            await self._undo()
            return undone.value  # type: ignore[return-value] # it is what the steps return
        except Exception:
            await self._undo()
            raise

    async def _run(self, steps: Steps[T]) -> T:
        ended = False
        try:
            asked = next(steps)
            while not isinstance(asked, Finish):
                asked = steps.send(await self._answer(asked))
            came = await self._finish(asked)
            ended = True
            steps.send(came)
        except StopIteration as end:
            if not ended:
                await self._decide()
            return end.value  # type: ignore[no-any-return] # it is what the steps return
        raise AssertionError("steps asked for something after their end")

    async def _answer(self, asked: Asked) -> Any:
        if isinstance(asked, Unread):
            self._unsent.extend(_message(statement) for statement in asked.statements)
            return None
        if isinstance(asked, Alone):
            # In one order, so that two that want the same two never wait for each other.
            self._unsent.extend(_message((_ALONE, (key,))) for key in sorted({_key(name) for name in asked.names}))
            return None
        if not self._begun:
            self._begun = True
            most = str(int((PATIENCE + 1) * 1000))
            self._unsent[:0] = [_message((_BEGIN, ())), _message((_NO_IDLING, (most,)))]
        self._unsent.append(_message(_plain(asked)))
        return (await self._send())[-1]

    async def _finish(self, asked: Finish) -> list[list[Row]]:
        before, last = len(self._unsent), len(asked.chain)
        for place, statement in enumerate(asked.chain):
            tells = place + 1 if place + 1 < last or asked.then else None
            self._unsent.append(_message(statement, place or None, tells))
        self._unsent.extend(_message(statement, last) for statement in asked.then)
        return (await self._decide())[before : before + last]

    async def _decide(self) -> list[list[Row]]:
        """Sends what is left, and with it the end: the commit, or the sync that is one."""
        if self._begun:
            self._unsent.append(_message((_COMMIT, ())))
        if not self._unsent:
            return []
        self._outcome.unknown = True
        rows = await self._send()
        self._outcome.unknown = self._begun = False
        return rows

    async def _send(self) -> list[list[Row]]:
        messages, self._unsent = self._unsent, []
        try:
            return await self._line.exchange(messages, deadline=self._deadline, prepare=self._prepare)
        except Failed:
            self._outcome.unknown = False  # the server has said what came of it
            raise

    async def _undo(self) -> None:
        """Where the line has gone, the server undoes it by itself."""
        if not self._begun or self._line.closed:
            return
        self._unsent = [_message((_ROLLBACK, ()))]
        try:
            await self._send()
        except (Lost, Failed):
            self._line.close()


def _key(name: str) -> int:
    """The number under which PostgreSQL locks a name; names that share one only wait for each other."""
    return int.from_bytes(sha256(f"vestibule {name}".encode()).digest()[:8], "big", signed=True)
