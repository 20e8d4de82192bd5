"""Bringing a SQLite file to today's shape: one transaction, one process at a time, all or nothing. And what migrations are on any engine."""

import sqlite3
import threading
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

from vestibule.ground.errors import Refused
from vestibule.store.port import StoreUnavailable

REVISIONS = ("0001", "0002")
"""Every shape there has been, oldest first; the last is today's. Kept here so that an up-to-date file is opened without Alembic."""

SERVES = "0002"
"""The oldest shape whose code works with today's as well: what has come since is added, and nothing that it asks for has gone
[ADR 0011]. Kept in the database, for code that does not know today's shape."""
_SERVED = "SELECT value FROM facts WHERE name = 'serves'"
_SERVE = """INSERT INTO facts (name, value) VALUES ('serves', :oldest)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value"""

# Alembic keeps its context in a module, so within a process one migration runs at a time.
_ALEMBIC = threading.Lock()


def migrate(connection: sqlite3.Connection, path: Path, *, patience: float = 30.0) -> None:
    """Migrates what `connection` (in autocommit mode) is connected to, unless it is of today's shape already."""
    _ours(connection, path)
    _write_ahead(connection, path, patience)
    if _revision(connection) == REVISIONS[-1]:
        return
    connection.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        found = _revision(connection)  # another process may have been first
        if found is not None and found not in REVISIONS:
            if serves(connection):
                return
            raise Refused(
                "store.newer",
                f"The database {path} was written by a newer Vestibule (its schema is {found}). "
                "Run that version or a later one; this one changed nothing in it.",
                want=REVISIONS[-1],
                got=found,
            )
        if found != REVISIONS[-1]:
            upgrade("sqlite", connection)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def serves(connection: Any) -> bool:
    """Whether a database of a later shape says that this code may work with it: a newer node has migrated it already."""
    row = connection.execute(_SERVED).fetchone()
    return row is not None and row[0] in REVISIONS


def _ours(connection: sqlite3.Connection, path: Path) -> None:
    """Refuses another program's database before anything in it is changed, its journal mode included."""
    # The tables first: whoever makes ours keeps their revision in the same transaction.
    others = "SELECT 1 FROM sqlite_master WHERE name != 'alembic_version' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
    if connection.execute(others).fetchone() and _revision(connection) is None:
        raise Refused(
            "store.foreign",
            f"The database {path} holds tables that are not Vestibule's; nothing in it was changed. "
            "Give Vestibule a file of its own (VESTIBULE_DATABASE_URL).",
        )


def _write_ahead(connection: sqlite3.Connection, path: Path, patience: float) -> None:
    """Readers that never wait for the writer. SQLite does not wait by itself while several processes ask for this at once."""
    deadline = time.monotonic() + patience
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
            continue
        if mode != "wal":
            raise StoreUnavailable(
                f"The database {path} cannot keep a write-ahead log (journal mode {mode}). "
                "Put it on a local disk that its user can write to."
            )
        return


def _revision(connection: sqlite3.Connection) -> str | None:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def upgrade(dialect: str, connection: Any, *, to: str = "head", **options: Any) -> None:
    """Runs Alembic inside the open transaction of a driver's connection, and leaves it open. `options` are SQLAlchemy's for the dialect."""
    # Imported here because they cost half a second, and are needed once in the life of a database.
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import StaticPool

    config = Config()
    config.set_main_option("script_location", str(files("vestibule.store.migrations")))
    engine = create_engine(f"{dialect}://", creator=lambda: _Lent(connection), poolclass=StaticPool, **options)
    with _ALEMBIC, engine.connect() as borrowed:
        config.attributes["connection"] = borrowed
        command.upgrade(config, to)
        borrowed.execute(text(_SERVE), {"oldest": SERVES})


class _Lent:
    """A connection whose transaction belongs to somebody else: what ends it is not passed on."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def commit(self) -> None:
        """Left to the owner."""

    def rollback(self) -> None:
        """Left to the owner."""

    def close(self) -> None:
        """Left to the owner."""
