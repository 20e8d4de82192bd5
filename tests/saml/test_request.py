"""AuthnRequests: what we write, and what the practice identity provider reads of it."""

from typing import Any

import pytest
from lxml import etree
from tests.builders_saml import ACS, IDP, NOW, SP, idp_certificate, idp_key, keys, refusal
from tests.xml.other_signer import xmlsec_accepts

from vestibule.saml.names import ASSERTION, BINDING_POST, FORMAT_EMAIL, FORMAT_PERSISTENT, PROTOCOL, samlp
from vestibule.saml.request import authn_request, read_request, signed_request
from vestibule.xml.parse import parse
from vestibule.xml.signature import verify


def request(**changes: Any) -> bytes:
    said: dict[str, Any] = {"id": "_r1", "issue_instant": NOW, "issuer": SP, "destination": IDP, "acs_url": ACS}
    return authn_request(**{**said, **changes})


def test_what_is_written_is_read() -> None:
    """Every value arrives, and what was not asked for is not there."""
    plain = read_request(request())
    assert (plain.id, plain.issuer, plain.destination, plain.acs_url) == ("_r1", SP, IDP, ACS)
    assert (plain.issue_instant, plain.force_authn, plain.is_passive, plain.subject) == (NOW, False, False, None)
    asked = read_request(request(force_authn=True, subject=("a&<b>", FORMAT_EMAIL)))
    assert (asked.force_authn, asked.subject) == (True, ("a&<b>", FORMAT_EMAIL))
    assert read_request(request(subject=("ada", ""))).subject == ("ada", "")
    assert b"Format" not in request(subject=("ada", ""))


def test_the_answer_is_wanted_by_post_and_the_schemas_order_is_kept() -> None:
    """ProtocolBinding is POST; Subject comes before NameIDPolicy, which is there only if a Format is wanted."""
    root = etree.fromstring(request(subject=("ada", ""), name_id_format=FORMAT_PERSISTENT))
    assert root.get("ProtocolBinding") == BINDING_POST
    assert root.get("ForceAuthn") is None
    assert [etree.QName(child).localname for child in root] == ["Issuer", "Subject", "NameIDPolicy"]
    assert dict(root[2].attrib) == {"Format": FORMAT_PERSISTENT, "AllowCreate": "true"}
    assert root.find(samlp("NameIDPolicy")) is not None
    assert etree.fromstring(request()).find(samlp("NameIDPolicy")) is None


def test_a_signed_request_is_signed_behind_its_issuer() -> None:
    """We and another implementation believe it, and read the same request from it."""
    octets = signed_request(request(), key=idp_key(), certificate_pem=idp_certificate())
    root = parse(octets)
    assert [etree.QName(child).localname for child in root] == ["Issuer", "Signature"]
    signed = verify(root, root, keys=keys())
    assert read_request(etree.tostring(signed)) == read_request(request())
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    assert xmlsec_accepts(octets, idp_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize("hostile", ["a\0b", "a\x1bb", "\ufffe", "\ud800"])
def test_what_xml_cannot_carry_is_refused(hostile: str) -> None:
    """A login hint with control characters is somebody's mistake, not ours."""
    with refusal("saml.unwritable"):
        request(subject=(hostile, ""))
    with refusal("saml.unwritable"):
        request(id=hostile)


def test_what_is_no_request_is_refused() -> None:
    """Another message, another version; no ID, no instant, no issuer."""
    good = f'<AuthnRequest xmlns="{PROTOCOL}" ID="_1" Version="2.0" IssueInstant="2026-03-04T12:00:00Z"><Issuer xmlns="{ASSERTION}">x</Issuer></AuthnRequest>'
    assert read_request(good.encode()).issuer == "x"
    for old, new, code in (
        ("AuthnRequest", "LogoutRequest", "saml.not_a_request"),
        ('"2.0"', '"1.1"', "saml.not_a_request"),
        (' ID="_1"', "", "saml.shape"),
        ("12:00:00Z", "noon", "saml.shape"),
        (f'<Issuer xmlns="{ASSERTION}">x</Issuer>', "", "saml.shape"),
    ):
        with refusal(code):
            read_request(good.replace(old, new).encode())
