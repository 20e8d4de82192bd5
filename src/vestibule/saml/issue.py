"""Making a <samlp:Response> [SAMLCore 3.2.2, SAMLProf 4.1.4.2]: what an identity provider says, and signs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from lxml import etree

from vestibule.saml.instant import write_instant
from vestibule.saml.names import (
    ATTRNAME_BASIC,
    ATTRNAME_URI,
    BEARER,
    CLASS_PASSWORD_PROTECTED,
    FORMAT_UNSPECIFIED,
    SUCCESS,
    VERSION,
    saml,
    samlp,
)
from vestibule.saml.write import add, message, octets
from vestibule.xml import signature
from vestibule.xml.signature import PrivateKey

Signed = Literal["assertion", "response", "both", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is said, by whom, of whom, to whom, and for how long."""

    issuer: str
    audience: str
    recipient: str
    destination: str | None
    name_id: str
    name_id_format: str = FORMAT_UNSPECIFIED
    name_qualifier: str | None = None
    sp_name_qualifier: str | None = None
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    issue_instant: datetime
    authn_instant: datetime
    not_before: datetime
    not_on_or_after: datetime
    in_response_to: str | None = None
    session_index: str | None = None
    session_not_on_or_after: datetime | None = None
    authn_context: str = CLASS_PASSWORD_PROTECTED


def response(
    statement: Statement,
    *,
    response_id: str,
    assertion_id: str,
    key: PrivateKey,
    certificate_pem: str | None,
    sign: Signed = "assertion",
) -> bytes:
    """A successful Response with one assertion. `sign="none"` is for tests of those who must refuse it."""
    root = message(
        samlp("Response"),
        {
            "ID": response_id,
            "Version": VERSION,
            "IssueInstant": write_instant(statement.issue_instant),
            "Destination": statement.destination,
            "InResponseTo": statement.in_response_to,
        },
    )
    add(root, saml("Issuer"), statement.issuer)
    add(add(root, samlp("Status")), samlp("StatusCode"), Value=SUCCESS)
    assertion = _assertion(root, statement, assertion_id)
    if sign in ("assertion", "both"):
        _sign(assertion, key, certificate_pem)
    if sign in ("response", "both"):
        _sign(root, key, certificate_pem)
    return octets(root)


def _sign(element: etree._Element, key: PrivateKey, certificate_pem: str | None) -> None:
    signature.sign(element, key=key, certificate_pem=certificate_pem, after=saml("Issuer"))


def _assertion(root: etree._Element, it: Statement, assertion_id: str) -> etree._Element:
    assertion = add(
        root, saml("Assertion"), ID=assertion_id, Version=VERSION, IssueInstant=write_instant(it.issue_instant)
    )
    add(assertion, saml("Issuer"), it.issuer)
    _subject(assertion, it)
    conditions = add(
        assertion,
        saml("Conditions"),
        NotBefore=write_instant(it.not_before),
        NotOnOrAfter=write_instant(it.not_on_or_after),
    )
    add(add(conditions, saml("AudienceRestriction")), saml("Audience"), it.audience)
    ends = it.session_not_on_or_after
    statement = add(
        assertion,
        saml("AuthnStatement"),
        AuthnInstant=write_instant(it.authn_instant),
        SessionIndex=it.session_index,
        SessionNotOnOrAfter=None if ends is None else write_instant(ends),
    )
    add(add(statement, saml("AuthnContext")), saml("AuthnContextClassRef"), it.authn_context)
    if it.attributes:
        _attributes(assertion, it.attributes)
    return assertion


def _subject(assertion: etree._Element, it: Statement) -> None:
    """One bearer confirmation [SAMLProf 4.1.4.2]: Recipient and NotOnOrAfter, no NotBefore."""
    subject = add(assertion, saml("Subject"))
    add(
        subject,
        saml("NameID"),
        it.name_id,
        Format=it.name_id_format,
        NameQualifier=it.name_qualifier,
        SPNameQualifier=it.sp_name_qualifier,
    )
    add(
        add(subject, saml("SubjectConfirmation"), Method=BEARER),
        saml("SubjectConfirmationData"),
        NotOnOrAfter=write_instant(it.not_on_or_after),
        Recipient=it.recipient,
        InResponseTo=it.in_response_to,
    )


def _attributes(assertion: etree._Element, attributes: Mapping[str, Sequence[str]]) -> None:
    statement = add(assertion, saml("AttributeStatement"))
    for name, values in attributes.items():
        form = ATTRNAME_URI if name.startswith(("urn:", "http://", "https://")) else ATTRNAME_BASIC
        attribute = add(statement, saml("Attribute"), Name=name, NameFormat=form)
        for value in values:
            add(attribute, saml("AttributeValue"), value)
