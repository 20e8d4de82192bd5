"""The remembered configuration: it keeps every promise of the port, asks seldom, and is never staler than it says."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from tests.doubles import FixedClock
from tests.store.contract import StoreContract
from tests.store.nouns import application, connection
from tests.store.promises import Engine

from vestibule.model.installation import Branding, Installation
from vestibule.store.memory import MemoryStore
from vestibule.store.port import StoreUnavailable
from vestibule.store.remembering import FRESH, MOST, RememberedConfiguration, RememberingStore
from vestibule.store.sqlite import SqliteStore


class TestRememberingStore(StoreContract):
    @pytest.fixture
    def engine(self) -> Engine:
        store = RememberingStore(MemoryStore(), FixedClock())
        return lambda: store


class Counting:
    """A configuration that counts what it is asked, and can be made to fail."""

    def __init__(self) -> None:
        self.kept = MemoryStore().configured
        self.asked: list[str] = []
        self.down = False

    def __getattr__(self, name: str) -> Callable[..., Awaitable[object]]:
        async def ask(*given: object, **named: object) -> object:
            self.asked.append(name)
            if self.down:
                raise StoreUnavailable("The database is away.")
            return await getattr(self.kept, name)(*given, **named)

        return ask


def remembered() -> tuple[Counting, RememberedConfiguration, FixedClock]:
    counting, clock = Counting(), FixedClock()
    return counting, RememberedConfiguration(counting, clock), clock


async def put(configured: object, **changes: object) -> None:
    wanted = {"installation": Installation(), "applications": (), "connections": (), **changes}
    await configured.apply(**wanted)  # type: ignore[attr-defined]


def test_what_did_not_change_is_read_once() -> None:
    async def scene() -> None:
        counting, configured, clock = remembered()
        await put(counting.kept, applications=(application(),), connections=(connection(),))
        for _ in range(20):
            assert await configured.connection("acme") == connection()
            assert await configured.application("crm") == application()
            assert await configured.installation() == Installation()
            clock.advance(FRESH / 4)
        assert {name: counting.asked.count(name) for name in set(counting.asked)} == {
            "connection": 1,
            "application": 1,
            "installation": 1,
            "revision": 5,
        }

    asyncio.run(scene())


def test_what_another_node_changed_is_seen_once_the_known_revision_is_old() -> None:
    async def scene() -> None:
        counting, configured, clock = remembered()
        await put(counting.kept, connections=(connection(),))
        assert await configured.connection("acme") == connection()
        assert (await configured.installation()).branding == Branding()
        red = Installation(branding=Branding(product_name="Red"))
        await put(counting.kept, connections=(connection(enabled=False),), installation=red)
        clock.advance(FRESH - timedelta(microseconds=1))
        assert await configured.connection("acme") == connection()
        clock.advance(timedelta(microseconds=1))
        assert await configured.connection("acme") == connection(enabled=False)
        assert await configured.installation() == red

    asyncio.run(scene())


def test_what_this_node_changes_is_seen_by_it_at_once_even_if_its_answer_was_lost() -> None:
    async def scene() -> None:
        counting, configured, _ = remembered()
        await put(configured, connections=(connection(),))
        assert await configured.connection("acme") == connection()
        await put(configured, connections=(connection(enabled=False),))
        assert await configured.connection("acme") == connection(enabled=False)
        await put(counting.kept, connections=(connection(),))
        counting.down = True
        with pytest.raises(StoreUnavailable):
            await put(configured)
        counting.down = False
        assert await configured.connection("acme") == connection()

    asyncio.run(scene())


def test_a_store_that_cannot_answer_is_believed_no_longer_than_the_revision_is_fresh() -> None:
    async def scene() -> None:
        counting, configured, clock = remembered()
        await put(counting.kept, connections=(connection(),))
        assert await configured.connection("acme")
        counting.down = True
        assert await configured.connection("acme") == connection()
        clock.advance(FRESH)
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await configured.connection("acme")
        counting.down = False
        assert await configured.connection("acme") == connection()

    asyncio.run(scene())


def test_a_clock_that_is_set_back_does_not_make_old_things_young() -> None:
    async def scene() -> None:
        counting, configured, clock = remembered()
        await put(counting.kept, connections=(connection(),))
        assert await configured.connection("acme") == connection()
        await put(counting.kept, connections=(connection(enabled=False),))
        clock.advance(timedelta(hours=-1))
        assert await configured.connection("acme") == connection(enabled=False)

    asyncio.run(scene())


def test_what_does_not_exist_is_not_remembered_and_drives_nothing_out() -> None:
    async def scene() -> None:
        counting, configured, _ = remembered()
        await put(counting.kept, connections=(connection(),))
        assert await configured.connection("acme")
        for number in range(MOST + 1):
            assert await configured.connection(f"guess-{number}") is None
        counting.asked.clear()
        assert await configured.connection("acme") == connection()
        assert counting.asked == []

    asyncio.run(scene())


def test_no_more_than_so_many_are_remembered_and_the_one_that_was_asked_for_longest_ago_goes_first() -> None:
    async def scene() -> None:
        counting, configured, _ = remembered()
        many = tuple(application(f"app-{number}") for number in range(MOST + 1))
        await put(counting.kept, applications=many)
        for one in many[:MOST]:
            await configured.application(one.client_id)
        await configured.application("app-0")
        await configured.application(many[MOST].client_id)
        counting.asked.clear()
        await configured.application("app-0")
        assert counting.asked == []
        await configured.application("app-1")
        assert counting.asked == ["application"]

    asyncio.run(scene())


def test_a_revision_that_comes_again_after_a_restore_brings_nothing_back() -> None:
    """A database that was put back counts anew; what was remembered under the same number was another configuration."""

    async def scene() -> None:
        counting, configured, clock = remembered()
        await put(counting.kept)
        await put(counting.kept, connections=(connection(),))
        assert await configured.connection("acme") == connection()
        counting.kept = MemoryStore().configured
        await put(counting.kept)
        clock.advance(FRESH)
        assert await configured.connection("zoo") is None
        await put(counting.kept, connections=(connection(enabled=False),))
        clock.advance(FRESH)
        assert await configured.connection("acme") == connection(enabled=False)

    asyncio.run(scene())


def test_two_nodes_over_one_file_hear_of_each_other(tmp_path: object) -> None:
    """The revision is written in the transaction of what it counts, by the engine itself."""

    async def scene() -> None:
        clock = FixedClock()
        one, other = (RememberingStore(SqliteStore(f"{tmp_path}/vestibule.db"), clock) for _ in range(2))
        await one.open()
        await other.open()
        assert await other.configured.revision() == 0
        for enabled in (True, False, True):
            await put(one.configured, connections=(connection(enabled=enabled),))
            clock.advance(FRESH)
            assert await other.configured.connection("acme") == connection(enabled=enabled)
        assert await other.configured.revision() == 3
        await one.close()
        await other.close()

    asyncio.run(scene())
