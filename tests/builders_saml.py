"""A practice identity provider for tests: a valid Response by default, and a test names only what it changes."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree

from vestibule.ground.errors import Refused
from vestibule.saml import issue
from vestibule.saml.checks import Expectation, ValidAssertion, validate
from vestibule.saml.names import FORMAT_EMAIL, saml
from vestibule.saml.response import read
from vestibule.saml.trust import VerifiedAssertion, verify
from vestibule.xml import signature
from vestibule.xml.signature import PrivateKey, PublicKey

NOW = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)
IDP = "https://idp.acme.example/saml"
SP = "https://login.vestibule.example/saml/metadata/acme"
ACS = "https://login.vestibule.example/login/callback?connection=acme"
NAME = "ada@acme.example"
ATTRIBUTES = {"mail": ("ada@acme.example",), "displayName": ("Ada Lovelace",), "memberOf": ("staff", "engineering")}

Edit = Callable[[etree._Element], object]


def idp_key(which: str = "first") -> rsa.RSAPrivateKey:
    """The identity provider's key; other names give other keys. One per process."""
    return _made(which)[0]


def idp_certificate(which: str = "first") -> str:
    """The PEM certificate of `idp_key(which)`."""
    return _made(which)[1]


@cache
def _made(which: str) -> tuple[rsa.RSAPrivateKey, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key, certificate_for(key)


def certificate_for(key: PrivateKey, *, days: int = 3650) -> str:
    """A self-signed certificate; a negative number of days makes one that expired long ago."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Practice identity provider")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1000).not_valid_before(start)
    made = builder.not_valid_after(start + timedelta(days=abs(days) if days > 0 else 1)).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


@cache
def ec_key(curve: str = "P-256") -> ec.EllipticCurvePrivateKey:
    curves = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1(), "K-256": ec.SECP256K1()}
    return ec.generate_private_key(curves[curve])


def keys(*which: str) -> tuple[PublicKey, ...]:
    """The public keys that a connection to the practice identity provider has."""
    return signature.load_certificates([idp_certificate(one) for one in which or ("first",)])


def statement(**changes: Any) -> issue.Statement:
    """What the practice identity provider says of Ada at `now` (default `NOW`)."""
    now = changes.pop("now", NOW)
    said: dict[str, Any] = {
        "issuer": IDP,
        "audience": SP,
        "recipient": ACS,
        "destination": ACS,
        "name_id": NAME,
        "name_id_format": FORMAT_EMAIL,
        "attributes": ATTRIBUTES,
        "issue_instant": now,
        "authn_instant": now - timedelta(minutes=5),
        "not_before": now - timedelta(minutes=1),
        "not_on_or_after": now + timedelta(minutes=5),
        "session_index": "_session-1",
    }
    return issue.Statement(**{**said, **changes})


def response_xml(
    *,
    sign: str = "assertion",
    edit: Edit | None = None,
    tamper: Edit | None = None,
    key: PrivateKey | None = None,
    certificate: str | None = None,
    response_id: str = "_response-1",
    assertion_id: str = "_assertion-1",
    **changes: Any,
) -> bytes:
    """A signed Response, valid unless told otherwise.

    `sign`: "assertion", "response", "both" or "none". `changes`: fields of `issue.Statement`, and `now`. `edit` gets the root
    before it is signed, `tamper` after.
    """
    unknown = set(changes) - {field.name for field in fields(issue.Statement)} - {"now"}
    assert not unknown, f"no such field: {unknown}"
    key = key or idp_key()
    made = issue.response(
        statement(**changes),
        response_id=response_id,
        assertion_id=assertion_id,
        key=key,
        certificate_pem=None,
        sign="none",
    )
    root = etree.fromstring(made)
    if edit is not None:
        edit(root)
    if sign in ("assertion", "both"):
        signature.sign(root.find(saml("Assertion")), key=key, certificate_pem=certificate, after=saml("Issuer"))
    if sign in ("response", "both"):
        signature.sign(root, key=key, certificate_pem=certificate, after=saml("Issuer"))
    if tamper is not None:
        tamper(root)
    return etree.tostring(root)


def encoded(**changes: Any) -> str:
    """The value of the form field `SAMLResponse`; takes what `response_xml` takes."""
    return base64.b64encode(response_xml(**changes)).decode("ascii")


def expectation(**changes: Any) -> Expectation:
    """What the connection to the practice identity provider expects."""
    expected: dict[str, Any] = {
        "idp_entity_id": IDP,
        "sp_entity_id": SP,
        "acs_url": ACS,
        "clock_skew": timedelta(seconds=60),
        "max_assertion_age": timedelta(hours=1),
    }
    return Expectation(**{**expected, **changes})


def verified(octets: bytes, **how: Any) -> VerifiedAssertion:
    """Read and verified with the practice identity provider's key."""
    return verify(read(octets), keys=how.pop("keys", keys()), **how)


def valid(octets: bytes, *, now: datetime = NOW, expect: Expectation | None = None) -> ValidAssertion:
    """The whole main road: read, verified, validated."""
    return validate(verified(octets), expect=expect or expectation(), now=now)


@contextmanager
def refusal(code: str) -> Iterator[None]:
    """Inside, something is refused, and by this very code."""
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.code == code, f"{caught.value} (want {caught.value.want}, got {caught.value.got})"
