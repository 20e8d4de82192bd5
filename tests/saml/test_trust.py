"""Belief: wrapping attacks, unsigned and half-signed messages, and where each value is read from."""

import copy
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.builders_saml import NAME, certificate_for, ec_key, idp_key, keys, refusal, response_xml, verified
from tests.xml.other_signer import pem, xmlsec_sign

from vestibule.ground.errors import Refused
from vestibule.saml.names import ASSERTION, ds, saml, samlp
from vestibule.saml.response import read
from vestibule.saml.trust import verify
from vestibule.xml.signature import load_certificates, sign

EVIL = "mallory@evil.example"
Edit = Callable[[etree._Element], object]


@pytest.mark.parametrize("kind", ["assertion", "response", "both"])
def test_a_signed_assertion_a_signed_response_or_both(kind: str) -> None:
    """The honest positives, and what each of them proves."""
    believed = verified(response_xml(sign=kind))
    assert believed.assertion.name_id is not None
    assert believed.assertion.name_id.value == NAME
    assert believed.response_signed is (kind != "assertion")
    assert believed.assertion_signed is (kind != "response")


def test_one_response_can_be_verified_twice() -> None:
    """Verifying consumes nothing, so that an operator's tool can try one set of keys after another."""
    response = read(response_xml(sign="both"))
    with refusal("xml.signature_value"):
        verify(response, keys=keys("second"))
    assert verify(response, keys=keys()) == verify(response, keys=keys())


def test_it_is_known_which_key_made_which_signature() -> None:
    """The Response's first, whatever the order of the keys."""
    first, second = keys("first", "second")
    for kind, count in (("assertion", 1), ("response", 1), ("both", 2)):
        octets = response_xml(sign=kind, key=idp_key("second"))
        assert verified(octets, keys=(first, second)).signers == (second,) * count

    def outer_by_another(root: etree._Element) -> None:
        sign(root, key=idp_key("second"), after=saml("Issuer"))

    assert verified(response_xml(tamper=outer_by_another), keys=(first, second)).signers == (second, first)


def test_unsigned_is_refused() -> None:
    """Neither signature is there: refused, whoever sent it."""
    with refusal("saml.unsigned"):
        verified(response_xml(sign="none"))


def test_a_connection_without_a_key_believes_nothing() -> None:
    """No keys is a refusal."""
    with refusal("xml.signature_no_keys"):
        verified(response_xml(), keys=())


@pytest.mark.parametrize(("spoilt", "kind"), [("response", "both"), ("assertion", "both")])
def test_every_signature_that_is_there_must_verify(spoilt: str, kind: str) -> None:
    """One good signature does not excuse the other."""

    def tamper(root: etree._Element) -> None:
        element = root if spoilt == "response" else root.find(saml("Assertion"))
        signature = element.find(ds("Signature"))
        element.remove(signature)
        sign(element, key=idp_key("attacker"), after=saml("Issuer"))
        if spoilt == "assertion":
            root.remove(root.find(ds("Signature")))
            sign(root, key=idp_key(), after=saml("Issuer"))

    with refusal("xml.signature_value"):
        verified(response_xml(sign=kind, tamper=tamper))


def test_two_signatures_on_one_element_are_one_too_many() -> None:
    """Even where both are the same."""

    def tamper(root: etree._Element) -> None:
        signature = root.find(f"{saml('Assertion')}/{ds('Signature')}")
        signature.addnext(copy.deepcopy(signature))

    with refusal("xml.signature_several"):
        verified(response_xml(tamper=tamper))


def test_the_envelope_comes_from_signed_octets_where_there_are_any() -> None:
    """An unsigned envelope can be rewritten, and says so; a signed one cannot."""

    def tamper(root: etree._Element) -> None:
        root.set("InResponseTo", "_stolen")

    believed = verified(response_xml(tamper=tamper))
    assert (believed.response_signed, believed.envelope.in_response_to) == (False, "_stolen")
    with refusal("xml.signature_digest"):
        verified(response_xml(sign="response", tamper=tamper))


def test_sha_1_needs_the_quirk() -> None:
    """`allow_sha1` reaches both signatures."""

    def tamper(root: etree._Element) -> None:
        for method in root.iter(ds("SignatureMethod")):
            method.set("Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")

    for kind in ("assertion", "response"):
        with refusal("xml.signature_algorithm"):
            verified(response_xml(sign=kind, tamper=tamper))
        with refusal("xml.signature_value"):
            verified(response_xml(sign=kind, tamper=tamper), allow_sha1=True)


def test_an_inner_signature_may_count_on_declarations_around_it() -> None:
    """Both signed, as Shibboleth does: the inner PrefixList names a prefix that is declared on the Response alone."""
    declared = b'<samlp:Response xmlns:xs="http://www.w3.org/2001/XMLSchema" '
    root = etree.fromstring(response_xml(sign="none").replace(b"<samlp:Response ", declared))
    xmlsec_sign(root.find(saml("Assertion")), pem(idp_key()), prefixes="xs")
    sign(root, key=idp_key(), after=saml("Issuer"))
    believed = verified(etree.tostring(root))
    assert (believed.response_signed, believed.assertion_signed) == (True, True)


# -- wrapping --------------------------------------------------------------------------------------------------------------


def forged(root: etree._Element) -> etree._Element:
    """A copy of the assertion that names the attacker, without a signature and with an ID of its own."""
    evil = copy.deepcopy(root.find(saml("Assertion")))
    evil.remove(evil.find(ds("Signature")))
    evil.set("ID", "_evil")
    evil.find(f".//{saml('NameID')}").text = EVIL
    return evil


def xsw1(root: etree._Element) -> None:
    """The original Response, as a child of its own Signature, in a Response that says something else."""
    original = copy.deepcopy(root)
    original.remove(original.find(ds("Signature")))
    root.find(ds("Signature")).append(original)
    root.set("ID", "_evil")


def xsw2(root: etree._Element) -> None:
    """The original Response as a sibling before its Signature."""
    original = copy.deepcopy(root)
    original.remove(original.find(ds("Signature")))
    root.find(ds("Signature")).addprevious(original)
    root.set("ID", "_evil")


def xsw3(root: etree._Element) -> None:
    """A forged assertion before the signed one."""
    root.find(saml("Assertion")).addprevious(forged(root))


def behind(root: etree._Element) -> None:
    """A forged assertion after the signed one."""
    root.find(saml("Assertion")).addnext(forged(root))


def xsw4(root: etree._Element) -> None:
    """The signed assertion inside the forged one."""
    original, evil = root.find(saml("Assertion")), forged(root)
    root.replace(original, evil)
    evil.append(original)


def xsw5(root: etree._Element) -> None:
    """The forged assertion keeps the Signature, the original follows without it."""
    original, evil = root.find(saml("Assertion")), forged(root)
    evil[0].addnext(original.find(ds("Signature")))
    root.replace(original, evil)
    root.append(original)


def xsw6(root: etree._Element) -> None:
    """The original inside the Signature of the forged assertion."""
    original, evil = root.find(saml("Assertion")), forged(root)
    signature = original.find(ds("Signature"))
    evil[0].addnext(signature)
    root.replace(original, evil)
    signature.append(original)


def xsw7(root: etree._Element) -> None:
    """A forged assertion in Extensions."""
    extensions = etree.Element(samlp("Extensions"))
    extensions.append(forged(root))
    root[0].addnext(extensions)


def xsw8(root: etree._Element) -> None:
    """The original in an Object of the Signature that the forged assertion carries."""
    original, evil = root.find(saml("Assertion")), forged(root)
    signature = original.find(ds("Signature"))
    evil[0].addnext(signature)
    root.replace(original, evil)
    etree.SubElement(signature, ds("Object")).append(original)


def in_advice(root: etree._Element) -> None:
    """The signed assertion hides in the Advice of the forged one."""
    original, evil = root.find(saml("Assertion")), forged(root)
    root.replace(original, evil)
    etree.SubElement(evil, saml("Advice")).append(original)


@pytest.mark.parametrize("attack", [xsw3, behind, xsw4, xsw5, xsw6, xsw7, xsw8])
def test_wrapping_an_assertion_is_refused(attack: Edit) -> None:
    """Wherever the second assertion stands, there are two, and two are refused before a key is asked."""
    with refusal("saml.one_assertion"):
        verified(response_xml(tamper=attack))


@pytest.mark.parametrize("takes_signature", [False, True])
def test_the_signed_assertion_in_the_advice_of_a_forged_one_proves_nothing(takes_signature: bool) -> None:
    """Advice is passed over: the forged assertion must be signed itself, and that signature is about another ID."""

    def tamper(root: etree._Element) -> None:
        in_advice(root)
        if takes_signature:
            evil = root.find(saml("Assertion"))
            evil[0].addnext(next(evil.iter(ds("Signature"))))

    with refusal("xml.signature_reference" if takes_signature else "saml.unsigned"):
        verified(response_xml(tamper=tamper))


@pytest.mark.parametrize(("attack", "code"), [(xsw1, "saml.one_assertion"), (xsw2, "saml.shape")])
def test_wrapping_a_response_is_refused(attack: Edit, code: str) -> None:
    """The root must be the one Response."""
    with refusal(code):
        verified(response_xml(sign="response", tamper=attack))


def test_a_forged_assertion_in_place_of_the_signed_one_is_refused() -> None:
    """With the signature of the original, under the original's ID: the digest objects; under another: the reference."""

    def in_place(root: etree._Element) -> None:
        original, evil = root.find(saml("Assertion")), forged(root)
        evil[0].addnext(original.find(ds("Signature")))
        root.replace(original, evil)

    with refusal("xml.signature_reference"):
        verified(response_xml(tamper=in_place))
    with refusal("xml.signature_digest"):
        verified(
            response_xml(tamper=lambda root: (in_place(root), root.find(saml("Assertion")).set("ID", "_assertion-1")))
        )


def test_a_hidden_element_with_the_signed_id_is_refused() -> None:
    """The decoy under another name, in Extensions, with the assertion's ID."""

    def decoy(root: etree._Element) -> None:
        extensions = etree.Element(samlp("Extensions"))
        etree.SubElement(extensions, "decoy", ID="_assertion-1")
        root[0].addnext(extensions)

    with refusal("xml.duplicate_id"):
        verified(response_xml(tamper=decoy))


def test_a_signature_of_the_assertion_moved_to_the_response_is_refused() -> None:
    """A Signature is about its own parent, or about nothing."""

    def moved(root: etree._Element) -> None:
        root[0].addnext(root.find(f"{saml('Assertion')}/{ds('Signature')}"))

    with refusal("xml.signature_reference"):
        verified(response_xml(tamper=moved))


def test_a_digest_smuggled_into_the_status_detail_is_not_found() -> None:
    """Parts of a signature are read from their own places: a decoy elsewhere changes nothing, and saves nobody."""

    def smuggle(root: etree._Element) -> None:
        detail = etree.SubElement(root.find(samlp("Status")), samlp("StatusDetail"))
        etree.SubElement(detail, ds("DigestValue")).text = "AAAA"

    assert verified(response_xml(tamper=smuggle)).assertion.name_id is not None


def test_whoever_holds_no_key_of_the_connection_signs_nothing() -> None:
    """The attacker's own key, RSA or EC, with its certificate in KeyInfo."""
    with refusal("xml.signature_value"):
        verified(response_xml(key=idp_key("attacker"), certificate=certificate_for(idp_key("attacker")), name_id=EVIL))
    with refusal("xml.signature_value"):
        verified(response_xml(key=ec_key(), certificate=certificate_for(ec_key()), name_id=EVIL))
    assert verified(response_xml(key=ec_key()), keys=load_certificates([certificate_for(ec_key())])) is not None


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_mutated_response_says_what_was_signed_or_nothing(data: st.DataObject) -> None:
    """Octets of a signed message are changed: it is refused, or it still names the person that was signed."""
    octets = response_xml(sign=data.draw(st.sampled_from(["assertion", "response", "both"])))
    start = data.draw(st.integers(0, len(octets)))
    end = data.draw(st.integers(start, min(len(octets), start + 30)))
    middle = data.draw(st.sampled_from([b"", b"x", octets[start:end] * 2, b"<x/>", b'" ID="_x', b"mallory", b"</x>"]))
    with suppress(Refused):
        believed = verified(octets[:start] + middle + octets[end:])
        assert believed.assertion.name_id is not None
        assert believed.assertion.name_id.value == NAME
        assert believed.assertion.id == "_assertion-1"


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_moving_whole_elements_changes_nobody(data: st.DataObject) -> None:
    """Elements are copied and moved about, as wrapping does: refused, or still the person that was signed."""
    root = etree.fromstring(response_xml(sign=data.draw(st.sampled_from(["assertion", "response", "both"]))))
    for _ in range(data.draw(st.integers(1, 3))):
        elements = list(root.iter())
        what = copy.deepcopy(elements[data.draw(st.integers(1, len(elements) - 1))])
        for element in what.iter(saml("NameID")):
            element.text = EVIL
        into = elements[data.draw(st.integers(0, len(elements) - 1))]
        into.insert(data.draw(st.integers(0, len(into))), what)
    with suppress(Refused):
        believed = verified(etree.tostring(root))
        assert believed.assertion.name_id is not None
        assert believed.assertion.name_id.value == NAME


def test_the_assertions_namespace_is_what_counts() -> None:
    """A child of the right local name in another namespace is not an assertion, and is refused for being unknown."""

    def other(root: etree._Element) -> None:
        root.append(etree.fromstring(f'<saml:Assertion xmlns:saml="{ASSERTION}x" ID="_x"/>'))

    with refusal("saml.shape"):
        verified(response_xml(tamper=other))
