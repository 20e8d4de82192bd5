"""`vestibule backup` and `vestibule restored`: what an operator reads when a copy is made, and when one was put back."""

import asyncio
import sqlite3
from pathlib import Path

from tests.cli.house import ISSUER, CommandLine
from tests.store import nouns

from vestibule.settings.database import PostgresUrl
from vestibule.settings.process import Settings
from vestibule.store.sqlite import SqliteStore


def kept(database: Path) -> None:
    async def whole() -> None:
        store = SqliteStore(database)
        await store.open()
        await store.keep(nouns.session())
        await store.close()

    asyncio.run(whole())


def test_backup_says_where_the_copy_is_and_what_is_not_in_it(tmp_path: Path) -> None:
    database, copy = tmp_path / "v.db", tmp_path / "copy.db"
    kept(database)
    line = CommandLine(tmp_path, settings=Settings(issuer=ISSUER, database=database))
    result = line.run("backup", str(copy))
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Copied {copy.stat().st_size:,} bytes to {copy}.")
    assert f"master key ({database}.key): back that up too, apart from it" in result.stdout
    found = sqlite3.connect(copy)
    assert found.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
    found.close()
    again = line.run("backup", str(copy))
    assert (again.exit_code, "rule: backup.exists" in again.stderr) == (1, True)


def test_backup_leaves_a_postgresql_database_to_its_own_tools(tmp_path: Path) -> None:
    settings = Settings(issuer=ISSUER, database=PostgresUrl("postgresql://db/vestibule"), master_key=bytes(32))
    result = CommandLine(tmp_path, settings=settings).run("backup", str(tmp_path / "copy"))
    assert (result.exit_code, "rule: backup.postgresql" in result.stderr) == (1, True)
    assert "pg_dump" in result.stderr


def test_restored_says_what_is_refused_from_now_on(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    result = line.run("restored")
    assert result.exit_code == 0
    assert "refuses assertions that were issued until 2026-03-02 09:00:00 UTC" in result.stdout
    store = line.house.store
    assert asyncio.run(store.keys.known("restored_at")) == "2026-03-02T09:00:00+00:00"
    assert [event.kind for event in asyncio.run(store.events.latest())] == ["database.restored"]
