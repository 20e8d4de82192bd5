"""SQLite connections to one file: how they are opened, how steps run on them, and what their errors mean."""

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from vestibule.store.port import StoreUnavailable
from vestibule.store.steps import Rows, Steps, answered

T = TypeVar("T")

BUSY_SECONDS = 5.0
"""How long another process may hold the file before a request is given up."""

# Primary result codes that say something about the machine or the file, not about our statements [SQLite, Result and Error Codes].
_MEANINGS = {
    sqlite3.SQLITE_BUSY: "another process held its write lock for too long",
    sqlite3.SQLITE_LOCKED: "a table of it is locked",
    sqlite3.SQLITE_FULL: "the disk, or the space that it may use, is full",
    sqlite3.SQLITE_READONLY: "it cannot be written to: look at the permissions of the file, of its directory and of the file system",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: look at the path and at the permissions of file and directory",
    sqlite3.SQLITE_PERM: "its permissions forbid it",
    sqlite3.SQLITE_IOERR: "reading or writing the disk failed",
    sqlite3.SQLITE_CORRUPT: "its contents are damaged: stop Vestibule and restore a copy",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
    sqlite3.SQLITE_PROTOCOL: "its locks could not be had",
    sqlite3.SQLITE_INTERRUPT: "it was interrupted",
    sqlite3.SQLITE_SCHEMA: "its tables changed under our hands",
}


def primary(error: sqlite3.Error) -> int:
    """The primary result code; 0 where the error did not come from SQLite itself."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def unavailable(error: sqlite3.Error, path: Path) -> Exception:
    """What to tell the caller: that the store cannot answer and why, or the error itself where it is a bug of ours."""
    meaning = _MEANINGS.get(primary(error))
    if meaning is None:
        return error
    return StoreUnavailable(f"The database {path} cannot be used now: {meaning} ({error}). Nothing was changed.")


def create(path: Path) -> None:
    """An empty file that only we can read, unless there is a file already.

    One that is there is not even opened: closing it again would drop the locks that other connections of this process
    hold on it [POSIX fcntl].
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StoreUnavailable(f"The database {path} cannot be made: {error.strerror}.") from error


class Watch:
    """Notices that the file at a path is another one than that which was opened: moved away, replaced, cut to nothing.

    SQLite would go on with the file it holds, and what it acknowledges would be lost, or be believed twice beside a
    process that holds the new one.
    """

    EVERY = 0.05
    """Seconds between two looks that reads take; writes always look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _identity(path)
        self._looked = 0.0

    def look(self, *, always: bool) -> None:
        """Raises `StoreUnavailable` once the file is not the one that was opened."""
        now = time.monotonic()
        if not always and now - self._looked < self.EVERY:
            return
        if _identity(self._path) != self._known:
            raise StoreUnavailable(
                f"The database {self._path} was moved away or replaced while Vestibule was running. Nothing was changed. "
                "Put the file back, or start Vestibule again on the new one."
            )
        self._looked = now


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found.st_size else None


def connect(path: Path, *, reader: bool) -> sqlite3.Connection:
    """A connection in autocommit mode to a file that is there; a file that has gone is not made anew, empty."""
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        cached_statements=256,
        check_same_thread=False,  # each is used by one thread, and closed by whoever closes the store
    )
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "temp_store = MEMORY", "cache_size = -16384"):
        connection.execute(f"PRAGMA {pragma}")
    if reader:
        connection.execute("PRAGMA query_only = ON")
    return connection


def run(connection: sqlite3.Connection, steps: Steps[T]) -> T:
    """Runs the steps to their end."""
    execute: Callable[..., Any] = connection.execute

    def ask(sql: str, parameters: tuple[Any, ...]) -> Rows:
        rows: Rows = execute(sql, parameters).fetchall()
        return rows

    try:
        asked = next(steps)
        while True:
            asked = steps.send(ask(*asked) if type(asked) is tuple else answered(asked, ask))
    except StopIteration as end:
        result: T = end.value
        return result
