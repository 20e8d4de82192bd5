"""The report: medians and spread of a run as a table for people, and everything that was measured as JSON."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from statistics import median

from bench import floor
from bench.logins import KINDS
from bench.machine import IN_MEMORY, Cores
from bench.rounds import CROWD, PEOPLE, SOLO, Cell, Measured, Plan


def table(found: Measured, plan: Plan, machine: Mapping[str, str | int], cores: Cores) -> str:
    """The whole report as text."""
    return "\n".join(
        (
            *_head(found, plan, machine, cores),
            "",
            *_logins(found),
            "",
            *_floor(found),
            "",
            *_notes(found, machine, cores),
        )
    )


def as_json(found: Measured, plan: Plan, machine: Mapping[str, str | int], cores: Cores) -> str:
    """Every cell of every round, and the medians and spreads of the table."""
    whole = {
        "machine": dict(machine),
        "cores": asdict(cores),
        "plan": asdict(plan),
        "people": PEOPLE,
        **asdict(found),
        "medians": _medians(found),
    }
    return json.dumps(whole, indent=2) + "\n"


def _head(found: Measured, plan: Plan, machine: Mapping[str, str | int], cores: Cores) -> Iterator[str]:
    yield f"{machine['processor']}, {machine['cores']} cores, {machine['memory_mb']} MB, {machine['system']}"
    yield f"{machine['python']}, {machine['openssl']}, SQLite {machine['sqlite']} (WAL, FULL) on {machine['file_system']}"
    yield f"one worker on core {cores.server}, the load client on core {cores.client}, loopback, no TLS"
    yield (
        f"{found.rounds} interleaved rounds; {plan.solo} logins a cell at concurrency {SOLO}, {plan.crowd} at {CROWD}; "
        f"{PEOPLE} people, all known"
    )
    yield f"a response: {found.response_bytes} bytes of XML, {found.form_bytes} of form; each is signed afresh and used once"


def _logins(found: Measured) -> Iterator[str]:
    yield "Whole logins: median (lowest to highest of the rounds)"
    yield ""
    yield f"{'':>16} {'requests':>8} {'at once':>7} {'logins/s':>17} {'CPU ms/login':>20} {'p50 ms':>8} {'p99 ms':>8} {'others':>7}"
    for kind in KINDS:
        for concurrency in (SOLO, CROWD):
            cells = _cells(found, kind.name, concurrency)
            name, requests = (kind.name, str(kind.requests)) if concurrency == SOLO else ("", "")
            yield (
                f"{name:>16} {requests:>8} {concurrency:>7} {_of(cells, lambda c: c.per_second, 0):>17} "
                f"{_of(cells, lambda c: c.cpu_ms, 2):>20} {_middle(cells, lambda c: c.p50_ms):>8.2f} "
                f"{_middle(cells, lambda c: c.p99_ms):>8.2f} {_middle(cells, lambda c: c.others_percent):>6.0f}%"
            )
    yield ""
    yield from (f"{kind.name}: {kind.says}" for kind in KINDS)


def _floor(found: Measured) -> Iterator[str]:
    yield "The floor of a direct login: microseconds of CPU, median (lowest to highest)"
    yield ""
    for part in floor.PARTS:
        yield f"{part:>45} {_spread([one[part] for one in found.floor], 0):>18}"
    total = median(sum(one[part] for part in floor.PARTS) for one in found.floor)
    measured = _middle(_cells(found, KINDS[0].name, CROWD), lambda cell: cell.cpu_ms) * 1000
    yield f"{'together':>45} {total:>8.0f}"
    yield f"{f'a direct login, measured at {CROWD}':>45} {measured:>8.0f}   {measured / total:.2f} times the floor"
    yield f"{f'not in it: {floor.ALONE}':>45} {_spread([one[floor.ALONE] for one in found.floor], 0):>18}"


def _notes(found: Measured, machine: Mapping[str, str | int], cores: Cores) -> Iterator[str]:
    client = _middle(_cells(found, KINDS[0].name, CROWD), lambda cell: cell.client_cpu_ms)
    yield (
        f"The client's own ceiling: {median(found.ceiling):.0f} direct logins/s against a server that answers from a can. "
        f"In the rounds, where it sleeps between answers, one login cost it {client:.3f} ms of CPU."
    )
    yield f"The server's memory at the end: {found.memory_mb:.0f} MB resident."
    yield "CPU: utime + stime of the server's process. Others: CPU that neither server nor client used; 100 % is one core."
    worst = max(cell.others_percent for cell in found.cells)
    if worst > 20:
        yield f"NOISY: other work took up to {worst:.0f} % of a core. Logins/s and latencies mean little; CPU per login suffers least."
    if cores.server == cores.client:
        yield "ONE CORE: server and client shared it; logins/s and latencies hold the client's work as well."
    if machine["file_system"] in IN_MEMORY:
        yield "IN MEMORY: the database was on no disk; commits cost less than they should. Choose another --directory."


def _medians(found: Measured) -> dict[str, object]:
    figures = ("per_second", "cpu_ms", "p50_ms", "p99_ms")
    logins = {
        f"{kind.name} @{concurrency}": {
            name: _summary([getattr(cell, name) for cell in _cells(found, kind.name, concurrency)]) for name in figures
        }
        for kind in KINDS
        for concurrency in (SOLO, CROWD)
    }
    parts = {part: _summary([one[part] for one in found.floor]) for part in (*floor.PARTS, floor.ALONE)}
    return {"logins": logins, "floor_us": parts, "ceiling_per_second": _summary(found.ceiling)}


def _summary(values: Iterable[float]) -> dict[str, float]:
    found = sorted(values)
    return {"median": median(found), "lowest": found[0], "highest": found[-1]}


def _cells(found: Measured, kind: str, concurrency: int) -> list[Cell]:
    return [cell for cell in found.cells if (cell.kind, cell.concurrency) == (kind, concurrency)]


def _middle(cells: Iterable[Cell], figure: Callable[[Cell], float]) -> float:
    return median(figure(cell) for cell in cells)


def _of(cells: Iterable[Cell], figure: Callable[[Cell], float], digits: int) -> str:
    return _spread([figure(cell) for cell in cells], digits)


def _spread(values: list[float], digits: int) -> str:
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"
