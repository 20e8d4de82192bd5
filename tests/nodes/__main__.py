"""Three nodes behind nginx, people who sign in, and disasters, for as long as wanted; prints the counts."""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from tests import postgres as servers
from tests.nodes import postgres_disasters, sqlite_disasters
from tests.nodes.cluster import cluster
from tests.nodes.disasters import ANYWHERE
from tests.nodes.report import table
from tests.nodes.road import Road
from tests.nodes.run import Plan, Run, run
from tests.places import at


async def on_postgresql(plan: Plan, directory: Path) -> Run:
    with servers.running(max_connections="60") as server:
        url = server.database()
        async with Road(server.port) as road:
            with cluster(directory, url.replace(f":{server.port}/", f":{road.port}/")) as where:
                return await run(where, {**ANYWHERE, **postgres_disasters.on(server, road, url)}, plan, at(url))


async def on_sqlite(plan: Plan, directory: Path) -> Run:
    file = directory / "vestibule.db"
    with cluster(directory, str(file)) as where:
        return await run(where, {**ANYWHERE, **sqlite_disasters.on(file)}, plan, at(file))


STORES = {"postgresql": on_postgresql, "sqlite": on_sqlite}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.nodes", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long disasters happen (%(default)s)")
    parser.add_argument("--store", choices=STORES, default="postgresql", help="(%(default)s)")
    parser.add_argument("--visitors", type=int, default=8, help="how many people sign in at once (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of every chance that is taken (%(default)s)")
    asked = parser.parse_args()
    # An end from outside takes the same way out as Ctrl-C: everything that was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = Plan(seconds=asked.minutes * 60, visitors=asked.visitors, seed=asked.seed)
    with tempfile.TemporaryDirectory(prefix="vestibule-nodes-") as directory:
        found = asyncio.run(STORES[asked.store](plan, Path(directory)))
    sys.stdout.write(f"{table(found)}\n")
    return 1 if found.reckoning.broken else 0


if __name__ == "__main__":
    sys.exit(main())
