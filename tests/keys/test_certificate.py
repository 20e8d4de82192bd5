"""The certificate of a SAML signing key."""

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.doubles import START

from vestibule.keys.certificate import self_signed

KEY = rsa.generate_private_key(65537, 2048)


def test_it_lasts_ten_years_and_is_valid_at_once_everywhere() -> None:
    """An identity provider whose clock is behind must not find it in the future."""
    certificate = x509.load_pem_x509_certificate(
        self_signed(KEY, name="Vestibule", now=START, serial=b"\xff" * 19).encode()
    )
    assert certificate.not_valid_before_utc == START - timedelta(days=1)
    assert certificate.not_valid_after_utc >= START + timedelta(days=3650)
    assert certificate.public_key() == KEY.public_key()
    certificate.verify_directly_issued_by(certificate)


def test_every_serial_number_is_legal() -> None:
    """At most 20 octets, and positive [RFC 5280 4.1.2.2]."""
    for serial in (b"", bytes(19), b"\xff" * 19, b"\xff" * 30):
        pem = self_signed(KEY, name="Vestibule", now=START, serial=serial)
        number = x509.load_pem_x509_certificate(pem.encode()).serial_number
        assert 0 < number < 1 << 159
