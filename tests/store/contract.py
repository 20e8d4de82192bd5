"""What every engine promises: a test a promise, run once for each engine by a subclass that brings an `engine` fixture."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.store.contract_logins import (
    ArrivalsContract,
    AssertionsContract,
    OutcomesContract,
    PendingLoginsContract,
    RehearsalsContract,
)
from tests.store.contract_people import CodesContract, PeopleContract, SessionsContract, TokensContract
from tests.store.contract_standing import (
    ConfiguredContract,
    EventsContract,
    KeepContract,
    KeysContract,
    SweepContract,
)
from tests.store.promises import Engine
from tests.store.races import RACES, RUNNERS, judge, run_in_one_loop

from vestibule.store.port import Store


class RaceContract:
    """Once is once: among tasks of one loop, and among threads, each with its own loop and (where it can) engine."""

    @pytest.mark.parametrize("name", RACES)
    def test_of_several_tasks_one_wins(self, engine: Engine, name: str) -> None:
        """In one event loop exactly one of several callers wins, and only its records are kept."""

        async def whole() -> None:
            store = engine()
            await store.open()
            await run_in_one_loop(store, name)
            await store.close()

        asyncio.run(whole())

    @pytest.mark.parametrize("name", RACES)
    def test_of_several_threads_one_wins(self, engine: Engine, name: str) -> None:
        """On several threads exactly one of several callers wins, and only its records are kept."""
        race = RACES[name]
        heats = [f"{name}-{number}" for number in range(race.heats)]
        at_the_line = threading.Barrier(RUNNERS, timeout=60)

        async def alone(work: Callable[[Store], Awaitable[Any]]) -> Any:
            store = engine()
            await store.open()
            try:
                return await work(store)
            finally:
                await store.close()

        async def prepare(store: Store) -> None:
            for heat in heats:
                await race.prepare(store, heat)

        async def compete(store: Store, runner: int) -> list[bool]:
            won = []
            for heat in heats:
                at_the_line.wait()
                won.append(await race.run(store, heat, runner))
            return won

        def enter(runner: int) -> list[bool]:
            won: list[bool] = asyncio.run(alone(lambda store: compete(store, runner)))
            return won

        async def judge_all(store: Store) -> None:
            for heat, won in zip(heats, zip(*results, strict=True), strict=True):
                await judge(store, race, heat, list(won))

        asyncio.run(alone(prepare))
        with ThreadPoolExecutor(RUNNERS) as threads:
            runs = [threads.submit(enter, runner) for runner in range(RUNNERS)]
            results = [run.result() for run in runs]
        asyncio.run(alone(judge_all))


class StoreContract(
    AssertionsContract,
    PendingLoginsContract,
    ArrivalsContract,
    OutcomesContract,
    RehearsalsContract,
    PeopleContract,
    SessionsContract,
    CodesContract,
    TokensContract,
    ConfiguredContract,
    KeysContract,
    EventsContract,
    KeepContract,
    SweepContract,
    RaceContract,
):
    """The whole contract. Its parts share one namespace, so that no promise may have another's name."""

    def test_no_promise_hides_another(self) -> None:
        """Every promise of every part is run."""
        names = [name for part in StoreContract.__bases__ for name in vars(part) if name.startswith("test_")]
        assert len(names) == len(set(names))
