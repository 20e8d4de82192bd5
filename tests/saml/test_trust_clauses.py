"""Belief's last clauses: a signed Response around what does not open, and how much work is done for nothing."""

import sys
from types import FrameType

import pytest
from lxml import etree
from tests.builders_saml import NAME, idp_key, keys, refusal, response_xml
from tests.saml.test_encrypted import FAILURES, believed, encrypted, with_encrypted
from tests.xml.encrypter import How, holding

from vestibule.saml import decoy
from vestibule.saml.names import saml, samlp
from vestibule.saml.response import ENCRYPTED_ASSERTION, read
from vestibule.xml import signature
from vestibule.xml.parse import parse


@pytest.mark.parametrize("why", FAILURES)
@pytest.mark.parametrize("sign", ["response", "both"])
def test_what_does_not_open_in_a_signed_response_is_the_one_refusal(why: str, sign: str) -> None:
    """The identity provider itself vouches for it, and still it is refused by the same code, not by an error."""
    with refusal("xml.decryption"):
        believed(encrypted(FAILURES[why], sign=sign))


def parsed_by(size: int) -> list[int]:
    """How many octets the decoy has parsed for a message of this size, a number for each document."""
    seen: list[int] = []

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name == "parse" and "vestibule" in frame.f_code.co_filename:
            seen.append(len(frame.f_locals["octets"]))

    sys.setprofile(watch)
    decoy.work(keys(), size=size)
    sys.setprofile(None)
    return seen


@pytest.mark.parametrize("size", [0, 100, len(decoy.ASSERTION), 20_000, 700_000])
def test_what_is_parsed_for_nothing_is_as_large_as_what_did_not_open(size: int) -> None:
    """To within half a kilobyte, and never smaller than the one assertion, around which nothing is put that is not needed."""
    alone = len(b"<within>" + decoy.ASSERTION + b"</within>")
    (first, *again) = parsed_by(size)
    assert not [more for more in again if more >= alone], "what is parsed again is the signed assertion alone"
    assert max(alone, size - 500) <= first <= max(alone, size + 500)


def test_the_decoy_is_one_assertion_and_nothing_beside_it() -> None:
    """It is a document of its own, as what comes out of an honest message is."""
    assert parse(decoy.ASSERTION).tag == saml("Assertion")


def test_the_decoy_is_verified_last_with_a_key_of_its_own() -> None:
    """Behind all keys of the connection, as an honest message by its last key: none of them ends the work early."""
    tried: list[object] = []

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name == "verify" and frame.f_code.co_filename == signature.__file__:
            tried.extend(frame.f_locals["keys"])

    known = keys("first", "second")
    sys.setprofile(watch)
    decoy.work(known, size=0)
    sys.setprofile(None)
    assert tried == [*known, *signature.load_certificates([decoy.CERTIFICATE])]


@pytest.mark.parametrize("names", [(), ("NameID",), ("Attribute",), ("NameID", "Attribute")])
def test_it_is_known_whether_anything_is_encrypted(names: tuple[str, ...]) -> None:
    """A name or an attribute alone as well: by this it is decided whether our own keys are fetched."""
    assert read(with_encrypted(*names)).is_encrypted is bool(names)
    assert read(encrypted()).is_encrypted


def test_evidence_may_be_encrypted_for_somebody_else() -> None:
    """An EncryptedAssertion in Advice [SAMLCore 2.6.1] is nobody's to open here: it is passed over as a plain one is."""

    def edit(root: etree._Element) -> None:
        conditions = root.find(f"{saml('Assertion')}/{saml('Conditions')}")
        advice = etree.Element(saml("Advice"))
        advice.append(holding(b"<a/>", idp_key("somebody").public_key(), ENCRYPTED_ASSERTION, How()))
        conditions.addnext(advice)

    it = believed(response_xml(edit=edit))
    assert it.assertion.name_id is not None
    assert (it.assertion.name_id.value, it.encryption) == (NAME, None)


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"{http://www.w3.org/XML/1998/namespace}id": "x"}, "xml.foreign_id"),
        ({"ID": "_response-1"}, "xml.duplicate_id"),
    ],
)
def test_around_an_encrypted_assertion_identifiers_are_as_strict_as_elsewhere(
    attributes: dict[str, str], code: str
) -> None:
    """Nothing that is read counts on it; but one reader must not take what another refuses."""

    def tamper(root: etree._Element) -> None:
        extensions = etree.Element(samlp("Extensions"))
        etree.SubElement(extensions, "{urn:x}x", attributes)
        root[0].addnext(extensions)

    with refusal(code):
        believed(encrypted(tamper=tamper))
