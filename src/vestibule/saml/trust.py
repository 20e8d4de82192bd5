"""Believing a Response [SAMLProf 4.1.4.3, SAMLCore 5]: every signature verified, and only what they cover read on."""

from collections.abc import Sequence
from dataclasses import dataclass

from vestibule.ground.errors import Refused
from vestibule.saml.assertion import Assertion, read_assertion
from vestibule.saml.response import SIGNATURE, Envelope, UnverifiedResponse, open_response
from vestibule.xml import signature
from vestibule.xml.signature import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedAssertion:
    """What the holder of one of the keys signed. Not yet judged: it may be old, or meant for somebody else.

    `assertion` was read from signed octets alone. So was `envelope` if `response_signed`; else it comes from the
    unsigned message, and may only ever be a reason to refuse. `signers` are the keys that made its signatures, the
    Response's first. Made by `verify` alone.
    """

    envelope: Envelope
    assertion: Assertion
    response_signed: bool
    assertion_signed: bool
    signers: tuple[PublicKey, ...]


def verify(response: UnverifiedResponse, *, keys: Sequence[PublicKey], allow_sha1: bool = False) -> VerifiedAssertion:
    """The assertion of `response`, if it, the Response, or both are signed, and every signature that is there verifies.

    "The service provider MUST ... verify any signatures present on the assertion(s) or the response"
    [SAMLProf 4.1.4.3]. Stricter: one of the two must be signed, whatever the channel.
    """
    root, assertion, envelope = response.root, response.assertion, response.envelope
    response_signed = root.find(SIGNATURE) is not None
    assertion_signed = assertion.find(SIGNATURE) is not None
    if not response_signed and not assertion_signed:
        raise Refused(
            "saml.unsigned", "Neither the Response nor its Assertion is signed; the identity provider must sign one."
        )
    signers: list[PublicKey] = []
    if response_signed:
        signed = signature.verify_by(root, root, keys=keys, allow_sha1=allow_sha1)
        envelope, proven = open_response(signed.element)
        signers.append(signed.key)
    if assertion_signed:
        # Verified where it stood, not inside the Response's canonical form: exclusive canonicalisation of the outer
        # element may drop declarations that the inner signature's PrefixList counts on.
        signed = signature.verify_by(root, assertion, keys=keys, allow_sha1=allow_sha1)
        proven = signed.element
        signers.append(signed.key)
    return VerifiedAssertion(
        envelope=envelope,
        assertion=read_assertion(proven),
        response_signed=response_signed,
        assertion_signed=assertion_signed,
        signers=tuple(signers),
    )
