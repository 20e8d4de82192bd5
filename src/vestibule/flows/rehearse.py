"""Asking for a test sign-in, and seeing what came of it: the operator's side of a rehearsal."""

from dataclasses import dataclass
from datetime import timedelta

from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.model.connection import Connection
from vestibule.model.rehearsal import Rehearsal
from vestibule.store.port import Store

REHEARSAL_TTL = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """A test sign-in that waits to be opened: `link` is for the operator's browser, and opens once."""

    id: str
    link: str
    connection: Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsing:
    """Makes test sign-ins and looks after them."""

    store: Store
    clock: Clock
    entropy: Entropy
    issuer: str

    async def invite(self, reference: str, *, idp_initiated: bool, application: str | None = None) -> Invitation:
        """A new test sign-in through the connection of this name or id.

        With `application`, the connection must be enabled for it; without, any will do. `idp_initiated.enabled` is not
        asked for: the test comes before it is switched on.
        """
        connection = await self.store.configured.connection(reference)
        if connection is None:
            names = ", ".join(known.name for known in await self.store.configured.connections()) or "none"
            raise Refused("rehearsal.no_connection", f"There is no connection {reference}. There are: {names}.")
        if not connection.enabled:
            raise Refused(
                "connection.disabled", f"The connection {connection.name} is disabled. Set enabled: true, then test."
            )
        if application is not None and application not in connection.applications:
            raise Refused(
                "connection.not_enabled_for_application",
                f"The connection {connection.name} does not sign people in to {application}. Add it to the "
                "connection's applications.",
                want=", ".join(connection.applications) or "none",
                got=application,
            )
        now = self.clock.now()
        rehearsal = Rehearsal(
            id=self.entropy.token(),
            connection=connection.id,
            idp_initiated=idp_initiated,
            created_at=now,
            expires_at=now + REHEARSAL_TTL,
        )
        await self.store.keep(rehearsal)
        return Invitation(id=rehearsal.id, link=f"{self.issuer}login/test/{rehearsal.id}", connection=connection)

    async def result(self, id: str) -> Rehearsal | None:
        """The finished test sign-in; None while it goes on. Refused once it has run out unfinished."""
        rehearsal = await self.store.rehearsals.find(id)
        if rehearsal is not None and rehearsal.finished_at is not None:
            return rehearsal
        if rehearsal is None or rehearsal.expires_at <= self.clock.now():
            raise Refused(
                "rehearsal.expired",
                "No answer came within ten minutes. Open the link in a browser and sign in at the identity provider; "
                "if it shows an error of its own, look at its log.",
            )
        return None
