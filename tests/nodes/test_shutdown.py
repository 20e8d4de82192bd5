"""A node that is told to end: the balancer is told first, what has arrived is answered, and nobody notices."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from tests.nodes.cluster import Cluster, Node, cluster
from tests.nodes.disasters import roll, until
from tests.nodes.provider import Provider
from tests.nodes.report import table
from tests.nodes.run import Plan, begin, run
from tests.places import at

BOUND = 40.0
"""Seconds within which a node has ended, whatever it was doing."""


def test_a_rolling_restart_under_load_fails_no_login(tmp_path: Path) -> None:
    """Nodes of one and of two workers, with nobody telling the balancer anything."""
    file = tmp_path / "vestibule.db"
    with cluster(tmp_path, str(file), workers=(1, 2, 1)) as where:
        plan = Plan(seconds=0, visitors=6, mischief=False)
        found = asyncio.run(run(where, {"all nodes are restarted in turn": roll}, plan, at(file)))
    told = table(found)
    print(told)  # noqa: T201 - the counts are what the run is for
    assert not found.reckoning.broken, told
    assert found.book.logins
    assert [login.failed for login in found.book.logins if login.completed != 1] == [], told


@contextlib.asynccontextmanager
async def half_said(node: Node) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]]:
    """A post to the ACS of which all but the last octet has arrived; that octet."""
    body = b"SAMLResponse=AAAA"
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    head = (
        "POST /login/callback?connection=solicited HTTP/1.1",
        f"Host: 127.0.0.1:{node.port}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "",
        "",
    )
    try:
        writer.write("\r\n".join(head).encode() + body[:-1])
        await writer.drain()
        await asyncio.sleep(0.2)
        yield reader, writer, body[-1:]
    finally:
        writer.close()


async def turned(node: Node, balancer: httpx2.AsyncClient) -> httpx2.Response:
    """What /readyz says once every worker says that it is leaving: each hears of it by itself, a moment apart."""
    refused = 0
    async with asyncio.timeout(3):
        while True:
            told = await balancer.get(node.url("readyz"))
            refused = refused + 1 if told.status_code == 503 else 0
            if refused == 20:
                return told
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("workers", [1, 2])
def test_readyz_turns_first_then_what_is_in_flight_is_answered_then_it_ends_with_0(
    tmp_path: Path, workers: int
) -> None:
    async def scene(where: Cluster) -> None:
        (node,) = where.nodes
        await begin(where, Provider(where.issuer))
        async with half_said(node) as (reader, writer, rest), httpx2.AsyncClient(trust_env=False) as balancer:
            assert (await balancer.get(node.url("readyz"))).status_code == 200
            began = time.monotonic()
            node.ask_to_end()
            told = await turned(node, balancer)
            assert (told.status_code, told.text) == (503, "not ready: ending\n")
            assert told.headers["connection"] == "close"
            assert (await balancer.get(node.url("healthz"))).status_code == 200, "it is asked while it still serves"
            await until(lambda: not node.serves(), "it went on serving")
            assert time.monotonic() - began >= 4.0
            assert node.process is not None
            assert node.process.poll() is None, "it ended with a request in flight"
            writer.write(rest)
            said = (await asyncio.wait_for(reader.read(), 20)).decode()
            assert said.startswith("HTTP/1.1 400 "), said[:200]
            assert "connection: close" in said
            assert await node.ended(BOUND) == 0
        assert not where.tracebacks()

    file = tmp_path / "vestibule.db"
    with cluster(tmp_path, str(file), workers=(workers,), settings={"VESTIBULE_DRAIN_SECONDS": "4"}) as where:
        asyncio.run(scene(where))


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_at_once(tmp_path: Path, workers: int) -> None:
    """As the terminal sends it, to all processes; nobody asks readyz there."""

    async def scene(where: Cluster) -> None:
        (node,) = where.nodes
        await begin(where, Provider(where.issuer))
        os.killpg(node.pid, signal.SIGINT)
        assert await node.ended(20) == 0
        assert not where.tracebacks()

    file = tmp_path / "vestibule.db"
    with cluster(tmp_path, str(file), workers=(workers,), settings={"VESTIBULE_DRAIN_SECONDS": "300"}) as where:
        asyncio.run(scene(where))
