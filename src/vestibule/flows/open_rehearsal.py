"""A test sign-in in the operator's browser: all of the road, and nobody is signed in."""

from dataclasses import dataclass, replace

from vestibule.flows.browser import RehearsalWaiting, Reply, hold
from vestibule.flows.start import Starting, Upstream
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.model.errand import Errand, ErrandKind
from vestibule.model.ids import ClientId
from vestibule.store.port import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    store: Store
    clock: Clock
    entropy: Entropy
    starting: Starting

    async def open(self, id: str) -> Reply:
        """Binds the test sign-in to the browser that opened its link, once, and starts it."""
        rehearsal = await self.store.rehearsals.find(id)
        secret = self.entropy.token()
        now = self.clock.now()
        if rehearsal is None or not await self.store.rehearsals.open(id, cookie=hold(secret), now=now):
            raise Refused(
                "rehearsal.gone", "This test sign-in was opened before or is over; start `vestibule test` again."
            )
        connection = await self.store.configured.connection(rehearsal.connection)
        if connection is None or not connection.enabled:
            raise Refused("connection.disabled", "The connection is disabled or gone; enable it to test it.")
        if rehearsal.idp_initiated:
            return Reply(send=RehearsalWaiting(connection=connection.display_name), login_secret=secret)
        errand = Errand(kind=ErrandKind.TEST, application=ClientId(""), parameters={"test": id})
        reply = await self.starting.start(Upstream(connection=connection, errand=errand, secret=secret))
        return replace(reply, login_secret=secret)
