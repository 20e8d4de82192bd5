"""The keyring: makes the keys, seals them at rest, rotates them, and hands them out as signers and openers."""

import asyncio
import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.jose import keys as jose
from vestibule.jose.keys import SigningKey
from vestibule.keys import rotation
from vestibule.keys.making import ALGORITHM, TOKEN_PURPOSE, Draft, drafted
from vestibule.keys.masters import Masters, Unlock
from vestibule.keys.rotation import FRESH_FOR, LEAST_AHEAD, PUBLISHED_AHEAD
from vestibule.keys.seal import NONCE_BYTES, Seal
from vestibule.model.ids import ConnectionId
from vestibule.model.key import KeyPurpose, StoredKey
from vestibule.store.port import Store

_MOST_OPEN = 512
"""Private keys that are kept unsealed in memory."""

Pepper = Literal["identity", "seen", "question"]
PEPPERS: tuple[Pepper, ...] = get_args(Pepper)
"""What has a keyed hash. Kept sealed, as they were derived at the first start: under another master key people would be strangers."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the store held when it was last asked."""

    at: datetime
    keys: tuple[StoredKey, ...]


class Keyring:
    """`prepare` once before anything else. Unsealed keys stay in memory; what other nodes rotate is seen within 30 s.

    `previous` master keys open what the store still has under them. `unlock` gives all of them anew, the current one first, where
    something does not open: a key file is replaced while processes run.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        entropy: Entropy,
        master_key: bytes,
        previous: tuple[bytes, ...] = (),
        unlock: Unlock | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._masters = Masters.of((master_key, *previous))
        self._unlock = unlock
        self._seen: _Seen | None = None
        self._peppers: dict[str, bytes] = {}
        self._signing: dict[str, SigningKey] = {}
        self._rsa: dict[str, RSAPrivateKey] = {}

    # -- at the start ------------------------------------------------------------------------------------------------

    async def prepare(self) -> None:
        """Makes the keys that are not there yet. Refuses to go on where no master key that it has is the store's.

        Raises `Refused("keys.seal_check")`.
        """
        known = await self._store.keys.all()
        # The keys are asked first: the check's own row may have been lost, and would be written anew.
        mine = next((seal for seal in self._masters.all if all(map(_opens(seal), known[:1]))), None)
        if mine is None or self._masters.under(await self._store.keys.seal_check(mine.check)) is None:
            raise _other_master_key()
        if not self._masters.previous and not await self._store.keys.is_resealed_whole():
            raise Refused(
                "keys.reseal_unfinished",
                "The master key is being replaced, and some keys in the store are still sealed under the former one. Put that into "
                "VESTIBULE_MASTER_KEY_PREVIOUS, and run `vestibule keys reseal` to its end.",
            )
        await asyncio.gather(*map(self._prepare_pepper, PEPPERS))
        there = {key.purpose for key in known}
        for purpose in KeyPurpose:
            # Those of connections are made when they are first handed out.
            if purpose not in there and purpose is not KeyPurpose.SAML_ENCRYPTION:
                await self._first(purpose)
        await self._look()

    async def _prepare_pepper(self, name: Pepper) -> None:
        about, seal = _about_pepper(name), await self._in_force()
        derived = base64.b64encode(seal.derive(about)).decode("ascii")
        kept = await self._store.keys.fact(about, _text(self._close(seal, derived, about)))
        self._peppers[name] = base64.b64decode(self._opened(_sealed(kept), about=about))

    async def _first(self, purpose: KeyPurpose) -> None:
        draft = await drafted(purpose, entropy=self._entropy, now=self._clock.now())
        now = self._clock.now()

        def decide(known: Sequence[StoredKey], seal: Seal) -> Sequence[StoredKey]:
            if any(key.purpose is purpose for key in known):
                return ()
            # No other key could sign before it: a clock that is set back, or a node that is behind, finds this one.
            return (self._closed(draft, seal, created_at=now, signs_from=now - PUBLISHED_AHEAD),)

        await self._change(None, decide)

    async def ready(self) -> None:
        """Raises `Refused("keys.seal_check")` where the store was sealed anew under a master key that this process does not have."""
        await self._in_force()

    # -- handing out -------------------------------------------------------------------------------------------------

    async def token_signer(self, alg: str) -> SigningKey:
        """The key that signs tokens with this algorithm now."""
        purpose = TOKEN_PURPOSE.get(alg)
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
        known = await self._opening(connection)
        if not known:
            await self._next_encryption(connection, only_first=True)
            known = await self._opening(connection)
        return known[-1].certificate_pem or ""

    async def decryption_keys(self, connection: ConnectionId) -> tuple[RSAPrivateKey, ...]:
        """What this connection's messages may have been encrypted for: every key that is not retired, the newest first."""
        return tuple(self._private(key) for key in reversed(await self._opening(connection)))

    async def _opening(self, connection: ConnectionId) -> tuple[StoredKey, ...]:
        return rotation.published(await self._store.keys.of(connection), self._clock.now())

    async def published(self) -> list[dict[str, str]]:
        """The public halves of all token keys that are, were lately, or soon will be in use [RFC 7517 5]."""
        return [
            jose.public_jwk(key.kid, ALGORITHM[key.purpose], key.public_pem)
            for key in await self._published()
            if key.purpose in TOKEN_PURPOSE.values()
        ]

    def pepper(self, purpose: Pepper) -> bytes:
        """The key of a keyed hash, the same on all nodes, in all versions and under every master key."""
        if purpose not in self._peppers:
            self._peppers[purpose] = self._masters.current.derive(f"pepper {purpose}")
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
        return await self._next_encryption(connection, only_first=False)

    async def _next_encryption(self, connection: ConnectionId, *, only_first: bool) -> StoredKey:
        draft = await drafted(KeyPurpose.SAML_ENCRYPTION, entropy=self._entropy, now=self._clock.now())
        now = self._clock.now()
        made: list[StoredKey] = []

        def decide(known: Sequence[StoredKey], seal: Seal) -> Sequence[StoredKey]:
            made[:] = rotation.published(known, now)[-1:] if only_first else ()
            if made:
                return ()
            at = rotation.made_at(known, now)
            made[:] = [self._closed(draft, seal, created_at=at, signs_from=now, connection=connection)]
            return tuple(made)

        await self._change(connection, decide)
        return made[0]

    async def retire_encryption(self, connection: ConnectionId, kid: str) -> StoredKey:
        """What is encrypted for this key of a connection opens no longer, on any node, from now on.

        Refused for the newest: `Refused("keys.last")`, since the metadata tells the identity provider to use it.
        """
        now = self._clock.now()

        def decide(known: Sequence[StoredKey], seal: Seal) -> Sequence[StoredKey]:
            opening = rotation.published(known, now)
            key = next((key for key in opening if key.kid == kid), None)
            if key is None:
                raise rotation.unknown(kid)
            if key is opening[-1]:
                raise Refused(
                    "keys.last",
                    "This is the key that the identity provider is told to encrypt for; rotate first, and retire it when the "
                    "identity provider uses the new certificate.",
                )
            return (replace(key, retired_at=now),)

        return (await self._change(connection, decide))[0]

    async def rotate(self, purpose: KeyPurpose, *, delay: timedelta = PUBLISHED_AHEAD) -> StoredKey:
        """Publishes the next key at once and lets it sign after `delay`, but never before everybody may know it; the last ones
        retire a day after that."""
        draft = await drafted(purpose, entropy=self._entropy, now=self._clock.now())
        now = self._clock.now()

        def decide(known: Sequence[StoredKey], seal: Seal) -> Sequence[StoredKey]:
            at = rotation.made_at(known, now)
            fresh = self._closed(draft, seal, created_at=at, signs_from=now + max(delay, LEAST_AHEAD))
            return rotation.rotated(known, fresh)

        return (await self._change(None, decide))[0]

    async def retire(self, kid: str) -> StoredKey:
        """Takes a key out of use and out of sight now: what it signed is believed no longer.

        Refused where no other key has taken over on every node: `Refused("keys.last")`. Other nodes follow within 30 s.
        """
        now = self._clock.now()
        return (await self._change(None, lambda known, seal: (rotation.retired(known, kid, now),)))[0]

    async def reseal(self) -> int:
        """Everything that is sealed in the store is sealed under the current master key from now on.

        The installation's in one step, from which on everybody seals with it; then those of the connections, some hundred at a
        time, so that nobody waits for long. What is left after a crash opens under the former one, until this is run
        again. Returns how many keys were sealed anew; if nothing was left to do, none. Raises `Refused("keys.unsealable")`
        where something opens under none of the master keys that this process has.
        """
        if self._unlock is not None:
            self._masters = Masters.of(self._unlock())
        current = self._masters.current

        def anew(key: StoredKey) -> StoredKey | None:
            if _opens(current)(key):
                return None
            about = _about(key.purpose, key.kid, key.connection)
            return replace(key, sealed=self._close(current, self._opened(key.sealed, about=about), about))

        def text(name: Pepper) -> Callable[[str], str]:
            about = _about_pepper(name)
            return lambda kept: _text(self._close(current, self._opened(_sealed(kept), about=about), about))

        await self._in_force()
        texts = {_about_pepper(name): text(name) for name in PEPPERS}
        changed = await self._store.keys.reseal(anew, texts=texts, seal=current.check)
        last: str | None = ""
        while last is not None:
            more, last = await self._store.keys.reseal_on(anew, after=last)
            changed += more
        return changed

    async def is_resealed(self) -> bool:
        """Whether the store is sealed under the current master key, all of it. Raises `Refused("keys.seal_check")` if under an unknown one."""
        return await self._in_force() is self._masters.current and await self._store.keys.is_resealed_whole()

    # -- inside ------------------------------------------------------------------------------------------------------

    async def _look(self) -> _Seen:
        # Asked for the time before the store: what is read later than `at` can only be newer.
        now = self._clock.now()
        self._seen = _Seen(now, await self._store.keys.all())
        return self._seen

    async def _now(self) -> tuple[tuple[StoredKey, ...], datetime]:
        """The keys as they were within the last 30 s, and the moment that it is."""
        now = self._clock.now()
        seen = self._seen
        if seen is None or not timedelta(0) <= now - seen.at < FRESH_FOR:
            seen = await self._look()
        return seen.keys, now

    async def _published(self) -> tuple[StoredKey, ...]:
        return rotation.published(*await self._now())

    async def _signer(self, purpose: KeyPurpose) -> StoredKey:
        keys, now = await self._now()
        return rotation.signer(keys, purpose, now)

    async def _in_force(self) -> Seal:
        """The master key's seal that the store is sealed with now."""
        check = await self._store.keys.sealed_by() or await self._store.keys.seal_check(self._masters.current.check)
        found = self._masters.under(check)
        if found is None and self._unlock is not None:
            self._masters = Masters.of(self._unlock())
            found = self._masters.under(check)
        if found is None:
            raise _other_master_key()
        return found

    async def _change(
        self, connection: ConnectionId | None, decide: Callable[[Sequence[StoredKey], Seal], Sequence[StoredKey]]
    ) -> tuple[StoredKey, ...]:
        """What was kept. Sealed anew where the store was resealed meanwhile."""
        kept: list[StoredKey] = []
        while True:
            seal = await self._in_force()

            def sealed(known: tuple[StoredKey, ...], seal: Seal = seal) -> Sequence[StoredKey]:
                kept[:] = decide(known, seal)
                return kept

            if await self._store.keys.change(connection, sealed, seal=seal.check):
                await self._look()
                return tuple(kept)

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

    def _open(self, key: StoredKey) -> str:
        return self._opened(key.sealed, about=_about(key.purpose, key.kid, key.connection))

    def _opened(self, sealed: bytes, *, about: str) -> str:
        try:
            return self._masters.opened(sealed, about=about)
        except Refused:
            if self._unlock is None:
                raise
            self._masters = Masters.of(self._unlock())
            return self._masters.opened(sealed, about=about)

    def _close(self, seal: Seal, text: str, about: str) -> bytes:
        return seal.close(text, about=about, nonce=self._entropy.bytes(NONCE_BYTES))

    def _closed(
        self,
        draft: Draft,
        seal: Seal,
        *,
        created_at: datetime,
        signs_from: datetime,
        connection: ConnectionId | None = None,
    ) -> StoredKey:
        return StoredKey(
            kid=draft.kid,
            purpose=draft.purpose,
            sealed=self._close(seal, draft.private_pem, _about(draft.purpose, draft.kid, connection)),
            public_pem=draft.public_pem,
            certificate_pem=draft.certificate_pem,
            created_at=created_at,
            signs_from=signs_from,
            connection=connection,
        )


def _opens(seal: Seal) -> Callable[[StoredKey], bool]:
    def tried(key: StoredKey) -> bool:
        try:
            seal.open(key.sealed, about=_about(key.purpose, key.kid, key.connection))
        except Refused:
            return False
        return True

    return tried


def _about(purpose: KeyPurpose, kid: str, connection: ConnectionId | None) -> str:
    return f"{purpose} {kid}" if connection is None else f"{purpose} {kid} {connection}"


def _about_pepper(name: Pepper) -> str:
    return f"pepper {name}"


def _text(sealed: bytes) -> str:
    return base64.b64encode(sealed).decode("ascii")


def _sealed(text: str) -> bytes:
    return base64.b64decode(text)


def _other_master_key() -> Refused:
    return Refused(
        "keys.seal_check",
        "The store is sealed under another master key than this process has. Start it with that one: VESTIBULE_MASTER_KEY, or the "
        "key file beside the database. While a master key is being replaced, the former one goes into "
        "VESTIBULE_MASTER_KEY_PREVIOUS. An empty store takes any.",
    )
