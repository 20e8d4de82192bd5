"""A database that is put back from a copy: what was there works, what was used is used, and what it cannot know is refused."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from tests.doubles import CountingEntropy, FixedClock
from tests.postgres import Server, binaries
from tests.wire.attacker import refreshed, tokens
from tests.wire.world import World, authorization, code_of, configuration, furnished, refused

from vestibule.flows.restored import Restoring
from vestibule.store.backup import back_up
from vestibule.store.port import Store
from vestibule.store.postgres import PostgresStore
from vestibule.store.sqlite import SqliteStore


@dataclass
class Kind:
    """One kind of database: how it is opened, and how a copy is made of it and put into the place of a new one."""

    make: Callable[[], Store]
    copy: Callable[[], None]
    restored: Callable[[], Store]


def sqlite_kind(folder: Path) -> Kind:
    database, copy = folder / "vestibule.db", folder / "copies" / "vestibule.db"
    copy.parent.mkdir()

    def made() -> None:
        back_up(database, copy, draft="draft")

    def restored() -> Store:
        shutil.copy(copy, folder / "restored.db")
        return SqliteStore(folder / "restored.db")

    return Kind(make=lambda: SqliteStore(database), copy=made, restored=restored)


def postgres_kind(server: Server, folder: Path) -> Kind:
    """With the server's own programs, as the role that owns the database."""
    url, place = server.database(), server.database()
    dump = folder / "vestibule.dump"

    def run(program: str, *arguments: str) -> None:
        password = unquote(urlsplit(url).password or "")
        command = [str((binaries() or Path()) / program), *arguments]
        done = subprocess.run(
            command,
            env={**os.environ, "PGPASSWORD": password},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def restored() -> Store:
        run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={place}", str(dump))
        return PostgresStore(place)

    return Kind(
        make=lambda: PostgresStore(url),
        copy=lambda: run("pg_dump", "--format=custom", f"--file={dump}", url),
        restored=restored,
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    if request.param == "sqlite":
        yield sqlite_kind(tmp_path)
    else:
        yield postgres_kind(request.getfixturevalue("postgres"), tmp_path)


DOCUMENT = configuration(unsolicited="accept", accept_login_csrf_risk=True)


def played(scene: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await scene()

    asyncio.run(whole())


async def node(store: Store, clock: FixedClock, word: str) -> World:
    return await furnished(store, clock=clock, entropy=CountingEntropy(word))


def posted(response: str) -> dict[str, str]:
    return {"SAMLResponse": response}


async def post(world: World, response: str) -> int:
    """What came of a response that is posted unsolicited; 303 where it was believed."""
    answered = await world.browser().post(
        "/login/callback?connection=acme", posted(response), origin="https://idp.acme.example", cross_site=True
    )
    return answered.status_code


async def why(world: World) -> str | None:
    return (await world.house.store.events.latest(limit=1, kind="login.refused"))[0].code


def test_what_was_there_when_the_copy_was_made_works_and_what_was_used_stays_used(kind: Kind) -> None:
    """Sessions, refresh tokens, keys and claimed assertions are of one moment, made while logins went on."""

    async def scene() -> None:
        clock = FixedClock()
        world = await node(kind.make(), clock, "before")
        await world.apply(DOCUMENT)
        browser = world.browser()
        got = await tokens(world, browser)
        used = world.saml_response(assertion_id="_used-before")
        assert await post(world, used) == 303
        await asyncio.to_thread(kind.copy)
        assert await post(world, world.saml_response(assertion_id="_used-after")) == 303
        await world.house.store.close()

        again = await node(kind.restored(), clock, "after")
        assert await post(again, used) == 400
        assert await why(again) == "saml.replayed"
        old = again.browser()
        old.jar.update(browser.jar)
        assert code_of(await old.get(authorization(), cross_site=True))
        assert (await refreshed(again, got["refresh_token"]))["id_token"]
        assert [key["kid"] for key in await again.house.keyring.published()] == [
            key["kid"] for key in await world.house.keyring.published()
        ]
        await again.house.store.close()

    played(scene)


def test_what_was_used_after_the_copy_was_made_is_refused_once_the_restore_is_told(kind: Kind) -> None:
    """The copy knows nothing of it, so it would be believed a second time; fresh ones are believed again soon."""

    async def scene() -> None:
        clock = FixedClock()
        world = await node(kind.make(), clock, "before")
        await world.apply(DOCUMENT)
        await asyncio.to_thread(kind.copy)
        clock.advance(60)
        ahead = clock.now() + timedelta(
            seconds=59
        )  # an identity provider whose clock is ahead, within the allowed skew
        taken = world.saml_response(assertion_id="_used-after", issue_instant=ahead)
        assert await post(world, taken) == 303
        assert await post(world, taken) == 400
        await world.house.store.close()

        clock.advance(30)
        store = kind.restored()
        await store.open()
        at = await Restoring(store=store, clock=clock, entropy=CountingEntropy("restoring")).mark()
        again = await node(store, clock, "after")
        assert await post(again, taken) == 400
        assert await why(again) == "saml.before_restore"
        page = await again.browser().post(
            "/login/callback?connection=acme", posted(taken), origin="https://idp.acme.example", cross_site=True
        )
        assert refused(page, 400)
        assert "Please sign in once more" in page.text
        clock.set(at + timedelta(seconds=60))
        assert await post(again, again.saml_response(issue_instant=clock.now() - timedelta(seconds=1))) == 400
        assert await post(again, again.saml_response(assertion_id="_fresh")) == 303
        assert (await store.events.latest(kind="database.restored"))[0].at == at
        await store.close()

    played(scene)


def test_without_a_word_a_restored_database_believes_what_it_forgot(kind: Kind) -> None:
    """Why the word is needed: this is what the guide says that a restore loses."""

    async def scene() -> None:
        clock = FixedClock()
        world = await node(kind.make(), clock, "before")
        await world.apply(DOCUMENT)
        await asyncio.to_thread(kind.copy)
        taken = world.saml_response(assertion_id="_used-after")
        assert await post(world, taken) == 303
        await world.house.store.close()
        again = await node(kind.restored(), clock, "after")
        assert await post(again, taken) == 303
        await again.house.store.close()

    played(scene)
