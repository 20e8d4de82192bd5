"""Writing SAML elements: by a tree that escapes what it is given, never by templates."""

from collections.abc import Mapping

from lxml import etree

from vestibule.ground.errors import Refused
from vestibule.saml.names import ASSERTION, METADATA, PROTOCOL, XMLDSIG, ds

_PREFIXES = {"samlp": PROTOCOL, "saml": ASSERTION}


def message(name: str, attributes: Mapping[str, str | None]) -> etree._Element:
    """The root of a protocol message; attributes that are None are left out."""
    return _filled(etree.Element(name, nsmap=_PREFIXES), None, attributes)


def metadata_root(name: str, attributes: Mapping[str, str | None]) -> etree._Element:
    """The root of a metadata document."""
    return _filled(etree.Element(name, nsmap={"md": METADATA, "ds": XMLDSIG}), None, attributes)


def add(parent: etree._Element, name: str, text: str | None = None, /, **attributes: str | None) -> etree._Element:
    """A child of `parent`, behind those it has; attributes that are None are left out."""
    return _filled(etree.SubElement(parent, name), text, attributes)


def add_certificate(parent: etree._Element, body: str) -> None:
    """A KeyInfo that holds one certificate, given as base64."""
    add(add(add(parent, ds("KeyInfo")), ds("X509Data")), ds("X509Certificate"), body)


def octets(root: etree._Element) -> bytes:
    """The document as UTF-8, without declaration and without any white space of ours."""
    return etree.tostring(root, encoding="utf-8", xml_declaration=False)


def flag(value: bool) -> str:
    """An xs:boolean."""
    return "true" if value else "false"


def _filled(element: etree._Element, text: str | None, attributes: Mapping[str, str | None]) -> etree._Element:
    try:
        element.text = text
        for name, value in attributes.items():
            if value is not None:
                element.set(name, value)
    except ValueError:
        raise Refused(
            "saml.unwritable",
            "A value holds characters that XML cannot carry, such as control characters.",
            got=element.tag,
        ) from None
    return element
