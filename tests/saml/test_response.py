"""The shape of a Response: what is refused before any key is asked."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.builders_saml import IDP, refusal, response_xml, verified

from vestibule.ground.errors import Refused
from vestibule.saml.names import ASSERTION, NO_PASSIVE, PROTOCOL, RESPONDER, ds, saml, samlp
from vestibule.saml.response import read

Edit = Callable[[etree._Element], object]


def without(name: str) -> Edit:
    return lambda root: root.remove(root.find(name))


def twice(name: str) -> Edit:
    """A second one, with IDs of its own, right behind the first."""

    def edit(root: etree._Element) -> None:
        twin = etree.fromstring(etree.tostring(root.find(name)))
        for element in twin.iter():
            if element.get("ID"):
                element.set("ID", element.get("ID") + "-twin")
        root.find(name).addnext(twin)

    return edit


def into(where: str, what: str) -> Edit:
    """Something at the end of the element at `where` (a path; the root if empty)."""
    return lambda root: (root.find(where) if where else root).append(etree.fromstring(what))


STRAY = f'<saml:Assertion xmlns:saml="{ASSERTION}" ID="_evil"/>'
SIGNATURE = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>'
EXTENSIONS = f'<samlp:Extensions xmlns:samlp="{PROTOCOL}">%s</samlp:Extensions>'


def test_a_response_tells_who_says_it_sent_it() -> None:
    """The unverified issuer, for choosing a key; a Response without one says None."""
    assert read(response_xml()).issuer == IDP
    assert read(response_xml(tamper=without(saml("Issuer")))).issuer is None


def test_an_empty_in_response_to_names_no_request() -> None:
    """`InResponseTo=""` counts as absent; any other is kept."""
    assert read(response_xml()).envelope.in_response_to is None
    assert read(response_xml(edit=lambda root: root.set("InResponseTo", ""))).envelope.in_response_to is None
    assert read(response_xml(in_response_to="_r")).envelope.in_response_to == "_r"


def test_another_status_with_an_assertion_is_left_to_the_rules() -> None:
    """It is refused there, after the signature, among all findings."""
    octets = response_xml(edit=lambda root: root.find(samlp("Status"))[0].set("Value", RESPONDER))
    assert read(octets).envelope.status == (RESPONDER,)


@pytest.mark.parametrize(
    "root",
    [
        f'<Assertion xmlns="{ASSERTION}"/>',
        '<Response xmlns="urn:oasis:names:tc:SAML:1.0:protocol"/>',
        "<Response/>",
        f'<ArtifactResponse xmlns="{PROTOCOL}"/>',
        f'<LogoutResponse xmlns="{PROTOCOL}"/>',
    ],
)
def test_only_a_response_is_a_response(root: str) -> None:
    """Other messages, SAML 1.1 and other namespaces are not read as one."""
    with refusal("saml.not_a_response"):
        read(root.encode())


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (lambda root: root.attrib.pop("ID"), "saml.shape"),
        (lambda root: root.attrib.pop("Version"), "saml.shape"),
        (lambda root: root.attrib.pop("IssueInstant"), "saml.shape"),
        (lambda root: root.set("Wild", "x"), "saml.shape"),
        (lambda root: root.set("{u:x}ID", "x"), "saml.shape"),
        (twice(saml("Issuer")), "saml.shape"),
        (without(samlp("Status")), "saml.shape"),
        (twice(samlp("Status")), "saml.shape"),
        
        (lambda root: root.find(samlp("Status")).remove(root.find(samlp("Status"))[0]), "saml.shape"),
        (into("", "<wild/>"), "saml.shape"),
        (into("", '<Assertion xmlns="urn:oasis:names:tc:SAML:1.0:assertion"/>'), "saml.shape"),
        (lambda root: root.insert(0, root.find(samlp("Status"))), "saml.shape"),
        (into("", EXTENSIONS % ""), "saml.shape"),
        (lambda root: [root.insert(1, etree.fromstring(EXTENSIONS % "")) for _ in "12"], "saml.shape"),
        (into(saml("Issuer"), "<b/>"), "xml.element_in_text"),
        (without(saml("Assertion")), "saml.one_assertion"),
        (twice(saml("Assertion")), "saml.one_assertion"),
        (lambda root: root.insert(1, etree.fromstring(EXTENSIONS % STRAY)), "saml.one_assertion"),
        (into(saml("Assertion"), f'<saml:Advice xmlns:saml="{ASSERTION}"><x>{SIGNATURE}</x></saml:Advice>'), "saml.stray_signature"),
        (into(saml("Assertion"), f'<saml:Advice xmlns:saml="{ASSERTION}"><x>{STRAY}</x></saml:Advice>'), "saml.one_assertion"),
        (into(saml("Assertion"), f'<saml:Advice xmlns:saml="{ASSERTION}"><samlp:Response xmlns:samlp="{PROTOCOL}"/></saml:Advice>'), "saml.one_assertion"),
        (into(f"{saml('Assertion')}/{saml('Subject')}", f'<saml:Advice xmlns:saml="{ASSERTION}">{STRAY}</saml:Advice>'), "saml.one_assertion"),
        (lambda root: root.insert(1, etree.fromstring(EXTENSIONS % f'<saml:Advice xmlns:saml="{ASSERTION}">{STRAY}</saml:Advice>')), "saml.one_assertion"),
        (into(saml("Assertion"), f'<samlp:Response xmlns:samlp="{PROTOCOL}"/>'), "saml.one_assertion"),
        (lambda root: root.insert(1, etree.fromstring(EXTENSIONS % SIGNATURE)), "saml.stray_signature"),
        (into(f"{saml('Assertion')}/{saml('Subject')}", SIGNATURE), "saml.stray_signature"),
        (into(f"{saml('Assertion')}/{ds('Signature')}", SIGNATURE), "saml.stray_signature"),
        (into("", f'<EncryptedAssertion xmlns="{ASSERTION}"/>'), "saml.one_assertion"),
        (into(saml("Assertion"), f'<EncryptedAssertion xmlns="{ASSERTION}"/>'), "saml.one_assertion"),
    ],
)  # fmt: skip
def test_any_other_shape_is_refused(tamper: Edit, code: str) -> None:
    """Each document differs from a good one in one thing."""
    with refusal(code):
        read(response_xml(tamper=tamper))


def test_evidence_in_advice_is_not_the_assertion() -> None:
    """An assertion that others signed may lie in Advice, signatures and further evidence in it and all; none of it is read."""
    evidence = (
        f'<Assertion xmlns="{ASSERTION}" ID="_e"><NameID>eve</NameID>{SIGNATURE}<Advice>{STRAY}</Advice></Assertion>'
    )

    def edit(root: etree._Element) -> None:
        assertion = root.find(saml("Assertion"))
        assertion.find(saml("Conditions")).addnext(etree.fromstring(f'<Advice xmlns="{ASSERTION}">{evidence}</Advice>'))

    for kind in ("assertion", "response", "both"):
        octets = response_xml(sign=kind, edit=edit)
        assert read(octets).assertion.get("ID") == "_assertion-1"
        assert verified(octets).assertion == verified(response_xml(sign=kind)).assertion
    with refusal("xml.duplicate_id"):
        verified(response_xml(edit=edit).replace(b'ID="_e"', b'ID="_response-1"'))


def test_white_space_around_the_issuer_is_not_part_of_it() -> None:
    """An Issuer is an xs:anyURI, whose white space collapses."""
    assert read(response_xml(edit=lambda root: setattr(root[0], "text", f"\n {IDP}\t"))).issuer == IDP


def test_extensions_and_schema_attributes_are_tolerated() -> None:
    """Real identity providers write them; nothing is read from them."""
    xsi = "http://www.w3.org/2001/XMLSchema-instance"

    def tamper(root: etree._Element) -> None:
        root.insert(1, etree.fromstring(EXTENSIONS % "<x/>"))
        root.set(f"{{{xsi}}}schemaLocation", "u:x x.xsd")
        root.set("Consent", "urn:oasis:names:tc:SAML:2.0:consent:obtained")

    assert read(response_xml(tamper=tamper)).issuer == IDP


def test_a_refusal_by_the_identity_provider_is_told_as_such() -> None:
    """Without an assertion, the status is the reason, with its nested codes."""

    def refused(root: etree._Element) -> None:
        root.remove(root.find(saml("Assertion")))
        code = root.find(samlp("Status"))[0]
        code.set("Value", RESPONDER)
        etree.SubElement(code, samlp("StatusCode"), Value=NO_PASSIVE)

    with pytest.raises(Refused) as caught:
        read(response_xml(tamper=refused))
    assert (caught.value.code, caught.value.got) == ("saml.status", f"{RESPONDER} {NO_PASSIVE}")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    """No octets make `read` raise anything but `Refused`."""
    with suppress(Refused):
        read(octets)


@pytest.mark.parametrize("place", [b"</saml:Assertion>", b"</samlp:Status>", b"</saml:Issuer>"])
def test_text_between_the_children_of_a_message_is_refused(place: bytes) -> None:
    """In no schema, outside of what an assertion's signature covers, and read differently by different readers."""
    octets = response_xml().replace(place, place + b"x")
    with refusal("saml.shape"):
        read(octets)
