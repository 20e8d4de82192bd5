"""`python -m bench`: measures whole logins, prints the table, and writes everything as JSON if asked."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import machine, report, rounds
from bench.load import Failed

SCRATCH = Path(__file__).parents[1] / ".dev"
"""On the checkout's disk: what a system keeps for temporary files is often no disk at all."""


def main() -> int:
    asked = _arguments()
    # An end from outside takes the same way out as Ctrl-C: the servers are stopped, the database is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    plan = rounds.Plan(solo=asked.solo, crowd=asked.crowd, rounds=asked.rounds, seconds=asked.seconds)
    asked.directory.mkdir(parents=True, exist_ok=True)
    cores = machine.cores()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=asked.directory) as scratch:
        about = machine.describe(Path(scratch))
        try:
            found = rounds.measure(plan, Path(scratch), cores, lambda said: print(said, file=sys.stderr, flush=True))
        except Failed as failed:
            print(f"The benchmark failed: {failed}", file=sys.stderr)
            return 1
    print(report.table(found, plan, about, cores))
    if asked.json is not None:
        asked.json.write_text(report.as_json(found, plan, about, cores))
    return 0


def _arguments() -> argparse.Namespace:
    plan = rounds.Plan()
    parser = argparse.ArgumentParser(
        prog="./dev bench", description="Whole logins a second, beside what the machine can do at best."
    )
    parser.add_argument("--rounds", type=_within(1, 50), default=plan.rounds, help="interleaved rounds (%(default)s)")
    parser.add_argument(
        "--solo", type=_within(10, 20_000), default=plan.solo, help="logins a cell, one at a time (%(default)s)"
    )
    parser.add_argument(
        "--crowd", type=_within(64, 50_000), default=plan.crowd, help="logins a cell, 32 at once (%(default)s)"
    )
    parser.add_argument(
        "--seconds",
        type=_within(1, 3600),
        default=int(plan.seconds),
        help="no round begins later than this (%(default)s)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
    parser.add_argument("--directory", type=Path, default=SCRATCH, help="where the database is made (%(default)s)")
    return parser.parse_args()


def _within(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be from {least} to {most}")
        return value

    return number


if __name__ == "__main__":
    sys.exit(main())
