"""How long what we give out lives, unless an operator says less."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """A code is bound to seconds by [RFC 6749 4.1.2]; a refresh token dies idle, and its family absolutely [RFC 9700 4.14]."""

    code: timedelta = timedelta(seconds=60)
    id_token: timedelta = timedelta(hours=1)
    access_token: timedelta = timedelta(hours=1)
    refresh_idle: timedelta = timedelta(days=14)
    refresh_absolute: timedelta = timedelta(days=90)
