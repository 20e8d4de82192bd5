"""Rotation among nodes: whatever is rotated and retired, whenever, no token is signed with a key that somebody may not know."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.doubles import START, CountingEntropy, FixedClock
from tests.keys.test_keyring import ACME, MASTER

from vestibule.downstream.lifetimes import Lifetimes
from vestibule.ground.errors import Refused
from vestibule.keys import rotation
from vestibule.keys.keyring import Keyring
from vestibule.keys.rotation import (
    CLOCKS_APART,
    FRESH_FOR,
    HANDED_OVER,
    KEY_SET_KEPT,
    LEAST_AHEAD,
    PUBLISHED_AHEAD,
)
from vestibule.model.key import KeyPurpose, StoredKey
from vestibule.store.memory import MemoryStore

ES256 = KeyPurpose.TOKEN_ES256
LIFE = Lifetimes().id_token
OFFSETS = (timedelta(0), CLOCKS_APART / 2, -CLOCKS_APART / 2)
"""Three nodes, whose clocks are as far apart as they may be."""
CAPS = sorted(
    timedelta(seconds=seconds)
    for second in (0, 30, 60, 90, 180, 270, 3600, 3660, 86400, 86400 - 180, 86400 + 180, 86400 + 3600)
    for seconds in (second - 1, second, second + 1)
    if seconds >= 0
)
"""Steps of time around every margin."""


def test_the_margins_hold_what_they_are_made_of() -> None:
    """Who knows a key by when, and how long a token of it may be looked at: in figures."""
    assert FRESH_FOR + CLOCKS_APART + KEY_SET_KEPT + timedelta(seconds=15) <= LEAST_AHEAD
    assert PUBLISHED_AHEAD >= LIFE + FRESH_FOR + CLOCKS_APART + KEY_SET_KEPT
    assert HANDED_OVER >= FRESH_FOR + CLOCKS_APART


class Skewed:
    """A node's clock: the true one, and as much beside it as this node is wrong."""

    def __init__(self, true: FixedClock, off: timedelta) -> None:
        self._true, self._off = true, off

    def now(self) -> datetime:
        return self._true.now() + self._off


@dataclass(frozen=True)
class Signed:
    at: datetime
    kid: str


@dataclass(frozen=True)
class Fetched:
    at: datetime
    kids: frozenset[str]


@dataclass
class Fleet:
    """Nodes over one store, each with its own clock and view; and what was signed, fetched and retired, at which true time."""

    store: MemoryStore = field(default_factory=MemoryStore)
    true: FixedClock = field(default_factory=FixedClock)
    signed: list[Signed] = field(default_factory=list)
    fetched: list[Fetched] = field(default_factory=list)
    retired: dict[str, datetime] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.nodes = [self.keyring(f"node {number}", off) for number, off in enumerate(OFFSETS)]

    def keyring(self, word: str, off: timedelta) -> Keyring:
        clock = Skewed(self.true, off)
        return Keyring(store=self.store, clock=clock, entropy=CountingEntropy(word), master_key=MASTER)

    async def act(self, what: str, node: int) -> None:
        keyring = self.nodes[node]
        if what == "sign":
            self.signed.append(Signed(self.true.now(), (await keyring.token_signer("ES256")).kid))
        elif what == "fetch":
            kids = frozenset(key["kid"] for key in await keyring.published())
            self.fetched.append(Fetched(self.true.now(), kids))
        elif what == "rotate":
            await keyring.rotate(ES256)
        elif what == "rotate --now":
            await keyring.rotate(ES256, delay=timedelta(0))
        else:
            await self.retire(keyring, int(what.split()[1]))

    async def retire(self, keyring: Keyring, which: int) -> None:
        """One of the keys, if the rules let it go: what it signed is not to be believed from then on."""
        mine = [key for key in await self.store.keys.all() if key.purpose is ES256]
        key = mine[which % len(mine)]
        try:
            gone = await keyring.retire(key.kid)
        except Refused as refused:
            self.refused.add(refused.code)
        else:
            self.retired.setdefault(gone.kid, self.true.now())

    def judge(self) -> None:
        assert self.refused <= {"keys.last"}
        for token in self.signed:
            end = self.retired.get(token.kid)
            assert end is None or token.at <= end, "signed after it was retired"
            for seen in self.fetched:
                if end is not None and seen.at >= end - CLOCKS_APART:
                    continue  # taken away on purpose, by a clock that may be ahead
                if timedelta(0) <= token.at - seen.at <= KEY_SET_KEPT:
                    assert token.kid in seen.kids, "signed with a key that an application may not know"
                if timedelta(0) <= seen.at - token.at <= LIFE + CLOCKS_APART:
                    assert token.kid in seen.kids, "a live token cannot be verified"


@pytest.fixture(scope="module")
def first_keys() -> tuple[StoredKey, ...]:
    """The keys of a first start. RSA keys take long to make, so it happens once."""

    async def made() -> tuple[StoredKey, ...]:
        fleet = Fleet()
        await fleet.nodes[0].prepare()
        return await fleet.store.keys.all()

    return asyncio.run(made())


ACTS = st.sampled_from(["sign", "sign", "fetch", "fetch", "rotate", "rotate --now", *(f"retire {n}" for n in range(5))])
STEPS = st.lists(st.tuples(st.sampled_from(CAPS), ACTS, st.integers(0, len(OFFSETS) - 1)), max_size=60)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_rotated_and_retired_every_token_can_be_verified(
    steps: list[tuple[timedelta, str, int]], first_keys: tuple[StoredKey, ...]
) -> None:
    """By every application that keeps the key set as long as it may, from whichever node, for as long as the token lives."""

    async def story() -> None:
        fleet = Fleet()
        await fleet.store.keep(*first_keys)
        for node in fleet.nodes:
            await node.prepare()
        for by, what, node in steps:
            fleet.true.advance(by)
            await fleet.act(what, node)
        fleet.judge()

    asyncio.run(story())


@pytest.mark.parametrize("first", ["rotate", "rotate --now"])
@pytest.mark.parametrize("then", ["rotate", "rotate --now"])
@pytest.mark.parametrize("between", [timedelta(0), timedelta(minutes=2), timedelta(hours=1), timedelta(hours=23)])
def test_a_whole_handover_minute_by_minute(
    first: str, then: str, between: timedelta, first_keys: tuple[StoredKey, ...]
) -> None:
    """Two rotations, one upon the other: every node signs and is asked for its keys around each moment at which anything changes."""

    async def story() -> None:
        fleet = Fleet()
        await fleet.store.keep(*first_keys)
        for node in fleet.nodes:
            await node.prepare()
        await fleet.act(first, 1)
        fleet.true.advance(between)
        await fleet.act(then, 2)
        keys = [key for key in await fleet.store.keys.all() if key.purpose is ES256]
        turns = {at for key in keys for at in (key.created_at, key.signs_from, key.retired_at or START)}
        at = fleet.true.now()
        nearby = [turn + timedelta(seconds=20 * n) for turn in turns for n in range(-12, 18)]
        hours = [START + timedelta(minutes=20 * n) for n in range(3 * 76)]
        for number, moment in enumerate(sorted(moment for moment in (*nearby, *hours) if moment >= at)):
            fleet.true.set(moment)
            for node in range(len(OFFSETS)):
                await fleet.act("sign" if (number + node) % 3 else "fetch", node)
        fleet.judge()
        newest = max(keys, key=rotation.age)
        assert fleet.signed[-1].kid == newest.kid
        assert newest.retired_at is None

    asyncio.run(story())


def test_a_key_that_was_overtaken_never_signs_again(first_keys: tuple[StoredKey, ...]) -> None:
    """Rotated for tomorrow, and then at once: tomorrow's key would sign again on its day, and be gone within the hour."""

    async def story() -> None:
        fleet = Fleet()
        await fleet.store.keep(*first_keys)
        await fleet.nodes[0].prepare()
        tomorrow = await fleet.nodes[0].rotate(ES256)
        fleet.true.advance(timedelta(hours=1))
        at_once = await fleet.nodes[0].rotate(ES256, delay=timedelta(0))
        fleet.true.set(tomorrow.signs_from + timedelta(minutes=30))
        assert (await fleet.nodes[0].token_signer("ES256")).kid == at_once.kid

    asyncio.run(story())


def test_the_only_key_without_an_end_is_not_retired(first_keys: tuple[StoredKey, ...]) -> None:
    """The one before it still signs, but ends by itself: a day later no key could sign."""

    async def story() -> None:
        fleet = Fleet()
        await fleet.store.keep(*first_keys)
        await fleet.nodes[0].prepare()
        fresh = await fleet.nodes[0].rotate(ES256)
        fleet.true.advance(timedelta(hours=1))
        with pytest.raises(Refused) as caught:
            await fleet.nodes[0].retire(fresh.kid)
        assert caught.value.code == "keys.last"
        fleet.true.advance(timedelta(days=3))
        assert (await fleet.nodes[0].token_signer("ES256")).kid == fresh.kid

    asyncio.run(story())


def test_a_key_made_on_a_node_whose_clock_is_behind_is_the_newest_all_the_same(
    first_keys: tuple[StoredKey, ...],
) -> None:
    """Else the metadata would go on showing the key that it was to replace."""

    async def story() -> None:
        fleet = Fleet()
        await fleet.store.keep(*first_keys)
        await fleet.nodes[1].prepare()
        connection = ACME
        await fleet.nodes[1].encryption_certificate(connection)
        fresh = await fleet.nodes[2].replace_encryption(connection)
        assert await fleet.nodes[0].encryption_certificate(connection) == fresh.certificate_pem
        es_old = await fleet.nodes[1].rotate(ES256, delay=timedelta(0))
        es_new = await fleet.nodes[2].rotate(ES256, delay=timedelta(0))
        assert es_old.created_at < es_new.created_at

    asyncio.run(story())


def test_two_rotations_at_once_leave_one_key_without_an_end(first_keys: tuple[StoredKey, ...]) -> None:
    """Each sees what the other kept: no end is lost, and none is set on the newest."""

    async def story() -> None:
        fleet = Fleet()
        await fleet.store.keep(*first_keys)
        for node in fleet.nodes:
            await node.prepare()
        await asyncio.gather(*(node.rotate(ES256, delay=timedelta(0)) for node in fleet.nodes))
        mine = [key for key in await fleet.store.keys.all() if key.purpose is ES256]
        assert len(mine) == 4
        assert [key for key in mine if key.retired_at is None] == [max(mine, key=rotation.age)]

    asyncio.run(story())


@pytest.mark.parametrize("impatient", range(len(OFFSETS)))
def test_a_key_that_is_retired_as_soon_as_it_may_be_signs_nowhere_any_more(
    impatient: int, first_keys: tuple[StoredKey, ...]
) -> None:
    """Somebody tries every five seconds, on each node; once it is done, no node signs with it, however far its clock is behind."""

    async def story() -> None:
        fleet = Fleet()
        await fleet.store.keep(*first_keys)
        for node in fleet.nodes:
            await node.prepare()
        await fleet.act("rotate --now", impatient)
        while fleet.true.now() < START + timedelta(minutes=10):
            await fleet.act("retire 0", impatient)
            for node in range(len(OFFSETS)):
                await fleet.act("sign", node)
            fleet.true.advance(5)
        fleet.judge()
        assert list(fleet.retired) == [key.kid for key in first_keys if key.purpose is ES256]
        assert fleet.signed[-1].kid not in fleet.retired

    asyncio.run(story())
