"""The long run: a hundred thousand logins by one worker, its memory on the way, and how quickly it starts again after them."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from bench import cells, databases, goals, machine, ours
from bench.cells import CROWD
from bench.responses import IdentityProvider
from bench.rounds import people
from bench.subject import Subject, Up

PART = 1000
"""So many logins are prepared at a time. Of ten such parts eight are accept·direct; one is solicited, one restart·client."""
MIX = (ours.ACCEPT,) * 8 + (ours.SOLICITED, ours.RESTART)
STARTS = 10

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endured:
    """Resident memory in MiB by the number of logins before, CPU ms a login on the way there, and the starts after it."""

    engine: str
    memory: dict[int, float]
    cpu_ms: dict[int, float]
    start_seconds: tuple[float, ...]
    start_cpu: tuple[float, ...]


def run(directory: Path, count: int, engines: tuple[str, ...], tell: Tell) -> tuple[Endured, ...]:
    """`count` logins on each engine that this machine has of `engines`."""
    cores, idp = machine.cores(), IdentityProvider()
    with ExitStack() as stack:
        stack.enter_context(machine.on_core(cores.client))
        subjects = _subjects(directory, idp, cores, engines, stack, tell)
        return tuple(_endure(subject, count, cores.server, tell) for subject in subjects)


def _subjects(
    directory: Path, idp: IdentityProvider, cores: machine.Cores, engines: tuple[str, ...], stack: ExitStack, tell: Tell
) -> Iterator[Subject]:
    if ours.ON_SQLITE in engines:
        yield ours.on_sqlite(directory, idp)
    if ours.ON_POSTGRES in engines:
        try:
            postgres = stack.enter_context(databases.running(cores.client))
        except databases.Missing as why:
            tell(f"MISSING: PostgreSQL: {why}")
        else:
            yield ours.on_postgres(directory, idp, postgres.database(), postgres.pid)


def _endure(subject: Subject, count: int, core: int, tell: Tell) -> Endured:
    memory: dict[int, float] = {}
    cpu: dict[int, float] = {}
    with subject.serve(core) as up:
        step = max(PART * len(MIX), count // 10 // (PART * len(MIX)) * PART * len(MIX))
        for done in range(0, count, step):
            cpu[done + step] = _step(subject, up, step)
            memory[done + step] = machine.memory_of(up.pid)
            tell(f"{subject.name}: {memory[done + step]:.1f} MiB after {done + step:,} logins")
    starts: list[Up] = []
    for _ in range(STARTS):
        with subject.serve(core) as up:
            starts.append(up)
    return Endured(
        engine=subject.name,
        memory=memory,
        cpu_ms=cpu,
        start_seconds=tuple(up.start_seconds for up in starts),
        start_cpu=tuple(up.start_cpu for up in starts),
    )


def _step(subject: Subject, up: Up, count: int) -> float:
    """So many logins, mixed; CPU ms for one."""
    kinds = {kind.name: kind for kind in subject.kinds}
    numbers = people()
    used = 0.0
    for part in range(count // PART):
        cell = cells.measure(subject, up, kinds[MIX[part % len(MIX)]], CROWD, PART, numbers)
        used += cell.cpu_ms * PART
    return used / count


def table(found: tuple[Endured, ...]) -> str:
    """The run as text."""
    lines: list[str] = []
    for one in found:
        lines.append(
            f"{one.engine}: eight of ten logins accept·direct, one solicited, one restart·client, {CROWD} at once"
        )
        lines.append(f"{'logins':>10} {'resident MiB':>12} {'CPU ms/login':>12}")
        lines.extend(f"{count:>10,} {one.memory[count]:>12.1f} {one.cpu_ms[count]:>12.2f}" for count in one.memory)
        starts = ", ".join(f"{seconds:.2f}" for seconds in one.start_seconds)
        lines.append(f"starts: {starts} s; of CPU, median: {median(one.start_cpu):.2f} s")
        lines.extend(f"    {goal}" for goal in goals.endured(one.memory, one.start_seconds, one.engine))
        lines.append("")
    return "\n".join(lines).rstrip()


def as_json(found: tuple[Endured, ...]) -> str:
    return json.dumps([asdict(one) for one in found], indent=2) + "\n"
