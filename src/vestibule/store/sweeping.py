"""Sweeping: what is past all use goes, in small batches, until none of them is full."""

from datetime import timedelta

from vestibule.ground.clock import Clock, Pause
from vestibule.store.port import Store
from vestibule.store.retention import EVENTS

BATCH = 500
"""Rows of one table that go in one transaction: some 10 ms of the writer."""
BETWEEN_BATCHES = 0.05
"""Seconds between two batches: logins go first. So one node sweeps some 8,000 rows a second of every table, at most."""


async def _at_once(seconds: float) -> None:
    """No pause."""


async def sweep_all(
    store: Store, clock: Clock, *, events: timedelta = EVENTS, limit: int = BATCH, pause: Pause = _at_once
) -> int:
    """Sweeps until a batch is not full; returns how many rows went.

    What is left then has only just expired, and waits for the next sweep: under a steady load something always has.
    """
    gone = 0
    while True:
        swept = await store.sweep(now=clock.now(), limit=limit, events=events)
        gone += swept
        if swept < limit:
            return gone
        await pause(BETWEEN_BATCHES)
