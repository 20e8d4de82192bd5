"""`./dev fuzz`: the differential oracle at nightly size, then every target under coverage for its time; in bounds."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fuzz import coverage, differential
from fuzz.targets.table import TARGETS

STATE = Path(__file__).parents[1] / ".dev" / "fuzz"
DOCUMENTS = 100_000
MINUTES = 30.0
_MORE = f"""
what may be named:
  differential  Responses of nine shapes by three signers, some encrypted in whole or in part, mutated, and judged by Vestibule, signxml
                and libxmlsec, which opens for both what is encrypted. Whatever Vestibule believes the other two must believe as well,
                and read the same subject, issuer and attributes in it, and the key must have signed just that. Document K of a seed is
                always the same; a disagreement is kept below .dev/fuzz/differential.
  TARGET        one decoder under atheris, for --minutes: nothing but a refusal may come of any bytes, within {coverage.SECONDS_AN_INPUT} s, and what is
                accepted has the properties that its target states (fuzz/targets). A finding is kept below tests/vectors/fuzz/TARGET,
                where ./dev test replays it until it is mended, and ever after.
                {", ".join(list(TARGETS)[:10])},
                {", ".join(list(TARGETS)[10:])}
  all           the differential, then all targets, which share --minutes (the default: about an hour on two cores)

  ./dev fuzz differential --seed 7 --documents 20000       one run
  ./dev fuzz differential --seed 7 --only 1234             one document, its verdicts, and why they are a disagreement
  ./dev fuzz jwt --minutes 5
  ./dev fuzz xml --only FILE                               one input, as a finding's file has it

Ends with status 1 after any finding, with 0 otherwise.
"""


def main(words: Sequence[str] | None = None) -> int:
    asked = _arguments(words)
    STATE.mkdir(parents=True, exist_ok=True)
    if asked.only is not None:
        return _only(asked.what, asked.seed, asked.only)
    clean = True
    if asked.what in ("all", "differential"):
        print(
            f"differential: {asked.documents} documents of seed {asked.seed} in {asked.processes} processes", flush=True
        )
        clean = differential.nightly(
            asked.seed, asked.documents, asked.processes, STATE / "differential", counts=asked.json
        )
    if asked.what != "differential":
        targets = list(TARGETS) if asked.what == "all" else [asked.what]
        clean = _cover(targets, asked.minutes, asked.seed) and clean
    print("clean" if clean else "FINDINGS: see above", flush=True)
    return 0 if clean else 1


def _cover(targets: list[str], minutes: float, seed: int) -> bool:
    """Each target for its share of the time."""
    seconds = max(1, round(minutes * 60 / len(targets)))
    print(f"coverage-guided: {len(targets)} target(s), {seconds} s each", flush=True)
    began = time.monotonic()
    outcomes = []
    for target in targets:
        outcome = coverage.fuzz(target, seconds=seconds, seed=seed, state=STATE)
        outcomes.append(outcome)
        print(outcome, flush=True)
        if not outcome.clean:
            print(outcome.log)
            for file in outcome.findings:
                print(f"kept {file}: ./dev fuzz {target} --only {file}")
    findings = sum(len(outcome.findings) for outcome in outcomes)
    executions = sum(outcome.executions for outcome in outcomes)
    print(f"coverage-guided: {executions} executions in {time.monotonic() - began:.0f} s, {findings} finding(s)")
    return all(outcome.clean for outcome in outcomes)


def _only(what: str, seed: int, only: str) -> int:
    if what in TARGETS:
        print("accepted" if TARGETS[what](Path(only).read_bytes()) else "refused")
        return 0
    text, reasons = differential.one(seed, int(only))
    print(text)
    return 1 if reasons else 0


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev fuzz",
        description="Looks for documents that fool us, and for bytes that break a decoder. Stops by itself.",
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", nargs="?", default="all", choices=["all", "differential", *TARGETS], metavar="WHAT")
    parser.add_argument("--documents", type=_from(1, int), default=DOCUMENTS, help="of the differential (%(default)s)")
    parser.add_argument("--seed", type=_from(0, int), default=1, help="where chance begins (%(default)s)")
    parser.add_argument(
        "--minutes",
        type=_from(0, float),
        default=MINUTES,
        help="of coverage-guided fuzzing, for all targets together (%(default)s)",
    )
    parser.add_argument(
        "--processes", type=_from(1, int), default=os.cpu_count() or 1, help="of the differential (%(default)s)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what the differential counted")
    parser.add_argument("--only", metavar="K|FILE", help="one document of the seed, or one input of a target")
    asked = parser.parse_args(words)
    if asked.only is not None and asked.what not in TARGETS and (asked.what == "all" or not asked.only.isdecimal()):
        parser.error("--only takes a document's number with `differential`, and a file with a target")
    return asked


def _from(least: int, kind: Callable[[str], float]) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = kind(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be {least} or more")
        return value

    return number


if __name__ == "__main__":
    sys.exit(main())
