"""How long rows stay after they have served: the one table that every engine sweeps by."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
AHEAD = timedelta(minutes=10)
"""How long a used assertion is remembered beyond the last moment at which it could be accepted: the node that sweeps may have
a clock that is ahead, and a post that was judged in time may wait for the database before it claims."""
EVENTS = 90 * DAY
"""How long events are kept, unless the operator says otherwise: they are most of what a login leaves behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Rows of `table`, known by `key`, go when any of `ends` lies `stay` or more in the past."""

    table: str
    key: tuple[str, ...]
    ends: tuple[str, ...]
    stay: timedelta


# `pending` goes by its expiry alone: a login ends before it expires, so this is 24 h after either, and at most one
# `login_ttl` more. `arrivals` outlive by far the codes that were issued from them (60 s), as taking a code asks for them.
RULES = (
    Rule(table="assertions", key=("connection", "issuer", "assertion_id"), ends=("remember_until",), stay=AHEAD),
    Rule(table="pending", key=("id",), ends=("expires_at",), stay=DAY),
    Rule(table="arrivals", key=("id",), ends=("expires_at",), stay=HOUR),
    Rule(table="outcomes", key=("id",), ends=("expires_at",), stay=HOUR),
    Rule(table="codes", key=("digest",), ends=("expires_at",), stay=DAY),
    Rule(table="access_tokens", key=("digest",), ends=("expires_at",), stay=timedelta()),
    Rule(table="refresh_tokens", key=("digest",), ends=("expires_at",), stay=timedelta()),
    Rule(table="grants", key=("id",), ends=("expires_at",), stay=timedelta()),
    Rule(table="sessions", key=("sid",), ends=("expires_at", "idle_at"), stay=timedelta()),
    Rule(table="keys", key=("kid",), ends=("retired_at",), stay=90 * DAY),
    Rule(table="events", key=("id",), ends=("at",), stay=EVENTS),
    Rule(table="rehearsals", key=("id",), ends=("expires_at",), stay=DAY),
)


def horizons(now: datetime, events: timedelta) -> Iterator[tuple[Rule, datetime]]:
    """Every rule, and the moment before which its rows must have ended in order to go now."""
    for rule in RULES:
        yield rule, now - (events if rule.table == "events" else rule.stay)
