"""SSO sessions: begun, rotated, found and ended."""

from dataclasses import dataclass

from vestibule.flows.browser import Browser, hold
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.hashing import keyed
from vestibule.keys.keyring import Keyring
from vestibule.model.connection import Connection
from vestibule.model.identity import Identity, Person
from vestibule.model.ids import Sid
from vestibule.model.session import Session
from vestibule.policy.session import lifetime
from vestibule.store.port import Keep, SessionEnded, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A session about to be kept: its records, the cookie's new secret, and whom the browser has now seen."""

    sid: Sid
    keep: Keep
    secret: str
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    store: Store
    keyring: Keyring
    clock: Clock
    entropy: Entropy

    def seen(self, identity: Identity) -> str:
        """What the `seen` cookie holds of somebody: a keyed hash of connection and identity."""
        return keyed(self.keyring.pepper("seen"), identity.connection, identity.key)

    async def find(self, browser: Browser) -> Session | None:
        """The live session of this browser."""
        if browser.session is None:
            return None
        session = await self.store.sessions.find(browser.session)
        now = self.clock.now()
        if session is None or now >= session.expires_at or now >= session.idle_at:
            return None
        return session

    async def begin(self, browser: Browser, *, person: Person, identity: Identity, connection: Connection) -> Begun:
        """A session for this person, with a cookie never used before; the one it replaces ends in the same step.

        The same person through the same connection keeps the `sid`, so that applications signed in earlier are
        still told when it ends.
        """
        old = await self.find(browser)
        same = old is not None and old.person == person.id and old.connection == connection.id
        sid = old.sid if old is not None and same else Sid(self.entropy.token(16))
        secret = self.entropy.token()
        now = self.clock.now()
        expires_at, idle_at = lifetime(connection, identity, now)
        session = Session(
            sid=sid,
            cookie=hold(secret),
            person=person.id,
            connection=connection.id,
            identity=identity,
            created_at=now,
            expires_at=expires_at,
            idle_at=idle_at,
        )
        ended: Keep = (SessionEnded(sid=old.sid),) if old is not None and not same else ()
        return Begun(sid=sid, keep=(*ended, session), secret=secret, seen=self.seen(identity))
