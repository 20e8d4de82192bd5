"""A process that takes part in races: opens the store at the place it is given, then runs each heat that it is told, at the moment it is told."""

import asyncio
import sys
import time

from tests.places import at
from tests.store.races import RACES


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(place: str, runner: int) -> None:
    store = at(place)
    await store.open()
    say("ready")
    for line in sys.stdin:
        name, heat, start = line.split()
        while time.monotonic() < float(start):
            pass
        say(str(await RACES[name].run(store, heat, runner)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
