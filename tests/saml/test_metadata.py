"""Metadata: what real identity providers write is read, what cannot be relied on is refused, and ours is complete."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from tests.builders_saml import ACS, NOW, SP, certificate_for, idp_certificate, idp_key, refusal

from vestibule.saml.metadata import read_idp, write_sp
from vestibule.saml.names import BINDING_POST, METADATA, PROTOCOL, ds, md
from vestibule.xml.signature import certificate_text, load_certificates

VECTORS = Path(__file__).parent.parent / "vectors" / "saml"
REDIRECT = '<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/>'


def key(pem: str, use: str | None = "signing") -> str:
    said = "" if use is None else f' use="{use}"'
    data = f"<X509Data><X509Certificate>\n  {certificate_text(pem)}\n</X509Certificate></X509Data>"
    return f'<KeyDescriptor{said}><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#">{data}</KeyInfo></KeyDescriptor>'


def entity(
    content: str | None = None, *, name: str = "https://idp.example", attributes: str = "", role: str = ""
) -> str:
    content = content if content is not None else key(idp_certificate()) + REDIRECT
    return (
        f'<EntityDescriptor xmlns="{METADATA}" entityID="{name}" {attributes}>'
        f'<IDPSSODescriptor protocolSupportEnumeration="{PROTOCOL}" {role}>{content}</IDPSSODescriptor></EntityDescriptor>'
    )


def read(xml: str, **how: str) -> object:
    return read_idp(xml.encode(), now=NOW, **how)


def test_one_identity_provider_is_read() -> None:
    """Its names, addresses and keys."""
    services = "".join(
        f'<{service} Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}" Location="https://idp.example/{path}"/>'
        for service, binding, path in (
            ("SingleLogoutService", "SOAP", "soap"),
            ("SingleLogoutService", "HTTP-Redirect", "slo"),
            ("SingleSignOnService", "HTTP-POST", "post"),
            ("SingleSignOnService", "HTTP-POST", "second"),
            ("SingleSignOnService", "HTTP-Redirect", "redirect?x=1"),
        )
    )
    it = read_idp(entity(key(idp_certificate()) + services, role='WantAuthnRequestsSigned="true"').encode(), now=NOW)
    assert (it.entity_id, it.sso_post_url, it.slo_url) == (
        "https://idp.example",
        "https://idp.example/post",
        "https://idp.example/slo",
    )
    assert it.sso_redirect_url == "https://idp.example/redirect?x=1"
    assert load_certificates(it.certificates) == load_certificates([idp_certificate()])
    assert (it.want_authn_requests_signed, it.valid_until) == (True, None)


def test_what_is_not_said_is_absent() -> None:
    """An identity provider that only starts logins itself has no address."""
    it = read_idp(entity(key(idp_certificate())).encode(), now=NOW)
    assert (it.sso_redirect_url, it.sso_post_url, it.slo_url) == (None, None, None)
    assert it.want_authn_requests_signed is False


def test_keys_for_signing_and_for_any_use_count_each_once() -> None:
    """Several for a rollover; those for encryption are not for verifying; a weak one beside a good one is left out."""
    weak = certificate_for(rsa.generate_private_key(public_exponent=65537, key_size=1024))  # noqa: S505 that is the point
    second, third = idp_certificate("second"), idp_certificate("third")
    content = key(weak) + key(idp_certificate()) + key(second, None) + key(third, "encryption") + key(second)
    it = read_idp(entity(content).encode(), now=NOW)
    assert load_certificates(it.certificates) == load_certificates([idp_certificate(), second])
    with refusal("xml.certificate_key"):
        read(entity(key(weak)))


def test_validity_ends_at_the_very_moment() -> None:
    """The earliest validUntil of role, entity and group counts; when it has come, the metadata is refused."""
    said = [(NOW + timedelta(seconds=n)).strftime('validUntil="%Y-%m-%dT%H:%M:%SZ"') for n in (3, 2, 1)]
    xml = f'<EntitiesDescriptor xmlns="{METADATA}" {said[0]}>{entity(attributes=said[1], role=said[2])}</EntitiesDescriptor>'
    assert read_idp(xml.encode(), now=NOW).valid_until == NOW + timedelta(seconds=1)
    for drop, last in (("", 1), (said[2], 2), (said[1], 3)):
        xml = xml.replace(drop, "") if drop else xml
        read_idp(xml.encode(), now=NOW + timedelta(seconds=last - 1))
        with refusal("metadata.expired"):
            read_idp(xml.encode(), now=NOW + timedelta(seconds=last))
    with refusal("metadata.valid_until"):
        read(entity(attributes='validUntil="tomorrow"'))


def test_of_several_identity_providers_one_must_be_named() -> None:
    """A federation's file names many; the one that is meant must be there, and once."""
    group = f'<EntitiesDescriptor xmlns="{METADATA}">{entity(name="urn:a")}<EntitiesDescriptor>{entity(name="urn:b")}</EntitiesDescriptor></EntitiesDescriptor>'
    with refusal("metadata.several_idps"):
        read(group)
    assert read_idp(group.encode(), now=NOW, entity_id="urn:b").entity_id == "urn:b"
    with refusal("metadata.no_idp"):
        read(group, entity_id="urn:c")
    with refusal("metadata.several_idps"):
        read(group.replace("urn:b", "urn:a"), entity_id="urn:a")


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("<html/>", "metadata.not_metadata"),
        ("<EntityDescriptor/>", "metadata.not_metadata"),
        ("<!DOCTYPE x>" + entity(), "xml.doctype"),
        (f'<EntityDescriptor xmlns="{METADATA}" entityID="x"/>', "metadata.no_idp"),
        (entity().replace("IDPSSODescriptor", "SPSSODescriptor"), "metadata.no_idp"),
        (entity().replace(PROTOCOL, "urn:oasis:names:tc:SAML:1.1:protocol"), "metadata.no_idp"),
        (entity(name=""), "metadata.entity_id"),
        (entity(name="x" * 1025), "metadata.entity_id"),
        (entity(REDIRECT), "metadata.no_key"),
        (entity(key(idp_certificate(), "encryption")), "metadata.no_key"),
        (entity(key(idp_certificate()).replace("MII", "M!I")), "metadata.certificate"),
        (entity(key(idp_certificate()).replace("MII", "AAA")), "xml.certificate"),
        *(
            (entity(key(idp_certificate()) + REDIRECT.replace("https://idp.example/sso", location)), "metadata.endpoint")
            for location in (
                "javascript:alert(1)", "data:,x", "//idp.example", "/sso", "", "https://", "https:///sso", "ftp://idp.example",
                "https://idp.example/\\x", "https://idp example/", "https://[::1/", "https://idp.example/".ljust(2049, "x"), "https://idp.example/&#10;",
            )
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_relied_on_is_refused(xml: str, code: str) -> None:
    """Other documents, no identity provider, no key, addresses that no browser should be sent to."""
    with refusal(code):
        read(xml)


def test_an_address_may_be_2048_characters_long() -> None:
    """The other side of the bound above."""
    location = "https://idp.example/".ljust(2048, "x")
    it = read_idp(
        entity(key(idp_certificate()) + REDIRECT.replace("https://idp.example/sso", location)).encode(), now=NOW
    )
    assert it.sso_redirect_url == location


@pytest.mark.parametrize("name", ["cloud-directory.xml", "campus-idp.xml"])
def test_what_real_identity_providers_write_is_tolerated(name: str) -> None:
    """Byte order mark, comments, a signature, foreign roles, extensions, logos, contacts: read past."""
    it = read_idp((VECTORS / name).read_bytes(), now=datetime(2026, 3, 1, tzinfo=UTC))
    assert it.entity_id.startswith("https://")
    assert it.sso_redirect_url is not None
    assert len(load_certificates(it.certificates)) == 1


def test_ours_is_read_by_the_schemas_order() -> None:
    """Keys, then logout, then the addresses, of which the first is the default; and no private part of a key."""
    octets = write_sp(
        entity_id=SP,
        acs_urls=[ACS, ACS + "&b=<2>"],
        certificates=[idp_certificate(), idp_certificate("second")],
        authn_requests_signed=True,
        slo_url="https://login.vestibule.example/saml/slo/acme",
    )
    root = etree.fromstring(octets)
    (role,) = root
    assert (root.tag, root.get("entityID"), role.tag) == (md("EntityDescriptor"), SP, md("SPSSODescriptor"))
    assert dict(role.attrib) == {
        "AuthnRequestsSigned": "true",
        "WantAssertionsSigned": "true",
        "protocolSupportEnumeration": PROTOCOL,
    }
    assert [etree.QName(child).localname for child in role] == [
        "KeyDescriptor",
        "KeyDescriptor",
        "SingleLogoutService",
        "AssertionConsumerService",
        "AssertionConsumerService",
    ]
    services = [dict(one.attrib) for one in role.iterchildren(md("AssertionConsumerService"))]
    assert services[0] == {"Binding": BINDING_POST, "Location": ACS, "index": "0", "isDefault": "true"}
    assert services[1] == {"Binding": BINDING_POST, "Location": ACS + "&b=<2>", "index": "1", "isDefault": "false"}
    assert next(root.iter(ds("X509Certificate"))).text == certificate_text(idp_certificate())
    assert b"PRIVATE" not in octets
    assert str(idp_key().private_numbers().d).encode() not in octets


def test_without_a_logout_address_none_is_written() -> None:
    """And what is not signed says so."""
    octets = write_sp(entity_id=SP, acs_urls=[ACS], certificates=[], authn_requests_signed=False)
    assert b"SingleLogoutService" not in octets
    assert b"KeyDescriptor" not in octets
    assert b'AuthnRequestsSigned="false"' in octets


def test_the_key_to_encrypt_for_says_what_we_open() -> None:
    """Behind the signing keys, the best algorithm first [SAMLMeta 2.4.1.1]."""
    octets = write_sp(
        entity_id=SP,
        acs_urls=[ACS],
        certificates=[idp_certificate()],
        authn_requests_signed=True,
        encryption_certificate=idp_certificate("second"),
        encryption_methods=("urn:best", "urn:good"),
    )
    signing, encrypting = etree.fromstring(octets)[0].findall(md("KeyDescriptor"))
    assert (signing.get("use"), encrypting.get("use")) == ("signing", "encryption")
    assert encrypting.findtext(f".//{ds('X509Certificate')}") == certificate_text(idp_certificate("second"))
    assert [one.get("Algorithm") for one in encrypting.findall(md("EncryptionMethod"))] == ["urn:best", "urn:good"]
