"""The rounds: every subject's every kind of login at both concurrencies, the floor, the client's ceiling; several times."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import cells, floor, load, machine, server
from bench.cells import CROWD, SOLO, Cell
from bench.load import Script
from bench.ours import CLIENT, DIRECT, PEOPLE, Scene
from bench.responses import IdentityProvider, form
from bench.subject import Kind, Login, Site, Subject, Up, redeem

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured: at most so many logins in a cell at concurrency 1 and 32, and at most so many as take
    `cell` seconds; rounds; the time after which no round begins; how often each server is started."""

    solo: int = 300
    crowd: int = 1500
    cell: float = 6.0
    rounds: int = 3
    seconds: float = 1200.0
    starts: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What else is known of a subject: its start times, the CPU seconds of the last, and its memory after that many logins."""

    subject: str
    version: str
    keeps: str
    start_seconds: tuple[float, ...]
    start_cpu: float
    logins: int
    memory_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a run found: cells and floor parts in the order of the rounds, and what they were measured with."""

    cells: tuple[Cell, ...]
    subjects: tuple[Seen, ...]
    floor: tuple[dict[str, float], ...]
    ceiling: tuple[float, ...]
    rounds: int
    response_bytes: int
    form_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """A subject, up and waiting: idle while another is measured. `paces`: logins a second by kind, as the warm-up saw."""

    subject: Subject
    up: Up
    starts: tuple[float, ...]
    paces: dict[str, float]
    taken: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottom:
    """What the floor and the ceiling need."""

    idp: IdentityProvider
    directory: Path
    cores: machine.Cores
    bare: Up
    bare_port: int
    canned_port: int


def measure(
    plan: Plan, subjects: Sequence[Subject], idp: IdentityProvider, directory: Path, cores: machine.Cores, tell: Tell
) -> Measured:
    """The whole run. `tell` hears of its progress."""
    bare_port, canned_port = server.free_port(), server.free_port()
    with ExitStack() as stack:
        stack.enter_context(machine.on_core(cores.client))
        runners = [_start(plan, subject, cores.server, stack, tell) for subject in subjects]
        bottom = Bottom(
            idp=idp,
            directory=directory,
            cores=cores,
            bare=stack.enter_context(server.bare(directory, bare_port, core=cores.server)),
            bare_port=bare_port,
            canned_port=canned_port,
        )
        stack.enter_context(server.canned(directory, canned_port, core=cores.server))
        return _rounds(plan, runners, bottom, tell)


def _start(plan: Plan, subject: Subject, core: int, stack: ExitStack, tell: Tell) -> Runner:
    """Starts it as often as planned; the last stays."""
    tell(f"starting {subject.name}")
    starts: list[float] = []
    for _ in range(plan.starts - 1):
        with subject.serve(core) as up:
            starts.append(up.start_seconds)
    up = stack.enter_context(subject.serve(core))
    return Runner(subject=subject, up=up, starts=(*starts, up.start_seconds), paces={}, taken=[0])


def _rounds(plan: Plan, runners: Sequence[Runner], bottom: Bottom, tell: Tell) -> Measured:
    began = time.monotonic()
    numbers = people()
    for runner in runners:
        for check in runner.subject.checks:
            load.ask(check(), port=runner.subject.port)
        for kind in runner.subject.kinds:
            tell(f"warming up: {runner.subject.name}, {kind.name}")
            runner.paces[kind.name] = _cell(runner, kind, CROWD, kind.warm, numbers).per_second
    pairs = [(runner, kind) for runner in runners for kind in runner.subject.kinds]
    found: list[Cell] = []
    floors: list[dict[str, float]] = []
    ceilings: list[float] = []
    done = 0
    while done < plan.rounds and (not done or time.monotonic() - began < plan.seconds):
        done += 1
        tell(f"round {done} of {plan.rounds}")
        # Every other round runs backwards, so that a machine that slows down or speeds up favours nobody.
        for runner, kind in pairs if done % 2 else reversed(pairs):
            most = int(runner.paces[kind.name] * plan.cell)
            found.append(_cell(runner, kind, SOLO, min(plan.solo, max(20, most)), numbers))
            found.append(_cell(runner, kind, CROWD, min(plan.crowd, max(CROWD * 2, most)), numbers))
        floors.append(_floor(plan, bottom))
        ceilings.append(_ceiling(plan, bottom))
    sample = bottom.idp.response(
        1, acs=f"http://{Site(port=8000).host}/login/callback?connection={DIRECT}", audience="a"
    )
    return Measured(
        cells=tuple(found),
        subjects=tuple(_seen(runner) for runner in runners),
        floor=tuple(floors),
        ceiling=tuple(ceilings),
        rounds=done,
        response_bytes=len(sample),
        form_bytes=len(form(sample, None)),
    )


def _cell(runner: Runner, kind: Kind, concurrency: int, count: int, numbers: Iterator[int]) -> Cell:
    runner.taken[0] += count
    return cells.measure(runner.subject, runner.up, kind, concurrency, count, numbers)


def _seen(runner: Runner) -> Seen:
    return Seen(
        subject=runner.subject.name,
        version=runner.subject.version,
        keeps=runner.subject.keeps,
        start_seconds=runner.starts,
        start_cpu=runner.up.start_cpu,
        logins=runner.taken[0],
        memory_mb=machine.memory_of(runner.up.pid),
    )


def start_seconds(seen: Seen) -> float:
    return median(seen.start_seconds)


def _floor(plan: Plan, bottom: Bottom) -> dict[str, float]:
    with machine.on_core(bottom.cores.server):
        computed = floor.computed(bottom.idp, bottom.directory)
    scene = Scene(site=Site(port=bottom.bare_port), idp=bottom.idp)
    return computed | floor.served(scene, bottom.bare.pid, max(2000, plan.crowd * 2))


def _ceiling(plan: Plan, bottom: Bottom) -> float:
    """Direct logins a second that the client can play against a server that answers from a can."""
    scene = Scene(site=Site(port=bottom.canned_port), idp=bottom.idp)
    posted = scene.posted(Login(person=0), DIRECT)

    def part(login: Login) -> Script:
        login.at = (yield posted).location()
        yield from redeem(scene.site, login, "/oauth/token", CLIENT)

    scripts = [part(Login(person=0)) for _ in range(plan.crowd * 2)]
    return len(scripts) / load.run(scripts, port=bottom.canned_port, concurrency=CROWD).seconds


def people(count: int = PEOPLE) -> Iterator[int]:
    """The same people, one after the other, without end."""
    return itertools.cycle(range(count))
