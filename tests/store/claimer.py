"""A process that claims assertions as fast as it can, many at once, and says each one that was acknowledged; until it is killed."""

import asyncio
import itertools
import sys

from tests.places import at
from tests.store import nouns


async def main(place: str) -> None:
    store = at(place)
    await store.open()
    numbers = itertools.count()

    async def claim() -> None:
        for number in numbers:
            id = f"_{number}"
            if await store.assertions.claim(nouns.claim(assertion_id=id), keep=(nouns.event(id),)):
                sys.stdout.write(id + "\n")
                sys.stdout.flush()

    await asyncio.gather(*(claim() for _ in range(16)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
