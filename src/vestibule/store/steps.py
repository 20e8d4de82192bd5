"""How a transaction is written down once and run by any engine: steps that ask for SQL and are given rows.

A step function is a generator. It yields a statement of `vestibule.store.statements` with its parameters, is sent the
rows that came of it, and returns its result. The engine decides how statements reach the database, awaits
or blocks, and may run the steps again from the start after a failure: they have no other effects.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Statement = tuple[str, tuple[Any, ...]]
Rows = Sequence[Sequence[Any]]
Steps = Generator[Statement, Rows, T]


class Undone(Exception):
    """Raised by steps that changed something and then lost: the engine undoes the changes and returns `value`."""

    def __init__(self, value: object) -> None:
        self.value = value


class Engine(Protocol):
    """What a database must do for the nouns. Both raise `StoreUnavailable` where it cannot."""

    async def read(self, steps: Callable[[], Steps[T]]) -> T:
        """Runs steps that change nothing."""
        ...

    async def write(self, steps: Callable[[], Steps[T]]) -> T:
        """Runs the steps in one transaction, alone in the order of writes; returns when it is durable.

        A unique key that is there already raises `AlreadyKept`. Whatever is raised, nothing was changed.
        """
        ...
