"""The goals that Vestibule's speed is held against, and what a run says of each: reached, not reached, or not asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from bench import floor
from bench.cells import CROWD
from bench.ours import ACCEPT, ACCEPT_ES, ON_POSTGRES, ON_SQLITE
from bench.peers import polis
from bench.rounds import Measured, start_seconds

MEMORY_MB = 120
"""Resident memory of a worker after 100,000 logins; measured by `./dev bench endurance`."""
GROWTH_MB = 4
"""More than this over the second half of the run is growth."""
START_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One goal: what it is of, what is wanted, what was found. `found` None: this run did not measure it."""

    of: str
    want: float
    at_least: bool
    unit: str
    found: float | None

    @property
    def reached(self) -> bool | None:
        if self.found is None:
            return None
        return self.found >= self.want if self.at_least else self.found <= self.want

    def __str__(self) -> str:
        verdict = {True: "reached", False: "not reached", None: "not measured in this run"}[self.reached]
        bound = "at least" if self.at_least else "at most"
        found = "" if self.found is None else f"{self.found:.2f} {self.unit}; "
        return f"{self.of}: {found}goal {bound} {self.want:g} {self.unit}: {verdict}"


def judge(found: Measured) -> tuple[Goal, ...]:
    """The goals of a comparison, each by the medians of its rounds."""
    direct = _middle(found, ON_SQLITE, ACCEPT, "per_second")
    cpu = _middle(found, ON_SQLITE, ACCEPT, "cpu_ms")
    signed = _middle(found, ON_SQLITE, ACCEPT_ES, "cpu_ms")
    postgres = _middle(found, ON_POSTGRES, ACCEPT, "cpu_ms")
    peer = _middle(found, polis.IN_MEMORY, polis.UNSOLICITED, "per_second")
    peer_cpu = _middle(found, polis.IN_MEMORY, polis.UNSOLICITED, "cpu_ms")
    starts = {seen.subject: start_seconds(seen) for seen in found.subjects}
    bottom = median(floor.total(parts, "RS256") for parts in found.floor) / 1000
    return (
        _most("accept·direct against the floor, CPU", 1.5, "times", _over(cpu, bottom)),
        _least("accept·direct against Polis unsolicited, logins/s", 10, "times", _over(direct, peer)),
        _least("the same by CPU for a login", 10, "times", _over(peer_cpu, cpu)),
        _most("accept·direct, p99 at 32", 60, "ms", _middle(found, ON_SQLITE, ACCEPT, "p99_ms")),
        _most("accept·direct with ES256, CPU", 0.7, "ms", signed),
        _most("PostgreSQL against SQLite, CPU of our process", 1.4, "times", _over(postgres, cpu)),
        _most("start to /readyz, SQLite", START_SECONDS, "s", starts.get(ON_SQLITE)),
        _most("start to /readyz, PostgreSQL", START_SECONDS, "s", starts.get(ON_POSTGRES)),
    )


def endured(memory: Mapping[int, float], starts: tuple[float, ...], engine: str) -> tuple[Goal, ...]:
    """The goals of the long run. `memory`: megabytes by the number of logins before."""
    counts = sorted(memory)
    half = next(count for count in counts if count >= counts[-1] / 2)
    return (
        _most(f"resident memory after {counts[-1]:,} logins, {engine}", MEMORY_MB, "MiB", memory[counts[-1]]),
        _most(f"growth over the second half, {engine}", GROWTH_MB, "MiB", memory[counts[-1]] - memory[half]),
        _most(f"start to /readyz, median of {len(starts)}, {engine}", START_SECONDS, "s", median(starts)),
    )


def _middle(found: Measured, subject: str, kind: str, figure: str) -> float | None:
    values = [
        float(getattr(cell, figure))
        for cell in found.cells
        if (cell.subject, cell.kind, cell.concurrency) == (subject, kind, CROWD)
    ]
    return median(values) if values else None


def _over(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other


def _least(of: str, want: float, unit: str, found: float | None) -> Goal:
    return Goal(of=of, want=want, at_least=True, unit=unit, found=found)


def _most(of: str, want: float, unit: str, found: float | None) -> Goal:
    return Goal(of=of, want=want, at_least=False, unit=unit, found=found)
