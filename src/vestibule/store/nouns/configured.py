"""Connections, applications and the installation in SQL: written whole, read at every request."""

from __future__ import annotations  # those of nested steps would else be evaluated at every call

from collections.abc import Iterator, Sequence

from vestibule.model.application import Application
from vestibule.model.connection import Connection
from vestibule.model.event import Event
from vestibule.model.installation import Installation
from vestibule.store import statements as sql
from vestibule.store.codec import decode, decode_once, encode
from vestibule.store.configuration import check
from vestibule.store.keeping import keeping
from vestibule.store.steps import Alone, Engine, Statement, Steps, Unread

PATIENCE = 300.0
"""Seconds that putting things in place may take: a file may name ten thousand connections, and an operator can wait."""
REVISION = "configuration"
"""The fact that counts what was put in place."""


class SqlConfigured:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def connection(self, reference: str) -> Connection | None:
        def steps() -> Steps[Connection | None]:
            rows = yield sql.CONNECTION, (reference, reference)
            return decode_once(Connection, rows[0][0]) if rows else None

        return await self._engine.read(steps)

    async def connections(self) -> tuple[Connection, ...]:
        def steps() -> Steps[tuple[Connection, ...]]:
            rows = yield sql.CONNECTIONS, ()
            return tuple(decode_once(Connection, doc) for (doc,) in rows)

        return await self._engine.read(steps)

    async def connection_by_domain(self, domain: str) -> Connection | None:
        def steps() -> Steps[Connection | None]:
            rows = yield sql.CONNECTION_BY_DOMAIN, (domain,)
            return decode_once(Connection, rows[0][0]) if rows else None

        return await self._engine.read(steps)

    async def application(self, client_id: str) -> Application | None:
        def steps() -> Steps[Application | None]:
            rows = yield sql.APPLICATION, (client_id,)
            return decode_once(Application, rows[0][0]) if rows else None

        return await self._engine.read(steps)

    async def applications(self) -> tuple[Application, ...]:
        def steps() -> Steps[tuple[Application, ...]]:
            rows = yield sql.APPLICATIONS, ()
            return tuple(decode_once(Application, doc) for (doc,) in rows)

        return await self._engine.read(steps)

    async def installation(self) -> Installation:
        def steps() -> Steps[Installation]:
            rows = yield sql.FACT, ("installation",)
            return decode_once(Installation, rows[0][0]) if rows else Installation()

        return await self._engine.read(steps)

    async def revision(self) -> int:
        return await self._engine.read(_revision)

    async def apply(
        self,
        *,
        installation: Installation,
        applications: Sequence[Application],
        connections: Sequence[Connection],
        events: Sequence[Event] = (),
    ) -> None:
        def steps() -> Steps[None]:
            # What is checked is checked against all that there is, so nobody else changes any of it meanwhile.
            yield Alone(("configuration",))
            rows = yield sql.CONNECTIONS, ()
            check([decode(Connection, doc) for (doc,) in rows], connections)
            revision = yield from _revision()
            rows = [(it.id, it.name, int(it.enabled), encode(it)) for it in connections]
            yield Unread(
                [
                    (sql.SET_FACT, (REVISION, str(revision + 1))),
                    (sql.SET_FACT, ("installation", encode(installation))),
                    *((sql.PUT_APPLICATION, (it.client_id, encode(it))) for it in applications),
                    *((sql.PUT_CONNECTION, row) for row in rows),
                    *_domains(connections),
                    *keeping(tuple(events)),
                ]
            )

        await self._engine.write(steps, patience=PATIENCE)


def _revision() -> Steps[int]:
    rows = yield sql.FACT, (REVISION,)
    return int(rows[0][0]) if rows else 0


def _domains(connections: Sequence[Connection]) -> Iterator[Statement]:
    """All old listings go before any new one comes: a verified domain may move from one connection to another."""
    for connection in connections:
        yield sql.DROP_DOMAINS, (connection.id,)
    for connection in connections:
        verified = {domain.name for domain in connection.domains if domain.verified}
        for name in sorted({domain.name for domain in connection.domains}):
            yield sql.PUT_DOMAIN, (connection.id, name, int(name in verified))
