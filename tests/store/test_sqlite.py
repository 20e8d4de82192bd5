"""SQLite keeps every promise of the port."""

import asyncio
import shutil
from pathlib import Path

import pytest
from tests.store.contract import StoreContract
from tests.store.promises import Engine

from vestibule.store.sqlite import SqliteStore


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file, to be copied: migrating one for each test would be half of the time."""
    path = tmp_path_factory.mktemp("empty") / "vestibule.db"

    async def made() -> None:
        store = SqliteStore(path)
        await store.open()
        await store.close()

    asyncio.run(made())
    return path


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def engine(self, empty: Path, tmp_path: Path) -> Engine:
        path = shutil.copy(empty, tmp_path / "vestibule.db")
        return lambda: SqliteStore(path)
