"""What is known of an identity provider: from parts by hand, from files, from metadata; and what is refused of each."""

import asyncio
import os
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from tests import builders_saml
from tests.flows.configuring import Web
from tests.flows.test_export import idp_metadata

from vestibule.flows import identity_provider
from vestibule.ground.errors import ConfigurationRefused, Refused
from vestibule.model.connection import IdentityProvider
from vestibule.settings.document import IdpPart, PartsByHand
from vestibule.xml import signature

PEM = builders_saml.idp_certificate()
OTHER = builders_saml.idp_certificate("second")
ENTITY = "https://idp.example/"


def known(base: Path, web: Web | None = None, **part: object) -> IdentityProvider:
    given = identity_provider.Given(part=IdpPart(**part), path="idp", base=base)  # type: ignore[arg-type]
    return asyncio.run(identity_provider.known(given, web or Web(), builders_saml.NOW))


def by_hand(base: Path, *certificates: str) -> tuple[str, ...]:
    return known(base, entity_id=ENTITY, certificates=certificates).certificates


def faults(base: Path, web: Web | None = None, **part: object) -> dict[str, str]:
    with pytest.raises(ConfigurationRefused) as caught:
        known(base, web, **part)
    return {fault.path: fault.code for fault in caught.value.faults}


def test_certificates_are_text_or_paths_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text(PEM)
    assert by_hand(tmp_path, "a.pem", OTHER) == (PEM, OTHER)
    assert by_hand(tmp_path, PEM, "a.pem") == (PEM,), "the same certificate is kept once"


def test_one_file_may_hold_several_certificates(tmp_path: Path) -> None:
    (tmp_path / "both.pem").write_text(f"subject=/CN=one\n{PEM}\nsubject=/CN=two\n{OTHER}")
    assert by_hand(tmp_path, "both.pem") == (PEM, OTHER)


def test_a_binary_certificate_is_read(tmp_path: Path) -> None:
    """Windows hands them out as .cer files."""
    (tmp_path / "a.cer").write_bytes(ssl.PEM_cert_to_DER_cert(PEM))
    assert by_hand(tmp_path, "a.cer") == (PEM,)


def test_every_bad_certificate_is_named(tmp_path: Path) -> None:
    key = builders_saml.idp_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    (tmp_path / "empty.pem").touch()
    (tmp_path / "key.pem").write_text(PEM + key)
    (tmp_path / "large.pem").write_bytes(b"x" * 1_048_577)
    damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    given = ("missing.pem", "empty.pem", "key.pem", "large.pem", damaged, ".", "a\0b", PEM)
    assert faults(tmp_path, entity_id=ENTITY, certificates=given) == {
        "idp.certificates[0]": "configuration.file",
        "idp.certificates[1]": "configuration.certificate",
        "idp.certificates[2]": "configuration.certificate",
        "idp.certificates[3]": "configuration.file",
        "idp.certificates[4]": "configuration.certificate",
        "idp.certificates[5]": "configuration.file",
        "idp.certificates[6]": "configuration.file",
    }


def test_devices_and_pipes_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert faults(tmp_path, entity_id=ENTITY, certificates=("/dev/zero", "pipe")) == {
        "idp.certificates[0]": "configuration.file",
        "idp.certificates[1]": "configuration.file",
    }
    assert faults(tmp_path, metadata_file="pipe") == {"idp.metadata_file": "configuration.file"}


def test_metadata_that_cannot_be_fetched_says_why_and_what_to_do_once(tmp_path: Path) -> None:
    class Status:
        async def get(self, url: str, *, limit: int) -> bytes:
            raise Refused("fetch.status", "https://idp.example/m did not answer with 200.", want=200, got=404)

    given = identity_provider.Given(part=IdpPart(metadata_url="https://idp.example/m"), path="idp", base=tmp_path)
    with pytest.raises(ConfigurationRefused) as caught:
        asyncio.run(identity_provider.known(given, Status(), builders_saml.NOW))
    assert [fault.message for fault in caught.value.faults] == [
        "could not be fetched. https://idp.example/m did not answer with 200. Found: 404. "
        "Mend that, or download the document and give it as `metadata_file`."
    ]


def test_no_refusal_repeats_a_private_key(tmp_path: Path) -> None:
    key = builders_saml.idp_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(ConfigurationRefused) as caught:
        by_hand(tmp_path, key)
    assert key.splitlines()[1] not in str(caught.value)


def test_metadata_says_the_same_from_a_file_a_text_and_a_url(tmp_path: Path) -> None:
    octets = idp_metadata(ENTITY)
    (tmp_path / "idp.xml").write_bytes(octets)
    web = Web(idp=octets)
    from_file = known(tmp_path, metadata_file="idp.xml")
    from_text = known(tmp_path, metadata_xml=octets.decode())
    from_url = known(tmp_path, web, metadata_url="https://idp.example/metadata")
    assert from_file == from_text
    assert (from_file.entity_id, from_file.sso_url, from_file.sso_post_url, from_file.slo_url) == (
        ENTITY,
        f"{ENTITY}Redirect",
        f"{ENTITY}POST",
        None,
    )
    assert from_file.certificates == (PEM,)
    assert from_file.metadata_url is None
    assert from_url.metadata_url == "https://idp.example/metadata"
    assert (from_url.entity_id, from_url.certificates) == (from_file.entity_id, from_file.certificates)


def test_metadata_that_cannot_be_used_is_refused_where_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "idp.xml").write_text("<nonsense/>")
    assert faults(tmp_path, metadata_file="idp.xml") == {"idp.metadata_file": "configuration.metadata"}
    assert faults(tmp_path, metadata_file="missing.xml") == {"idp.metadata_file": "configuration.file"}
    assert faults(tmp_path, metadata_xml="<a>") == {"idp.metadata_xml": "configuration.metadata"}
    url = "https://idp.example/metadata"
    assert faults(tmp_path, metadata_url=url) == {"idp.metadata_url": "configuration.metadata"}
    assert faults(tmp_path, Web(idp=b"<!DOCTYPE a><a/>"), metadata_url=url) == {
        "idp.metadata_url": "configuration.metadata"
    }


def test_one_of_several_providers_is_chosen_by_its_entity_id(tmp_path: Path) -> None:
    octets = idp_metadata(ENTITY).decode()
    assert known(tmp_path, metadata_xml=octets, entity_id=ENTITY).entity_id == ENTITY
    assert faults(tmp_path, metadata_xml=octets, entity_id="https://other.example/") == {
        "idp.metadata_xml": "configuration.metadata"
    }


# -- metadata whose signer is named ----------------------------------------------------------------------------------

SIGNER = builders_saml.idp_certificate("federation")


def signed_metadata(which: str = "federation") -> bytes:
    root = etree.fromstring(idp_metadata(ENTITY))
    root.set("ID", "_metadata")
    signature.sign(root, key=builders_saml.idp_key(which), after=root[0].tag)
    return etree.tostring(root)


def test_signed_metadata_is_read_from_a_file_a_text_and_a_url(tmp_path: Path) -> None:
    """The certificate is a path or PEM text; it is kept only where the metadata may be fetched again."""
    octets = signed_metadata()
    (tmp_path / "idp.xml").write_bytes(octets)
    (tmp_path / "federation.pem").write_text(SIGNER)
    web = Web(idp=octets)
    from_file = known(tmp_path, metadata_file="idp.xml", metadata_certificates=("federation.pem",))
    from_text = known(tmp_path, metadata_xml=octets.decode(), metadata_certificates=(OTHER, SIGNER))
    url = "https://idp.example/metadata"
    from_url = known(tmp_path, web, metadata_url=url, metadata_certificates=("federation.pem",))
    assert from_file == from_text == known(tmp_path, metadata_xml=octets.decode())
    assert from_file.metadata_certificates == ()
    assert from_url == replace(from_file, metadata_url=url, metadata_certificates=(SIGNER,))


@pytest.mark.parametrize("octets", [idp_metadata(ENTITY), signed_metadata("mallory")])
def test_metadata_that_the_named_signer_did_not_sign_is_refused(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "idp.xml").write_bytes(octets)
    web = Web(idp=octets)
    url = "https://idp.example/metadata"
    pinned = {"metadata_certificates": (SIGNER,)}
    assert faults(tmp_path, metadata_file="idp.xml", **pinned) == {"idp.metadata_file": "configuration.metadata"}
    assert faults(tmp_path, metadata_xml=octets.decode(), **pinned) == {"idp.metadata_xml": "configuration.metadata"}
    assert faults(tmp_path, web, metadata_url=url, **pinned) == {"idp.metadata_url": "configuration.metadata"}


def test_a_signers_certificate_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Never is the document taken unproven instead; not even where a snapshot makes fetching needless."""
    given = {"metadata_url": "https://idp.example/metadata", "metadata_certificates": (SIGNER, "missing.pem")}
    assert faults(tmp_path, **given) == {"idp.metadata_certificates[1]": "configuration.file"}
    snapshot = PartsByHand(entity_id=ENTITY, certificates=(PEM,))
    assert faults(tmp_path, snapshot=snapshot, **given) == {"idp.metadata_certificates[1]": "configuration.file"}
