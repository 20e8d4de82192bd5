"""What the engine that forgets has in its dictionaries, and how records come into them."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from vestibule.model.application import Application
from vestibule.model.arrival import Arrival
from vestibule.model.connection import Connection
from vestibule.model.event import Event
from vestibule.model.grant import AccessToken, Code, Grant, RefreshToken
from vestibule.model.identity import Identity, Person
from vestibule.model.ids import ArrivalId, ConnectionId, Digest, GrantId, IdentityKey, PersonId, Sid
from vestibule.model.installation import Installation
from vestibule.model.key import StoredKey
from vestibule.model.outcome import Outcome
from vestibule.model.pending import PendingLogin
from vestibule.model.rehearsal import Rehearsal
from vestibule.model.session import Session
from vestibule.store.faults import AlreadyKept
from vestibule.store.port import (
    ArrivalEnded,
    AssertionClaim,
    GrantRevoked,
    Keep,
    Record,
    RestartsAnswered,
    SessionEnded,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An identity as it is remembered, and whose it is."""

    person: PersonId
    identity: Identity


@dataclass(slots=True)
class Tables:
    """Everything that is kept. Whoever reads or writes holds `lock`, and awaits nothing meanwhile."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    facts: dict[str, str] = field(default_factory=dict)
    installation: Installation = field(default_factory=Installation)
    revision: int = 0
    connections: dict[ConnectionId, Connection] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    assertions: dict[tuple[ConnectionId, str, str], AssertionClaim] = field(default_factory=dict)
    pending: dict[str, PendingLogin] = field(default_factory=dict)
    arrivals: dict[ArrivalId, Arrival] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    people: dict[PersonId, Person] = field(default_factory=dict)
    identities: dict[IdentityKey, Known] = field(default_factory=dict)
    sessions: dict[Sid, Session] = field(default_factory=dict)
    codes: dict[Digest, Code] = field(default_factory=dict)
    access_tokens: dict[Digest, AccessToken] = field(default_factory=dict)
    refresh_tokens: dict[Digest, RefreshToken] = field(default_factory=dict)
    grants: dict[GrantId, Grant] = field(default_factory=dict)
    revoked: set[GrantId] = field(default_factory=set)
    keys: dict[str, StoredKey] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    rehearsals: dict[str, Rehearsal] = field(default_factory=dict)

    def admit(self, records: Sequence[Record]) -> None:
        """Refuses second inserts before anything is changed, so that a transaction is whole or nothing."""
        seen: set[tuple[type, str]] = set()
        for record in records:
            match record:
                case PendingLogin():
                    name, there = record.id, record.id in self.pending
                case Arrival():
                    name, there = record.id, record.id in self.arrivals
                case Outcome():
                    name, there = record.id, record.id in self.outcomes
                case Code():
                    name, there = record.digest, record.digest in self.codes
                case RefreshToken():
                    name, there = record.digest, record.digest in self.refresh_tokens
                case _:
                    continue
            if there or (type(record), name) in seen:
                raise AlreadyKept(type(record).__name__)
            seen.add((type(record), name))

    def write(self, records: Sequence[Record]) -> None:
        """Writes admitted records."""
        for record in records:
            match record:
                case PendingLogin():
                    self.pending[record.id] = record
                case Arrival():
                    self.arrivals[record.id] = record
                case Outcome():
                    self.outcomes[record.id] = record
                case Session():
                    self.sessions[record.sid] = record
                case Code():
                    self.codes[record.digest] = record
                case Grant():
                    self.grants[record.id] = record
                case AccessToken():
                    self.access_tokens[record.digest] = record
                case RefreshToken():
                    self.refresh_tokens[record.digest] = record
                case Event():
                    self.events[record.id] = record
                case StoredKey():
                    self.keys[record.kid] = record
                case Rehearsal():
                    self.rehearsals[record.id] = record
                case ArrivalEnded():
                    self.arrivals.pop(record.id, None)
                case SessionEnded():
                    self.sessions.pop(record.sid, None)
                case GrantRevoked():
                    self.revoked.add(record.id)
                case RestartsAnswered():
                    self.uncount(record)

    def uncount(self, record: RestartsAnswered) -> None:
        for login in tuple(self.pending.values()):
            if login.connection == record.connection and login.cookie in record.cookies:
                self.pending[login.id] = replace(login, counted=False)

    def once(self, won: bool, step: Callable[[], object], keep: Keep) -> bool:
        """The winner's step and what it wants kept; a loser changes nothing."""
        if won:
            self.admit(keep)
            step()
            self.write(keep)
        return won

    def grant(self, id: GrantId) -> Grant | None:
        return None if id in self.revoked else self.grants.get(id)
