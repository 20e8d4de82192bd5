"""Reading a <saml:Assertion> [SAMLCore 2.3.3]: its values, as written, for the rules to judge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from lxml import etree

from vestibule.ground.errors import Refused
from vestibule.saml.names import XMLSCHEMA_INSTANCE, ds, saml
from vestibule.saml.shape import WHITE_SPACE, Part, misshapen, require_attributes, require_children
from vestibule.xml import encryption
from vestibule.xml.encryption import NO_DECRYPTION, Decryption
from vestibule.xml.parse import parse_within, text

MAX_ENCRYPTED: Final = 32
"""Encrypted attributes of one assertion: each costs a private-key operation."""

_ISSUER: Final = saml("Issuer")
_SUBJECT: Final = saml("Subject")
_CONDITIONS: Final = saml("Conditions")
_AUTHN_STATEMENT: Final = saml("AuthnStatement")
_ATTRIBUTE_STATEMENT: Final = saml("AttributeStatement")
_STATEMENTS: Final = (saml("Statement"), _AUTHN_STATEMENT, saml("AuthzDecisionStatement"), _ATTRIBUTE_STATEMENT)
_ATTRIBUTE: Final = saml("Attribute")
_ATTRIBUTE_VALUE: Final = saml("AttributeValue")
_AUTHN_CONTEXT: Final = saml("AuthnContext")
_ENCRYPTED_ATTRIBUTE: Final = saml("EncryptedAttribute")
_ENCRYPTED_ID: Final = saml("EncryptedID")
_CLASS_REF: Final = saml("AuthnContextClassRef")
_NAME_ID: Final = saml("NameID")
_CONFIRMATION: Final = saml("SubjectConfirmation")
_CONFIRMATION_DATA: Final = saml("SubjectConfirmationData")
_AUDIENCE_RESTRICTION: Final = saml("AudienceRestriction")
_ONE_TIME_USE: Final = saml("OneTimeUse")
_KNOWN_CONDITIONS: Final = frozenset((_AUDIENCE_RESTRICTION, _ONE_TIME_USE, saml("ProxyRestriction")))
_NIL: Final = f"{{{XMLSCHEMA_INSTANCE}}}nil"

_REQUIRED: Final = frozenset(("ID", "Version", "IssueInstant"))
_NONE: Final[frozenset[str]] = frozenset()
_BOUNDS: Final = frozenset(("NotBefore", "NotOnOrAfter"))
_CHILDREN: Final = (
    Part((_ISSUER,), 1, 1),
    Part((ds("Signature"),)),
    Part((_SUBJECT,), 0, 1),
    Part((_CONDITIONS,), 0, 1),
    Part((saml("Advice"),), 0, 1),
    Part(_STATEMENTS),
)
_SUBJECT_CHILDREN: Final = (Part((_NAME_ID, saml("BaseID"), _ENCRYPTED_ID), 0, 1), Part((_CONFIRMATION,)))
_RESTRICTION_CHILDREN: Final = (Part((saml("Audience"),)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameId:
    """A name with all that qualifies it, byte for byte; what is not written is empty [SAMLCore 2.2.2]."""

    value: str
    format: str
    name_qualifier: str
    sp_name_qualifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A SubjectConfirmation [SAMLCore 2.4.1.1], with the attributes of its Data, if it has one."""

    method: str
    has_data: bool
    recipient: str | None
    not_before: str | None
    not_on_or_after: str | None
    in_response_to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Conditions [SAMLCore 2.5.1]: an audience list for each restriction, and the names of conditions nobody knows."""

    not_before: str | None
    not_on_or_after: str | None
    audiences: tuple[tuple[str, ...], ...]
    one_time_use: bool
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthnStatement:
    """An AuthnStatement [SAMLCore 2.7.2]."""

    authn_instant: str | None
    session_index: str | None
    session_not_on_or_after: str | None
    has_context: bool
    context_class: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What one assertion says. `attributes` by Name; see `_attributes` for names that occur twice."""

    id: str
    version: str
    issue_instant: str
    issuer: str
    issuer_format: str | None
    name_id: NameId | None
    confirmations: tuple[Confirmation, ...]
    conditions: Conditions | None
    authn_statements: tuple[AuthnStatement, ...]
    attributes: Mapping[str, tuple[str, ...]]


def read_assertion(element: etree._Element, decryption: Decryption = NO_DECRYPTION) -> Assertion:
    """The values of `element`, a <saml:Assertion>. Give it nothing but a tree that a signature covers whole.

    Encrypted names and attributes are opened, or refused, never passed over. Advice is not read [SAMLCore 2.6.1], nor
    are authorization statements.
    """
    require_attributes(element, required=_REQUIRED, optional=_NONE)
    children = require_children(element, *_CHILDREN)
    issuer = children[0]
    subject = conditions = None
    authn: list[etree._Element] = []
    attributes: list[etree._Element] = []
    for child in children:
        if child.tag == _SUBJECT:
            subject = child
        elif child.tag == _CONDITIONS:
            conditions = child
        elif child.tag == _AUTHN_STATEMENT:
            authn.append(child)
        elif child.tag == _ATTRIBUTE_STATEMENT:
            attributes.append(child)
    name_id, confirmations = (None, ()) if subject is None else _subject(subject, decryption)
    return Assertion(
        id=element.get("ID", ""),
        version=element.get("Version", ""),
        issue_instant=element.get("IssueInstant", ""),
        issuer=text(issuer).strip(WHITE_SPACE),
        issuer_format=issuer.get("Format"),
        name_id=name_id,
        confirmations=confirmations,
        conditions=None if conditions is None else _conditions(conditions),
        authn_statements=tuple([_authn_statement(one) for one in authn]),
        attributes=_attributes(attributes, decryption),
    )


def _subject(subject: etree._Element, decryption: Decryption) -> tuple[NameId | None, tuple[Confirmation, ...]]:
    children = require_children(subject, *_SUBJECT_CHILDREN)
    name = None
    if children and children[0].tag == _NAME_ID:
        name = children[0]
    elif children and children[0].tag == _ENCRYPTED_ID:
        name = _opened(children[0], _NAME_ID, decryption)
    confirmations = tuple([_confirmation(child) for child in children if child.tag == _CONFIRMATION])
    return None if name is None else read_name_id(name), confirmations


def _opened(encrypted: etree._Element, name: str, decryption: Decryption) -> etree._Element:
    """The element of this name that was encrypted, opened where it stood [SAMLCore 2.2.4, 2.7.3.2].

    What is encrypted here is signed already: nobody can change it and watch what comes of it.
    """
    opened = encryption.decrypt(encrypted, decryption)
    try:
        (element,) = parse_within(opened.octets or b"", encrypted.nsmap)
    except Refused:
        raise encryption.refused() from None
    if element.tag != name:
        raise encryption.refused()
    return element


def read_name_id(element: etree._Element) -> NameId:
    """A <saml:NameID>. Nothing is trimmed or normalised: two names are the same if their characters are."""
    return NameId(
        value=text(element),
        format=element.get("Format", ""),
        name_qualifier=element.get("NameQualifier", ""),
        sp_name_qualifier=element.get("SPNameQualifier", ""),
    )


def _confirmation(element: etree._Element) -> Confirmation:
    """The Data's Address is not checked ([SAMLProf 4.1.4.3] lets us): people change networks during a login."""
    data = next(element.iterchildren(_CONFIRMATION_DATA), None)
    if data is None:
        return Confirmation(
            method=element.get("Method", ""),
            has_data=False,
            recipient=None,
            not_before=None,
            not_on_or_after=None,
            in_response_to=None,
        )
    return Confirmation(
        method=element.get("Method", ""),
        has_data=True,
        recipient=data.get("Recipient"),
        not_before=data.get("NotBefore"),
        not_on_or_after=data.get("NotOnOrAfter"),
        in_response_to=data.get("InResponseTo") or None,  # an empty one names no request
    )


def _conditions(element: etree._Element) -> Conditions:
    """ProxyRestriction [SAMLCore 2.5.1.6] is known and passed over: it binds who issues SAML assertions on this one's word."""
    require_attributes(element, required=_NONE, optional=_BOUNDS)
    audiences: list[tuple[str, ...]] = []
    one_time_use, unknown = False, []
    for child in element:
        if child.tag == _AUDIENCE_RESTRICTION:
            restriction = require_children(child, *_RESTRICTION_CHILDREN)
            audiences.append(tuple([text(audience).strip(WHITE_SPACE) for audience in restriction]))
        elif child.tag == _ONE_TIME_USE:
            one_time_use = True
        elif child.tag not in _KNOWN_CONDITIONS:
            unknown.append(str(child.tag))
    return Conditions(
        not_before=element.get("NotBefore"),
        not_on_or_after=element.get("NotOnOrAfter"),
        audiences=tuple(audiences),
        one_time_use=one_time_use,
        unknown=tuple(unknown),
    )


def _authn_statement(element: etree._Element) -> AuthnStatement:
    context = next(element.iterchildren(_AUTHN_CONTEXT), None)
    context_class = None if context is None else next(context.iterchildren(_CLASS_REF), None)
    return AuthnStatement(
        authn_instant=element.get("AuthnInstant"),
        session_index=element.get("SessionIndex"),
        session_not_on_or_after=element.get("SessionNotOnOrAfter"),
        has_context=context is not None,
        context_class=None if context_class is None else text(context_class),
    )


def _attributes(statements: Sequence[etree._Element], decryption: Decryption) -> Mapping[str, tuple[str, ...]]:
    """All attributes of all statements, by Name [SAMLCore 2.7.3].

    A Name that occurs again, whatever its NameFormat, gets its further values behind the first, in document order;
    equal values stay. FriendlyName is never read: it names nothing [SAMLCore 2.7.3.1].
    """
    found: dict[str, list[str]] = {}
    encrypted = 0
    for statement in statements:
        encrypted += sum(1 for _ in statement.iterchildren(_ENCRYPTED_ATTRIBUTE))
        if encrypted > MAX_ENCRYPTED:
            raise Refused(
                "saml.attributes",
                "There are too many encrypted attributes; encrypt the assertion instead.",
                want=f"<= {MAX_ENCRYPTED}",
                got=encrypted,
            )
        for child in statement:
            attribute = _opened(child, _ATTRIBUTE, decryption) if child.tag == _ENCRYPTED_ATTRIBUTE else child
            name = attribute.get("Name")
            if attribute.tag != _ATTRIBUTE or not name:
                raise misshapen(statement, "nothing but Attributes with a Name", attribute.tag)
            _values(attribute, found.setdefault(name, []))
    return MappingProxyType({name: tuple(values) for name, values in found.items()})


def _values(attribute: etree._Element, values: list[str]) -> None:
    """Puts each value's text behind `values`. A null (`xsi:nil`) is no value; a lone NameID inside is read (eduPersonTargetedID is sent so).

    Nor is a structure, a value that holds elements of any other kind: no claim could say it, and nothing of it is read,
    neither its elements nor the text between them.
    """
    for value in attribute:
        if value.tag != _ATTRIBUTE_VALUE:
            raise misshapen(attribute, "nothing but AttributeValues", value.tag)
        if len(value):
            if (
                len(value) == 1
                and value[0].tag == _NAME_ID
                and not f"{value.text or ''}{value[0].tail or ''}".strip(WHITE_SPACE)
            ):
                values.append(text(value[0]))
            continue
        content = value.text or ""
        if content or value.get(_NIL) not in ("true", "1"):
            values.append(content)
