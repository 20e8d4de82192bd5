"""A store that cannot answer lets nobody in: a good assertion is refused, and is good again afterwards, once, if it was not claimed."""

import asyncio
import base64
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from bench.responses import IDP
from tests import postgres as servers
from tests.nodes.book import REFERENCE
from tests.nodes.cluster import Cluster, Node, cluster
from tests.nodes.disasters import until
from tests.nodes.provider import Provider
from tests.nodes.road import Road
from tests.nodes.run import begin
from tests.postgres import Server

CONNECTION = "accept-direct"


@dataclass
class Desk:
    """Responses, and a node to post them to."""

    issuer: str
    node: Node
    idp: Provider
    client: httpx2.AsyncClient
    codes: list[str] = field(default_factory=list)

    def response(self) -> str:
        return base64.b64encode(self.idp.response(1, connection=CONNECTION)).decode()

    async def post(self, response: str) -> int:
        """Its status; a refusal shows its reference."""
        form = {"SAMLResponse": response}
        url = f"{self.issuer}login/callback?connection={CONNECTION}"
        answer = await self.client.post(url, data=form, headers={"Origin": IDP})
        if answer.status_code == 303:
            self.codes.append(answer.headers["location"])
        else:
            assert REFERENCE.search(answer.text), answer.text[:1000]
            assert "Traceback" not in answer.text
        return answer.status_code

    async def status(self, path: str) -> int:
        return (await self.client.get(self.node.url(path))).status_code


@asynccontextmanager
async def desk(where: Cluster) -> AsyncIterator[Desk]:
    idp = Provider(where.issuer)
    await begin(where, idp)
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        yield Desk(where.issuer, where.nodes[0], idp, client)
    assert not where.tracebacks()


async def refused(at: Desk, response: str) -> None:
    """While the store cannot answer."""
    found = await asyncio.gather(at.post(response), at.post(response), at.status("readyz"), at.status("healthz"))
    assert found == [503, 503, 503, 200]
    assert not at.codes


async def good_once(at: Desk, response: str) -> None:
    """When it can again: the same assertion is accepted, and never a second time."""
    await until(at.node.ready, "the node stayed unready")
    assert await at.status("readyz") == 200
    assert sorted(await asyncio.gather(at.post(response), at.post(response))) == [303, 400]
    assert await at.post(response) == 400
    assert len(at.codes) == 1


def test_a_locked_sqlite_file_lets_nobody_in(tmp_path: Path) -> None:
    file = tmp_path / "vestibule.db"

    async def scene(where: Cluster) -> None:
        async with desk(where) as at:
            response = at.response()
            other = sqlite3.connect(file, isolation_level=None, timeout=30)
            other.execute("BEGIN IMMEDIATE")
            await refused(at, response)
            other.execute("ROLLBACK")
            other.close()
            await good_once(at, response)

    with cluster(tmp_path, str(file), workers=(1,)) as where:
        asyncio.run(scene(where))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that these tests may hurt."""
    servers.required()
    with servers.running() as server:
        yield server


def test_a_postgresql_that_is_away_or_silent_lets_nobody_in(server: Server, tmp_path: Path) -> None:
    url = server.database()

    async def scene() -> None:
        async with Road(server.port) as road:
            with cluster(tmp_path, url.replace(f":{server.port}/", f":{road.port}/"), workers=(1,)) as where:
                async with desk(where) as at:
                    response = at.response()
                    await road.close_up()
                    await refused(at, response)
                    await road.open_up()
                    await good_once(at, response)
                    at.codes.clear()
                    response = at.response()
                    road.hush()
                    await refused(at, response)
                    road.speak()
                    await good_once(at, response)

    asyncio.run(scene())


def test_a_claim_whose_answer_was_lost_counts_as_made(server: Server, tmp_path: Path) -> None:
    """Every answer of the server within one post is lost in turn. Before the commit the assertion stays good; after it, it was
    used, though nobody was let in with it: refused as a replay, never accepted in doubt."""
    url = server.database()

    async def scene() -> Counter[str]:
        found: Counter[str] = Counter()
        async with Road(server.port) as road:
            with cluster(tmp_path, url.replace(f":{server.port}/", f":{road.port}/"), workers=(1,)) as where:
                async with desk(where) as at:
                    await at.post(at.response())
                    for after in range(8):
                        at.codes.clear()
                        response = at.response()
                        lost = road.lost
                        road.lose(after)
                        first = await at.post(response)
                        if road.lost == lost:
                            road.lose(10_000)  # this post asked for less
                        second = await at.post(response)
                        assert len(at.codes) <= 1, (after, first, second)
                        assert first in (303, 503)
                        found[f"{first} {second}"] += 1
        return found

    found = asyncio.run(scene())
    assert found["503 400"] >= 1, f"no claim was lost after it was made: {found}"
    assert found["303 400"] >= 1, f"no post got in: {found}"
    assert set(found) <= {"503 400", "503 303", "303 400"}, found
