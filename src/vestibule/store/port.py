"""The port, noun by noun: what every engine must do, and what may happen once.

Three kinds of method. *Reads* are free and may be repeated. `keep` writes records in one transaction. A `take`,
`claim`, `answer` or `settle` is one atomic step: of any number of callers, on any number of threads, processes and
nodes, one wins, and what it wants kept is kept in the same transaction; the others change nothing.

Every `keep` argument is a tuple of records, written with the winner's step or not at all. Times are aware UTC. An
engine that cannot answer raises `StoreUnavailable`; no caller may take that for a yes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from vestibule.ground.errors import Refused
from vestibule.model.application import Application
from vestibule.model.arrival import Arrival
from vestibule.model.connection import Connection
from vestibule.model.event import Event
from vestibule.model.grant import AccessToken, Code, Grant, RefreshToken
from vestibule.model.identity import Identity, Person
from vestibule.model.ids import (
    ArrivalId,
    ConnectionId,
    Digest,
    GrantId,
    PersonId,
    Reference,
    Sid,
)
from vestibule.model.installation import Installation
from vestibule.model.key import StoredKey
from vestibule.model.outcome import Outcome
from vestibule.model.pending import PendingLogin
from vestibule.model.rehearsal import Rehearsal
from vestibule.model.session import Session
from vestibule.store.retention import EVENTS


class StoreUnavailable(Refused):
    """The store cannot answer now (`store.unavailable`): full, locked, unreachable. Whatever was asked is refused."""

    def __init__(self, why: str) -> None:
        super().__init__("store.unavailable", why)


# -- things to keep that are not nouns ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalEnded:
    """The arrival is over: it answers nothing any more. Nothing happens if it was over already."""

    id: ArrivalId


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded:
    sid: Sid


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRevoked:
    """All tokens of the grant are dead, and no code of it can be redeemed."""

    id: GrantId


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartsAnswered:
    """A solicited answer came: pending restarts of these cookies at this connection no longer count as a loop."""

    connection: ConnectionId
    cookies: tuple[Digest, ...]


Record = (
    PendingLogin
    | Arrival
    | Outcome
    | Session
    | Code
    | Grant
    | AccessToken
    | RefreshToken
    | Event
    | StoredKey
    | Rehearsal
    | ArrivalEnded
    | SessionEnded
    | GrantRevoked
    | RestartsAnswered
)
"""What `keep` accepts. A record with a key that exists already replaces it (last writer wins), except `Code`,
`PendingLogin`, `Arrival`, `Outcome` and `RefreshToken`, whose keys are random and whose second insert is an error."""

Keep = tuple[Record, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionClaim:
    """An assertion's name, to be claimed once on all nodes until `remember_until`."""

    connection: ConnectionId
    issuer: str
    assertion_id: str
    remember_until: datetime


class Answered(Enum):
    """What became of an attempt to answer a pending login."""

    TAKEN = "taken"
    REPLAYED = "replayed"
    """The assertion was claimed before; the pending login is untouched."""
    GONE = "gone"
    """The pending login is not live (any more); the assertion is not claimed."""


# -- the nouns ------------------------------------------------------------------------------------------------------


class Configured(Protocol):
    """Connections, applications and the installation: written whole, by operators; read at every request."""

    async def connection(self, reference: str) -> Connection | None:
        """By name or id."""
        ...

    async def connections(self) -> tuple[Connection, ...]:
        """All, by name."""
        ...

    async def connection_by_domain(self, domain: str) -> Connection | None:
        """The enabled connection that lists this email domain (lower case); a verified listing outranks, then the name decides."""
        ...

    async def application(self, client_id: str) -> Application | None: ...

    async def applications(self) -> tuple[Application, ...]:
        """All, by client id."""
        ...

    async def installation(self) -> Installation: ...

    async def revision(self) -> int:
        """How often something was put in place here: higher after every `apply`, and seen together with what it changed."""
        ...

    async def apply(
        self,
        *,
        installation: Installation,
        applications: Sequence[Application],
        connections: Sequence[Connection],
        events: Sequence[Event] = (),
    ) -> None:
        """Put these in place, in one transaction; what is not named stays as it is.

        Raises `Refused("configuration.domain_taken")` where two connections would hold one verified domain, and
        `Refused("configuration.name_taken")` where a connection's name or id would equal another's name or id, or
        a connection known under this name has another id.
        """
        ...


class Assertions(Protocol):
    async def claimed(self, claim: AssertionClaim) -> bool:
        """Whether it was claimed before, and is still remembered. A read, for operators to look at: nothing may be decided by it."""
        ...

    async def claim(self, claim: AssertionClaim, *, keep: Keep = ()) -> bool:
        """Once: true for the one caller that claims this (connection, issuer, assertion id), with its `keep`."""
        ...


class PendingLogins(Protocol):
    async def find(self, request_id: str) -> PendingLogin | None:
        """Live, expired or ended, until it is swept 24 h after its end."""
        ...

    async def answer(
        self, request_id: str, *, cookie: Digest, claim: AssertionClaim, now: datetime, keep: Keep = ()
    ) -> Answered:
        """Once: ends the live pending login of this cookie, claims the assertion and keeps, all or nothing."""
        ...

    async def restarts(
        self, connection: ConnectionId, cookies: Sequence[Digest], *, since: datetime
    ) -> frozenset[ArrivalId]:
        """The doorbells whose restarts (by these cookies, made after `since`, `counted`, not ended) are unanswered."""
        ...


class Arrivals(Protocol):
    async def find(self, id: ArrivalId) -> Arrival | None:
        """Also when expired (until swept); None once ended or taken."""
        ...

    async def held(self, cookies: Sequence[Digest]) -> tuple[Arrival, ...]:
        """All not-ended arrivals of this browser's cookies, expired ones too, newest first."""
        ...

    async def confirm(self, id: ArrivalId, *, now: datetime, keep: Keep = ()) -> bool:
        """Once: a live WAITING arrival becomes CONFIRMED."""
        ...

    async def take(self, id: ArrivalId, *, now: datetime, keep: Keep = ()) -> bool:
        """Once: ends a live arrival (of any state), with the taker's records."""
        ...


class Outcomes(Protocol):
    async def find(self, id: str) -> Outcome | None: ...

    async def take(self, id: str, *, now: datetime, keep: Keep = ()) -> bool:
        """Once: ends a live outcome, with the taker's records (session, code, event …)."""
        ...


class People(Protocol):
    async def settle(
        self, identity: Identity, *, new: PersonId, provision: bool, link: bool, now: datetime
    ) -> Person | None:
        """Once: the person behind this identity; made, or joined, in the same step if need be.

        Known identity key: its person (the identity's email, email_verified, display, connection are refreshed).
        Unknown: with `link` and a verified email, the one person who has another identity with the same verified
        email (compared lower case); None found and `provision`: a new person `new`; not `provision`: None.
        """
        ...

    async def find(self, id: PersonId, *, identity: str | None = None) -> Person | None:
        """With `identity` (its key), `identity_blocked` is that identity's."""
        ...

    async def block(self, id: PersonId, *, blocked: bool) -> bool:
        """True if the person exists."""
        ...


class Sessions(Protocol):
    async def find(self, cookie: Digest) -> Session | None:
        """Also when expired (until swept); None once ended."""
        ...

    async def touch(self, sid: Sid, *, idle_at: datetime) -> None:
        """Moves the idle end. May be late or lost; never extends an ended session."""
        ...


class Codes(Protocol):
    async def find(self, digest: Digest) -> Code | None:
        """Also when taken or expired, until swept 24 h after its expiry."""
        ...

    async def take(self, digest: Digest, *, now: datetime, keep: Keep = ()) -> bool:
        """Once: takes the live code and, where it has one, its arrival (not-ended and not past its expiry by more
        than the code's own life: the code's expiry decides); keeps the grant and tokens. False if either is gone,
        or the grant was revoked meanwhile; then nothing changes."""
        ...


class Tokens(Protocol):
    async def access(self, digest: Digest) -> tuple[AccessToken, Grant] | None:
        """None if unknown or the grant is revoked; expired ones are returned until swept."""
        ...

    async def refresh(self, digest: Digest) -> tuple[RefreshToken, Grant] | None:
        """Also when taken (reuse must be seen); None if unknown or the grant is revoked."""
        ...

    async def rotate(self, digest: Digest, *, now: datetime, keep: Keep = ()) -> bool:
        """Once: takes the live refresh token of a live grant, keeps its successors."""
        ...

    async def grants(self, *, sid: Sid | None = None, person: PersonId | None = None) -> tuple[Grant, ...]:
        """Live grants of a session or of a person."""
        ...


Decide = Callable[[tuple[StoredKey, ...]], Sequence[StoredKey]]
"""What becomes of keys, given all that there are. May be asked again if the transaction must be run again: it has no other effect."""
Anew = Callable[[StoredKey], StoredKey | None]


class Keys(Protocol):
    async def all(self) -> tuple[StoredKey, ...]:
        """Every key of the installation that is not swept, oldest first; not those of connections."""
        ...

    async def of(self, connection: ConnectionId) -> tuple[StoredKey, ...]:
        """Every key of a connection that is not swept, oldest first."""
        ...

    async def change(self, connection: ConnectionId | None, decide: Decide, *, seal: str) -> bool:
        """Once at a time, on all nodes: `decide` is given the keys of this connection (None = of the installation), oldest first,
        and what it returns is kept. What it raises rises, and nothing was kept.

        False, with nothing kept, where the store's seal check is not `seal` (any more): what `decide` seals would be opened by
        nobody later.
        """
        ...

    async def reseal(self, anew: Anew, *, texts: Mapping[str, Callable[[str], str]], seal: str) -> int:
        """Once at a time, all or nothing: every key of the installation as `anew` gives it (None = as it is), each fact that
        is there as its function in `texts` gives it, and `seal` as the seal check. Returns how many keys were changed.

        From now on the store is not resealed whole, until `reseal_on` has come to the end of the connections' keys.
        """
        ...

    async def reseal_on(self, anew: Anew, *, after: str) -> tuple[int, str | None]:
        """Once at a time, some hundred keys of anybody: those that follow the name `after`, as `anew` gives them.

        Returns how many were changed, and the last name; None where none is left: then the store is resealed whole.
        """
        ...

    async def is_resealed_whole(self) -> bool:
        """Whether no resealing was begun that has not come to its end."""
        ...

    async def sealed_by(self) -> str | None:
        """The seal check that is kept, if there is one: tells under which master key the store is sealed."""
        ...

    async def seal_check(self, value: str) -> str:
        """Once: keeps the first `value` ever given, and returns what is kept. Tells whether the master key is the right one."""
        ...

    async def known(self, name: str) -> str | None:
        """What is kept under this name."""
        ...

    async def note(self, name: str, value: str, *, event: Event) -> None:
        """Keeps a value under this name, in the place of another, and the event that says so."""
        ...

    async def fact(self, name: str, value: str) -> str:
        """Once: keeps the first value ever given under this name, and returns what is kept."""
        ...


class Events(Protocol):
    async def by_reference(self, reference: Reference) -> tuple[Event, ...]: ...

    async def latest(
        self, *, limit: int = 50, kind: str | None = None, connection: ConnectionId | None = None
    ) -> tuple[Event, ...]:
        """Newest first. `kind` matches exactly, or as a prefix when it ends with a dot."""
        ...


class Rehearsals(Protocol):
    async def find(self, id: str) -> Rehearsal | None: ...

    async def open(self, id: str, *, cookie: Digest, now: datetime) -> bool:
        """Once: binds a live, unopened rehearsal to a browser."""
        ...

    async def waiting(self, connection: ConnectionId, cookies: Sequence[Digest], *, now: datetime) -> Rehearsal | None:
        """A live, opened, unfinished rehearsal (of either kind) of one of this browser's cookies."""
        ...


class Store(Protocol):
    """An engine. `open` migrates and prepares; `close` lets everything acknowledged reach the disk."""

    configured: Configured
    assertions: Assertions
    pending: PendingLogins
    arrivals: Arrivals
    outcomes: Outcomes
    people: People
    sessions: Sessions
    codes: Codes
    tokens: Tokens
    keys: Keys
    events: Events
    rehearsals: Rehearsals

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def keep(self, *records: Record) -> None:
        """Writes the records in one transaction; when it returns, they are durable."""
        ...

    async def ready(self) -> None:
        """Raises `StoreUnavailable` if a login could not be finished now."""
        ...

    async def sweep(self, *, now: datetime, limit: int = 500, events: timedelta = EVENTS) -> int:
        """Deletes up to `limit` rows a table that are past all use, and events that are as old as `events`; returns how many went."""
        ...
