"""A tile that is a plain bookmark: the browser is sent to the application, which starts a login of its own [OIDC Core 4]."""

from dataclasses import dataclass

from vestibule.flows.answering import Answering
from vestibule.flows.browser import Reply
from vestibule.flows.record import Record, audited, new_reference
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.model.answer import Redirect
from vestibule.model.connection import Connection
from vestibule.policy import home_realm, routing
from vestibule.store.port import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Launching:
    store: Store
    clock: Clock
    entropy: Entropy
    answering: Answering
    issuer: str

    async def launch(self, client_id: str, connection: str | None, target_link_uri: str | None) -> Reply:
        """Sends the browser to the application's `initiate_login_uri`, naming the connection.

        Raises `Refused` for a connection that is not enabled for the application.
        """
        record = Record(entropy=self.entropy, now=self.clock.now(), reference=new_reference(self.entropy))
        async with audited(self.store, record):
            return await self._launch(client_id, connection, target_link_uri, record)

    async def _launch(
        self, client_id: str, connection: str | None, target_link_uri: str | None, record: Record
    ) -> Reply:
        application = await self.answering.application(client_id)
        record.application = application.client_id
        if not connection:
            raise Refused(
                "launch.no_connection",
                "The tile names no connection; add ?connection=NAME to its address.",
                want="connection",
            )
        named = await self.store.configured.connection(connection)
        found = home_realm.choose(application, () if named is None else (named,), connection, None)
        if not isinstance(found, Connection):
            raise Refused("connection.unknown", "The tile names a connection that does not exist.", got=connection[:80])
        return Reply(send=Redirect(url=routing.launch_url(application, found, target_link_uri, self.issuer)))
