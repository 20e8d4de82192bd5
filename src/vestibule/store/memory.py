"""The engine that forgets: the port in dictionaries behind one lock, for tests of everything above the store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from vestibule.model.application import Application
from vestibule.model.arrival import Arrival, ArrivalState
from vestibule.model.connection import Connection
from vestibule.model.event import Event
from vestibule.model.grant import AccessToken, Code, Grant, RefreshToken
from vestibule.model.identity import Identity, Person
from vestibule.model.ids import ArrivalId, ConnectionId, Digest, IdentityKey, PersonId, Reference, Sid
from vestibule.model.installation import Installation
from vestibule.model.key import StoredKey
from vestibule.model.outcome import Outcome
from vestibule.model.pending import PendingLogin
from vestibule.model.rehearsal import Rehearsal
from vestibule.model.session import Session
from vestibule.store import port
from vestibule.store.configuration import check
from vestibule.store.port import (
    Answered,
    AssertionClaim,
    Keep,
    Record,
)
from vestibule.store.retention import EVENTS, horizons
from vestibule.store.tables import Known, Tables


class _Configured:
    def __init__(self, tables: Tables) -> None:
        self._t = tables

    async def connection(self, reference: str) -> Connection | None:
        with self._t.lock:
            found = (c for c in self._t.connections.values() if reference in (c.name, c.id))
            return next(found, None)

    async def connections(self) -> tuple[Connection, ...]:
        with self._t.lock:
            return tuple(sorted(self._t.connections.values(), key=lambda c: c.name))

    async def connection_by_domain(self, domain: str) -> Connection | None:
        with self._t.lock:
            listings = [
                (not listed.verified, c.name, c)
                for c in self._t.connections.values()
                for listed in c.domains
                if c.enabled and listed.name == domain
            ]
            return min(listings, key=lambda listing: listing[:2])[2] if listings else None

    async def application(self, client_id: str) -> Application | None:
        with self._t.lock:
            return self._t.applications.get(client_id)

    async def applications(self) -> tuple[Application, ...]:
        with self._t.lock:
            return tuple(sorted(self._t.applications.values(), key=lambda a: a.client_id))

    async def installation(self) -> Installation:
        with self._t.lock:
            return self._t.installation

    async def revision(self) -> int:
        with self._t.lock:
            return self._t.revision

    async def apply(
        self,
        *,
        installation: Installation,
        applications: Sequence[Application],
        connections: Sequence[Connection],
        events: Sequence[Event] = (),
    ) -> None:
        with self._t.lock:
            check(self._t.connections.values(), connections)
            self._t.revision += 1
            self._t.installation = installation
            self._t.applications.update({a.client_id: a for a in applications})
            self._t.connections.update({c.id: c for c in connections})
            self._t.write(tuple(events))


class _Assertions:
    def __init__(self, tables: Tables) -> None:
        self._t = tables

    async def claimed(self, claim: AssertionClaim) -> bool:
        with self._t.lock:
            return (claim.connection, claim.issuer, claim.assertion_id) in self._t.assertions

    async def claim(self, claim: AssertionClaim, *, keep: Keep = ()) -> bool:
        with self._t.lock:
            name = (claim.connection, claim.issuer, claim.assertion_id)
            return self._t.once(name not in self._t.assertions, lambda: self._t.assertions.update({name: claim}), keep)


class _PendingLogins:
    def __init__(self, tables: Tables) -> None:
        self._t = tables

    async def find(self, request_id: str) -> PendingLogin | None:
        with self._t.lock:
            return self._t.pending.get(request_id)

    async def answer(
        self, request_id: str, *, cookie: Digest, claim: AssertionClaim, now: datetime, keep: Keep = ()
    ) -> Answered:
        with self._t.lock:
            login = self._t.pending.get(request_id)
            if login is None or login.cookie != cookie or login.ended_at is not None or login.expires_at <= now:
                return Answered.GONE
            name = (claim.connection, claim.issuer, claim.assertion_id)
            if name in self._t.assertions:
                return Answered.REPLAYED
            self._t.admit(keep)
            self._t.pending[request_id] = replace(login, ended_at=now)
            self._t.assertions[name] = claim
            self._t.write(keep)
            return Answered.TAKEN

    async def restarts(
        self, connection: ConnectionId, cookies: Sequence[Digest], *, since: datetime
    ) -> frozenset[ArrivalId]:
        with self._t.lock:
            return frozenset(
                login.bell
                for login in self._t.pending.values()
                if login.bell is not None
                and login.counted
                and login.ended_at is None
                and login.created_at > since
                and login.connection == connection
                and login.cookie in cookies
            )


class _Arrivals:
    def __init__(self, tables: Tables) -> None:
        self._t = tables

    async def find(self, id: ArrivalId) -> Arrival | None:
        with self._t.lock:
            return self._t.arrivals.get(id)

    async def held(self, cookies: Sequence[Digest]) -> tuple[Arrival, ...]:
        with self._t.lock:
            mine = [arrival for arrival in self._t.arrivals.values() if arrival.cookie in cookies]
            return tuple(sorted(mine, key=lambda arrival: (arrival.created_at, arrival.id), reverse=True))

    async def confirm(self, id: ArrivalId, *, now: datetime, keep: Keep = ()) -> bool:
        with self._t.lock:
            arrival = self._t.arrivals.get(id)
            if arrival is None or arrival.expires_at <= now or arrival.state is not ArrivalState.WAITING:
                return False
            agreed = replace(arrival, state=ArrivalState.CONFIRMED)
            return self._t.once(True, lambda: self._t.arrivals.update({id: agreed}), keep)

    async def take(self, id: ArrivalId, *, now: datetime, keep: Keep = ()) -> bool:
        with self._t.lock:
            arrival = self._t.arrivals.get(id)
            live = arrival is not None and arrival.expires_at > now
            return self._t.once(live, lambda: self._t.arrivals.pop(id), keep)


class _Outcomes:
    def __init__(self, tables: Tables) -> None:
        self._t = tables

    async def find(self, id: str) -> Outcome | None:
        with self._t.lock:
            return self._t.outcomes.get(id)

    async def take(self, id: str, *, now: datetime, keep: Keep = ()) -> bool:
        with self._t.lock:
            outcome = self._t.outcomes.get(id)
            live = outcome is not None and outcome.expires_at > now
            return self._t.once(live, lambda: self._t.outcomes.pop(id), keep)


class _People:
    def __init__(self, tables: Tables) -> None:
        self._t = tables

    async def settle(
        self, identity: Identity, *, new: PersonId, provision: bool, link: bool, now: datetime
    ) -> Person | None:
        with self._t.lock:
            known = self._t.identities.get(identity.key)
            person = known.person if known else self._joined(identity) if link else None
            if person is None:
                if not provision:
                    return None
                person = new
                self._t.people[new] = Person(id=new, created_at=now)
            self._t.identities[identity.key] = Known(person=person, identity=identity)
            return self._t.people[person]

    def _joined(self, identity: Identity) -> PersonId | None:
        """The one person with this verified email. Of several none is the one: nobody is joined by a guess."""
        if not identity.email or not identity.email_verified:
            return None
        email = identity.email.lower()
        people = {
            known.person
            for known in self._t.identities.values()
            if known.identity.email_verified and known.identity.email and known.identity.email.lower() == email
        }
        return people.pop() if len(people) == 1 else None

    async def find(self, id: PersonId, *, identity: str | None = None) -> Person | None:
        with self._t.lock:
            person = self._t.people.get(id)
            if person is None or identity is None:
                return person
            known = self._t.identities.get(IdentityKey(identity))
            return replace(person, identity_blocked=known is None or known.person != id)

    async def block(self, id: PersonId, *, blocked: bool) -> bool:
        with self._t.lock:
            person = self._t.people.get(id)
            if person is not None:
                self._t.people[id] = replace(person, blocked=blocked)
            return person is not None


class _Sessions:
    def __init__(self, tables: Tables) -> None:
        self._t = tables

    async def find(self, cookie: Digest) -> Session | None:
        with self._t.lock:
            return next((s for s in self._t.sessions.values() if s.cookie == cookie), None)

    async def touch(self, sid: Sid, *, idle_at: datetime) -> None:
        with self._t.lock:
            session = self._t.sessions.get(sid)
            if session is not None and session.idle_at < idle_at:
                self._t.sessions[sid] = replace(session, idle_at=idle_at)


class _Codes:
    def __init__(self, tables: Tables) -> None:
        self._t = tables

    async def find(self, digest: Digest) -> Code | None:
        with self._t.lock:
            return self._t.codes.get(digest)

    async def take(self, digest: Digest, *, now: datetime, keep: Keep = ()) -> bool:
        with self._t.lock:
            code = self._t.codes.get(digest)
            if code is None or code.taken_at is not None or code.expires_at <= now or code.grant.id in self._t.revoked:
                return False
            if code.arrival is not None and code.arrival not in self._t.arrivals:
                return False
            self._t.admit(keep)
            self._t.codes[digest] = replace(code, taken_at=now)
            if code.arrival is not None:
                del self._t.arrivals[code.arrival]
            self._t.write(keep)
            return True


class _Tokens:
    def __init__(self, tables: Tables) -> None:
        self._t = tables

    async def access(self, digest: Digest) -> tuple[AccessToken, Grant] | None:
        with self._t.lock:
            token = self._t.access_tokens.get(digest)
            grant = self._t.grant(token.grant) if token else None
            return (token, grant) if token and grant else None

    async def refresh(self, digest: Digest) -> tuple[RefreshToken, Grant] | None:
        with self._t.lock:
            token = self._t.refresh_tokens.get(digest)
            grant = self._t.grant(token.grant) if token else None
            return (token, grant) if token and grant else None

    async def rotate(self, digest: Digest, *, now: datetime, keep: Keep = ()) -> bool:
        with self._t.lock:
            token = self._t.refresh_tokens.get(digest)
            grant = self._t.grant(token.grant) if token else None
            if token is None or grant is None or token.taken_at is not None or token.expires_at <= now:
                return False
            live = grant.refresh_until > now and grant.expires_at > now
            taken = replace(token, taken_at=now)
            return self._t.once(live, lambda: self._t.refresh_tokens.update({digest: taken}), keep)

    async def grants(self, *, sid: Sid | None = None, person: PersonId | None = None) -> tuple[Grant, ...]:
        if sid is None and person is None:
            return ()
        with self._t.lock:
            mine = [
                grant
                for grant in self._t.grants.values()
                if grant.id not in self._t.revoked
                and (sid is None or grant.sid == sid)
                and (person is None or grant.person == person)
            ]
            return tuple(sorted(mine, key=lambda grant: (grant.created_at, grant.id)))


class _Keys:
    def __init__(self, tables: Tables) -> None:
        self._t = tables

    async def all(self) -> tuple[StoredKey, ...]:
        with self._t.lock:
            return self._sorted(None)

    async def of(self, connection: ConnectionId) -> tuple[StoredKey, ...]:
        with self._t.lock:
            return self._sorted(connection)

    def _sorted(self, connection: ConnectionId | None) -> tuple[StoredKey, ...]:
        mine = [key for key in self._t.keys.values() if key.connection == connection]
        return tuple(sorted(mine, key=lambda key: (key.created_at, key.kid)))

    async def change(self, connection: ConnectionId | None, decide: port.Decide, *, seal: str) -> bool:
        with self._t.lock:
            if self._t.facts.get("seal_check") != seal:
                return False
            self._t.write(tuple(decide(self._sorted(connection))))
            return True

    async def reseal(self, anew: port.Anew, *, texts: Mapping[str, Callable[[str], str]], seal: str) -> int:
        with self._t.lock:
            facts = {name: text(self._t.facts[name]) for name, text in texts.items() if name in self._t.facts}
            fresh = [key for old in self._sorted(None) if (key := anew(old)) is not None]
            self._t.write(fresh)
            self._t.facts.update(facts | {"seal_check": seal, "resealed_whole": "no"})
            return len(fresh)

    async def reseal_on(self, anew: port.Anew, *, after: str) -> tuple[int, str | None]:
        with self._t.lock:
            names = sorted(kid for kid in self._t.keys if kid > after)[:200]
            if not names:
                self._t.facts["resealed_whole"] = "yes"
                return 0, None
            fresh = [key for kid in names if (key := anew(self._t.keys[kid])) is not None]
            self._t.write(fresh)
            return len(fresh), names[-1]

    async def is_resealed_whole(self) -> bool:
        return await self.known("resealed_whole") != "no"

    async def sealed_by(self) -> str | None:
        return await self.known("seal_check")

    async def known(self, name: str) -> str | None:
        with self._t.lock:
            return self._t.facts.get(name)

    async def note(self, name: str, value: str, *, event: Event) -> None:
        with self._t.lock:
            self._t.facts[name] = value
            self._t.write((event,))

    async def seal_check(self, value: str) -> str:
        return await self.fact("seal_check", value)

    async def fact(self, name: str, value: str) -> str:
        with self._t.lock:
            return self._t.facts.setdefault(name, value)


class _Events:
    def __init__(self, tables: Tables) -> None:
        self._t = tables

    async def by_reference(self, reference: Reference) -> tuple[Event, ...]:
        with self._t.lock:
            story = [event for event in self._t.events.values() if event.reference == reference]
            return tuple(sorted(story, key=lambda event: event.at))

    async def latest(
        self, *, limit: int = 50, kind: str | None = None, connection: ConnectionId | None = None
    ) -> tuple[Event, ...]:
        with self._t.lock:
            wanted = [
                event
                for event in self._t.events.values()
                if (kind is None or event.kind == kind or (kind.endswith(".") and event.kind.startswith(kind)))
                and (connection is None or event.connection == connection)
            ]
            wanted.sort(key=lambda event: event.at)
            return tuple(wanted[::-1][:limit])


class _Rehearsals:
    def __init__(self, tables: Tables) -> None:
        self._t = tables

    async def find(self, id: str) -> Rehearsal | None:
        with self._t.lock:
            return self._t.rehearsals.get(id)

    async def open(self, id: str, *, cookie: Digest, now: datetime) -> bool:
        with self._t.lock:
            it = self._t.rehearsals.get(id)
            if it is None or it.cookie is not None or it.finished_at is not None or it.expires_at <= now:
                return False
            self._t.rehearsals[id] = replace(it, cookie=cookie)
            return True

    async def waiting(self, connection: ConnectionId, cookies: Sequence[Digest], *, now: datetime) -> Rehearsal | None:
        with self._t.lock:
            mine = [
                it
                for it in self._t.rehearsals.values()
                if it.finished_at is None and it.expires_at > now
                if it.connection == connection and it.cookie is not None and it.cookie in cookies
            ]
            return max(mine, key=lambda it: (it.created_at, it.id), default=None)


class MemoryStore:
    """A `Store` that keeps nothing beyond the process; safe for several threads and event loops."""

    def __init__(self) -> None:
        self._t = tables = Tables()
        self.configured: port.Configured = _Configured(tables)
        self.assertions: port.Assertions = _Assertions(tables)
        self.pending: port.PendingLogins = _PendingLogins(tables)
        self.arrivals: port.Arrivals = _Arrivals(tables)
        self.outcomes: port.Outcomes = _Outcomes(tables)
        self.people: port.People = _People(tables)
        self.sessions: port.Sessions = _Sessions(tables)
        self.codes: port.Codes = _Codes(tables)
        self.tokens: port.Tokens = _Tokens(tables)
        self.keys: port.Keys = _Keys(tables)
        self.events: port.Events = _Events(tables)
        self.rehearsals: port.Rehearsals = _Rehearsals(tables)

    async def open(self) -> None:
        """Nothing to prepare."""

    async def close(self) -> None:
        """Nothing to bring to disk."""

    async def keep(self, *records: Record) -> None:
        with self._t.lock:
            self._t.once(True, lambda: None, records)

    async def ready(self) -> None:
        """Always."""

    async def sweep(self, *, now: datetime, limit: int = 500, events: timedelta = EVENTS) -> int:
        with self._t.lock:
            return sum(self._swept(rule.table, rule.ends, over, limit) for rule, over in horizons(now, events))

    def _swept(self, table: str, ends: tuple[str, ...], horizon: datetime, limit: int) -> int:
        rows = getattr(self._t, table)
        over = [
            name
            for name, row in rows.items()
            if any((end := getattr(row, column)) is not None and end <= horizon for column in ends)
        ][:limit]
        for name in over:
            del rows[name]
        return len(over)
