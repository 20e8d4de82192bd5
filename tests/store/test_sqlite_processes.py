"""SQLite among processes: once is once, an empty file is opened by many, and what was acknowledged survives a kill."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.store import nouns
from tests.store.processes import end, line, start
from tests.store.races import RACES, RUNNERS, judge

from vestibule.store.port import AssertionClaim, StoreUnavailable
from vestibule.store.sqlite import SqliteStore


@pytest.fixture(scope="module")
def runners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list["subprocess.Popen[str]"]]]:
    """Processes that were started together on a file that was not there."""
    path = tmp_path_factory.mktemp("races") / "vestibule.db"
    processes = [start("tests.store.runner", str(path), str(number)) for number in range(RUNNERS)]
    assert [line(process) for process in processes] == ["ready"] * RUNNERS
    yield path, processes
    for process in processes:
        end(process)


class TestProcesses:
    def test_several_open_an_empty_file(self, runners: tuple[Path, list["subprocess.Popen[str]"]]) -> None:
        """Processes that open a file that is not there yet all find it complete, and the migration ran once."""
        path, _ = runners
        database = sqlite3.connect(path)
        assert database.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        database.close()

    @pytest.mark.parametrize("name", RACES)
    def test_of_several_processes_one_wins(
        self, runners: tuple[Path, list["subprocess.Popen[str]"]], name: str
    ) -> None:
        """Of several processes that try at one moment exactly one wins, and only its records are kept."""
        path, processes = runners
        race = RACES[name]

        async def whole() -> None:
            store = SqliteStore(path)
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


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    """A process that is killed while it writes leaves a whole file with every claim that it had acknowledged."""
    path = tmp_path / "vestibule.db"
    process = start("tests.store.claimer", str(path))
    acknowledged = [line(process) for _ in range(500)]
    process.send_signal(signal.SIGKILL)
    assert process.stdout is not None
    acknowledged += [row for row in process.stdout.read().split("\n")[:-1] if row]
    end(process)
    assert process.returncode == -signal.SIGKILL

    async def whole() -> list[bool]:
        store = SqliteStore(path)
        await store.open()
        again = [await store.assertions.claim(claim) for claim in map(claimed, acknowledged)]
        await store.close()
        return again

    database = sqlite3.connect(path)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    kept = {id for (id,) in database.execute("SELECT assertion_id FROM assertions")}
    database.close()
    assert kept >= set(acknowledged)
    assert not any(asyncio.run(whole()))


def claimed(id: str) -> AssertionClaim:
    return nouns.claim(assertion_id=id)


@pytest.mark.parametrize("what", ["moved", "replaced", "emptied"])
def test_a_file_that_is_not_the_one_that_was_opened_answers_nothing(tmp_path: Path, what: str) -> None:
    """Else one assertion would be believed twice: here, and by a process that holds the new file."""
    path = tmp_path / "vestibule.db"

    async def scene() -> None:
        store = SqliteStore(path)
        await store.open()
        await store.keep(nouns.event())
        copy = path.read_bytes()
        if what == "moved":
            path.rename(tmp_path / "elsewhere.db")
        elif what == "replaced":
            path.unlink()
            path.write_bytes(copy)
        else:
            os.truncate(path, 0)
        with pytest.raises(StoreUnavailable, match="moved away or replaced"):
            await store.keep(nouns.event("other"))
        with pytest.raises(StoreUnavailable):
            await store.ready()
        if what == "moved":
            (tmp_path / "elsewhere.db").rename(path)
            await store.keep(nouns.event("third"))
        await store.close()

    asyncio.run(scene())
