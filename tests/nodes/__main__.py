"""`python -m tests.nodes`: nodes, people and disasters for as long as wanted; prints the counts."""

import argparse
import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

from tests.nodes.cluster import cluster
from tests.nodes.disasters import ANYWHERE, holding_the_lock
from tests.nodes.report import table
from tests.nodes.run import Plan, run

from vestibule.store.sqlite import SqliteStore


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.nodes", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--visitors", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    plan = Plan(seconds=asked.minutes * 60, visitors=asked.visitors, seed=asked.seed)
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vestibule-nodes-")))
        file = directory / "vestibule.db"
        disasters = {
            **ANYWHERE,
            "the file is locked for a moment": holding_the_lock(file, 1.0, noticed=False),
            "the file is locked for long": holding_the_lock(file, 8.0, noticed=True),
        }
        found = asyncio.run(run(stack.enter_context(cluster(directory, str(file))), disasters, plan, SqliteStore(file)))
    sys.stdout.write(table(found) + "\n")
    return 1 if found.reckoning.broken else 0


if __name__ == "__main__":
    sys.exit(main())
