"""How a transaction is written down once and run by any engine: steps that ask for SQL and are given rows.

A step function is a generator. It yields a statement of `vestibule.store.statements` with its parameters, is sent the
rows that came of it, and returns its result. The engine decides how statements reach the database, awaits
or blocks, and may run the steps again from the start after a failure: they have no other effects.

Where rows are not looked at, or what comes next hangs on nothing but whether there were any, steps say so by one of
the shapes below, and an engine across a network has fewer answers to wait for.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Statement = tuple[str, tuple[Any, ...]]
Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Unread:
    """Statements of a write whose rows nobody looks at. Sent back: nothing; they may be run with what comes later."""

    statements: Sequence[Statement]


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of a write. Each statement of `chain` is run only if the one before it gave rows, and `then`, whose
    rows nobody looks at, if the last one did. Sent back: the rows of each of `chain`, none for those not run.

    Steps ask for nothing after it and change nothing by raising: what it did is kept.
    """

    chain: Sequence[Statement]
    then: Sequence[Statement] = ()


@dataclass(frozen=True, slots=True)
class Together:
    """Statements of a read that do not hang on one another. Sent back: the rows of each."""

    statements: Sequence[Statement]


@dataclass(frozen=True, slots=True)
class Alone:
    """From here to the end of the write, no other that asks for one of these names is between its own asking and its end.

    What others kept before is seen by the statements that follow. For an engine whose writers take turns it says nothing.
    Asked for once in a write.
    """

    names: Sequence[str]


Asked = Statement | Unread | Finish | Together | Alone
Steps = Generator[Asked, Any, T]


class Undone(Exception):
    """Raised by steps that changed something and then lost: the engine undoes the changes and returns `value`."""

    def __init__(self, value: object) -> None:
        self.value = value


def answered(asked: Asked, ask: Callable[[str, tuple[Any, ...]], Rows]) -> Any:
    """What is sent back for a shape, by an engine that runs one statement after another and whose writers take turns."""
    if isinstance(asked, Unread):
        for statement in asked.statements:
            ask(*statement)
        return None
    if isinstance(asked, Together):
        return [ask(*statement) for statement in asked.statements]
    if isinstance(asked, Finish):
        came: list[Rows] = [() for _ in asked.chain]
        for place, statement in enumerate(asked.chain):
            came[place] = ask(*statement)
            if not came[place]:
                return came
        for statement in asked.then:
            ask(*statement)
        return came
    if isinstance(asked, Alone):
        return None
    return ask(*asked)


class Engine(Protocol):
    """What a database must do for the nouns. Both raise `StoreUnavailable` where it cannot."""

    async def read(self, steps: Callable[[], Steps[T]]) -> T:
        """Runs steps that change nothing."""
        ...

    async def write(self, steps: Callable[[], Steps[T]], *, patience: float | None = None) -> T:
        """Runs the steps in one transaction; returns when it is durable.

        `patience`: seconds that it may take, where that is more than a login would wait.

        Each statement sees what was kept before it ran, and of several that would change one row each looks at the row
        that the one before it left. A unique key that is there already raises `AlreadyKept`. Whatever is raised,
        nothing was changed; but for `StoreUnavailable` where the answer to a commit was lost, which then says so.
        """
        ...
