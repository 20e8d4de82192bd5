"""Three nodes on PostgreSQL behind nginx: nodes are killed and restarted, and everything happens to the database that can."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import postgres as servers
from tests.nodes.cluster import cluster
from tests.nodes.disasters import ANYWHERE
from tests.nodes.postgres_disasters import on
from tests.nodes.report import table
from tests.nodes.road import Road
from tests.nodes.run import Plan, Run, run
from tests.nodes.visits import MODES
from tests.places import at
from tests.postgres import Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that these tests may hurt."""
    servers.required()
    with servers.running(max_connections="60") as server:
        yield server


@pytest.mark.timeout(600)
def test_no_disaster_loses_or_doubles_anything(server: Server, tmp_path: Path) -> None:
    """Every mode, while each disaster happens once; then every entry of the book is held against nodes and audit."""

    async def whole() -> Run:
        url = server.database()
        async with Road(server.port) as road:
            with cluster(tmp_path, url.replace(f":{server.port}/", f":{road.port}/")) as where:
                disasters = {**ANYWHERE, **on(server, road, url)}
                found = await run(where, disasters, Plan(seconds=0, visitors=5), at(url))
                assert set(found.book.disasters) == set(disasters)
                return found

    found = asyncio.run(whole())
    told = table(found)
    print(told)  # noqa: T201 - the counts are what the run is for
    assert not found.reckoning.broken, told
    assert {login.mode for login in found.book.logins if login.completed} == set(MODES), told
    assert any(len(login.nodes) == 3 for login in found.book.logins if login.completed), told
    assert found.reckoning.counts["a response that was posted again was refused as a replay"] > 0, told
    assert found.book.applied, told
