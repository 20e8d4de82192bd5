"""A process that takes part in races: opens the file it is given, then runs each heat that it is told, at the moment it is told."""

import asyncio
import sys
import time

from vestibule.store.sqlite import SqliteStore

from tests.store.races import RACES


async def main(path: str, runner: int) -> None:
    store = SqliteStore(path)
    await store.open()
    print("ready", flush=True)
    for line in sys.stdin:
        name, heat, start = line.split()
        while time.monotonic() < float(start):
            pass
        print(await RACES[name].run(store, heat, runner), flush=True)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
