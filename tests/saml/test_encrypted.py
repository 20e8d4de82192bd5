"""Encrypted assertions, names and attributes: opened where they stood, believed only by a signature, and silent about failures."""

import copy
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest
from lxml import etree
from tests.builders_saml import ACS, ATTRIBUTES, IDP, NAME, SP, idp_key, keys, refusal, response_xml
from tests.xml.encrypter import How, encrypt, holding
from tests.xml.other_signer import pem, xmlsec_sign

from vestibule.ground.errors import Refused
from vestibule.saml import decoy
from vestibule.saml.names import XMLSCHEMA, XMLSCHEMA_INSTANCE, ds, saml, samlp
from vestibule.saml.response import ENCRYPTED_ASSERTION, read
from vestibule.saml.trust import VerifiedAssertion, verify
from vestibule.xml import signature
from vestibule.xml.encryption import AES128_GCM, RSA_OAEP, XENC, Decryption
from vestibule.xml.parse import parse

OURS = idp_key("ours")
CBC = How(content=XENC + "aes128-cbc")
EVIL = "mallory@evil.example"


def encrypted(how: How | None = None, tamper: Callable[[etree._Element], Any] | None = None, **made: Any) -> bytes:
    """A Response whose assertion is signed first and encrypted then; a signature over the Response comes last."""
    outer = made.pop("sign", "assertion")
    inner = "assertion" if outer in ("assertion", "both") else "none"
    root = etree.fromstring(response_xml(sign=inner, **made))
    encrypt(root.find(saml("Assertion")), OURS.public_key(), ENCRYPTED_ASSERTION, how)
    if outer in ("response", "both"):
        signature.sign(root, key=idp_key(), after=saml("Issuer"))
    if tamper is not None:
        tamper(root)
    return etree.tostring(root)


def believed(octets: bytes, **how: Any) -> VerifiedAssertion:
    decryption = how.pop("decryption", Decryption(keys=(OURS,), allow_cbc=True))
    return verify(read(octets), keys=how.pop("keys", keys()), decryption=decryption, **how)


@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
@pytest.mark.parametrize(
    "how", [How(), How(content=AES128_GCM, transport=RSA_OAEP, digest="sha256", mask="sha256", beside=True), CBC]
)
def test_the_honest_message_is_believed(sign: str, how: How) -> None:
    """Signed inside, around, or both: the same person with the same attributes."""
    it = believed(encrypted(how, sign=sign))
    assert it.assertion.name_id is not None
    assert (it.assertion.name_id.value, it.assertion.issuer, dict(it.assertion.attributes)) == (NAME, IDP, ATTRIBUTES)
    assert it.response_signed is (sign != "assertion")
    assert it.assertion_signed is (sign != "response")
    assert it.encryption is not None
    assert "oaep" in it.encryption


def test_what_is_not_encrypted_says_so() -> None:
    assert believed(response_xml()).encryption is None


def test_encryption_is_no_signature() -> None:
    """Anybody can encrypt for us: unsigned within and without is unsigned."""
    with refusal("saml.unsigned"):
        believed(encrypted(sign="none"))


def test_the_signature_inside_is_judged_after_decryption() -> None:
    """Another key's is no better for being hidden."""
    with refusal("xml.signature_value"):
        believed(encrypted(key=idp_key("attacker")))
    with refusal("xml.signature_digest"):
        believed(encrypted(How(plain=lambda octets: octets.replace(NAME.encode(), EVIL.encode()))))


def test_a_signed_response_is_verified_before_anything_is_decrypted() -> None:
    """So a changed ciphertext tells nothing: it fails at the digest, with or without our key."""

    def change(root: etree._Element) -> None:
        value = next(root.iter(f"{{{XENC}}}CipherValue"))
        value.text = ("B" if (value.text or "")[0] != "B" else "C") + (value.text or "")[1:]

    for sign in ("response", "both"):
        for decryption in (Decryption(keys=(OURS,)), Decryption(keys=())):
            with refusal("xml.signature_digest"):
                believed(encrypted(sign=sign, tamper=change), decryption=decryption)


def _wrapped(root: etree._Element, evil: etree._Element, place: str) -> None:
    held = root.find(ENCRYPTED_ASSERTION)
    if place == "before":
        held.addprevious(evil)
    elif place == "after":
        held.addnext(evil)
    else:
        held.append(evil)


@pytest.mark.parametrize("place", ["before", "after", "inside"])
@pytest.mark.parametrize("kind", ["plain", "encrypted"])
def test_exactly_one_assertion_in_total(place: str, kind: str) -> None:
    """A second one, plain or encrypted, unsigned or signed, beside or within the first: two are refused."""

    def tamper(root: etree._Element) -> None:
        other = etree.fromstring(response_xml(sign="none", name_id=EVIL)).find(saml("Assertion"))
        if kind == "encrypted":
            other = holding(etree.tostring(other), OURS.public_key(), ENCRYPTED_ASSERTION, How())
        _wrapped(root, other, place)

    with refusal("saml.one_assertion"):
        believed(encrypted(tamper=tamper))


@pytest.mark.parametrize("inside", [ENCRYPTED_ASSERTION, saml("Assertion"), samlp("Response")])
def test_nothing_hides_in_what_was_encrypted(inside: str) -> None:
    """The decrypted assertion is searched as the message was."""

    def edit(root: etree._Element) -> None:
        value = next(root.iter(saml("AttributeValue")))
        value.text = None
        etree.SubElement(value, inside)

    with refusal("saml.one_assertion"):
        believed(encrypted(edit=edit))


def test_a_signature_that_stands_elsewhere_inside_is_stray() -> None:
    def tamper(root: etree._Element) -> None:
        assertion = root.find(saml("Assertion"))
        assertion.find(saml("Subject")).append(assertion.find(ds("Signature")))

    root = etree.fromstring(response_xml(tamper=tamper))
    encrypt(root.find(saml("Assertion")), OURS.public_key(), ENCRYPTED_ASSERTION)
    with refusal("saml.stray_signature"):
        believed(etree.tostring(root))


def test_a_signature_within_the_encrypted_assertion_element_is_stray() -> None:
    """It would be about what anybody can replace."""

    def tamper(root: etree._Element) -> None:
        held = root.find(ENCRYPTED_ASSERTION)
        held.append(copy.deepcopy(etree.fromstring(response_xml()).find(f".//{ds('Signature')}")))

    with refusal("saml.stray_signature"):
        believed(encrypted(tamper=tamper))


# -- prefixes of where it stood ------------------------------------------------------------------------------------------


def cut(sign: str, prefixes: str | None = None) -> bytes:
    """An assertion whose prefixes are declared on the Response alone, as some cut it out to encrypt it."""
    declared = f'<samlp:Response xmlns:xs="{XMLSCHEMA}" xmlns:xsi="{XMLSCHEMA_INSTANCE}" '
    octets = response_xml(sign="none").replace(b"<samlp:Response ", declared.encode())
    root = etree.fromstring(octets.replace(b"<saml:AttributeValue>", b'<saml:AttributeValue xsi:type="xs:string">'))
    assertion = root.find(saml("Assertion"))
    if sign in ("assertion", "both"):
        xmlsec_sign(assertion, pem(idp_key()), prefixes=prefixes)
    text = etree.tostring(root)
    part = text[text.index(b"<saml:Assertion ") : text.index(b"</saml:Assertion>") + len("</saml:Assertion>")]
    holder = holding(part, OURS.public_key(), ENCRYPTED_ASSERTION, How())
    root.replace(assertion, holder)
    if sign in ("response", "both"):
        signature.sign(root, key=idp_key(), after=saml("Issuer"))
    return etree.tostring(root)


@pytest.mark.parametrize(
    ("sign", "prefixes"), [("assertion", None), ("assertion", "xs"), ("both", "xs"), ("both", None)]
)
def test_prefixes_may_be_declared_where_it_was_cut_out(sign: str, prefixes: str | None) -> None:
    """Its own signature covers the ones that it uses, wherever they are declared."""
    it = believed(cut(sign, prefixes))
    assert dict(it.assertion.attributes) == ATTRIBUTES


def test_without_a_signature_of_its_own_only_covered_declarations_count() -> None:
    """The Response's signature leaves out what the Response itself does not use; nobody vouches for those."""
    with refusal("xml.decryption"):
        believed(cut("response"))


# -- names and attributes ------------------------------------------------------------------------------------------------


def with_encrypted(*names: str, how: How | None = None, edit: Callable[[etree._Element], Any] | None = None) -> bytes:
    def change(root: etree._Element) -> None:
        if edit is not None:
            edit(root)
        for name in names:
            for element in list(root.iter(saml(name))):
                encrypt(
                    element, OURS.public_key(), saml("EncryptedID" if name == "NameID" else "EncryptedAttribute"), how
                )

    return response_xml(edit=change)


def test_an_encrypted_name_and_encrypted_attributes_are_read() -> None:
    it = believed(with_encrypted("NameID", "Attribute"))
    assert it.assertion.name_id is not None
    assert it.assertion.name_id.value == NAME
    assert dict(it.assertion.attributes) == ATTRIBUTES


@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_encrypted_within_encrypted_is_read(sign: str) -> None:
    """A name that is hidden in an assertion that is hidden too."""

    def edit(root: etree._Element) -> None:
        encrypt(next(root.iter(saml("NameID"))), OURS.public_key(), saml("EncryptedID"))

    it = believed(encrypted(edit=edit, sign=sign))
    assert it.assertion.name_id is not None
    assert it.assertion.name_id.value == NAME


@pytest.mark.parametrize("name", ["NameID", "Attribute"])
@pytest.mark.parametrize(
    "how",
    [
        How(plain=lambda octets: b"<x/>"),
        How(plain=lambda octets: b"no element"),
        How(plain=lambda octets: octets + octets),
        How(plain=lambda octets: octets + b"text"),
        How(seal=lambda octets: octets[:-1] + bytes([octets[-1] ^ 1])),
    ],
)
def test_a_name_or_attribute_that_does_not_open_is_the_one_refusal(name: str, how: How) -> None:
    with refusal("xml.decryption"):
        believed(with_encrypted(name, how=how))


def test_a_name_twice_in_two_ways_is_refused() -> None:
    """A NameID beside an EncryptedID would be two subjects."""

    def edit(root: etree._Element) -> None:
        name = next(root.iter(saml("NameID")))
        name.addprevious(copy.deepcopy(name))
        encrypt(name, OURS.public_key(), saml("EncryptedID"))

    with refusal("saml.shape"):
        believed(response_xml(edit=edit))


@pytest.mark.parametrize(("count", "code"), [(32, None), (33, "saml.attributes")])
def test_encrypted_attributes_are_counted_before_they_are_opened(count: int, code: str | None) -> None:
    """Each costs a private-key operation. At the bound, and one past it."""

    def edit(root: etree._Element) -> None:
        statement = next(root.iter(saml("AttributeStatement")))
        attribute = copy.deepcopy(statement[0])
        for child in list(statement):
            statement.remove(child)
        holder = holding(etree.tostring(attribute), OURS.public_key(), saml("EncryptedAttribute"), How())
        for _ in range(count):
            statement.append(copy.deepcopy(holder))

    octets = response_xml(edit=edit)
    if code is None:
        assert len(believed(octets).assertion.attributes["mail"]) == count
        return
    with refusal(code):
        believed(octets)


# -- one refusal, one message, the same work -----------------------------------------------------------------------------


def flip(octets: bytes) -> bytes:
    return octets[:-1] + bytes([octets[-1] ^ 1])


FAILURES: dict[str, How] = {
    "gcm": How(seal=flip),
    "wrapped key": How(wrap=flip),
    "another session key": How(session=bytes(16)),
    "cbc padding": replace(CBC, seal=lambda octets: octets[:-17] + bytes([octets[-17] ^ 0xFF]) + octets[-16:]),
    "cbc cut": replace(CBC, seal=lambda octets: octets[:-16]),
    "not UTF-8": How(plain=lambda octets: b"\xff" + octets),
    "not XML": How(plain=lambda octets: octets[:-1]),
    "nothing": How(plain=lambda octets: b""),
    "text": How(plain=lambda octets: b"hello"),
    "two elements": How(plain=lambda octets: octets + octets),
    "another element": How(plain=lambda octets: b"<a/>"),
    "out of the wrapper": How(plain=lambda octets: b"</within><within>" + octets),
    "a DOCTYPE": How(plain=lambda octets: b"<!DOCTYPE a><a/>"),
    "an entity bomb": How(plain=lambda octets: b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
    "a comment": How(plain=lambda octets: octets.replace(b"</saml:Subject>", b"<!-- --></saml:Subject>")),
    "a processing instruction": How(plain=lambda octets: octets.replace(b"</saml:Subject>", b"<?a?></saml:Subject>")),
    "too deep": How(plain=lambda octets: b"<a>" * 40 + b"</a>" * 40),
    "too many tags": How(plain=lambda octets: b"<a>" + b"<b/>" * 25_000 + b"</a>"),
}


@pytest.mark.parametrize("why", FAILURES)
def test_all_failures_are_one_refusal_with_one_message(why: str) -> None:
    """The plaintext's own faults too: whether there was a plaintext is what an attacker asks."""
    told = []
    for how in (FAILURES[why], FAILURES["gcm"]):
        with pytest.raises(Refused) as caught:
            believed(encrypted(how))
        refused = caught.value
        told.append((refused.code, refused.why, refused.want, refused.got, refused.findings, refused.__cause__))
        assert refused.__suppress_context__ or refused.__context__ is None
    assert told[0] == told[1]
    assert told[0][0] == "xml.decryption"


def test_a_wrong_key_is_the_same_refusal() -> None:
    with refusal("xml.decryption"):
        believed(encrypted(), decryption=Decryption(keys=(idp_key("other"), idp_key("another"))))


def steps(octets: bytes) -> list[str]:
    """The costly steps that are walked, in their order."""
    costly = {"_unwrapped", "_decrypted", "_canonical", "_verify_value", "_without_signature", "reparse", "work"}
    walked: list[str] = []

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name in costly and "vestibule" in frame.f_code.co_filename:
            walked.append(frame.f_code.co_name)

    message = read(octets)
    sys.setprofile(watch)
    with suppress(Refused):  # by which code, is asked above
        verify(message, keys=keys(), decryption=Decryption(keys=(OURS, idp_key("older")), allow_cbc=True))
    sys.setprofile(None)
    return walked


@pytest.mark.parametrize("why", FAILURES)
def test_every_failure_walks_the_same_steps_as_a_success(why: str) -> None:
    """Every key is tried, something is always decrypted, and a signature is always verified: the decoy's, if no other."""
    success = steps(encrypted())
    assert success == [
        "_unwrapped", "_unwrapped", "_decrypted",
        "_canonical", "_verify_value", "_without_signature", "_canonical", "reparse",
    ]  # fmt: skip
    assert [step for step in steps(encrypted(FAILURES[why])) if step != "work"] == success


def test_the_decoy_is_a_whole_signed_assertion() -> None:
    """Were it not, its road would end early; it is nobody's, and its key is known to no connection."""
    root = parse(b"<within>" + decoy.ASSERTION + b"</within>")
    signed = signature.verify(root, root[0], keys=signature.load_certificates([decoy.CERTIFICATE]))
    assert signed.findtext(f".//{saml('NameID')}") == "nobody"
    with refusal("xml.signature_value"):
        signature.verify(root, root[0], keys=keys())


@pytest.mark.parametrize("size", [0, 1_000, 60_000, 700_000])
def test_the_decoy_is_as_large_as_what_did_not_open(size: int) -> None:
    """At every size that a message can have it stays within the bounds of parsing."""
    assert abs(len(decoy.document(size)) - max(size, len(decoy.ASSERTION))) < 1_000
    decoy.work(keys(), size=size)


def test_addresses_are_still_those_of_the_honest_message() -> None:
    """The positive that the refusals above differ from in one thing only."""
    it = believed(encrypted(CBC))
    assert it.assertion.conditions is not None
    assert it.assertion.conditions.audiences == ((SP,),)
    assert it.assertion.confirmations[0].recipient == ACS
