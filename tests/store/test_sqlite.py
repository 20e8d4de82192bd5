"""SQLite keeps every promise of the port."""

from pathlib import Path

import pytest
from tests.store.contract import StoreContract
from tests.store.promises import Engine

from vestibule.store.sqlite import SqliteStore


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def engine(self, tmp_path: Path) -> Engine:
        return lambda: SqliteStore(tmp_path / "vestibule.db")
