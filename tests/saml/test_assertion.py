"""What is read from an assertion that is believed."""

from collections.abc import Callable

import pytest
from lxml import etree
from tests.builders_saml import refusal, response_xml, verified

from vestibule.saml.assertion import Assertion
from vestibule.saml.names import ASSERTION, saml

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
Edit = Callable[[etree._Element], object]


def read(edit: Edit = lambda assertion: None, **changes: object) -> Assertion:
    """The default assertion, changed before it is signed."""
    return verified(response_xml(edit=lambda root: edit(root.find(saml("Assertion"))), **changes)).assertion


def into(path: str, xml: str, at: int = 99) -> Edit:
    """Something of the assertion namespace into the element at `path`."""
    element = etree.fromstring(f'<r xmlns="{ASSERTION}" {XSI}>{xml}</r>')[0]
    return lambda assertion: (assertion.find(path) if path else assertion).insert(at, element)


STATEMENT = saml("AttributeStatement")


def test_every_value_is_read_as_written() -> None:
    """Values are strings, byte for byte; nothing is trimmed."""
    it = read(name_id=" Ada\n", name_qualifier="nq", sp_name_qualifier="sq", in_response_to="_r")
    assert it.name_id is not None
    assert (it.name_id.value, it.name_id.name_qualifier, it.name_id.sp_name_qualifier) == (" Ada\n", "nq", "sq")
    assert it.confirmations[0].in_response_to == "_r"
    assert it.conditions is not None
    assert it.conditions.one_time_use is False
    assert it.attributes["memberOf"] == ("staff", "engineering")
    assert it.authn_statements[0].session_index == "_session-1"


def test_an_empty_in_response_to_names_no_request() -> None:
    """`InResponseTo=""` counts as absent."""

    def edit(assertion: etree._Element) -> None:
        next(assertion.iter(saml("SubjectConfirmationData"))).set("InResponseTo", "")

    assert read(edit).confirmations[0].in_response_to is None


def test_attributes_of_one_name_are_one_attribute() -> None:
    """Further values stand behind the first, in document order, whatever NameFormat and FriendlyName say; equal ones stay."""
    more = '<AttributeStatement><Attribute Name="mail" NameFormat="u:other" FriendlyName="displayName"><AttributeValue>b@x</AttributeValue><AttributeValue>ada@acme.example</AttributeValue></Attribute></AttributeStatement>'
    it = read(into("", more))
    assert it.attributes["mail"] == ("ada@acme.example", "b@x", "ada@acme.example")
    assert it.attributes["displayName"] == ("Ada Lovelace",)


@pytest.mark.parametrize(
    ("value", "values"),
    [
        ("<AttributeValue/>", ("",)),
        ('<AttributeValue xsi:nil="true"/>', ()),
        ('<AttributeValue xsi:nil="1"/>', ()),
        ('<AttributeValue xsi:nil="true">x</AttributeValue>', ("x",)),
        ('<AttributeValue xsi:nil="false"/>', ("",)),
        ("<AttributeValue><NameID>x</NameID></AttributeValue>", ("x",)),
        ("<AttributeValue>\n <NameID>x</NameID>\n</AttributeValue>", ("x",)),
        ("", ()),
    ],
)
def test_attribute_values(value: str, values: tuple[str, ...]) -> None:
    """Empty is a value, null is none, and a lone NameID inside is read, as eduPersonTargetedID is sent."""
    assert read(into(STATEMENT, f'<Attribute Name="n">{value}</Attribute>')).attributes["n"] == values


@pytest.mark.parametrize(
    "content",
    [
        "a<b/>c",
        "a<NameID>b</NameID>",
        "<NameID>b</NameID>a",
        "<NameID>b</NameID><NameID>c</NameID>",
        "<b>x</b>",
        "<b xmlns='u:x' at='y'><NameID>x</NameID></b>",
    ],
)
def test_a_structure_is_no_value(content: str) -> None:
    """Nothing of it is read, neither its elements nor the text between them; the plain values beside it are."""
    values = f"<AttributeValue>{content}</AttributeValue><AttributeValue>plain</AttributeValue>"
    assert read(into(STATEMENT, f'<Attribute Name="n">{values}</Attribute>')).attributes["n"] == ("plain",)


def test_white_space_around_a_uri_is_not_part_of_it() -> None:
    """Issuer and Audience are xs:anyURI, whose white space collapses; a no-break space is not white space to XML."""

    def edit(assertion: etree._Element) -> None:
        assertion[0].text = f"\n\t {assertion[0].text}\r "
        audience = next(assertion.iter(saml("Audience")))
        audience.text = f"\u00a0{audience.text}\n"

    plain, spaced = read(), read(edit)
    assert plain.conditions is not None
    assert spaced.conditions is not None
    assert spaced.issuer == plain.issuer
    assert spaced.conditions.audiences == (("\u00a0" + plain.conditions.audiences[0][0],),)


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (into(STATEMENT, '<Attribute Name="n"><Value>a</Value></Attribute>'), "saml.shape"),
        (into(STATEMENT, "<Attribute><AttributeValue>a</AttributeValue></Attribute>"), "saml.shape"),
        (into(STATEMENT, '<Attribute Name=""/>'), "saml.shape"),
        (into(STATEMENT, '<Wild Name="n"/>'), "saml.shape"),
        (into(STATEMENT, "<EncryptedAttribute/>"), "xml.encryption_shape"),
        (into(saml("Subject"), "<EncryptedID/>", 0), "saml.shape"),
        (into(saml("Subject"), "<NameID>second</NameID>", 0), "saml.shape"),
        (into(saml("Subject"), "<Wild/>"), "saml.shape"),
        (into(f"{saml('Subject')}/{saml('NameID')}", "<Wild/>"), "xml.element_in_text"),
        (into(f"{saml('Conditions')}/{saml('AudienceRestriction')}", "<Wild/>"), "saml.shape"),
        (into(f"{saml('Conditions')}/{saml('AudienceRestriction')}/{saml('Audience')}", "<b/>"), "xml.element_in_text"),
        (lambda assertion: assertion.find(saml("Conditions")).set("Wild", "x"), "saml.shape"),
        (lambda assertion: assertion.set("Id", "x"), "saml.shape"),
        (lambda assertion: assertion.attrib.pop("Version"), "saml.shape"),
        (lambda assertion: assertion.attrib.pop("IssueInstant"), "saml.shape"),
        (into("", "<Wild/>"), "saml.shape"),
        (into("", "<Issuer>second</Issuer>", 1), "saml.shape"),
        (into("", "<Subject/>", 1), "saml.shape"),
        (into("", "<Conditions/>"), "saml.shape"),
    ],
)  # fmt: skip
def test_what_is_not_an_assertion_is_refused_even_if_signed(edit: Edit, code: str) -> None:
    """Encrypted parts, unknown elements, a second Subject, elements in text: each refused, never skipped."""
    with refusal(code):
        read(edit)


def test_advice_and_other_statements_are_not_read() -> None:
    """They are tolerated, and say nothing."""

    def edit(assertion: etree._Element) -> None:
        into("", "<Advice><AssertionIDRef>_x</AssertionIDRef></Advice>", 3)(assertion)
        into("", "<AuthzDecisionStatement/>")(assertion)

    assert read(edit) == read()


def test_an_assertion_without_an_issuer_is_none() -> None:
    """Whoever signed the Response around it: an assertion names who says it [SAMLCore 2.3.3]."""
    with refusal("saml.shape"):
        read(lambda assertion: assertion.remove(assertion[0]), sign="response")


def test_a_subject_that_says_nothing_names_nobody_and_confirms_nothing() -> None:
    """For the rules to refuse, which want a name and a confirmation; and no error of ours."""

    def edit(assertion: etree._Element) -> None:
        subject = assertion.find(saml("Subject"))
        assert subject is not None
        for child in list(subject):
            subject.remove(child)

    found = read(edit)
    assert (found.name_id, found.confirmations) == (None, ())
