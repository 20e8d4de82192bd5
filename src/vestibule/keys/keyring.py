"""The keyring: makes the keys, seals them at rest, rotates them, and hands them out as signers and openers."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.ground.hashing import keyed, same
from vestibule.jose import keys as jose
from vestibule.jose.keys import SigningKey
from vestibule.keys.certificate import self_signed
from vestibule.keys.seal import NONCE_BYTES, Seal
from vestibule.model.ids import ConnectionId
from vestibule.model.key import KeyPurpose, StoredKey
from vestibule.store.port import Store

FRESH_FOR = timedelta(seconds=30)
"""How long a node may go without looking for other nodes' rotations."""
PUBLISHED_AHEAD = timedelta(hours=24)
"""How long the next key is published before it signs, and the last one after it has stopped: longer than a token lives
and than applications keep a key set."""

ALGORITHM = {
    KeyPurpose.TOKEN_RS256: "RS256",
    KeyPurpose.TOKEN_ES256: "ES256",
    KeyPurpose.SAML_REQUEST: "RS256",
    KeyPurpose.SAML_ENCRYPTION: "RS256",  # an RSA key; it signs nothing
}
_TOKEN_PURPOSE = {"RS256": KeyPurpose.TOKEN_RS256, "ES256": KeyPurpose.TOKEN_ES256}
_MOST_OPEN = 512
"""Private keys that are kept unsealed in memory."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the store held when it was last asked."""

    at: datetime
    keys: tuple[StoredKey, ...]


class Keyring:
    """`prepare` once before anything else. Unsealed keys stay in memory; what other nodes rotate is seen within 30 s."""

    def __init__(self, *, store: Store, clock: Clock, entropy: Entropy, master_key: bytes) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._seal = Seal(master_key=master_key)
        self._seen: _Seen | None = None
        self._peppers: dict[str, bytes] = {}
        self._signing: dict[str, SigningKey] = {}
        self._rsa: dict[str, RSAPrivateKey] = {}

    # -- at the start ------------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Makes the keys that are not there yet. Refuses to go on under another master key than the store's.

        Raises `Refused("keys.seal_check")`.
        """
        known = await self._store.keys.all()
        mine = keyed(self._seal.derive("seal check"), "vestibule")
        # The keys are asked first: the check's own row may have been lost, and would be written anew.
        if not all(map(self._opens, known[:1])) or not same(mine, await self._store.keys.seal_check(mine)):
            raise Refused(
                "keys.seal_check",
                "The store was sealed with another master key; start with that one (VESTIBULE_MASTER_KEY, or the key "
                "file beside the database), or with an empty store.",
            )
        there = {key.purpose for key in known}
        for purpose in KeyPurpose:
            # Those of connections are made when they are first handed out.
            if purpose not in there and purpose is not KeyPurpose.SAML_ENCRYPTION:
                # No other key could sign before it: a clock that is set back, or a node that is behind, finds this one.
                await self._store.keys.first(await self._make(purpose, signs_from=self._clock.now() - PUBLISHED_AHEAD))
        await self._look()

    # -- handing out -------------------------------------------------------------------------------------------------

    async def token_signer(self, alg: str) -> SigningKey:
        """The key that signs tokens with this algorithm now."""
        purpose = _TOKEN_PURPOSE.get(alg)
        if purpose is None:
            raise Refused("keys.algorithm", "No key signs tokens with this algorithm.", want="RS256, ES256", got=alg)
        key = await self._signer(purpose)
        if key.kid not in self._signing:
            self._signing[key.kid] = jose.signing_key(key.kid, alg, self._open(key))
        return self._signing[key.kid]

    async def saml_signer(self) -> tuple[RSAPrivateKey, str]:
        """The key that signs our AuthnRequests now, and its certificate as PEM."""
        key = await self._signer(KeyPurpose.SAML_REQUEST)
        return self._private(key), key.certificate_pem or ""

    async def saml_certificates(self) -> tuple[str, ...]:
        """The certificates that our SP metadata shows: the signing one first, then those before and after it."""
        signer = await self._signer(KeyPurpose.SAML_REQUEST)
        others = [key for key in await self._published() if key.purpose is signer.purpose and key.kid != signer.kid]
        return tuple(key.certificate_pem for key in (signer, *others) if key.certificate_pem)

    async def encryption_certificate(self, connection: ConnectionId) -> str:
        """The certificate that this connection's identity provider is to encrypt for, as PEM; the key is made if there is none."""
        known = [key for key in await self._store.keys.of(connection) if not self._is_retired(key)]
        if not known:
            fresh = await self._make(KeyPurpose.SAML_ENCRYPTION, signs_from=self._clock.now(), connection=connection)
            known = [await self._store.keys.first(fresh)]
        return known[-1].certificate_pem or ""

    async def decryption_keys(self, connection: ConnectionId) -> tuple[RSAPrivateKey, ...]:
        """What this connection's messages may have been encrypted for: every key that is not retired, the newest first."""
        known = await self._store.keys.of(connection)
        return tuple(self._private(key) for key in reversed(known) if not self._is_retired(key))

    async def published(self) -> list[dict[str, str]]:
        """The public halves of all token keys that are, were lately, or soon will be in use [RFC 7517 5]."""
        return [
            jose.public_jwk(key.kid, ALGORITHM[key.purpose], key.public_pem)
            for key in await self._published()
            if key.purpose in _TOKEN_PURPOSE.values()
        ]

    def pepper(self, purpose: str) -> bytes:
        """The key of a keyed hash, the same on all nodes and in all versions."""
        if purpose not in self._peppers:
            self._peppers[purpose] = self._seal.derive(f"pepper {purpose}")
        return self._peppers[purpose]

    # -- rotating ----------------------------------------------------------------------------------------------------

    async def all(self) -> tuple[StoredKey, ...]:
        """Every key, oldest first, as the store has it now."""
        await self._look()
        return self._seen.keys if self._seen else ()

    async def of(self, connection: ConnectionId) -> tuple[StoredKey, ...]:
        """Every key of a connection, oldest first."""
        return await self._store.keys.of(connection)

    async def replace_encryption(self, connection: ConnectionId) -> StoredKey:
        """A new key for a connection, published in the place of the last one at once. All older ones go on opening until retired."""
        fresh = await self._make(KeyPurpose.SAML_ENCRYPTION, signs_from=self._clock.now(), connection=connection)
        await self._store.keep(fresh)
        return fresh

    async def retire_encryption(self, connection: ConnectionId, kid: str) -> StoredKey:
        """What is encrypted for this key of a connection opens no longer, on any node, from now on.

        Refused for the newest: `Refused("keys.last")`, since the metadata tells the identity provider to use it.
        """
        known = [key for key in await self.of(connection) if not self._is_retired(key)]
        key = next((key for key in known if key.kid == kid), None)
        if key is None:
            raise _unknown(kid)
        if key is known[-1]:
            raise Refused(
                "keys.last",
                "This is the key that the identity provider is told to encrypt for; rotate first, and retire it when the "
                "identity provider uses the new certificate.",
            )
        retired = replace(key, retired_at=self._clock.now())
        await self._store.keep(retired)
        return retired

    async def rotate(self, purpose: KeyPurpose, *, delay: timedelta = PUBLISHED_AHEAD) -> StoredKey:
        """Publishes the next key at once and lets it sign after `delay`; the last ones retire a day after that.

        Keys of identity providers that import our metadata by hand never retire by themselves: an operator knows
        when they have the new certificate.
        """
        now = self._clock.now()
        fresh = await self._make(purpose, signs_from=now + max(delay, timedelta(0)))
        old = [] if purpose is KeyPurpose.SAML_REQUEST else [key for key in await self.all() if key.purpose is purpose]
        until = fresh.signs_from + PUBLISHED_AHEAD
        retiring = [replace(key, retired_at=until) for key in old if key.retired_at is None]
        await self._store.keep(fresh, *retiring)
        await self._look()
        return fresh

    async def retire(self, kid: str) -> StoredKey:
        """Takes a key out of use and out of sight now: what it signed is believed no longer.

        Refused for the only key that could sign: `Refused("keys.last")`. Other nodes follow within 30 s.
        """
        now = self._clock.now()
        key = next((key for key in await self.all() if key.kid == kid), None)
        if key is None:
            raise _unknown(kid)
        signers = [
            other for other in await self._published() if other.purpose is key.purpose and other.signs_from <= now
        ]
        if signers == [key]:
            raise Refused(
                "keys.last", "This is the only key that can sign now; rotate first, and wait until the next one signs."
            )
        retired = replace(key, retired_at=min(now, key.retired_at or now))
        await self._store.keep(retired)
        await self._look()
        return retired

    # -- inside ------------------------------------------------------------------------------------------------------

    async def _look(self) -> _Seen:
        # Asked for the time before the store: what is read later than `at` can only be newer.
        now = self._clock.now()
        self._seen = _Seen(now, await self._store.keys.all())
        return self._seen

    async def _published(self) -> list[StoredKey]:
        now = self._clock.now()
        seen = self._seen
        if seen is None or not timedelta(0) <= now - seen.at < FRESH_FOR:
            seen = await self._look()
        return [key for key in seen.keys if key.retired_at is None or now < key.retired_at]

    async def _signer(self, purpose: KeyPurpose) -> StoredKey:
        now = self._clock.now()
        ready = [key for key in await self._published() if key.purpose is purpose and key.signs_from <= now]
        if not ready:
            raise Refused("keys.none", "No key can sign now; `vestibule keys rotate` makes one.", got=purpose)
        return max(ready, key=lambda key: (key.signs_from, key.created_at, key.kid))

    def _is_retired(self, key: StoredKey) -> bool:
        return key.retired_at is not None and key.retired_at <= self._clock.now()

    def _private(self, key: StoredKey) -> RSAPrivateKey:
        """The private half of an RSA key. It is one that we made: it is not proved prime again."""
        if key.kid not in self._rsa:
            private = load_pem_private_key(self._open(key).encode(), None, unsafe_skip_rsa_key_validation=True)
            if not isinstance(private, RSAPrivateKey):
                raise Refused("keys.unsealable", "This key is no RSA key; rotate it.", got=key.kid)
            if len(self._rsa) >= _MOST_OPEN:
                self._rsa.pop(next(iter(self._rsa)))
            self._rsa[key.kid] = private
        return self._rsa[key.kid]

    def _opens(self, key: StoredKey) -> bool:
        try:
            self._open(key)
        except Refused:
            return False
        return True

    def _open(self, key: StoredKey) -> str:
        return self._seal.open(key.sealed, about=_about(key.purpose, key.kid, key.connection))

    async def _make(
        self, purpose: KeyPurpose, *, signs_from: datetime, connection: ConnectionId | None = None
    ) -> StoredKey:
        """A new key. RSA takes a moment, so it is made beside the event loop."""
        alg = ALGORITHM[purpose]
        private = await asyncio.to_thread(jose.generate, alg)
        public = jose.public_pem(private)
        kid = jose.thumbprint(alg, public)
        now = self._clock.now()
        certificate = None
        if purpose not in _TOKEN_PURPOSE.values():
            key = load_pem_private_key(private.encode(), None)
            if isinstance(key, RSAPrivateKey):
                certificate = self_signed(key, name="Vestibule", now=now, serial=self._entropy.bytes(16))
        return StoredKey(
            kid=kid,
            purpose=purpose,
            sealed=self._seal.close(
                private, about=_about(purpose, kid, connection), nonce=self._entropy.bytes(NONCE_BYTES)
            ),
            public_pem=public,
            certificate_pem=certificate,
            created_at=now,
            signs_from=signs_from,
            connection=connection,
        )


def _about(purpose: KeyPurpose, kid: str, connection: ConnectionId | None) -> str:
    return f"{purpose} {kid}" if connection is None else f"{purpose} {kid} {connection}"


def _unknown(kid: str) -> Refused:
    return Refused("keys.unknown", "No key has this name; `vestibule keys list` shows them.", got=kid[:80])
