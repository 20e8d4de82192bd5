"""Opening a file: made private, brought to today's shape once, never run with a shape of tomorrow."""

import asyncio
import sqlite3
from importlib.resources import files
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from tests.store import nouns

from vestibule.ground.errors import Refused
from vestibule.model.ids import Digest
from vestibule.store.files import connect, create
from vestibule.store.migrate import REVISIONS, migrate
from vestibule.store.port import StoreUnavailable
from vestibule.store.schema import tables
from vestibule.store.sqlite import SqliteStore
from vestibule.store.steps import Steps


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vestibule.db"


async def opened(path: Path) -> SqliteStore:
    store = SqliteStore(path)
    await store.open()
    return store


def test_the_migrations_make_the_schema(path: Path) -> None:
    """A migrated file has exactly the tables, columns and indexes of `schema.py`."""
    create(path)
    connection = connect(path, reader=False)
    migrate(connection, path)
    connection.close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as database:
        assert compare_metadata(MigrationContext.configure(database), tables) == []
    engine.dispose()


def test_partial_indexes_are_those_of_the_schema(path: Path) -> None:
    """What a comparison of tables does not see: the conditions of indexes, and tables without row ids."""
    wanted = create_engine("sqlite://")
    create(path)
    connection = connect(path, reader=False)
    migrate(connection, path)
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'"
    with wanted.connect() as database:
        tables.create_all(database)
        there = {name: " ".join(sql.split()) for name, sql in database.exec_driver_sql(query)}
    assert {name: " ".join(sql.split()) for name, sql in connection.execute(query)} == there
    connection.close()
    wanted.dispose()


def test_the_list_of_revisions_is_true() -> None:
    """`REVISIONS` names the scripts that there are, oldest first."""
    config = Config()
    config.set_main_option("script_location", str(files("vestibule.store.migrations")))
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    assert tuple(script.revision for script in scripts)[::-1] == REVISIONS


def test_a_newer_file_is_refused(path: Path) -> None:
    """A file with a shape that this code does not know is not touched, and the reason names the remedy."""

    async def whole() -> None:
        await (await opened(path)).close()
        database = sqlite3.connect(path)
        with database:
            database.execute("UPDATE alembic_version SET version_num = '9999'")
            database.execute("UPDATE facts SET value = '9998' WHERE name = 'serves'")
        database.close()
        with pytest.raises(Refused) as refused:
            await opened(path)
        assert refused.value.code == "store.newer"
        assert refused.value.got == "9999"
        database = sqlite3.connect(path)
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
        database.close()

    asyncio.run(whole())


def test_a_failed_migration_leaves_nothing(path: Path) -> None:
    """A migration is whole or not at all: where it fails halfway, the file is as before, and another try succeeds."""
    create(path)
    connection = connect(path, reader=False)

    def halfway(action: int, name: str | None, *_: object) -> int:
        denied = (action, name) == (sqlite3.SQLITE_CREATE_TABLE, "sessions")
        return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK

    connection.set_authorizer(halfway)
    with pytest.raises(Exception, match="not authorized"):
        migrate(connection, path)
    connection.set_authorizer(None)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    migrate(connection, path)
    assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (REVISIONS[-1],)
    connection.close()


def test_one_process_migrates_at_a_time(path: Path) -> None:
    """While another process writes, a migration waits, and gives up when its patience ends."""
    create(path)
    connection, other = connect(path, reader=False), sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        migrate(connection, path, patience=0.05)
    other.execute("COMMIT")
    migrate(connection, path, patience=0.05)
    connection.close()
    other.close()


def test_everything_is_there_after_reopening(path: Path) -> None:
    """What was kept before a close is there after it, in another store on the same file, and in the same one."""

    async def whole() -> None:
        store = await opened(path)
        await store.open()  # a second time changes nothing
        await store.keep(nouns.session(), nouns.code())
        assert await store.assertions.claim(nouns.claim())
        await store.close()
        for reopened in (store, SqliteStore(str(path))):
            await reopened.open()
            assert await reopened.sessions.find(Digest("session-a")) == nouns.session()
            assert await reopened.codes.find(Digest("code-a")) == nouns.code()
            assert not await reopened.assertions.claim(nouns.claim())
            await reopened.close()

    asyncio.run(whole())


def test_only_its_owner_may_read_the_file(path: Path) -> None:
    """The database and what SQLite puts beside it are readable by their owner alone."""

    async def whole() -> None:
        store = await opened(path)
        await store.keep(nouns.session())
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        assert modes == {"vestibule.db": 0o600, "vestibule.db-wal": 0o600, "vestibule.db-shm": 0o600}
        await store.close()

    asyncio.run(whole())


def test_every_connection_is_set_up(path: Path) -> None:
    """Commits reach the disk, foreign keys hold, readers do not write, and the log is written ahead."""

    def pragmas() -> Steps[tuple[object, ...]]:
        values = []
        for name in ("synchronous", "foreign_keys", "query_only", "journal_mode"):
            rows = yield f"PRAGMA {name}", ()
            values.append(rows[0][0])
        return tuple(values)

    async def whole() -> None:
        store = await opened(path)
        assert await store.write(pragmas) == (2, 1, 0, "wal")
        assert await store.read(pragmas) == (2, 1, 1, "wal")
        await store.close()

    asyncio.run(whole())


@pytest.mark.parametrize("ask", ["read", "write", "ready", "sweep"])
def test_a_closed_store_says_so(path: Path, ask: str) -> None:
    """Before it is opened and after it is closed, a store answers nothing; closing it twice is nothing."""

    async def asked(store: SqliteStore) -> None:
        if ask == "read":
            await store.sessions.find(Digest("session-a"))
        elif ask == "write":
            await store.keep(nouns.session())
        elif ask == "ready":
            await store.ready()
        else:
            await store.sweep(now=nouns.T0)

    async def whole() -> None:
        store = SqliteStore(path)
        with pytest.raises(StoreUnavailable):
            await asked(store)
        await store.open()
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailable):
            await asked(store)

    asyncio.run(whole())


def test_closing_writes_what_was_asked_for(path: Path) -> None:
    """A write that was asked for before the close is done; one behind it is refused."""

    async def whole() -> None:
        store = await opened(path)
        asked = [asyncio.ensure_future(store.keep(nouns.session(str(number)))) for number in range(50)]
        await asyncio.sleep(0)
        await store.close()
        await asyncio.gather(*asked)
        with pytest.raises(StoreUnavailable):
            await store.keep(nouns.session())
        await store.open()
        assert await store.sessions.find(Digest("session-49")) is not None
        await store.close()

    asyncio.run(whole())


def test_what_is_no_database_is_refused(path: Path) -> None:
    """A file of another kind is left as it is; a directory that is not there is said to be missing."""
    text = b"not a database, but long enough to be looked at" * 100
    path.write_bytes(text)

    async def whole() -> None:
        with pytest.raises(StoreUnavailable) as refused:
            await opened(path)
        assert "not a SQLite database" in refused.value.why
        with pytest.raises(StoreUnavailable) as refused:
            await opened(path.parent / "missing" / "vestibule.db")
        assert "No such file or directory" in refused.value.why

    asyncio.run(whole())
    assert path.read_bytes() == text


def test_the_database_of_another_program_is_refused_and_left_as_it_is(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(Refused) as refused:
        asyncio.run(opened(path))
    assert refused.value.code == "store.foreign"
    assert path.read_bytes() == before


def test_what_sqlite_itself_keeps_in_a_file_makes_it_nobodys(path: Path) -> None:
    """A new file on which somebody ran ANALYZE has a table, and is still new."""
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE gone (name TEXT)")
        other.execute("ANALYZE")
        other.execute("DROP TABLE gone")
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("sqlite_stat1",)]
    other.close()

    async def whole() -> None:
        await (await opened(path)).close()

    asyncio.run(whole())
