"""Signing keys and events in SQL: what the installation signs with, and what happened in it."""

from __future__ import annotations  # those of nested steps would else be evaluated at every call

from collections.abc import Callable, Mapping

from vestibule.model.event import Event
from vestibule.model.ids import ConnectionId, Reference
from vestibule.model.key import StoredKey
from vestibule.store import statements as sql
from vestibule.store.codec import decode
from vestibule.store.keeping import keeping, kept
from vestibule.store.port import Anew, Decide
from vestibule.store.steps import Alone, Engine, Rows, Steps, Unread
from vestibule.store.traces import event

_SEAL = "seal_check"
_WHOLE = "resealed_whole"
_KEYS = "keys"
"""The name under which those who change keys take turns."""


class SqlKeys:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def all(self) -> tuple[StoredKey, ...]:
        def steps() -> Steps[tuple[StoredKey, ...]]:
            rows = yield sql.KEYS, ()
            return tuple(decode(StoredKey, doc) for (doc,) in rows)

        return await self._engine.read(steps)

    async def of(self, connection: ConnectionId) -> tuple[StoredKey, ...]:
        def steps() -> Steps[tuple[StoredKey, ...]]:
            rows = yield sql.KEYS_OF, (connection,)
            return tuple(decode(StoredKey, doc) for (doc,) in rows)

        return await self._engine.read(steps)

    async def change(self, connection: ConnectionId | None, decide: Decide, *, seal: str) -> bool:
        def steps() -> Steps[bool]:
            yield Alone((_KEYS,))
            check = yield sql.FACT, (_SEAL,)
            if not check or check[0][0] != seal:
                return False
            rows = yield (sql.KEYS, ()) if connection is None else (sql.KEYS_OF, (connection,))
            yield from kept(tuple(decide(tuple(decode(StoredKey, doc) for (doc,) in rows))))
            return True

        return await self._engine.write(steps)

    async def reseal(self, anew: Anew, *, texts: Mapping[str, Callable[[str], str]], seal: str) -> int:
        def steps() -> Steps[int]:
            yield Alone((_KEYS,))
            yield Unread(((sql.SET_FACT, (_SEAL, seal)), (sql.SET_FACT, (_WHOLE, "no"))))
            for name, text in texts.items():
                rows = yield sql.FACT, (name,)
                if rows:
                    yield Unread(((sql.SET_FACT, (name, text(rows[0][0]))),))
            fresh = _anew(anew, (yield sql.KEYS, ()))
            yield from kept(fresh)
            return len(fresh)

        return await self._engine.write(steps)

    async def reseal_on(self, anew: Anew, *, after: str) -> tuple[int, str | None]:
        def steps() -> Steps[tuple[int, str | None]]:
            yield Alone((_KEYS,))
            rows = yield sql.KEYS_AFTER, (after,)
            if not rows:
                yield Unread(((sql.SET_FACT, (_WHOLE, "yes")),))
                return 0, None
            fresh = _anew(anew, [(doc,) for _, doc in rows])
            yield from kept(fresh)
            return len(fresh), str(rows[-1][0])

        return await self._engine.write(steps)

    async def is_resealed_whole(self) -> bool:
        return await self.known(_WHOLE) != "no"

    async def sealed_by(self) -> str | None:
        return await self.known(_SEAL)

    async def known(self, name: str) -> str | None:
        def steps() -> Steps[str | None]:
            rows = yield sql.FACT, (name,)
            return str(rows[0][0]) if rows else None

        return await self._engine.read(steps)

    async def note(self, name: str, value: str, *, event: Event) -> None:
        def steps() -> Steps[None]:
            yield Unread(((sql.SET_FACT, (name, value)), *keeping((event,))))

        await self._engine.write(steps)

    async def seal_check(self, value: str) -> str:
        return await self.fact(_SEAL, value)

    async def fact(self, name: str, value: str) -> str:
        def steps() -> Steps[str]:
            yield Unread(((sql.FIRST_FACT, (name, value)),))
            rows = yield sql.FACT, (name,)
            return str(rows[0][0])

        return await self._engine.write(steps)


def _anew(anew: Anew, rows: Rows) -> tuple[StoredKey, ...]:
    """Those that are to be kept anew."""
    return tuple(key for (doc,) in rows if (key := anew(decode(StoredKey, doc))) is not None)


class SqlEvents:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def by_reference(self, reference: Reference) -> tuple[Event, ...]:
        """As they happened, oldest first."""

        def steps() -> Steps[tuple[Event, ...]]:
            rows = yield sql.EVENTS_BY_REFERENCE, (reference,)
            return tuple(event(doc) for (doc,) in rows)

        return await self._engine.read(steps)

    async def latest(
        self, *, limit: int = 50, kind: str | None = None, connection: ConnectionId | None = None
    ) -> tuple[Event, ...]:
        def steps() -> Steps[tuple[Event, ...]]:
            rows = yield from _newest(limit, kind, connection)
            newest = sorted(rows, key=lambda row: (row[0], row[1]), reverse=True)[:limit]
            return tuple(event(row[2]) for row in newest)

        return await self._engine.read(steps)


def _newest(limit: int, kind: str | None, connection: ConnectionId | None) -> Steps[Rows]:
    """The newest of each kind that is asked for, each by its index: a rare event is found without reading the others."""
    if kind is None and connection is None:
        newest: Rows = yield sql.EVENTS, (limit,)
        return newest
    kinds = (yield from _kinds(kind or "", connection)) if kind is None or kind.endswith(".") else [kind]
    found: list[tuple[int, int, str]] = []
    for each in kinds:
        if connection is None:
            rows = yield sql.EVENTS_OF_KIND, (each, limit)
        else:
            rows = yield sql.EVENTS_OF_CONNECTION, (connection, each, limit)
        found.extend((row[0], row[1], row[2]) for row in rows)
    return found


def _kinds(prefix: str, connection: ConnectionId | None) -> Steps[list[str]]:
    kinds: list[str] = []
    last, end = prefix, prefix[:-1] + "/" if prefix else "\U0010ffff"  # "/" is what follows "."
    while True:
        if connection is None:
            rows = yield sql.NEXT_KIND, (last, end)
        else:
            rows = yield sql.NEXT_KIND_OF_CONNECTION, (connection, last, end)
        if rows[0][0] is None:
            return kinds
        last = rows[0][0]
        kinds.append(last)
