"""`python -m bench`: which measurement is asked for, and where what it found is written."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from bench import drawing, endurance, field, growth, invalidation, machine, ours, report, rounds, writes
from bench.load import Failed
from bench.responses import IdentityProvider

SCRATCH = Path(__file__).parents[1] / ".dev"
"""On the checkout's disk: what a system keeps for temporary files is often no disk at all."""
PLAN = rounds.Plan()
ENGINES = {
    "both": (ours.ON_SQLITE, ours.ON_POSTGRES),
    "sqlite": (ours.ON_SQLITE,),
    "postgresql": (ours.ON_POSTGRES,),
}


def main() -> int:
    asked = _arguments(sys.argv[1:])
    # An end from outside takes the same way out as Ctrl-C: the servers are stopped, the databases are removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    asked.directory.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=asked.directory) as scratch:
            asked.measure(asked, Path(scratch).resolve())
    except Failed as failed:
        print(f"The benchmark failed: {failed}", file=sys.stderr)
        return 1
    return 0


def compare(asked: argparse.Namespace, scratch: Path) -> None:
    """Vestibule, its peers, the floor, in one run."""
    plan = rounds.Plan(
        solo=asked.solo,
        crowd=asked.crowd,
        cell=asked.cell,
        rounds=asked.rounds,
        seconds=asked.seconds,
        starts=asked.starts,
    )
    cores, idp = machine.cores(), IdentityProvider()
    with ExitStack() as stack:
        who = field.gather(scratch, idp, cores, stack, _tell, own=asked.own)
        about = machine.describe(scratch)
        if who.postgres is not None:
            about |= {"postgresql": who.postgres.version, "postgresql_file_system": who.postgres.file_system}
        found = rounds.measure(plan, who.subjects, idp, scratch, cores, _tell)
    setting = report.Setting(
        machine=about,
        cores=cores,
        plan=plan,
        subjects=who.subjects,
        missing=who.missing,
        date=_today(),
    )
    _write(asked, report.table(found, setting), report.as_json(found, setting))
    if asked.plot is not None:
        asked.plot.write_text(drawing.draw(found, date=setting.date))


def endure(asked: argparse.Namespace, scratch: Path) -> None:
    """A long run of one worker."""
    found = endurance.run(scratch, asked.logins, ENGINES[asked.engine], _tell)
    _write(asked, endurance.table(found), endurance.as_json(found))


def write(asked: argparse.Namespace, scratch: Path) -> None:
    """What a login writes."""
    found = writes.run(scratch, asked.logins, _tell)
    _write(asked, writes.table(found), writes.as_json(found))


def grow(asked: argparse.Namespace, scratch: Path) -> None:
    """Small databases and large ones."""
    plan = growth.Plan(
        connections=tuple(asked.connections),
        people=asked.people,
        sessions=asked.sessions,
        crowd=asked.crowd,
        rounds=asked.rounds,
    )
    found = growth.run(scratch, plan, ENGINES[asked.engine], _tell)
    _write(asked, growth.table(found), growth.as_json(found))


def notice(asked: argparse.Namespace, scratch: Path) -> None:
    """A connection is disabled under three nodes."""
    found = invalidation.run(scratch, asked.repeats, ENGINES[asked.engine], _tell)
    _write(asked, invalidation.table(found), invalidation.as_json(found))


def _write(asked: argparse.Namespace, table: str, json: str) -> None:
    print(table)
    if asked.json is not None:
        asked.json.write_text(json)


def _arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description="What a login costs, and beside what.")
    verbs = parser.add_subparsers(title="measurements", required=True, metavar="compare (default) | endurance | …")
    _compare(verbs)
    _endurance(verbs)
    _growth(verbs)
    _invalidation(verbs)
    _writes(verbs)
    for verb in verbs.choices.values():
        verb.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured")
        verb.add_argument(
            "--directory", type=Path, default=SCRATCH, help="where databases are made; on a disk (%(default)s)"
        )
    named = words[:1] in (["-h"], ["--help"]) or (words and words[0] in verbs.choices)
    return parser.parse_args(words if named else ["compare", *words])


Verbs = argparse._SubParsersAction  # argparse has no public name for it


def _compare(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("compare", help="whole logins of Vestibule, of its peers, and the floor")
    verb.set_defaults(measure=compare)
    add = verb.add_argument
    add("--own", action="store_true", help="Vestibule and the floor alone; nothing is installed")
    add("--rounds", type=_within(1, 50), default=PLAN.rounds, help="interleaved rounds (%(default)s)")
    add("--solo", type=_within(10, 20_000), default=PLAN.solo, help="logins a cell, one at a time (%(default)s)")
    add("--crowd", type=_within(64, 50_000), default=PLAN.crowd, help="logins a cell, 32 at once (%(default)s)")
    add("--cell", type=float, default=PLAN.cell, help="seconds that a cell should take at most (%(default)s)")
    add("--seconds", type=float, default=PLAN.seconds, help="no round begins later than this (%(default)s)")
    add("--starts", type=_within(1, 20), default=PLAN.starts, help="how often each server is started (%(default)s)")
    add("--plot", type=Path, metavar="FILE.svg", help="draw it")


def _endurance(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("endurance", help="memory over 100,000 logins, and starting again after them")
    verb.set_defaults(measure=endure)
    verb.add_argument("--logins", type=_within(10_000, 10_000_000), default=100_000, help="(%(default)s)")
    _engine(verb)


def _growth(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    plan = growth.Plan()
    verb = verbs.add_parser("growth", help="few and many connections, people, sessions")
    verb.set_defaults(measure=grow)
    add = verb.add_argument
    add("--connections", type=int, nargs="+", default=plan.connections, help="(%(default)s)")
    add("--people", type=int, default=plan.people, help="(%(default)s)")
    add("--sessions", type=int, default=plan.sessions, help="(%(default)s)")
    add("--crowd", type=_within(64, 50_000), default=plan.crowd, help="logins a cell (%(default)s)")
    add("--rounds", type=_within(1, 50), default=plan.rounds, help="interleaved rounds (%(default)s)")
    _engine(verb)


def _invalidation(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("invalidation", help="how soon a disabled connection is refused by three nodes")
    verb.set_defaults(measure=notice)
    verb.add_argument("--repeats", type=_within(1, 1000), default=20, help="(%(default)s)")
    _engine(verb)


def _writes(verbs: "Verbs[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("writes", help="what PostgreSQL writes for a login of each kind")
    verb.set_defaults(measure=write)
    verb.add_argument("--logins", type=_within(writes.PART, 1_000_000), default=4_000, help="of each (%(default)s)")


def _engine(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--engine", choices=tuple(ENGINES), default="both", help="which database (%(default)s)")


def _within(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be from {least} to {most}")
        return value

    return number


def _tell(said: str) -> None:
    print(said, file=sys.stderr, flush=True)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


if __name__ == "__main__":
    sys.exit(main())
