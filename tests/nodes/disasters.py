"""Disasters: what befalls nodes and store while people sign in. Each proves that it happened, or fails the run."""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tests.nodes.book import Book
from tests.nodes.cluster import SET_ASIDE, Cluster, Node

Disaster = Callable[["Scene"], Awaitable[str]]
"""Does its harm, puts everything right again, and says what shows that it was done."""


class Scene:
    """What a disaster can reach: the nodes, the book, and chance that a seed fixes."""

    def __init__(self, cluster: Cluster, book: Book, dice: random.Random) -> None:
        self.cluster, self.book, self.dice = cluster, book, dice

    def node(self, *, workers: int = 0) -> Node:
        """Any node; with `workers`, one that has so many at least."""
        return self.dice.choice([node for node in self.cluster.nodes if node.workers >= workers])

    def turned_away(self) -> int:
        """How many requests were refused because the store could not answer."""
        return sum(
            count for hop, count in self.book.hops.items() if hop.startswith("refused by") and hop.endswith("503")
        )

    def completed(self) -> int:
        return sum(login.completed for login in self.book.logins)


async def kill_a_node(scene: Scene) -> str:
    """kill -9 for a whole node, workers and all; it is started again."""
    node = scene.node()
    node.kill()
    assert node.process is not None
    assert node.process.returncode == -9, node.process.returncode
    await asyncio.sleep(scene.dice.uniform(0.2, 1.0))
    node.start()
    await node.up()
    return f"{node.name} was killed, and serves again"


async def kill_a_first_process(scene: Scene) -> str:
    """kill -9 for the process that looks after workers: they notice, and end; the node is started again on the same port."""
    node = scene.node(workers=2)
    await complete(node)
    orphans = node.serving_pids()
    node.kill_first()
    await until(lambda: not any(map(_lives, orphans)), "workers outlived the process that looks after them")
    node.start()
    await node.up()
    return f"{node.name} lost its first process, its workers ended, and it serves again"


async def kill_a_worker(scene: Scene) -> str:
    """kill -9 for one of a node's workers: another one takes its place by itself."""
    node = scene.node(workers=2)
    await complete(node)
    killed = node.kill_worker()
    await until(lambda: killed not in node.serving_pids(), "a worker outlived kill -9")
    await complete(node)
    return f"worker {killed} of {node.name} was killed and replaced"


async def complete(node: Node) -> None:
    """Returns when a node has all its workers; one that could not start, or was killed, is replaced by itself."""
    await until(lambda: len(node.serving_pids()) == node.workers, f"a worker of {node.name} was not replaced")


async def roll(scene: Scene) -> str:
    """Every node is told to end, ends with 0, and is started again, one after the other."""
    for node in scene.cluster.nodes:
        await restart(node)
        # Whoever is quicker has all of them set aside at once, and the balancer answers by itself.
        await asyncio.sleep(2 * SET_ASIDE)
    return f"{len(scene.cluster.nodes)} nodes ended with 0 and were started again"


async def restart(node: Node, *, within: float = 40.0) -> float:
    """SIGTERM, and a new start; the seconds that the end took. It must end with 0."""
    began = time.monotonic()
    node.ask_to_end()
    status = await node.ended(within)
    took = time.monotonic() - began
    assert status == 0, f"{node.name} ended with {status}:\n{node.log()[-2000:]}"
    node.start()
    await node.up()
    return took


async def until(true: Callable[[], bool], otherwise: str, *, within: float = 30.0) -> None:
    """Waits for something to become true."""
    deadline = time.monotonic() + within
    while not await asyncio.to_thread(true):
        assert time.monotonic() < deadline, otherwise
        await asyncio.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Nobody may have waited for it yet: what has ended lives no more.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"


ANYWHERE: Mapping[str, Disaster] = {
    "a node is killed": kill_a_node,
    "a worker is killed": kill_a_worker,
    "a first process is killed": kill_a_first_process,
    "all nodes are restarted in turn": roll,
}
"""Disasters that befall nodes on any store."""
