"""Upgrading while nodes run (ADR 0011): a node of an earlier version works on with the database that a newer one has migrated."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.postgres import Server
from tests.store import nouns
from tests.store.conversation import Recorder, Version, conversations, documents, recorded, spoken, version
from tests.store.test_statements import TEXTS, WHOLE

from vestibule.ground.errors import Refused
from vestibule.model.ids import Digest
from vestibule.store.files import connect, create
from vestibule.store.migrate import REVISIONS, SERVES, upgrade
from vestibule.store.port import Store
from vestibule.store.postgres import PostgresStore
from vestibule.store.sqlite import SqliteStore
from vestibule.store.steps import Steps

SERVED = [version(path) for path in conversations() if path.stem >= SERVES]
NAMES = [each.revision for each in SERVED]
REMEDY = (
    "A node of an earlier version would {what}. Only add, or go in two steps (ADR 0011); or, if nobody runs that version "
    "any more, raise SERVES."
)


def plain(came: Any) -> Any:
    """Rows as JSON has them."""
    return [plain(one) for one in came] if isinstance(came, Sequence) and not isinstance(came, str) else came


async def play(store: Any, said: Sequence[dict[str, Any]]) -> None:
    """Says it all again; whatever comes back must be what came then."""

    def steps(one: dict[str, Any]) -> Callable[[], Steps[None]]:
        def again() -> Steps[None]:
            for each in one["said"]:
                came = yield spoken(each)
                assert plain(came) == each["came"], REMEDY.format(what=f"be answered otherwise: {each['asked']}")

        return again

    for one in said:
        await (store.read if one["kind"] == "read" else store.write)(steps(one))


async def played(store: Store, said: Sequence[dict[str, Any]]) -> None:
    await store.open()
    try:
        await play(store, said)
    finally:
        await store.close()


def sqlite_at(path: Path, revision: str) -> None:
    create(path)
    connection = connect(path, reader=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    upgrade("sqlite", connection, to=revision)
    connection.execute("COMMIT")
    connection.close()


def test_the_version_that_the_database_serves_is_written_down() -> None:
    """Without what it says there is nothing to hold a migration to."""
    assert SERVES in REVISIONS
    assert SERVES in NAMES
    assert set(REVISIONS[REVISIONS.index(SERVES) : -1]) <= set(NAMES), (
        "written down by python -m tests.store.conversation"
    )


@pytest.mark.parametrize("then", SERVED, ids=NAMES)
def test_what_an_earlier_version_says_is_answered_as_before(then: Version, tmp_path: Path) -> None:
    asyncio.run(played(SqliteStore(tmp_path / "vestibule.db"), then.said))


@pytest.mark.parametrize("then", SERVED, ids=NAMES)
def test_what_an_earlier_version_says_is_answered_as_before_by_postgresql(then: Version, postgres: Server) -> None:
    url = postgres.database()
    asyncio.run(played(PostgresStore(url), then.said))
    postgres.drop(url)


@pytest.mark.parametrize("then", SERVED, ids=NAMES)
@pytest.mark.parametrize("tenth", range(1, 10, 2))
def test_a_node_goes_on_while_another_migrates_its_database(then: Version, tenth: int, tmp_path: Path) -> None:
    """The earlier version's node has the database open; a newer one migrates it in the middle of what it says."""
    path = tmp_path / "vestibule.db"
    sqlite_at(path, then.revision)
    cut = len(then.said) * tenth // 10

    async def whole() -> None:
        node = SqliteStore(path)
        node._prepare = lambda: None  # type: ignore[method-assign] # it is of the earlier version, and finds its own shape
        await node.open()
        await play(node, then.said[:cut])
        newer = SqliteStore(path)
        await newer.open()
        await newer.close()
        await play(node, then.said[cut:])
        await node.close()

    asyncio.run(whole())


@pytest.mark.parametrize("then", SERVED, ids=NAMES)
def test_an_earlier_version_finds_its_rows_by_an_index(then: Version, tmp_path: Path) -> None:
    """An index that only it needs goes one version later: else it would look at every row, at every login."""
    path = tmp_path / "vestibule.db"
    sqlite_at(path, "head")
    database = sqlite3.connect(path)
    whole = {TEXTS[name] for name in WHOLE}
    texts = {text for one in then.said for each in one["said"] if each["shape"] != "alone" for text, _ in each["asked"]}
    for text in sorted(texts - whole):
        plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {text}", (None,) * text.count("?"))]
        scans = [line for line in plan if line.startswith("SCAN") and "CONSTANT ROW" not in line]
        assert not scans, REMEDY.format(what=f"search row by row: {text}")
    database.close()


@pytest.mark.parametrize("then", SERVED, ids=NAMES)
def test_documents_are_read_by_both_versions(then: Version) -> None:
    """The earlier version finds the fields that it needs, with values that it knows; this one does without those that it added."""
    now = documents()
    for name, before in then.documents.items():
        today = now[name]
        assert today.get("enum") == before.get("enum"), REMEDY.format(what=f"not know a value of {name}")
        assert today.get("required", []) == before.get("required", []), REMEDY.format(
            what=f"not know what {name} needs"
        )
        fields = today.get("properties", {})
        for field, schema in before.get("properties", {}).items():
            assert fields.get(field) == schema, REMEDY.format(what=f"miss {name}.{field}, or not be able to read it")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE grants RENAME COLUMN person TO subject",
        "DROP TABLE rehearsals",
        "CREATE UNIQUE INDEX one_each ON codes (expires_at)",
        "ALTER TABLE events ADD COLUMN node TEXT NOT NULL DEFAULT 'x' CHECK (node != 'x')",
        "CREATE TRIGGER quiet AFTER INSERT ON arrivals BEGIN DELETE FROM arrivals WHERE id = new.id; END",
    ],
)
def test_a_migration_that_an_earlier_version_cannot_live_with_is_found(statement: str, tmp_path: Path) -> None:
    """Each of these would break a running node: what is renamed, what has gone, what is stricter, what does more."""
    path = tmp_path / "vestibule.db"
    sqlite_at(path, "head")
    database = sqlite3.connect(path)
    database.execute(statement)
    database.commit()
    database.close()
    with pytest.raises((sqlite3.Error, AssertionError, Exception), match=r"no such|no column|UNIQUE|CHECK|ADR 0011"):
        asyncio.run(played(SqliteStore(path), SERVED[0].said))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE grants ADD COLUMN note TEXT",
        "CREATE TABLE notes (id TEXT PRIMARY KEY)",
        "CREATE INDEX grants_note ON grants (person, sid)",
    ],
)
def test_a_migration_that_only_adds_is_let_through(statement: str, tmp_path: Path) -> None:
    path = tmp_path / "vestibule.db"
    sqlite_at(path, "head")
    database = sqlite3.connect(path)
    database.execute(statement)
    database.commit()
    database.close()
    asyncio.run(played(SqliteStore(path), SERVED[0].said))


def test_the_recording_is_what_the_code_says_today(tmp_path: Path) -> None:
    """Every statement there is is said in the scene: one that nobody says is held to nothing."""
    said = asyncio.run(recorded(tmp_path / "vestibule.db"))
    texts = {
        text
        for one in said
        for each in one["said"]
        if each["shape"] != "alone"
        for text, _ in (*each["asked"], *each.get("then", ()))
    }
    assert {name for name, text in TEXTS.items() if text not in texts} == set()
    assert issubclass(Recorder, SqliteStore)


# -- a database of a later version --------------------------------------------------------------------------------------


def later(serves: str | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a later version's migration leaves, as far as an earlier one sees it."""
    yield "UPDATE alembic_version SET version_num = '9999'", ()
    if serves is None:
        yield "DELETE FROM facts WHERE name = 'serves'", ()
    else:
        yield "UPDATE facts SET value = ? WHERE name = 'serves'", (serves,)


async def reopened(store: Store) -> None:
    await store.open()
    try:
        await store.keep(nouns.session())
        assert await store.sessions.find(Digest("session-a")) == nouns.session()
    finally:
        await store.close()


@pytest.mark.parametrize("serves", [None, "9998", *REVISIONS])
def test_a_node_starts_on_a_later_database_only_if_that_serves_it(serves: str | None, tmp_path: Path) -> None:
    """In a rolling upgrade nodes of the earlier version are started again too; what they find they leave as it is."""
    path = tmp_path / "vestibule.db"
    asyncio.run(reopened(SqliteStore(path)))
    with sqlite3.connect(path) as database:
        for statement in later(serves):
            database.execute(*statement)
    database.close()
    if serves in REVISIONS:
        asyncio.run(reopened(SqliteStore(path)))
    else:
        with pytest.raises(Refused) as caught:
            asyncio.run(reopened(SqliteStore(path)))
        assert caught.value.code == "store.newer"
    found = sqlite3.connect(path)
    assert found.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
    found.close()


@pytest.mark.parametrize("serves", [None, "9998", REVISIONS[-1]])
def test_a_node_starts_on_a_later_postgresql_database_only_if_that_serves_it(
    serves: str | None, postgres: Server
) -> None:
    url = postgres.database()
    asyncio.run(reopened(PostgresStore(url)))
    with psycopg.connect(url) as database:
        for text, parameters in later(serves):
            database.execute(text.replace("?", "%s").encode(), parameters)
    if serves in REVISIONS:
        asyncio.run(reopened(PostgresStore(url)))
    else:
        with pytest.raises(Refused) as caught:
            asyncio.run(reopened(PostgresStore(url)))
        assert caught.value.code == "store.newer"
    postgres.drop(url)


def test_a_migration_says_whom_the_database_serves(tmp_path: Path) -> None:
    path = tmp_path / "vestibule.db"
    asyncio.run(reopened(SqliteStore(path)))
    found = sqlite3.connect(path)
    assert found.execute("SELECT value FROM facts WHERE name = 'serves'").fetchall() == [(SERVES,)]
    found.close()
