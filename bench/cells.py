"""One cell of the table: logins of one kind at one concurrency, what they cost, and the proof that they were real ones."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import quantiles

from bench import load, machine
from bench.subject import Kind, Login, Subject, Up

SOLO, CROWD = 1, 32
"""The two concurrencies."""
SAMPLES = 3
"""How many logins of a cell are proven."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One kind of login at one concurrency in one round. CPU in ms for one login, latencies in ms."""

    subject: str
    kind: str
    concurrency: int
    logins: int
    per_second: float
    cpu_ms: float
    database_cpu_ms: float | None
    """What the database's own processes used besides, where it has some."""
    p50_ms: float
    p99_ms: float
    client_cpu_ms: float
    others_percent: float
    """CPU that none of them used, while this was measured; 100 is one core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Used:
    """Seconds of CPU so far: the server, its database, this process, the whole machine."""

    server: float
    database: float
    client: float
    everything: float


def measure(subject: Subject, up: Up, kind: Kind, concurrency: int, count: int, people: Iterator[int]) -> Cell:
    """Logins of one kind. Each part is prepared (responses signed, forms written) before its clock starts."""
    logins = [Login(person=next(people)) for _ in range(count)]
    latencies = [0.0] * count
    seconds = server = database = client = everything = 0.0
    for part in kind.parts:
        scripts = [part(login) for login in logins]
        before = _used(up)
        timing = load.run(scripts, port=subject.port, concurrency=concurrency)
        after = _used(up)
        server += after.server - before.server
        database += after.database - before.database
        client += after.client - before.client
        everything += after.everything - before.everything
        seconds += timing.seconds
        latencies = [sum(pair) for pair in zip(latencies, timing.latencies, strict=True)]
    prove(subject, kind, logins)
    p50, p99 = percentiles(latencies)
    return Cell(
        subject=subject.name,
        kind=kind.name,
        concurrency=concurrency,
        logins=count,
        per_second=count / seconds,
        cpu_ms=server / count * 1000,
        database_cpu_ms=None if up.database_pid is None else database / count * 1000,
        p50_ms=p50 * 1000,
        p99_ms=p99 * 1000,
        client_cpu_ms=client / count * 1000,
        others_percent=max(0.0, everything - server - database - client) / seconds * 100,
    )


def prove(subject: Subject, kind: Kind, logins: list[Login]) -> None:
    """Looks behind some of the logins, the first and the last among them."""
    apart = max(1, (len(logins) - 1) // (SAMPLES - 1))
    for login in logins[::apart]:
        load.ask(kind.prove(login), port=subject.port)


def percentiles(values: list[float]) -> tuple[float, float]:
    """The median, and what 99 of 100 do not exceed."""
    centiles = quantiles(values, n=100)
    return centiles[49], centiles[98]


def _used(up: Up) -> _Used:
    return _Used(
        server=machine.cpu_of(up.pid),
        database=0.0 if up.database_pid is None else machine.cpu_of(up.database_pid),
        client=time.process_time(),
        everything=machine.busy(),
    )
