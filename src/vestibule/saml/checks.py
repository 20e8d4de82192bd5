"""Judging a verified assertion [SAMLProf 4.1.4.2, 4.1.4.3]: the rules as data, and what follows when all of them hold."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Final, NamedTuple

from vestibule.ground.errors import Finding, Refused
from vestibule.saml.assertion import Confirmation
from vestibule.saml.instant import read_instant, shifted
from vestibule.saml.names import BEARER, FORMAT_ENTITY, SUCCESS, VERSION
from vestibule.saml.trust import VerifiedAssertion

MAX_WINDOW: Final = timedelta(hours=24)
MAX_SKEW: Final = timedelta(seconds=300)
"""The largest skew that can be configured: what must be remembered is remembered for this long past its end."""
MAX_NAME_ID: Final = 256
MAX_VALUE: Final = 1024
MAX_ATTRIBUTES: Final = 256
MAX_ATTRIBUTE_VALUES: Final = 4096
MAX_ATTRIBUTE_VALUE: Final = 65_536

_NCNAME: Final = re.compile(r"[^\W\d][\w.\-]{0,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What this connection's responses must say: who sends, who we are, where it was posted to, and our patience.

    `name_id_required` is false where an attribute names the person; a NameID that is there is judged all the same.
    """

    idp_entity_id: str
    sp_entity_id: str
    acs_url: str
    clock_skew: timedelta
    max_assertion_age: timedelta
    name_id_required: bool = True


class Failure(NamedTuple):
    """Why a rule does not hold, with its evidence."""

    why: str
    want: object = None
    got: object = None


Check = Callable[[VerifiedAssertion, Expectation, datetime], Failure | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: its refusal code, where it is written, what it says, and the pure function that judges."""

    name: str
    cite: str
    sentence: str
    check: Check = field(repr=False)
    held: Finding = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidAssertion:
    """What one may act on. Made by `validate` alone.

    `in_response_to` is that of the bearer confirmation that was used. `usable_until` is the first moment at which the
    assertion is too old to be presented; until `remember_until`, never earlier, its use must be remembered. `name_id` is
    empty where none was sent, and none required.
    """

    issuer: str
    response_id: str
    assertion_id: str
    name_id: str
    name_id_format: str
    name_qualifier: str
    sp_name_qualifier: str
    attributes: Mapping[str, tuple[str, ...]]
    authn_instant: datetime
    session_index: str | None
    session_not_on_or_after: datetime | None
    authn_context_class: str | None
    in_response_to: str | None
    response_in_response_to: str | None
    any_in_response_to: tuple[str, ...]
    one_time_use: bool
    issue_instant: datetime
    usable_until: datetime
    remember_until: datetime
    findings: tuple[Finding, ...]


# -- the message ---------------------------------------------------------------------------------------------------------


def _status(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    if it.envelope.status[0] == SUCCESS:
        return None
    return Failure("The Response has another status than Success.", SUCCESS, " ".join(it.envelope.status))


def _version(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    versions = (it.envelope.version, it.assertion.version)
    return None if versions == (VERSION, VERSION) else Failure("It is not SAML 2.0.", VERSION, " ".join(versions))


def _ids(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    for value in (it.envelope.id, it.assertion.id):
        if not _NCNAME.fullmatch(value):
            return Failure("An ID is empty, longer than 256 characters or not an XML name.", "an NCName", value)
    return None


def _response_issuer(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    given = it.envelope.issuer
    if given == expect.idp_entity_id or (given is None and not it.response_signed):
        return None
    if given is None:
        return Failure("The signed Response names no Issuer.", expect.idp_entity_id, "none")
    return Failure(
        "The Response names another issuer than this connection's identity provider.",
        expect.idp_entity_id,
        given,
    )


def _issuer(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    if it.assertion.issuer == expect.idp_entity_id:
        return None
    return Failure(
        "The assertion names another issuer than this connection's identity provider; compare the entity ids letter by letter.",
        expect.idp_entity_id,
        it.assertion.issuer,
    )


def _issuer_format(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    for given in (it.envelope.issuer_format, it.assertion.issuer_format):
        if given not in (None, FORMAT_ENTITY):
            return Failure("An Issuer has a Format that is not that of an entity.", FORMAT_ENTITY, given)
    return None


def _destination(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    given = it.envelope.destination
    if given == expect.acs_url or (given is None and not it.response_signed):
        return None
    why = "The Response was made for another address than the one that it was posted to."
    return Failure(
        why if given is not None else "The signed Response names no Destination.", expect.acs_url, given or "none"
    )


def _response_issue_instant(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    return _recent(it.envelope.issue_instant, expect, now)


# -- the assertion's age and audience ------------------------------------------------------------------------------------


def _issue_instant(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    return _recent(it.assertion.issue_instant, expect, now)


def _conditions(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    return None if it.assertion.conditions is not None else Failure("The assertion has no Conditions.")


def _not_before(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    conditions = it.assertion.conditions
    if conditions is None or conditions.not_before is None:
        return None
    start = read_instant(conditions.not_before)
    if start is not None and start <= shifted(now, expect.clock_skew):
        return None
    return Failure(
        "The assertion is not valid yet, or its NotBefore is no instant; compare the clocks.",
        f"<= {_at(now)} + {_span(expect.clock_skew)}",
        conditions.not_before,
    )


def _not_on_or_after(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    conditions = it.assertion.conditions
    return _before_end(None if conditions is None else conditions.not_on_or_after, expect, now)


def _window(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    conditions = it.assertion.conditions
    if conditions is None:
        return None
    start = read_instant(conditions.not_before or it.assertion.issue_instant)
    end = read_instant(conditions.not_on_or_after)
    if start is None:
        return None
    if conditions.not_before is not None and end is not None and end <= start:
        return Failure("NotOnOrAfter is not later than NotBefore.", f"> {_at(start)}", _at(end))
    if end is not None and end - start > MAX_WINDOW:
        return Failure("The assertion is valid for longer than a day.", f"<= {_span(MAX_WINDOW)}", _span(end - start))
    bearer = _bearer(it, expect, now)
    confirmed = None if bearer is None else read_instant(bearer.not_on_or_after)
    if confirmed is None or confirmed - start <= MAX_WINDOW:
        return None
    return Failure(
        "The bearer confirmation is valid for longer than a day.", f"<= {_span(MAX_WINDOW)}", _span(confirmed - start)
    )


def _audience(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    restrictions = it.assertion.conditions.audiences if it.assertion.conditions is not None else ()
    if restrictions and all(expect.sp_entity_id in audiences for audiences in restrictions):
        return None
    return Failure(
        "The assertion is meant for somebody else, or for nobody in particular; set the audience at the identity provider.",
        expect.sp_entity_id,
        "; ".join(" ".join(audiences) for audiences in restrictions) or "no audience",
    )


def _known_conditions(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    unknown = it.assertion.conditions.unknown if it.assertion.conditions is not None else ()
    return (
        None
        if not unknown
        else Failure("The assertion has a condition that is not understood.", None, " ".join(unknown))
    )


# -- the subject's confirmation ------------------------------------------------------------------------------------------


def _bearer(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Confirmation | None:
    """The bearer confirmation to go by: the first that holds whole, else the first of all, to say what is wrong with it."""
    candidates = [one for one in it.assertion.confirmations if one.method == BEARER and one.has_data]
    if len(candidates) == 1:
        return candidates[0]  # whether it holds or not
    for one in candidates:
        if (
            one.not_before is None
            and one.recipient == expect.acs_url
            and _before_end(one.not_on_or_after, expect, now) is None
        ):
            return one
    return candidates[0] if candidates else None


def _confirmation(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    if _bearer(it, expect, now) is not None:
        return None
    methods = " ".join(one.method for one in it.assertion.confirmations) or "none"
    return Failure("No bearer SubjectConfirmation with SubjectConfirmationData.", BEARER, methods)


def _confirmation_not_before(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    bearer = _bearer(it, expect, now)
    if bearer is None or bearer.not_before is None:
        return None
    return Failure("The bearer SubjectConfirmationData has a NotBefore, which it must not.", "none", bearer.not_before)


def _recipient(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    bearer = _bearer(it, expect, now)
    recipient = None if bearer is None else bearer.recipient
    if recipient == expect.acs_url:
        return None
    return Failure(
        "The assertion was made for another address than the one that it was posted to.",
        expect.acs_url,
        recipient or "none",
    )


def _confirmation_not_on_or_after(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    bearer = _bearer(it, expect, now)
    return _before_end(None if bearer is None else bearer.not_on_or_after, expect, now)


# -- the authentication and its subject ----------------------------------------------------------------------------------


def _authn_statement(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    statements = it.assertion.authn_statements
    if not statements:
        return Failure("The assertion does not say how the person signed in.")
    if not all(one.has_context for one in statements):
        return Failure("An AuthnStatement has no AuthnContext.")
    return None


def _authn_instant(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    for statement in it.assertion.authn_statements:
        instant = read_instant(statement.authn_instant)
        if instant is None or instant > shifted(now, expect.clock_skew):
            return Failure(
                "AuthnInstant is missing, in the future or no instant.",
                f"<= {_at(now)} + {_span(expect.clock_skew)}",
                statement.authn_instant or "none",
            )
    return None


def _session(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    for statement in it.assertion.authn_statements:
        if statement.session_not_on_or_after is not None:
            failure = _before_end(statement.session_not_on_or_after, expect, now)
            if failure is not None:
                return failure._replace(why="The session at the identity provider is over already.")
    return None


def _name_id(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    name = it.assertion.name_id
    if name is None and not expect.name_id_required:
        return None
    if name is not None and len(name.value) <= MAX_NAME_ID and not all(map(_is_invisible, name.value)):
        return None
    length = "no NameID" if name is None else f"{len(name.value)} characters"
    return Failure(
        "The NameID is missing, empty, blank, invisible or too long.", f"1 to {MAX_NAME_ID} characters", length
    )


def _is_invisible(character: str) -> bool:
    """White space, or a sign that shapes the text around it and is not seen itself, such as U+200B."""
    return character.isspace() or unicodedata.category(character) == "Cf"


def _lengths(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    name = it.assertion.name_id
    values = [value for one in it.assertion.authn_statements for value in (one.session_index, one.context_class)]
    values += _all_in_response_to(it)
    if name is not None:
        values += (name.format, name.name_qualifier, name.sp_name_qualifier)
    longest = max(map(len, filter(None, values)), default=0)
    return None if longest <= MAX_VALUE else Failure("A value is too long.", f"<= {MAX_VALUE} characters", longest)


def _attributes(it: VerifiedAssertion, expect: Expectation, now: datetime) -> Failure | None:
    attributes = it.assertion.attributes
    if len(attributes) > MAX_ATTRIBUTES:
        return Failure("There are too many attributes.", f"<= {MAX_ATTRIBUTES}", len(attributes))
    count = sum(map(len, attributes.values()))
    if count > MAX_ATTRIBUTE_VALUES:
        return Failure("The attributes have too many values.", f"<= {MAX_ATTRIBUTE_VALUES}", count)
    longest = max(map(len, chain(attributes, *attributes.values())), default=0)
    if longest > MAX_ATTRIBUTE_VALUE:
        return Failure("An attribute's name or value is too long.", f"<= {MAX_ATTRIBUTE_VALUE} characters", longest)
    return None


# -- the rules whole -----------------------------------------------------------------------------------------------------


def _rule(name: str, cite: str, sentence: str, check: Check) -> Rule:
    held = Finding(rule=name, verdict="pass")  # its words are in RULES; a trace keeps them once, not at every login
    return Rule(name=name, cite=cite, sentence=sentence, check=check, held=held)


RULES: Final[tuple[Rule, ...]] = (
    _rule("saml.status", "[SAMLCore 3.2.2.2]", "The status is Success.", _status),
    _rule("saml.version", "[SAMLCore 2.3.3, 3.2.2]", "Response and assertion are SAML 2.0.", _version),
    _rule("saml.id", "[SAMLCore 1.3.4]", "Response and assertion have proper IDs.", _ids),
    _rule("saml.response_issuer", "[SAMLProf 4.1.4.2]", "The Response's Issuer is the connection's identity provider; a signed Response has one.", _response_issuer),
    _rule("saml.issuer", "[SAMLProf 4.1.4.2]", "The assertion's Issuer is the connection's identity provider.", _issuer),
    _rule("saml.issuer_format", "[SAMLProf 4.1.4.2]", "An Issuer's Format is that of an entity, or not given.", _issuer_format),
    _rule("saml.destination", "[SAMLBind 3.5.5.2]", "The Destination is the address that was posted to; a signed Response has one.", _destination),
    _rule("saml.response_issue_instant", "[SAMLCore 3.2.2]", "The Response was issued lately. (Stricter: SAML sets no age.)", _response_issue_instant),
    _rule("saml.issue_instant", "[SAMLCore 2.3.3]", "The assertion was issued lately. (Stricter: SAML sets no age.)", _issue_instant),
    _rule("saml.conditions", "[SAMLProf 4.1.4.2]", "The assertion has Conditions.", _conditions),
    _rule("saml.not_before", "[SAMLCore 2.5.1.2]", "NotBefore, if any, has come.", _not_before),
    _rule("saml.not_on_or_after", "[SAMLCore 2.5.1.2]", "NotOnOrAfter has not come. (Stricter: it is required.)", _not_on_or_after),
    _rule("saml.window", "[SAMLCore 2.5.1.2]", "Conditions and bearer confirmation span a day at most, and end after they begin. (Stricter: SAML sets no bound.)", _window),
    _rule("saml.audience", "[SAMLCore 2.5.1.4]", "There is an AudienceRestriction, and we are named in every one.", _audience),
    _rule("saml.unknown_condition", "[SAMLCore 2.5.1.1]", "Every condition is understood.", _known_conditions),
    _rule("saml.subject_confirmation", "[SAMLProf 4.1.4.2]", "There is a bearer SubjectConfirmation with its Data.", _confirmation),
    _rule("saml.confirmation_not_before", "[SAMLProf 4.1.4.2]", "The bearer confirmation has no NotBefore.", _confirmation_not_before),
    _rule("saml.recipient", "[SAMLProf 4.1.4.3]", "The bearer confirmation's Recipient is the address that was posted to.", _recipient),
    _rule("saml.confirmation_not_on_or_after", "[SAMLProf 4.1.4.3]", "The bearer confirmation's NotOnOrAfter has not come.", _confirmation_not_on_or_after),
    _rule("saml.authn_statement", "[SAMLProf 4.1.4.2, SAMLCore 2.7.2]", "There is an AuthnStatement, each with its AuthnContext.", _authn_statement),
    _rule("saml.authn_instant", "[SAMLCore 2.7.2]", "The person has signed in, not will sign in.", _authn_instant),
    _rule("saml.session_not_on_or_after", "[SAMLProf 4.1.4.3]", "SessionNotOnOrAfter, if any, has not come.", _session),
    _rule("saml.name_id", "[SAMLCore 2.2.3, 8.3.7]", "There is a NameID of 1 to 256 characters, not all invisible. (Stricter: required, unless an attribute names the person.)", _name_id),
    _rule("saml.value_length", "[SAMLCore 1.3.1]", "No value is longer than we keep. (Stricter: SAML sets no bound.)", _lengths),
    _rule("saml.attributes", "[SAMLCore 2.7.3]", "There are no more attributes than we keep. (Stricter: SAML sets no bound.)", _attributes),
)  # fmt: skip


def examine(verified: VerifiedAssertion, *, expect: Expectation, now: datetime) -> tuple[Finding, ...]:
    """Every rule, in order, with its verdict; all of them, also past the first that fails."""
    findings: list[Finding] = []
    for rule in RULES:
        failure = rule.check(verified, expect, now)
        if failure is None:
            findings.append(rule.held)
        else:
            refusal = Refused(rule.name, f"{failure.why} {rule.cite}", want=failure.want, got=failure.got)
            findings.append(
                Finding(rule=rule.name, verdict="fail", why=refusal.why, want=refusal.want, got=refusal.got)
            )
    return tuple(findings)


def validate(verified: VerifiedAssertion, *, expect: Expectation, now: datetime) -> ValidAssertion:
    """The assertion, fit to be acted on; `Refused` by the first rule that fails, with all findings.

    Several AuthnStatements: the earliest AuthnInstant and SessionNotOnOrAfter count, the first one's SessionIndex and
    context class. OneTimeUse is reported and asks nothing more: every assertion is used once.
    """
    findings = examine(verified, expect=expect, now=now)
    for finding in findings:
        if finding.verdict == "fail":
            refusal = Refused(finding.rule, finding.why, want=finding.want, got=finding.got)
            refusal.findings = findings
            raise refusal
    return _valid(verified, expect, now, findings)


def classify(valid: ValidAssertion) -> str | None:
    """The request that this answers; None if it answers none, as an unsolicited response does.

    It answers one if any `InResponseTo` is given, in the Response or any SubjectConfirmationData. Then the signed
    confirmation that was used must carry it, and no other may be given [SAMLProf 4.1.4.3, 4.1.5]; else it is refused, never
    taken for unsolicited: an outer, unsigned value alone must not decide.
    """
    if not valid.any_in_response_to:
        return None
    if set(valid.any_in_response_to) != {valid.in_response_to}:
        raise Refused(
            "saml.in_response_to",
            "The Response says in one place that it answers a request, and in another that it answers none, or another one "
            "[SAMLProf 4.1.4.3].",
            want="one InResponseTo, in the signed SubjectConfirmationData",
            got=" ".join(valid.any_in_response_to),
        )
    return valid.in_response_to


def _valid(it: VerifiedAssertion, expect: Expectation, now: datetime, findings: tuple[Finding, ...]) -> ValidAssertion:
    assertion, bearer = it.assertion, _bearer(it, expect, now)
    name = assertion.name_id
    if (name is None and expect.name_id_required) or assertion.conditions is None or bearer is None:
        raise ValueError("a rule that protects these values is missing from RULES")
    ends = [_sure(assertion.conditions.not_on_or_after), _sure(bearer.not_on_or_after)]
    statements = assertion.authn_statements
    session_ends = [_sure(one.session_not_on_or_after) for one in statements if one.session_not_on_or_after is not None]
    return ValidAssertion(
        issuer=assertion.issuer,
        response_id=it.envelope.id,
        assertion_id=assertion.id,
        name_id="" if name is None else name.value,
        name_id_format="" if name is None else name.format,
        name_qualifier="" if name is None else name.name_qualifier,
        sp_name_qualifier="" if name is None else name.sp_name_qualifier,
        attributes=assertion.attributes,
        authn_instant=min(_sure(one.authn_instant) for one in statements),
        session_index=statements[0].session_index,
        session_not_on_or_after=min(session_ends, default=None),
        authn_context_class=statements[0].context_class,
        in_response_to=bearer.in_response_to,
        response_in_response_to=it.envelope.in_response_to,
        any_in_response_to=tuple(_all_in_response_to(it)),
        one_time_use=assertion.conditions.one_time_use,
        issue_instant=_sure(assertion.issue_instant),
        usable_until=shifted(min(ends), expect.clock_skew),
        remember_until=shifted(max(ends), MAX_SKEW),
        findings=findings,
    )


def _all_in_response_to(it: VerifiedAssertion) -> list[str]:
    given = [it.envelope.in_response_to, *(one.in_response_to for one in it.assertion.confirmations)]
    return [value for value in given if value is not None]


def _recent(value: str, expect: Expectation, now: datetime) -> Failure | None:
    """An IssueInstant between `max_assertion_age` ago and now, both widened by the skew, bounds included."""
    instant = read_instant(value)
    earliest = shifted(now, -expect.max_assertion_age - expect.clock_skew)
    if instant is not None and earliest <= instant <= shifted(now, expect.clock_skew):
        return None
    return Failure(
        "IssueInstant is too old, in the future or no instant; compare the clocks.",
        f"{_at(earliest)} to {_at(now)} + {_span(expect.clock_skew)}",
        value,
    )


def _before_end(value: str | None, expect: Expectation, now: datetime) -> Failure | None:
    """A NotOnOrAfter that has not come: `now < value + skew`, so that the very moment is too late [SAMLCore 2.5.1.2]."""
    instant = read_instant(value)
    if instant is not None and now < shifted(instant, expect.clock_skew):
        return None
    return Failure(
        "NotOnOrAfter is missing, past or no instant; the message came too late, or the clocks differ.",
        f"> {_at(now)} - {_span(expect.clock_skew)}",
        value or "none",
    )


def _sure(value: str | None) -> datetime:
    instant = read_instant(value)
    if instant is None:
        raise ValueError("a rule that protects this instant is missing from RULES")
    return instant


def _at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _span(span: timedelta) -> str:
    return f"{int(span.total_seconds())} s"
