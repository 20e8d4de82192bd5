"""Judging one SAML response of one connection: the road from a form to who it is for, as the ACS and `inspect` both walk it.

Nothing here changes anything, and nothing depends on a browser's cookies: claiming, keeping and asking are the ACS's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from vestibule.downstream.oidc import errand_parameters
from vestibule.flows.answering import Answering
from vestibule.flows.record import Record
from vestibule.ground.errors import Finding, Refused
from vestibule.ground.remembered import Remembered
from vestibule.keys.keyring import Keyring
from vestibule.model.application import Application
from vestibule.model.authentication import Authentication
from vestibule.model.connection import Connection
from vestibule.model.errand import Errand, ErrandKind
from vestibule.model.identity import Identity
from vestibule.model.pending import PendingLogin
from vestibule.model.rehearsal import Rehearsal
from vestibule.oidc.authorize import AuthorizationRequest
from vestibule.policy import mapping, routing, unsolicited
from vestibule.policy.routing import Destination
from vestibule.saml import bindings, checks, response, trust
from vestibule.saml.checks import ValidAssertion
from vestibule.saml.response import UnverifiedResponse
from vestibule.saml.trust import VerifiedAssertion
from vestibule.store.port import AssertionClaim, Store
from vestibule.upstream import saml as upstream
from vestibule.xml.encryption import Decryption
from vestibule.xml.signature import PublicKey, load_certificates

_requests: Final = Remembered[AuthorizationRequest]()
"""Our own requests follow from the configuration, as the destinations that they lead to."""
KEPT_AFTER_END = timedelta(hours=24)
"""How long it is known of a login that it ended, or was never answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What a response is judged by: the connection as it is now, the address it came to, and the moment.

    `keys` open what was encrypted for this connection. Each step gives another type, so that none can be left out.
    """

    connection: Connection
    acs_url: str
    issuer: str
    now: datetime
    keys: Sequence[RSAPrivateKey] = field(default=(), repr=False)

    def verified(self, unverified: UnverifiedResponse, findings: list[Finding]) -> VerifiedAssertion:
        """The assertion, opened if it was encrypted, and believed to be the identity provider's. Findings are added as they are made."""
        connection = self.connection
        keys = load_certificates(connection.idp.certificates)
        verified = trust.verify(
            unverified,
            keys=keys,
            allow_sha1=connection.allow_sha1_signatures,
            decryption=Decryption(keys=tuple(self.keys), allow_cbc=connection.allow_cbc_encryption),
        )
        if verified.encryption is not None:
            findings.append(
                Finding(
                    rule="xml.decryption",
                    verdict="pass",
                    why="The assertion was encrypted for this connection, and opened.",
                    got=verified.encryption,
                )
            )
        kinds = (("Response", verified.response_signed), ("Assertion", verified.assertion_signed))
        findings.append(
            Finding(
                rule="saml.signature",
                verdict="pass",
                why="Every signature verifies with a key of this connection, and only what they cover is read on.",
                want=f"{len(keys)} certificate(s)",
                got=f"signed: {', '.join(name for name, is_signed in kinds if is_signed)}; "
                f"by certificate {_numbers(verified.signers, keys)}",
            )
        )
        return verified

    def valid(self, unverified: UnverifiedResponse, findings: list[Finding]) -> ValidAssertion:
        """Opened, verified, validated; `Refused` by the first rule that fails."""
        verified = self.verified(unverified, findings)
        expect = upstream.expectation(self.connection, self.acs_url, self.issuer)
        valid = checks.validate(verified, expect=expect, now=self.now)
        findings.extend(valid.findings)
        return valid


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a response answers: a pending login that is live; or, `pending` None, nothing of ours.

    `dummy`: it names a request that nobody knows, and the connection's quirk lets that pass for unsolicited.
    """

    pending: PendingLogin | None = None
    dummy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """An unsolicited response that the connection's policy takes: for which application, how it gets there, and who it is about."""

    application: Application
    destination: Destination
    decision: unsolicited.Decision
    identity: Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """The whole road but for the browser's cookies and the claim. `host` is where login cookies live."""

    store: Store
    keyring: Keyring
    issuer: str
    host: str
    answering: Answering
    restored_at: datetime | None = None
    """When the store was put back to an earlier state, so that it does not know what was used in between."""

    def address(self, connection: Connection, style: str) -> str:
        """The address that a response came to, if the connection lets anybody in."""
        if not connection.enabled:
            raise Refused("connection.disabled", "The connection is disabled; enable it to let its people in.")
        return upstream.acs_urls(connection, self.issuer)[style]

    async def judge(
        self, connection: Connection, form: Mapping[str, str], acs_url: str, record: Record
    ) -> ValidAssertion:
        """Decode, read, open, verify, validate."""
        if "SAMLRequest" in form or "SAMLart" in form or "SAMLResponse" not in form:
            raise Refused(
                "saml.no_response",
                "The assertion consumer service takes one SAMLResponse by POST, and nothing else [SAMLBind 3.5.4].",
                got=", ".join(sorted(form))[:200],
            )
        unverified = response.read(bindings.decode_post(form["SAMLResponse"]))
        record.hushed = unverified.is_encrypted
        judging = await self.judging(connection, unverified, acs_url, record.now)
        valid = judging.valid(unverified, record.findings)
        self._after_restore(valid, connection)
        record.note(
            "saml.instants",
            f"Judged at {record.now.isoformat()}; authenticated {valid.authn_instant.isoformat()}; "
            f"usable until {valid.usable_until.isoformat()}, skew included.",
        )
        return valid

    def _after_restore(self, valid: ValidAssertion, connection: Connection) -> None:
        """Refuses what may have been used before a restore that forgot it: an identity provider's clock may be ahead of ours."""
        if self.restored_at is None:
            return
        since = self.restored_at + timedelta(seconds=connection.clock_skew)
        if valid.issue_instant < since:
            raise Refused(
                "saml.before_restore",
                "The assertion was issued before the database was restored, which does not know any more whether it was used "
                "since the copy was made; sign in again.",
                want=f"issued at {since.isoformat()} or later",
                got=valid.issue_instant.isoformat(),
            )

    async def judging(
        self, connection: Connection, unverified: UnverifiedResponse, acs_url: str, now: datetime
    ) -> Judging:
        """What this response is judged by; our keys are looked up only for what is encrypted."""
        keys = await self.keyring.decryption_keys(connection.id) if unverified.is_encrypted else ()
        return Judging(connection=connection, acs_url=acs_url, issuer=self.issuer, now=now, keys=keys)

    async def asked(
        self,
        connection: Connection,
        valid: ValidAssertion,
        authentication: Authentication,
        acs_url: str,
        record: Record,
    ) -> Asked:
        """The login that this answers, if it may; never taken, only looked at."""
        request_id = checks.classify(valid)
        record.note(
            "saml.classified",
            "Unsolicited: it names no request." if request_id is None else f"It answers request {request_id}.",
        )
        if request_id is None:
            return Asked()
        pending = await self._pending(request_id, record.now)
        if pending is None and connection.ignore_unknown_in_response_to:
            record.note("quirk.ignore_unknown_in_response_to", "InResponseTo names no request of ours: restart.")
            return Asked(dummy=True)
        return Asked(pending=_answerable(pending, connection, authentication, acs_url, record.now))

    async def _pending(self, request_id: str, now: datetime) -> PendingLogin | None:
        """The pending login of this id: live, or ended within 24 hours."""
        pending = await self.store.pending.find(request_id)
        if pending is None or min(pending.ended_at or pending.expires_at, pending.expires_at) + KEPT_AFTER_END <= now:
            return None
        return pending

    def on_our_host(self, host: str) -> None:
        """Cookies live on the issuer's host: elsewhere those of a login are not found, and new ones would be lost."""
        if host != self.host:
            raise Refused(
                "login.other_host",
                "The response was posted to another host name than the issuer's, where this browser's login lives; let "
                "the identity provider post to the issuer's host.",
                want=self.host,
                got=host[:200],
            )

    async def welcome(
        self,
        connection: Connection,
        authentication: Authentication,
        *,
        relay_state: str | None,
        origin: str | None,
        record: Record,
        dummy: bool = False,
    ) -> Welcome:
        """What the connection's policy makes of an unsolicited response that was posted from this `origin`."""
        policy = connection.idp_initiated
        if not policy.enabled:
            raise Refused(
                "idp_initiated.disabled",
                "The response answers no request of ours and IdP-initiated sign-in is off for this connection; turn "
                "idp_initiated.enabled on if its people start from their portal.",
            )
        client_id, route = routing.route(connection, relay_state)
        application = await self.answering.application(client_id, connection)
        destination = routing.destination(connection, application, route, relay_state)
        record.application = application.client_id
        situation = unsolicited.Situation(
            mode=policy.unsolicited,
            delivery=destination.delivery,
            protocol=destination.protocol,
            post_trusted=unsolicited.post_is_trusted(
                origin, connection.idp.sso_url, (*policy.post_origins, connection.idp.sso_post_url or "")
            ),
            ignored_in_response_to=dummy,
        )
        decision = unsolicited.decide(situation)
        record.note("idp_initiated.ladder", decision.sentence)
        identity = self.identity(authentication, connection)
        return Welcome(application=application, destination=destination, decision=decision, identity=identity)

    def request(self, welcome: Welcome) -> AuthorizationRequest:
        """The request that we make ourselves where an unsolicited response is answered at once."""
        return _requests.get(lambda: self._request(welcome), welcome.application, welcome.destination)

    def _request(self, welcome: Welcome) -> AuthorizationRequest:
        application = welcome.application
        errand = Errand(
            kind=ErrandKind.OIDC,
            application=application.client_id,
            parameters=errand_parameters(application, welcome.destination.parameters),
            unsolicited=True,
        )
        return self.answering.request(errand, application)

    async def rehearsal(self, pending: PendingLogin) -> Rehearsal:
        """The test sign-in that a pending login is for."""
        rehearsal = await self.store.rehearsals.find(pending.errand.parameters.get("test", ""))
        if rehearsal is None:
            raise Refused("rehearsal.gone", "The test sign-in is over; start `vestibule test` again.")
        return rehearsal

    def identity(self, authentication: Authentication, connection: Connection) -> Identity:
        """Who this is about, for us."""
        return mapping.identify(authentication, connection, self.keyring.pepper("identity"))


def _answerable(
    pending: PendingLogin | None,
    connection: Connection,
    authentication: Authentication,
    acs_url: str,
    now: datetime,
) -> PendingLogin:
    """The pending login, if this response of this connection may answer it; in which browser, is asked elsewhere."""
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
    return pending


def claim_of(authentication: Authentication) -> AssertionClaim:
    """The name under which an assertion is used once."""
    return AssertionClaim(
        connection=authentication.connection,
        issuer=authentication.issuer,
        assertion_id=authentication.assertion_id,
        remember_until=authentication.remember_until,
    )


def replayed() -> Refused:
    """The refusal of an assertion that was used before."""
    return Refused(
        "saml.replayed",
        "This assertion was used before; each is good for one login only [SAMLProf 4.1.4.5]. Sign in again.",
    )


def _numbers(signers: Sequence[PublicKey], keys: Sequence[PublicKey]) -> str:
    """Which of the connection's certificates were used, counted from 1: so that an old one is seen to be needed no more."""
    return ", ".join(str(number) for number in sorted({keys.index(key) + 1 for key in signers}))
