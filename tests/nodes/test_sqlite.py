"""Three nodes on one SQLite file behind nginx: power cuts, a full disk, a disk that cannot be written to, a second writer."""

import asyncio
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from tests.nodes.cluster import Cluster, cluster
from tests.nodes.disasters import Disaster, kill_a_first_process, kill_a_node, kill_a_worker, until
from tests.nodes.disks import Bound, Disk, SmallDisk, mounted
from tests.nodes.provider import Provider
from tests.nodes.report import table
from tests.nodes.run import Plan, Run, begin, run
from tests.nodes.sqlite_disasters import filling, holding_the_lock, on
from tests.nodes.visits import MODES
from tests.places import at

BARE = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
"""Root without root's right to pass over permissions."""


def live_through(disasters: Mapping[str, Disaster], where: Cluster, file: Path, plan: Plan) -> Run:
    """Whoever signs in meanwhile either gets in once or is told; nothing that was acknowledged is lost."""
    found = asyncio.run(run(where, disasters, plan, at(file)))
    told = table(found)
    print(told)  # noqa: T201 - the counts are what the run is for
    assert not found.reckoning.broken, told
    assert all(found.book.disasters[name] for name in disasters), told
    return found


@pytest.mark.timeout(600)
def test_power_cuts_and_second_writers_lose_nothing(tmp_path: Path) -> None:
    """Every mode, on three nodes that are killed one by one and together, whose files may not grow, and beside a process that
    holds the file."""
    file = tmp_path / "vestibule.db"
    kills = {
        "a node is killed": kill_a_node,
        "a worker is killed": kill_a_worker,
        "a first process is killed": kill_a_first_process,
    }
    with cluster(tmp_path, str(file)) as where:
        found = live_through({**kills, **on(file)}, where, file, Plan(seconds=0, visitors=5))
    completed = {login.mode for login in found.book.logins if login.completed}
    assert completed == set(MODES), "some mode was never completed"
    assert any(len(login.nodes) == 3 for login in found.book.logins if login.completed), "no login used every node"
    assert found.reckoning.counts["a response that was posted again was refused as a replay"] > 0
    assert found.book.applied, "no connection was added"


def test_a_second_writer_who_is_quick_is_noticed_by_nobody(tmp_path: Path) -> None:
    file = tmp_path / "vestibule.db"
    with cluster(tmp_path, str(file), workers=(1, 1)) as where:
        disasters = {"another process holds the file for a moment": holding_the_lock(file, 1.0, noticed=False)}
        found = live_through(disasters, where, file, Plan(seconds=0, visitors=4, mischief=False))
    assert all(login.completed == 1 for login in found.book.logins), table(found)


def test_a_full_disk_refuses_everything_and_loses_nothing(tmp_path: Path) -> None:
    with mounted(tmp_path / "small") as may:
        file = tmp_path / "small" / "vestibule.db"
        disk: Disk = SmallDisk(file.parent) if may else Bound(file)
        with cluster(tmp_path, str(file), workers=(1, 2)) as where:
            live_through({"the disk is full": filling(disk)}, where, file, Plan(seconds=0, visitors=4))


def holds(pid: int, file: Path) -> bool:
    """Whether a process has a file open."""
    with suppress(OSError):
        return any(Path(f"/proc/{pid}/fd/{fd}").resolve() == file for fd in os.listdir(f"/proc/{pid}/fd"))
    return False


@pytest.fixture
def bare() -> tuple[str, ...]:
    """What stands before a command so that permissions hold for it."""
    return BARE if os.geteuid() == 0 else ()


def test_a_disk_that_cannot_be_written_to_stops_the_start_in_one_sentence(
    tmp_path: Path, bare: tuple[str, ...]
) -> None:
    """After a power cut it came back read-only. What runs with it is left alone: a worker that cannot start is tried again."""
    home = tmp_path / "data"
    home.mkdir()
    file = home / "vestibule.db"

    async def scene(where: Cluster) -> None:
        one, two = where.nodes
        await begin(where, Provider(where.issuer))
        await until(lambda: all(holds(pid, file) for pid in two.serving_pids()), "a worker did not open the file")
        one.kill()
        home.chmod(0o500)
        for part in home.iterdir():
            part.chmod(0o400)
        try:
            one.start()
            began = time.monotonic()
            assert await one.ended(30) == 1
            assert time.monotonic() - began < 30
            said = one.log().splitlines()[-2:]
            assert "look at the permissions" in "".join(said), said
            killed = two.kill_worker()
            await until(lambda: two.log().count('"worker replaced"') >= 2, "nobody tried to replace the worker")
            assert two.serves()
        finally:
            home.chmod(0o700)
            for part in home.iterdir():
                part.chmod(0o600)
        await until(lambda: len(set(two.serving_pids()) - {killed}) == two.workers, "the worker was not replaced")
        one.start()
        await where.up()
        await until(lambda: one.ready() and two.ready(), "a node stayed unready on a disk that can be written to")
        status, exported = await one.command("export")
        assert status == 0
        assert all(f"name: {name}\n" in exported for name in MODES)
        assert not where.tracebacks()

    with cluster(tmp_path, str(file), workers=(1, 2), prefix=bare) as where:
        asyncio.run(scene(where))
