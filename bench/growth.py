"""Growth: the same login over databases that hold little and much, side by side; its cost should not tell which."""

import json
import random
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from statistics import median

from bench import asking, cells, databases, machine, ours, server
from bench.cells import CROWD, Cell
from bench.filling import Size, entity_id, fill, name
from bench.load import Script
from bench.ours import CLIENT, Scene
from bench.responses import IdentityProvider
from bench.subject import Kind, Login, Site, Subject, Up

KEYS = 50
"""So many signing keys are shared by all connections."""
WITHIN = 0.10
"""How far from the base a cost may be and count as the same."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much there is of each thing in the largest databases, and how much is measured."""

    connections: tuple[int, ...] = (1_000, 100_000)
    people: int = 1_000_000
    sessions: int = 1_000_000
    crowd: int = 1_500
    rounds: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One database, and how logins are spread over its people (and so over its connections)."""

    says: str
    size: Size
    kinds: tuple[str, ...]
    zipf: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowded(Scene):
    """A server with many connections; person number n signs in through connection number n modulo their number."""

    idps: tuple[IdentityProvider, ...]
    connections: int

    def trusted(self, connection: str) -> tuple[IdentityProvider, str]:
        number = int(connection.rpartition("-")[2])
        return self.idps[number % len(self.idps)], entity_id(number)

    def of(self, login: Login) -> str:
        return name(login.person % self.connections)

    def accept(self, login: Login) -> Script:
        return self.direct(login, self.of(login), CLIENT)

    def asks(self, login: Login) -> Script:
        return self.ask(login, self.of(login))

    def comes_back(self, login: Login) -> Script:
        return self.answered(login, self.of(login))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A database that was filled, and the server over it."""

    database: str
    subject: Subject
    up: Up


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """What one variant came to on one engine: its cells by kind, and its server's start and memory."""

    engine: str
    says: str
    cells: dict[str, list[Cell]]
    start_seconds: float
    memory_mb: float
    people_added: int
    """Must be 0: everybody who signs in was filled in, or a login would cost more than it should."""


def variants(plan: Plan) -> tuple[Variant, ...]:
    base = Size(connections=10, people=10)
    both = (ours.ACCEPT, ours.SOLICITED)
    found = [Variant(says="10 connections, one person each", size=base, kinds=both)]
    for count in plan.connections:
        size = Size(connections=count, people=count)
        found.append(Variant(says=f"{count:,} connections, evenly", size=size, kinds=(ours.ACCEPT,)))
    size = Size(connections=plan.connections[-1], people=plan.connections[-1])
    found.append(Variant(says=f"{size.connections:,} connections, Zipf", size=size, kinds=(ours.ACCEPT,), zipf=True))
    size = Size(connections=10, people=plan.people)
    found.append(Variant(says=f"{plan.people:,} people, evenly", size=size, kinds=(ours.ACCEPT,)))
    size = Size(connections=10, people=10, sessions=plan.sessions)
    found.append(Variant(says=f"{plan.sessions:,} live sessions", size=size, kinds=both))
    return tuple(found)


def run(directory: Path, plan: Plan, engines: tuple[str, ...], tell: Tell) -> tuple[Grown, ...]:
    """Fills a database for each variant, starts a server over each, and measures them in turn, engine by engine."""
    cores = machine.cores()
    found: list[Grown] = []
    with machine.on_core(cores.client):
        for engine in engines:
            with ExitStack() as stack:
                try:
                    postgres = (
                        stack.enter_context(databases.running(cores.client)) if engine == ours.ON_POSTGRES else None
                    )
                except databases.Missing as why:
                    tell(f"MISSING: PostgreSQL: {why}")
                    continue
                filler = _Filler(engine, directory, postgres, cores.server, stack, tell)
                filled = [(variant, filler.filled(variant.size)) for variant in variants(plan)]
                found.extend(_measure(plan, engine, filled, tell))
    return tuple(found)


class _Filler:
    """Databases and servers, one for each size: variants of one size share them."""

    def __init__(
        self, engine: str, directory: Path, postgres: databases.Postgres | None, core: int, stack: ExitStack, tell: Tell
    ) -> None:
        self._engine, self._directory, self._postgres = engine, directory, postgres
        self._core, self._stack, self._tell = core, stack, tell
        self._idps = tuple(IdentityProvider() for _ in range(KEYS))
        self._known: dict[Size, Filled] = {}

    def filled(self, size: Size) -> Filled:
        if size not in self._known:
            self._known[size] = self._fill(size)
        return self._known[size]

    def _fill(self, size: Size) -> Filled:
        self._tell(
            f"{self._engine}: filling in {size.connections:,} connections, {size.people:,} people, "
            f"{size.sessions:,} sessions"
        )
        port = server.free_port()
        home = self._directory / f"growth-{port}"
        home.mkdir()
        database, pid = str(home / "growth.db"), None
        if self._postgres is not None:
            database, pid = self._postgres.database(), self._postgres.pid
        fill(size, server.settings(port, database), home, self._idps)
        serving = server.vestibule(home, port, core=self._core, database=database, database_pid=pid)
        scene = Crowded(site=Site(port=port), idp=self._idps[0], idps=self._idps, connections=size.connections)
        subject = Subject(
            name=self._engine, version="", keeps="", port=port, kinds=_kinds(scene), serve=lambda core: serving
        )
        return Filled(database=database, subject=subject, up=self._stack.enter_context(serving))


def _kinds(scene: Crowded) -> tuple[Kind, ...]:
    def prove(login: Login) -> Script:
        return scene.proven(login, CLIENT, "RS256")

    solicited = (scene.asks, scene.comes_back)
    return (
        Kind(name=ours.ACCEPT, says="", requests=2, signs="RS256", parts=(scene.accept,), prove=prove),
        Kind(name=ours.SOLICITED, says="", requests=4, signs="RS256", parts=solicited, prove=prove),
    )


def _measure(plan: Plan, engine: str, found: Sequence[tuple[Variant, Filled]], tell: Tell) -> Iterator[Grown]:
    measured: list[dict[str, list[Cell]]] = [{kind: [] for kind in variant.kinds} for variant, _ in found]
    numbers = [draws(variant.size.people, zipf=variant.zipf) for variant, _ in found]
    for done in range(plan.rounds + 1):  # the first warms up
        tell(f"{engine}: round {done} of {plan.rounds}" if done else f"{engine}: warming up")
        order = range(len(found)) if done % 2 else reversed(range(len(found)))
        for which in order:
            variant, filled = found[which]
            for kind in filled.subject.kinds:
                if kind.name in variant.kinds:
                    cell = cells.measure(filled.subject, filled.up, kind, CROWD, plan.crowd, numbers[which])
                    if done:
                        measured[which][kind.name].append(cell)
    for which, (variant, filled) in enumerate(found):
        yield Grown(
            engine=engine,
            says=variant.says,
            cells=measured[which],
            start_seconds=filled.up.start_seconds,
            memory_mb=machine.memory_of(filled.up.pid),
            people_added=_people(filled.database) - variant.size.people,
        )


def _people(database: str) -> int:
    found = asking.value(database, "SELECT count(*) FROM people")
    return int(str(found))


def draws(count: int, *, zipf: bool, seed: int = 1) -> Iterator[int]:
    """Numbers below `count` without end, the same in every run: evenly, or each by one over its rank."""
    chance = random.Random(seed)
    if not zipf:
        while True:
            yield chance.randrange(count)
    sums = list(accumulate(1 / rank for rank in range(1, count + 1)))
    while True:
        yield min(count - 1, bisect(sums, chance.random() * sums[-1]))


def table(found: Sequence[Grown]) -> str:
    """The run as text: each variant beside the first of its engine."""
    lines = [
        f"{'':<34} {'':<14} {'logins/s':>16} {'CPU ms/login':>20} {'database':>8} {'of the base':>11} {'within 10 %':>11} "
        f"{'start s':>8} {'MiB':>6}"
    ]
    for engine in dict.fromkeys(one.engine for one in found):
        mine = [one for one in found if one.engine == engine]
        lines.append(engine)
        for one in mine:
            for kind, measured in one.cells.items():
                ratio = cost(measured) / cost(mine[0].cells[kind])
                database = [cell.database_cpu_ms for cell in measured if cell.database_cpu_ms is not None]
                verdict = "" if one is mine[0] else "yes" if ratio <= 1 + WITHIN else "no"
                lines.append(
                    f"  {one.says:<32} {kind:<14} {_spread([cell.per_second for cell in measured], 0):>16} "
                    f"{_spread([cell.cpu_ms for cell in measured], 2):>20} {f'{median(database):.2f}' if database else '':>8} "
                    f"{ratio:>11.2f} {verdict:>11} {one.start_seconds:>8.2f} {one.memory_mb:>6.0f}"
                )
    return "\n".join(lines)


def cost(measured: Sequence[Cell]) -> float:
    """CPU ms for a login, the server's and its database's: what the base is compared by."""
    return median(cell.cpu_ms + (cell.database_cpu_ms or 0.0) for cell in measured)


def as_json(found: Sequence[Grown]) -> str:
    return json.dumps([asdict(one) for one in found], indent=2) + "\n"


def _spread(values: list[float], digits: int) -> str:
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"
