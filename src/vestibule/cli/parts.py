"""What the command line needs from the rest of the house: the entry point supplies it, so that no door chooses parts."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from vestibule.flows.configuration import Configuring
from vestibule.flows.inspect import Inspecting
from vestibule.flows.rehearse import Rehearsing
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.keys.keyring import Keyring
from vestibule.settings.process import Settings
from vestibule.store.port import Store


class House(Protocol):
    """An open house: a store that is open, keys that are unsealed, and the flows that operators use."""

    @property
    def store(self) -> Store: ...

    @property
    def keyring(self) -> Keyring: ...

    @property
    def configuring(self) -> Configuring: ...

    @property
    def rehearsing(self) -> Rehearsing: ...

    @property
    def inspecting(self) -> Inspecting: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def entropy(self) -> Entropy: ...

    @property
    def settings(self) -> Settings: ...


class OpenHouse(Protocol):
    """Opens the house for one command, and closes it behind the command."""

    def __call__(self, settings: Settings) -> AbstractAsyncContextManager[House]: ...


class RunServer(Protocol):
    """Serves until it is told to stop. The configuration file, if any, has been applied before.

    `announce` is called once the port is taken and the store is known to open. Raises `Refused` where either fails.
    """

    def __call__(self, settings: Settings, *, announce: Callable[[], None]) -> None: ...


class RunDemo(Protocol):
    """Runs the tour until it is told to stop. `directory` None = a temporary one, thrown away at the end."""

    def __call__(self, *, host: str, port_base: int, directory: Path | None) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The callables that `__main__` hands to `cli.main.build`."""

    load_settings: Callable[[], Settings]
    open_house: OpenHouse
    run_server: RunServer
    run_demo: RunDemo
