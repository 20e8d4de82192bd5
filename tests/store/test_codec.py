"""Documents and column numbers say exactly what the records say."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from tests.store import nouns

from vestibule.model.grant import AccessToken
from vestibule.model.session import Session
from vestibule.store.codec import decode, decode_once, encode, micros, micros_or_none, moment, moment_or_none

RECORDS = [
    nouns.pending(),
    nouns.arrival(),
    nouns.outcome(),
    nouns.session(),
    nouns.grant(),
    nouns.code(),
    nouns.access_token(),
    nouns.refresh_token(),
    nouns.event(),
    nouns.key(),
    nouns.rehearsal(),
    nouns.application(),
    nouns.connection(),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_comes_back_whole(record: object) -> None:
    """Every noun survives its document: enums, times, bytes, tuples, maps and claims of three types."""
    back = decode(type(record), encode(record))
    assert back == record
    assert repr(back) == repr(record)  # equality would let True pass for 1, a list is no tuple


def test_claims_keep_their_types() -> None:
    """A claim is a text, a flag or a tuple of texts, and is read as what it was."""
    claims = {"text": "true", "flag": True, "list": ("a",), "none": ()}
    session = nouns.session(identity=nouns.identity(claims=claims))
    assert decode(Session, encode(session)).identity.claims == claims


def test_a_field_that_came_later_has_its_default() -> None:
    """A document that was written before a field existed can be read."""
    assert decode(type(nouns.code()), encode(nouns.code()).replace(',"taken_at":null', "")) == nouns.code()


def test_the_same_document_is_read_once() -> None:
    """A document that did not change gives the value that is there already; a changed one gives another."""
    doc = encode(nouns.access_token())
    assert decode_once(AccessToken, doc) is decode_once(AccessToken, "".join(doc))
    assert decode_once(AccessToken, encode(nouns.access_token("b"))) == nouns.access_token("b")


@pytest.mark.parametrize(
    "at", [nouns.T0, datetime(9999, 12, 31, 23, 59, 59, 999999, UTC), datetime(1970, 1, 1, 0, 0, 0, 1, UTC)]
)
def test_times_are_exact(at: datetime) -> None:
    """A column's number holds a time to the microsecond, in UTC."""
    assert moment(micros(at)) == at
    assert moment(micros(at)).tzinfo is UTC
    assert micros(at) - micros(at - timedelta(microseconds=1)) == 1


def test_times_of_other_zones_are_the_same_moment() -> None:
    """A moment is a moment, whatever zone it is written in."""
    assert micros(nouns.T0.astimezone(timezone(timedelta(hours=5)))) == micros(nouns.T0)


def test_naive_times_are_refused() -> None:
    """A time without a zone is a bug, not a moment."""
    with pytest.raises(TypeError):
        micros(nouns.T0.replace(tzinfo=None))


def test_no_time_is_no_number() -> None:
    """None stays None."""
    assert micros_or_none(None) is None
    assert moment_or_none(None) is None
    assert moment_or_none(micros_or_none(nouns.T0)) == nouns.T0
