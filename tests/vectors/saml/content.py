"""Rows S57 to S78: what a message says, signed by the right key: to whom, about whom, for how long."""

from collections.abc import Iterator
from typing import NamedTuple

from tests.builders_saml import ACS, IDP, NAME, SP, Edit
from tests.saml.test_checks import (
    AUTHN,
    CONDITIONS,
    CONFIRMATION,
    DATA,
    NAME_ID,
    RESPONSE,
    SUBJECT,
    both,
    confirmation,
    drop,
    into,
    moment,
    put,
    restriction,
    say,
)
from tests.saml.test_trust import EVIL
from tests.vectors.saml.corpus import Vector, accepted, message, refused, renamed

from vestibule.saml.names import ASSERTION, FORMAT_EMAIL, FORMAT_PERSISTENT, PROTOCOL, RESPONDER, SUCCESS, saml, samlp

FAMILY = "content-binding-time"
AUDIENCE = f"{CONDITIONS}/{saml('AudienceRestriction')}"
ISSUER = f"{saml('Assertion')}/{saml('Issuer')}"
CODE = f"{samlp('Status')}/{samlp('StatusCode')}"
OTHER = "https://other.example"


class Row(NamedTuple):
    """One wrong thing, put in before the message is signed: by the identity provider itself, as it were."""

    row: str
    name: str
    code: str
    attack: str
    edit: Edit
    signed: str = "assertion"


def vectors() -> Iterator[Vector]:
    """This family, row by row."""
    yield from _honest()
    for row in (*_PLACES, *_PARTIES, *_CONFIRMATIONS, *_TIMES, *_STATEMENTS, *_NAMES):
        yield refused(row.row, row.name, row.code, row.attack, message(sign=row.signed, edit=row.edit))
    yield from _answers()
    yield from _other_messages()


# One vector a line:
# fmt: off


def _honest() -> Iterator[Vector]:
    edits: dict[str, tuple[str, Edit]] = {
        "no-destination": ("An unsigned Response without a Destination, which anybody could add.", put(RESPONSE, "Destination", None)),
        "several-audiences": ("We are one of two audiences.", into(CONDITIONS, restriction(OTHER, SP))),
        "several-confirmations": ("Of two confirmations the second holds whole.", both(put(DATA, "Recipient", OTHER), into(SUBJECT, confirmation()))),
        "milliseconds": ("Instants with fractions of a second.", both(put(CONDITIONS, "NotBefore", "2026-03-04T11:59:00.123Z"), put(saml("Assertion"), "IssueInstant", "2026-03-04T12:00:00.1234567Z"))),
        "last-moment": ("A second before it is too late, skew and all.", both(put(CONDITIONS, "NotOnOrAfter", moment(-59)), put(DATA, "NotOnOrAfter", moment(-59)))),
        "first-moment": ("As early as the skew allows.", both(put(CONDITIONS, "NotBefore", moment(60)), put(saml("Assertion"), "IssueInstant", moment(60)))),
        "oldest": ("As old as it may be.", both(put(saml("Assertion"), "IssueInstant", moment(-3660)), put(RESPONSE, "IssueInstant", moment(-3660)))),
        "a-day-long": ("Valid for a day, to the second.", put(CONDITIONS, "NotOnOrAfter", moment(24 * 3600 - 60))),
        "empty-in-response-to": ("An InResponseTo that names nothing is none.", both(put(RESPONSE, "InResponseTo", ""), put(DATA, "InResponseTo", ""))),
        "proxy-and-one-time": ("Conditions that ask nothing of us.", into(CONDITIONS, "<OneTimeUse/><ProxyRestriction Count='0'/>")),
    }
    for name, (what, edit) in edits.items():
        yield accepted(FAMILY, name, what, message(edit=edit))
    yield accepted(FAMILY, "plain", "The plain message.", message())
    yield accepted(FAMILY, "solicited", "The answer to request `_request-1`.", message(in_response_to="_request-1"), believed={"in_response_to": "_request-1"})
    for name, value in {
        "look-alike": "\u0430da@acme.example",
        "composed": "ad\u00e1@acme.example",
        "decomposed": "ada\u0301@acme.example",
        "other-case": "Ada@acme.example",
        "white-space": f" {NAME} ",
        "256-characters": "a" * 256,
    }.items():
        yield accepted(FAMILY, f"name-{name}", "A name that resembles another is another: its characters count, as they are.", message(name_id=value), believed={"name_id": value})
    octets = message(name_qualifier="nq", sp_name_qualifier="sq", name_id_format=FORMAT_PERSISTENT)
    yield accepted(FAMILY, "name-qualified", "A name with both qualifiers and another format is not the bare name.", octets, believed={"name_id_format": FORMAT_PERSISTENT, "name_qualifier": "nq", "sp_name_qualifier": "sq"})
    statement = (
        '<AttributeStatement><Attribute Name="x" FriendlyName="groups"><AttributeValue>admins</AttributeValue></Attribute>'
        '<Attribute Name="groups"><AttributeValue>staff</AttributeValue></Attribute><Attribute Name="Groups"><AttributeValue>other</AttributeValue></Attribute>'
        '<Attribute Name="groups" NameFormat="u:f"><AttributeValue>more</AttributeValue></Attribute></AttributeStatement>'
    )
    octets = message(attributes={}, edit=into(saml("Assertion"), statement))
    yield accepted(FAMILY, "attribute-names", "Attributes go by Name, to the letter; FriendlyName names nothing; a Name that comes again adds its values.", octets, believed={"attributes": {"x": ["admins"], "groups": ["staff", "more"], "Groups": ["other"]}})
    typed = '<AttributeStatement><Attribute Name="a"><AttributeValue xmlns:xs="u:xs" xsi:type="xs:string">1</AttributeValue><AttributeValue xsi:nil="true"/></Attribute></AttributeStatement>'
    octets = message(attributes={}, edit=into(saml("Assertion"), typed))
    yield accepted(FAMILY, "typed-and-null-values", "xsi:type changes no value, and a null is none.", octets, believed={"attributes": {"a": ["1"]}})


_PLACES = (
    Row("S57", "missing", "saml.destination", "A signed Response without a Destination.", put(RESPONSE, "Destination", None), "response"),
    Row("S57", "missing-both-signed", "saml.destination", "The same where both are signed.", put(RESPONSE, "Destination", None), "both"),
    Row("S57", "empty", "saml.destination", "An empty Destination.", put(RESPONSE, "Destination", ""), "response"),
    Row("S57", "empty-unsigned", "saml.destination", "An empty Destination of an unsigned Response.", put(RESPONSE, "Destination", "")),
    Row("S57", "other", "saml.destination", "Made for another service.", put(RESPONSE, "Destination", f"{OTHER}/acs"), "response"),
    Row("S57", "other-unsigned", "saml.destination", "The same of an unsigned Response.", put(RESPONSE, "Destination", f"{OTHER}/acs")),
    Row("S57", "prefix", "saml.destination", "Our address, and something behind it.", put(RESPONSE, "Destination", ACS + ".evil"), "response"),
    Row("S57", "other-case", "saml.destination", "Our address in another case.", put(RESPONSE, "Destination", ACS.replace("login/", "Login/")), "response"),
    Row("S58", "missing", "saml.recipient", "No Recipient.", put(DATA, "Recipient", None)),
    Row("S58", "empty", "saml.recipient", "An empty Recipient.", put(DATA, "Recipient", "")),
    Row("S58", "other", "saml.recipient", "Made for another service.", put(DATA, "Recipient", f"{OTHER}/acs")),
    Row("S58", "other-connection", "saml.recipient", "Made for another connection of ours.", put(DATA, "Recipient", ACS + "2")),
    Row("S58", "other-address-of-ours", "saml.recipient", "Made for another address of the same connection than the one that it was posted to.", put(DATA, "Recipient", "https://login.vestibule.example/saml/acs/acme")),
    Row("S58", "prefix", "saml.recipient", "A part of our address.", put(DATA, "Recipient", ACS[:-1])),
    Row("S58", "white-space", "saml.recipient", "Our address, and a space.", put(DATA, "Recipient", ACS + " ")),
)

_PARTIES = (
    Row("S59", "no-conditions", "saml.conditions", "No Conditions.", drop(CONDITIONS)),
    Row("S59", "missing", "saml.audience", "No AudienceRestriction.", drop(AUDIENCE)),
    Row("S59", "empty-restriction", "saml.audience", "A restriction to nobody.", drop(f"{AUDIENCE}/{saml('Audience')}")),
    Row("S59", "empty-audience", "saml.audience", "An audience without a name.", say(f"{AUDIENCE}/{saml('Audience')}", "")),
    Row("S59", "other", "saml.audience", "Another service.", say(f"{AUDIENCE}/{saml('Audience')}", OTHER)),
    Row("S59", "prefix", "saml.audience", "A part of our name.", say(f"{AUDIENCE}/{saml('Audience')}", SP[:-1])),
    Row("S59", "longer", "saml.audience", "Our name, and something behind it.", say(f"{AUDIENCE}/{saml('Audience')}", SP + "/x")),
    Row("S59", "other-case", "saml.audience", "Our name in another case.", say(f"{AUDIENCE}/{saml('Audience')}", SP.upper())),
    Row("S59", "second-restriction-other", "saml.audience", "Two restrictions, of which one leaves us out.", into(CONDITIONS, restriction(OTHER))),
    Row("S59", "first-restriction-empty", "saml.audience", "Two restrictions, of which one leaves everybody out.", into(CONDITIONS, restriction(), 0)),
    Row("S59", "unknown-condition", "saml.unknown_condition", "A condition that nobody knows.", into(CONDITIONS, "<Condition xsi:type='x'/>")),
    Row("S64", "response-other", "saml.response_issuer", "The Response names another issuer.", say(saml("Issuer"), OTHER)),
    Row("S64", "response-other-signed", "saml.response_issuer", "The same, signed.", say(saml("Issuer"), OTHER), "response"),
    Row("S64", "response-empty", "saml.response_issuer", "The Response's Issuer is empty.", say(saml("Issuer"), "")),
    Row("S64", "assertion-other", "saml.issuer", "The assertion names another issuer than the Response.", say(ISSUER, OTHER)),
    Row("S64", "assertion-other-in-a-signed-response", "saml.issuer", "The same, in a signed Response.", say(ISSUER, OTHER), "response"),
    Row("S64", "assertion-empty", "saml.issuer", "The assertion's Issuer is empty.", say(ISSUER, "")),
    Row("S64", "assertion-slash", "saml.issuer", "Our identity provider's name, and a slash.", say(ISSUER, IDP + "/")),
    Row("S64", "assertion-other-case", "saml.issuer", "Its name in another case.", say(ISSUER, IDP.upper())),
    Row("S64", "assertion-no-break-space", "saml.issuer", "Its name behind a no-break space, which is no white space of XML.", say(ISSUER, f"\u00a0{IDP}")),
    Row("S64", "format", "saml.issuer_format", "An Issuer that is not said to be an entity.", put(ISSUER, "Format", FORMAT_EMAIL)),
    Row("S64", "twice", "saml.shape", "Two Issuers.", into(saml("Assertion"), f"<Issuer>{OTHER}</Issuer>", 1)),
)

_CONFIRMATIONS = (
    Row("S65", "none", "saml.subject_confirmation", "No SubjectConfirmation.", drop(CONFIRMATION)),
    Row("S65", "no-subject", "saml.subject_confirmation", "No Subject at all.", drop(SUBJECT)),
    Row("S65", "no-data", "saml.subject_confirmation", "A bearer confirmation without its Data.", drop(DATA)),
    Row("S65", "no-method", "saml.subject_confirmation", "A confirmation without a Method.", put(CONFIRMATION, "Method", None)),
    Row("S65", "holder-of-key", "saml.subject_confirmation", "A confirmation that asks for a key.", put(CONFIRMATION, "Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")),
    Row("S65", "sender-vouches", "saml.subject_confirmation", "A confirmation that is not bearer.", put(CONFIRMATION, "Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches")),
    Row("S65", "saml-1-bearer", "saml.subject_confirmation", "The bearer of SAML 1.", put(CONFIRMATION, "Method", "urn:oasis:names:tc:SAML:1.0:cm:bearer")),
    Row("S65", "not-before", "saml.confirmation_not_before", "The confirmation has a NotBefore, though past.", put(DATA, "NotBefore", moment(-60))),
    Row("S65", "no-end", "saml.confirmation_not_on_or_after", "The confirmation never ends.", put(DATA, "NotOnOrAfter", None)),
    Row("S65", "empty-end", "saml.confirmation_not_on_or_after", "Its end is empty.", put(DATA, "NotOnOrAfter", "")),
    Row("S65", "ended", "saml.confirmation_not_on_or_after", "It has ended, skew and all, at this very moment.", put(DATA, "NotOnOrAfter", moment(-60))),
    Row("S65", "end-is-no-instant", "saml.confirmation_not_on_or_after", "Its end is no instant.", put(DATA, "NotOnOrAfter", "tomorrow")),
    Row("S65", "ends-in-year-9999", "saml.window", "It ends when the calendar does.", put(DATA, "NotOnOrAfter", "9999-12-31T23:59:59Z")),
    Row("S65", "two-halves", "saml.recipient", "Two confirmations, each half right.", both(put(DATA, "Recipient", OTHER), into(SUBJECT, confirmation(NotOnOrAfter=None)))),
)

_TIMES = (
    Row("S66", "no-end", "saml.not_on_or_after", "Conditions that never end.", put(CONDITIONS, "NotOnOrAfter", None)),
    Row("S66", "ended", "saml.not_on_or_after", "Ended, skew and all, at this very moment.", both(put(CONDITIONS, "NotBefore", None), put(CONDITIONS, "NotOnOrAfter", moment(-60)))),
    Row("S66", "ended-long-ago", "saml.not_on_or_after", "Ended a year ago.", both(put(CONDITIONS, "NotBefore", None), put(CONDITIONS, "NotOnOrAfter", "2025-03-04T12:00:00Z"))),
    Row("S66", "not-yet", "saml.not_before", "Begins a second later than the skew allows.", put(CONDITIONS, "NotBefore", moment(61))),
    Row("S66", "empty-start", "saml.not_before", "An empty NotBefore.", put(CONDITIONS, "NotBefore", "")),
    Row("S66", "with-an-offset", "saml.not_on_or_after", "An instant with an offset, which SAML forbids.", put(CONDITIONS, "NotOnOrAfter", "2026-03-04T14:00:00+01:00")),
    Row("S66", "without-a-zone", "saml.not_on_or_after", "An instant without a zone.", put(CONDITIONS, "NotOnOrAfter", "2026-03-04T12:05:00")),
    Row("S66", "lower-case", "saml.not_on_or_after", "An instant with a small z.", put(CONDITIONS, "NotOnOrAfter", "2026-03-04T12:05:00z")),
    Row("S66", "second-60", "saml.not_on_or_after", "A minute of 61 seconds.", put(CONDITIONS, "NotOnOrAfter", "2026-03-04T12:05:60Z")),
    Row("S66", "space", "saml.not_on_or_after", "A space where a T must be.", put(CONDITIONS, "NotOnOrAfter", "2026-03-04 12:05:00Z")),
    Row("S66", "date-alone", "saml.not_on_or_after", "A date.", put(CONDITIONS, "NotOnOrAfter", "2026-03-05")),
    Row("S66", "no-such-day", "saml.not_on_or_after", "A day that there is not.", put(CONDITIONS, "NotOnOrAfter", "2026-02-30T12:05:00Z")),
    Row("S66", "other-digits", "saml.not_on_or_after", "Digits of another script.", put(CONDITIONS, "NotOnOrAfter", "\u0662026-03-04T12:05:00Z")),
    Row("S66", "over-a-day", "saml.window", "Valid for a second over a day.", put(CONDITIONS, "NotOnOrAfter", moment(24 * 3600 - 60 + 1))),
    Row("S66", "year-9999", "saml.window", "Valid until the calendar ends.", put(CONDITIONS, "NotOnOrAfter", "9999-12-31T23:59:59Z")),
    Row("S66", "backwards", "saml.window", "It ends before it begins.", both(put(CONDITIONS, "NotBefore", moment(30)), put(CONDITIONS, "NotOnOrAfter", moment(-30)))),
    Row("S67", "response-stale", "saml.response_issue_instant", "The Response is a second older than allowed.", put(RESPONSE, "IssueInstant", moment(-3661))),
    Row("S67", "response-future", "saml.response_issue_instant", "The Response is from the future.", put(RESPONSE, "IssueInstant", moment(61))),
    Row("S67", "response-no-instant", "saml.response_issue_instant", "The Response's IssueInstant is no instant.", put(RESPONSE, "IssueInstant", "today")),
    Row("S67", "assertion-stale", "saml.issue_instant", "The assertion is a second older than allowed.", put(saml("Assertion"), "IssueInstant", moment(-3661))),
    Row("S67", "assertion-future", "saml.issue_instant", "The assertion is from the future.", put(saml("Assertion"), "IssueInstant", moment(61))),
    Row("S67", "assertion-offset", "saml.issue_instant", "The assertion's IssueInstant has an offset.", put(saml("Assertion"), "IssueInstant", "2026-03-04T13:00:00+01:00")),
    Row("S67", "assertion-missing", "saml.shape", "The assertion has no IssueInstant.", put(saml("Assertion"), "IssueInstant", None)),
    Row("S68", "over", "saml.session_not_on_or_after", "The session at the identity provider is over.", put(AUTHN, "SessionNotOnOrAfter", moment(-60))),
    Row("S68", "empty", "saml.session_not_on_or_after", "Its end is empty.", put(AUTHN, "SessionNotOnOrAfter", "")),
    Row("S68", "second-statement-over", "saml.session_not_on_or_after", "Of two statements the second's session is over.", into(saml("Assertion"), f"<AuthnStatement AuthnInstant='{moment(0)}' SessionNotOnOrAfter='{moment(-99)}'><AuthnContext/></AuthnStatement>")),
    Row("S68", "signs-in-later", "saml.authn_instant", "The person will sign in in the future.", put(AUTHN, "AuthnInstant", moment(61))),
)

_STATEMENTS = (
    Row("S70", "failed-with-an-assertion", "saml.status", "Another status than Success, and an assertion nevertheless.", put(CODE, "Value", RESPONDER)),
    Row("S70", "failed-with-an-assertion-signed", "saml.status", "The same, the Response signed.", put(CODE, "Value", RESPONDER), "response"),
    Row("S70", "success-nested-in-failure", "saml.status", "Success, below another status.", both(put(CODE, "Value", RESPONDER), into(CODE, f'<samlp:StatusCode Value="{SUCCESS}"/>'))),
    Row("S70", "no-value", "saml.status", "A StatusCode that says nothing.", put(CODE, "Value", None)),
    Row("S70", "other-case", "saml.status", "Success in another case.", put(CODE, "Value", SUCCESS.upper())),
    Row("S70", "no-status", "saml.shape", "No Status.", drop(samlp("Status"))),
    Row("S70", "no-code", "saml.shape", "A Status without a code.", drop(CODE)),
    Row("S70", "two-statuses", "saml.shape", "Two Statuses, the first of them Success.", into("", f'<samlp:Status><samlp:StatusCode Value="{RESPONDER}"/></samlp:Status>', 2)),
    Row("S71", "response-version", "saml.version", "A Response of version 1.1.", put(RESPONSE, "Version", "1.1")),
    Row("S71", "assertion-version", "saml.version", "An assertion of version 1.1.", put(saml("Assertion"), "Version", "1.1")),
    Row("S71", "assertion-later-version", "saml.version", "An assertion of version 2.1.", put(saml("Assertion"), "Version", "2.1")),
    Row("S71", "no-response-version", "saml.shape", "A Response without a Version.", put(RESPONSE, "Version", None)),
    Row("S71", "no-assertion-version", "saml.shape", "An assertion without a Version.", put(saml("Assertion"), "Version", None)),
    Row("S71", "no-response-id", "saml.shape", "A Response without an ID.", put(RESPONSE, "ID", None)),
    Row("S71", "empty-response-id", "saml.id", "A Response whose ID is empty.", put(RESPONSE, "ID", "")),
    Row("S71", "id-is-no-name", "saml.id", "An assertion whose ID is no XML name.", put(saml("Assertion"), "ID", "1digit")),
    Row("S71", "id-too-long", "saml.id", "An assertion whose ID has 257 characters.", put(saml("Assertion"), "ID", "_" * 257)),
    Row("S71", "no-statement", "saml.authn_statement", "No AuthnStatement: attributes about somebody who has not signed in.", drop(AUTHN)),
    Row("S71", "no-context", "saml.authn_statement", "An AuthnStatement without its context.", drop(f"{AUTHN}/{saml('AuthnContext')}")),
)

_NAMES = (
    Row("S72", "missing", "saml.name_id", "No NameID.", drop(NAME_ID)),
    Row("S72", "empty", "saml.name_id", "An empty NameID.", say(NAME_ID, "")),
    Row("S72", "blank", "saml.name_id", "White space.", say(NAME_ID, " \n\u00a0")),
    Row("S72", "invisible", "saml.name_id", "Signs that nobody sees.", say(NAME_ID, "\u200b\u2060\ufeff\u00ad")),
    Row("S72", "257-characters", "saml.name_id", "A name of 257 characters.", say(NAME_ID, "x" * 257)),
    Row("S72", "base-id", "saml.name_id", "A BaseID instead of a NameID.", both(drop(NAME_ID), into(SUBJECT, "<BaseID NameQualifier='x'/>", 0))),
    Row("S72", "two-names", "saml.shape", "Two NameIDs.", into(SUBJECT, f"<NameID>{EVIL}</NameID>", 0)),
    Row("S73", "qualifier-too-long", "saml.value_length", "A qualifier that is too long to be part of a key.", put(NAME_ID, "NameQualifier", "x" * 1025)),
    Row("S73", "format-too-long", "saml.value_length", "A Format that is.", put(NAME_ID, "Format", "x" * 1025)),
    Row("S74", "attribute-without-a-name", "saml.shape", "An attribute with a FriendlyName and no Name.", into(saml("Assertion"), '<AttributeStatement><Attribute FriendlyName="groups"><AttributeValue>admins</AttributeValue></Attribute></AttributeStatement>')),
    Row("S74", "attribute-with-an-empty-name", "saml.shape", "An attribute whose Name is empty.", into(saml("Assertion"), '<AttributeStatement><Attribute Name=""><AttributeValue>x</AttributeValue></Attribute></AttributeStatement>')),
    Row("S78", "session-index-too-long", "saml.value_length", "A SessionIndex of 1,025 characters.", put(AUTHN, "SessionIndex", "x" * 1025)),
    Row("S78", "context-too-long", "saml.value_length", "A context class of 1,025 characters.", say(f"{AUTHN}/{saml('AuthnContext')}/{saml('AuthnContextClassRef')}", "x" * 1025)),
    Row("S78", "unknown-attribute-of-the-assertion", "saml.shape", "An attribute of the assertion that no schema names.", put(saml("Assertion"), "Wild", "x")),
)


def _answers() -> Iterator[Vector]:
    stolen = put(RESPONSE, "InResponseTo", "_stolen")
    confirmed = into(SUBJECT, confirmation(InResponseTo="_r"))
    for name, attack, octets in (
        ("outer-alone", "InResponseTo on the unsigned Response alone.", message(tamper=stolen)),
        ("outer-alone-signed", "InResponseTo on the signed Response alone.", message(sign="response", edit=stolen)),
        ("they-differ", "The Response answers one request, the assertion another.", message(in_response_to="_r", tamper=stolen)),
        ("another-confirmation", "A confirmation that is not the one used answers a request.", message(edit=confirmed)),
        ("confirmations-differ", "Two confirmations answer two requests.", message(in_response_to="_other", edit=confirmed)),
        ("not-bearer", "A confirmation that is not bearer answers a request.", message(edit=into(SUBJECT, confirmation(InResponseTo="_r").replace("cm:bearer", "cm:sender-vouches")))),
    ):
        yield refused("S60", name, "saml.in_response_to", attack, octets)


def _other_messages() -> Iterator[Vector]:
    plain = message()
    nothing = message(edit=drop(saml("Assertion")), sign="none")
    yield refused("S71", "no-assertion", "saml.one_assertion", "Success, and no assertion.", nothing)
    yield refused("S70", "failed", "saml.status", "The identity provider says no.", message(sign="none", edit=both(drop(saml("Assertion")), put(CODE, "Value", RESPONDER))))
    yield refused("S64", "assertion-without-issuer", "saml.shape", "The assertion has no Issuer, in a signed Response.", message(sign="response", edit=drop(ISSUER)))
    yield refused("S72", "nul-reference", "xml.malformed", "A NUL in the name, as a character reference.", renamed(plain, b"ada&#0;"))
    yield refused("S72", "nul", "xml.encoding", "A NUL in the name.", renamed(plain, b"ada\0"))
    wrong = "saml.not_a_response"
    old = '<Response xmlns="urn:oasis:names:tc:SAML:1.0:protocol" MajorVersion="1" MinorVersion="1" ResponseID="_r"/>'
    yield refused("S76", "saml-1.1", wrong, "A Response of SAML 1.1.", old.encode())
    yield refused("S76", "other-namespace", wrong, "A Response in another namespace.", plain.replace(PROTOCOL.encode(), b"u:x"))
    yield refused("S76", "no-namespace", wrong, "A Response in no namespace.", b"<Response/>")
    yield refused("S76", "assertion-namespace", wrong, "A Response in the namespace of assertions.", f'<Response xmlns="{ASSERTION}"/>'.encode())
    yield refused("S76", "soap", wrong, "A Response in a SOAP envelope.", b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>' + plain + b"</e:Body></e:Envelope>")
    yield refused("S76", "authn-request", wrong, "An AuthnRequest.", f'<AuthnRequest xmlns="{PROTOCOL}" ID="_r" Version="2.0"/>'.encode())
    yield refused("S76", "artifact-response", wrong, "An ArtifactResponse without anything in it.", f'<ArtifactResponse xmlns="{PROTOCOL}" ID="_r" Version="2.0"/>'.encode())
    wrapped = f'<samlp:ArtifactResponse xmlns:samlp="{PROTOCOL}" ID="_a" Version="2.0"><samlp:Status><samlp:StatusCode Value="{SUCCESS}"/></samlp:Status>'
    yield refused("S77", "unsigned-response-in-an-artifact-response", wrong, "An ArtifactResponse that brings an unsigned Response.", wrapped.encode() + message(sign="none", name_id=EVIL) + b"</samlp:ArtifactResponse>")
    yield refused("S77", "signed-response-in-an-artifact-response", wrong, "An ArtifactResponse that brings a signed Response.", wrapped.encode() + plain + b"</samlp:ArtifactResponse>")
