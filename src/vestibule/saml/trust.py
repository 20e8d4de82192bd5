"""Believing a Response [SAMLProf 4.1.4.3, SAMLCore 5]: every signature verified, and only what they cover read on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lxml import etree

from vestibule.ground.errors import Refused
from vestibule.saml import decoy
from vestibule.saml.assertion import Assertion, read_assertion
from vestibule.saml.response import (
    ASSERTION,
    ENCRYPTED_ASSERTION,
    SIGNATURE,
    Envelope,
    UnverifiedResponse,
    nothing_hidden,
    open_response,
)
from vestibule.xml import encryption, signature
from vestibule.xml.encryption import NO_DECRYPTION, Decryption
from vestibule.xml.parse import parse_within
from vestibule.xml.signature import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedAssertion:
    """What the holder of one of the keys signed. Not yet judged: it may be old, or meant for somebody else.

    `assertion` was read from signed octets alone. So was `envelope` if `response_signed`; else it comes from the
    unsigned message, and may only ever be a reason to refuse. `encryption` names the algorithms that the assertion came
    in, if it was encrypted; `signers` are the keys that made its signatures, the Response's first. Made by `verify` alone.
    """

    envelope: Envelope
    assertion: Assertion
    response_signed: bool
    assertion_signed: bool
    signers: tuple[PublicKey, ...]
    encryption: str | None = None


class Held(NamedTuple):
    """An assertion, the root of the document it stands in, and how it was encrypted."""

    root: etree._Element
    assertion: etree._Element
    encryption: str | None = None


def verify(
    response: UnverifiedResponse,
    *,
    keys: Sequence[PublicKey],
    allow_sha1: bool = False,
    decryption: Decryption = NO_DECRYPTION,
) -> VerifiedAssertion:
    """The assertion of `response`, if it, the Response, or both are signed, and every signature that is there verifies.

    "The service provider MUST ... verify any signatures present on the assertion(s) or the response"
    [SAMLProf 4.1.4.3]. Stricter: one of the two must be signed, whatever the channel. A signed Response is verified
    before anything in it is decrypted; an encrypted assertion's own signature after it, and that it is encrypted proves
    nothing: anybody can encrypt for us.
    """
    envelope, proven = response.envelope, None
    response_signed = response.root.find(SIGNATURE) is not None
    signers: list[PublicKey] = []
    if response_signed:
        signed = signature.verify_by(response.root, response.root, keys=keys, allow_sha1=allow_sha1)
        envelope, proven = open_response(signed.element)
        signers.append(signed.key)
    held = Held(response.root, response.assertion)
    if held.assertion.tag == ENCRYPTED_ASSERTION:
        signature.require_unique_ids(response.root)  # as where nothing is encrypted, though no signature covers it here
        held = opened(held.assertion, proven, keys, decryption)
        # What comes out of a text that is proven is proven with it; what comes out of any other is not.
        proven = None if proven is None else held.assertion
    assertion_signed = held.assertion.find(SIGNATURE) is not None
    if assertion_signed:
        # Verified where it stood, not inside the Response's canonical form: exclusive canonicalisation of the outer
        # element may drop declarations that the inner signature's PrefixList counts on.
        signed = signature.verify_by(held.root, held.assertion, keys=keys, allow_sha1=allow_sha1)
        proven = signed.element
        signers.append(signed.key)
    if proven is None:
        raise Refused(
            "saml.unsigned", "Neither the Response nor its Assertion is signed; the identity provider must sign one."
        )
    return VerifiedAssertion(
        envelope=envelope,
        assertion=read_assertion(proven, decryption),
        response_signed=response_signed,
        assertion_signed=assertion_signed,
        signers=tuple(signers),
        encryption=held.encryption,
    )


def opened(
    sent: etree._Element, proven: etree._Element | None, keys: Sequence[PublicKey], decryption: Decryption
) -> Held:
    """The assertion in an EncryptedAssertion: as it was `sent`, and as the Response's signature covers it, if one does.

    Prefixes are those of where it stood. An assertion that only the Response's signature proves gets the ones that this
    signature covers and no others; one with a signature of its own may count on all that were sent.
    """
    came_out = encryption.decrypt(sent if proven is None else proven, decryption)
    held = None if came_out.octets is None else _parsed(came_out.octets, sent.nsmap)
    if held is not None and proven is not None and held.assertion.find(SIGNATURE) is None:
        held = _parsed(came_out.octets or b"", proven.nsmap)
    if held is None:
        decoy.work(keys, size=came_out.size)
        raise encryption.refused()
    nothing_hidden(held.root, held.assertion)
    return held._replace(encryption=came_out.how)


def _parsed(octets: bytes, namespaces: Mapping[str | None, str]) -> Held | None:
    """None if it is not one assertion: that, too, only the holder of the key may know."""
    try:
        root = parse_within(octets, namespaces)
    except Refused:
        return None
    return Held(root, root[0]) if root[0].tag == ASSERTION else None
