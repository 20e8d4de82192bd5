"""The shape of SAML elements [SAMLCore schemas]: which children and attributes, in which order, how often."""

from typing import Final, NamedTuple

from lxml import etree

from vestibule.ground.errors import Refused
from vestibule.saml.names import XMLSCHEMA_INSTANCE

WHITE_SPACE: Final = " \t\r\n"
"""All that XML calls so [XML 2.3]; Python knows more. What may stand between children, and around an xs:anyURI [XSD 3.2.17]."""
_XSI: Final = f"{{{XMLSCHEMA_INSTANCE}}}"


class Part(NamedTuple):
    """A place in an element's content: the names that may stand there, and how often."""

    names: tuple[str, ...]
    least: int = 0
    most: int | None = None


def require_children(element: etree._Element, *parts: Part) -> list[etree._Element]:
    """The children of `element`, which are these parts, in this order, and nothing else; else `Refused("saml.shape")`.

    Matched on (namespace, local name), as a schema does: an element that nobody knows is one that somebody else may read.
    Between them is white space at most: what stands there otherwise is in no schema, and readers differ on it.
    """
    children = list(element)
    for written in (element.text, *[child.tail for child in children]):
        if written and written.strip(WHITE_SPACE):
            raise misshapen(element, "white space at most between its children", "text")
    names = [child.tag for child in children]
    at, end = 0, len(names)
    for known, least, most in parts:
        began = at
        while at < end and names[at] in known:
            at += 1
        count = at - began
        if count < least or (most is not None and count > most):
            raise misshapen(element, f"{least} to {most or 'many'} {'|'.join(map(_local, known))}", count)
    if at < end:
        raise misshapen(element, "only the children that the schema names, in its order", _local(str(names[at])))
    return children


def require_attributes(element: etree._Element, *, required: frozenset[str], optional: frozenset[str]) -> None:
    """`element` has the required attributes, and besides the optional and XML Schema's own (`xsi:…`) no other."""
    present = set(map(str, element.keys()))
    if not required <= present:
        raise misshapen(
            element, f"attributes {', '.join(sorted(required))}", f"no {', '.join(sorted(required - present))}"
        )
    unknown = {name for name in present - required - optional if not name.startswith(_XSI)}
    if unknown:
        raise misshapen(element, "only the attributes that the schema names", ", ".join(sorted(unknown)))


def misshapen(element: etree._Element, want: str, got: object) -> Refused:
    """The refusal of an element that is not as its schema says."""
    return Refused("saml.shape", f"<{_local(str(element.tag))}> is not as SAML 2.0 defines it.", want=want, got=got)


def _local(name: str) -> str:
    return name.rpartition("}")[2]
