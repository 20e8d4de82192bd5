"""The one thread that writes to a SQLite file, and its group commit: what was asked for while the disk was busy with
one transaction goes to it together in the next."""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vestibule.store.faults import AlreadyKept
from vestibule.store.files import Watch, connect, primary, run, unavailable
from vestibule.store.port import StoreUnavailable
from vestibule.store.steps import Steps, Undone

GROUP = 256
"""With so many requests or more in hand no further are taken into a transaction, so that none waits for long."""

_TWICE = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)


@dataclass(slots=True, eq=False)
class _Request:
    steps: Callable[[], Steps[Any]]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Writer:
    """Nothing is acknowledged before the commit that holds it has returned. `commits` counts them."""

    def __init__(self, path: Path, *, patience: float, watch: Watch) -> None:
        self.commits = 0
        self._path = path
        self._patience = patience
        self._watch = watch
        self._queue: queue.SimpleQueue[list[_Request] | None] = queue.SimpleQueue()
        self._waiting: dict[asyncio.AbstractEventLoop, list[_Request]] = {}
        self._closing = threading.Lock()
        self._closed = False
        self._connection: sqlite3.Connection | None = None
        self._thread = threading.Thread(target=self._work, name="vestibule-writer", daemon=True)
        self._thread.start()

    async def write(self, steps: Callable[[], Steps[Any]]) -> Any:
        loop = asyncio.get_running_loop()
        request = _Request(steps, loop, loop.create_future())
        with self._closing:  # nothing may be queued behind the end
            if self._closed:
                raise StoreUnavailable(f"The database {self._path} is closed: Vestibule is going down.")
            waiting = self._waiting.get(loop)
            if waiting is None:
                # What one pass of the loop asks for goes over together: one wake-up and one commit for all of it.
                self._waiting[loop] = [request]
                loop.call_soon(self._hand_over, loop)
            else:
                waiting.append(request)
        return await request.future

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._closing:
            waiting = self._waiting.pop(loop, None)
            if waiting is not None:
                self._queue.put(waiting)

    def close(self) -> None:
        """Writes what was asked for, then ends. Blocks until that is done; may be called again."""
        with self._closing:
            if not self._closed:
                self._closed = True
                for waiting in self._waiting.values():
                    self._queue.put(waiting)
                self._waiting.clear()
                self._queue.put(None)
        self._thread.join()

    # -- everything below runs in the writer's thread ---------------------------------------------------------------

    def _work(self) -> None:
        more = True
        while more:
            group, more = self._gather()
            if group:
                self._settle(group)
                _deliver(group)
        self._disconnect()

    def _gather(self) -> tuple[list[_Request], bool]:
        """Waits for a request, and takes with it all that wait as well; false when the end was among them."""
        group: list[_Request] = []
        requests = self._queue.get()
        while requests is not None:
            group.extend(requests)
            if len(group) >= GROUP:
                return group, True
            try:
                requests = self._queue.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _settle(self, group: list[_Request]) -> None:
        """Every request of the group gets its result or its error. One that the database chokes on is found by
        running them one by one; but where nobody gets the lock, nobody waits for it twice."""
        try:
            self._transact(group)
        except StoreUnavailable as refused:
            self._disconnect()
            for request in group:
                request.error = refused
        except sqlite3.Error as error:
            self._recover(error)
            if len(group) > 1 and primary(error) != sqlite3.SQLITE_BUSY:
                for request in group:
                    self._settle([request])
            else:
                for request in group:
                    request.error = unavailable(error, self._path)

    def _transact(self, group: list[_Request]) -> None:
        self._watch.look(always=True)
        if self._connection is None:
            self._connection = connect(self._path, reader=False)
            self._connection.execute("PRAGMA busy_timeout = 0")  # `_begin` does the waiting
        _begin(self._connection, self._patience)
        if not _together(self._connection, group):
            _begin(self._connection, self._patience)
            for request in group:
                _apart(self._connection, request)
        self._connection.execute("COMMIT")
        self.commits += 1

    def _recover(self, error: sqlite3.Error) -> None:
        """Leaves no transaction open, and no connection that may be broken."""
        connection = self._connection
        if connection is None:
            return
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._disconnect()
        if primary(error) not in (0, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL):
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _begin(connection: sqlite3.Connection, patience: float) -> None:
    """Takes the write lock. Asks every millisecond: SQLite's own waiting sleeps up to 100 ms between two tries, and
    with several busy processes some would sleep through every gap."""
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if primary(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(0.001)


def _together(connection: sqlite3.Connection, group: list[_Request]) -> bool:
    """Runs all requests as if nothing could go wrong in one of them, which is nearly always so: every statement costs this
    thread a turn of the interpreter, and savepoints were a third of them. False, with all undone, where something did."""
    try:
        for request in group:
            request.result, request.error = run(connection, request.steps()), None
    except sqlite3.IntegrityError:
        pass
    except sqlite3.Error:
        raise  # the transaction may be lost with it: the group starts anew
    except Exception:  # noqa: BLE001, S110 - whose it is, and what it means for the others, is found out apart
        pass
    else:
        return True
    connection.execute("ROLLBACK")
    return False


def _apart(connection: sqlite3.Connection, request: _Request) -> None:
    """Runs a request so that what goes wrong in it undoes it and nothing else."""
    connection.execute("SAVEPOINT request")
    request.result, request.error = None, None
    try:
        request.result = run(connection, request.steps())
    except Undone as undone:
        request.result = undone.value
    except sqlite3.IntegrityError as error:
        request.error = AlreadyKept(str(error)) if error.sqlite_errorcode in _TWICE else error
    except sqlite3.Error:
        raise  # the transaction may be lost with it: the group starts anew
    except Exception as error:  # noqa: BLE001 - it is the caller's, and is raised there
        request.error = error
    else:
        connection.execute("RELEASE request")
        return
    connection.execute("ROLLBACK TO request")
    connection.execute("RELEASE request")


def _deliver(group: list[_Request]) -> None:
    """Wakes each event loop once, however many of its requests were answered."""
    loops: dict[asyncio.AbstractEventLoop, list[_Request]] = {}
    for request in group:
        loops.setdefault(request.loop, []).append(request)
    for loop, requests in loops.items():
        try:
            loop.call_soon_threadsafe(_resolve, requests)
        except RuntimeError:  # the loop has ended, and with it whoever waited
            continue


def _resolve(requests: Iterable[_Request]) -> None:
    for request in requests:
        if request.future.done():  # whoever waited has gone
            continue
        if request.error is not None:
            request.future.set_exception(request.error)
        else:
            request.future.set_result(request.result)
