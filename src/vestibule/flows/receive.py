"""A SAML response arrives: judged in full, claimed once, and its outcome kept for the hop where cookies are whole.

The ACS post is cross-site, so `SameSite=Lax` cookies are absent from it: nothing about sessions is decided here.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from vestibule.flows.answering import Answering
from vestibule.flows.browser import Browser, RehearsalDone, Reply, hold
from vestibule.flows.judge import Deciding, Welcome, claim_of, replayed
from vestibule.flows.record import Record, keep_refusal, new_reference
from vestibule.flows.session import Sessions
from vestibule.ground.clock import Clock, Pause
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.keys.keyring import Keyring
from vestibule.model.answer import Redirect
from vestibule.model.arrival import Arrival, ArrivalState
from vestibule.model.authentication import Authentication
from vestibule.model.connection import Connection
from vestibule.model.errand import ErrandKind
from vestibule.model.identity import Identity
from vestibule.model.ids import ArrivalId
from vestibule.model.outcome import Outcome
from vestibule.model.pending import PendingLogin
from vestibule.model.rehearsal import Rehearsal
from vestibule.policy import mapping, unsolicited
from vestibule.policy.release import release
from vestibule.store.port import Answered, AssertionClaim, RestartsAnswered, Store, StoreUnavailable
from vestibule.upstream import saml as upstream

OUTCOME_TTL = timedelta(minutes=10)
"""How long a person may think about a question before the login must be started again."""
HUSH = timedelta(milliseconds=250)
"""When an encrypted message that is refused is answered: long after anything that was done with it has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A post to the ACS: the connection named in the address, the address's style, the form, the browser."""

    connection: str
    style: str
    form: Mapping[str, str]
    browser: Browser


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiving:
    store: Store
    keyring: Keyring
    clock: Clock
    pause: Pause
    entropy: Entropy
    issuer: str
    deciding: Deciding
    answering: Answering
    sessions: Sessions

    async def receive(self, posted: Posted) -> Reply:
        """What to answer the browser that posted this response. Every refusal is audited under its reference."""
        record = Record(entropy=self.entropy, now=self.clock.now(), reference=new_reference(self.entropy))
        try:
            connection = await self.store.configured.connection(posted.connection)
            if connection is None:
                raise Refused("connection.unknown", "No connection has this name or id.", got=posted.connection[:80])
            record.connection = connection.id
            return await self._receive(connection, posted, record)
        except Refused as refused:
            await keep_refusal(self.store, record, refused)
            await self._tell_rehearsal(posted, record, refused)
            if record.hushed:
                await self._hush(record.now)
            raise

    async def _hush(self, came: datetime) -> None:
        """Waits for the moment at which all refusals of encrypted messages are answered [XMLEnc 1.1 6.1].

        The law does the same work for each of them, but the same work is never quite the same time.
        """
        left = came + HUSH - self.clock.now()
        await self.pause(min(max(left, timedelta(0)), HUSH).total_seconds())  # a clock may be set meanwhile

    async def unreadable(self, connection: str, refused: Refused) -> None:
        """Audits a post that could not even be read: too large, repeated fields, not a form."""
        record = Record(entropy=self.entropy, now=self.clock.now(), reference=new_reference(self.entropy))
        with suppress(StoreUnavailable):
            found = await self.store.configured.connection(connection)
            record.connection = None if found is None else found.id
        await keep_refusal(self.store, record, refused)

    async def _receive(self, connection: Connection, posted: Posted, record: Record) -> Reply:
        deciding = self.deciding
        acs_url = deciding.address(connection, posted.style)
        valid = await deciding.judge(connection, posted.form, acs_url, record)
        authentication = upstream.translate(valid, connection)
        asked = await deciding.asked(connection, valid, authentication, acs_url, record)
        if asked.pending is None:
            return await self._unsolicited(connection, authentication, posted, record, dummy=asked.dummy)
        pending = self._same_browser(asked.pending, posted.browser)
        record.reference = pending.reference or record.reference
        return await self._solicited(connection, pending, authentication, posted.browser, record)

    # -- solicited ---------------------------------------------------------------------------------------------------

    def _same_browser(self, pending: PendingLogin, browser: Browser) -> PendingLogin:
        """The pending login, if its cookie is in this browser."""
        if pending.cookie not in browser.logins:
            self.deciding.on_our_host(browser.host)
            raise Refused(
                "login.other_browser",
                "The login was started in another browser (or its cookies were cleared): InResponseTo is known, its "
                "cookie is not here.",
            )
        return pending

    async def _solicited(
        self,
        connection: Connection,
        pending: PendingLogin,
        authentication: Authentication,
        browser: Browser,
        record: Record,
    ) -> Reply:
        record.application = pending.errand.application or None
        identity = mapping.identify(authentication, connection, self.keyring.pepper("identity"))
        claim = claim_of(authentication)
        if pending.errand.kind is ErrandKind.TEST:
            return await self._rehearsed(pending, identity, claim, record)
        outcome = Outcome(
            id=self.entropy.token(16),
            cookie=pending.cookie,
            connection=connection.id,
            identity=identity,
            errand=pending.errand,
            created_at=record.now,
            expires_at=record.now + OUTCOME_TTL,
            forced_since=pending.created_at if pending.force_authn else None,
            bell=pending.bell,
            bell_subject=pending.bell_subject,
            reference=record.reference,
        )
        keep = (
            outcome,
            RestartsAnswered(connection=connection.id, cookies=browser.logins),
            record.claimed().event("login.answered"),
        )
        answered = await self.store.pending.answer(
            pending.id, cookie=pending.cookie, claim=claim, now=record.now, keep=keep
        )
        _must_be_taken(answered)
        return Reply(send=Redirect(url=f"{self.issuer}login/continue?login={outcome.id}"))

    # -- unsolicited -------------------------------------------------------------------------------------------------

    async def _unsolicited(
        self,
        connection: Connection,
        authentication: Authentication,
        posted: Posted,
        record: Record,
        *,
        dummy: bool = False,
    ) -> Reply:
        browser = posted.browser
        rehearsal = await self.store.rehearsals.waiting(connection.id, browser.logins, now=record.now)
        if rehearsal is not None and rehearsal.idp_initiated:
            return await self._rehearsed_tile(connection, rehearsal, authentication, record)
        deciding = self.deciding
        deciding.on_our_host(browser.host)
        welcome = await deciding.welcome(
            connection,
            authentication,
            relay_state=posted.form.get("RelayState"),
            origin=browser.origin,
            record=record,
            dummy=dummy,
        )
        decision, destination, identity = welcome.decision, welcome.destination, welcome.identity
        if decision.next is unsolicited.Next.ANSWER:
            return await self._at_once(connection, welcome, authentication, record)
        secret = self.entropy.token()
        arrival = Arrival(
            id=ArrivalId(self.entropy.token(16)),
            cookie=hold(secret),
            connection=connection.id,
            application=welcome.application.client_id,
            state=decision.state,
            trust=decision.trust,
            delivery=destination.delivery,
            created_at=record.now,
            expires_at=unsolicited.arrival_expiry(connection, authentication.usable_until, record.now),
            relay_state=destination.relay_state,
            subject=identity.key,
            identity=None if decision.state is ArrivalState.BELL else identity,
            reference=record.reference,
        )
        claimed = await self.store.assertions.claim(
            claim_of(authentication), keep=(arrival, record.claimed().event("login.arrived"))
        )
        if not claimed:
            raise replayed()
        return Reply(send=Redirect(url=f"{self.issuer}login/continue?arrival={arrival.id}"), arrival_secret=secret)

    async def _at_once(
        self,
        connection: Connection,
        welcome: Welcome,
        authentication: Authentication,
        record: Record,
    ) -> Reply:
        """`accept` with `direct`: no session is touched, so nothing waits for the hop where cookies are whole."""
        application, identity = welcome.application, welcome.identity
        request = self.deciding.request(welcome)
        person = await self.answering.settle(identity, connection)
        answer = await self.answering.answer(
            request, application=application, connection=connection, identity=identity, person=person, sid=None
        )
        event = record.claimed().event("login.succeeded", person=person.id, detail={"how": "accept, direct"})
        if not await self.store.assertions.claim(claim_of(authentication), keep=(*answer.keep, event)):
            raise replayed()
        # No session comes of it; but from now on this browser has seen somebody, and another session here asks first.
        return Reply(send=answer.send, seen=self.sessions.seen(identity))

    # -- rehearsals --------------------------------------------------------------------------------------------------

    async def _rehearsed(
        self, pending: PendingLogin, identity: Identity, claim: AssertionClaim, record: Record
    ) -> Reply:
        rehearsal = await self.deciding.rehearsal(pending)
        answered = await self.store.pending.answer(
            pending.id,
            cookie=pending.cookie,
            claim=claim,
            now=record.now,
            keep=(_finished(rehearsal, identity, record), record.claimed().event("rehearsal.passed")),
        )
        _must_be_taken(answered)
        return Reply(send=RehearsalDone(ok=True, reference=record.reference))

    async def _rehearsed_tile(
        self, connection: Connection, rehearsal: Rehearsal, authentication: Authentication, record: Record
    ) -> Reply:
        identity = mapping.identify(authentication, connection, self.keyring.pepper("identity"))
        keep = (_finished(rehearsal, identity, record), record.claimed().event("rehearsal.passed"))
        if not await self.store.assertions.claim(claim_of(authentication), keep=keep):
            raise replayed()
        return Reply(send=RehearsalDone(ok=True, reference=record.reference))

    async def _tell_rehearsal(self, posted: Posted, record: Record, refused: Refused) -> None:
        """A test sign-in that is refused ends with the refusal, so that the operator sees it in the terminal."""
        if record.connection is None or refused.code == "store.unavailable":
            return
        rehearsal = await self.store.rehearsals.waiting(record.connection, posted.browser.logins, now=record.now)
        if rehearsal is not None:
            await self.store.keep(
                replace(
                    rehearsal,
                    finished_at=record.now,
                    refused=f"{refused.code}: {refused.why}",
                    trace=tuple(record.findings),
                )
            )


def _must_be_taken(answered: Answered) -> None:
    if answered is Answered.REPLAYED:
        raise replayed()
    if answered is Answered.GONE:
        raise Refused("login.expired_or_used", "This login was finished already; start it again.")


def _finished(rehearsal: Rehearsal, identity: Identity, record: Record) -> Rehearsal:
    """What an application with every scope would be told; a value that is no text as JSON."""
    told = release(identity, "openid profile email phone address groups")
    claims = {name: value if isinstance(value, str) else json.dumps(value) for name, value in told.items()}
    record.note("mapping.display", f"On our pages the account is shown as {identity.display}.")
    return replace(rehearsal, finished_at=record.now, claims=claims, trace=tuple(record.findings))
