"""Inspecting a response that somebody saved: the road of the assertion consumer service, walked for an operator, changing nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from vestibule.flows import closer, hints
from vestibule.flows.answering import Answering
from vestibule.flows.captured import Captured, place
from vestibule.flows.closer import Case
from vestibule.flows.inspection import (
    AtIssue,
    Attribute,
    Claim,
    Hidden,
    Inspection,
    Message,
    Source,
    Stage,
    Verified,
)
from vestibule.flows.judge import Deciding, claim_of, replayed
from vestibule.flows.record import Record
from vestibule.flows.walk import Walk, stage_of, stages, verdict, way
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Finding, Refused
from vestibule.ground.url import origin, plain_host
from vestibule.keys.keyring import Keyring
from vestibule.model.connection import Connection
from vestibule.model.errand import ErrandKind
from vestibule.model.identity import Identity
from vestibule.model.ids import NO_REFERENCE
from vestibule.policy.mapping import DEFAULT_MAPPING
from vestibule.policy.unsolicited import Next
from vestibule.saml import bindings, checks
from vestibule.saml.instant import read_instant
from vestibule.saml.suppose import Supposition, suppose
from vestibule.saml.trust import VerifiedAssertion
from vestibule.store.port import AssertionClaim, Store, StoreUnavailable
from vestibule.upstream import saml as upstream
from vestibule.xml.certificate import describe
from vestibule.xml.encryption import Decryption

_TIMED: Final = frozenset(
    {
        *("saml.response_issue_instant", "saml.issue_instant", "saml.not_before", "saml.not_on_or_after"),
        *("saml.confirmation_not_on_or_after", "saml.authn_instant", "saml.session_not_on_or_after"),
        *("saml.replayed", "saml.before_restore", "login.expired_or_used"),
    }
)
_IN_STORE: Final = {
    "login.expired_or_used": "Whether its login still waited then is not known any more.",
    "login.unknown_request": "Of its login nothing is known any more.",
    "saml.replayed": "It has been used since.",
}
"""What the store knows now says nothing of how it was then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be inspected. `style` None: what the HAR file's address says, else the connection's own. `reveal`: show values."""

    captured: Captured
    connection: str
    at: datetime
    style: str | None = None
    reveal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspecting:
    store: Store
    keyring: Keyring
    entropy: Entropy
    issuer: str
    host: str
    answering: Answering
    restored_at: datetime | None = None

    async def inspect(self, request: Request) -> Inspection:
        """What the assertion consumer service would decide, rule by rule, and why. Nothing is kept, claimed or taken."""
        connection = await self.store.configured.connection(request.connection)
        if connection is None:
            raise Refused(
                "connection.unknown",
                "No connection has this name or id; `vestibule export` shows them.",
                got=request.connection[:80],
            )
        captured, at = request.captured, request.at
        style, stray = self._style(connection, captured, request.style)
        walk = await self._walk(connection, captured, style, at)
        seen = await self._seen(connection, captured)
        odd = (*stray, *(closer.twice(captured.form.get("SAMLResponse", "")) if seen is None else ()))
        acs_url = upstream.acs_urls(connection, self.issuer)[style]
        road = stages(walk, await self._notes(connection, walk, seen, acs_url, at))
        at_issue = await self._at_issue(connection, captured, style, walk, seen, at)
        cases = await self._cases(connection, seen, acs_url, at, _failed(walk, at_issue, road))
        causes = [code for code in (None if at_issue is None else at_issue.code, walk.code) if code is not None]
        mends = {case.code: closer.mend(case) for case in cases}
        return Inspection(
            source=_source(captured),
            connection=connection.name,
            connection_id=connection.id,
            acs_style=style,
            acs_url=acs_url,
            at=at,
            accepted=walk.refused is None,
            code=walk.code,
            verdict=verdict(walk),
            believed=walk.verified,
            stages=road,
            signatures=_signatures(seen, connection) if walk.verified else (),
            message=None if seen is None else _message(seen, reveal=request.reveal),
            way=way(walk),
            claims=_claims(walk, seen, connection, reveal=request.reveal),
            evidence=tuple(dict.fromkeys([*odd, *(said for case in cases for said in closer.evidence(case))])),
            comparisons=tuple(dict.fromkeys(pair for case in cases for pair in closer.comparisons(case))),
            advice=tuple(
                advice
                for code in dict.fromkeys(causes)
                if (advice := hints.advice(code, connection, self.issuer, like=mends.get(code))) is not None
            ),
            at_issue=at_issue,
        )

    # -- the road ----------------------------------------------------------------------------------------------------

    async def _walk(self, connection: Connection, captured: Captured, style: str, at: datetime) -> Walk:
        walk = Walk(record=Record(entropy=self.entropy, now=at, reference=NO_REFERENCE))
        try:
            await self._go(walk, connection, captured, style)
        except StoreUnavailable:
            raise
        except Refused as refused:
            walk.refused = refused
        return walk

    async def _go(self, walk: Walk, connection: Connection, captured: Captured, style: str) -> None:
        """Step by step as in `Receiving`, but that no browser is asked for cookies and the claim is only looked up."""
        if captured.unread is not None:
            raise captured.unread
        deciding = Deciding(
            store=self.store,
            keyring=self.keyring,
            issuer=self.issuer,
            host=self.host,
            answering=self.answering,
            restored_at=self.restored_at,
        )
        acs_url = deciding.address(connection, style)
        valid = await deciding.judge(connection, captured.form, acs_url, walk.record)
        authentication = upstream.translate(valid, connection)
        walk.asked = await deciding.asked(connection, valid, authentication, acs_url, walk.record)
        if walk.asked.pending is not None:
            walk.identity = deciding.identity(authentication, connection)
            if walk.asked.pending.errand.kind is ErrandKind.TEST:
                await deciding.rehearsal(walk.asked.pending)
        else:
            if (host := _host(captured)) is not None:
                deciding.on_our_host(host)
            walk.welcome = await deciding.welcome(
                connection,
                authentication,
                relay_state=captured.form.get("RelayState"),
                origin=captured.origin
                if captured.has_headers
                else origin(connection.idp.sso_url or connection.idp.sso_post_url or ""),
                record=walk.record,
                dummy=walk.asked.dummy,
            )
            walk.identity = walk.welcome.identity
            if walk.welcome.decision.next is Next.ANSWER:
                deciding.request(walk.welcome)
        if await self.store.assertions.claimed(claim_of(authentication)):
            raise replayed()

    def _style(self, connection: Connection, captured: Captured, wished: str | None) -> tuple[str, tuple[str, ...]]:
        """Which of our addresses it came to: as told, as the HAR file says, or the connection's own. And what is odd about it."""
        addresses = upstream.acs_urls(connection, self.issuer)
        if wished is not None:
            return wished, ()
        if captured.url is None:
            return str(connection.acs), ()
        posted = _path(captured.url)
        style = next((style for style, url in addresses.items() if _path(url) == posted), None)
        if style is not None:
            return style, ()
        return str(connection.acs), (
            f"It was posted to {place(captured.url) or 'no address that can be read'}, which is no address of connection {connection.name}; it is "
            f"judged as if it had come to {addresses[connection.acs]}.",
        )

    async def _at_issue(
        self,
        connection: Connection,
        captured: Captured,
        style: str,
        walk: Walk,
        seen: Supposition | None,
        at: datetime,
    ) -> AtIssue | None:
        """How the same road would have gone when the message was made: so yesterday's refusal is explained today."""
        it = None if seen is None else seen.supposed
        if walk.code not in _TIMED or it is None:
            return None
        issued = [read_instant(it.envelope.issue_instant), read_instant(it.assertion.issue_instant)]
        then = max((one for one in issued if one is not None), default=None)
        if then is None or abs(then - at) <= timedelta(seconds=1):
            return None
        earlier = await self._walk(connection, captured, style, then)
        if earlier.refused is None or earlier.refused.code in _IN_STORE:
            return AtIssue(at=then, code=None, why=_IN_STORE.get(earlier.code or "", ""))
        return AtIssue(at=then, code=earlier.refused.code, why=earlier.refused.why)

    # -- looking at it -----------------------------------------------------------------------------------------------

    async def _seen(self, connection: Connection, captured: Captured) -> Supposition | None:
        try:
            octets = bindings.decode_post(captured.form.get("SAMLResponse", ""))
        except Refused:
            return None
        keys = await self.keyring.decryption_keys(connection.id)
        decryption = Decryption(keys=keys, allow_cbc=connection.allow_cbc_encryption)
        return suppose(octets, certificates=connection.idp.certificates, decryption=decryption)

    async def _cases(
        self, connection: Connection, seen: Supposition | None, acs_url: str, at: datetime, codes: Sequence[str]
    ) -> list[Case]:
        if seen is None or not codes:
            return []
        others = await self.store.configured.connections()
        return [
            Case(
                code=code, seen=seen, connection=connection, others=others, issuer=self.issuer, acs_url=acs_url, now=at
            )
            for code in codes
        ]

    async def _notes(
        self, connection: Connection, walk: Walk, seen: Supposition | None, acs_url: str, at: datetime
    ) -> Mapping[str, list[Finding]]:
        """What is said of each stretch beside the road's own findings."""
        it = None if seen is None else seen.supposed
        notes: dict[str, list[Finding]] = {}
        if seen is not None and not seen.encrypted:
            notes["encryption"] = [_note("xml.encryption", "Nothing in it is encrypted.")]
        if it is None:
            return notes
        if not walk.verified and stage_of(walk.code or "") in ("signature", "encryption"):
            expect = upstream.expectation(connection, acs_url, self.issuer)
            notes["rules"] = list(checks.examine(it, expect=expect, now=at))
        if walk.identity is not None:
            notes["identity"] = _home(walk.identity, it, connection)
        notes["classification"] = [await self._login(it, walk, at)]
        claim = AssertionClaim(
            connection=connection.id, issuer=it.assertion.issuer, assertion_id=it.assertion.id, remember_until=at
        )
        if walk.verified and walk.code != "saml.replayed":
            used = await self.store.assertions.claimed(claim)
            words = "It was used already, as far as is remembered." if used else "It has not been used here."
            notes["use"] = [_note("saml.replayed", words)]
        return notes

    async def _login(self, it: VerifiedAssertion, walk: Walk, at: datetime) -> Finding:
        """What the store knows of the login that this answers, without touching it."""
        named = [it.envelope.in_response_to, *(one.in_response_to for one in it.assertion.confirmations)]
        request_id = next((one for one in named if one is not None), None)
        if request_id is None:
            known = "" if walk.asked is not None else "It names no request. "
            return _note(
                "login", f"{known}A tile was clicked, or the identity provider forgot which request it answers."
            )
        pending = await self.store.pending.find(request_id)
        if pending is None:
            return _note("login", f"Of the request {request_id} nothing is known here.")
        if pending.ended_at is not None:
            words = f"was answered at {_at(pending.ended_at)}"
        elif pending.expires_at <= at:
            words = f"was given up at {_at(pending.expires_at)}, unanswered"
        else:
            words = f"waits until {_at(pending.expires_at)}, in the browser where it was started"
        whom = f" by application {pending.errand.application}" if pending.errand.application else ""
        return _note("login", f"The login that was asked for at {_at(pending.created_at)}{whom} {words}.")


def _source(captured: Captured) -> Source:
    url = None if captured.url is None else place(captured.url)
    return Source(kind=captured.kind, request=captured.request, url=url, at=captured.at)


def _failed(walk: Walk, at_issue: AtIssue | None, road: Sequence[Stage]) -> list[str]:
    """What deserves a closer look: the refusal, and every rule that fails beside it, but that it is late only once."""
    rules = [one.rule for stage in road for one in stage.findings if one.verdict == "fail" and one.rule not in _TIMED]
    causes = [code for code in (walk.code, None if at_issue is None else at_issue.code) if code is not None]
    return list(dict.fromkeys((*causes, *rules)))


# -- the parts of the report -----------------------------------------------------------------------------------------------


def _home(identity: Identity, it: VerifiedAssertion, connection: Connection) -> list[Finding]:
    """Where the person is at home, and what is believed of the email."""
    by = "its NameID" if connection.subject_attribute is None else f"the attribute {connection.subject_attribute}"
    names = {**DEFAULT_MAPPING, **connection.attribute_mapping}.get("email", ())
    if identity.email_verified:
        email = "The email is told as verified: its domain is verified for this connection."
    elif identity.email is not None:
        email = "The email is told as not verified: its domain is not listed in `domains` with `verified: true`."
    elif any(it.assertion.attributes.get(name) for name in names):
        email = (
            "The email that came is not told: it is no plain address, or of a domain that is none of this connection's (see "
            "`domains` and `allow_foreign_emails`)."
        )
    else:
        email = f"No email came: none of the attributes {', '.join(names)}."
    return [_note("identity", f"At home in connection {connection.name}, known by {by}."), _note("identity", email)]


def _claims(walk: Walk, seen: Supposition | None, connection: Connection, *, reveal: bool) -> tuple[Claim, ...]:
    if walk.identity is None or seen is None or seen.supposed is None:
        return ()
    came = seen.supposed.assertion.attributes
    names = {**DEFAULT_MAPPING, **connection.attribute_mapping}
    return tuple(
        Claim(
            name=name,
            attribute=next(
                (one for one in names.get(name, ()) if any(value.strip() for value in came.get(one, ()))), None
            ),
            value=_hidden(value if isinstance(value, str) else str(value), reveal=reveal),
        )
        for name, value in sorted(walk.identity.claims.items())
    )


def _message(seen: Supposition, *, reveal: bool) -> Message | None:
    it = seen.supposed
    said = None if seen.status_message is None else _hidden(seen.status_message, reveal=reveal)
    if it is None and not seen.status:
        return None
    if it is None:
        return Message(
            issuer=None, destination=None, recipient=None, audiences=(), issue_instant="", in_response_to=None,
            status=seen.status, status_message=said, name_id_format=None, name_id=None, attributes=(),
        )  # fmt: skip
    assertion, name = it.assertion, it.assertion.name_id
    conditions = assertion.conditions
    return Message(
        issuer=assertion.issuer,
        destination=it.envelope.destination,
        recipient=next((one.recipient for one in assertion.confirmations), None),
        audiences=tuple(one for some in (() if conditions is None else conditions.audiences) for one in some),
        issue_instant=assertion.issue_instant,
        in_response_to=it.envelope.in_response_to,
        status=seen.status,
        status_message=said,
        name_id_format=None if name is None else name.format,
        name_id=None if name is None else _hidden(name.value, reveal=reveal),
        attributes=tuple(
            Attribute(name=name, values=tuple(_hidden(value, reveal=reveal) for value in values))
            for name, values in assertion.attributes.items()
        ),
    )


def _signatures(seen: Supposition | None, connection: Connection) -> tuple[Verified, ...]:
    """Which of the connection's certificates made each signature."""
    return tuple(
        Verified(
            where=one.where,
            method=closer.short(one.method),
            digest=closer.short(one.digest),
            position=one.verifies_with[0] if one.verifies_with else None,
            certificate=describe(connection.idp.certificates[one.verifies_with[0] - 1]) if one.verifies_with else None,
        )
        for one in (() if seen is None else seen.signatures)
    )


def _hidden(value: str, *, reveal: bool) -> Hidden:
    return Hidden(characters=len(value), value=value if reveal else None)


def _note(rule: str, why: str) -> Finding:
    return Finding(rule=rule, verdict="note", why=why)


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def _path(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.path, parts.query


def _host(captured: Captured) -> str | None:
    """The host that the browser posted to, as it would have said it; None where the file does not tell."""
    try:
        parts = urlsplit(captured.url or "")
    except ValueError:
        return ""
    if captured.url is None:
        return None
    return plain_host(parts.netloc, secure=parts.scheme == "https")
