"""The rules: one row a clause, each with the one change that it alone refuses, and every boundary from both sides."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree
from tests.builders_saml import (
    ACS,
    IDP,
    NAME,
    NOW,
    SP,
    expectation,
    idp_key,
    refusal,
    response_xml,
    statement,
    valid,
    verified,
)

from vestibule.ground.errors import Refused
from vestibule.saml import checks
from vestibule.saml.checks import MAX_ATTRIBUTE_VALUE, RULES, classify, examine, validate
from vestibule.saml.instant import write_instant
from vestibule.saml.names import ASSERTION, FORMAT_EMAIL, FORMAT_ENTITY, PROTOCOL, RESPONDER, SUCCESS, ds, saml, samlp
from vestibule.xml import signature

Edit = Callable[[etree._Element], object]

RESPONSE = ""
CONFIRMATION = f"{saml('Assertion')}/{saml('Subject')}/{saml('SubjectConfirmation')}"
DATA = f"{CONFIRMATION}/{saml('SubjectConfirmationData')}"
CONDITIONS = f"{saml('Assertion')}/{saml('Conditions')}"
AUTHN = f"{saml('Assertion')}/{saml('AuthnStatement')}"
NAME_ID = f"{saml('Assertion')}/{saml('Subject')}/{saml('NameID')}"


def at(path: str, root: etree._Element) -> etree._Element:
    return root.find(path) if path else root


def put(path: str, name: str, value: str | None) -> Edit:
    """An attribute set, or taken away."""

    def edit(root: etree._Element) -> None:
        at(path, root).attrib.pop(name, None)
        if value is not None:
            at(path, root).set(name, value)

    return edit


def drop(path: str) -> Edit:
    return lambda root: at(path, root).getparent().remove(at(path, root))


def into(path: str, xml: str, where: int = 99) -> Edit:
    namespaces = f'xmlns="{ASSERTION}" xmlns:samlp="{PROTOCOL}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    return lambda root: at(path, root).insert(where, etree.fromstring(f"<r {namespaces}>{xml}</r>")[0])


def say(path: str, value: str) -> Edit:
    return lambda root: setattr(at(path, root), "text", value)


def moment(seconds: float) -> str:
    """So many seconds after `NOW`."""
    return write_instant(NOW + timedelta(seconds=seconds))


def both(*edits: Edit) -> Edit:
    return lambda root: [edit(root) for edit in edits]


def restriction(*audiences: str) -> str:
    return f"<AudienceRestriction>{''.join(f'<Audience>{one}</Audience>' for one in audiences)}</AudienceRestriction>"


def confirmation(**changes: Any) -> str:
    """A further bearer confirmation, valid unless changed; None takes an attribute away."""
    said = {"Recipient": ACS.replace("&", "&amp;"), "NotOnOrAfter": moment(300), **changes}
    attributes = " ".join(f'{name}="{value}"' for name, value in said.items() if value is not None)
    method = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
    return f'<SubjectConfirmation Method="{method}"><SubjectConfirmationData {attributes}/></SubjectConfirmation>'


SUBJECT = f"{saml('Assertion')}/{saml('Subject')}"

REFUSED: list[tuple[str, Edit]] = [
    ("saml.status", put(f"{samlp('Status')}/{samlp('StatusCode')}", "Value", RESPONDER)),
    ("saml.status", both(
        put(f"{samlp('Status')}/{samlp('StatusCode')}", "Value", RESPONDER),
        into(f"{samlp('Status')}/{samlp('StatusCode')}", f'<samlp:StatusCode Value="{SUCCESS}"/>'),
    )),
    ("saml.version", put(RESPONSE, "Version", "1.1")),
    ("saml.version", put(saml("Assertion"), "Version", "2.1")),
    ("saml.id", put(RESPONSE, "ID", "")),
    ("saml.id", put(RESPONSE, "ID", "1digit")),
    ("saml.id", put(saml("Assertion"), "ID", "_" + "x" * 256)),
    ("saml.id", put(saml("Assertion"), "ID", "_a:b")),
    ("saml.response_issuer", say(saml("Issuer"), IDP + "/")),
    ("saml.response_issuer", say(saml("Issuer"), "")),
    ("saml.issuer", say(f"{saml('Assertion')}/{saml('Issuer')}", IDP.upper())),
    ("saml.issuer", say(f"{saml('Assertion')}/{saml('Issuer')}", f"\u00a0{IDP}")),
    ("saml.issuer_format", put(saml("Issuer"), "Format", FORMAT_EMAIL)),
    ("saml.issuer_format", put(f"{saml('Assertion')}/{saml('Issuer')}", "Format", FORMAT_EMAIL)),
    ("saml.destination", put(RESPONSE, "Destination", ACS + "/")),
    ("saml.destination", put(RESPONSE, "Destination", "")),
    ("saml.response_issue_instant", put(RESPONSE, "IssueInstant", moment(61))),
    ("saml.response_issue_instant", put(RESPONSE, "IssueInstant", moment(-3661))),
    ("saml.response_issue_instant", put(RESPONSE, "IssueInstant", "today")),
    ("saml.issue_instant", put(saml("Assertion"), "IssueInstant", moment(61))),
    ("saml.issue_instant", put(saml("Assertion"), "IssueInstant", moment(-3661))),
    ("saml.issue_instant", put(saml("Assertion"), "IssueInstant", "2026-03-04T12:00:00+01:00")),
    ("saml.conditions", drop(CONDITIONS)),
    ("saml.not_before", put(CONDITIONS, "NotBefore", moment(61))),
    ("saml.not_before", put(CONDITIONS, "NotBefore", "")),
    ("saml.not_before", put(CONDITIONS, "NotBefore", "soon")),
    ("saml.not_on_or_after", both(put(CONDITIONS, "NotBefore", None), put(CONDITIONS, "NotOnOrAfter", moment(-60)))),
    ("saml.not_on_or_after", put(CONDITIONS, "NotOnOrAfter", None)),
    ("saml.not_on_or_after", put(CONDITIONS, "NotOnOrAfter", "never")),
    ("saml.window", put(CONDITIONS, "NotOnOrAfter", moment(24 * 3600 - 60 + 1))),
    ("saml.window", both(put(CONDITIONS, "NotBefore", None), put(CONDITIONS, "NotOnOrAfter", moment(24 * 3600 + 1)))),
    ("saml.window", both(put(CONDITIONS, "NotBefore", moment(30)), put(CONDITIONS, "NotOnOrAfter", moment(30)))),
    ("saml.window", both(put(CONDITIONS, "NotBefore", moment(30)), put(CONDITIONS, "NotOnOrAfter", moment(-30)))),
    ("saml.window", put(DATA, "NotOnOrAfter", moment(24 * 3600 - 60 + 1))),
    ("saml.window", put(DATA, "NotOnOrAfter", "9999-12-31T23:59:59Z")),
    ("saml.window", both(put(CONDITIONS, "NotBefore", None), put(DATA, "NotOnOrAfter", moment(24 * 3600 + 1)))),
    ("saml.audience", drop(f"{CONDITIONS}/{saml('AudienceRestriction')}")),
    ("saml.audience", drop(f"{CONDITIONS}/{saml('AudienceRestriction')}/{saml('Audience')}")),
    ("saml.audience", say(f"{CONDITIONS}/{saml('AudienceRestriction')}/{saml('Audience')}", SP + "/")),
    ("saml.audience", say(f"{CONDITIONS}/{saml('AudienceRestriction')}/{saml('Audience')}", SP[:-1])),
    ("saml.audience", into(CONDITIONS, restriction("https://other.example"))),
    ("saml.audience", into(CONDITIONS, restriction(), 0)),
    ("saml.unknown_condition", into(CONDITIONS, "<Condition xsi:type='x'/>")),
    ("saml.unknown_condition", into(CONDITIONS, "<OneTimeUse xmlns='u:x'/>")),
    ("saml.subject_confirmation", drop(CONFIRMATION)),
    ("saml.subject_confirmation", drop(DATA)),
    ("saml.subject_confirmation", put(CONFIRMATION, "Method", None)),
    ("saml.subject_confirmation", put(CONFIRMATION, "Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")),
    ("saml.confirmation_not_before", put(DATA, "NotBefore", moment(-60))),
    ("saml.recipient", put(DATA, "Recipient", None)),
    ("saml.recipient", put(DATA, "Recipient", "")),
    ("saml.recipient", put(DATA, "Recipient", ACS + "x")),
    ("saml.confirmation_not_on_or_after", put(DATA, "NotOnOrAfter", moment(-60))),
    ("saml.confirmation_not_on_or_after", put(DATA, "NotOnOrAfter", None)),
    ("saml.confirmation_not_on_or_after", put(DATA, "NotOnOrAfter", "")),
    ("saml.authn_statement", drop(AUTHN)),
    ("saml.authn_statement", drop(f"{AUTHN}/{saml('AuthnContext')}")),
    ("saml.authn_statement", into(saml("Assertion"), f"<AuthnStatement AuthnInstant='{moment(0)}'/>")),
    ("saml.authn_instant", put(AUTHN, "AuthnInstant", moment(61))),
    ("saml.authn_instant", put(AUTHN, "AuthnInstant", None)),
    ("saml.authn_instant", into(saml("Assertion"), "<AuthnStatement AuthnInstant='later'><AuthnContext/></AuthnStatement>")),
    ("saml.session_not_on_or_after", put(AUTHN, "SessionNotOnOrAfter", moment(-60))),
    ("saml.session_not_on_or_after", put(AUTHN, "SessionNotOnOrAfter", "")),
    ("saml.session_not_on_or_after", into(saml("Assertion"), f"<AuthnStatement AuthnInstant='{moment(0)}' SessionNotOnOrAfter='{moment(-99)}'><AuthnContext/></AuthnStatement>")),
    ("saml.name_id", drop(NAME_ID)),
    ("saml.name_id", say(NAME_ID, "")),
    ("saml.name_id", say(NAME_ID, " \n\u00a0")),
    ("saml.name_id", say(NAME_ID, "\u200b")),
    ("saml.name_id", say(NAME_ID, "\u3000\u2060 \ufeff\t\u00ad")),
    ("saml.name_id", say(NAME_ID, "x" * 257)),
    ("saml.value_length", put(NAME_ID, "Format", "x" * 1025)),
    ("saml.value_length", put(NAME_ID, "NameQualifier", "x" * 1025)),
    ("saml.value_length", put(NAME_ID, "SPNameQualifier", "x" * 1025)),
    ("saml.value_length", put(AUTHN, "SessionIndex", "x" * 1025)),
    ("saml.value_length", say(f"{AUTHN}/{saml('AuthnContext')}/{saml('AuthnContextClassRef')}", "x" * 1025)),
    ("saml.value_length", put(DATA, "InResponseTo", "x" * 1025)),
    ("saml.value_length", put(RESPONSE, "InResponseTo", "x" * 1025)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "edit"), REFUSED, ids=[f"{code}-{n}" for n, (code, _) in enumerate(REFUSED)])
def test_each_clause_refuses_what_it_alone_forbids(code: str, edit: Edit) -> None:
    """Signed by the right key and wrong in one thing: exactly that rule fails (and what needs it), and `validate` says so with its evidence."""
    it = verified(response_xml(edit=edit))
    failed = [finding.rule for finding in examine(it, expect=expectation(), now=NOW) if finding.verdict == "fail"]
    follows = {
        "saml.conditions": ["saml.not_on_or_after", "saml.audience"],
        "saml.subject_confirmation": ["saml.recipient", "saml.confirmation_not_on_or_after"],
    }
    assert failed == [code, *follows.get(code, [])]
    with refusal(code):
        validate(it, expect=expectation(), now=NOW)


ACCEPTED: list[Edit] = [
    drop(saml("Issuer")),
    both(put(saml("Issuer"), "Format", FORMAT_ENTITY), put(f"{saml('Assertion')}/{saml('Issuer')}", "Format", FORMAT_ENTITY)),
    put(RESPONSE, "Destination", None),
    put(RESPONSE, "IssueInstant", moment(60)),
    put(RESPONSE, "IssueInstant", moment(-3660)),
    put(saml("Assertion"), "IssueInstant", moment(60)),
    put(saml("Assertion"), "IssueInstant", moment(-3660)),
    put(saml("Assertion"), "ID", "_" + "x" * 255),
    put(CONDITIONS, "NotBefore", None),
    put(CONDITIONS, "NotBefore", moment(60)),
    put(CONDITIONS, "NotOnOrAfter", moment(-59)),
    put(CONDITIONS, "NotOnOrAfter", moment(24 * 3600 - 60)),
    both(put(CONDITIONS, "NotBefore", None), put(CONDITIONS, "NotOnOrAfter", moment(24 * 3600))),
    into(CONDITIONS, restriction("https://other.example", SP)),
    into(CONDITIONS, "<ProxyRestriction Count='0'/>"),
    into(CONDITIONS, "<OneTimeUse/>"),
    put(DATA, "NotOnOrAfter", moment(-59)),
    put(DATA, "NotOnOrAfter", moment(24 * 3600 - 60)),
    both(put(CONDITIONS, "NotBefore", moment(30)), put(CONDITIONS, "NotOnOrAfter", moment(31))),
    both(say(saml("Issuer"), f" {IDP}\n"), say(f"{saml('Assertion')}/{saml('Issuer')}", f"\t{IDP} ")),
    say(NAME_ID, "\u200bx"),
    put(DATA, "Address", "192.0.2.1"),
    put(AUTHN, "AuthnInstant", moment(60)),
    put(AUTHN, "SessionNotOnOrAfter", moment(-59)),
    put(AUTHN, "SessionIndex", "x" * 1024),
    say(NAME_ID, "x" * 256),
    drop(f"{saml('Assertion')}/{saml('AttributeStatement')}"),
]  # fmt: skip


@pytest.mark.parametrize("edit", ACCEPTED)
def test_the_last_moment_and_the_allowed_form_are_accepted(edit: Edit) -> None:
    """The other side of each boundary, and what the specification leaves to the identity provider."""
    assert valid(response_xml(edit=edit)).assertion_id


def test_not_on_or_after_is_too_late_at_the_very_moment() -> None:
    """Without skew: a second before it is good, at `now == NotOnOrAfter` it is over [SAMLCore 2.5.1.2]."""
    strict = expectation(clock_skew=timedelta(0))
    octets = response_xml(not_on_or_after=NOW + timedelta(seconds=10))
    assert valid(octets, now=NOW + timedelta(seconds=9), expect=strict)
    with refusal("saml.not_on_or_after"):
        valid(octets, now=NOW + timedelta(seconds=10), expect=strict)


def test_a_signed_response_must_have_a_destination() -> None:
    """Absent is refused where the Response is signed, and tolerated in an unsigned envelope, which anybody could complete."""
    for kind in ("response", "both"):
        with refusal("saml.destination"):
            valid(response_xml(sign=kind, destination=None))
        assert valid(response_xml(sign=kind))
    assert valid(response_xml(destination=None))


def test_a_signed_response_must_have_an_issuer() -> None:
    """Absent is refused where the Response is signed, and tolerated in an unsigned envelope, which anybody could complete."""
    for kind in ("none", "assertion"):
        root = etree.fromstring(response_xml(sign=kind, edit=drop(saml("Issuer"))))
        signature.sign(root, key=idp_key(), after=samlp("Status"))
        root.insert(0, root.find(ds("Signature")))
        with refusal("saml.response_issuer"):
            valid(etree.tostring(root))
    assert valid(response_xml(edit=drop(saml("Issuer"))))


def test_a_name_id_may_be_missing_where_an_attribute_names_the_person() -> None:
    """Then the name and all that qualifies it are empty; one that is there is judged all the same."""
    by_attribute = expectation(name_id_required=False)
    octets = response_xml(edit=drop(NAME_ID))
    it = valid(octets, expect=by_attribute)
    assert (it.name_id, it.name_id_format, it.name_qualifier, it.sp_name_qualifier) == ("", "", "", "")
    with refusal("saml.name_id"):
        valid(octets)
    for value in ("", "\u200b", "x" * 257):
        with refusal("saml.name_id"):
            valid(response_xml(edit=say(NAME_ID, value)), expect=by_attribute)


def test_attributes_are_bounded() -> None:
    """256 names, 4,096 values, 65,536 characters; one more of any is refused."""
    for within, beyond in (
        ({f"a{n}": ("x",) for n in range(256)}, {f"a{n}": ("x",) for n in range(257)}),
        ({"a": ("x",) * 4096}, {"a": ("x",) * 4097}),
        ({"a": ("x" * MAX_ATTRIBUTE_VALUE,)}, {"a": ("x" * (MAX_ATTRIBUTE_VALUE + 1),)}),
        ({"a" * MAX_ATTRIBUTE_VALUE: ("x",)}, {"a" * (MAX_ATTRIBUTE_VALUE + 1): ("x",)}),
    ):
        assert valid(response_xml(attributes=within)).attributes == within
        with refusal("saml.attributes"):
            valid(response_xml(attributes=beyond))


def test_one_whole_confirmation_is_enough() -> None:
    """Of several, the first that holds whole is used; parts of two do not make one."""
    good = into(SUBJECT, confirmation(InResponseTo="_good"))
    for spoil in (
        put(DATA, "Recipient", "x"),
        put(DATA, "NotBefore", moment(0)),
        put(DATA, "NotOnOrAfter", moment(-99)),
    ):
        assert valid(response_xml(edit=both(spoil, good))).in_response_to == "_good"
    halves = both(put(DATA, "Recipient", "x"), into(SUBJECT, confirmation(NotOnOrAfter=None)))
    with refusal("saml.recipient"):
        valid(response_xml(edit=halves))


def test_the_refusal_carries_every_finding() -> None:
    """An operator sees all rules, passed and failed, with want and got, in the order of the table."""
    with pytest.raises(Refused) as caught:
        valid(response_xml(audience="https://other.example", recipient="https://other.example/acs"))
    findings = caught.value.findings
    assert [finding.rule for finding in findings] == [rule.name for rule in RULES]
    assert {finding.rule for finding in findings if finding.verdict == "fail"} == {"saml.audience", "saml.recipient"}
    failed = next(finding for finding in findings if finding.rule == "saml.audience")
    assert (failed.want, failed.got) == (SP, "https://other.example")
    assert (caught.value.code, caught.value.want) == ("saml.audience", SP)


def test_the_rules_are_a_table_that_can_be_read() -> None:
    """Each has its own code, a citation and a sentence; each is refused by a row above."""
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.name.startswith("saml.")
        assert rule.cite.startswith("[")
        assert rule.sentence.endswith((".", ".)"))
    assert {rule.name for rule in RULES} == {code for code, _ in REFUSED} | {"saml.attributes"}


def test_no_name_and_no_attribute_value_gets_into_the_findings() -> None:
    """Evidence is about the protocol, never about the person."""
    it = verified(response_xml(edit=both(say(NAME_ID, NAME * 40), put(DATA, "Recipient", "x"))))
    told = repr(examine(it, expect=expectation(), now=NOW))
    assert NAME not in told
    assert "Lovelace" not in told


def test_what_a_valid_assertion_says() -> None:
    """Every field comes from its own place."""
    ends = NOW + timedelta(hours=8)
    it = valid(
        response_xml(
            name_qualifier="nq",
            sp_name_qualifier="sq",
            in_response_to="_request",
            session_not_on_or_after=ends,
            edit=both(into(CONDITIONS, "<OneTimeUse/>"), put(DATA, "NotOnOrAfter", moment(120))),
        )
    )
    said = statement()
    assert (it.issuer, it.response_id, it.assertion_id) == (IDP, "_response-1", "_assertion-1")
    assert (it.name_id, it.name_id_format, it.name_qualifier, it.sp_name_qualifier) == (NAME, FORMAT_EMAIL, "nq", "sq")
    assert it.attributes == said.attributes
    assert (it.authn_instant, it.session_index, it.session_not_on_or_after) == (said.authn_instant, "_session-1", ends)
    assert it.authn_context_class == said.authn_context
    assert (it.in_response_to, it.response_in_response_to) == ("_request", "_request")
    assert it.any_in_response_to == ("_request", "_request")
    assert it.one_time_use is True
    assert it.usable_until == NOW + timedelta(seconds=120 + 60)
    assert it.remember_until == NOW + timedelta(seconds=300 + 300)
    assert {finding.verdict for finding in it.findings} == {"pass"}


def test_it_is_remembered_at_least_as_long_as_it_is_usable_whichever_end_is_later() -> None:
    """Both ends, either way round."""
    for conditions, data in ((300, 120), (120, 300)):
        edit = both(put(CONDITIONS, "NotOnOrAfter", moment(conditions)), put(DATA, "NotOnOrAfter", moment(data)))
        it = valid(response_xml(edit=edit))
        assert it.usable_until == NOW + timedelta(seconds=180)
        assert it.remember_until == NOW + timedelta(seconds=600)


def test_of_several_statements_the_earliest_times_count() -> None:
    """AuthnInstant and SessionNotOnOrAfter are the earliest, SessionIndex and class those of the first."""
    second = f"<AuthnStatement AuthnInstant='{moment(-900)}' SessionIndex='_2' SessionNotOnOrAfter='{moment(60)}'>"
    second += "<AuthnContext/></AuthnStatement>"
    it = valid(response_xml(session_not_on_or_after=NOW + timedelta(hours=1), edit=into(saml("Assertion"), second)))
    assert it.authn_instant == NOW - timedelta(seconds=900)
    assert it.session_not_on_or_after == NOW + timedelta(seconds=60)
    assert (it.session_index, it.authn_context_class) == ("_session-1", statement().authn_context)


def test_times_at_the_end_of_the_calendar_are_judged_and_not_tripped_over() -> None:
    """Year 9999 in every place ends in findings, or in a valid assertion, never in an error."""
    forever = "9999-12-31T23:59:59Z"
    assert valid(response_xml(edit=put(AUTHN, "SessionNotOnOrAfter", forever))).session_not_on_or_after is not None
    for place in (CONDITIONS, DATA):
        with refusal("saml.window"):
            valid(response_xml(edit=put(place, "NotOnOrAfter", forever)))


# -- solicited or not ------------------------------------------------------------------------------------------------------


def test_without_in_response_to_anywhere_it_is_unsolicited() -> None:
    """None, and empty ones count as none."""
    assert classify(valid(response_xml())) is None
    assert (
        classify(valid(response_xml(edit=both(put(RESPONSE, "InResponseTo", ""), put(DATA, "InResponseTo", "")))))
        is None
    )


@pytest.mark.parametrize("kind", ["assertion", "response", "both"])
def test_in_both_places_or_in_the_signed_confirmation_alone_it_is_an_answer(kind: str) -> None:
    """The Response's own may be missing."""
    assert classify(valid(response_xml(sign=kind, in_response_to="_r"))) == "_r"
    assert (
        classify(valid(response_xml(sign=kind, in_response_to="_r", edit=put(RESPONSE, "InResponseTo", None)))) == "_r"
    )


@pytest.mark.parametrize(
    "how",
    [
        {"tamper": put(RESPONSE, "InResponseTo", "_stolen")},
        {"sign": "response", "edit": put(RESPONSE, "InResponseTo", "_r")},
        {"in_response_to": "_r", "tamper": put(RESPONSE, "InResponseTo", "_other")},
        {"edit": into(SUBJECT, confirmation(InResponseTo="_r"))},
        {"in_response_to": "_r", "edit": into(SUBJECT, confirmation(InResponseTo="_other"))},
        {"edit": into(SUBJECT, confirmation(InResponseTo="_r").replace("bearer", "sender-vouches"))},
    ],
    ids=[
        "outer alone, unsigned",
        "outer alone, signed",
        "they differ",
        "another confirmation",
        "confirmations differ",
        "not bearer",
    ],
)
def test_anything_between_is_refused_and_never_taken_for_unsolicited(how: dict[str, Any]) -> None:
    """A value that somebody could add outside the signature must not decide, and two that differ decide nothing."""
    with refusal("saml.in_response_to"):
        classify(valid(response_xml(**how)))


@pytest.mark.parametrize(
    "edit", [drop(NAME_ID), drop(CONDITIONS), drop(CONFIRMATION), put(CONDITIONS, "NotOnOrAfter", None)]
)
def test_a_rule_that_went_missing_is_a_bug_and_not_a_sign_in(edit: Edit) -> None:
    """What a valid assertion is made of cannot be made of nothing, even if nobody had checked."""
    with pytest.raises(ValueError, match="missing from RULES"):
        checks._valid(verified(response_xml(edit=edit)), expectation(), NOW, ())
