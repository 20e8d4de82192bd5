"""Grants, and the codes and tokens that stand for them, in SQL."""

from __future__ import annotations  # those of nested steps would else be evaluated at every call

from dataclasses import replace
from datetime import datetime

from vestibule.model.grant import AccessToken, Code, Grant, RefreshToken
from vestibule.model.ids import Digest, PersonId, Sid
from vestibule.store import statements as sql
from vestibule.store.codec import decode, micros, moment_or_none
from vestibule.store.keeping import keeping
from vestibule.store.nouns.logins import once
from vestibule.store.port import Keep
from vestibule.store.steps import Engine, Finish, Steps, Unread


class SqlCodes:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find(self, digest: Digest) -> Code | None:
        def steps() -> Steps[Code | None]:
            rows = yield sql.CODE, (digest,)
            return replace(decode(Code, rows[0][0]), taken_at=moment_or_none(rows[0][1])) if rows else None

        return await self._engine.read(steps)

    async def take(self, digest: Digest, *, now: datetime, keep: Keep = ()) -> bool:
        at = micros(now)

        def steps() -> Steps[bool]:
            # Whoever holds the arrival decides: of its codes one is taken, and none once it was taken by hand.
            yield Unread(((sql.HOLD_ARRIVAL_OF_CODE, (digest,)),))
            ended = sql.END_ARRIVAL_OF_CODE, (digest,)
            (taken,) = yield Finish(((sql.TAKE_CODE, (at, digest, at)),), (ended, *keeping(keep)))
            return bool(taken)

        return await self._engine.write(steps)


class SqlTokens:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def access(self, digest: Digest) -> tuple[AccessToken, Grant] | None:
        def steps() -> Steps[tuple[AccessToken, Grant] | None]:
            rows = yield sql.ACCESS_TOKEN, (digest,)
            return (decode(AccessToken, rows[0][0]), decode(Grant, rows[0][1])) if rows else None

        return await self._engine.read(steps)

    async def refresh(self, digest: Digest) -> tuple[RefreshToken, Grant] | None:
        def steps() -> Steps[tuple[RefreshToken, Grant] | None]:
            rows = yield sql.REFRESH_TOKEN, (digest,)
            if not rows:
                return None
            token, taken_at, grant = rows[0]
            return replace(decode(RefreshToken, token), taken_at=moment_or_none(taken_at)), decode(Grant, grant)

        return await self._engine.read(steps)

    async def rotate(self, digest: Digest, *, now: datetime, keep: Keep = ()) -> bool:
        at = micros(now)
        return await self._engine.write(lambda: once((sql.TAKE_REFRESH_TOKEN, (at, digest, at, at, at)), keep))

    async def grants(self, *, sid: Sid | None = None, person: PersonId | None = None) -> tuple[Grant, ...]:
        """Of both where both are given; nobody's where neither is."""

        def steps() -> Steps[tuple[Grant, ...]]:
            if sid is not None:
                rows = yield sql.GRANTS_BY_SID, (sid,)
            elif person is not None:
                rows = yield sql.GRANTS_BY_PERSON, (person,)
            else:
                return ()
            mine = [decode(Grant, doc) for (doc,) in rows]
            mine = [grant for grant in mine if person is None or grant.person == person]
            return tuple(sorted(mine, key=lambda grant: (grant.created_at, grant.id)))

        return await self._engine.read(steps)
