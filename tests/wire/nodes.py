"""Several houses over one database: nodes that share nothing but the database, each with its own keys, cache and randomness."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from tests.doubles import CountingEntropy, FixedClock
from tests.places import at
from tests.wire.world import World, configuration, furnished

T = TypeVar("T")


async def node(place: str | Path, clock: FixedClock, name: str) -> World:
    """One more house over the database."""
    return await furnished(at(place), clock=clock, entropy=CountingEntropy(name))


def play_nodes(
    scene: Callable[[Sequence[World]], Awaitable[None]],
    place: str | Path,
    document: Mapping[str, Any] | None = None,
    *,
    count: int = 2,
    clock: FixedClock | None = None,
    as_it_is: bool = False,
) -> None:
    """Builds `count` nodes in one event loop and plays the scene.

    The first one applies the configuration, unless the database is taken `as_it_is`.
    """

    async def whole() -> None:
        time = clock or FixedClock()
        worlds = [await node(place, time, f"node-{number}") for number in range(count)]
        if not as_it_is:
            await worlds[0].apply(document if document is not None else configuration())
        await scene(worlds)
        for world in worlds:
            await world.house.store.close()

    asyncio.run(whole())


def race_threads(
    attempt: Callable[[World, int], Awaitable[T]], place: str | Path, clock: FixedClock, *, threads: int, each: int
) -> list[T]:
    """What came of `threads * each` attempts at one moment: every thread has its own event loop, store and house."""
    at_the_line = threading.Barrier(threads, timeout=60)

    async def run(number: int) -> list[T]:
        world = await node(place, clock, f"thread-{number}")
        at_the_line.wait()
        found = await asyncio.gather(*(attempt(world, number * each + n) for n in range(each)))
        await world.house.store.close()
        return list(found)

    def enter(number: int) -> list[T]:
        return asyncio.run(run(number))

    with ThreadPoolExecutor(threads) as pool:
        return [one for found in pool.map(enter, range(threads)) for one in found]
