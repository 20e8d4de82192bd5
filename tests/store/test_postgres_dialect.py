"""Portable statements in PostgreSQL's words: each is understood by a server, finds its rows by an index, and can hang on another."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from tests.postgres import Server
from tests.store import nouns
from tests.store.nouns import T0
from tests.store.test_statements import TEXTS, WHOLE

from vestibule.store import statements as sql
from vestibule.store.keeping import keeping
from vestibule.store.port import ArrivalEnded, GrantRevoked, RestartsAnswered, SessionEnded
from vestibule.store.postgres import PostgresStore
from vestibule.store.postgres_dialect import SWEEP, encoded, worded
from vestibule.store.schema import tables

PORTABLE = {name: text for name, text in TEXTS.items() if not name.startswith("sweep ")}
KEPT = sorted(
    {
        text
        for text, _ in keeping(
            (
                nouns.pending(),
                nouns.arrival(),
                nouns.outcome(),
                nouns.session(),
                nouns.code(),
                nouns.grant(),
                nouns.access_token(),
                nouns.refresh_token(),
                nouns.event(),
                nouns.key(),
                nouns.rehearsal(),
                ArrivalEnded(id=nouns.arrival().id),
                SessionEnded(sid=nouns.session().sid),
                GrantRevoked(id=nouns.grant().id),
                RestartsAnswered(connection=nouns.pending().connection, cookies=(nouns.pending().cookie,)),
            )
        )
    }
)
"""Every statement by which a record is kept: each may stand behind a chain."""


@pytest.fixture(scope="module")
def database(postgres: Server, migrated: str) -> Iterator["psycopg.Connection[Any]"]:
    """Where reading row by row is the last resort, so that it shows where nothing else is possible."""
    url = postgres.database(template=migrated)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET plan_cache_mode = force_generic_plan")
        yield connection
    postgres.drop(url)


def plan(database: "psycopg.Connection[Any]", text: str) -> str:
    """How the server would run it, whatever its parameters."""
    count = len(set(re.findall(r"\$\d+", text)))
    database.execute(f"PREPARE it AS {text}".encode())
    try:
        rows = database.execute(
            f"EXPLAIN EXECUTE it{'(' if count else ''}{', '.join(['NULL'] * count)}{')' if count else ''}".encode()
        )
        return "\n".join(line for (line,) in rows)
    finally:
        database.execute("DEALLOCATE it")


@pytest.mark.parametrize("name", PORTABLE)
def test_nothing_is_searched_row_by_row(database: "psycopg.Connection[Any]", name: str) -> None:
    """As on SQLite: every statement finds its rows by an index, whatever the number of rows beside them."""
    found = plan(database, worded(PORTABLE[name]).text.decode())
    assert "Seq Scan" not in found or name in WHOLE, found


@pytest.mark.parametrize("text", KEPT)
def test_whatever_is_kept_can_hang_on_another_statement(database: "psycopg.Connection[Any]", text: str) -> None:
    """The server understands it, and asks how far the chain has come before it does anything."""
    words = worded(text, 1).text.decode()
    assert words.count("current_setting('vestibule.step', true) = '1'") == 1
    assert "Seq Scan" not in plan(database, words)


@pytest.mark.parametrize(
    "text",
    [text for statements in SWEEP.values() for text in statements],
    ids=[table for table, statements in SWEEP.items() for _ in statements],
)
def test_a_sweep_walks_an_index_and_waits_for_nobody(database: "psycopg.Connection[Any]", text: str) -> None:
    found = plan(database, worded(text).text.decode())
    assert "Index Scan" in found
    assert "Tid Scan" in found
    assert "Sort" not in found, found
    assert "Seq Scan" not in found, found
    assert "SKIP LOCKED" in text


def test_what_is_held_is_locked() -> None:
    """Only the statements that say so, and those before the part that tells."""
    assert worded(sql.HOLD_PENDING).text.endswith(b"FOR UPDATE")
    assert b" FOR UPDATE)" in worded(sql.HOLD_PENDING, None, 1).text
    assert {name for name, text in PORTABLE.items() if b"FOR UPDATE" in worded(text).text} == {
        name for name in PORTABLE if name.startswith("HOLD_")
    }


def test_a_statement_is_named_by_its_words() -> None:
    names = {
        worded(text, after, tells).name for text in KEPT for after, tells in ((None, None), (1, None), (1, 2), (2, 3))
    }
    assert len(names) == 4 * len(KEPT)
    assert worded(sql.CLAIM).name == worded(sql.CLAIM).name
    assert max(map(len, names)) < 64, "PostgreSQL cuts longer names"


def test_a_statement_that_cannot_hang_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot hang"):
        worded("SELECT 1", 1)


def test_text_that_no_database_can_hold_is_never_cut() -> None:
    """The driver ends text at a NUL: `a\\0b` would be taken for `a`."""
    assert encoded(("a", None, 12)) == [b"a", None, b"12"]
    with pytest.raises(ValueError, match="NUL"):
        encoded(("a\0b",))


def test_what_is_asked_with_such_text_is_not_there(postgres: Server, migrated: str) -> None:
    url = postgres.database(template=migrated)

    async def scene() -> None:
        store = PostgresStore(url)
        await store.open()
        await store.keep(nouns.outcome("a"))
        assert await store.outcomes.find("outcome-a") is not None
        assert await store.outcomes.find("outcome-a\0") is None
        assert await store.outcomes.find("outcome-a\ud800") is None
        assert await store.people.find(nouns.PersonId("p\0"), identity="i") is None
        await store.close()

    asyncio.run(scene())
    postgres.drop(url)


def test_the_migrations_make_the_tables_and_sort_by_bytes(database: "psycopg.Connection[Any]") -> None:
    """What the schema says is what is there, and every text of it has the order of its bytes."""
    url = f"postgresql+psycopg://{database.info.user}:x@127.0.0.1:{database.info.port}/{database.info.dbname}"
    engine = create_engine(url, connect_args={"password": database.info.password})
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables) == []
    engine.dispose()
    kinds = """SELECT c.relname, a.attname, l.collname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_collation l ON l.oid = a.attcollation WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
        AND a.atttypid = 'text'::regtype AND l.collname <> 'C'"""
    assert database.execute(kinds.encode()).fetchall() == []


def test_two_nodes_that_sweep_at_once_share_the_work(postgres: Server, migrated: str) -> None:
    """Neither waits for the other, no row is counted twice, and what one holds the other passes over."""
    url = postgres.database(template=migrated)

    async def scene() -> None:
        one, other = PostgresStore(url), PostgresStore(url)
        await one.open()
        await other.open()
        await one.keep(*(nouns.session(str(number)) for number in range(300)))
        late = T0 + nouns.timedelta(days=400)
        with psycopg.connect(url) as holder:
            holder.execute("SELECT 1 FROM sessions WHERE sid IN (SELECT sid FROM sessions LIMIT 10) FOR UPDATE")
            gone = await asyncio.gather(*(store.sweep(now=late, limit=100) for store in (one, other)))
            assert sum(gone) == 200
            assert await one.sweep(now=late, limit=500) == 90
        assert await other.sweep(now=late) == 10
        await one.close()
        await other.close()

    asyncio.run(scene())
    postgres.drop(url)
