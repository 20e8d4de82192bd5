"""Issuing: whatever a directory holds, the message says it and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.builders_saml import NAME, NOW, idp_certificate, idp_key, keys, refusal, statement

from vestibule.saml import issue
from vestibule.saml.names import ATTRNAME_BASIC, ATTRNAME_URI, ds, saml
from vestibule.saml.response import read
from vestibule.saml.trust import verify

WRITABLE = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"), max_size=30
) | st.sampled_from(['"/><saml:x>', "]]>", "<!-- -->", "&amp;", "a\r\nb\tc", "<?x?>", "'\""])


def issued(said: issue.Statement, how: issue.Signed = "assertion") -> bytes:
    return issue.response(
        said, response_id="_r", assertion_id="_a", key=idp_key(), certificate_pem=idp_certificate(), sign=how
    )


@settings(deadline=None, max_examples=60)
@given(WRITABLE, WRITABLE.filter(bool), WRITABLE)
def test_values_cannot_break_out_of_their_place(name_id: str, attribute: str, value: str) -> None:
    """Names and values with markup in them are read back as they were, and nothing else is there."""
    octets = issued(statement(name_id=name_id, attributes={attribute: (value,)}, session_index=value or None))
    it = verify(read(octets), keys=keys()).assertion
    assert it.name_id is not None
    assert it.name_id.value == name_id
    assert it.attributes == {attribute: (value,)}
    assert it.authn_statements[0].session_index == (value or None)


@pytest.mark.parametrize("hostile", ["a\0b", "\x08", "\ud800"])
def test_what_xml_cannot_carry_is_refused(hostile: str) -> None:
    """Rather than dropped or replaced, which could make two people one."""
    for said in (
        statement(name_id=hostile),
        statement(attributes={"a": (hostile,)}),
        statement(attributes={hostile: ()}),
    ):
        with refusal("saml.unwritable"):
            issued(said)


@pytest.mark.parametrize(("how", "count"), [("none", 0), ("assertion", 1), ("response", 1), ("both", 2)])
def test_what_is_to_be_signed_is_signed_behind_its_issuer(how: issue.Signed, count: int) -> None:
    """The schema's place for a Signature, with the certificate in it."""
    root = etree.fromstring(issued(statement(), how))
    found = list(root.iter(ds("Signature")))
    assert len(found) == count
    assert {before.tag for signature in found if (before := signature.getprevious()) is not None} <= {saml("Issuer")}
    assert len(list(root.iter(ds("X509Certificate")))) == count
    if how == "response":
        assert found[0].getparent() is root


def test_name_formats_follow_the_names() -> None:
    """A name that is a URI says so; a plain one is basic. An attribute without values is still there."""
    octets = issued(statement(attributes={"mail": ("x",), "urn:oid:2.5.4.3": (), "https://a.example/b": ("y", "y")}))
    attributes = list(etree.fromstring(octets).iter(saml("Attribute")))
    assert [one.get("NameFormat") for one in attributes] == [ATTRNAME_BASIC, ATTRNAME_URI, ATTRNAME_URI]
    assert [len(one) for one in attributes] == [1, 0, 2]


def test_no_attributes_no_statement() -> None:
    """The schema wants at least one attribute in an AttributeStatement."""
    root = etree.fromstring(issued(statement(attributes={})))
    assert root.find(f".//{saml('AttributeStatement')}") is None


def test_optional_values_are_left_out() -> None:
    """An unsolicited response has no InResponseTo at all; a session without an end has none."""
    octets = issued(statement(in_response_to=None, session_not_on_or_after=None, destination=None))
    for absent in (b"InResponseTo", b"SessionNotOnOrAfter", b"Destination"):
        assert absent not in octets
    octets = issued(statement(in_response_to="_q", session_not_on_or_after=NOW))
    assert octets.count(b'InResponseTo="_q"') == 2
    assert b'SessionNotOnOrAfter="2026-03-04T12:00:00Z"' in octets
    assert NAME.encode() in octets
