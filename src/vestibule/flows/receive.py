"""A SAML response arrives: judged in full, claimed once, and its outcome kept for the hop where cookies are whole.

The ACS post is cross-site, so `SameSite=Lax` cookies are absent from it: nothing about sessions is decided here.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from vestibule.downstream.oidc import errand_parameters
from vestibule.flows.answering import Answering
from vestibule.flows.browser import Browser, RehearsalDone, Reply, hold
from vestibule.flows.record import Record, keep_refusal, new_reference
from vestibule.flows.session import Sessions
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Finding, Refused
from vestibule.keys.keyring import Keyring
from vestibule.model.answer import Redirect
from vestibule.model.application import Application
from vestibule.model.arrival import Arrival, ArrivalState
from vestibule.model.authentication import Authentication
from vestibule.model.connection import Connection
from vestibule.model.errand import Errand, ErrandKind
from vestibule.model.identity import Identity
from vestibule.model.ids import ArrivalId
from vestibule.model.outcome import Outcome
from vestibule.model.pending import PendingLogin
from vestibule.model.rehearsal import Rehearsal
from vestibule.policy import mapping, routing, unsolicited
from vestibule.policy.release import release
from vestibule.policy.routing import Destination
from vestibule.saml import bindings, checks, response, trust
from vestibule.saml.checks import ValidAssertion
from vestibule.store.port import Answered, AssertionClaim, RestartsAnswered, Store, StoreUnavailable
from vestibule.upstream import saml as upstream
from vestibule.xml.signature import PublicKey, load_certificates

OUTCOME_TTL = timedelta(minutes=10)
"""How long a person may think about a question before the login must be started again."""
KEPT_AFTER_END = timedelta(hours=24)


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
    entropy: Entropy
    issuer: str
    host: str
    """Host and port of the issuer: where login cookies live."""
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
            raise

    async def unreadable(self, connection: str, refused: Refused) -> None:
        """Audits a post that could not even be read: too large, repeated fields, not a form."""
        record = Record(entropy=self.entropy, now=self.clock.now(), reference=new_reference(self.entropy))
        with suppress(StoreUnavailable):
            found = await self.store.configured.connection(connection)
            record.connection = None if found is None else found.id
        await keep_refusal(self.store, record, refused)

    async def _receive(self, connection: Connection, posted: Posted, record: Record) -> Reply:
        if not connection.enabled:
            raise Refused("connection.disabled", "The connection is disabled; enable it to let its people in.")
        acs_url = upstream.acs_urls(connection, self.issuer)[posted.style]
        valid = self._judge(connection, posted.form, acs_url, record)
        request_id = checks.classify(valid)
        record.note(
            "saml.classified",
            "Unsolicited: it names no request." if request_id is None else f"It answers request {request_id}.",
        )
        authentication = upstream.translate(valid, connection)
        if request_id is None:
            return await self._unsolicited(connection, authentication, posted, record)
        pending = await self._pending(request_id, record.now)
        if pending is None and connection.ignore_unknown_in_response_to:
            record.note("quirk.ignore_unknown_in_response_to", "InResponseTo names no request of ours: restart.")
            return await self._unsolicited(connection, authentication, posted, record, dummy=True)
        pending = self._claimable(pending, connection, authentication, acs_url, posted.browser, record.now)
        record.reference = pending.reference or record.reference
        return await self._solicited(connection, pending, authentication, posted.browser, record)

    def _judge(self, connection: Connection, form: Mapping[str, str], acs_url: str, record: Record) -> ValidAssertion:
        """Decode, read, verify, validate: each step another type, so that none can be left out."""
        if "SAMLRequest" in form or "SAMLart" in form or "SAMLResponse" not in form:
            raise Refused(
                "saml.no_response",
                "The assertion consumer service takes one SAMLResponse by POST, and nothing else [SAMLBind 3.5.4].",
                got=", ".join(sorted(form))[:200],
            )
        unverified = response.read(bindings.decode_post(form["SAMLResponse"]))
        keys = load_certificates(connection.idp.certificates)
        verified = trust.verify(unverified, keys=keys, allow_sha1=connection.allow_sha1_signatures)
        signed = [
            name
            for name, is_signed in (("Response", verified.response_signed), ("Assertion", verified.assertion_signed))
            if is_signed
        ]
        record.findings.append(
            Finding(
                rule="saml.signature",
                verdict="pass",
                why="Every signature verifies with a key of this connection, and only what they cover is read on.",
                want=f"{len(keys)} certificate(s)",
                got=f"signed: {', '.join(signed)}; by certificate {_numbers(verified.signers, keys)}",
            )
        )
        valid = checks.validate(verified, expect=upstream.expectation(connection, acs_url, self.issuer), now=record.now)
        record.findings.extend(valid.findings)
        record.note(
            "saml.instants",
            f"Judged at {record.now.isoformat()}; authenticated {valid.authn_instant.isoformat()}; "
            f"usable until {valid.usable_until.isoformat()}, skew included.",
        )
        return valid

    # -- solicited ---------------------------------------------------------------------------------------------------

    async def _pending(self, request_id: str, now: datetime) -> PendingLogin | None:
        """The pending login of this id: live, or ended within 24 hours."""
        pending = await self.store.pending.find(request_id)
        if pending is None or min(pending.ended_at or pending.expires_at, pending.expires_at) + KEPT_AFTER_END <= now:
            return None
        return pending

    def _claimable(
        self,
        pending: PendingLogin | None,
        connection: Connection,
        authentication: Authentication,
        acs_url: str,
        browser: Browser,
        now: datetime,
    ) -> PendingLogin:
        """The pending login, if this response of this connection may answer it in this browser."""
        if pending is None:
            raise Refused(
                "login.unknown_request",
                "InResponseTo names no login that was started here within the last day; start the login again. If the "
                "identity provider puts a dummy value into unsolicited responses, see ignore_unknown_in_response_to.",
            )
        answers = (pending.connection, pending.expected_issuer, pending.acs_url)
        if answers != (connection.id, authentication.issuer, acs_url):
            raise Refused(
                "login.other_connection",
                "The response answers a request that was sent to another identity provider or asked for another address.",
                want=pending.expected_issuer,
                got=authentication.issuer,
            )
        if pending.ended_at is not None or pending.expires_at <= now:
            raise Refused(
                "login.expired_or_used",
                "This login was finished already or took too long; start it again.",
                want=f"an answer before {pending.expires_at.isoformat()}",
                got="answered already" if pending.ended_at else now.isoformat(),
            )
        if pending.cookie not in browser.logins:
            self._on_our_host(browser)
            raise Refused(
                "login.other_browser",
                "The login was started in another browser (or its cookies were cleared): InResponseTo is known, its "
                "cookie is not here.",
            )
        return pending

    def _on_our_host(self, browser: Browser) -> None:
        """Cookies live on the issuer's host: elsewhere those of a login are not found, and new ones would be lost."""
        if browser.host != self.host:
            raise Refused(
                "login.other_host",
                "The response was posted to another host name than the issuer's, where this browser's login lives; let "
                "the identity provider post to the issuer's host.",
                want=self.host,
                got=browser.host[:200],
            )

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
        claim = _claim(authentication)
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
        policy = connection.idp_initiated
        self._on_our_host(browser)
        if not policy.enabled:
            raise Refused(
                "idp_initiated.disabled",
                "The response answers no request of ours and IdP-initiated sign-in is off for this connection; turn "
                "idp_initiated.enabled on if its people start from their portal.",
            )
        relay_state = posted.form.get("RelayState")
        application, destination = await self._destination(connection, relay_state)
        record.application = application.client_id
        decision = unsolicited.decide(
            unsolicited.Situation(
                mode=policy.unsolicited,
                delivery=destination.delivery,
                protocol=destination.protocol,
                post_trusted=unsolicited.post_is_trusted(
                    browser.origin,
                    connection.idp.sso_url,
                    (*policy.post_origins, connection.idp.sso_post_url or ""),
                ),
                ignored_in_response_to=dummy,
            )
        )
        record.note("idp_initiated.ladder", decision.sentence)
        pepper = self.keyring.pepper("identity")
        identity = mapping.identify(authentication, connection, pepper)
        if decision.next is unsolicited.Next.ANSWER:
            return await self._at_once(connection, application, destination, identity, authentication, record)
        secret = self.entropy.token()
        arrival = Arrival(
            id=ArrivalId(self.entropy.token(16)),
            cookie=hold(secret),
            connection=connection.id,
            application=application.client_id,
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
            _claim(authentication), keep=(arrival, record.claimed().event("login.arrived"))
        )
        if not claimed:
            raise _replayed()
        return Reply(send=Redirect(url=f"{self.issuer}login/continue?arrival={arrival.id}"), arrival_secret=secret)

    async def _destination(self, connection: Connection, relay_state: str | None) -> tuple[Application, Destination]:
        client_id, route = routing.route(connection, relay_state)
        application = await self.answering.application(client_id, connection)
        return application, routing.destination(connection, application, route, relay_state)

    async def _at_once(
        self,
        connection: Connection,
        application: Application,
        destination: Destination,
        identity: Identity,
        authentication: Authentication,
        record: Record,
    ) -> Reply:
        """`accept` with `direct`: no session is touched, so nothing waits for the hop where cookies are whole."""
        errand = Errand(
            kind=ErrandKind.OIDC,
            application=application.client_id,
            parameters=errand_parameters(application, destination.parameters),
            unsolicited=True,
        )
        request = self.answering.request(errand, application)
        person = await self.answering.settle(identity, connection)
        answer = await self.answering.answer(
            request, application=application, connection=connection, identity=identity, person=person, sid=None
        )
        event = record.claimed().event("login.succeeded", person=person.id, detail={"how": "accept, direct"})
        if not await self.store.assertions.claim(_claim(authentication), keep=(*answer.keep, event)):
            raise _replayed()
        # No session comes of it; but from now on this browser has seen somebody, and another session here asks first.
        return Reply(send=answer.send, seen=self.sessions.seen(identity))

    # -- rehearsals --------------------------------------------------------------------------------------------------

    async def _rehearsed(
        self, pending: PendingLogin, identity: Identity, claim: AssertionClaim, record: Record
    ) -> Reply:
        rehearsal = await self.store.rehearsals.find(pending.errand.parameters.get("test", ""))
        if rehearsal is None:
            raise Refused("rehearsal.gone", "The test sign-in is over; start `vestibule test` again.")
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
        if not await self.store.assertions.claim(_claim(authentication), keep=keep):
            raise _replayed()
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


def _numbers(signers: Sequence[PublicKey], keys: Sequence[PublicKey]) -> str:
    """Which of the connection's certificates were used, counted from 1: so that an old one is seen to be needed no more."""
    return ", ".join(str(number) for number in sorted({keys.index(key) + 1 for key in signers}))


def _claim(authentication: Authentication) -> AssertionClaim:
    return AssertionClaim(
        connection=authentication.connection,
        issuer=authentication.issuer,
        assertion_id=authentication.assertion_id,
        remember_until=authentication.remember_until,
    )


def _must_be_taken(answered: Answered) -> None:
    if answered is Answered.REPLAYED:
        raise _replayed()
    if answered is Answered.GONE:
        raise Refused("login.expired_or_used", "This login was finished already; start it again.")


def _replayed() -> Refused:
    return Refused(
        "saml.replayed",
        "This assertion was used before; each is good for one login only [SAMLProf 4.1.4.5]. Sign in again.",
    )


def _finished(rehearsal: Rehearsal, identity: Identity, record: Record) -> Rehearsal:
    """What an application with every scope would be told; a value that is no text as JSON."""
    told = release(identity, "openid profile email phone address groups")
    claims = {name: value if isinstance(value, str) else json.dumps(value) for name, value in told.items()}
    record.note("mapping.display", f"On our pages the account is shown as {identity.display}.")
    return replace(rehearsal, finished_at=record.now, claims=claims, trace=tuple(record.findings))
