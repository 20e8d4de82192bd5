"""Sending a browser upstream: an AuthnRequest of ours, bound to this browser [SAMLProf 4.1.4.1]."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from vestibule.flows.browser import Browser, Reply, hold
from vestibule.flows.record import new_reference
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.keys.keyring import Keyring
from vestibule.model.answer import FormPost, Redirect
from vestibule.model.arrival import Arrival
from vestibule.model.connection import Connection
from vestibule.model.errand import Errand
from vestibule.model.ids import ArrivalId, ConnectionId, Reference
from vestibule.model.pending import PendingLogin
from vestibule.policy.unsolicited import LOOP_WINDOW, is_loop
from vestibule.store.port import Store
from vestibule.upstream import saml as upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """What is asked of the identity provider, and why. `subject` is a hint (an email address), never a demand.

    `bell` is the arrival that this login restarts, `bell_subject` whom it announced.
    """

    connection: Connection
    errand: Errand
    force: bool = False
    subject: str | None = None
    bell: ArrivalId | None = None
    bell_subject: str | None = None
    reference: Reference | None = None
    secret: str | None = None
    """A login cookie's secret that the browser holds already; None = a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    store: Store
    keyring: Keyring
    clock: Clock
    entropy: Entropy
    issuer: str
    login_ttl: timedelta = field(default=timedelta(minutes=60))

    async def start(self, asked: Upstream) -> Reply:
        """Remembers the login and sends the browser to the identity provider."""
        now = self.clock.now()
        secret = asked.secret or self.entropy.token()
        pending = self._pending(asked, now, secret)
        send = await self._request(asked, pending)
        await self.store.keep(pending)
        return Reply(send=send, login_secret=None if asked.secret else secret)

    async def loops(self, connection: ConnectionId, browser: Browser, arrival: Arrival) -> bool:
        """Whether one more restart would be the loop of product rules: two are unanswered within the window."""
        since = self.clock.now() - LOOP_WINDOW
        bells = await self.store.pending.restarts(connection, browser.logins, since=since)
        return is_loop(len(bells - {arrival.id}))

    def _pending(self, asked: Upstream, now: datetime, secret: str) -> PendingLogin:
        return PendingLogin(
            id="_" + self.entropy.bytes(20).hex(),
            connection=asked.connection.id,
            expected_issuer=asked.connection.idp.entity_id,
            acs_url=upstream.acs_url(asked.connection, self.issuer),
            cookie=hold(secret),
            created_at=now,
            expires_at=now + self.login_ttl,
            errand=asked.errand,
            force_authn=asked.force,
            bell=asked.bell,
            bell_subject=asked.bell_subject,
            counted=asked.bell is not None,
            reference=asked.reference or new_reference(self.entropy),
        )

    async def _request(self, asked: Upstream, pending: PendingLogin) -> Redirect | FormPost:
        return upstream.authn_request(
            asked.connection,
            self.issuer,
            id=pending.id,
            now=pending.created_at,
            force_authn=asked.force,
            subject_hint=asked.subject,
            # An opaque handle; what it means is in the store, so nothing in it can lead anywhere.
            relay_state=pending.id,
            signer=await self.keyring.saml_signer() if asked.connection.sign_requests else None,
        )
