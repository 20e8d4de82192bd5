"""Every kind of record has its statement."""

from typing import get_args

from vestibule.store.keeping import _WRITES
from vestibule.store.port import Record, RestartsAnswered


def test_no_kind_of_record_is_missing() -> None:
    """What `keep` accepts by its type, it can write."""
    assert {*_WRITES, RestartsAnswered} == set(get_args(Record))
