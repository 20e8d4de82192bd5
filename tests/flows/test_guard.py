"""The guard at the doors: refusals are what is limited, floods harm whoever makes them, and they are told of once."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.doubles import CountingEntropy, FixedClock

from vestibule.flows.guard import Call, Guarding, Limits, TooMany
from vestibule.store.memory import MemoryStore

HONEST = "198.51.100.7"
MALLORY = "203.0.113.9"


class Gate:
    """A guard with small budgets: 4 refusals an address, 12 a connection, 20 requests."""

    def __init__(self, **changes: int) -> None:
        self.clock = FixedClock()
        self.store = MemoryStore()
        limits = Limits(**{"refusals": 4, "connection_refusals": 12, "requests": 20, **changes})
        self.guarding = Guarding(limits, store=self.store, clock=self.clock, entropy=CountingEntropy())

    async def lets_in(self, address: str, *, machine: str | None = None, connection: str | None = None) -> bool:
        try:
            await self.guarding.admit(Call(address=address, machine=machine, connection=connection))
        except TooMany:
            return False
        return True

    async def refused(self, address: str, *, machine: str | None = None, connection: str | None = None) -> bool:
        """A request that is refused if it is judged at all; whether it was judged."""
        call = Call(address=address, machine=machine, connection=connection)
        judged = await self.lets_in(address, machine=machine, connection=connection)
        if judged:
            self.guarding.refused(call)
        return judged

    async def events(self) -> list[dict[str, str]]:
        return [
            dict(event.detail) for event in reversed(await self.store.events.latest(limit=500, kind="request.flood"))
        ]


def story(scene: Callable[[Gate], Awaitable[None]], **changes: int) -> None:
    async def whole() -> None:
        gate = Gate(**changes)
        await gate.store.open()
        await scene(gate)

    asyncio.run(whole())


def test_an_address_has_its_budget_of_refusals_and_then_waits() -> None:
    async def scene(gate: Gate) -> None:
        assert [await gate.refused(MALLORY) for _ in range(6)] == [True] * 4 + [False] * 2
        assert await gate.lets_in(HONEST), "nobody else is concerned"
        with pytest.raises(TooMany) as caught:
            await gate.guarding.admit(Call(address=MALLORY))
        assert (caught.value.code, caught.value.seconds) == ("request.too_many", 15)
        gate.clock.advance(15)
        assert [await gate.refused(MALLORY) for _ in range(2)] == [True, False]

    story(scene)


def test_success_neither_costs_nor_clears_anything() -> None:
    """Else an attacker would log in once in a while and start anew."""

    async def scene(gate: Gate) -> None:
        for _ in range(3):
            await gate.refused(MALLORY)
        assert all([await gate.lets_in(MALLORY) for _ in range(10)])
        assert [await gate.refused(MALLORY) for _ in range(2)] == [True, False]

    story(scene)


def test_being_turned_away_costs_nothing_more() -> None:
    """A page that reloads itself while it waits must not wait for ever."""

    async def scene(gate: Gate) -> None:
        for _ in range(4):
            await gate.refused(MALLORY)
        for _ in range(100):
            assert not await gate.lets_in(MALLORY)
        gate.clock.advance(15)
        assert await gate.lets_in(MALLORY)

    story(scene)


def test_a_connection_flooded_from_many_addresses_still_judges_the_honest() -> None:
    """Only who was refused often himself is turned away; five refusals are anybody's ill luck."""

    async def scene(gate: Gate) -> None:
        flood = [f"203.0.113.{n}" for n in range(50)]
        judged = 0
        for _ in range(8):
            for address in flood:
                judged += await gate.refused(address, connection="acme")
        assert judged == 50 * 5, "each of them was judged five times, whatever the connection's budget"
        assert not await gate.lets_in(flood[0], connection="acme")
        assert await gate.lets_in(flood[0], connection="other"), "its own budget is not spent"
        assert await gate.lets_in(HONEST, connection="acme")
        for _ in range(4):
            assert await gate.refused(HONEST, connection="acme"), "not even an honest one with a few refusals"

    story(scene, refusals=1000, requests=0)


def test_a_connections_budget_comes_back() -> None:
    async def scene(gate: Gate) -> None:
        for address in ("203.0.113.1", "203.0.113.2", "203.0.113.3"):
            for _ in range(5):
                await gate.refused(address, connection="acme")
        assert not await gate.lets_in("203.0.113.1", connection="acme")
        gate.clock.advance(5)
        assert await gate.lets_in("203.0.113.1", connection="acme")

    story(scene, refusals=1000)


def test_requests_of_one_address_have_a_wide_budget_at_peoples_doors() -> None:
    async def scene(gate: Gate) -> None:
        assert [await gate.lets_in(MALLORY) for _ in range(22)] == [True] * 20 + [False] * 2
        assert await gate.lets_in(HONEST)
        assert await gate.lets_in(MALLORY, machine="/oauth/token"), "its applications go on"
        gate.clock.advance(3)
        assert [await gate.lets_in(MALLORY) for _ in range(2)] == [True, False]

    story(scene)


def test_machines_have_no_limit_but_on_failures_and_at_each_door_by_itself() -> None:
    """An application's server is one address for all of its people."""

    async def scene(gate: Gate) -> None:
        assert all([await gate.lets_in(HONEST, machine="/oauth/token") for _ in range(1000)])
        assert [await gate.refused(HONEST, machine="/userinfo") for _ in range(5)] == [True] * 4 + [False]
        assert await gate.lets_in(HONEST, machine="/oauth/token")
        assert await gate.lets_in(HONEST), "people behind the same address sign in"

    story(scene)


def test_where_one_address_brings_many_peoples_tokens_ten_times_as_many_may_fail() -> None:
    """Some have always run out; and what fails there leaves nothing behind."""

    async def scene(gate: Gate) -> None:
        call = Call(address=HONEST, machine="/userinfo", many=True)
        for _ in range(40):
            await gate.guarding.admit(call)
            gate.guarding.refused(call)
        with pytest.raises(TooMany) as caught:
            await gate.guarding.admit(call)
        assert caught.value.seconds == 2

    story(scene)


@pytest.mark.parametrize("kind", ["refusals", "connection_refusals", "requests"])
def test_each_limit_can_be_switched_off_by_itself(kind: str) -> None:
    async def scene(gate: Gate) -> None:
        assert all([await gate.refused(MALLORY, connection="acme") for _ in range(200)])

    everything_off = {"refusals": 0, "connection_refusals": 0, "requests": 0}
    story(scene, **everything_off)

    async def limited(gate: Gate) -> None:
        assert not all([await gate.refused(MALLORY, connection="acme") for _ in range(200)])

    story(limited, **{**everything_off, kind: 20})


def test_a_whole_ipv6_line_has_one_budget() -> None:
    async def scene(gate: Gate) -> None:
        assert [await gate.refused(f"2001:db8::{n:x}") for n in range(1, 7)] == [True] * 4 + [False] * 2
        assert await gate.lets_in("2001:db8:0:1::1")

    story(scene)


def test_a_flood_is_told_of_once_a_window_whatever_its_size() -> None:
    """One event an address and window, one a connection: a flood must not fill the database by being turned away."""

    async def scene(gate: Gate) -> None:
        for _ in range(300):
            await gate.refused(MALLORY)
        assert await gate.events() == [
            {"budget": "refusals of one address", "address": MALLORY, "turned_away_before": "0"}
        ]
        gate.clock.advance(600)
        for _ in range(300):
            await gate.refused(MALLORY)
        (_, second) = await gate.events()
        assert second["turned_away_before"] == "295"

    story(scene)


def test_a_flood_at_a_connection_is_told_of_once_for_all_addresses() -> None:
    async def scene(gate: Gate) -> None:
        for _ in range(8):
            for n in range(50):
                await gate.refused(f"203.0.113.{n}", connection="acme")
        assert [event["budget"] for event in await gate.events()] == ["refusals of one connection"]

    story(scene, refusals=1000, requests=0)
