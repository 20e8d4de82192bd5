"""What a certificate says of itself [RFC 5280], for an operator to compare; that a key is believed never comes from here."""

import base64
import binascii
import textwrap
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256

_LONGEST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """`fingerprint` is SHA-256 over the DER, as `AB:CD:…`, which is how consoles show it. `key` is such as `RSA 2048`."""

    fingerprint: str
    subject: str
    not_before: datetime
    not_after: datetime
    key: str


def describe(pem: str) -> CertificateFacts | None:
    """None where it is no certificate that can be read."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        subject = certificate.subject.rfc4514_string()
        key = _kind(certificate)
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion):
        return None
    fingerprint = certificate.fingerprint(SHA256()).hex(":").upper()
    return CertificateFacts(fingerprint=fingerprint, subject=subject[:300], not_before=start, not_after=end, key=key)


def pem_of(text: str) -> str | None:
    """The content of a `ds:X509Certificate` as PEM; None where it is no base64."""
    body = "".join(text[:_LONGEST].split())
    try:
        octets = binascii.a2b_base64(body.encode("ascii"), strict_mode=True)
    except ValueError:
        return None
    lines = "\n".join(textwrap.wrap(base64.b64encode(octets).decode("ascii"), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def _kind(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    return f"EC {key.curve.name}" if isinstance(key, ec.EllipticCurvePublicKey) else type(key).__name__
