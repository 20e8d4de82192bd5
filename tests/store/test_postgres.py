"""PostgreSQL keeps every promise of the port."""

import asyncio
from collections.abc import Iterator

import pytest
from tests.postgres import Server, name_of
from tests.store.contract import StoreContract
from tests.store.promises import Engine

from vestibule.store.postgres import PostgresStore


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


@pytest.fixture
def url(postgres: Server, migrated: str) -> Iterator[str]:
    """A fresh database of today's shape."""
    url = postgres.database(template=migrated)
    yield url
    postgres.drop(url)


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def engine(self, url: str) -> Engine:
        return lambda: PostgresStore(url)
