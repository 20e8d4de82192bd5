"""The rounds: every kind of login at every concurrency, the floor and the client's ceiling, one after another, several times."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import quantiles

import yaml

from bench import floor, load, machine, server
from bench.load import Script
from bench.logins import DIRECT, KINDS, Kind, Login, Scene, check, configuration
from bench.responses import IdentityProvider, form

PEOPLE = 500
"""How many people sign in, again and again; the warm-up has met them all."""
WARM = 300
SOLO, CROWD = 1, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured: logins in a cell at concurrency 1 and 32, rounds, and the time after which no round begins."""

    solo: int = 400
    crowd: int = 2000
    rounds: int = 3
    seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One kind of login at one concurrency in one round. CPU in ms for one login, latencies in ms."""

    kind: str
    concurrency: int
    logins: int
    per_second: float
    cpu_ms: float
    p50_ms: float
    p99_ms: float
    client_cpu_ms: float
    others_percent: float
    """CPU that neither server nor client used, while this was measured; 100 is one core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a run found: cells and floor parts in the order of the rounds, and what they were measured with."""

    cells: tuple[Cell, ...]
    floor: tuple[dict[str, float], ...]
    ceiling: tuple[float, ...]
    rounds: int
    response_bytes: int
    form_bytes: int
    memory_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The servers, up and waiting; each is idle while another is measured."""

    scene: Scene
    directory: Path
    cores: machine.Cores
    pid: int
    port: int
    bare_pid: int
    bare_port: int
    canned_port: int
    people: Iterator[int]


def measure(plan: Plan, directory: Path, cores: machine.Cores, tell: Callable[[str], None]) -> Measured:
    """The whole run. `tell` hears of its progress."""
    port, bare_port, canned_port = server.free_port(), server.free_port(), server.free_port()
    scene = Scene(issuer=f"http://127.0.0.1:{port}/", idp=IdentityProvider(f"http://127.0.0.1:{port}/"))
    (directory / "bench.yaml").write_text(yaml.safe_dump(configuration(scene.idp)))
    with ExitStack() as stack:
        stack.enter_context(machine.on_core(cores.client))
        house = House(
            scene=scene,
            directory=directory,
            cores=cores,
            pid=stack.enter_context(server.vestibule_server(directory, port, core=cores.server)),
            port=port,
            bare_pid=stack.enter_context(server.bare_server(directory, bare_port, core=cores.server)),
            bare_port=bare_port,
            canned_port=canned_port,
            people=_people(),
        )
        stack.enter_context(server.canned_server(directory, canned_port, core=cores.server))
        return _rounds(plan, house, tell)


def _rounds(plan: Plan, house: House, tell: Callable[[str], None]) -> Measured:
    began = time.monotonic()
    for kind in KINDS:
        tell(f"warming up: {kind.name}")
        _cell(kind, CROWD, max(WARM, PEOPLE), house)
        _prove(kind, house)
    cells: list[Cell] = []
    floors: list[dict[str, float]] = []
    ceilings: list[float] = []
    done = 0
    while done < plan.rounds and (not done or time.monotonic() - began < plan.seconds):
        done += 1
        tell(f"round {done} of {plan.rounds}")
        # Every other round runs backwards, so that a machine that slows down or speeds up favours nobody.
        for kind in KINDS if done % 2 else reversed(KINDS):
            cells.append(_cell(kind, SOLO, plan.solo, house))
            cells.append(_cell(kind, CROWD, plan.crowd, house))
        floors.append(_floor(plan, house))
        ceilings.append(_ceiling(plan, house))
    response = house.scene.idp.response(1, connection=DIRECT)
    return Measured(
        cells=tuple(cells),
        floor=tuple(floors),
        ceiling=tuple(ceilings),
        rounds=done,
        response_bytes=len(response),
        form_bytes=len(form(response, None)),
        memory_mb=machine.memory_of(house.pid),
    )


def _cell(kind: Kind, concurrency: int, count: int, house: House) -> Cell:
    """Logins of one kind. Each part is prepared (responses signed, forms written) before its clock starts."""
    logins = [Login(person=next(house.people)) for _ in range(count)]
    latencies = [0.0] * count
    seconds = cpu = client = everything = 0.0
    for part in kind.parts:
        scripts = [part(house.scene, login) for login in logins]
        server_before, client_before, all_before = machine.cpu_of(house.pid), time.process_time(), machine.busy()
        timing = load.run(scripts, port=house.port, concurrency=concurrency)
        cpu += machine.cpu_of(house.pid) - server_before
        client += time.process_time() - client_before
        everything += machine.busy() - all_before
        seconds += timing.seconds
        latencies = [sum(pair) for pair in zip(latencies, timing.latencies, strict=True)]
    centiles = quantiles(latencies, n=100)
    return Cell(
        kind=kind.name,
        concurrency=concurrency,
        logins=count,
        per_second=count / seconds,
        cpu_ms=cpu / count * 1000,
        p50_ms=centiles[49] * 1000,
        p99_ms=centiles[98] * 1000,
        client_cpu_ms=client / count * 1000,
        others_percent=max(0.0, everything - cpu - client) / seconds * 100,
    )


def _prove(kind: Kind, house: House) -> None:
    """One login whose ID token is verified with the keys that the server publishes."""
    login = Login(person=next(house.people))
    for part in kind.parts:
        load.run([part(house.scene, login)], port=house.port, concurrency=1)
    keys: list[bytes] = []

    def fetch() -> Script:
        answer = yield house.scene.get(Login(person=0), f"{house.scene.issuer}.well-known/jwks.json")
        keys.append(answer.body)

    load.run([fetch()], port=house.port, concurrency=1)
    check(login, house.scene, keys[0])


def _floor(plan: Plan, house: House) -> dict[str, float]:
    with machine.on_core(house.cores.server):
        computed = floor.computed(house.scene, house.directory)
    return computed | floor.served(house.scene, house.bare_pid, house.bare_port, max(2000, plan.crowd * 2))


def _ceiling(plan: Plan, house: House) -> float:
    """Direct logins a second that the client can play against a server that answers from a can."""
    scene = replace(house.scene, issuer=f"http://127.0.0.1:{house.canned_port}/")
    posted = scene.acs(Login(person=0), DIRECT, form(scene.idp.response(0, connection=DIRECT), None))

    def part(login: Login) -> Script:
        login.at = (yield posted).location()
        answer = yield scene.token(login)
        login.tokens = answer.body

    scripts = [part(Login(person=0)) for _ in range(plan.crowd * 2)]
    return len(scripts) / load.run(scripts, port=house.canned_port, concurrency=CROWD).seconds


def _people() -> Iterator[int]:
    while True:
        yield from range(PEOPLE)
