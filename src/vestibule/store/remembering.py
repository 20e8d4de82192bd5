"""The configuration, remembered: connections, applications and the installation as they were read, until they change.

Every node remembers by itself. What tells it of a change is the configuration's revision, which goes up with every `apply`
in the same transaction, and which is asked for again once what is known of it is `FRESH` old: so long may a change that
another process made go unnoticed, and no longer. A store that cannot answer is noticed then too, and nothing remembered
is believed beyond that.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from vestibule.ground.clock import Clock
from vestibule.model.application import Application
from vestibule.model.connection import Connection
from vestibule.model.event import Event
from vestibule.model.installation import Installation
from vestibule.store import port

T = TypeVar("T")

FRESH = timedelta(seconds=1)
"""How old the known revision may be. It bounds for how long a connection that was disabled elsewhere still works here."""
MOST = 2_048
"""Connections and applications that are remembered at a time, those that were asked for last: some 20 MB."""


class RememberedConfiguration:
    """`port.Configured` over another one. What does not exist is not remembered, so that strangers' guesses drive nothing out."""

    def __init__(self, kept: port.Configured, clock: Clock) -> None:
        self._kept = kept
        self._clock = clock
        self._revision = -1
        self._asked_at: datetime | None = None
        self._known: OrderedDict[Hashable, tuple[int, Any]] = OrderedDict()
        self.connections = kept.connections
        self.connection_by_domain = kept.connection_by_domain
        self.applications = kept.applications

    async def connection(self, reference: str) -> Connection | None:
        return await self._remember(("connection", reference), lambda: self._kept.connection(reference))

    async def application(self, client_id: str) -> Application | None:
        return await self._remember(("application", client_id), lambda: self._kept.application(client_id))

    async def installation(self) -> Installation:
        return await self._remember("installation", self._kept.installation)

    async def revision(self) -> int:
        now = self._clock.now()
        # A clock that was set back makes it old, not young.
        if self._asked_at is None or not timedelta(0) <= now - self._asked_at < FRESH:
            revision = await self._kept.revision()
            if revision != self._revision:
                # Another number is another configuration, even one that was seen before: a database may have been put back.
                self._known.clear()
                self._revision = revision
            self._asked_at = now
        return self._revision

    async def apply(
        self,
        *,
        installation: Installation,
        applications: Sequence[Application],
        connections: Sequence[Connection],
        events: Sequence[Event] = (),
    ) -> None:
        try:
            await self._kept.apply(
                installation=installation, applications=applications, connections=connections, events=events
            )
        finally:
            self._asked_at = None  # also where it failed: what reached the database may not be known

    async def _remember(self, name: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """The revision is asked for first, so that what is read after it can only be newer than its mark."""
        revision = await self.revision()
        known = self._known.get(name)
        if known is not None and known[0] == revision:
            self._known.move_to_end(name)
            found: T = known[1]
            return found
        found = await read()
        if found is None:
            self._known.pop(name, None)
            return found
        self._known[name] = (revision, found)
        self._known.move_to_end(name)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return found


class RememberingStore:
    """A `Store` whose configuration is remembered; everything else is asked of the engine each time."""

    def __init__(self, engine: port.Store, clock: Clock) -> None:
        self.configured: port.Configured = RememberedConfiguration(engine.configured, clock)
        self.assertions = engine.assertions
        self.pending = engine.pending
        self.arrivals = engine.arrivals
        self.outcomes = engine.outcomes
        self.people = engine.people
        self.sessions = engine.sessions
        self.codes = engine.codes
        self.tokens = engine.tokens
        self.keys = engine.keys
        self.events = engine.events
        self.rehearsals = engine.rehearsals
        self.open = engine.open
        self.close = engine.close
        self.keep = engine.keep
        self.ready = engine.ready
        self.sweep = engine.sweep
