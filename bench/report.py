"""The report of a comparison: medians and spread as a table for people, and everything that was measured as JSON."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from bench import floor, goals
from bench.cells import CROWD, SOLO, Cell
from bench.machine import IN_MEMORY, Cores
from bench.ours import ACCEPT, ON_SQLITE, PEOPLE
from bench.rounds import Measured, Plan, start_seconds
from bench.subject import Kind, Subject

ENOUGH = 200
"""Of fewer logins a cell the slowest hundredth is one or two: no p99 is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where and how a run was made, for the report: the machine, the cores, the plan, who took part and who is missing."""

    machine: Mapping[str, str | int]
    cores: Cores
    plan: Plan
    subjects: Sequence[Subject]
    missing: tuple[str, ...]
    date: str


def table(found: Measured, setting: Setting) -> str:
    """The whole report as text."""
    blocks = (
        _head(found, setting),
        _logins(found, setting),
        _says(setting),
        _others(found),
        _floor(found),
        _goals(found),
    )
    return "\n".join(line for block in (*blocks, _notes(found, setting)) for line in (*block, "")).rstrip()


def as_json(found: Measured, setting: Setting) -> str:
    """Every cell of every round, and the medians and spreads of the table."""
    whole = {
        "date": setting.date,
        "machine": dict(setting.machine),
        "cores": asdict(setting.cores),
        "plan": asdict(setting.plan),
        "missing": setting.missing,
        "people": PEOPLE,
        **asdict(found),
        "medians": medians(found, setting.subjects),
        "goals": [{**asdict(goal), "reached": goal.reached} for goal in goals.judge(found)],
    }
    return json.dumps(whole, indent=2) + "\n"


def _head(found: Measured, setting: Setting) -> Iterator[str]:
    machine, plan = setting.machine, setting.plan
    yield f"{setting.date}. {machine['processor']}, {machine['cores']} cores, {machine['memory_mb']} MB, {machine['system']}"
    yield f"{machine['python']}, {machine['openssl']}, SQLite {machine['sqlite']} (WAL, FULL) on {machine['file_system']}"
    if "postgresql" in machine:
        yield (
            f"PostgreSQL {machine['postgresql']} (fsync, synchronous_commit) on {machine['postgresql_file_system']}, "
            f"on core {setting.cores.client}, the load client's"
        )
    yield f"each server one process on core {setting.cores.server}, the load client on core {setting.cores.client}, loopback, no TLS"
    yield (
        f"{found.rounds} interleaved rounds; a cell: {plan.solo} logins at concurrency {SOLO}, {plan.crowd} at {CROWD}, or as many "
        f"as take {plan.cell:.0f} s; {PEOPLE} people, all known"
    )
    yield f"a response: {found.response_bytes} bytes of XML, {found.form_bytes} of form; each is signed afresh and used once"
    for missing in setting.missing:
        yield f"MISSING: {missing}"


def _logins(found: Measured, setting: Setting) -> Iterator[str]:
    yield "Whole logins: median (lowest to highest of the rounds). CPU ms: the server's, a login; then its database's own."
    yield ""
    yield (
        f"{'':<22} {'':<24} {'signs':<5} {'at once':>7} {'logins/s':>17} {'CPU ms':>20} {'database':>8} "
        f"{'p50 ms':>8} {'p99 ms':>8} {'others':>7}"
    )
    for subject, kind in _pairs(setting.subjects):
        for concurrency in (SOLO, CROWD):
            cells = _cells(found, subject.name, kind.name, concurrency)
            name = f"{subject.name:<22} {kind.name:<24} {kind.signs or 'none':<5}" if concurrency == SOLO else " " * 53
            yield f"{name} {concurrency:>7} {_figures(cells)}"


def _figures(cells: list[Cell]) -> str:
    database = [cell.database_cpu_ms for cell in cells if cell.database_cpu_ms is not None]
    enough = min(cell.logins for cell in cells) >= ENOUGH
    return (
        f"{_of(cells, lambda c: c.per_second, 0):>17} {_of(cells, lambda c: c.cpu_ms, 2):>20} "
        f"{f'{median(database):.2f}' if database else '':>8} {_middle(cells, lambda c: c.p50_ms):>8.1f} "
        f"{f'{_middle(cells, lambda c: c.p99_ms):.1f}' if enough else '':>8} {_middle(cells, lambda c: c.others_percent):>6.0f}%"
    )


def _says(setting: Setting) -> Iterator[str]:
    yield "What happens in a login, and what is kept of it:"
    said: set[str] = set()
    for subject in setting.subjects:
        yield f"{subject.name} ({subject.version}) keeps {subject.keeps}"
        for kind in subject.kinds:
            if kind.says not in said:
                yield f"    {kind.name} ({kind.requests} requests): {kind.says}"
            said.add(kind.says)


def _others(found: Measured) -> Iterator[str]:
    yield f"{'':<22} {'start s':>18} {'of CPU':>7} {'resident MB':>12} {'after logins':>12}"
    for seen in found.subjects:
        yield f"{seen.subject:<22} {_spread(list(seen.start_seconds), 2):>18} {seen.start_cpu:>7.2f} {seen.memory_mb:>12.0f} {seen.logins:>12,}"


def _floor(found: Measured) -> Iterator[str]:
    yield "The floor of a direct login: microseconds of CPU, median (lowest to highest)"
    yield ""
    for part in floor.SHARED:
        yield f"{part:>52} {_spread([one[part] for one in found.floor], 0):>18}"
    for alg, part in floor.SIGN.items():
        whole = median(floor.total(one, alg) for one in found.floor)
        yield f"{part:>52} {_spread([one[part] for one in found.floor], 0):>18}   together {whole:.0f}"
        cells = _cells(found, ON_SQLITE, floor.MEASURED_BY[alg], CROWD)
        measured = _middle(cells, lambda cell: cell.cpu_ms) * 1000
        yield f"{f'a direct login with {alg}, measured at {CROWD}':>52} {measured:>8.0f}   {measured / whole:.2f} times the floor"
    yield f"{f'not in it: {floor.ALONE}':>52} {_spread([one[floor.ALONE] for one in found.floor], 0):>18}"


def _goals(found: Measured) -> Iterator[str]:
    yield "Goals (memory after 100,000 logins, growth and invalidation: ./dev bench endurance, growth, invalidation)"
    yield from (f"    {goal}" for goal in goals.judge(found))


def _notes(found: Measured, setting: Setting) -> Iterator[str]:
    client = _middle(_cells(found, ON_SQLITE, ACCEPT, CROWD), lambda cell: cell.client_cpu_ms)
    yield (
        f"The client's own ceiling: {median(found.ceiling):.0f} direct logins/s against a server that answers from a can. "
        f"In the rounds, where it sleeps between answers, one login cost it {client:.3f} ms of CPU."
    )
    yield "CPU: user and system time of the server's processes. Others: CPU that nobody measured used; 100 % is one core."
    worst = max(cell.others_percent for cell in found.cells)
    if worst > 20:
        yield f"NOISY: other work took up to {worst:.0f} % of a core. Logins/s and latencies mean little; CPU per login suffers least."
    if setting.cores.server == setting.cores.client:
        yield "ONE CORE: server and client shared it; logins/s and latencies hold the client's work as well."
    if {setting.machine["file_system"], setting.machine.get("postgresql_file_system")} & set(IN_MEMORY):
        yield "IN MEMORY: a database was on no disk; commits cost less than they should. Choose another --directory or TMPDIR."


def medians(found: Measured, subjects: Iterable[Subject]) -> dict[str, object]:
    """The table's figures by subject, kind and concurrency."""
    figures = ("per_second", "cpu_ms", "database_cpu_ms", "p50_ms", "p99_ms")
    logins: dict[str, object] = {}
    for subject, kind in _pairs(subjects):
        for concurrency in (SOLO, CROWD):
            cells = _cells(found, subject.name, kind.name, concurrency)
            logins[f"{subject.name}: {kind.name} @{concurrency}"] = {
                name: _summary([getattr(cell, name) for cell in cells]) for name in figures
            }
    parts = {part: _summary([one[part] for one in found.floor]) for part in found.floor[0]}
    starts = {seen.subject: start_seconds(seen) for seen in found.subjects}
    return {"logins": logins, "floor_us": parts, "start_seconds": starts, "ceiling_per_second": _summary(found.ceiling)}


def _summary(values: Iterable[float | None]) -> dict[str, float] | None:
    known = sorted(value for value in values if value is not None)
    return {"median": median(known), "lowest": known[0], "highest": known[-1]} if known else None


def _pairs(subjects: Iterable[Subject]) -> Iterator[tuple[Subject, Kind]]:
    return ((subject, kind) for subject in subjects for kind in subject.kinds)


def _cells(found: Measured, subject: str, kind: str, concurrency: int) -> list[Cell]:
    wanted = (subject, kind, concurrency)
    return [cell for cell in found.cells if (cell.subject, cell.kind, cell.concurrency) == wanted]


def _middle(cells: Iterable[Cell], figure: Callable[[Cell], float]) -> float:
    return median(figure(cell) for cell in cells)


def _of(cells: Iterable[Cell], figure: Callable[[Cell], float], digits: int) -> str:
    return _spread([figure(cell) for cell in cells], digits)


def _spread(values: list[float], digits: int) -> str:
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"
