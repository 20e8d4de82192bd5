"""Starting to serve: what stands in the way is one sentence, said before anything is announced; the issuer stays what it was."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from tests.doubles import CountingEntropy, FixedClock
from tests.store import nouns

from vestibule import assembly
from vestibule.ground.errors import Refused
from vestibule.keys.keyring import Keyring
from vestibule.settings.database import PostgresUrl
from vestibule.settings.process import Settings
from vestibule.store.memory import MemoryStore
from vestibule.store.port import StoreUnavailable
from vestibule.store.retention import EVENTS


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of a database that was opened once: making keys takes a second."""
    settings = Settings(
        issuer="https://login.example/", database=tmp_path_factory.mktemp("house") / "v.db", master_key=bytes(32)
    )
    opened(settings)
    return settings


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def opened(settings: Settings) -> None:
    async def whole() -> None:
        async with assembly.open_house(settings):
            pass

    asyncio.run(whole())


def refused(settings: Settings) -> Refused:
    with pytest.raises(Refused) as caught:
        assembly.run_server(settings, announce=lambda: pytest.fail("it was announced"))
    return caught.value


@pytest.mark.parametrize("workers", [1, 2])
def test_a_port_in_use_is_refused_before_anything_is_announced(made: Settings, taken: int, workers: int) -> None:
    found = refused(replace(made, port=taken, workers=workers))
    assert (found.code, found.got) == ("serve.port", "Address already in use")


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid", "a" * 70])
def test_an_address_that_is_not_this_machines_is_refused(made: Settings, host: str) -> None:
    assert refused(replace(made, host=host)).code == "serve.port"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_database_that_cannot_be_opened_is_refused_before_the_port_is_taken(
    made: Settings, taken: int, workers: int, tmp_path: Path
) -> None:
    settings = replace(made, port=taken, workers=workers)
    assert refused(replace(settings, database=tmp_path / "missing" / "v.db")).code == "settings.database"
    (tmp_path / "v.db").write_bytes(b"something else that is no database" * 9)
    assert refused(replace(settings, database=tmp_path / "v.db")).code == "store.unavailable"


def test_the_issuer_of_a_database_is_that_of_its_first_start(made: Settings) -> None:
    opened(made)
    with pytest.raises(Refused) as caught:
        opened(replace(made, issuer="https://other.example/"))
    assert caught.value.code == "settings.issuer_changed"
    assert (caught.value.want, caught.value.got) == ("https://login.example/", "https://other.example/")
    opened(made)


def test_an_address_that_is_absent_is_passed_over_where_the_host_has_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """`localhost` often names ::1 on machines without IPv6."""
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in ("192.0.2.1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with contextlib.ExitStack() as stack:
        found = [listening.getsockname()[0] for listening in assembly._listening("localhost", 0, stack)]
    assert found == ["127.0.0.1"]


def test_events_are_swept_when_they_are_as_old_as_the_settings_say() -> None:
    """The setting reaches the broom; and a store that fails does not end the sweeping."""

    class Failing(MemoryStore):
        asked = 0
        done = asyncio.Event()

        async def sweep(self, *, now: datetime, limit: int = 500, events: timedelta = EVENTS) -> int:
            self.asked += 1
            if self.asked == 1:
                raise StoreUnavailable("not now")
            self.done.set()
            return await super().sweep(now=now, limit=limit, events=events)

    async def whole() -> int:
        store = Failing()
        await store.keep(nouns.event())
        clock = FixedClock(nouns.T0 + timedelta(days=7))
        settings = Settings(issuer="https://login.example/", events_days=7)
        keyring = Keyring(store=store, clock=clock, entropy=CountingEntropy(), master_key=bytes(32))
        house = assembly.join(settings, store=store, keyring=keyring, clock=clock, entropy=CountingEntropy())
        sweeping = asyncio.create_task(assembly.sweep_forever(house, every=0))
        await asyncio.wait_for(store.done.wait(), 20)
        sweeping.cancel()
        return len(await store.events.latest())

    assert asyncio.run(whole()) == 0


def test_a_house_stands_on_postgresql_as_well(postgres_url: str) -> None:
    """It opens, and opens again with the same master key; another one, or none, is refused before anything is served."""
    settings = Settings(
        issuer="https://login.example/",
        database=PostgresUrl(postgres_url),
        database_connections=2,
        master_key=bytes(32),
    )
    opened(settings)
    opened(settings)
    assert refused(replace(settings, master_key=b"\1" * 32)).code == "keys.seal_check"
    assert refused(replace(settings, master_key=None)).code == "settings.master_key_missing"
    missing = refused(replace(settings, database=PostgresUrl(postgres_url + "-missing")))
    assert missing.code == "store.unavailable"
    assert "createdb" in missing.why


def test_many_workers_wait_on_few_connections(postgres_url: str) -> None:
    """However much is asked at once, no more connections are opened than the setting says."""
    settings = Settings(
        issuer="https://login.example/",
        database=PostgresUrl(postgres_url),
        database_connections=2,
        master_key=bytes(32),
    )

    async def whole() -> None:
        async with assembly.open_house(settings) as house:
            await asyncio.gather(*(house.store.ready() for _ in range(40)))
            with psycopg.connect(postgres_url) as connection:
                ours = """SELECT count(*) FROM pg_stat_activity
                    WHERE application_name = 'vestibule' AND datname = current_database()"""
                assert connection.execute(ours).fetchone() == (2,)

    asyncio.run(whole())
