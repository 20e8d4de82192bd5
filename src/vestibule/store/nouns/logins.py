"""What a login in flight leaves behind, in SQL: assertions, pending logins, arrivals, outcomes, rehearsals."""

from __future__ import annotations  # those of nested steps would else be evaluated at every call

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from vestibule.model.arrival import Arrival, ArrivalState
from vestibule.model.ids import ArrivalId, ConnectionId, Digest
from vestibule.model.outcome import Outcome
from vestibule.model.pending import PendingLogin
from vestibule.model.rehearsal import Rehearsal
from vestibule.store import statements as sql
from vestibule.store.codec import decode, micros, moment_or_none
from vestibule.store.keeping import keeping
from vestibule.store.port import Answered, AssertionClaim, Keep
from vestibule.store.steps import Engine, Finish, Statement, Steps, Together


def once(statement: Statement, keep: Keep) -> Steps[bool]:
    """The statement whose `WHERE` lets one caller through, and what the winner wants kept."""
    (won,) = yield Finish((statement,), keeping(keep))
    return bool(won)


def _claim(claim: AssertionClaim) -> Statement:
    return sql.CLAIM, (claim.connection, claim.issuer, claim.assertion_id, micros(claim.remember_until))


class SqlAssertions:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def claimed(self, claim: AssertionClaim) -> bool:
        def steps() -> Steps[bool]:
            rows = yield sql.CLAIMED, (claim.connection, claim.issuer, claim.assertion_id)
            return bool(rows)

        return await self._engine.read(steps)

    async def claim(self, claim: AssertionClaim, *, keep: Keep = ()) -> bool:
        return await self._engine.write(lambda: once(_claim(claim), keep))


class SqlPendingLogins:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find(self, request_id: str) -> PendingLogin | None:
        def steps() -> Steps[PendingLogin | None]:
            rows = yield sql.PENDING, (request_id,)
            if not rows:
                return None
            doc, counted, ended_at = rows[0]
            return replace(decode(PendingLogin, doc), counted=bool(counted), ended_at=moment_or_none(ended_at))

        return await self._engine.read(steps)

    async def answer(
        self, request_id: str, *, cookie: Digest, claim: AssertionClaim, now: datetime, keep: Keep = ()
    ) -> Answered:
        def steps() -> Steps[Answered]:
            # Looked at and held before the claim, so that an assertion is never claimed for a login that then is gone.
            live = sql.HOLD_PENDING, (request_id, cookie, micros(now))
            ended = sql.ANSWER_PENDING, (micros(now), request_id)
            held, claimed, _ = yield Finish((live, _claim(claim), ended), keeping(keep))
            if not held:
                return Answered.GONE
            return Answered.TAKEN if claimed else Answered.REPLAYED

        return await self._engine.write(steps)

    async def restarts(
        self, connection: ConnectionId, cookies: Sequence[Digest], *, since: datetime
    ) -> frozenset[ArrivalId]:
        if not cookies:
            return frozenset()

        def steps() -> Steps[frozenset[ArrivalId]]:
            each = yield Together([(sql.RESTARTS, (cookie, connection, micros(since))) for cookie in cookies])
            return frozenset(bell for rows in each for (bell,) in rows)

        return await self._engine.read(steps)


def _arrival(doc: str, state: str) -> Arrival:
    return replace(decode(Arrival, doc), state=ArrivalState(state))


class SqlArrivals:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find(self, id: ArrivalId) -> Arrival | None:
        def steps() -> Steps[Arrival | None]:
            rows = yield sql.ARRIVAL, (id,)
            return _arrival(*rows[0]) if rows else None

        return await self._engine.read(steps)

    async def held(self, cookies: Sequence[Digest]) -> tuple[Arrival, ...]:
        if not cookies:
            return ()

        def steps() -> Steps[tuple[Arrival, ...]]:
            each = yield Together([(sql.ARRIVALS_HELD, (cookie,)) for cookie in set(cookies)])
            mine = [_arrival(*row) for rows in each for row in rows]
            return tuple(sorted(mine, key=lambda arrival: (arrival.created_at, arrival.id), reverse=True))

        return await self._engine.read(steps)

    async def confirm(self, id: ArrivalId, *, now: datetime, keep: Keep = ()) -> bool:
        return await self._engine.write(lambda: once((sql.CONFIRM_ARRIVAL, (id, micros(now))), keep))

    async def take(self, id: ArrivalId, *, now: datetime, keep: Keep = ()) -> bool:
        return await self._engine.write(lambda: once((sql.TAKE_ARRIVAL, (id, micros(now))), keep))


class SqlOutcomes:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find(self, id: str) -> Outcome | None:
        def steps() -> Steps[Outcome | None]:
            rows = yield sql.OUTCOME, (id,)
            return decode(Outcome, rows[0][0]) if rows else None

        return await self._engine.read(steps)

    async def take(self, id: str, *, now: datetime, keep: Keep = ()) -> bool:
        return await self._engine.write(lambda: once((sql.TAKE_OUTCOME, (id, micros(now))), keep))


def _rehearsal(doc: str, cookie: Digest | None) -> Rehearsal:
    return replace(decode(Rehearsal, doc), cookie=cookie)


class SqlRehearsals:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find(self, id: str) -> Rehearsal | None:
        def steps() -> Steps[Rehearsal | None]:
            rows = yield sql.REHEARSAL, (id,)
            return _rehearsal(*rows[0]) if rows else None

        return await self._engine.read(steps)

    async def open(self, id: str, *, cookie: Digest, now: datetime) -> bool:
        return await self._engine.write(lambda: once((sql.OPEN_REHEARSAL, (cookie, id, micros(now))), ()))

    async def waiting(self, connection: ConnectionId, cookies: Sequence[Digest], *, now: datetime) -> Rehearsal | None:
        if not cookies:
            return None

        def steps() -> Steps[Rehearsal | None]:
            each = yield Together([(sql.REHEARSALS_WAITING, (cookie, connection, micros(now))) for cookie in cookies])
            mine = [_rehearsal(*row) for rows in each for row in rows]
            return max(mine, key=lambda it: (it.created_at, it.id), default=None)

        return await self._engine.read(steps)
