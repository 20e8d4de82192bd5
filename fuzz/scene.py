"""What a mutator works with: chance, the document it is given, and other documents to take parts from."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from lxml import etree

from fuzz import keys, opening, reader, signers
from fuzz.reader import Said
from vestibule.saml.names import ASSERTION, PROTOCOL
from vestibule.xml.signature import DS

EVIL = "mallory@evil.example"
_T = TypeVar("_T")
_PARSER = etree.XMLParser(strip_cdata=False, resolve_entities=False, no_network=True, load_dtd=False)
START_TAG = re.compile(r"<[^\s<>/!?=]+(?:[^<>]*?)/?>", re.DOTALL)
TEXT = re.compile(r"(?<=>)[^<>]+(?=<)", re.DOTALL)


class NotHere(Exception):
    """The document has nothing that this mutator could take hold of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One document's making. `other`: the octets of another valid document, of the same key more often than not.

    `signed`: every statement that the holder of the key has signed on the way, this document's own and others'.
    """

    rng: Random
    pair: keys.Pair
    other: Callable[[], bytes]
    signed: list[Said] = field(default_factory=list)

    def one(self, of: Sequence[_T]) -> _T:
        if not of:
            raise NotHere
        return self.rng.choice(of)


def statement(root: etree._Element) -> list[Said]:
    """What the Response says, for `Scene.signed`; nothing if it says nothing that can be read."""
    try:
        return [reader.read(opening.opened(root))[1]]
    except (reader.Unreadable, opening.Sealed, KeyError):
        return []


def sign_anew(root: etree._Element, scene: Scene, key: keys.Pair | None = None) -> None:
    """As the identity provider itself would, had it written this: then the document is good, whatever is in it."""
    for place in (assertion(root), root):
        if any(signature.getparent() is place for signature in signatures(root)):
            for signature in place.findall(ds("Signature")):
                detach(signature)
            signers.sign_anew(place, key or scene.pair)
    if key is None:
        scene.signed.extend(statement(root))


def tree(octets: bytes) -> etree._Element:
    """The document as a tree; `NotHere` once an earlier mutation has left none."""
    try:
        return etree.fromstring(octets, _PARSER)
    except (etree.LxmlError, ValueError):
        raise NotHere from None


def text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise NotHere from None


def octets(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="utf-8")


def found(element: etree._Element | None) -> etree._Element:
    if element is None:
        raise NotHere
    return element


def assertion(root: etree._Element) -> etree._Element:
    return found(next(root.iter(f"{{{ASSERTION}}}Assertion"), None))


def own_signature(element: etree._Element) -> etree._Element:
    return found(element.find(f"{{{DS}}}Signature"))


def signatures(root: etree._Element) -> list[etree._Element]:
    return list(root.iter(f"{{{DS}}}Signature"))


def elements(root: etree._Element) -> list[etree._Element]:
    return [element for element in root.iter() if isinstance(element.tag, str)]


def signed_element(scene: Scene, root: etree._Element) -> etree._Element:
    """Response or Assertion, whichever has a signature of its own."""
    return found(scene.one(signatures(root)).getparent())


def detach(element: etree._Element) -> etree._Element:
    """The element taken out of its parent, the text behind it left where it is."""
    parent = found(element.getparent())
    if element.tail:
        before = element.getprevious()
        if before is None:
            parent.text = (parent.text or "") + element.tail
        else:
            before.tail = (before.tail or "") + element.tail
        element.tail = None
    parent.remove(element)
    return element


def saml(name: str) -> str:
    return f"{{{ASSERTION}}}{name}"


def samlp(name: str) -> str:
    return f"{{{PROTOCOL}}}{name}"


def ds(name: str) -> str:
    return f"{{{DS}}}{name}"
