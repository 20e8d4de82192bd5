"""What a certificate says of itself: every fact, every way to be none, and the bounds of what is shown."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from tests.builders_saml import certificate_for, ec_key, idp_certificate, idp_key
from tests.xml.test_signature_clauses import EC_PUBLIC_KEY, PRIME256V1, changed

from vestibule.xml.certificate import describe, pem_of

VERSION_3 = bytes.fromhex("a003020102")
VERSION_9 = bytes.fromhex("a003020108")


def named(*units: str) -> str:
    """A certificate of a subject with these units."""
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1000)
    builder = (
        builder.public_key(idp_key().public_key()).not_valid_before(start).not_valid_after(start.replace(year=2040))
    )
    return builder.sign(idp_key(), hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def ed25519_certificate() -> str:
    """Of a kind that is never believed, and still described."""
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Practice identity provider")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1000)
    builder = builder.public_key(key.public_key()).not_valid_before(start).not_valid_after(start.replace(year=2040))
    return builder.sign(key, None).public_bytes(Encoding.PEM).decode()


def test_every_fact_is_told_as_consoles_show_it() -> None:
    """The fingerprint in pairs of capitals with colons, so that it can be compared letter by letter."""
    pem = named("Acme")
    facts = describe(pem)
    digest = x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256())
    assert facts is not None
    assert facts.fingerprint == ":".join(f"{octet:02X}" for octet in digest)
    assert (facts.subject, facts.key) == ("OU=Acme", "RSA 2048")
    assert facts.not_before == datetime(2020, 1, 1, tzinfo=UTC)
    assert facts.not_after == datetime(2040, 1, 1, tzinfo=UTC)


def test_other_kinds_of_key_are_named_too() -> None:
    """An operator who compares sees which kind it is, though no signature by it is accepted."""
    kinds = [describe(pem) for pem in (certificate_for(ec_key("P-384")), ed25519_certificate())]
    assert [facts and facts.key for facts in kinds] == ["EC secp384r1", "Ed25519PublicKey"]


def test_a_long_subject_is_cut_at_300_characters() -> None:
    """The bound of what a stranger's certificate may put on the screen."""
    facts = describe(named(*("x" * 60 for _ in range(6))))
    assert facts is not None
    assert facts.subject == ",".join(["OU=" + "x" * 60] * 6)[:300]


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "nonsense",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        changed(idp_certificate(), VERSION_3, VERSION_9),
        changed(certificate_for(ec_key()), EC_PUBLIC_KEY, EC_PUBLIC_KEY[:-1] + b"\x7f"),
        changed(certificate_for(ec_key()), PRIME256V1, PRIME256V1[:-1] + b"\x7f"),
    ],
    ids=["empty", "no PEM", "no DER", "no version", "no kind of key", "no curve"],
)
def test_what_cannot_be_read_is_none_and_no_error(pem: str) -> None:
    """Each from the message of a stranger, shown beside what was configured."""
    assert describe(pem) is None


def test_the_content_of_a_message_becomes_the_pem_that_it_was() -> None:
    """In lines of 64 [RFC 7468 2], however it was broken before."""
    pem = idp_certificate()
    body = "".join(pem.splitlines()[1:-1])
    assert pem_of(body) == pem
    assert pem_of(f"\n  {body[:10]}\t\n{body[10:]} \n") == pem


@pytest.mark.parametrize("text", ["!", "AAA", "AAAA!", "é", "AAAA\N{KELVIN SIGN}"])
def test_what_is_no_base64_is_none(text: str) -> None:
    """Nothing is passed over but white space."""
    assert pem_of(text) is None


def test_twenty_thousand_characters_are_read_and_no_more() -> None:
    """At the bound and one group past it."""
    whole = pem_of("A" * 20_000)
    assert whole is not None
    assert base64.b64decode("".join(whole.splitlines()[1:-1])) == bytes(15_000)
    assert pem_of("A" * 20_004) == whole
