"""Invalidation: a connection is disabled on one side of a database; how long until the last of three nodes refuses it."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import yaml

from bench import asking, databases, load, machine, ours, server
from bench.load import Failed, Script
from bench.ours import DIRECT, Scene
from bench.responses import IdentityProvider
from bench.subject import Login, Site
from vestibule.web.sentences import SENTENCES

NODES = 3
PAUSE = 0.02
"""Seconds between two looks, at the database and at the nodes."""
ENABLED = f"SELECT enabled FROM connections WHERE name = '{DIRECT}'"
GIVEN_UP = 30.0
WANT_SECONDS = 5.0
REFUSED = SENTENCES["connection.disabled"].title.encode()
"""The page that a person sees then, and no other."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """By repeat: seconds from when the database says that the connection is disabled until the last node has refused it."""

    engine: str
    seconds: tuple[float, ...]

    @property
    def reached(self) -> bool:
        return max(self.seconds) <= WANT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Nodes:
    scene: Scene
    ports: tuple[int, ...]
    directory: Path
    environment: dict[str, str]

    @property
    def database(self) -> str:
        return self.environment["VESTIBULE_DATABASE_URL"]


def run(directory: Path, repeats: int, engines: tuple[str, ...], tell: Tell) -> tuple[Noticed, ...]:
    """On each engine that this machine has of `engines`."""
    found: list[Noticed] = []
    for engine in engines:
        with ExitStack() as stack:
            database = str(directory / "invalidation.db")
            if engine == ours.ON_POSTGRES:
                try:
                    database = stack.enter_context(databases.running(machine.cores().client)).database()
                except databases.Missing as why:
                    tell(f"MISSING: PostgreSQL: {why}")
                    continue
            nodes = _start(directory, database, stack)
            found.append(_repeat(nodes, engine, repeats, tell))
    return tuple(found)


def _start(directory: Path, database: str, stack: ExitStack) -> _Nodes:
    """Three nodes of one issuer, the first one's address, over one database."""
    ports = tuple(server.free_port() for _ in range(NODES))
    environment = server.settings(ports[0], database)
    scene = Scene(site=Site(port=ports[0]), idp=IdentityProvider())
    for name, enabled in (("on", True), ("off", False)):
        document = ours.configuration(scene.idp)
        document["connections"][0]["enabled"] = enabled
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(document))
    server.apply(directory, environment, directory / "on.yaml")
    core = machine.cores().server
    for port in ports:
        settings = server.settings(port, database, issuer_port=ports[0])
        command = [sys.executable, "-m", "vestibule", "serve"]
        stack.enter_context(server.running(command, settings, directory, port, core=core))
    return _Nodes(scene=scene, ports=ports, directory=directory, environment=environment)


def _repeat(nodes: _Nodes, engine: str, repeats: int, tell: Tell) -> Noticed:
    seconds: list[float] = []
    _wait(nodes, accepting=True)
    for repeat in range(repeats):
        seconds.append(_change(nodes, "off.yaml", accepting=False))
        tell(f"{engine}: {repeat + 1} of {repeats}: refused everywhere after {seconds[-1]:.2f} s")
        _change(nodes, "on.yaml", accepting=True)
    return Noticed(engine=engine, seconds=tuple(seconds))


def _change(nodes: _Nodes, file: str, *, accepting: bool) -> float:
    """Applies a file in a process of its own; seconds from when it is in the database until every node answers so."""
    with ThreadPoolExecutor(1) as beside:
        applying = beside.submit(server.apply, nodes.directory, nodes.environment, nodes.directory / file)
        while asking.value(nodes.database, ENABLED) != int(accepting):
            if applying.done():
                applying.result()
            time.sleep(PAUSE)
        return _wait(nodes, accepting=accepting)


def _wait(nodes: _Nodes, *, accepting: bool) -> float:
    """Seconds from now until every node has answered so. A node that has is still asked: none may change its mind."""
    began = time.monotonic()
    while time.monotonic() - began < GIVEN_UP:
        if all(_accepts(nodes.scene, port) is accepting for port in nodes.ports):
            return time.monotonic() - began
        time.sleep(PAUSE)
    raise Failed(f"a node did not notice within {GIVEN_UP:.0f} s that the connection was changed")


def _accepts(scene: Scene, port: int) -> bool:
    """Whether a fresh response of the connection is answered with a code there; a refusal must say why."""
    found: list[bool] = []

    def look() -> Script:
        answer = yield scene.posted(Login(person=0), DIRECT)
        if answer.status != 303 and REFUSED not in answer.body:
            raise Failed(f"expected a code or a refusal, got {answer.status}: {answer.text()}")
        found.append(answer.status == 303)

    load.ask(look(), port=port)
    return found[0]


def table(found: Sequence[Noticed]) -> str:
    """The run as text."""
    head = f"A connection is disabled by `vestibule apply`: seconds until the last of {NODES} nodes refuses it"
    return "\n".join((head, *(_line(one) for one in found)))


def _line(one: Noticed) -> str:
    return (
        f"{one.engine}: median {median(one.seconds):.2f}, worst of {len(one.seconds)} {max(one.seconds):.2f}; "
        f"goal at most {WANT_SECONDS:g}: {'reached' if one.reached else 'not reached'}"
    )


def as_json(found: Sequence[Noticed]) -> str:
    return json.dumps([asdict(one) for one in found], indent=2) + "\n"
