"""When PostgreSQL cannot answer, the engine says so within its patience, says why, believes nothing, and recovers by itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import psycopg
import pytest
from tests import postgres as servers
from tests.postgres import PASSWORD, QUOTED_PASSWORD, Server, name_of
from tests.store import nouns
from tests.store.nouns import T0
from tests.store.proxy import Mood, Proxy
from tests.store.races import RACES, run_in_one_loop

from vestibule.ground.errors import Refused
from vestibule.model.ids import Digest
from vestibule.model.installation import Installation
from vestibule.store.port import StoreUnavailable
from vestibule.store.postgres import PostgresStore
from vestibule.store.postgres_pool import FULL_FOR, Address, Pool
from vestibule.store.steps import Steps, Unread

PATIENCE = 0.6


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that these tests may hurt."""
    servers.required()
    with servers.running(max_connections="20") as server:
        yield server


@pytest.fixture(scope="module")
def shape(server: Server) -> str:
    url = server.database()
    asyncio.run(_opened(url))
    return name_of(url)


async def _opened(url: str) -> None:
    store = PostgresStore(url)
    await store.open()
    await store.close()


@pytest.fixture
def url(server: Server, shape: str) -> Iterator[str]:
    url = server.database(template=shape)
    yield url
    server.drop(url)


@asynccontextmanager
async def store_at(url: str, *, connections: int = 10, patience: float = PATIENCE) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url, connections=connections, patience=patience)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


ASKED: dict[str, Callable[[PostgresStore], Awaitable[object]]] = {
    "read": lambda store: store.sessions.find(Digest("session-a")),
    "write": lambda store: store.keep(nouns.session()),
    "claim": lambda store: store.assertions.claim(nouns.claim("in trouble")),
    "settle": lambda store: store.people.settle(
        nouns.identity(), new=nouns.PersonId("p"), provision=True, link=True, now=T0
    ),
    "sweep": lambda store: store.sweep(now=T0),
    "ready": lambda store: store.ready(),
}


async def refuses(store: PostgresStore, *names: str, within: float = PATIENCE + 2) -> list[str]:
    """Everything (of these names) is refused, in time, in words without the password; gives the words."""
    said = []
    for name in names or ASKED:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable) as refused:
            await ASKED[name](store)
        assert time.monotonic() - began < within, name
        assert PASSWORD not in refused.value.why
        assert QUOTED_PASSWORD not in refused.value.why
        said.append(refused.value.why)
    return said


async def recovers(store: PostgresStore) -> None:
    """Everything answers again, at once and with no other help."""
    for ask in ASKED.values():
        await ask(store)


def test_a_server_that_is_stopped(server: Server, url: str) -> None:
    """Refused while it is away, whatever is asked; and answered as soon as it is back, by the same store."""

    async def scene() -> None:
        async with store_at(url) as store:
            await recovers(store)
            server.stop()
            said = await refuses(store)
            assert all("cannot be reached" in words for words in said[1:]), said
            server.start()
            await recovers(store)

    asyncio.run(scene())


def test_a_server_that_is_killed_in_the_middle_of_writes(server: Server, url: str) -> None:
    """Each of many claims under way is refused or kept, none hangs, and what was acknowledged is there afterwards."""

    async def scene() -> None:
        async with store_at(url) as store:
            claimed: list[str] = []
            enough = asyncio.Event()

            async def claim(runner: int) -> None:
                number = 0
                while True:
                    id = f"{runner}-{number}"
                    if await store.assertions.claim(nouns.claim(assertion_id=id)):
                        claimed.append(id)
                    if len(claimed) > 100:
                        enough.set()
                    number += 1

            running = [asyncio.create_task(claim(runner)) for runner in range(16)]
            await enough.wait()
            await asyncio.to_thread(server.kill)
            ended = await asyncio.wait_for(asyncio.gather(*running, return_exceptions=True), PATIENCE + 5)
            assert {type(error) for error in ended} == {StoreUnavailable}
            await asyncio.to_thread(server.start)
            for id in claimed:
                assert not await store.assertions.claim(nouns.claim(assertion_id=id))

    asyncio.run(scene())


def test_a_server_that_stands_still(server: Server, url: str) -> None:
    """A server that is stopped in its tracks holds nobody for longer than the patience, and nothing remains of it."""

    async def scene() -> None:
        async with store_at(url) as store:
            await recovers(store)
            server.pause()
            try:
                said = await refuses(store, "read", "write", "ready", within=2 * PATIENCE + 3)
            finally:
                server.resume()
            assert "did not answer in time" in said[0], said
            await recovers(store)

    asyncio.run(scene())


def test_no_connection_left(server: Server, url: str) -> None:
    """Where the server has none for us, it is said how to get more; who has one or two shares them."""

    async def scene() -> None:
        name = name_of(url)
        server.sql(f'ALTER DATABASE "{name}" CONNECTION LIMIT 2')
        async with store_at(url) as lucky:
            await asyncio.gather(*(lucky.keep(nouns.session(str(number))) for number in range(40)))
            store = PostgresStore(url, patience=PATIENCE)
            with pytest.raises(StoreUnavailable, match="VESTIBULE_DATABASE_CONNECTIONS"):
                await store.open()
            server.sql(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')
            await store.open()
            await recovers(store)
            await store.close()

    asyncio.run(scene())


def test_whoever_found_the_server_full_takes_the_connection_that_is_free_again(server: Server, url: str) -> None:
    """It was brought back while another was being asked for, when nobody was waiting for it yet."""

    async def scene() -> None:
        server.sql(f'ALTER DATABASE "{name_of(url)}" CONNECTION LIMIT 1')
        pool = Pool(Address(url), size=10, patience=PATIENCE)
        clock = asyncio.get_running_loop().time
        first = await pool.take(clock() + PATIENCE)
        second = asyncio.create_task(pool.take(clock() + PATIENCE))
        await asyncio.sleep(0)
        pool.back(first)
        async with asyncio.timeout(FULL_FOR / 2):  # at once, and not when the server may be asked again
            assert await second is first
        with pytest.raises(StoreUnavailable, match="no more connections than the 1 that are open"):
            await pool.take(clock() + PATIENCE)
        pool.back(first)
        await pool.close()

    asyncio.run(scene())


def test_whoever_waits_is_told_in_time_though_somebody_with_more_patience_waits_before(url: str) -> None:
    async def scene() -> None:
        pool = Pool(Address(url), size=1, patience=PATIENCE)
        clock = asyncio.get_running_loop().time
        line = await pool.take(clock() + PATIENCE)
        patient = asyncio.create_task(pool.take(clock() + 60))
        await asyncio.sleep(0)
        with pytest.raises(StoreUnavailable, match="All 1 connections"):
            async with asyncio.timeout(PATIENCE + 2):
                await pool.take(clock() + PATIENCE)
        pool.back(line)
        pool.back(await patient)
        await pool.close()

    asyncio.run(scene())


def test_a_commit_that_no_standby_has_is_never_a_yes(server: Server, url: str) -> None:
    """PostgreSQL calls it done when its waiting for a standby is cancelled; for us it is not known."""

    async def scene() -> None:
        async with store_at(url) as store:
            server.configure(synchronous_standby_names="nobody")
            try:
                (said, _) = await refuses(store, "claim", "ready")
                assert "it counts as refused" in said
            finally:
                server.configure(synchronous_standby_names=None)
            await recovers(store)

    asyncio.run(scene())


@contextmanager
def locked(url: str, table: str) -> Iterator[None]:
    with psycopg.connect(url) as connection:
        connection.execute(psycopg.sql.SQL("LOCK TABLE {}").format(psycopg.sql.Identifier(table)))
        yield


def test_a_statement_that_takes_too_long_is_cancelled(server: Server, url: str) -> None:
    """What waits for somebody's lock is given up, on the server too, and nothing of it is kept later."""

    async def scene() -> None:
        async with store_at(url) as store:
            with locked(url, "assertions"):
                (said,) = await refuses(store, "claim")
                assert "took too long" in said
                assert "Nothing was changed" in said
                busy = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name_of(url)}' AND state = 'active'"  # noqa: S608 - a name of ours
                assert server.sql(busy) == ["0"]
            assert await store.assertions.claim(nouns.claim("in trouble"))

    asyncio.run(scene())


def test_putting_a_configuration_in_place_may_take_longer_than_a_login_waits(url: str) -> None:
    """A large file is no failure: it has an operator's patience, while a login is refused within its own."""

    async def scene() -> None:
        async with store_at(url) as store:
            with locked(url, "connections"):
                applying = asyncio.create_task(
                    store.configured.apply(
                        installation=Installation(), applications=(), connections=(nouns.connection(),)
                    )
                )
                await asyncio.sleep(PATIENCE * 3)
                assert not applying.done()
            await applying
            assert await store.configured.connection("acme") == nouns.connection()

    asyncio.run(scene())


def test_more_asked_than_there_are_connections(url: str) -> None:
    """Whoever gets no connection in time is told so; those that come later are served."""

    async def scene() -> None:
        async with store_at(url, connections=1) as store:
            with locked(url, "assertions"):
                _, (said,) = await asyncio.gather(refuses(store, "claim"), refuses(store, "read"))
                assert "All 1 connections" in said
            await recovers(store)

    asyncio.run(scene())


def test_a_cancelled_request_leaves_no_connection_in_a_transaction(url: str) -> None:
    """Whoever goes away while the server works takes nothing with them: the only connection is free again, and nothing was kept."""

    async def scene() -> None:
        async with store_at(url, connections=1, patience=5) as store:
            with locked(url, "assertions"):
                gone = asyncio.create_task(store.assertions.claim(nouns.claim("gone")))
                waits = asyncio.create_task(store.sessions.find(Digest("session-a")))
                await asyncio.sleep(0.1)
                gone.cancel()
                assert await waits is None
            await recovers(store)

    asyncio.run(scene())


def test_a_database_that_takes_no_writes(server: Server, url: str) -> None:
    """A standby, or what is read-only by default, is not ready and keeps nothing; what is only read is answered."""

    async def scene() -> None:
        server.sql(f'ALTER DATABASE "{name_of(url)}" SET default_transaction_read_only = on')
        async with store_at(url) as store:
            said = await refuses(store, "write", "claim", "settle", "ready")
            assert all("takes no writes" in words for words in said)
            assert await store.sessions.find(Digest("session-a")) is None

    asyncio.run(scene())


def test_a_connection_to_what_was_the_primary_is_made_anew(server: Server, url: str) -> None:
    """After a failover, connections that were made before it take no writes: others are made, and nobody notices."""

    async def scene() -> None:
        server.sql(f'ALTER DATABASE "{name_of(url)}" SET default_transaction_read_only = on')
        async with store_at(url) as store:
            server.sql(f'ALTER DATABASE "{name_of(url)}" RESET default_transaction_read_only')
            await recovers(store)

    asyncio.run(scene())


def test_a_database_that_is_dropped(server: Server, url: str) -> None:
    async def scene() -> None:
        async with store_at(url) as store:
            server.drop(url)
            await asyncio.sleep(0.05)
            said = await refuses(store)
            assert all("createdb" in words for words in said[1:]), said

    asyncio.run(scene())


def test_an_answer_that_is_lost_at_the_commit_is_never_a_yes(server: Server, url: str) -> None:
    """The claim was kept, and nobody could know: it is refused, it is not tried again, and the assertion stays claimed."""

    async def scene() -> None:
        async with Proxy(server.port) as proxy, store_at(_through(proxy, url)) as store:
            proxy.mood = Mood.LOSES_ANSWERS
            (said,) = await refuses(store, "claim")
            assert "is not known" in said
            assert not await store.assertions.claim(nouns.claim("in trouble"))

    asyncio.run(scene())


@pytest.mark.parametrize("mood", [Mood.LOSES_ANSWERS, Mood.LOSES_REQUESTS])
def test_a_connection_that_is_lost_before_the_commit_is_made_anew(server: Server, url: str, mood: Mood) -> None:
    """A read, and a write whose commit was not sent, are asked once more on another connection, and nobody notices."""

    async def scene() -> None:
        async with Proxy(server.port) as proxy, store_at(_through(proxy, url)) as store:
            await store.keys.seal_check("seal")
            proxy.mood = mood
            assert await store.keys.change(None, lambda known: (nouns.key(),), seal="seal")
            before, proxy.mood = proxy.connections, mood
            assert await store.keys.all() == (nouns.key(),)
            assert proxy.connections > before

    asyncio.run(scene())


def test_connections_that_died_without_a_word(server: Server, url: str) -> None:
    """As when a firewall forgets them: the first one that is asked is given up within the patience, and the others with it, unasked."""

    async def scene() -> None:
        async with Proxy(server.port) as proxy, store_at(_through(proxy, url)) as store:
            await asyncio.gather(*(store.keep(nouns.session(str(number))) for number in range(20)))
            assert proxy.connections > 2
            proxy.swallow()
            await refuses(store, "write", within=PATIENCE + 2.5)
            await recovers(store)

    asyncio.run(scene())


def test_prepared_statements_that_are_lost_are_missed_once(url: str) -> None:
    """As behind a pooler: what was asked is answered all the same, and from then on nothing is prepared."""

    def forget() -> Steps[None]:
        yield Unread((("DEALLOCATE ALL", ()),))

    async def scene() -> None:
        async with store_at(url, connections=1) as store:
            await recovers(store)
            assert store.prepares
            await store.write(forget)
            assert not await store.assertions.claim(nouns.claim("in trouble"))
            assert not store.prepares
            await recovers(store)

    asyncio.run(scene())


def _through(proxy: Proxy, url: str) -> str:
    return f"postgresql://{servers.ROLE}:{QUOTED_PASSWORD}@127.0.0.1:{proxy.port}/{name_of(url)}"


@pytest.mark.parametrize("name", ["answer_with_one_assertion", "take_arrival_by_code_or_by_hand", "settle_and_join"])
def test_a_stricter_isolation_changes_nothing(server: Server, url: str, name: str) -> None:
    """Where the operator made transactions serializable, those that disturb one another are run again until one has won."""
    server.sql(f'ALTER DATABASE "{name_of(url)}" SET default_transaction_isolation = serializable')

    async def scene() -> None:
        async with store_at(url, patience=5) as store:
            await run_in_one_loop(store, name)

    assert name in RACES
    asyncio.run(scene())


# -- at the door ----------------------------------------------------------------------------------------------------


def opening(url: str) -> Refused:
    with pytest.raises(Refused) as refused:
        asyncio.run(_opened(url))
    assert PASSWORD not in str(refused.value)
    assert QUOTED_PASSWORD not in str(refused.value)
    return refused.value


def test_a_wrong_password_or_role_or_database(server: Server, url: str) -> None:
    """Each is refused in words that say which of them it was, and none repeats the password."""
    found = opening(url.replace(QUOTED_PASSWORD, "hunter2"))
    assert (found.code, "refuses our user or password" in found.why, "hunter2" in found.why) == (
        "store.unavailable",
        True,
        False,
    )
    found = opening(url + "-missing")
    assert (found.code, "createdb" in found.why) == ("store.unavailable", True)


def test_an_address_that_cannot_be_read_is_not_repeated() -> None:
    with pytest.raises(StoreUnavailable) as refused:
        PostgresStore("postgresql://me:hunter2@[db/x")
    assert "hunter2" not in refused.value.why
    assert "hunter2" not in repr(PostgresStore("postgresql://me:hunter2@db/x")._address)


def test_nobody_at_home() -> None:
    """A port at which nobody listens, and a name that nobody knows."""
    port = servers.free_port()
    assert "cannot be reached" in opening(f"postgresql://me:x@127.0.0.1:{port}/x").why
    assert "cannot be reached" in opening("postgresql://me:x@nowhere.invalid/x").why


def test_a_database_of_another_encoding_is_refused(server: Server) -> None:
    name = "latin"
    server.sql(
        f'CREATE DATABASE "{name}" OWNER "{servers.ROLE}" TEMPLATE template0 ENCODING LATIN1 LOCALE_PROVIDER libc LOCALE \'C\''
    )
    assert opening(server.url(name)).code == "store.encoding"


def test_a_server_that_acknowledges_too_early_is_refused(server: Server, url: str) -> None:
    """Without synchronous commits an acknowledged claim can be lost in a power cut, and the assertion be accepted again."""
    server.sql(f'ALTER DATABASE "{name_of(url)}" SET synchronous_commit = off')
    assert opening(url).code == "store.not_durable"


def test_a_database_whose_transactions_do_not_see_what_others_did_is_refused(server: Server, url: str) -> None:
    server.sql(f"ALTER DATABASE \"{name_of(url)}\" SET default_transaction_isolation = 'repeatable read'")
    assert opening(url).code == "store.isolation"


def test_the_database_of_another_program_is_refused_and_left_as_it_is(server: Server) -> None:
    """Also of one that keeps its own Alembic revision there."""
    url = server.database()
    server.sql("SET ROLE vestibule; CREATE TABLE recipes (name text)", database=name_of(url))
    assert opening(url).code == "store.foreign"
    server.sql("SET ROLE vestibule; CREATE TABLE alembic_version (version_num text)", database=name_of(url))
    server.sql("INSERT INTO alembic_version VALUES ('beef')", database=name_of(url))
    assert opening(url).code == "store.foreign"
    tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
    assert server.sql(tables, database=name_of(url)) == ["alembic_version", "recipes"]
    server.drop(url)


def test_the_database_of_a_newer_vestibule_is_refused(server: Server, url: str) -> None:
    server.sql("UPDATE alembic_version SET version_num = '9999'", database=name_of(url))
    server.sql("UPDATE facts SET value = '9998' WHERE name = 'serves'", database=name_of(url))
    found = opening(url)
    assert (found.code, found.got) == ("store.newer", "9999")


def test_a_role_that_may_make_no_tables_is_told_so(server: Server) -> None:
    url = server.database()
    server.sql(f'ALTER DATABASE "{name_of(url)}" OWNER TO postgres')
    found = opening(url)
    assert found.code == "store.unavailable"
    assert "Make it the owner" in found.why
    server.drop(url)
