"""Supposing, for a diagnosis: what a message that nobody believes says of itself, and what the rules would see in it.

Nothing that is decided may rest on this: no key that a message brings is ever believed, and what is read here was perhaps
written by anybody. The ACS does not know this module (an import contract holds it).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lxml import etree

from vestibule.ground.errors import Refused
from vestibule.saml import response, trust
from vestibule.saml.assertion import read_assertion
from vestibule.saml.names import ds, samlp
from vestibule.saml.response import ASSERTION, ENCRYPTED_ASSERTION, RESPONSE, SIGNATURE
from vestibule.saml.trust import VerifiedAssertion
from vestibule.xml import signature
from vestibule.xml.certificate import CertificateFacts, describe, pem_of
from vestibule.xml.encryption import ENCRYPTED_DATA, XENC, Decryption
from vestibule.xml.parse import parse, text
from vestibule.xml.signature import PublicKey

_MOST: Final = 4
"""Signatures, and certificates of each, that are looked at."""
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """A certificate that came in a signature's own KeyInfo. `outcome` is what verifying with its key comes to: "" or a refusal's code."""

    certificate: CertificateFacts | None
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureFacts:
    """A signature as it is written. `verifies_with` are the places, from 1, of the connection's certificates that made it.

    `spaced`: white space stands between the parts of its SignedInfo, as where a message was indented.
    """

    where: str
    method: str
    digest: str
    transforms: tuple[str, ...]
    verifies_with: tuple[int, ...]
    brought: tuple[Brought, ...]
    spaced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposition:
    """A message, looked at. `supposed` is what the rules would judge if every signature verified; None if it cannot be read."""

    root: str
    status: tuple[str, ...] = ()
    status_message: str | None = None
    encrypted: tuple[str, ...] = ()
    signatures: tuple[SignatureFacts, ...] = ()
    supposed: VerifiedAssertion | None = None


def suppose(octets: bytes, *, certificates: Sequence[str], decryption: Decryption) -> Supposition | None:
    """What can be seen of a message; None if it is no XML that would be read."""
    try:
        root = parse(octets)
    except Refused:
        return None
    keys = tuple(_key(pem) for pem in certificates)
    opened = _opened(octets, decryption)
    signed = [*_signed(root), *(() if opened is None or opened.encryption is None else _signed(opened.root))]
    return Supposition(
        root=str(root.tag),
        status=tuple(code.get("Value", "")[:_LONGEST] for code in root.findall(f".//{samlp('StatusCode')}")[:_MOST]),
        status_message=_status_message(root),
        encrypted=tuple(
            method.get("Algorithm", "")[:_LONGEST]
            for data in root.iter(ENCRYPTED_DATA)
            for method in data.iter(f"{{{XENC}}}EncryptionMethod")
        )[: 2 * _MOST],
        signatures=tuple(_facts(place, element, keys) for place, element in signed[:_MOST]),
        supposed=None if opened is None else _supposed(octets, opened, decryption),
    )


def _opened(octets: bytes, decryption: Decryption) -> trust.Held | None:
    """The assertion, opened if it was encrypted, whoever made it."""
    try:
        unverified = response.read(octets)
        if unverified.assertion.tag != ENCRYPTED_ASSERTION:
            return trust.Held(unverified.root, unverified.assertion)
        return trust.opened(unverified.assertion, None, (), decryption)
    except Refused:
        return None


def _supposed(octets: bytes, held: trust.Held, decryption: Decryption) -> VerifiedAssertion | None:
    try:
        unverified = response.read(octets)
        return VerifiedAssertion(
            envelope=unverified.envelope,
            assertion=read_assertion(held.assertion, decryption),
            response_signed=unverified.root.find(SIGNATURE) is not None,
            signers=(),
            assertion_signed=held.assertion.find(SIGNATURE) is not None,
            encryption=held.encryption,
        )
    except Refused:
        return None


def _status_message(root: etree._Element) -> str | None:
    found = root.find(f"{samlp('Status')}/{samlp('StatusMessage')}")
    return None if found is None else text(found)[:_LONGEST] if not len(found) else ""


def _signed(root: etree._Element) -> Iterator[tuple[etree._Element, etree._Element]]:
    return ((root, one) for one in root.iter(RESPONSE, ASSERTION) if one.find(SIGNATURE) is not None)


def _facts(root: etree._Element, element: etree._Element, keys: Sequence[PublicKey | None]) -> SignatureFacts:
    made = element.find(SIGNATURE)
    if made is None:
        raise ValueError("only an element with a Signature is looked at")
    return SignatureFacts(
        where=etree.QName(element).localname,
        method=_algorithm(made, f"{ds('SignedInfo')}/{ds('SignatureMethod')}"),
        digest=_algorithm(made, f"{ds('SignedInfo')}/{ds('Reference')}/{ds('DigestMethod')}"),
        transforms=tuple(
            one.get("Algorithm", "")[:_LONGEST]
            for one in made.findall(f"{ds('SignedInfo')}/{ds('Reference')}/{ds('Transforms')}/*")[:_MOST]
        ),
        verifies_with=tuple(at for at, key in enumerate(keys, 1) if _outcome(root, element, key) == ""),
        brought=tuple(
            _brought(root, element, certificate) for certificate in list(made.iter(ds("X509Certificate")))[:_MOST]
        ),
        spaced=_spaced(made.find(ds("SignedInfo"))),
    )


def _spaced(signed: etree._Element | None) -> bool:
    return signed is not None and any((signed.text or "", *(child.tail or "" for child in signed)))


def _brought(root: etree._Element, element: etree._Element, certificate: etree._Element) -> Brought:
    pem = None if len(certificate) else pem_of(text(certificate))
    if pem is None:
        return Brought(certificate=None, outcome="xml.certificate")
    try:
        (key,) = signature.load_certificates((pem,))
    except Refused as refused:
        return Brought(certificate=describe(pem), outcome=refused.code)
    return Brought(certificate=describe(pem), outcome=_outcome(root, element, key))


def _outcome(root: etree._Element, element: etree._Element, key: PublicKey | None) -> str:
    """Empty if the signature verifies with this key; SHA-1 counts here, so that a signature with it can be told from a wrong key."""
    if key is None:
        return "xml.certificate"
    try:
        signature.verify(root, element, keys=(key,), allow_sha1=True)
    except Refused as refused:
        return refused.code
    return ""


def _key(pem: str) -> PublicKey | None:
    try:
        return signature.load_certificates((pem,))[0]
    except Refused:
        return None


def _algorithm(made: etree._Element, path: str) -> str:
    found = made.find(path)
    return "" if found is None else found.get("Algorithm", "")[:_LONGEST]
