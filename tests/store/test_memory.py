"""The engine that forgets keeps every promise of the port."""

import pytest
from tests.store.contract import StoreContract
from tests.store.promises import Engine

from vestibule.store.memory import MemoryStore


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def engine(self) -> Engine:
        store = MemoryStore()
        return lambda: store
