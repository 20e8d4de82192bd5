"""Instants: UTC and nothing else."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from vestibule.saml.instant import read_instant, shifted, write_instant

NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2026-03-04T12:00:00Z", NOON),
        ("2026-03-04T12:00:00.5Z", NOON.replace(microsecond=500_000)),
        ("2026-03-04T12:00:00.123456789Z", NOON.replace(microsecond=123_456)),
        ("2026-03-04T12:00:00.999999999999Z", NOON.replace(microsecond=999_999)),
        ("2026-03-04T12:00:00.0012+00:00", NOON.replace(microsecond=1_200)),
        ("2026-03-04T12:00:00+00:00", NOON),
        ("2026-03-04T12:00:00-00:00", NOON),
    ],
)
def test_utc_is_read(value: str, instant: datetime) -> None:
    """`Z`, or an offset of zero; fractions are cut to the microsecond."""
    assert read_instant(value) == instant


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "2026-03-04T12:00:00",
        "2026-03-04T12:00:00+01:00",
        "2026-03-04 12:00:00Z",
        "2026-03-04T12:00Z",
        "2026-03-04T12:00:00z",
        "2026-03-04",
        "20260304T120000Z",
        "2026-02-30T12:00:00Z",
        "2026-03-04T12:00:60Z",
        "0000-03-04T12:00:00Z",
        "12026-03-04T12:00:00Z",
        "2026-03-04T12:00:00.Z",
        "2026-03-04T12:00:00.1234567890123Z",
        " 2026-03-04T12:00:00Z",
        "2026-03-04T12:00:00Z\n",
        "\uff12026-03-04T12:00:00Z",
    ],
)
def test_anything_else_is_no_instant(value: str | None) -> None:
    """Local times, other offsets, other forms, moments that there are not."""
    assert read_instant(value) is None


def test_what_is_written_is_read() -> None:
    """In UTC whatever the zone, cut to the second."""
    written = write_instant(NOON.replace(microsecond=999_999).astimezone(timezone(timedelta(hours=5))))
    assert written == "2026-03-04T12:00:00Z"
    assert read_instant(written) == NOON


def test_shifting_stays_within_the_calendar() -> None:
    """Year 1 and year 9999 are legal values in hostile messages."""
    assert shifted(NOON, timedelta(hours=1)) == NOON + timedelta(hours=1)
    last, first = datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)
    assert shifted(last, timedelta(seconds=1)) == last
    assert shifted(first, timedelta(seconds=-1)) == first
