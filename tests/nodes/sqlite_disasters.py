"""Disasters that befall a SQLite file: the power, the disk, and others who write to it."""

import asyncio
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from tests.nodes.disasters import Disaster, Scene, until
from tests.nodes.disks import Bound, Disk


def on(file: Path) -> Mapping[str, Disaster]:
    """Those that need no file system of their own."""
    return {
        "the power is cut": cutting_the_power(file, times=2),
        "files may not grow": filling(Bound(file)),
        "another process holds the file for a moment": holding_the_lock(file, 0.5, noticed=False),
        "another process holds the file for long": holding_the_lock(file, 8.0, noticed=True),
    }


def cutting_the_power(path: Path, *, times: int = 3) -> Disaster:
    """kill -9 for every process at once, over and over; each time the SQLite file is whole, and everything starts again."""

    async def happen(scene: Scene) -> str:
        nodes = scene.cluster.nodes
        served = 0
        for _ in range(times):
            done = scene.completed()
            for node in nodes:
                node.kill()
            assert whole(path) == "ok", whole(path)
            for node in nodes:
                node.start()
            await scene.cluster.up()
            await until(lambda done=done: scene.completed() > done, "nobody got in after the power came back")  # type: ignore[misc]
            served += scene.completed() - done
        return f"{times} times the power was cut, {served} logins were completed between; the file was whole each time"

    return happen


def whole(path: Path) -> str:
    """What SQLite's own check says of a file."""
    connection = sqlite3.connect(path)
    try:
        (said,) = connection.execute("PRAGMA integrity_check").fetchone()
        return str(said)
    finally:
        connection.close()


def filling(disk: Disk) -> Disaster:
    """The disk is full until somebody makes room; while it is, nodes say that they are not ready, and live."""

    async def happen(scene: Scene) -> str:
        before = scene.turned_away()
        nodes = scene.cluster.nodes
        disk.fill(nodes)
        try:
            await until(lambda: scene.turned_away() > before + 5, "nobody noticed that the disk was full")
            await until(lambda: not any(node.ready() for node in nodes), "a node was ready without a disk")
            assert all(node.serves() for node in nodes), "a node died of a full disk"
        finally:
            disk.free(nodes)
        await until(lambda: all(node.ready() for node in nodes), "a node stayed unready when there was room again")
        assert any(disk.means in node.log() for node in nodes), f"no log says: {disk.means}"
        return f"{scene.turned_away() - before} requests were refused while the disk was full"

    return happen


def holding_the_lock(path: Path, seconds: float, *, noticed: bool) -> Disaster:
    """Another process writes to a SQLite file and takes its time."""

    async def happen(scene: Scene) -> str:
        before, done = scene.turned_away(), scene.completed()
        connection = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
        try:
            await asyncio.to_thread(connection.execute, "BEGIN IMMEDIATE")
            await asyncio.sleep(seconds)
            during = scene.completed() - done
            connection.execute("ROLLBACK")
        finally:
            connection.close()
        await asyncio.sleep(0.5)
        refused = scene.turned_away() - before
        if noticed:
            assert refused > 0, "nobody noticed that the file was locked"
        return f"the file was locked for {seconds:g} s: {refused} requests were refused, {during} logins were completed"

    return happen
