"""A second reader of assertions, that shares no code with the product's: what is said in an element that somebody verified."""

from dataclasses import dataclass

from lxml import etree

_SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

Pairs = tuple[tuple[str, str | None], ...]


class Unreadable(Exception):
    """What was verified is no Response with one Assertion, and no Assertion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """All that an assertion says and that anybody may act on. `subject`: value, Format, NameQualifier, SPNameQualifier."""

    id: str
    issuer: str
    subject: tuple[str, str, str, str] | None
    attributes: tuple[tuple[str, tuple[str, ...]], ...]
    conditions: tuple[str | None, str | None] | None
    audiences: tuple[tuple[str, ...], ...]
    confirmations: tuple[tuple[str | None, ...], ...]
    authentications: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enveloped:
    """What a signed Response says around its assertion."""

    id: str
    destination: str | None
    in_response_to: str | None
    issuer: str | None
    status: tuple[str, ...]


def read(verified: etree._Element) -> tuple[Enveloped | None, Said]:
    """The statement in a verified Response or Assertion; its envelope if that was verified too."""
    if verified.tag == f"{_SAML}Assertion":
        return None, _assertion(verified)
    if verified.tag != f"{_SAMLP}Response":
        raise Unreadable(f"a {verified.tag} was verified")
    inside = [child for child in verified if child.tag in (f"{_SAML}Assertion", f"{_SAML}EncryptedAssertion")]
    if len(inside) != 1:
        raise Unreadable(f"{len(inside)} assertions in the Response")
    return _envelope(verified), _assertion(_plain(inside[0], "Assertion"))


def read_envelope(response: etree._Element) -> Enveloped:
    """What a verified Response says itself, whatever it says of its assertion."""
    if response.tag != f"{_SAMLP}Response":
        raise Unreadable(f"a {response.tag} was verified")
    return _envelope(response)


def _plain(element: etree._Element, local: str) -> etree._Element:
    """The element itself; or, of a holder of something encrypted, the one that came out: it stands in place of EncryptedData."""
    if element.tag == f"{_SAML}{local}":
        return element
    inside = [child for child in element if child.tag != "{http://www.w3.org/2001/04/xmlenc#}EncryptedKey"]
    if [child.tag for child in inside] != [f"{_SAML}{local}"] or _around(element):
        raise Unreadable(f"what came out of {element.tag} is not one {local}")
    return inside[0]


def _envelope(response: etree._Element) -> Enveloped:
    codes: list[str] = []
    at = _first(response, f"{_SAMLP}Status")
    while at is not None and (at := _first(at, f"{_SAMLP}StatusCode")) is not None:
        codes.append(at.attrib.get("Value", ""))
    issuer = _first(response, f"{_SAML}Issuer")
    return Enveloped(
        id=response.attrib.get("ID", ""),
        destination=response.attrib.get("Destination"),
        in_response_to=response.attrib.get("InResponseTo") or None,
        issuer=None if issuer is None else _uri(issuer),
        status=tuple(codes),
    )


def _assertion(element: etree._Element) -> Said:
    subject = _first(element, f"{_SAML}Subject")
    name = None if subject is None else _first(subject, f"{_SAML}NameID")
    encrypted = None if subject is None else _first(subject, f"{_SAML}EncryptedID")
    if encrypted is not None:
        if name is not None:
            raise Unreadable("a name in plain, and one that was encrypted")
        name = _plain(encrypted, "NameID")
    conditions = _first(element, f"{_SAML}Conditions")
    issuer = _first(element, f"{_SAML}Issuer")
    if issuer is None:
        raise Unreadable("an assertion without an Issuer")
    return Said(
        id=element.attrib.get("ID", ""),
        issuer=_uri(issuer),
        subject=None if name is None else _name(name),
        attributes=_attributes(element),
        conditions=None if conditions is None else _attributes_of(conditions, "NotBefore", "NotOnOrAfter"),
        audiences=() if conditions is None else tuple(
            tuple(_uri(audience) for audience in restriction)
            for restriction in conditions
            if restriction.tag == f"{_SAML}AudienceRestriction"
        ),
        confirmations=() if subject is None else tuple(
            _confirmation(child) for child in subject if child.tag == f"{_SAML}SubjectConfirmation"
        ),
        authentications=tuple(
            _authentication(child) for child in element if child.tag == f"{_SAML}AuthnStatement"
        ),
    )  # fmt: skip


def _name(element: etree._Element) -> tuple[str, str, str, str]:
    given = element.attrib
    return (_words(element), given.get("Format", ""), given.get("NameQualifier", ""), given.get("SPNameQualifier", ""))


def _confirmation(element: etree._Element) -> tuple[str | None, ...]:
    data = _first(element, f"{_SAML}SubjectConfirmationData")
    rest = ("NotBefore", "NotOnOrAfter", "Recipient", "InResponseTo")
    return (
        element.attrib.get("Method", ""),
        *(None if data is None else data.attrib.get(name) or None for name in rest),
    )


def _authentication(element: etree._Element) -> tuple[str | None, ...]:
    context = _first(element, f"{_SAML}AuthnContext")
    reference = None if context is None else _first(context, f"{_SAML}AuthnContextClassRef")
    given = _attributes_of(element, "AuthnInstant", "SessionIndex", "SessionNotOnOrAfter")
    return (*given, None if reference is None else _words(reference))


def _attributes(assertion: etree._Element) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """By Name, in order of first appearance. A null is no value, nor is a structure; but a lone NameID is what it says."""
    found: dict[str, list[str]] = {}
    for statement in assertion:
        if statement.tag != f"{_SAML}AttributeStatement":
            continue
        for sent in statement:
            attribute = _plain(sent, "Attribute") if sent.tag == f"{_SAML}EncryptedAttribute" else sent
            values = found.setdefault(attribute.attrib["Name"], [])
            for value in attribute:
                inside = list(value)
                if not inside:
                    content = _words(value)
                    if content or value.attrib.get(_NIL) not in ("true", "1"):
                        values.append(content)
                elif [child.tag for child in inside] == [f"{_SAML}NameID"] and not _around(value):
                    values.append(_words(inside[0]))
    return tuple((name, tuple(values)) for name, values in found.items())


def _around(value: etree._Element) -> str:
    """The text directly within an element, between its children, white space apart."""
    return "".join(value.xpath("text()")).strip(" \t\r\n")


def _words(element: etree._Element) -> str:
    """All text within, by XPath's string value: another way than the product's, which knows only an element's first text."""
    return str(element.xpath("string()"))


def _uri(element: etree._Element) -> str:
    return _words(element).strip(" \t\r\n")


def _first(element: etree._Element, name: str) -> etree._Element | None:
    return next((child for child in element if child.tag == name), None)


def _attributes_of(element: etree._Element, *names: str) -> tuple[str | None, ...]:
    return tuple(element.attrib.get(name) for name in names)
