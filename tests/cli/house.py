"""A house on a memory store, and the command line built on it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner, Result
from tests.doubles import FixedClock
from tests.flows.configuring import SECRET, Bench

from vestibule.cli.main import build
from vestibule.cli.parts import Parts
from vestibule.downstream.lifetimes import Lifetimes
from vestibule.flows.answering import Answering
from vestibule.flows.configuration import Configuring
from vestibule.flows.inspect import Inspecting
from vestibule.flows.rehearse import Rehearsing
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.keys.keyring import Keyring
from vestibule.settings.process import Settings
from vestibule.store.port import Store

ISSUER = "https://login.example/"


@dataclass(frozen=True)
class MemoryHouse:
    store: Store
    keyring: Keyring
    configuring: Configuring
    rehearsing: Rehearsing
    inspecting: Inspecting
    clock: Clock
    entropy: Entropy
    settings: Settings


@dataclass
class CommandLine:
    """Runs commands; remembers what was served and shown."""

    directory: Path
    settings: Settings = field(default_factory=lambda: Settings(issuer=ISSUER))
    served: list[Settings] = field(default_factory=list)
    refuses_to_serve: Refused | None = None
    with_keys: bool = False
    demos: list[tuple[str, int, Path | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bench = Bench(self.directory)
        self.clock = FixedClock()
        store, entropy = self.bench.store, self.bench.entropy
        keyring = Keyring(store=store, clock=self.clock, entropy=entropy, master_key=bytes(32))
        answering = Answering(
            store=store, keyring=keyring, clock=self.clock, entropy=entropy, issuer=ISSUER, lifetimes=Lifetimes()
        )
        self.house = MemoryHouse(
            store=store,
            keyring=keyring,
            configuring=Configuring(
                store=store, clock=self.clock, entropy=entropy, fetch=self.bench.web, issuer=ISSUER
            ),
            rehearsing=Rehearsing(store=store, clock=self.clock, entropy=entropy, issuer=ISSUER),
            inspecting=Inspecting(
                store=store,
                keyring=keyring,
                entropy=entropy,
                issuer=ISSUER,
                host="login.example",
                answering=answering,
            ),
            clock=self.clock,
            entropy=entropy,
            settings=self.settings,
        )

    @asynccontextmanager
    async def open(self, settings: Settings) -> AsyncIterator[MemoryHouse]:
        if self.with_keys:  # making RSA keys takes a second, and most commands ask for none
            await self.house.keyring.prepare()
        yield self.house

    def load(self) -> Settings:
        return self.settings

    def demo(self, *, host: str, port_base: int, directory: Path | None) -> None:
        self.demos.append((host, port_base, directory))

    def serve(self, settings: Settings, *, announce: Callable[[], None]) -> None:
        if self.refuses_to_serve is not None:
            raise self.refuses_to_serve
        announce()
        self.served.append(settings)

    def run(self, *arguments: str) -> Result:
        group = build(Parts(load_settings=self.load, open_house=self.open, run_server=self.serve, run_demo=self.demo))
        return CliRunner().invoke(group, list(arguments), env={"CRM_SECRET": SECRET})

    def file(self, text: str) -> str:
        path = self.directory / "vestibule.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)
