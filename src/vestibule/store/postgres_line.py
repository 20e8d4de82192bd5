"""One connection to PostgreSQL: a transaction goes out in one write, and its answers come in together.

This is libpq's pipeline mode, by psycopg's binding of libpq. What lies between two syncs and begins nothing by itself is one
transaction, which ends at the sync: kept whole, or, when a statement of it failed, not at all [PostgreSQL, libpq,
Pipeline Mode; Protocol, Extended Query]. Nothing is set on a connection that outlives a transaction, so that a pooler may
give each transaction another.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from vestibule.store.postgres_dialect import Wording
from vestibule.store.postgres_faults import Failed, Lost

Message = tuple[Wording, Sequence[bytes | None]]
Row = list[Any]

GRACE = 1.0
"""Seconds that a cancelled statement has to end in."""
_NUMBERS = frozenset((20, 21, 23))
"""Types that are whole numbers: int8, int2, int4 [PostgreSQL, pg_type.dat]."""


class Line:
    """A connection that belongs to one event loop, and to one borrower at a time."""

    def __init__(self, connection: "psycopg.AsyncConnection[Any]", loop: asyncio.AbstractEventLoop) -> None:
        self._connection = connection
        self._pg: PGconn = connection.pgconn
        self._loop = loop
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        self._prepared: set[bytes] = set()
        self._results: list[PGresult] = []
        self._waiting: asyncio.Future[None] | None = None
        self._deadline: float | None = None
        self._cancelling: asyncio.Task[None] | None = None
        self._socket = self._pg.socket
        loop.add_reader(self._socket, self._readable)
        self.closed = False
        self.spoke = True
        """False once it was given up because nothing at all came from the other side."""

    @property
    def idle(self) -> bool:
        """Whether another may borrow it: in no transaction, waiting for nothing, and with no cancelling on its way to it."""
        free = not self.closed and self._waiting is None and self._cancelling is None
        return free and self._pg.transaction_status == TransactionStatus.IDLE

    async def exchange(self, messages: Sequence[Message], *, deadline: float, prepare: bool) -> list[list[Row]]:
        """Sends the statements and a sync, and returns the rows of each once the sync has come.

        Raises `Failed` for the first that was refused; those behind it were not run. Raises `Lost` where no answer came:
        by the deadline (of the loop's clock) the server is asked to cancel, and a little later it is given up.
        """
        if self.closed:
            raise Lost("the connection is closed")
        made = self._send(messages, prepare)
        self._results = []
        waiting = self._waiting = self._loop.create_future()
        self._deadline = deadline
        try:
            if self._pg.flush():
                self._loop.add_writer(self._socket, self._writable)
            await waiting
        except psycopg.Error as error:
            waiting.cancel()  # nobody will ask it
            self.close()
            raise Lost(_plain(error)) from None
        except BaseException:
            # Whoever asked has gone, and the answer with them.
            self.close()
            raise
        finally:
            self._waiting = None
            self._deadline = None
        rows = self._rows(messages, made)
        if self._cancelling is not None:
            # A commit that waits for a standby ends as done when it is cancelled, though no standby has it [PostgreSQL, Synchronous Replication].
            raise Lost("it answered only after it was asked to cancel")
        return rows

    def _send(self, messages: Sequence[Message], prepare: bool) -> dict[int, bytes]:
        """Hands the statements to libpq; says at which places of the answers a preparing is answered, and of what."""
        pg, made, place = self._pg, {}, 0
        try:
            for wording, parameters in messages:
                if not prepare:
                    pg.send_query_params(wording.text, parameters)
                else:
                    if wording.name not in self._prepared:
                        pg.send_prepare(wording.name, wording.text)
                        self._prepared.add(wording.name)
                        made[place] = wording.name
                        place += 1
                    pg.send_query_prepared(wording.name, parameters)
                place += 1
            pg.pipeline_sync()
        except psycopg.Error as error:
            self.close()
            raise Lost(_plain(error)) from None
        return made

    def _rows(self, messages: Sequence[Message], made: dict[int, bytes]) -> list[list[Row]]:
        rows: list[list[Row]] = []
        failed: Failed | None = None
        for place, result in enumerate(self._results):
            status = result.status
            if place in made:
                if status != ExecStatus.COMMAND_OK:
                    self._prepared.discard(made[place])
            elif status == ExecStatus.TUPLES_OK:
                rows.append(_read(result, messages[len(rows)][0].extra))
            elif status == ExecStatus.COMMAND_OK:
                rows.append([])
            if status == ExecStatus.FATAL_ERROR and failed is None:
                code = result.error_field(DiagnosticField.SQLSTATE) or b""
                says = result.error_field(DiagnosticField.MESSAGE_PRIMARY) or b""
                failed = Failed(code.decode(), says.decode(errors="replace"))
        self._results = []
        if failed is not None:
            raise failed
        return rows

    # -- what the event loop calls ----------------------------------------------------------------------------------

    def _readable(self) -> None:
        pg = self._pg
        try:
            pg.consume_input()
            if self._waiting is None:
                # Nothing was asked: a notice, or the server's farewell.
                if pg.status != 0:
                    self.close()
                return
            nothing = 0
            while nothing < 2 and not pg.is_busy():
                result = pg.get_result()
                if result is None:  # parts two results
                    nothing += 1
                    continue
                nothing = 0
                if result.status == ExecStatus.PIPELINE_SYNC:
                    self._answer(None)
                    return
                self._results.append(result)
        except psycopg.Error as error:
            self._end(_farewell(self._results) or _plain(error))
            return
        if pg.status != 0:
            self._end(_farewell(self._results) or "the connection ended")

    def _writable(self) -> None:
        try:
            self._pg.consume_input()  # or both sides would wait for the other to read
            if not self._pg.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self._end(_plain(error))

    def _answer(self, error: Exception | None) -> None:
        waiting = self._waiting
        if waiting is not None and not waiting.done():
            if error is None:
                waiting.set_result(None)
            else:
                waiting.set_exception(error)

    def _end(self, why: str) -> None:
        self._answer(Lost(why))
        self.close()

    # -- ends -------------------------------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Notices that the deadline has passed: asks the server to cancel, and at the second time gives it up."""
        if self._deadline is None or now < self._deadline:
            return
        if self._cancelling is None or self._cancelling.done():
            self._deadline = now + GRACE
            if self._cancelling is None:
                self._cancelling = self._loop.create_task(self._cancel())
                return
        self.spoke = False
        self._end("it did not answer in time")

    async def ended(self) -> None:
        """Closes it, and waits for what still runs on its behalf."""
        self.close()
        if self._cancelling is not None:
            self._cancelling.cancel()
            await asyncio.gather(self._cancelling, return_exceptions=True)

    async def _cancel(self) -> None:
        # If the server does not hear it, `look` ends the waiting; there is nobody to tell.
        try:
            await self._connection.cancel_safe(timeout=GRACE)
        except (psycopg.Error, OSError):
            return

    def close(self) -> None:
        """Ends the connection at once; a transaction that was open on it is undone by the server."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._pg.finish()
        self._answer(Lost("the connection was closed"))


def _read(result: PGresult, extra: bool) -> list[Row]:
    count, width = result.ntuples, result.nfields - extra
    if not count:
        return []
    numbers = [result.ftype(column) in _NUMBERS for column in range(width)]
    get = result.get_value
    return [
        [
            None if (value := get(row, column)) is None else int(value) if numbers[column] else value.decode()
            for column in range(width)
        ]
        for row in range(count)
    ]


def _farewell(results: Sequence[PGresult]) -> str | None:
    """The last thing that the server said, if it was that it goes."""
    if not results or results[-1].status != ExecStatus.FATAL_ERROR:
        return None
    return _line(results[-1].error_message.decode(errors="replace"))


def _plain(error: Exception) -> str:
    return _line(str(error))


def _line(text: str) -> str:
    return " ".join(text.split()) or "the connection ended"
