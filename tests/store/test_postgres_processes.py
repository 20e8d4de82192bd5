"""PostgreSQL among processes: once is once, an empty database is opened by many, and what was acknowledged survives every kill."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
from tests.postgres import Server, name_of, required, running
from tests.store import nouns
from tests.store.processes import end, line, start
from tests.store.races import RACES, RUNNERS, judge

from vestibule.store.postgres import PostgresStore

Processes = list["subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def runners(postgres: Server) -> Iterator[tuple[str, Processes]]:
    """Processes that were started together on a database that was empty."""
    url = postgres.database()
    processes = [start("tests.store.runner", url, str(number)) for number in range(RUNNERS)]
    assert [line(process) for process in processes] == ["ready"] * RUNNERS
    yield url, processes
    for process in processes:
        end(process)
    postgres.drop(url)


class TestProcesses:
    def test_several_open_an_empty_database(self, postgres: Server, runners: tuple[str, Processes]) -> None:
        """Nodes that start together on an empty database all find it complete, and the migration ran once."""
        url, _ = runners
        assert len(postgres.sql("SELECT version_num FROM alembic_version", database=name_of(url))) == 1
        made = "SELECT count(*) FROM pg_class WHERE relname = 'events'"
        assert postgres.sql(made, database=name_of(url)) == ["1"]

    @pytest.mark.parametrize("name", RACES)
    def test_of_several_processes_one_wins(self, runners: tuple[str, Processes], name: str) -> None:
        """Of several processes that try at one moment exactly one wins, and only its records are kept."""
        url, processes = runners
        race = RACES[name]

        async def whole() -> None:
            store = PostgresStore(url)
            await store.open()
            for number in range(race.heats):
                heat = f"{name}-{number}"
                await race.prepare(store, heat)
                for process in processes:
                    assert process.stdin is not None
                    process.stdin.write(f"{name} {heat} {time.monotonic() + 0.005}\n")
                    process.stdin.flush()
                await judge(store, race, heat, [line(process) == "True" for process in processes])
            await store.close()

        asyncio.run(whole())


@pytest.mark.parametrize("victim", ["node", "server"])
def test_a_kill_loses_nothing_that_was_acknowledged(victim: str) -> None:
    """Whether a node or every process of the server is killed: each claim that was acknowledged is there, and is claimed."""
    required()
    with running() as server:
        url = server.database()
        process = start("tests.store.claimer", url)
        acknowledged = [line(process) for _ in range(300)]
        if victim == "server":
            server.kill()
            server.start()
        process.send_signal(signal.SIGKILL)
        assert process.stdout is not None
        acknowledged += [row for row in process.stdout.read().split("\n")[:-1] if row]
        end(process)
        kept = server.sql("SELECT assertion_id FROM assertions", database=name_of(url))
        events = server.sql("SELECT id FROM events", database=name_of(url))

        async def whole() -> list[bool]:
            store = PostgresStore(url)
            await store.open()
            again = [await store.assertions.claim(nouns.claim(assertion_id=id)) for id in acknowledged]
            await store.close()
            return again

        assert set(kept) >= set(acknowledged)
        assert len(kept) == len(events), "a claim was kept without its event, or an event without its claim"
        assert not any(asyncio.run(whole()))
