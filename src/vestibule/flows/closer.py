"""A closer look at what was refused: how two values differ, by how much a clock is off, whose certificate signed.

Pure, and for reading only. What it looks at may never have been verified.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from vestibule.flows.inspection import Comparison
from vestibule.ground.errors import Refused
from vestibule.model.connection import Connection
from vestibule.saml import bindings
from vestibule.saml.checks import MAX_SKEW
from vestibule.saml.instant import read_instant, shifted
from vestibule.saml.names import FORMAT_TRANSIENT
from vestibule.saml.suppose import SignatureFacts, Supposition
from vestibule.saml.trust import VerifiedAssertion
from vestibule.upstream import saml as upstream
from vestibule.xml.certificate import CertificateFacts, describe
from vestibule.xml.encryption import CONTENT

_MOST_COMPARED: Final = 8
_SECOND: Final = timedelta(seconds=1)
_INDENTED: Final = "Was the file copied from a viewer that indents XML? Save a HAR file instead."
STATUS: Final = {
    "RequestDenied": "The identity provider denies it: as a rule the person is not assigned to this application.",
    "NoPassive": "A silent login was asked for, and nobody is signed in there.",
    "AuthnFailed": "The person could not sign in there, or cancelled.",
    "Requester": "The identity provider blames our request: compare entity id, reply URL and signing certificate there.",
    "Responder": "The identity provider blames itself: its log says more.",
    "InvalidNameIDPolicy": "The identity provider has no NameID of the wanted format for this person.",
    "NoAuthnContext": "The identity provider cannot sign the person in as strongly as was asked.",
    "UnknownPrincipal": "The identity provider does not know this person.",
    "RequestUnsupported": "The identity provider does not support such a request.",
    "VersionMismatch": "The identity provider speaks another version of SAML.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a closer look needs: the refusal's code, the message, the connection beside the others, and the moment."""

    code: str
    seen: Supposition
    connection: Connection
    others: Sequence[Connection]
    issuer: str
    acs_url: str
    now: datetime


def evidence(case: Case) -> tuple[str, ...]:
    """What can be said about the refusal beyond its rule, as sentences."""
    it = case.seen.supposed
    found = [*_status(case), *_encryption(case), *_signatures(case)]
    if it is not None:
        found += [*_clock(case, it), *_elsewhere(case, it), *_name(case, it)]
    return tuple(found)


def twice(value: str) -> tuple[str, ...]:
    """Whether the value of the form field is base64 of base64, as a sentence."""
    try:
        inner = bindings.decode_post(value).strip()
        message = bindings.decode_post(inner.decode("ascii"))
    except (Refused, UnicodeDecodeError):
        return ()
    if not message.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return ()
    return ("The value is base64 of base64: the message was encoded once more than the POST binding wants it.",)


# -- values that should be one ---------------------------------------------------------------------------------------------


def comparisons(case: Case) -> tuple[Comparison, ...]:
    """The value that was wanted beside the one that came, where the rule is about such a pair."""
    it = case.seen.supposed
    if it is None:
        return ()
    conditions = it.assertion.conditions
    audiences = [one for some in (() if conditions is None else conditions.audiences) for one in some]
    recipients = [one.recipient for one in it.assertion.confirmations if one.recipient is not None]
    idp, sp = case.connection.idp.entity_id, upstream.sp_entity_id(case.connection, case.issuer)
    pairs = {
        "saml.audience": ("audience", sp, audiences),
        "saml.recipient": ("recipient", case.acs_url, recipients),
        "saml.destination": ("destination", case.acs_url, [it.envelope.destination or ""]),
        "saml.issuer": ("issuer", idp, [it.assertion.issuer]),
        "saml.response_issuer": ("issuer", idp, [it.envelope.issuer or ""]),
    }
    what, want, given = pairs.get(case.code, ("", "", []))
    return tuple(compared(what, want, got) for got in given[:_MOST_COMPARED] if got and got != want)


def compared(what: str, want: str, got: str) -> Comparison:
    """Two values, where they part, and what the difference comes to."""
    at = next((at for at, (a, b) in enumerate(zip(want, got, strict=False)) if a != b), min(len(want), len(got)))
    return Comparison(what=what, want=want[:500], got=got[:500], at=at, difference=difference(want, got))


def difference(want: str, got: str) -> str:
    """Only what the two differ in, where that is one thing; for people who see no difference."""
    if want.strip() == got.strip():
        return "They differ only by white space around them."
    if want.rstrip("/") == got.rstrip("/"):
        return "They differ only by a slash at the end."
    if want.lower() == got.lower():
        return "They differ only by capital letters."
    if "{" in want or "{" in got:
        return "One of them still holds a placeholder, which somebody should have filled in."
    try:
        return _by_parts(want, got)
    except ValueError:
        return ""


def _by_parts(want: str, got: str) -> str:
    one, other = urlsplit(want), urlsplit(got)
    if one.scheme != other.scheme and one[1:] == other[1:]:
        return f"They differ only by the scheme: {one.scheme} is not {other.scheme}."
    same_rest = (one.scheme, *one[2:]) == (other.scheme, *other[2:])
    if one.hostname == other.hostname and one.port != other.port and same_rest:
        return "They differ only by the port."
    if one.hostname != other.hostname and one.hostname and same_rest:
        return "They differ only by the host name."
    if one[:3] == other[:3] and one.query != other.query:
        return "They differ only by the query, behind the question mark."
    return ""


def _elsewhere(case: Case, it: VerifiedAssertion) -> Iterator[str]:
    """Whether a value that does not fit here belongs to another connection, or to another address of this one."""
    got = {one.got for one in comparisons(case)}
    own = upstream.acs_urls(case.connection, case.issuer)
    for style, url in own.items():
        if url in got:
            yield (
                f"That is this connection's own address of the style `{style}`, but the response was judged as posted to "
                f"another. Was it posted there? Then inspect it with --acs {style}; to have it named in our requests, set "
                f"`acs: {style}`."
            )
    for other in case.others:
        if other.id == case.connection.id:
            continue
        known = {
            upstream.sp_entity_id(other, case.issuer),
            *upstream.acs_urls(other, case.issuer).values(),
            other.idp.entity_id,
        }
        if got & known:
            yield (
                f"That value belongs to connection {other.name} of this installation: two applications at the identity provider "
                "were mixed up, or this response is to be inspected with that connection."
            )


# -- clocks ----------------------------------------------------------------------------------------------------------------


def _clock(case: Case, it: VerifiedAssertion) -> Iterator[str]:
    conditions, confirmations = it.assertion.conditions, it.assertion.confirmations
    starts: dict[str, list[str | None]] = {
        "saml.not_before": [None if conditions is None else conditions.not_before],
        "saml.authn_instant": [one.authn_instant for one in it.assertion.authn_statements],
        "saml.issue_instant": [it.assertion.issue_instant],
        "saml.response_issue_instant": [it.envelope.issue_instant],
    }
    ends: dict[str, list[str | None]] = {
        "saml.not_on_or_after": [None if conditions is None else conditions.not_on_or_after],
        "saml.confirmation_not_on_or_after": [one.not_on_or_after for one in confirmations],
        "saml.session_not_on_or_after": [one.session_not_on_or_after for one in it.assertion.authn_statements],
    }
    skew = case.connection.clock_skew
    for start in _instants(starts.get(case.code, ())):
        if start > shifted(case.now, skew * _SECOND):
            yield _ahead(start - case.now, skew)
        elif case.code in ("saml.issue_instant", "saml.response_issue_instant"):
            yield _aged(case.now - start, case.connection)
    for end in _instants(ends.get(case.code, ())):
        if case.now >= shifted(end, skew * _SECOND):
            yield _over(case.now - end, skew)


def _instants(values: Iterable[str | None]) -> list[datetime]:
    return [instant for value in values if (instant := read_instant(value)) is not None]


def _ahead(by: timedelta, skew: int) -> str:
    return f"The message's time is {_seconds(by)} ahead of the time that it was judged at; {skew} s are allowed. {_skew(-(-by // _SECOND))}"


def _aged(age: timedelta, connection: Connection) -> str:
    return (
        f"It was {_seconds(age)} old when it was judged; {connection.max_assertion_age} s are allowed, give or take "
        f"{connection.clock_skew} s."
    )


def _over(by: timedelta, skew: int) -> str:
    return f"Its time had been over for {_seconds(by)} when it was judged; {skew} s are allowed. {_skew(by // _SECOND + 1)}"


def _skew(needed: int) -> str:
    """`needed`: the least skew, in seconds, that would let it pass. An end is over at its very moment, a start has come then."""
    if needed > MAX_SKEW // _SECOND:
        return f"No `clock_skew` allows that: {MAX_SKEW // _SECOND} s is the most."
    return f"If the clocks cannot be set right, `clock_skew: {needed}` would allow it."


def _seconds(span: timedelta) -> str:
    whole = int(span.total_seconds())
    if whole < 120:
        return f"{whole} s"
    days, hours, minutes = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60
    return " ".join(f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count) + (
        f" ({whole} s)"
    )


# -- signatures ------------------------------------------------------------------------------------------------------------


def _signatures(case: Case) -> Iterator[str]:
    if case.code not in (
        "xml.signature_value",
        "xml.signature_digest",
        "xml.signature_algorithm",
        "xml.certificate_key",
    ):
        return
    for one in case.seen.signatures:
        if case.code == "xml.signature_algorithm":
            by = (
                f" But for that it would verify with certificate {one.verifies_with[0]} of the connection."
                if one.verifies_with
                else ""
            )
            yield f"{one.where}: signed with {short(one.method)}, digest {short(one.digest)}.{by}"
        elif case.code == "xml.signature_digest" and not one.verifies_with:
            yield (
                f"{one.where}: the signature itself was made by a certificate of this connection, but what it covers was changed "
                "afterwards."
            )
        else:
            yield _whose(one, case.connection)


def _whose(one: SignatureFacts, connection: Connection) -> str:
    """Whether the certificate that the message brings along would verify it. It is never believed; it only says which one to ask for."""
    if one.verifies_with:
        return f"{one.where}: this signature verifies with certificate {one.verifies_with[0]} of the connection."
    own = _own(one, connection)
    if own is not None:
        return (
            f"{one.where}: it brings this connection's own certificate {own}, so nothing rolled over: the signature was changed afterwards, "
            f"or made with another key. {_INDENTED}"
        )
    readable = [brought for brought in one.brought if brought.certificate is not None]
    if not readable:
        perhaps = f" But it holds white space, so perhaps it was reformatted. {_INDENTED}" if one.spaced else ""
        return f"{one.where}: the signature brings no certificate along, so it cannot be said whose it is.{perhaps}"
    first = next((brought for brought in readable if brought.outcome == ""), readable[0])
    named = described(first.certificate)
    if first.outcome == "":
        return (
            f"{one.where}: the message is signed, and unchanged, by a certificate that connection {connection.name} does not have: {named}. "
            "Is it the identity provider's new one? Ask it by another way than this message, for anybody can bring a "
            "certificate along; then add it."
        )
    if first.outcome == "xml.certificate_key":
        return f"{one.where}: the certificate that the message brings has a key that is too weak: {named}."
    if first.outcome == "xml.signature_digest":
        return (
            f"{one.where}: the message was changed after it was signed; and it was signed by a certificate that connection "
            f"{connection.name} does not have: {named}."
        )
    return (
        f"{one.where}: not even the certificate that the message brings verifies it ({named}): the signature was changed on its way, or "
        "made with another key."
    )


def _own(one: SignatureFacts, connection: Connection) -> int | None:
    """The place, from 1, of the first of the connection's certificates that the signature brings along."""
    brought = {each.certificate.fingerprint for each in one.brought if each.certificate is not None}
    known = [describe(pem) for pem in connection.idp.certificates]
    return next((at for at, facts in enumerate(known, 1) if facts is not None and facts.fingerprint in brought), None)


def mend(case: Case) -> str:
    """The code whose advice fits: the refusal's own, or that of what lies behind it."""
    if case.code == "xml.signature_value":
        failed = [one for one in case.seen.signatures if not one.verifies_with]
        if failed and all(_own(one, case.connection) is not None for one in failed):
            return "xml.signature_digest"
    if case.code == "saml.status":
        names = [status.rpartition(":")[2] for status in case.seen.status]
        return f"saml.status.{next((name for name in reversed(names) if name in STATUS), '')}".rstrip(".")
    return case.code


def described(certificate: CertificateFacts | None) -> str:
    """A certificate in a line."""
    if certificate is None:
        return "unreadable"
    start, end = certificate.not_before.date(), certificate.not_after.date()
    return f"{certificate.subject}, {certificate.key}, valid {start} to {end}, SHA-256 {certificate.fingerprint}"


def short(algorithm: str) -> str:
    """An algorithm's name without the namespace that it lives in."""
    return algorithm.rpartition("#")[2] or "none"


# -- the rest --------------------------------------------------------------------------------------------------------------


def _status(case: Case) -> Iterator[str]:
    if case.code != "saml.status":
        return
    for status in case.seen.status:
        name = status.rpartition(":")[2]
        yield f"{name}. {STATUS.get(name, '')}".rstrip(" ")


def _encryption(case: Case) -> Iterator[str]:
    if not case.code.startswith(("xml.encryption", "xml.decryption")):
        return
    named = ", ".join(dict.fromkeys(map(short, case.seen.encrypted)))
    yield f"Encrypted with {named}." if named else "It is encrypted, and does not say with what."
    if any(CONTENT[one].mode == "cbc" for one in case.seen.encrypted if one in CONTENT):
        yield "AES-CBC lets what is encrypted be changed on its way without being noticed; AES-GCM does not."


def _name(case: Case, it: VerifiedAssertion) -> Iterator[str]:
    name = it.assertion.name_id
    if case.code == "saml.name_id":
        yield "No NameID was sent." if name is None else f"Its format is {name.format or 'not given'}."
    if case.code == "saml.transient_name_id":
        attributes = ", ".join(sorted(it.assertion.attributes)[:20]) or "none"
        yield f"The format is {FORMAT_TRANSIENT}. Attributes that came, and could name the person: {attributes}."
    if case.code.startswith("identity.subject_attribute"):
        yield f"Attributes that came: {', '.join(sorted(it.assertion.attributes)[:20]) or 'none'}."
