"""The signature profile's last clauses: bounds in numbers, what is allowed beside what is needed, and keys that nobody can use."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from tests.builders_saml import certificate_for, ec_key, idp_certificate, idp_key, keys, refusal
from tests.xml.test_signature import PLAIN, made, setting

from vestibule.xml import signature as room
from vestibule.xml.parse import parse
from vestibule.xml.signature import DS, load_certificates, sign, verify

PRIME256V1 = bytes.fromhex("06082a8648ce3d030107")
EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")


def certificate_of(bits: int) -> str:
    """A certificate for an RSA key of so many bits; nobody has to own that key for us to judge its length."""
    public = rsa.RSAPublicNumbers(65537, (1 << bits) - 1).public_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Practice identity provider")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(public).serial_number(1000)
    made = builder.not_valid_before(start).not_valid_after(start.replace(year=2040)).sign(idp_key(), hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


def changed(pem: str, old: bytes, new: bytes) -> str:
    """The certificate with some octets of its key exchanged; its own signature is nobody's concern here."""
    der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    assert old in der
    body = base64.encodebytes(der.replace(old, new, 1)).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(("bits", "good"), [(2047, False), (2048, True), (8192, True), (8193, False)])
def test_an_rsa_key_has_2048_to_8192_bits(bits: int, good: bool) -> None:
    """Shorter ones can be broken, longer ones cost us more than they cost the sender."""
    if good:
        (key,) = load_certificates([certificate_of(bits)])
        assert key.key_size == bits
    else:
        with refusal("xml.certificate_key"):
            load_certificates([certificate_of(bits)])


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_each_of_the_three_curves_is_taken(curve: str) -> None:
    """And the key that comes back is the certificate's."""
    assert load_certificates([certificate_for(ec_key(curve))]) == (ec_key(curve).public_key(),)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (PRIME256V1, PRIME256V1[:-1] + b"\x7f"),
        (EC_PUBLIC_KEY, EC_PUBLIC_KEY[:-1] + b"\x7f"),
    ],
    ids=["a curve without a name", "a key of no known kind"],
)
def test_a_key_that_the_library_does_not_know_is_a_refusal(old: bytes, new: bytes) -> None:
    """And never an error of ours: the operator is told that this key cannot be used."""
    with refusal("xml.certificate_key"):
        load_certificates([changed(certificate_for(ec_key()), old, new)])


def test_a_point_that_is_not_on_its_curve_is_a_refusal() -> None:
    """The library calls this a wrong value; for the operator it is a key that cannot be used."""
    numbers = ec_key().public_key().public_numbers()
    point = numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    with refusal("xml.certificate_key"):
        load_certificates([changed(certificate_for(ec_key()), point, point[:-1] + bytes([point[-1] ^ 1]))])


def test_a_document_may_have_5000_identifiers() -> None:
    """One more is refused."""
    document = b"<r>%s</r>"
    room.require_unique_ids(parse(document % b"".join(b"<e ID='a%d'/>" % n for n in range(5_000))))
    with refusal("xml.too_complex"):
        room.require_unique_ids(parse(document % b"".join(b"<e ID='a%d'/>" % n for n in range(5_001))))


@pytest.mark.parametrize(
    ("element", "attribute"),
    [
        ("Signature", "Id"),
        ("SignatureValue", "Id"),
        ("SignedInfo", "Id"),
        ("Reference", "Id"),
        ("Reference", "Type"),
    ],
)
def test_an_attribute_of_the_specification_that_changes_nothing_is_allowed(element: str, attribute: str) -> None:
    """[XMLDSig] lets these five be there, and some signers set them."""
    root = made(edit=setting(element, attribute, "x"))
    assert verify(root, root, keys=keys())[1].text == "value"


def test_the_quirk_for_sha_1_takes_nothing_away() -> None:
    """A connection that allows SHA-1 still believes SHA-256."""
    root = made()
    assert verify(root, root, keys=keys(), allow_sha1=True)[1].text == "value"


def test_comments_are_no_part_of_what_is_signed() -> None:
    """Canonical form is without them, so what comes back has none, and text reads as it was signed."""
    root = made()
    root[2].append(etree.Comment("of no account"))
    read = verify(root, root, keys=keys())
    assert (len(read[1]), read[1].text) == (0, "value")


@pytest.mark.parametrize(("curve", "size"), [("P-256", 64), ("P-384", 96), ("P-521", 132)])
def test_an_ec_value_is_as_long_as_the_curves_order_twice(curve: str, size: int) -> None:
    """Whole octets each: 521 bits take 66 [RFC 6931 2.3.6]."""
    assert len(room.sign_octets(b"x", key=ec_key(curve))) == size


def test_the_certificate_stands_where_the_schema_wants_it() -> None:
    """KeyInfo, X509Data, X509Certificate [XMLDSig 4.5.4]."""
    root = etree.fromstring(PLAIN)
    sign(root, key=idp_key(), certificate_pem=idp_certificate(), after="{u:x}i")
    path = "/".join(f"{{{DS}}}{name}" for name in ("Signature", "KeyInfo", "X509Data", "X509Certificate"))
    assert root.findtext(path) == room.certificate_text(idp_certificate())
