"""Doubles of what is handed in: a clock that stands still until it is told, and randomness that can be foreseen."""

import base64
import hashlib
import itertools
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class FixedClock:
    """Stands at `at` until `advance`d or `set`."""

    def __init__(self, at: datetime = START) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, by: timedelta | float) -> datetime:
        """Moves on by a timedelta, or by seconds; back, if it is negative."""
        self._at += by if isinstance(by, timedelta) else timedelta(seconds=by)
        return self._at

    def set(self, at: datetime) -> None:
        self._at = at


class CountingEntropy:
    """Never the same bytes twice, and the same ones in every run. Two with different seeds share nothing."""

    def __init__(self, seed: str = "") -> None:
        self._seed = seed
        self._count = itertools.count()

    def bytes(self, count: int) -> bytes:
        drawn = f"{self._seed}#{next(self._count)}".encode()
        return hashlib.shake_256(drawn).digest(count)

    def token(self, count: int = 32) -> str:
        return base64.urlsafe_b64encode(self.bytes(count)).rstrip(b"=").decode("ascii")
