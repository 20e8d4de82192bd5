"""Three verifiers, one document: what this profile believes, two unrelated implementations believe too, of the same person."""

import copy
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml import XMLVerifier
from tests.builders_saml import NAME, idp_certificate, idp_key, response_xml, verified
from tests.saml.test_trust import EVIL, behind, in_advice, xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8
from tests.xml.other_signer import pem, xmlsec_accepts, xmlsec_sign

from vestibule.ground.errors import Refused
from vestibule.saml.names import ds, saml
from vestibule.xml import dictionary
from vestibule.xml.signature import EXC_C14N

PUBLIC = idp_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def believed_name(octets: bytes) -> str | None:
    """Whom this profile believes, or None if it refuses."""
    with suppress(Refused):
        name = verified(octets).assertion.name_id
        return None if name is None else name.value
    return None


def others_agree(octets: bytes, name: str) -> bool:
    """Both others verify every signature, and the one that returns what was signed returns this name."""
    root = etree.fromstring(octets)
    assert xmlsec_accepts(octets, PUBLIC)
    for signature in root.iter(ds("Signature")):
        signed = signature.getparent()
        assert signed is not None
        # That library takes the first Signature of a document, so the outer one goes when the inner one is asked about.
        twin = copy.deepcopy(root)
        outer = twin.find(ds("Signature"))
        if signed is not root and outer is not None:
            twin.remove(outer)
        theirs = XMLVerifier().verify(
            etree.tostring(twin), x509_cert=idp_certificate(), id_attribute="ID", validate_schema=False
        )
        assert theirs.signed_xml is not None
        found = {element.text for element in theirs.signed_xml.iter(saml("NameID"))}
        assert found == {name}
    return True


def by_another_signer(prefixes: str | None) -> bytes:
    root = etree.fromstring(response_xml(sign="none"))
    xmlsec_sign(root.find(saml("Assertion")), pem(idp_key()), prefixes=prefixes)
    return etree.tostring(root)


@pytest.mark.parametrize("octets", [by_another_signer(None), by_another_signer("xs saml #default")])
def test_what_another_implementation_signed_is_believed(octets: bytes) -> None:
    """With and without a PrefixList."""
    assert believed_name(octets) == NAME
    assert others_agree(octets, NAME)


@pytest.mark.parametrize("known", [False, True], ids=["parsed apart", "familiar"])
@pytest.mark.parametrize("prefixes", ["#default", "xs #default", "#default samlp saml ds xs xsi"])
def test_a_default_namespace_in_a_prefix_list_is_honoured(
    prefixes: str, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Response's default namespace then belongs to the canonical form of the assertion, and of SignedInfo."""
    monkeypatch.setattr(dictionary, "_is_familiar", lambda octets: known)
    monkeypatch.setattr(dictionary, "_entered", threading.local())
    octets = response_xml(sign="none").replace(b"<samlp:", b"<").replace(b"</samlp:", b"</")
    octets = octets.replace(b"xmlns:samlp=", b"xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns=")
    root = etree.fromstring(octets)
    xmlsec_sign(root.find(saml("Assertion")), pem(idp_key()), prefixes=prefixes, everywhere=True)
    octets = etree.tostring(root)
    assert octets.count(b'PrefixList="') == 2
    assert believed_name(octets) == NAME
    assert others_agree(octets, NAME)


def test_a_prefix_that_this_thread_has_never_met_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed elsewhere and parsed apart: the copy that is verified here must still say its prefix."""
    monkeypatch.setattr(dictionary, "_is_familiar", lambda octets: False)
    prefix = f"n{secrets.token_hex(8)}"
    plain = response_xml(sign="none").replace(b"xmlns:samlp=", f"xmlns:{prefix}='u:x' xmlns:samlp=".encode())

    def signed() -> bytes:
        root = etree.fromstring(plain, etree.XMLParser())
        xmlsec_sign(root.find(saml("Assertion")), pem(idp_key()), prefixes=prefix)
        return etree.tostring(root)

    with ThreadPoolExecutor(1) as elsewhere:
        octets = elsewhere.submit(signed).result()
    assert believed_name(octets) == NAME
    assert others_agree(octets, NAME)


def test_a_message_with_white_space_everywhere_is_believed() -> None:
    """Between all elements, behind the Signature and behind the assertion: what is between belongs to what is around it."""
    root = etree.fromstring(response_xml(sign="none"))
    etree.indent(root)
    xmlsec_sign(root.find(saml("Assertion")), pem(idp_key()))
    octets = etree.tostring(root).replace(b"</ds:Signature>", b"</ds:Signature>\n    ")
    assert believed_name(octets) is None, "white space was added inside what was signed"
    octets = etree.tostring(root).replace(b"</saml:Assertion>", b"</saml:Assertion>\n\n")
    assert believed_name(octets) == NAME
    assert others_agree(octets, NAME)


@pytest.mark.parametrize("kind", ["assertion", "response", "both"])
def test_all_three_believe_the_honest_message(kind: str) -> None:
    """The same person, from each place that can be signed."""
    octets = response_xml(sign=kind)
    assert believed_name(octets) == NAME
    assert others_agree(octets, NAME)


@pytest.mark.parametrize("attack", [xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8, behind, in_advice])
@pytest.mark.parametrize("kind", ["assertion", "response", "both"])
def test_no_attack_names_the_attacker(attack: Callable[[etree._Element], None], kind: str) -> None:
    """Each wrapping, over each kind of signature."""

    def tamper(root: etree._Element) -> None:
        if kind == "response" and attack not in (xsw1, xsw2):
            assertion = root.find(saml("Assertion"))
            assertion[0].addnext(copy.deepcopy(root.find(ds("Signature"))))
        if kind == "assertion" and attack in (xsw1, xsw2):
            root[0].addnext(root.find(f"{saml('Assertion')}/{ds('Signature')}"))
        attack(root)

    assert believed_name(response_xml(sign=kind, tamper=tamper)) is None


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_what_is_believed_after_a_mutation_the_others_believe_too(data: st.DataObject) -> None:
    """Octets are changed anywhere; if this profile still believes the message, so do they, and of nobody else."""
    octets = response_xml(sign=data.draw(st.sampled_from(["assertion", "response"])))
    places = [
        octets.index(mark)
        for mark in (b"<saml:Issuer", b"<ds:Signature", b"<samlp:Status", b"Destination", b"</samlp:Response")
    ]
    start = max(0, data.draw(st.sampled_from(places)) + data.draw(st.integers(-3, 40)))
    cut = data.draw(st.integers(0, 6))
    middle = data.draw(
        st.sampled_from([b"", b" ", b"\n", b"x", f"<saml:NameID>{EVIL}</saml:NameID>".encode(), b" ID='_x'"])
    )
    mutant = octets[:start] + middle + octets[start + cut :]
    name = believed_name(mutant)
    if name is not None:
        assert name == NAME
        assert others_agree(mutant, name)


def test_the_oracles_would_notice() -> None:
    """A positive control: neither other verifier believes a message whose signed part was changed."""
    octets = response_xml().replace(NAME.encode(), EVIL.encode())
    with pytest.raises(Exception, match=r"(?i)verif|signature|digest"):
        xmlsec_accepts(octets, PUBLIC)
    with pytest.raises(Exception, match=r"(?i)digest|signature"):
        XMLVerifier().verify(octets, x509_cert=idp_certificate(), id_attribute="ID")
    assert EXC_C14N in octets.decode()
