"""The last clauses of the shape of a message: what may be missing, what may not be there twice, and what is the very last length."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree
from tests.builders_saml import refusal, response_xml, verified

from vestibule.ground.errors import Refused
from vestibule.saml.assertion import read_assertion
from vestibule.saml.instant import read_instant, shifted
from vestibule.saml.names import ASSERTION, BEARER, PROTOCOL, RESPONDER, SUCCESS, saml, samlp
from vestibule.saml.response import read
from vestibule.saml.shape import Part, require_attributes, require_children

Edit = Callable[[etree._Element], object]
NAMESPACES = f'xmlns="{ASSERTION}" xmlns:samlp="{PROTOCOL}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def made(xml: str) -> etree._Element:
    return etree.fromstring(f"<r {NAMESPACES}>{xml}</r>")[0]


def inside(*edits: Callable[[etree._Element], object]) -> Edit:
    """Changes of the assertion."""
    return lambda root: [edit(root.find(saml("Assertion"))) for edit in edits]


def twice(name: str, xml: str) -> Edit:
    """Another one behind the first, which is made if there is none."""

    def edit(assertion: etree._Element) -> None:
        if assertion.find(saml(name)) is None:
            assertion.find(saml("Conditions")).addnext(made(xml))
        assertion.find(saml(name)).addnext(made(xml))

    return inside(edit)


# -- the response ----------------------------------------------------------------------------------------------------------


def test_an_unverified_response_shows_and_compares_what_it_says_alone() -> None:
    """Not the trees it was read from: they are for whoever verifies."""
    one, other = read(response_xml()), read(response_xml())
    assert one == other
    assert "Element" not in repr(one)


def test_a_response_within_the_evidence_of_others_is_still_one_too_many() -> None:
    """Advice may hold an assertion as somebody else signed it, and never a Response [SAMLCore 2.6.1]."""
    evidence = '<Advice><Assertion ID="_old"><samlp:Response ID="_older"/></Assertion></Advice>'
    octets = response_xml(edit=inside(lambda it: it.find(saml("Conditions")).addnext(made(evidence))))
    with refusal("saml.one_assertion"):
        read(octets)
    without = evidence.replace('<samlp:Response ID="_older"/>', "")
    assert read(response_xml(edit=inside(lambda it: it.find(saml("Conditions")).addnext(made(without)))))


def status(outer: str, inner: str) -> Edit:
    def edit(root: etree._Element) -> None:
        code = root.find(f"{samlp('Status')}/{samlp('StatusCode')}")
        code.set("Value", outer)
        code.append(made(f'<samlp:StatusCode Value="{inner}"/>'))
        root.remove(root.find(saml("Assertion")))

    return edit


@pytest.mark.parametrize(
    ("outer", "inner", "code"),
    [(SUCCESS, RESPONDER, "saml.one_assertion"), (RESPONDER, SUCCESS, "saml.status")],
)
def test_without_an_assertion_the_outermost_status_says_why(outer: str, inner: str, code: str) -> None:
    """The outer one is the answer; those within it are its reasons [SAMLCore 3.2.2.2]."""
    with refusal(code):
        read(response_xml(sign="none", edit=status(outer, inner)))


# -- the assertion ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "xml"),
    [
        ("Issuer", "<Issuer>x</Issuer>"),
        ("Subject", "<Subject/>"),
        ("Conditions", "<Conditions/>"),
        ("Advice", "<Advice/>"),
    ],
)
def test_what_an_assertion_has_once_it_has_not_twice(name: str, xml: str) -> None:
    """Two readers would take one of them each."""
    with refusal("saml.shape"):
        verified(response_xml(edit=twice(name, xml)))


@pytest.mark.parametrize("name", ["Subject", "Conditions"])
def test_what_the_schema_lets_be_missing_is_left_to_the_rules(name: str) -> None:
    """They refuse it among all findings."""
    it = verified(response_xml(edit=inside(lambda one: one.remove(one.find(saml(name)))))).assertion
    assert (it.conditions is None) == (name == "Conditions")
    assert (it.name_id is None, it.confirmations == ()) == ((name == "Subject"),) * 2


@pytest.mark.parametrize("statement", ["Statement xsi:type='x'", "AuthzDecisionStatement", "AttributeStatement"])
def test_each_kind_of_statement_may_stand_at_the_end(statement: str) -> None:
    """Even those that are not read."""
    added = inside(lambda it: it.append(made(f"<{statement}/>")))
    assert verified(response_xml(edit=added)).assertion == verified(response_xml()).assertion


def test_an_assertion_may_be_read_with_its_signature_in_place() -> None:
    """As it stands within a Response whose own signature was verified."""
    signed = etree.fromstring(response_xml()).find(saml("Assertion"))
    assert read_assertion(signed).issuer == verified(response_xml()).assertion.issuer


def test_a_person_by_another_kind_of_identifier_has_no_name_here() -> None:
    """BaseID is in the schema and says nothing by itself [SAMLCore 2.2.1]; that a name is missing is for the rules to say."""

    def edit(assertion: etree._Element) -> None:
        name = assertion.find(f"{saml('Subject')}/{saml('NameID')}")
        name.getparent().replace(name, made("<BaseID xsi:type='x'/>"))

    assert verified(response_xml(edit=inside(edit))).assertion.name_id is None


def test_a_confirmation_without_data_still_says_its_method() -> None:
    """Evidence for whoever looks for what is missing."""

    def edit(assertion: etree._Element) -> None:
        data = next(assertion.iter(saml("SubjectConfirmationData")))
        data.getparent().remove(data)

    (confirmation,) = verified(response_xml(edit=inside(edit))).assertion.confirmations
    assert (confirmation.method, confirmation.has_data) == (BEARER, False)


# -- shapes and instants ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("xml", "parts", "got"),
    [
        ("<a><b/></a>", (Part(("b",), 2),), "1"),
        ("<a><b/><b/></a>", (Part(("b",), 0, 1),), "2"),
        ("<a><b/><c/></a>", (Part(("b",)),), "c"),
        ("<a xmlns='u:x'><c/></a>", (Part(("{u:x}b",)),), "c"),
        ("<a>x<b/></a>", (Part(("b",)),), "text"),
        ("<a><b/>x</a>", (Part(("b",)),), "text"),
        ("<a><b/><c/>x</a>", (Part(("b",)), Part(("c",))), "text"),
        ("<a><c/><b/></a>", (Part(("b",)), Part(("c",))), "b"),
    ],
)
def test_children_are_as_many_as_their_part_says_and_in_its_order(xml: str, parts: tuple[Part, ...], got: str) -> None:
    """The refusal says what was found."""
    with pytest.raises(Refused) as caught:
        require_children(etree.fromstring(xml), *parts)
    assert (caught.value.code, caught.value.got) == ("saml.shape", got)


@pytest.mark.parametrize(
    ("xml", "parts"),
    [
        ("<a/>", (Part(("b",)),)),
        ("<a> <b/>\n<b/>\t</a>", (Part(("b",), 2, 2),)),
        ("<a><b/><c/></a>", (Part(("b", "c"), 2, 2),)),
        ("<a><c/></a>", (Part(("b",)), Part(("c",), 1, 1))),
    ],
)
def test_children_as_the_schema_says_are_none_too_many(xml: str, parts: tuple[Part, ...]) -> None:
    """At the bound, and with white space between."""
    require_children(etree.fromstring(xml), *parts)


def test_attributes_are_those_of_the_schema_and_of_schemas() -> None:
    """Required ones are there, optional ones may be, `xsi:` ones say nothing, any other is refused, in a namespace or not."""
    names = {"required": frozenset({"a"}), "optional": frozenset({"b"})}
    for good in ('<x a=""/>', '<x a="" b=""/>', f'<x a="" {NAMESPACES} xsi:type="y"/>'):
        require_attributes(etree.fromstring(good), **names)
    for bad in ('<x b=""/>', '<x a="" c=""/>', '<x a="" xmlns:n="u:n" n:b=""/>', '<x xmlns:n="u:n" n:a=""/>'):
        with refusal("saml.shape"):
            require_attributes(etree.fromstring(bad), **names)


def test_an_instant_has_38_characters_at_most() -> None:
    """Twelve digits of a fraction and an offset are as long as it gets."""
    longest = "2026-03-04T12:00:00.123456789012+00:00"
    assert len(longest) == 38
    assert read_instant(longest) == datetime(2026, 3, 4, 12, 0, 0, 123_456, tzinfo=UTC)
    assert read_instant("2026-03-04T12:00:00.1Z") == datetime(2026, 3, 4, 12, 0, 0, 100_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("by", "held"),
    [
        (timedelta(days=4_000_000), datetime.max.replace(tzinfo=UTC)),
        (timedelta(days=-4_000_000), datetime.min.replace(tzinfo=UTC)),
    ],
)
def test_a_moment_beyond_the_calendar_is_its_last_on_that_side(by: timedelta, held: datetime) -> None:
    """Whichever side it is."""
    assert shifted(datetime(2026, 3, 4, tzinfo=UTC), by) == held
