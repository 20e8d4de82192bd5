"""Signatures for documents that go wrong elsewhere: changed inside, and their value made anew by a key that counts."""

import base64
import copy
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from lxml import etree
from tests.builders_saml import Edit
from tests.vectors.saml.corpus import private_key

from vestibule.saml.names import ds, saml

Signer = Callable[[bytes], bytes]


def pkcs(digest: hashes.HashAlgorithm | None = None, key: str = "practice-idp") -> Signer:
    """RSA, PKCS#1 v1.5: the same octets each time."""
    made = private_key(key)
    assert isinstance(made, rsa.RSAPrivateKey)
    return lambda octets: made.sign(octets, padding.PKCS1v15(), digest or hashes.SHA256())


def pss(salt: int) -> Signer:
    """RSA, PSS, SHA-256. Only without salt the same octets each time."""
    made = private_key()
    assert isinstance(made, rsa.RSAPrivateKey)
    return lambda octets: made.sign(octets, padding.PSS(padding.MGF1(hashes.SHA256()), salt), hashes.SHA256())


def ecdsa(key: str = "practice-idp-ec", *, der: bool = False) -> Signer:
    """ECDSA, SHA-256, with the nonce that the octets themselves give [RFC 6979], so that it is the same each time."""
    made = private_key(key)
    assert isinstance(made, ec.EllipticCurvePrivateKey)

    def signer(octets: bytes) -> bytes:
        value = made.sign(octets, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(value)
        return value if der else r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return signer


def resigned(
    octets: bytes,
    edit: Edit = lambda signature: None,
    *,
    signer: Signer | None = None,
    digest: hashes.HashAlgorithm | None = None,
    signed_octets: bytes | None = None,
) -> bytes:
    """`octets` with the assertion's Signature changed by `edit`, and its value made over what SignedInfo then is.

    So nothing but the change itself can be objected to. `digest`: the DigestValue is made anew with this algorithm;
    `signed_octets`: the value is made over these instead.
    """
    root = etree.fromstring(octets)
    signature = root.find(f"{saml('Assertion')}/{ds('Signature')}")
    if digest is not None:
        unsigned = copy.deepcopy(root).find(saml("Assertion"))
        unsigned.remove(unsigned.find(ds("Signature")))
        hasher = hashes.Hash(digest)
        hasher.update(etree.tostring(unsigned, method="c14n", exclusive=True))
        value = base64.b64encode(hasher.finalize()).decode()
        next(signature.iter(ds("DigestValue"))).text = value
    edit(signature)
    info, value_element = signature.find(ds("SignedInfo")), signature.find(ds("SignatureValue"))
    if info is not None and value_element is not None:
        over = etree.tostring(info, method="c14n", exclusive=True) if signed_octets is None else signed_octets
        value_element.text = base64.b64encode((signer or pkcs())(over)).decode()
    return etree.tostring(root)
