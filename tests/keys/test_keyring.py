"""The keyring: keys are made once, sealed, published before they sign, and seen by all nodes within 30 s."""

import asyncio
import base64
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from tests.doubles import START, CountingEntropy, FixedClock

from vestibule.ground.errors import Refused
from vestibule.jose import jwt
from vestibule.keys.keyring import Keyring
from vestibule.keys.rotation import HANDED_OVER, PUBLISHED_AHEAD
from vestibule.keys.seal import Seal
from vestibule.model.ids import ConnectionId
from vestibule.model.key import KeyPurpose, StoredKey
from vestibule.store.codec import encode
from vestibule.store.memory import MemoryStore
from vestibule.store.sqlite import SqliteStore

MASTER = b"m" * 32
ACME = ConnectionId("con_acme")
BETA = ConnectionId("con_beta")


class Nodes:
    """Nodes that share a store and nothing else."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.clock = FixedClock()

    def node(self, seed: str = "", master_key: bytes = MASTER) -> Keyring:
        return Keyring(store=self.store, clock=self.clock, entropy=CountingEntropy(seed), master_key=master_key)


@pytest.fixture(scope="module")
def made() -> tuple[StoredKey, ...]:
    """The keys of a first start: RSA keys take long to make, so it happens once."""
    nodes = Nodes()
    asyncio.run(nodes.node().prepare())
    return asyncio.run(nodes.store.keys.all())


@pytest.fixture
def nodes(made: tuple[StoredKey, ...]) -> Nodes:
    nodes = Nodes()
    asyncio.run(nodes.store.keep(*made))
    asyncio.run(nodes.node().prepare())
    return nodes


def test_the_first_start_makes_one_key_of_each_kind(made: tuple[StoredKey, ...]) -> None:
    assert {key.purpose for key in made} == set(KeyPurpose) - {KeyPurpose.SAML_ENCRYPTION}
    assert len(made) == 3
    assert all(key.signs_from == START - PUBLISHED_AHEAD and key.retired_at is None for key in made)


@pytest.mark.parametrize("back", [timedelta(minutes=5), timedelta(hours=24)])
def test_the_first_keys_sign_though_the_clock_is_set_back_after_the_first_start(nodes: Nodes, back: timedelta) -> None:
    """Or on a node whose clock is behind: there is no other key that could."""
    nodes.clock.advance(-back)
    assert asyncio.run(nodes.node("behind").token_signer("RS256"))
    assert asyncio.run(nodes.node("behind").saml_signer())


def spelt(secret: bytes) -> set[bytes]:
    """The octets as they are, as a number in decimal and hex, and in base64 of both kinds, wherever in a text they begin."""
    number = int.from_bytes(secret)
    found = {secret, secret.lstrip(b"\0"), str(number).encode(), f"{number:x}".encode(), f"{number:X}".encode()}
    for before in range(3):  # the first and the last four characters hold what stands beside the octets too
        found.add(base64.b64encode(bytes(before) + secret)[4:-4])
        found.add(base64.urlsafe_b64encode(bytes(before) + secret)[4:-4])
    return found


def secrets_of(key: StoredKey) -> set[bytes]:
    """Whatever would give the private key away: its numbers in every spelling, and the body of its PEM."""
    about = f"{key.purpose} {key.kid}" + (f" {key.connection}" if key.connection else "")
    pem = Seal(master_key=MASTER).open(key.sealed, about=about).encode()
    private = load_pem_private_key(pem, None)
    if isinstance(private, RSAPrivateKey):
        numbers = private.private_numbers()
        secrets = (numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)
    else:
        assert isinstance(private, EllipticCurvePrivateKey)
        secrets = (private.private_numbers().private_value,)
    octets = [number.to_bytes((number.bit_length() + 7) // 8) for number in secrets]
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    found = {
        b"PRIVATE",
        der,
        *(line for line in pem.splitlines()[2:-1]),
        *(way for one in octets for way in spelt(one)),
    }
    for (
        one
    ) in octets:  # the positive control: in the open, every number would be found, by its octets and within base64
        assert one in der
        assert any(way in pem.replace(b"\n", b"") for way in spelt(one))
    return found


def test_no_private_key_lies_open_in_the_store(made: tuple[StoredKey, ...], tmp_path: Path) -> None:
    """Neither in a row that is sealed, nor in its record, nor in any file of the database; the master key is not there at all."""

    async def run() -> tuple[StoredKey, ...]:
        store = SqliteStore(tmp_path / "vestibule.db")
        await store.open()
        await store.keep(*made)
        keyring = Keyring(store=store, clock=FixedClock(), entropy=CountingEntropy(), master_key=MASTER)
        await keyring.prepare()
        await keyring.encryption_certificate(ACME)
        keys = (*await store.keys.all(), *await store.keys.of(ACME))
        await store.close()
        return keys

    keys = {key.kid: key for key in asyncio.run(run())}.values()
    assert {key.purpose for key in keys} == set(KeyPurpose)
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    places = [*files, *(key.sealed for key in keys), *(encode(key).encode() for key in keys)]
    assert all(any(key.kid.encode() in file for file in files) for key in keys)
    secrets = {way for key in keys for way in secrets_of(key)} | spelt(MASTER)
    assert min(map(len, secrets)) >= len(b"PRIVATE")
    assert [way for way in secrets for place in places if way in place or way in place.replace(b"\\n", b"")] == []


def test_a_second_start_makes_nothing(nodes: Nodes) -> None:
    asyncio.run(nodes.node("other").prepare())
    assert len(asyncio.run(nodes.store.keys.all())) == 3


def test_another_master_key_refuses_to_start(nodes: Nodes) -> None:
    with pytest.raises(Refused) as refused:
        asyncio.run(nodes.node(master_key=b"x" * 32).prepare())
    assert refused.value.code == "keys.seal_check"


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_what_a_signer_signs_the_published_keys_verify(nodes: Nodes, alg: str) -> None:
    async def run() -> dict[str, object]:
        keyring = nodes.node()
        return jwt.read(jwt.sign({"sub": "p"}, await keyring.token_signer(alg)), await keyring.published(), algs=(alg,))

    assert asyncio.run(run()) == {"sub": "p"}


def test_the_request_key_is_not_in_the_key_set_and_has_its_certificate(nodes: Nodes) -> None:
    async def run() -> None:
        keyring = nodes.node()
        published = await keyring.published()
        private, certificate = await keyring.saml_signer()
        assert sorted(key["alg"] for key in published) == ["ES256", "RS256"]
        assert x509.load_pem_x509_certificate(certificate.encode()).public_key() == private.public_key()
        assert await keyring.saml_certificates() == (certificate,)

    asyncio.run(run())


def test_an_unknown_algorithm_has_no_signer(nodes: Nodes) -> None:
    with pytest.raises(Refused) as refused:
        asyncio.run(nodes.node().token_signer("HS256"))
    assert refused.value.code == "keys.algorithm"


def test_the_next_key_is_published_before_it_signs(nodes: Nodes) -> None:
    async def run() -> None:
        keyring = nodes.node("a")
        old = (await keyring.token_signer("ES256")).kid
        fresh = await keyring.rotate(KeyPurpose.TOKEN_ES256, delay=timedelta(hours=1))
        assert {old, fresh.kid} <= {key["kid"] for key in await keyring.published()}
        nodes.clock.set(fresh.signs_from - timedelta(seconds=1))
        assert (await keyring.token_signer("ES256")).kid == old
        nodes.clock.set(fresh.signs_from)
        assert (await keyring.token_signer("ES256")).kid == fresh.kid

    asyncio.run(run())


def test_the_last_key_stays_published_for_a_day_after_it_has_stopped(nodes: Nodes) -> None:
    """Tokens that it signed live on, and applications keep key sets for a while."""

    async def run() -> None:
        keyring = nodes.node("a")
        old = (await keyring.token_signer("ES256")).kid
        fresh = await keyring.rotate(KeyPurpose.TOKEN_ES256, delay=timedelta(hours=1))
        nodes.clock.set(fresh.signs_from + timedelta(hours=24, seconds=-1))
        assert old in {key["kid"] for key in await keyring.published()}
        nodes.clock.set(fresh.signs_from + timedelta(hours=24))
        assert old not in {key["kid"] for key in await keyring.published()}

    asyncio.run(run())


def test_another_node_sees_a_rotation_within_thirty_seconds(nodes: Nodes) -> None:
    async def run() -> None:
        one, other = nodes.node("a"), nodes.node("b")
        before = (await other.token_signer("ES256")).kid
        nodes.clock.advance(1)
        fresh = await one.rotate(KeyPurpose.TOKEN_ES256, delay=timedelta(0))
        nodes.clock.advance(28)
        assert fresh.kid not in {key["kid"] for key in await other.published()}
        nodes.clock.advance(1)
        assert fresh.kid in {key["kid"] for key in await other.published()}
        assert (await other.token_signer("ES256")).kid == before

    asyncio.run(run())


def test_a_request_certificate_never_retires_by_itself(nodes: Nodes) -> None:
    """An identity provider that imports metadata by hand knows only the old one until somebody imports the new."""

    async def run() -> None:
        keyring = nodes.node("a")
        _, old = await keyring.saml_signer()
        fresh = await keyring.rotate(KeyPurpose.SAML_REQUEST, delay=timedelta(hours=1))
        assert await keyring.saml_certificates() == (old, fresh.certificate_pem)
        nodes.clock.advance(timedelta(days=30))
        assert await keyring.saml_certificates() == (fresh.certificate_pem, old)

    asyncio.run(run())


def test_a_retired_key_is_gone_at_once(nodes: Nodes) -> None:
    async def run() -> None:
        keyring = nodes.node("a")
        old = (await keyring.token_signer("ES256")).kid
        fresh = await keyring.rotate(KeyPurpose.TOKEN_ES256, delay=timedelta(0))
        nodes.clock.set(fresh.signs_from + HANDED_OVER)
        retired = await keyring.retire(old)
        assert retired.retired_at == nodes.clock.now()
        assert old not in {key["kid"] for key in await keyring.published()}

    asyncio.run(run())


def test_the_last_key_that_can_sign_cannot_be_retired(nodes: Nodes) -> None:
    """A next key that does not sign yet does not count."""

    async def run() -> None:
        keyring = nodes.node("a")
        old = (await keyring.token_signer("ES256")).kid
        await keyring.rotate(KeyPurpose.TOKEN_ES256, delay=timedelta(hours=1))
        with pytest.raises(Refused) as refused:
            await keyring.retire(old)
        assert refused.value.code == "keys.last"
        with pytest.raises(Refused) as refused:
            await keyring.retire("no such key")
        assert refused.value.code == "keys.unknown"

    asyncio.run(run())


def test_retiring_a_key_can_only_bring_its_end_forward(nodes: Nodes) -> None:
    async def run() -> None:
        keyring = nodes.node("a")
        first = await keyring.rotate(KeyPurpose.TOKEN_ES256, delay=timedelta(0))
        nodes.clock.advance(1)
        second = await keyring.rotate(KeyPurpose.TOKEN_ES256, delay=timedelta(0))
        now = second.signs_from + HANDED_OVER
        nodes.clock.set(now)
        assert (await keyring.retire(first.kid)).retired_at == now
        nodes.clock.advance(60)
        assert (await keyring.retire(first.kid)).retired_at == now

    asyncio.run(run())


def test_where_no_key_signs_yet_nothing_is_signed() -> None:
    nodes = Nodes()

    async def run() -> None:
        await nodes.store.keys.seal_check(Seal(master_key=MASTER).check)
        keyring = nodes.node("a")
        await keyring.rotate(KeyPurpose.TOKEN_ES256, delay=timedelta(hours=1))
        with pytest.raises(Refused) as refused:
            await keyring.token_signer("ES256")
        assert refused.value.code == "keys.none"

    asyncio.run(run())


def test_peppers_are_the_same_on_every_node_and_differ_by_purpose(nodes: Nodes) -> None:
    assert nodes.node("a").pepper("seen") == nodes.node("b").pepper("seen")
    assert nodes.node().pepper("seen") != nodes.node().pepper("identity")


def test_a_key_moved_to_another_row_does_not_open(nodes: Nodes) -> None:
    """Whoever can write to the store cannot make one key pass for another."""

    async def run() -> None:
        keys = {key.purpose: key for key in await nodes.store.keys.all()}
        swapped = replace(keys[KeyPurpose.TOKEN_RS256], sealed=keys[KeyPurpose.SAML_REQUEST].sealed)
        await nodes.store.keep(swapped)
        with pytest.raises(Refused) as refused:
            await nodes.node().token_signer("RS256")
        assert refused.value.code == "keys.unsealable"

    asyncio.run(run())


def test_a_wrong_master_key_is_refused_even_where_the_check_was_lost() -> None:
    """The sealed keys themselves tell: a new check must not be written over what another key sealed."""

    async def story() -> None:
        store = MemoryStore()
        await Keyring(store=store, clock=FixedClock(), entropy=CountingEntropy(), master_key=b"a" * 32).prepare()
        restored = MemoryStore()
        await restored.keep(*await store.keys.all())
        other = Keyring(store=restored, clock=FixedClock(), entropy=CountingEntropy(), master_key=b"b" * 32)
        with pytest.raises(Refused) as caught:
            await other.prepare()
        assert caught.value.code == "keys.seal_check"

    asyncio.run(story())


def test_each_connection_has_a_key_of_its_own_that_is_made_once_and_sealed(nodes: Nodes) -> None:
    """Made when it is first asked for, the same on all nodes, and in no list of the installation's."""

    async def run() -> None:
        certificate = await nodes.node("a").encryption_certificate(ACME)
        assert await nodes.node("b").encryption_certificate(ACME) == certificate
        assert await nodes.node("a").encryption_certificate(BETA) != certificate
        (key,) = await nodes.node().of(ACME)
        assert b"PRIVATE" not in key.sealed
        (private,) = await nodes.node("c").decryption_keys(ACME)
        assert x509.load_pem_x509_certificate(certificate.encode()).public_key() == private.public_key()
        assert {key.purpose for key in await nodes.node().all()} == set(KeyPurpose) - {KeyPurpose.SAML_ENCRYPTION}
        assert len(await nodes.node().published()) == 2

    asyncio.run(run())


def test_a_connection_without_a_key_opens_nothing(nodes: Nodes) -> None:
    assert asyncio.run(nodes.node().decryption_keys(ACME)) == ()


def test_the_replaced_key_goes_on_opening_until_it_is_retired(nodes: Nodes) -> None:
    """The metadata names the new one at once; an identity provider may take its time."""

    async def run() -> None:
        keyring, other = nodes.node("a"), nodes.node("b")
        old = await keyring.encryption_certificate(ACME)
        (old_key,) = await other.of(ACME)
        nodes.clock.advance(timedelta(minutes=1))
        fresh = await keyring.replace_encryption(ACME)
        assert await other.encryption_certificate(ACME) == fresh.certificate_pem != old
        assert len(await other.decryption_keys(ACME)) == 2
        second = (await other.decryption_keys(ACME))[1].public_key()
        assert second == x509.load_pem_x509_certificate(old.encode()).public_key()
        await keyring.retire_encryption(ACME, old_key.kid)
        (left,) = await other.decryption_keys(ACME)
        assert left.public_key() == x509.load_pem_x509_certificate(str(fresh.certificate_pem).encode()).public_key()

    asyncio.run(run())


@pytest.mark.parametrize("which", ["newest", "another connection's", "unknown", "retired already"])
def test_what_cannot_be_retired(nodes: Nodes, which: str) -> None:
    """The one that the metadata names, and what is no live key of this connection."""

    async def run() -> None:
        keyring = nodes.node()
        await keyring.encryption_certificate(ACME)
        await keyring.encryption_certificate(BETA)
        nodes.clock.advance(timedelta(minutes=1))
        newest = await keyring.replace_encryption(ACME)
        first, _ = await keyring.of(ACME)
        await keyring.retire_encryption(ACME, first.kid)
        kid = {
            "newest": newest.kid,
            "another connection's": (await keyring.of(BETA))[0].kid,
            "unknown": "no-such-key",
            "retired already": first.kid,
        }[which]
        with pytest.raises(Refused) as refused:
            await keyring.retire_encryption(ACME, kid)
        assert refused.value.code == ("keys.last" if which == "newest" else "keys.unknown")

    asyncio.run(run())


def test_a_connections_key_does_not_open_as_another_connections(nodes: Nodes) -> None:
    """The seal is about the connection too: a row that was moved in the database is no key."""

    async def run() -> None:
        await nodes.node().encryption_certificate(ACME)
        (key,) = await nodes.node().of(ACME)
        await nodes.store.keep(replace(key, connection=BETA))
        with pytest.raises(Refused) as refused:
            await nodes.node().decryption_keys(BETA)
        assert refused.value.code == "keys.unsealable"

    asyncio.run(run())


def test_of_many_who_ask_for_a_connections_first_key_at_once_all_get_the_same(nodes: Nodes) -> None:
    """Each of them makes one; one is kept, and that is the one that everybody tells."""

    async def run() -> None:
        asked = [nodes.node(str(seed)).encryption_certificate(ACME) for seed in range(6)]
        assert len(set(await asyncio.gather(*asked))) == 1
        assert len(await nodes.node().of(ACME)) == 1

    asyncio.run(run())
