"""The server that tests start is a real one, durable and closed, and can be hurt as they need it."""

import subprocess
from collections.abc import Iterator

import pytest
from tests import postgres as servers
from tests.postgres import Server


def test_it_keeps_its_promises_and_sorts_by_language(postgres: Server, postgres_url: str) -> None:
    """fsync is on, commits wait for the disk, and text is not sorted bytewise unless somebody asks for it."""
    name = servers.name_of(postgres_url)
    assert postgres.sql("SHOW fsync") == ["on"]
    assert postgres.sql("SHOW synchronous_commit") == ["on"]
    assert postgres.sql("SELECT 'a' < 'B', 'a' < 'B' COLLATE \"C\"", database=name) == ["t|f"]


def test_a_database_is_fresh_or_a_copy(postgres: Server) -> None:
    first = postgres.database()
    postgres.sql("CREATE TABLE things (name text); INSERT INTO things VALUES ('one')", database=servers.name_of(first))
    copy = postgres.database(template=servers.name_of(first))
    assert copy != first
    assert postgres.sql("SELECT name FROM things", database=servers.name_of(copy)) == ["one"]
    for url in (first, copy):
        postgres.drop(url)
        assert servers.name_of(url) not in postgres.sql("SELECT datname FROM pg_database")


@pytest.fixture(scope="module")
def mine() -> Iterator[Server]:
    servers.required()
    with servers.running(max_connections="20") as server:
        yield server


def test_it_comes_back_from_a_kill_with_what_it_acknowledged(mine: Server) -> None:
    mine.sql("CREATE TABLE kept (name text); INSERT INTO kept VALUES ('one')")
    mine.kill()
    assert not mine.running()
    mine.start()
    assert mine.sql("SELECT name FROM kept") == ["one"]
    mine.restart()
    assert mine.sql("SHOW max_connections") == ["20"]


def test_a_pause_is_a_pause(mine: Server) -> None:
    """While paused it answers nothing, and afterwards it goes on where it was."""
    mine.pause()
    with pytest.raises(subprocess.TimeoutExpired):
        mine.sql("SELECT 1", patience=0.5)
    mine.resume()
    assert mine.sql("SELECT 1") == ["1"]


def test_settings_take_effect_at_once(mine: Server) -> None:
    mine.configure(default_transaction_read_only="on")
    assert mine.sql("SHOW default_transaction_read_only") == ["on"]
    mine.configure(default_transaction_read_only=None)
    assert mine.sql("SHOW default_transaction_read_only") == ["off"]
