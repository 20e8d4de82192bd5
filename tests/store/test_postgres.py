"""PostgreSQL keeps every promise of the port."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from tests.postgres import Server
from tests.store.contract import StoreContract
from tests.store.promises import Engine

from vestibule.store.postgres import PostgresStore
from vestibule.store.schema import tables


@pytest.fixture(scope="module")
def shared(postgres: Server, migrated: str) -> Iterator["psycopg.Connection[Any]"]:
    """A database for all of the contract, and a connection to empty it by: making one for each test takes much longer."""
    url = postgres.database(template=migrated)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
    postgres.drop(url)


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def engine(self, postgres: Server, shared: "psycopg.Connection[Any]") -> Engine:
        for table in reversed(tables.sorted_tables):
            shared.execute(SQL("DELETE FROM {}").format(Identifier(table.name)))
        url = postgres.url(shared.info.dbname)
        return lambda: PostgresStore(url)
