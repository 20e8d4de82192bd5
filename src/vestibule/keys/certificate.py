"""The certificate in which a SAML signing key travels [RFC 5280]: self-signed, for SAML trusts the key and not its issuer."""

from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

YEARS_10 = timedelta(days=3652)
BACKDATED = timedelta(days=1)
"""Identity providers' clocks differ; a certificate from the future is refused by some."""


def self_signed(key: RSAPrivateKey, *, name: str, now: datetime, serial: bytes) -> str:
    """A certificate for ten years, as PEM. `serial` are up to 19 random bytes [RFC 5280 4.1.2.2]."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(b"\x01" + serial[:19]))
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + YEARS_10)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode("ascii")
