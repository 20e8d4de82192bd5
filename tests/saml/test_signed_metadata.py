"""Metadata whose signer the operator named: nothing is read but what that signer signed, whatever stands around it."""

import copy
from collections.abc import Callable

import pytest
from lxml import etree
from tests.builders_saml import NOW, idp_certificate, idp_key, keys, refusal
from tests.saml.test_metadata import REDIRECT, entity, key
from tests.xml.other_signer import pem, xmlsec_sign

from vestibule.ground.errors import Refused
from vestibule.saml.metadata import IdpMetadata, read_idp
from vestibule.saml.names import METADATA, md
from vestibule.xml import signature
from vestibule.xml.signature import SIGNATURE, PublicKey, load_certificates

FEDERATION = "federation"
EVIL = "https://evil.example/sso"


def group(*inside: str, identifier: str = "_group") -> str:
    return f'<EntitiesDescriptor xmlns="{METADATA}" ID="{identifier}">{"".join(inside)}</EntitiesDescriptor>'


def signed(xml: str, *, which: str = FEDERATION, by: str = "ours", at: str | None = None) -> bytes:
    """The document with a signature on its root (or on the element with the ID `at`), of our making or of xmlsec's."""
    root = etree.fromstring(xml)
    element = root if at is None else next(one for one in root.iter() if one.get("ID") == at)
    if by == "xmlsec":
        xmlsec_sign(element, pem(idp_key(which)))
    else:
        signature.sign(element, key=idp_key(which), after=element[0].tag)
    return etree.tostring(root)


def read(octets: bytes, *, by: tuple[PublicKey, ...] | None = None, entity_id: str | None = None) -> IdpMetadata:
    signers = keys(FEDERATION) if by is None else by
    return read_idp(octets, now=NOW, entity_id=entity_id, signers=signers)


ONE = entity(attributes='ID="_one"')
EVIL_ENTITY = entity(key(idp_certificate("mallory")) + REDIRECT.replace("https://idp.example/sso", EVIL))


@pytest.mark.parametrize("by", ["ours", "xmlsec"])
@pytest.mark.parametrize("xml", [ONE, group(ONE), group(group(ONE, identifier="_inner"))])
def test_a_document_signed_as_a_whole_by_the_named_signer_is_read(xml: str, by: str) -> None:
    """One entity or a federation's group of them; whichever library signed."""
    found = read(signed(xml, by=by))
    assert (found.entity_id, found.sso_redirect_url) == ("https://idp.example", "https://idp.example/sso")
    assert load_certificates(found.certificates) == keys("first")


def test_during_the_signers_rollover_either_certificate_will_do() -> None:
    assert read(signed(ONE), by=keys("next", FEDERATION)).entity_id == "https://idp.example"


def test_another_signer_is_refused_and_so_is_the_providers_own_key() -> None:
    """The keys that the document itself names sign responses, not the document."""
    for which in ("mallory", "first"):
        with refusal("metadata.signer"):
            read(signed(ONE, which=which))


def test_an_unsigned_document_is_refused() -> None:
    with refusal("metadata.unsigned"):
        read(ONE.encode())
    with refusal("metadata.unsigned"):
        read(group(ONE).encode())


def test_no_signer_at_all_is_no_licence() -> None:
    """An empty list of keys must never come to mean that no signature is asked for."""
    with refusal("xml.signature_no_keys"):
        read(signed(ONE), by=())


def test_a_signature_on_one_entity_says_nothing_of_the_document() -> None:
    """Else whoever wraps a signed entity into a group of his own could set his beside it."""
    inner = signed(group(ONE), at="_one")
    with pytest.raises(Refused) as caught:
        read(inner)
    assert caught.value.code == "metadata.unsigned"
    assert "Only a part of it is" in caught.value.why


def changed(octets: bytes, change: Callable[[etree._Element], etree._Element | None]) -> bytes:
    root = etree.fromstring(octets)
    return etree.tostring(root if (other := change(root)) is None else other)


def insert_evil(root: etree._Element) -> None:
    root.append(etree.fromstring(EVIL_ENTITY))


def evil_address(root: etree._Element) -> None:
    next(root.iter(md("SingleSignOnService"))).set("Location", EVIL)


def evil_key(root: etree._Element) -> None:
    role = next(root.iter(md("IDPSSODescriptor")))
    role.append(etree.fromstring(EVIL_ENTITY)[0][0])


def longer_validity(root: etree._Element) -> None:
    root.set("validUntil", "2099-01-01T00:00:00Z")


def wrapped(root: etree._Element) -> etree._Element:
    """The signed document whole inside an evil one, which carries the signature."""
    evil = etree.fromstring(group(EVIL_ENTITY, identifier="_evil"))
    evil.insert(0, copy.deepcopy(root.find(SIGNATURE)))
    evil.append(root)
    return evil


def same_id(root: etree._Element) -> etree._Element:
    """As before, and the evil document has the signed one's ID."""
    evil = wrapped(root)
    evil.set("ID", root.get("ID", ""))
    return evil


def in_the_signature(root: etree._Element) -> etree._Element:
    """The signed document as an Object inside its own signature."""
    evil = etree.fromstring(group(EVIL_ENTITY, identifier="_evil"))
    mark = copy.deepcopy(root.find(SIGNATURE))
    assert mark is not None
    etree.SubElement(mark, f"{{{signature.DS}}}Object").append(root)
    evil.insert(0, mark)
    return evil


def second_signature(root: etree._Element) -> None:
    root.append(copy.deepcopy(root.find(SIGNATURE)))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (insert_evil, "xml.signature_digest"),
        (evil_address, "xml.signature_digest"),
        (evil_key, "xml.signature_digest"),
        (longer_validity, "xml.signature_digest"),
        (wrapped, "xml.signature_reference"),
        (same_id, "xml.duplicate_id"),
        (in_the_signature, "xml.signature_shape"),
        (second_signature, "xml.signature_several"),
    ],
)
def test_a_signed_document_that_was_changed_or_moved_is_refused(
    change: Callable[[etree._Element], etree._Element | None], code: str
) -> None:
    with refusal(code):
        read(changed(signed(group(ONE)), change), entity_id="https://idp.example")


def test_what_is_read_is_what_was_signed_and_not_what_stands_in_the_signature() -> None:
    """An entity hidden where the enveloped transform does not look is in no digest, so it must not be found either."""
    root = etree.fromstring(signed(group(entity(name="urn:a", attributes='ID="_a"'))))
    mark = root.find(SIGNATURE)
    assert mark is not None
    info = etree.SubElement(mark, f"{{{signature.DS}}}KeyInfo")
    info.append(etree.fromstring(entity(name="urn:evil")))
    hidden = etree.tostring(root)
    assert read_idp(hidden, now=NOW, entity_id="urn:evil").entity_id == "urn:evil", "unpinned, any entity counts"
    assert read(hidden, entity_id="urn:a").entity_id == "urn:a"
    with refusal("metadata.no_idp"):
        read(hidden, entity_id="urn:evil")


@pytest.mark.parametrize("slipped_in", ["<!-- evil -->", "<?evil evil?>"])
def test_comments_and_instructions_slipped_in_afterwards_change_nothing(slipped_in: str) -> None:
    """They are in no digest because they are thrown away first, and so they split no value either."""
    octets = signed(entity(name="https://idp.example", attributes='ID="_one"'))
    certificate = b"<X509Certificate>"
    assert certificate in octets
    touched = octets.replace(certificate, certificate + slipped_in.encode()).replace(
        b"MII", b"M" + slipped_in.encode() + b"II", 1
    )
    assert read(touched) == read(octets)


def test_what_was_signed_with_an_instruction_inside_is_refused() -> None:
    """Its canonical form holds the instruction, and we read no document that holds one."""
    root = etree.fromstring(ONE)
    root.append(etree.ProcessingInstruction("style", "x"))
    with refusal("xml.signature_digest"):
        read(signed(etree.tostring(root).decode()))


def test_signed_metadata_that_is_out_of_date_is_refused() -> None:
    """An old document with an old key is still well signed."""
    with refusal("metadata.expired"):
        read(signed(entity(attributes='ID="_one" validUntil="2020-01-01T00:00:00Z"')))


def test_a_weak_algorithm_is_refused() -> None:
    octets = signed(ONE).replace(signature.RSA_SHA256.encode(), b"http://www.w3.org/2000/09/xmldsig#rsa-sha1")
    with refusal("xml.signature_algorithm"):
        read(octets)
