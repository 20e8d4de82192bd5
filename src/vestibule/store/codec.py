"""Records to JSON documents and back, and times to the numbers that columns compare."""

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encoder = msgspec.json.Encoder()


def encode(record: object) -> str:
    """The document of a record: every field of it, as JSON."""
    return _encoder.encode(record).decode()


# `Any` for the kinds, as the caches want something hashable and a type checker doubts that of a `type[T]`.
@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


@lru_cache(maxsize=1024)
def _decoded(kind: Any, doc: str) -> Any:
    return _decoder(kind).decode(doc)


def decode(kind: type[T], doc: str) -> T:
    """The record of a document. Fields that were added since it was written have their defaults."""
    name: Any = kind
    record: T = _decoder(name).decode(doc)
    return record


def decode_once(kind: type[T], doc: str) -> T:
    """Like `decode`, for documents that are read at every request and seldom change: same text, same value."""
    name: Any = kind
    record: T = _decoded(name, doc)
    return record


def micros(moment: datetime) -> int:
    """Microseconds since 1970, exactly; a naive time raises TypeError."""
    return (moment - EPOCH) // _MICROSECOND


def micros_or_none(moment: datetime | None) -> int | None:
    return None if moment is None else micros(moment)


def moment(count: int) -> datetime:
    return EPOCH + timedelta(microseconds=count)


def moment_or_none(count: int | None) -> datetime | None:
    return None if count is None else moment(count)
