"""Replacing the master key: nothing is lost, people stay who they are, and a crash leaves what one of two keys opens."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.doubles import START, CountingEntropy, FixedClock
from tests.keys.test_keyring import ACME, BETA

from vestibule.ground.errors import Refused
from vestibule.keys.keyring import PEPPERS, Keyring
from vestibule.keys.seal import Seal
from vestibule.model.key import KeyPurpose, StoredKey
from vestibule.settings import master_key
from vestibule.store.memory import MemoryStore
from vestibule.store.port import Store
from vestibule.store.sqlite import SqliteStore

ROOT = Path(__file__).parents[2]
OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32


def node(store: Store, *masters: bytes, seed: str = "") -> Keyring:
    current, *previous = masters
    clock, entropy = FixedClock(), CountingEntropy(seed + masters[0].hex())
    return Keyring(store=store, clock=clock, entropy=entropy, master_key=current, previous=tuple(previous))


@pytest.fixture(scope="module")
def made() -> tuple[tuple[StoredKey, ...], dict[str, bytes]]:
    """The keys of a store under the old master key, with those of two connections; and its peppers."""

    async def story() -> tuple[tuple[StoredKey, ...], dict[str, bytes]]:
        store = MemoryStore()
        keyring = node(store, OLD)
        await keyring.prepare()
        await keyring.encryption_certificate(ACME)
        await keyring.encryption_certificate(BETA)
        keys = (*await store.keys.all(), *await store.keys.of(ACME), *await store.keys.of(BETA))
        return keys, {name: keyring.pepper(name) for name in PEPPERS}

    return asyncio.run(story())


@pytest.fixture
def store(made: tuple[tuple[StoredKey, ...], dict[str, bytes]]) -> MemoryStore:
    """As it was made, opened once under the old master key."""

    async def story() -> MemoryStore:
        store = MemoryStore()
        await store.keep(*made[0])
        await node(store, OLD).prepare()
        return store

    return asyncio.run(story())


def told(story: Callable[[], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        return await story()

    return asyncio.run(whole())


def refusal(story: Callable[[], Awaitable[Any]]) -> str:
    with pytest.raises(Refused) as caught:
        told(story)
    return caught.value.code


async def everything(keyring: Keyring) -> tuple[object, ...]:
    """All that a master key guards, opened."""
    signers = [await keyring.token_signer(alg) for alg in ("RS256", "ES256")]
    private = [
        (await keyring.saml_signer())[0],
        *await keyring.decryption_keys(ACME),
        *await keyring.decryption_keys(BETA),
    ]
    numbers = [key.private_numbers() for key in private]
    return ([signer.kid for signer in signers], numbers, [keyring.pepper(name) for name in PEPPERS])


def test_under_the_new_key_everything_is_what_it_was_and_the_old_one_opens_nothing(store: MemoryStore) -> None:
    """Keys of the installation and of connections, and the peppers: under others every person would be a stranger."""

    async def story() -> None:
        before = await everything(node(store, OLD))
        both = node(store, NEW, OLD)
        await both.prepare()
        assert not await both.is_resealed()
        assert await both.reseal() == 5
        assert await both.is_resealed()
        after = node(store, NEW)
        await after.prepare()
        assert await everything(after) == before
        with pytest.raises(Refused) as caught:
            await node(store, OLD).prepare()
        assert caught.value.code == "keys.seal_check"
        for key in (*await store.keys.all(), *await store.keys.of(ACME)):
            about = f"{key.purpose} {key.kid}" + (f" {key.connection}" if key.connection else "")
            with pytest.raises(Refused):
                Seal(master_key=OLD).open(key.sealed, about=about)

    told(story)


def test_peppers_outlive_a_second_replacement(store: MemoryStore, made: tuple[object, dict[str, bytes]]) -> None:
    async def story() -> dict[str, bytes]:
        for masters in ((NEW, OLD), (OTHER, NEW)):
            keyring = node(store, *masters)
            await keyring.prepare()
            await keyring.reseal()
        last = node(store, OTHER)
        await last.prepare()
        return {name: last.pepper(name) for name in PEPPERS}

    assert told(story) == made[1]


def test_a_store_that_never_kept_its_peppers_keeps_those_of_the_key_it_is_sealed_with(
    made: tuple[tuple[StoredKey, ...], dict[str, bytes]],
) -> None:
    """They were derived anew at every start once; a first start with both master keys must not take the new one's."""

    async def story() -> dict[str, bytes]:
        store = MemoryStore()
        await store.keep(*made[0])
        await store.keys.seal_check(Seal(master_key=OLD).check)
        both = node(store, NEW, OLD)
        await both.prepare()
        await both.reseal()
        after = node(store, NEW)
        await after.prepare()
        return {name: after.pepper(name) for name in PEPPERS}

    assert told(story) == made[1]


def test_resealing_again_changes_nothing_and_mends_what_an_older_node_left(store: MemoryStore) -> None:
    async def story() -> None:
        both = node(store, NEW, OLD)
        await both.prepare()
        await both.reseal()
        assert await both.reseal() == 0
        stray = (await store.keys.of(ACME))[0]
        about = f"{stray.purpose} {stray.kid} {stray.connection}"
        text = Seal(master_key=NEW).open(stray.sealed, about=about)
        await store.keep(replace(stray, sealed=Seal(master_key=OLD).close(text, about=about, nonce=bytes(12))))
        assert await both.reseal() == 1
        assert len(await node(store, NEW).decryption_keys(ACME)) == 1

    told(story)


@pytest.mark.parametrize("masters", [(NEW,), (NEW, OTHER), (OTHER,)])
def test_without_the_key_that_the_store_is_sealed_with_nobody_starts(
    store: MemoryStore, masters: tuple[bytes, ...]
) -> None:
    assert refusal(lambda: node(store, *masters).prepare()) == "keys.seal_check"


def test_a_key_that_opens_under_none_stops_it_and_both_master_keys_are_needed_until_it_ends(store: MemoryStore) -> None:
    async def story() -> None:
        key = (await store.keys.of(BETA))[0]
        await store.keep(replace(key, sealed=bytes(len(key.sealed))))
        both = node(store, NEW, OLD)
        with pytest.raises(Refused) as caught:
            await both.reseal()
        assert caught.value.code == "keys.unsealable"
        with pytest.raises(Refused) as caught:
            await node(store, NEW).prepare()
        assert caught.value.code == "keys.reseal_unfinished"
        again = node(store, NEW, OLD)
        await again.prepare()
        assert not await again.is_resealed()
        await store.keep(replace(key, retired_at=START))
        assert len(await again.decryption_keys(ACME)) == 1

    told(story)


def test_nodes_with_both_keys_go_on_before_during_and_after(store: MemoryStore) -> None:
    """What one of them makes meanwhile opens under the key that the store is sealed with then, and so on every node."""

    async def story() -> None:
        one, other, last = (node(store, NEW, OLD, seed=seed) for seed in "abc")
        for keyring in (one, other, last):
            await keyring.prepare()
        await one.rotate(KeyPurpose.TOKEN_ES256)
        await one.replace_encryption(ACME)
        old_only = node(store, OLD)
        assert len(await old_only.decryption_keys(ACME)) == 2
        await other.reseal()
        await one.rotate(KeyPurpose.TOKEN_ES256)
        await one.replace_encryption(ACME)
        assert len(await last.decryption_keys(ACME)) == 3
        new_only = node(store, NEW)
        await new_only.prepare()
        assert len(await new_only.decryption_keys(ACME)) == 3
        assert len(await everything(new_only)) == len(await everything(last))

    told(story)


def test_a_node_that_was_forgotten_signs_on_writes_nothing_and_says_that_it_is_not_ready(store: MemoryStore) -> None:
    """It has only the old key: logins in flight are finished with the keys that it holds, and what it would seal nobody could open."""

    async def story() -> None:
        forgotten, both = node(store, OLD), node(store, NEW, OLD)
        await forgotten.prepare()
        await both.prepare()
        signer = await forgotten.token_signer("ES256")
        (private,) = await forgotten.decryption_keys(ACME)
        await forgotten.ready()
        await both.reseal()
        assert await forgotten.token_signer("ES256") is signer
        assert await forgotten.decryption_keys(ACME) == (private,)
        before = await store.keys.of(ACME)
        for attempt in (
            forgotten.ready,
            lambda: forgotten.rotate(KeyPurpose.TOKEN_ES256),
            lambda: forgotten.replace_encryption(ACME),
            lambda: forgotten.retire_encryption(ACME, before[0].kid),
            forgotten.reseal,
        ):
            with pytest.raises(Refused) as caught:
                await attempt()
            assert caught.value.code == "keys.seal_check"
        assert await store.keys.of(ACME) == before

    told(story)


def test_a_key_that_was_sealed_while_the_store_was_resealed_is_sealed_anew(store: MemoryStore) -> None:
    """Between the look at the store's seal and the write of the key, somebody else resealed: else nobody could open it later."""

    async def story() -> None:
        one, other = node(store, NEW, OLD, seed="a"), node(store, NEW, OLD, seed="b")
        for keyring in (one, other):
            await keyring.prepare()
        whole, seen = store.keys.change, []

        async def change(connection: Any, decide: Any, *, seal: str) -> bool:
            if not seen:
                await other.reseal()
            seen.append(seal)
            return await whole(connection, decide, seal=seal)

        store.keys.change = change  # type: ignore[method-assign]
        await one.replace_encryption(ACME)
        assert seen == [Seal(master_key=OLD).check, Seal(master_key=NEW).check]
        assert len(await node(store, NEW).decryption_keys(ACME)) == 2

    told(story)


# -- the key in a file --------------------------------------------------------------------------------------------------


def reseal(database: Path, point: str = "") -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    command = [sys.executable, "-m", "tests.keys.resealer", str(database), point]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def opened(database: Path) -> tuple[object, ...]:
    """Everything in it, under the keys that are in the file now, as at a start."""

    async def story() -> tuple[object, ...]:
        store = SqliteStore(database)
        await store.open()
        keyring = node(store, *master_key.unlock(None, database, CountingEntropy()).all)
        await keyring.prepare()
        found = await everything(keyring)
        await store.close()
        return found

    found: tuple[object, ...] = told(story)
    return found


@pytest.fixture
def database(tmp_path: Path, made: tuple[tuple[StoredKey, ...], dict[str, bytes]]) -> Path:
    path = tmp_path / "vestibule.db"

    async def story() -> None:
        store = SqliteStore(path)
        await store.open()
        await store.keep(*made[0])
        await node(store, OLD).prepare()
        await store.close()

    (tmp_path / "vestibule.db.key").write_bytes(b"b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28=\n")
    (tmp_path / "vestibule.db.key").chmod(0o600)
    told(story)
    return path


def test_a_key_in_a_file_is_replaced_with_the_seal(database: Path) -> None:
    before = opened(database)
    assert reseal(database).stdout == "5\n"
    file = database.with_name("vestibule.db.key")
    assert len(file.read_text().splitlines()) == 1
    assert master_key.unlock(None, database, CountingEntropy()).key != OLD
    assert file.stat().st_mode & 0o777 == 0o600
    assert opened(database) == before
    assert {path.name for path in database.parent.iterdir()} <= {
        "vestibule.db",
        "vestibule.db.key",
        "vestibule.db-wal",
        "vestibule.db-shm",
    }


@pytest.mark.parametrize(
    "point", ["before the transaction", "in the transaction", "between two transactions", "after the transaction"]
)
def test_killed_anywhere_the_store_opens_and_the_next_attempt_ends_it(database: Path, point: str) -> None:
    before = opened(database)
    assert reseal(database, point).returncode == -signal.SIGKILL
    keys = master_key.unlock(None, database, CountingEntropy())
    assert keys.previous == (OLD,)
    assert opened(database) == before
    assert reseal(database).returncode == 0
    assert master_key.unlock(None, database, CountingEntropy()).all == (keys.key,)
    assert opened(database) == before


def test_a_running_process_takes_the_new_key_from_the_file(database: Path) -> None:
    """It knew only the former one: what it has not opened yet opens all the same, and what it makes is sealed under the new one."""

    async def story() -> None:
        store = SqliteStore(database)
        await store.open()
        keyring = Keyring(
            store=store,
            clock=FixedClock(),
            entropy=CountingEntropy("running"),
            master_key=OLD,
            unlock=lambda: master_key.unlock(None, database, CountingEntropy()).all,
        )
        await keyring.prepare()
        await asyncio.to_thread(reseal, database)
        assert len(await keyring.decryption_keys(ACME)) == 1
        await keyring.ready()
        await keyring.replace_encryption(ACME)
        await store.close()

    told(story)
    assert len(opened(database)) == 3


def test_two_do_not_replace_a_key_at_once(database: Path) -> None:
    def both() -> None:
        with master_key.replacing(database, CountingEntropy("a")), master_key.replacing(database, CountingEntropy("b")):
            pytest.fail("both went in")

    with pytest.raises(Refused) as caught:
        both()
    assert caught.value.code == "keys.reseal_running"
    assert len(master_key.unlock(None, database, CountingEntropy()).all) == 2
