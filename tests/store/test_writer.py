"""Group commit: requests that wait together are written together, and each stands or falls alone."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.store import nouns
from tests.store.nouns import T0

from vestibule.ground.errors import Refused
from vestibule.model.ids import Digest, PersonId, Reference
from vestibule.model.installation import Installation
from vestibule.store.faults import AlreadyKept
from vestibule.store.port import Answered, StoreUnavailable
from vestibule.store.sqlite import SqliteStore
from vestibule.store.steps import Steps


@asynccontextmanager
async def opened(path: Path, patience: float = 5.0) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, patience=patience)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The write lock, held by somebody else."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def together(store: SqliteStore, path: Path, *work: Awaitable[Any]) -> list[Any]:
    """Runs the work so that all of it but perhaps the first piece waits while the lock is elsewhere, then goes in one group."""
    with locked(path):
        running = [asyncio.ensure_future(piece) for piece in work]
        await asyncio.sleep(0.05)
        assert not any(piece.done() for piece in running)
    return await asyncio.gather(*running, return_exceptions=True)


def pragma(text: str) -> Callable[[], Steps[Any]]:
    def steps() -> Steps[Any]:
        rows = yield f"PRAGMA {text}", ()
        return rows[0][0] if rows else None

    return steps


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vestibule.db"


def test_requests_that_wait_share_a_commit(path: Path) -> None:
    """What was asked for while a transaction was under way goes to disk in one: a hundred requests, two commits."""

    async def whole() -> None:
        async with opened(path) as store:
            before = store.commits
            claims = [store.assertions.claim(nouns.claim(str(number))) for number in range(100)]
            assert await together(store, path, *claims) == [True] * 100
            assert 1 <= store.commits - before <= 2
            await asyncio.gather(*(store.keep(nouns.event(str(number))) for number in range(1000)))
            assert len(await store.events.latest(limit=2000)) == 1000

    asyncio.run(whole())


def test_one_that_fails_spoils_no_other(path: Path) -> None:
    """In one group a double insert, a refusal, a bug and a lost race fail alone; what came before and after them is kept."""

    def bug() -> Steps[None]:
        yield "INSERT INTO facts (name, value) VALUES ('bug', '1')", ()
        raise ZeroDivisionError

    def wrong_sql() -> Steps[None]:
        yield "INSERT INTO facts (name, value) VALUES ('wrong', '1')", ()
        yield "SELECT nonsense", ()

    def null() -> Steps[None]:
        yield "INSERT INTO facts (name, value) VALUES ('null', NULL)", ()

    async def whole() -> None:
        async with opened(path) as store:
            await store.keep(nouns.code(), nouns.pending())
            await store.assertions.claim(nouns.claim())
            held = nouns.listing("x.example", verified=True)
            taken = [nouns.connection("a", domains=held), nouns.connection("b", domains=held)]
            results = await together(
                store,
                path,
                store.keep(nouns.session("first")),
                store.keep(nouns.event("lost"), nouns.code()),
                store.keep(nouns.session("second")),
                store.configured.apply(installation=Installation(), applications=(), connections=taken),
                store.write(bug),
                store.pending.answer(
                    "_request-a", cookie=Digest("login-a"), claim=nouns.claim(), now=T0, keep=(nouns.event("lost"),)
                ),
                store.write(null),
                store.assertions.claim(nouns.claim("b"), keep=(nouns.session("third"),)),
            )
            assert results[0] is results[2] is None
            assert isinstance(results[1], AlreadyKept)
            assert isinstance(results[3], Refused)
            assert isinstance(results[4], ZeroDivisionError)
            assert results[5] is Answered.REPLAYED
            assert isinstance(results[6], sqlite3.IntegrityError)
            assert results[7] is True
            await kept_three_and_lost_none(store)
            again = await together(
                store, path, store.keep(nouns.session("4")), store.write(wrong_sql), store.keep(nouns.session("5"))
            )
            assert again[0] is again[2] is None
            assert isinstance(again[1], sqlite3.OperationalError)
            assert await store.sessions.find(Digest("session-5")) is not None

    async def kept_three_and_lost_none(store: SqliteStore) -> None:
        for word in ("first", "second", "third"):
            assert await store.sessions.find(Digest(f"session-{word}")) is not None
        assert await store.events.by_reference(Reference("R-1")) == ()
        assert await store.pending.find("_request-a") == nouns.pending()

        def facts() -> Steps[list[Any]]:
            rows = yield "SELECT name FROM facts WHERE name != 'serves'", ()
            return list(rows)

        assert await store.read(facts) == []

    asyncio.run(whole())


def test_nothing_is_acknowledged_before_its_commit(path: Path) -> None:
    """While the transaction is not on disk, whoever asked waits, and nobody reads what he asked for."""

    async def whole() -> None:
        async with opened(path) as store:
            with locked(path):
                waiting = asyncio.ensure_future(store.keep(nouns.session()))
                await asyncio.sleep(0.05)
                assert not waiting.done()
                assert await store.sessions.find(Digest("session-a")) is None
            await waiting
            assert await store.sessions.find(Digest("session-a")) == nouns.session()

    asyncio.run(whole())


def test_a_lock_that_is_held_too_long(path: Path) -> None:
    """Whoever waits for the write lock in vain is told that the store cannot answer, all of a group at once; then it works again."""

    async def whole() -> None:
        async with opened(path, patience=0.1) as store:
            with locked(path):
                began = asyncio.get_running_loop().time()
                claims = [store.assertions.claim(nouns.claim(str(number))) for number in range(20)]
                results = await asyncio.gather(*claims, return_exceptions=True)
                assert asyncio.get_running_loop().time() - began < 1
                with pytest.raises(StoreUnavailable) as refused:
                    await store.ready()
                assert await store.events.latest() == ()  # reading goes on
            assert [type(result) for result in results] == [StoreUnavailable] * 20
            assert refused.value.code == "store.unavailable"
            assert "write lock" in refused.value.why
            await store.ready()
            assert await store.assertions.claim(nouns.claim("1"))

    asyncio.run(whole())


def test_a_full_disk(path: Path) -> None:
    """What no longer fits is refused and changes nothing, small things of its group are written; with more room all is well again."""

    async def whole() -> None:
        async with opened(path) as store:
            pages = await store.write(pragma("page_count"))
            await store.write(pragma(f"max_page_count = {pages + 4}"))
            big = nouns.event("big", detail={"text": "x" * 1_000_000})
            with pytest.raises(StoreUnavailable) as refused:
                await store.assertions.claim(nouns.claim("a"), keep=(big,))
            assert "full" in refused.value.why
            results = await together(
                store,
                path,
                store.keep(nouns.session("a")),
                store.assertions.claim(nouns.claim("a"), keep=(big,)),
                store.keep(nouns.session("b")),
            )
            assert results[0] is results[2] is None
            assert isinstance(results[1], StoreUnavailable)
            assert await store.sessions.find(Digest("session-b")) == nouns.session("b")
            await store.write(pragma("max_page_count = 1000000"))
            assert await store.assertions.claim(nouns.claim("a"), keep=(big,))
            assert await store.events.latest() == (big,)

    asyncio.run(whole())


def test_a_file_that_cannot_be_written(path: Path) -> None:
    """A write that the file refuses is `StoreUnavailable`, reading goes on; a later write finds the way again."""

    async def whole() -> None:
        async with opened(path) as store:
            await store.write(pragma("query_only = ON"))
            with pytest.raises(StoreUnavailable) as refused:
                await store.keep(nouns.session())
            assert "cannot be written to" in refused.value.why
            assert await store.sessions.find(Digest("session-a")) is None
            await store.keep(nouns.session())
            assert await store.sessions.find(Digest("session-a")) == nouns.session()

    asyncio.run(whole())


def test_a_file_that_has_gone(path: Path) -> None:
    """A connection that broke is not made anew on another, empty file."""
    moved = path.with_suffix(".moved")

    async def whole() -> None:
        async with opened(path) as store:
            await store.write(pragma("query_only = ON"))
            os.rename(path, moved)
            for _ in range(2):
                with pytest.raises(StoreUnavailable) as refused:
                    await store.keep(nouns.session())  # breaks the connection
                assert "moved away or replaced" in refused.value.why
            os.link(moved, path)  # fails where a file was made meanwhile
            await store.keep(nouns.session())
            assert await store.configured.connections() == ()

    asyncio.run(whole())


def test_a_caller_who_goes_away(path: Path) -> None:
    """A caller that is cancelled while it waits disturbs nobody; what it asked for may have been done."""

    async def whole() -> None:
        async with opened(path) as store:
            with locked(path):
                gone = asyncio.ensure_future(store.keep(nouns.session("gone")))
                stays = asyncio.ensure_future(store.keep(nouns.session("stays")))
                await asyncio.sleep(0.02)
                gone.cancel()
            await stays
            with pytest.raises(asyncio.CancelledError):
                await gone
            assert await store.sessions.find(Digest("session-stays")) is not None

    asyncio.run(whole())


def test_a_sign_in_that_changes_nothing_writes_nothing(path: Path) -> None:
    """An identity is written when what is remembered of it changed, and not again when it comes as it was."""

    async def whole() -> None:
        async with opened(path) as store:
            changes: dict[str, Any] = {}
            for change in (
                {},
                {"email": "new@acme.example"},
                {"email_verified": False},
                {"display": "new"},
                {"connection": nouns.OTHER},
            ):
                changes |= change
                written = []
                for _ in range(2):
                    before = store.commits
                    identity = nouns.identity(**changes)
                    await store.people.settle(identity, new=PersonId("p"), provision=True, link=True, now=T0)
                    written.append(store.commits - before)
                assert written == [1, 0], change

    asyncio.run(whole())


def test_several_loops_share_one_store(path: Path) -> None:
    """One open store serves event loops on several threads."""

    async def whole() -> None:
        async with opened(path) as store:

            async def work(number: int) -> None:
                for heat in range(20):
                    word = f"{number}-{heat}"
                    await store.keep(nouns.session(word))
                    assert await store.sessions.find(Digest(f"session-{word}")) is not None

            await asyncio.gather(*(asyncio.to_thread(asyncio.run, work(number)) for number in range(4)))
            for number in range(4):
                assert await store.sessions.find(Digest(f"session-{number}-19")) is not None

    asyncio.run(whole())
