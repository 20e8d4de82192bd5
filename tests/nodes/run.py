"""A run: people sign in while disasters happen, an operator goes on working, and in the end everything is reckoned."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.nodes.book import Book
from tests.nodes.cluster import Cluster
from tests.nodes.disasters import Disaster, Scene
from tests.nodes.provider import Provider
from tests.nodes.reckoning import Reckoning, reckon
from tests.nodes.visits import Street, configuration

from vestibule.store.port import Store


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long, how much, and which chances. `seconds` = of disasters; every one happens at least once, whatever it takes."""

    seconds: float
    visitors: int = 6
    seed: int = 1
    calm: float = 0.5
    """Seconds between two disasters."""
    operator_every: float = 8.0
    at_least: int = 1
    mischief: bool = True


@dataclass
class Run:
    """Everything that came of a run."""

    book: Book
    reckoning: Reckoning
    seconds: float = 0.0
    disasters: Counter[str] = field(default_factory=Counter)


async def run(cluster: Cluster, disasters: Mapping[str, Disaster], plan: Plan, store: Store) -> Run:
    """Starts the nodes, lets `disasters` happen under load, calms down, and reckons. `store`: for reading the audit."""
    dice = random.Random(plan.seed)  # noqa: S311 - chance that can be had again
    idp = Provider(cluster.issuer)
    book = Book()
    await begin(cluster, idp)
    began = time.monotonic()
    async with cluster.client() as transport:
        street = Street(cluster.issuer, idp, book, transport, dice, mischief=plan.mischief)
        over = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(plan.visitors):
                tasks.create_task(visitor(street, over))
            tasks.create_task(_operator(cluster, book, idp, over, plan.operator_every))
            try:
                await _befall(Scene(cluster, book, dice), disasters, plan)
                await asyncio.sleep(1.0)  # a last look at logins in peace
            finally:
                over.set()
        took = time.monotonic() - began
        await store.open()
        try:
            reckoning = await reckon(street, cluster, store)
        finally:
            await store.close()
    return Run(book, reckoning, took)


async def begin(cluster: Cluster, idp: Provider) -> None:
    """The configuration is in place and every node serves."""
    status, said = await cluster.apply(configuration(idp))
    assert status == 0, said
    for node in cluster.nodes:
        node.start()
    await cluster.up()


async def visitor(street: Street, over: asyncio.Event) -> None:
    """One login after another, with a breath after one that failed."""
    while not over.is_set():
        visit = street.visit()
        await visit.happen()
        if visit.login.failed is not None:
            await asyncio.sleep(0.1)


async def _befall(scene: Scene, disasters: Mapping[str, Disaster], plan: Plan) -> None:
    """One disaster after another, in an order that the seed fixes, until the time is over and each has had its turn."""
    began = time.monotonic()
    happened: Counter[str] = Counter()
    while time.monotonic() < began + plan.seconds or min(happened[name] for name in disasters) < plan.at_least:
        order = sorted(disasters)
        scene.dice.shuffle(order)
        for name in order:
            if time.monotonic() > began + plan.seconds and happened[name] >= plan.at_least:
                continue
            await asyncio.sleep(plan.calm)
            scene.book.evidence.append(f"{name}: {await disasters[name](scene)}")
            scene.book.disasters[name] += 1
            happened[name] += 1


async def _operator(cluster: Cluster, book: Book, idp: Provider, over: asyncio.Event, every: float) -> None:
    """Adds a connection every now and then; whether that was acknowledged is noted."""
    number = 0
    while not over.is_set():
        number += 1
        name = f"added-{number}"
        document = {"connections": [one for one in configuration(idp, name)["connections"] if one["name"] == name]}
        status, said = await cluster.apply(document, name)
        if status == 0:
            book.applied.append(name)
        else:
            book.not_applied.append(said.strip()[-300:])
            if "Traceback" in said:
                book.unclear.append(f"vestibule apply: {said[-1500:]}")
        try:
            await asyncio.wait_for(over.wait(), every)
        except TimeoutError:
            continue
