"""Sweeping: batch after batch while they are full, then no more until the next time; as old as the operator wants events."""

import asyncio
from datetime import timedelta

from tests.doubles import FixedClock
from tests.store import nouns

from vestibule.store.memory import MemoryStore
from vestibule.store.sweeping import BETWEEN_BATCHES, sweep_all


def test_batches_follow_each_other_until_one_is_not_full() -> None:
    """Between two of them others get their turn; what has only just expired is no reason for one more."""
    paused: list[float] = []

    async def pause(seconds: float) -> None:
        paused.append(seconds)

    async def whole() -> int:
        store = MemoryStore()
        await store.keep(*(nouns.access_token(str(number)) for number in range(25)))
        clock = FixedClock(nouns.T0 + nouns.HOUR)
        swept = await sweep_all(store, clock, limit=10, pause=pause)
        assert await store.sweep(now=clock.now()) == 0
        return swept

    assert asyncio.run(whole()) == 25
    assert paused == [BETWEEN_BATCHES] * 2


def test_events_go_when_they_are_as_old_as_the_operator_said() -> None:
    """And nothing else goes by that."""

    async def whole() -> None:
        store = MemoryStore()
        await store.keep(nouns.event(), nouns.refresh_token())
        week = timedelta(days=7)
        assert await sweep_all(store, FixedClock(nouns.T0 + week - nouns.TICK), events=week) == 0
        assert await sweep_all(store, FixedClock(nouns.T0 + week), events=week) == 1
        assert await store.events.latest() == ()

    asyncio.run(whole())
