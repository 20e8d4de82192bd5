"""Where a test's database is: a file, or a PostgreSQL server; for tests that are to hold on both."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.postgres import Server, name_of

from vestibule.store.port import Store
from vestibule.store.postgres import PostgresStore
from vestibule.store.sqlite import SqliteStore


def at(place: str | Path) -> Store:
    """The engine for a path or for an address, not yet opened."""
    return PostgresStore(str(place)) if str(place).startswith("postgresql://") else SqliteStore(place)


@pytest.fixture(scope="session")
def migrated(postgres: Server) -> str:
    """The name of a migrated database, to be copied: migrating one for each test would be most of the time."""
    url = postgres.database()

    async def made() -> None:
        store = PostgresStore(url)
        await store.open()
        await store.close()

    asyncio.run(made())
    return name_of(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh place for a database, of each engine in turn."""
    if request.param == "sqlite":
        yield str(tmp_path / "vestibule.db")
        return
    server: Server = request.getfixturevalue("postgres")
    url = server.database(template=request.getfixturevalue("migrated"))
    yield url
    server.drop(url)
