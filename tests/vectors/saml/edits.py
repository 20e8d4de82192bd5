"""What is done to a good message: the changes that several rows share."""

import base64
import copy
import hashlib

from lxml import etree
from tests.builders_saml import Edit
from tests.saml.test_checks import NAME_ID
from tests.saml.test_trust import EVIL, forged
from tests.vectors.saml.corpus import message

from vestibule.saml.names import ds, saml, samlp

SHAPE, ONE, STRAY = "xml.signature_shape", "saml.one_assertion", "saml.stray_signature"
REFERENCE, DIGEST, VALUE = "xml.signature_reference", "xml.signature_digest", "xml.signature_value"


def assertion(root: etree._Element) -> etree._Element:
    return root.find(saml("Assertion"))


def signature(root: etree._Element) -> etree._Element:
    """The assertion's Signature."""
    return assertion(root).find(ds("Signature"))


def name_evil(root: etree._Element) -> None:
    """The assertion that stands where one is expected names the attacker."""
    root.find(NAME_ID).text = EVIL


def extensions(root: etree._Element, *children: etree._Element) -> None:
    """Extensions where the schema has them, behind the Issuer and the Signature."""
    element = etree.Element(samlp("Extensions"))
    element.extend(children)
    root.find(samlp("Status")).addprevious(element)


def in_place(root: etree._Element) -> etree._Element:
    """A forged assertion takes the signed one's place, with its ID and a copy of its Signature; the signed one is returned."""
    original, evil = assertion(root), forged(root)
    evil.set("ID", original.get("ID"))
    evil[0].addnext(copy.deepcopy(original.find(ds("Signature"))))
    root.replace(original, evil)
    return original


def digest_of(element: etree._Element) -> str:
    """The SHA-256 digest of `element` without its Signature, as DigestValue would say it."""
    twin = etree.fromstring(etree.tostring(element))
    for child in twin.findall(ds("Signature")):
        twin.remove(child)
    return base64.b64encode(hashlib.sha256(etree.tostring(twin, method="c14n", exclusive=True)).digest()).decode()


def tampered(edit: Edit, *, signed: str = "assertion") -> bytes:
    return message(sign=signed, tamper=edit)


def each(*edits: Edit) -> Edit:
    """One after the other."""
    return lambda element: [edit(element) for edit in edits]
