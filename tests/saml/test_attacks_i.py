"""Attack table I, in what we write as SAML today: values cannot break out of their place, and names do not come twice."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree
from tests.builders_saml import idp_certificate, idp_key, statement

from vestibule.ground.errors import Refused
from vestibule.outside.entropy import SystemEntropy
from vestibule.saml import issue, metadata, request
from vestibule.saml.names import saml, samlp

HOSTILE = [
    "<>&\"'",
    "]]>",
    "<![CDATA[x]]>",
    "<!--x-->",
    "<?x y?>",
    "&lt;&amp;&#0;&#x0;&evil;",
    '"/><saml:NameID>mallory</saml:NameID><x y="',
    "</saml:NameID></saml:Subject><saml:Subject><saml:NameID>mallory",
    "</saml:AttributeValue></saml:Attribute><saml:Attribute Name='role'><saml:AttributeValue>admin",
    '" ID="_other',
    "'><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "${7*7} {{7*7}} %s %(x)s",
    "\t\n\r",
    "\r\n",
    "  spaces  ",
    "\u202e\u200b\ufeff",
    "\u00e4\u4e2d\U0001f600",
    "\x85\u2028",
]
UNWRITABLE = ["\0", "a\0b", "\x01", "\x0b", "\x0c", "\x1f", "\ud800", "\udfff", "\ufffe", "\uffff", "]]>\0"]

TEXTS = ("name_id", "issuer", "audience", "authn_context")
ATTRIBUTES = (
    "recipient",
    "destination",
    "name_id_format",
    "name_qualifier",
    "sp_name_qualifier",
    "session_index",
    "in_response_to",
)
REQUEST_TEXTS = ("issuer",)
REQUEST_ATTRIBUTES = ("id", "destination", "acs_url")

hostile = st.text(st.sampled_from(list("<>&\"'/=![]-?;#x0 \t\n\ra\u00e4\U0001f600")), max_size=30) | st.sampled_from(
    HOSTILE
)


def issued(**changes: Any) -> etree._Element:
    octets = issue.response(
        statement(**changes),
        response_id="_r",
        assertion_id="_a",
        key=idp_key(),
        certificate_pem=None,
        sign="none",
    )
    return etree.fromstring(octets)


def shape(root: etree._Element) -> list[tuple[Any, ...]]:
    """Names of elements and attributes, in order: what a value that broke out would change."""
    return [(element.tag, *sorted(element.attrib)) for element in root.iter()]


PLAIN = {"name_qualifier": "q", "sp_name_qualifier": "q", "in_response_to": "_q", "session_index": "_s"}


@pytest.mark.parametrize("field", [*TEXTS, *ATTRIBUTES])
@given(value=hostile)
@example(value="<>&\"']]>")
@example(value="]]>")
def test_i4_no_value_of_a_response_breaks_out_of_its_place(field: str, value: str) -> None:
    """Text or attribute: the document has the same elements and attributes, and the value is read back as it was given."""
    root = issued(**{**PLAIN, field: value})
    assert shape(root) == shape(issued(**PLAIN))
    found = [element.text for element in root.iter()] + [v for element in root.iter() for v in element.attrib.values()]
    assert (value or None) in found or value in found


@given(name=hostile.filter(bool), values=st.lists(hostile, min_size=1, max_size=3))
def test_i4_no_attribute_of_a_response_breaks_out_of_its_place(name: str, values: list[str]) -> None:
    root = issued(attributes={name: tuple(values)})
    (statement_,) = root.iter(saml("AttributeStatement"))
    (attribute,) = statement_
    assert attribute.get("Name") == name
    assert [value.text or "" for value in attribute] == values
    assert all(len(value) == 0 for value in attribute)


@pytest.mark.parametrize("field", [*REQUEST_TEXTS, *REQUEST_ATTRIBUTES, "subject", "subject_format", "name_id_format"])
@given(value=hostile.filter(bool))
def test_i4_no_value_of_a_request_breaks_out_of_its_place(field: str, value: str) -> None:
    def made(**changes: Any) -> etree._Element:
        said: dict[str, Any] = {
            "id": "_r",
            "issue_instant": statement().issue_instant,
            "issuer": "sp",
            "destination": "https://idp.example/",
            "acs_url": "https://sp.example/acs",
            "subject": ("ada", "format"),
            "name_id_format": "format",
        }
        return etree.fromstring(request.authn_request(**{**said, **changes}))

    changes: dict[str, Any] = {field: value}
    if field == "subject":
        changes = {"subject": (value, "format")}
    if field == "subject_format":
        changes = {"subject": ("ada", value)}
    root = made(**changes)
    assert root.tag == samlp("AuthnRequest")
    assert shape(root) == shape(made())
    found = [element.text for element in root.iter()] + [v for element in root.iter() for v in element.attrib.values()]
    assert value in found


@given(entity_id=hostile.filter(bool), url=hostile.filter(bool))
def test_i4_no_value_of_our_metadata_breaks_out_of_its_place(entity_id: str, url: str) -> None:
    def made(entity: str, acs: str) -> etree._Element:
        octets = metadata.write_sp(
            entity_id=entity, acs_urls=[acs], certificates=[idp_certificate()], authn_requests_signed=True
        )
        return etree.fromstring(octets)

    root = made(entity_id, url)
    assert shape(root) == shape(made("x", "y"))
    assert root.get("entityID") == entity_id


@pytest.mark.parametrize("value", UNWRITABLE)
@pytest.mark.parametrize("field", [*TEXTS, *ATTRIBUTES])
def test_i4_what_xml_cannot_carry_is_refused_and_not_left_out(field: str, value: str) -> None:
    with pytest.raises(Refused) as caught:
        issued(**{**PLAIN, field: value})
    assert caught.value.code == "saml.unwritable"


@pytest.mark.parametrize("value", UNWRITABLE)
@pytest.mark.parametrize("place", ["name", "value"])
def test_i4_an_attribute_that_xml_cannot_carry_is_refused(place: str, value: str) -> None:
    with pytest.raises(Refused) as caught:
        issued(attributes={value: ("x",)} if place == "name" else {"x": ("good", value)})
    assert caught.value.code == "saml.unwritable"


@pytest.mark.parametrize("value", UNWRITABLE)
@pytest.mark.parametrize("field", ["issuer", "destination", "acs_url", "subject", "subject_format", "name_id_format"])
def test_i4_a_request_that_xml_cannot_carry_is_refused(field: str, value: str) -> None:
    said: dict[str, Any] = {"issuer": "sp", "destination": "d", "acs_url": "a", "subject": ("ada", "f")}
    changes: dict[str, Any] = {field: value}
    if field.startswith("subject"):
        changes = {"subject": (value, "f") if field == "subject" else ("ada", value)}
    with pytest.raises(Refused) as caught:
        request.authn_request(id="_r", issue_instant=statement().issue_instant, **{**said, **changes})
    assert caught.value.code == "saml.unwritable"


def test_i4_a_signed_response_says_what_was_given_and_nothing_more() -> None:
    """Signed after it was built: what breaks out would be signed with it."""
    evil = HOSTILE[6]
    octets = issue.response(
        replace(statement(), name_id=evil, attributes={"mail": (evil,)}),
        response_id="_r",
        assertion_id="_a",
        key=idp_key(),
        certificate_pem=None,
        sign="both",
    )
    root = etree.fromstring(octets)
    assert [name.text for name in root.iter(saml("NameID"))] == [evil]
    assert [value.text for value in root.iter(saml("AttributeValue"))] == [evil]


def test_i7_a_million_names_from_the_systems_randomness_do_not_repeat() -> None:
    """As our AuthnRequests are named: 160 bits, and a letter in front, as an xs:ID must begin [SAMLCore 1.3.4]."""
    entropy = SystemEntropy()
    drawn = {entropy.bytes(20) for _ in range(1_000_000)}
    assert len(drawn) == 1_000_000
    assert {len(name) for name in drawn} == {20}
