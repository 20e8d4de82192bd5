"""The rules' last clauses: what is counted and compared is the number in the documentation, and the evidence is the message's own."""

import pytest
from lxml import etree
from tests.builders_saml import ACS, IDP, NOW, expectation, idp_key, refusal, response_xml, valid, verified
from tests.saml.test_checks import CONDITIONS, CONFIRMATION, DATA, NAME_ID, RESPONSE, drop, moment, put, say

from vestibule.ground.errors import Finding
from vestibule.saml.checks import RULES, examine
from vestibule.saml.names import BEARER, ds, saml, samlp
from vestibule.xml import signature


def found(code: str, octets: bytes) -> Finding:
    """What the rule of that name says of a response."""
    return next(one for one in examine(verified(octets), expect=expectation(), now=NOW) if one.rule == code)


@pytest.mark.parametrize("kind", ["name", "value"])
def test_an_attribute_may_have_65536_characters(kind: str) -> None:
    """In its name as in its value; one more is refused."""
    for size, good in ((65_536, True), (65_537, False)):
        attributes = {"x" * size: ("y",)} if kind == "name" else {"y": ("x" * size,)}
        if good:
            assert valid(response_xml(attributes=attributes)).attributes == attributes
        else:
            with refusal("saml.attributes"):
                valid(response_xml(attributes=attributes))


def test_an_id_of_one_letter_is_an_id() -> None:
    """An NCName begins with a letter or underscore, and may end there."""
    octets = response_xml(response_id="r", assertion_id="_")
    assert (valid(octets).response_id, valid(octets).assertion_id) == ("r", "_")


def test_a_rule_prints_as_its_words() -> None:
    """Name, citation and sentence; the function and the kept finding would hide them."""
    first = RULES[0]
    assert repr(first) == f"Rule(name={first.name!r}, cite={first.cite!r}, sentence={first.sentence!r})"


EVIDENCE: list[tuple[str, bytes, str | None, str | None]] = [
    ("saml.response_issuer", response_xml(sign="both", edit=say(saml("Issuer"), IDP + "/")), IDP, IDP + "/"),
    ("saml.subject_confirmation", response_xml(edit=drop(CONFIRMATION)), BEARER, "none"),
    ("saml.subject_confirmation", response_xml(edit=put(CONFIRMATION, "Method", "u:other")), BEARER, "u:other"),
    ("saml.confirmation_not_before", response_xml(edit=put(DATA, "NotBefore", moment(-60))), "none", moment(-60)),
    ("saml.name_id", response_xml(edit=drop(NAME_ID)), "1 to 256 characters", "no NameID"),
    ("saml.name_id", response_xml(edit=say(NAME_ID, "x" * 257)), "1 to 256 characters", "257 characters"),
    ("saml.not_before", response_xml(edit=put(CONDITIONS, "NotBefore", moment(61))), "<= 2026-03-04T12:00:00Z + 60 s", moment(61)),
    ("saml.destination", response_xml(edit=put(RESPONSE, "Destination", ACS + "/")), ACS, ACS + "/"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "octets", "want", "got"), EVIDENCE)
def test_the_evidence_is_what_was_wanted_and_what_came(code: str, octets: bytes, want: str, got: str) -> None:
    """An operator can act on it without the message itself."""
    finding = found(code, octets)
    assert (finding.verdict, finding.want, finding.got) == ("fail", want, got)


def test_another_issuer_is_told_from_none() -> None:
    """The two are mended in different places at the identity provider."""
    root = etree.fromstring(response_xml(sign="none", edit=drop(saml("Issuer"))))
    signature.sign(root, key=idp_key(), after=samlp("Status"))
    root.insert(0, root.find(ds("Signature")))
    none = found("saml.response_issuer", etree.tostring(root))
    other = found("saml.response_issuer", response_xml(sign="response", edit=say(saml("Issuer"), "u:other")))
    assert ("names no Issuer" in none.why, none.want, none.got) == (True, IDP, "none")
    assert ("another issuer" in other.why, other.want, other.got) == (True, IDP, "u:other")
