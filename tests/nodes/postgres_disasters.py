"""Disasters that befall PostgreSQL, or the road to it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

import psycopg
from tests.nodes.disasters import Disaster, Scene, until
from tests.nodes.road import Road
from tests.postgres import USER, Server

LONG = 7.0
"""Seconds beyond what a request waits for its database."""
SHORT = 1.5
"""Seconds that a request waits without anybody being told."""


def on(server: Server, road: Road, url: str) -> Mapping[str, Disaster]:
    """All of them. `url`: the database, by the road that nodes do not take."""
    return {
        "PostgreSQL is restarted": _away(server, "fast"),
        "PostgreSQL crashes": _away(server, "immediate"),
        "PostgreSQL's machine loses its power": _away(server, "kill"),
        "PostgreSQL has no connection left": _full(server, url),
        "PostgreSQL stands still for a moment": _still(server, SHORT, noticed=False),
        "PostgreSQL stands still for long": _still(server, LONG, noticed=True),
        "the road is slow": _slow(road),
        "the road is closed": _closed(road),
        "the road swallows everything": _silent(road),
        "the road loses answers": _lossy(road),
    }


def _witnessed(harm: Callable[[Scene], Awaitable[str]], *, noticed: bool) -> Disaster:
    """Looks at how many were refused while it lasted, and waits until all is well: nodes ready, people let in."""

    async def happen(scene: Scene) -> str:
        refused = scene.turned_away()
        said = await harm(scene)
        refused = scene.turned_away() - refused
        if noticed:
            assert refused > 0, f"nobody noticed: {said}"
        nodes = scene.cluster.nodes
        await until(lambda: all(node.ready() for node in nodes), f"a node stayed unready: {said}")
        done = scene.completed()
        await until(lambda: scene.completed() > done, f"nobody got in afterwards: {said}")
        return f"{said}; {refused} requests were refused"

    return happen


async def _refusals(scene: Scene, count: int = 1) -> None:
    before = scene.turned_away()
    await until(lambda: scene.turned_away() >= before + count, "nobody noticed")


def _away(server: Server, how: str) -> Disaster:
    async def harm(scene: Scene) -> str:
        before = server.sql("SELECT pg_postmaster_start_time()")
        if how == "kill":
            await asyncio.to_thread(server.kill)
        else:
            await asyncio.to_thread(lambda: server.stop(how=how))
        try:
            assert not server.running()
            await _refusals(scene)
        finally:
            await asyncio.to_thread(server.start)
        assert server.sql("SELECT pg_postmaster_start_time()") != before
        return f"it was stopped ({how}) and started again"

    return _witnessed(harm, noticed=True)


def _full(server: Server, url: str) -> Disaster:
    """Others take every connection that there is; ours are ended, so that they have to come again."""

    ending = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'vestibule'"

    async def harm(scene: Scene) -> str:
        async with contextlib.AsyncExitStack() as taken:
            # The owner comes first, while there is room.
            owner = await psycopg.AsyncConnection.connect(
                host=str(server.folder), port=server.port, user=USER, dbname="postgres", autocommit=True
            )
            await taken.enter_async_context(owner)
            count = 0
            while True:
                try:
                    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5)
                except psycopg.OperationalError:
                    ended = await (await owner.execute(ending)).fetchone()
                    if ended == (0,):  # the last of ours has gone, and there is room for nobody
                        break
                    continue
                await taken.enter_async_context(connection)
                count += 1
            told = "it has no connection left for us"
            nodes = scene.cluster.nodes
            await until(lambda: any(told in node.log() for node in nodes), f"no log says: {told}")
        return f"others held {count} connections, all that there were"

    return _witnessed(harm, noticed=True)


def _still(server: Server, seconds: float, *, noticed: bool) -> Disaster:
    async def harm(scene: Scene) -> str:
        server.pause()
        try:
            await asyncio.sleep(seconds)
            assert not await asyncio.to_thread(lambda: server.answers(patience=1)), "it answered in its sleep"
            if noticed:
                assert not await asyncio.to_thread(scene.cluster.nodes[0].ready)
                assert await asyncio.to_thread(scene.cluster.nodes[0].serves)
        finally:
            server.resume()
        return f"every process of it was stopped for {seconds:g} s"

    return _witnessed(harm, noticed=noticed)


def _slow(road: Road, delay: float = 0.03, seconds: float = 3.0) -> Disaster:
    async def harm(scene: Scene) -> str:
        done = scene.completed()
        road.delay = delay
        try:
            await asyncio.sleep(seconds)
        finally:
            road.delay = 0.0
        during = scene.completed() - done
        assert during > 0, "nobody got in by a slow road"
        return f"{during} logins were completed with {2 * delay * 1000:.0f} ms for each question"

    return _witnessed(harm, noticed=False)


def _closed(road: Road) -> Disaster:
    async def harm(scene: Scene) -> str:
        await road.close_up()
        try:
            await _refusals(scene)
            await until(
                lambda: not any(node.ready() for node in scene.cluster.nodes), "a node was ready without a database"
            )
        finally:
            await road.open_up()
        return "every connection was refused"

    return _witnessed(harm, noticed=True)


def _silent(road: Road) -> Disaster:
    async def harm(scene: Scene) -> str:
        road.hush()
        try:
            await _refusals(scene)
        finally:
            road.speak()
        return "nothing was passed on, and nothing ended"

    return _witnessed(harm, noticed=True)


def _lossy(road: Road, seconds: float = 3.0) -> Disaster:
    """What was asked was done, and nobody heard: again and again."""

    async def harm(scene: Scene) -> str:
        before = road.lost
        for _ in range(int(seconds / 0.03)):
            road.lose(scene.dice.randrange(4))
            await asyncio.sleep(0.03)
        assert road.lost > before, "no answer was lost"
        return f"{road.lost - before} answers of the server were lost"

    return _witnessed(harm, noticed=False)
