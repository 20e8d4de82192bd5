"""A copy of a SQLite database in use: whole, of one moment, private, and never in the place of something else."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.store import nouns
from tests.store.test_sqlite_processes import end, line, start

from vestibule.ground.errors import Refused
from vestibule.model.ids import Digest
from vestibule.store.backup import back_up
from vestibule.store.port import StoreUnavailable
from vestibule.store.sqlite import SqliteStore


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "vestibule.db"

    async def made() -> None:
        store = SqliteStore(path)
        await store.open()
        await store.keep(nouns.session(), *(nouns.event(str(number)) for number in range(200)))
        await store.close()

    asyncio.run(made())
    return path


def refusal(database: Path, copy: Path) -> str:
    with pytest.raises(Refused) as caught:
        back_up(database, copy, draft="draft")
    return caught.value.code


def test_a_copy_holds_everything_and_is_its_owners_alone(database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert back_up(database, copy, draft="draft") == copy.stat().st_size
    assert copy.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "copy.db.draft").exists()

    async def read() -> None:
        store = SqliteStore(copy)
        await store.open()
        assert await store.sessions.find(Digest("session-a")) == nouns.session()
        assert len(await store.events.latest(limit=500)) == 200
        await store.close()

    asyncio.run(read())


def test_a_copy_made_while_a_process_writes_holds_all_that_was_acknowledged_before_it_was_begun(tmp_path: Path) -> None:
    """And a claim never without the event that was kept with it."""
    database = tmp_path / "vestibule.db"
    process = start("tests.store.claimer", str(database))
    acknowledged = {line(process) for _ in range(300)}
    copy = tmp_path / "copy.db"
    back_up(database, copy, draft="draft")
    more = {line(process) for _ in range(50)}
    process.kill()
    end(process)
    found = sqlite3.connect(copy)
    claims = {row[0] for row in found.execute("SELECT assertion_id FROM assertions")}
    events = {row[0] for row in found.execute("SELECT id FROM events")}
    found.close()
    assert claims >= acknowledged
    assert {f"event-{id}" for id in claims} == events
    assert more


def test_nothing_is_overwritten(database: Path, tmp_path: Path) -> None:
    for there in (database, tmp_path / "something"):
        there.touch()
        before = there.read_bytes()
        assert refusal(database, there) == "backup.exists"
        assert there.read_bytes() == before


def test_a_place_that_cannot_be_written_to_is_refused(database: Path, tmp_path: Path) -> None:
    assert refusal(database, tmp_path / "missing" / "copy.db") == "backup.failed"


def test_of_a_damaged_database_no_copy_is_left(database: Path, tmp_path: Path) -> None:
    """One that could not be restored is worse than none: it is found when it is needed."""
    with sqlite3.connect(database) as broken:
        broken.execute("INSERT INTO domains (connection_id, domain, verified) VALUES ('con_gone', 'gone.example', 1)")
    broken.close()
    with pytest.raises(Refused) as caught:
        back_up(database, tmp_path / "copy.db", draft="draft")
    assert (caught.value.code, caught.value.got) == ("backup.damaged", "table domains: a reference is broken")
    assert list(tmp_path.glob("copy*")) == []


def test_a_database_whose_pages_are_damaged_is_not_copied(database: Path, tmp_path: Path) -> None:
    octets = bytearray(database.read_bytes())
    octets[4096 * 3 :] = b"x" * (len(octets) - 4096 * 3)
    database.write_bytes(octets)
    assert refusal(database, tmp_path / "copy.db") == "store.unavailable"
    assert list(tmp_path.glob("copy*")) == []


def test_what_is_no_database_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"something else that is no database" * 99)
    with pytest.raises(StoreUnavailable):
        back_up(tmp_path / "other", tmp_path / "copy.db", draft="draft")
    assert not (tmp_path / "copy.db").exists()
