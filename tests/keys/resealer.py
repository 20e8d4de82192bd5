"""A process that replaces the master key of a database as `vestibule keys reseal` does, and is killed at a point that it is told."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from vestibule.keys.keyring import Keyring
from vestibule.model.key import StoredKey
from vestibule.outside.clock import SystemClock
from vestibule.outside.entropy import SystemEntropy
from vestibule.settings import master_key
from vestibule.store import port
from vestibule.store.sqlite import SqliteStore


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(anew: port.Anew, after: int) -> port.Anew:
    """Dies in the middle of the transaction, when so many keys were sealed anew."""
    seen: list[StoredKey] = []

    def one(key: StoredKey) -> StoredKey | None:
        seen.append(key)
        if len(seen) > after:
            die()
        return anew(key)

    return one


async def main(database: Path, point: str) -> None:
    entropy = SystemEntropy()
    store = SqliteStore(database)
    await store.open()

    def unlock() -> tuple[bytes, ...]:
        return master_key.unlock(None, database, entropy).all

    key, *previous = unlock()
    keyring = Keyring(
        store=store, clock=SystemClock(), entropy=entropy, master_key=key, previous=tuple(previous), unlock=unlock
    )
    await keyring.prepare()
    if point == "in the transaction":
        whole = store.keys.reseal

        async def reseal(anew, *, texts, seal):  # type: ignore[no-untyped-def]
            return await whole(dying(anew, 2), texts=texts, seal=seal)

        store.keys.reseal = reseal  # type: ignore[method-assign]
    if point == "between two transactions":

        async def reseal_on(anew, *, after):  # type: ignore[no-untyped-def]
            die()

        store.keys.reseal_on = reseal_on  # type: ignore[method-assign]
    with master_key.replacing(database, entropy):
        if point == "before the transaction":
            die()
        sys.stdout.write(f"{await keyring.reseal()}\n")
        sys.stdout.flush()
        if point == "after the transaction":
            die()
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
