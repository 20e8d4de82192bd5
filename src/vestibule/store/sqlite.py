"""The SQLite engine: one file, readers that wait for nobody, and one writer with group commit."""

from __future__ import annotations  # those of nested steps would else be evaluated at every call

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from vestibule.store import port
from vestibule.store import statements as sql
from vestibule.store.codec import micros
from vestibule.store.files import BUSY_SECONDS, Watch, connect, create, run, unavailable
from vestibule.store.keeping import kept
from vestibule.store.migrate import migrate
from vestibule.store.nouns.configured import SqlConfigured
from vestibule.store.nouns.grants import SqlCodes, SqlTokens
from vestibule.store.nouns.journal import SqlEvents, SqlKeys
from vestibule.store.nouns.logins import SqlArrivals, SqlAssertions, SqlOutcomes, SqlPendingLogins, SqlRehearsals
from vestibule.store.nouns.people import SqlPeople, SqlSessions
from vestibule.store.retention import DAY, EVENTS, horizons
from vestibule.store.steps import Steps
from vestibule.store.writer import Writer

T = TypeVar("T")


class SqliteStore:
    """A `Store` in one file, which several processes may have open.

    Reads run in the caller's thread: they are few and by index, and a write-ahead log lets them pass the writer. A write
    returns when its transaction is on disk.
    """

    def __init__(self, path: str | Path, *, patience: float = BUSY_SECONDS) -> None:
        """`patience`: for how many seconds another process may hold the write lock before a request is given up."""
        self._path = Path(path)
        self._patience = patience
        self._writer: Writer | None = None
        self._readers: dict[int, sqlite3.Connection] = {}
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
    def commits(self) -> int:
        """How many transactions the writer has brought to disk since the store was opened."""
        return 0 if self._writer is None else self._writer.commits

    async def open(self) -> None:
        if self._writer is None:
            await asyncio.to_thread(self._prepare)
            self._watch = Watch(self._path)
            self._writer = Writer(self._path, patience=self._patience, watch=self._watch)

    def _prepare(self) -> None:
        create(self._path)
        try:
            connection = connect(self._path, reader=False)
            try:
                migrate(connection, self._path)
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise unavailable(error, self._path) from error

    async def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            await asyncio.to_thread(writer.close)
        while self._readers:
            self._readers.popitem()[1].close()

    async def read(self, steps: Callable[[], Steps[T]]) -> T:
        if self._writer is None:
            raise self._closed()
        self._watch.look(always=False)
        thread = threading.get_ident()
        try:
            connection = self._readers.get(thread)
            if connection is None:
                connection = self._readers[thread] = connect(self._path, reader=True)
            return run(connection, steps())
        except sqlite3.Error as error:
            raise unavailable(error, self._path) from error

    async def write(self, steps: Callable[[], Steps[T]], *, patience: float | None = None) -> T:
        """However long the steps take: what is waited for here is the lock, and for that every write has the same patience."""
        if self._writer is None:
            raise self._closed()
        result: T = await self._writer.write(steps)
        return result

    def _closed(self) -> port.StoreUnavailable:
        return port.StoreUnavailable(f"The database {self._path} is not open.")

    async def keep(self, *records: port.Record) -> None:
        await self.write(lambda: kept(records))

    async def ready(self) -> None:
        """Writes something, and reads it again: nothing less tells a full disk or a lost lock."""

        def pulse() -> Steps[None]:
            yield sql.PULSE, ()

        def beat() -> Steps[bool]:
            rows = yield sql.FACT, ("pulse",)
            return bool(rows)

        await self.write(pulse)
        await self.read(beat)

    async def sweep(self, *, now: datetime, limit: int = 500, events: timedelta = EVENTS) -> int:
        """One table a transaction, so that logins find their turn in between."""

        def dated() -> Steps[None]:
            yield sql.END_REVOKED, (micros(now + DAY),)

        await self.write(dated)
        gone = 0
        for rule, horizon in horizons(now, events):
            ends = (micros(horizon),) * len(rule.ends)
            gone += await self.write(_swept(sql.SWEEP[rule.table], ends, limit))
        return gone


def _swept(statement: str, horizons: tuple[int, ...], limit: int) -> Callable[[], Steps[int]]:
    def steps() -> Steps[int]:
        rows = yield statement, (*horizons, limit)
        return len(rows)

    return steps
