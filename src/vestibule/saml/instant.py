"""Instants as SAML writes them: xs:dateTime in UTC, nothing else [SAMLCore 1.3.3]."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,12})?(?:Z|[+-]00:00)")
_LONGEST: Final = 38


def read_instant(value: str | None) -> datetime | None:
    """The instant, to the microsecond; None if there is none, or it is not written in UTC or names no real moment.

    "All SAML time values ... MUST be expressed in UTC form, with no time zone component" [SAMLCore 1.3.3]. `Z` is what
    that means in practice; an offset of zero says the same and is tolerated, any other is not. Finer fractions are cut.
    """
    return None if value is None or len(value) > _LONGEST else _read(value)


@lru_cache(maxsize=256)  # the rules look at the same few instants again and again
def _read(value: str) -> datetime | None:
    if _INSTANT.fullmatch(value) is None:
        return None
    try:
        return datetime.fromisoformat(value)  # which cuts what is finer than a microsecond, too
    except ValueError:
        return None


def write_instant(at: datetime) -> str:
    """`at`, cut to the second, with `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shifted(at: datetime, by: timedelta) -> datetime:
    """`at + by`, held within what a datetime can say: year 1 and year 9999 are real values in hostile messages."""
    try:
        return at + by
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if by > timedelta(0) else datetime.min.replace(tzinfo=UTC)
