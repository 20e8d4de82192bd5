"""People, the identities by which they are known, and their sessions, in SQL."""

from __future__ import annotations  # those of nested steps would else be evaluated at every call

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from vestibule.model.identity import Identity, Person
from vestibule.model.ids import Digest, PersonId, Sid
from vestibule.model.session import Session
from vestibule.store import statements as sql
from vestibule.store.codec import decode, micros, moment
from vestibule.store.steps import Alone, Engine, Finish, Steps, Together, Unread


class SqlPeople:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def settle(
        self, identity: Identity, *, new: PersonId, provision: bool, link: bool, now: datetime
    ) -> Person | None:
        def known() -> Steps[tuple[Person, bool] | None]:
            rows = yield sql.IDENTITY, (identity.key,)
            if not rows:
                return None
            return _person(rows[0]), tuple(rows[0][4:]) == _remembered(identity)

        def steps() -> Steps[Person | None]:
            # Two sign-ins of one identity, or of one email that joins, would else make two people.
            yield Alone(_names(identity, link))
            there = yield from known()
            person = there[0] if there else (yield from _joined(identity)) if link else None
            if person is None:
                if not provision:
                    return None
                person = Person(id=new, created_at=now)
                yield Unread(((sql.NEW_PERSON, (new, micros(now))),))
            connection, email, verified, display = _remembered(identity)
            key = email.lower() if email else None
            row = (identity.key, person.id, connection, email, key, verified, display)
            yield Unread(((sql.PUT_IDENTITY, row),))
            return person

        # Most sign-ins change nothing about a person, and what is not written need not be waited for.
        there = await self._engine.read(known)
        return there[0] if there and there[1] else await self._engine.write(steps)

    async def find(self, id: PersonId, *, identity: str | None = None) -> Person | None:
        """An identity that is not this person's (any more) counts as blocked."""

        def steps() -> Steps[Person | None]:
            theirs = [] if identity is None else [(sql.IDENTITY_BLOCKED, (identity, id))]
            rows, *of_identity = yield Together([(sql.PERSON, (id,)), *theirs])
            if not rows:
                return None
            blocked = any(bool(found[0][0]) if found else True for found in of_identity)
            return _person((*rows[0], blocked))

        return await self._engine.read(steps)

    async def block(self, id: PersonId, *, blocked: bool) -> bool:
        def steps() -> Steps[bool]:
            (rows,) = yield Finish(((sql.BLOCK_PERSON, (int(blocked), id)),))
            return bool(rows)

        return await self._engine.write(steps)


def _person(row: Sequence[Any]) -> Person:
    id, created_at, blocked, identity_blocked = row[:4]
    return Person(id=id, created_at=moment(created_at), blocked=bool(blocked), identity_blocked=bool(identity_blocked))


def _names(identity: Identity, link: bool) -> tuple[str, ...]:
    """What a sign-in that changes people must be alone with: the identity and, where it may join, the email."""
    key = f"identity {identity.key}"
    return (key, f"email {identity.email.lower()}") if link and identity.email and identity.email_verified else (key,)


def _remembered(identity: Identity) -> tuple[str, str | None, int, str]:
    """What is remembered of an identity, and refreshed at each sign-in."""
    return identity.connection, identity.email, int(identity.email_verified), identity.display


def _joined(identity: Identity) -> Steps[Person | None]:
    """The one person with this verified email. Of several none is the one: nobody is joined by a guess."""
    if not identity.email or not identity.email_verified:
        return None
    people = yield sql.PEOPLE_BY_EMAIL, (identity.email.lower(),)
    if len(people) != 1:
        return None
    rows = yield sql.PERSON, (people[0][0],)
    return _person((*rows[0], False))


class SqlSessions:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find(self, cookie: Digest) -> Session | None:
        def steps() -> Steps[Session | None]:
            rows = yield sql.SESSION, (cookie,)
            return replace(decode(Session, rows[0][0]), idle_at=moment(rows[0][1])) if rows else None

        return await self._engine.read(steps)

    async def touch(self, sid: Sid, *, idle_at: datetime) -> None:
        def steps() -> Steps[None]:
            yield Unread(((sql.TOUCH_SESSION, (micros(idle_at), sid, micros(idle_at))),))

        await self._engine.write(steps)
