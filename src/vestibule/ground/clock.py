"""The clock as a thing that is handed in: nobody asks the operating system for the time but `outside`."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time. `now()` is timezone-aware and in UTC."""

    def now(self) -> datetime: ...


class Pause(Protocol):
    """Lets this many seconds go by, and other work go on."""

    async def __call__(self, seconds: float, /) -> None: ...
