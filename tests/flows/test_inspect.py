"""Inspecting: what is said about each usual mistake, made from a message that makes it; and what is never said."""

import ast
import base64
import copy
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.builders_saml import certificate_for, idp_certificate, idp_key
from tests.doubles import START
from tests.flows.inspecting import ACS, NAMES, SP, Desk, advised, looked, octets, value
from tests.xml.encrypter import How

import vestibule
from vestibule.flows import closer, hints
from vestibule.flows.inspection import Inspection
from vestibule.flows.walk import ROAD, STAGES, stage_of
from vestibule.ground.errors import Refused
from vestibule.saml.checks import RULES
from vestibule.saml.names import FORMAT_TRANSIENT, ds, saml, samlp
from vestibule.xml.certificate import describe
from vestibule.xml.encryption import XENC

SOURCE = Path(vestibule.__file__).parent
Edit = Callable[[etree._Element], Any]


@pytest.fixture(scope="module")
def standing_desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One for many responses: inspecting leaves nothing behind."""
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def refused(found: Inspection, code: str) -> Inspection:
    assert (found.code, found.accepted) == (code, False), found.verdict
    assert found.verdict.startswith(f"Refused by {code}: ")
    return found


# -- the road --------------------------------------------------------------------------------------------------------------


def test_an_honest_response_passes_every_stage_and_every_rule(desk: Desk) -> None:
    found = desk.inspect(value())
    assert (found.accepted, found.code, found.believed) == (True, None, True)
    assert [(one.name, one.verdict) for one in found.stages] == [(name, "pass") for name in ROAD]
    rules = [
        one.rule
        for stage in found.stages
        if stage.name == "rules"
        for one in stage.findings
        if one.rule != "saml.instants"
    ]
    assert rules == [rule.name for rule in RULES]
    assert found.way is not None
    assert found.way.application == "crm"
    assert (found.advice, found.evidence, found.at_issue) == ((), (), None)
    assert {claim.name: claim.attribute for claim in found.claims} == {
        "email": "mail", "email_verified": None, "groups": "memberOf", "name": "displayName",
    }  # fmt: skip


def test_all_rules_are_judged_past_the_first_that_fails(desk: Desk) -> None:
    """Two mistakes at once are two lines, and each is looked at."""
    found = refused(desk.inspect(value(audience=f"{SP}/", recipient=f"{ACS}&x=1")), "saml.audience")
    (rules,) = (stage for stage in found.stages if stage.name == "rules")
    assert {one.rule for one in rules.findings if one.verdict == "fail"} == {"saml.audience", "saml.recipient"}
    assert len([one for one in rules.findings if one.verdict in ("pass", "fail")]) == len(RULES)
    assert [one.what for one in found.comparisons] == ["audience", "recipient"]
    assert [stage.verdict for stage in found.stages][-4:] == ["unreached"] * 4


def test_what_lies_behind_a_failure_is_not_reached(desk: Desk) -> None:
    found = refused(desk.inspect("no base64!"), "saml.base64")
    assert [stage.verdict for stage in found.stages] == ["pass", "fail", *["unreached"] * (len(ROAD) - 2)]


def test_where_nothing_was_verified_the_rules_are_suppositions(desk: Desk) -> None:
    """The next mistake shows before the first is mended; and it is said that nothing is believed."""
    found = refused(desk.inspect(value(key=idp_key("new"), audience="https://other.example/")), "xml.signature_value")
    assert not found.believed
    (rules,) = (stage for stage in found.stages if stage.name == "rules")
    assert rules.verdict == "unreached"
    assert [one.rule for one in rules.findings if one.verdict == "fail"] == ["saml.audience"]


@pytest.mark.parametrize("code", sorted({rule.name for rule in RULES}))
def test_every_rule_belongs_to_the_rules(code: str) -> None:
    assert stage_of(code) == "rules"


def test_every_stage_is_on_the_road() -> None:
    assert set(STAGES) == set(ROAD)


# -- the usual mistakes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audience", "difference"),
    [
        (f"{SP}/", "They differ only by a slash at the end."),
        (SP.replace("https", "http"), "They differ only by the scheme: https is not http."),
        (SP.replace("acme", "Acme"), "They differ only by capital letters."),
        (SP.replace(".example/", ".example:8443/"), "They differ only by the port."),
        (SP.replace("login.example", "sso.example"), "They differ only by the host name."),
        (f"{SP}?x=1", "They differ only by the query, behind the question mark."),
        ("https://{tenant}/", "One of them still holds a placeholder, which somebody should have filled in."),
        ("urn:other", ""),
    ],
)
def test_a_wrong_audience_is_shown_beside_the_right_one(desk: Desk, audience: str, difference: str) -> None:
    found = refused(desk.inspect(value(audience=audience)), "saml.audience")
    (pair,) = found.comparisons
    assert (pair.what, pair.want, pair.got, pair.difference) == ("audience", SP, audience, difference)
    assert (pair.want[: pair.at], pair.want[pair.at : pair.at + 1]) != (pair.got[: pair.at + 1], "")
    assert pair.want[: pair.at] == pair.got[: pair.at]
    assert SP in advised(found)
    assert "`sp_entity_id` of connection acme" in advised(found)


def test_an_audience_of_another_connection_is_recognised(desk: Desk) -> None:
    found = desk.inspect(value(audience=SP.replace("acme", "globex")))
    assert "belongs to connection globex" in looked(found)


@pytest.mark.parametrize("field", ["recipient", "destination"])
def test_a_wrong_address_is_shown_with_the_one_to_paste(desk: Desk, field: str) -> None:
    found = refused(desk.inspect(value(**{field: ACS.replace("https", "http")})), f"saml.{field}")
    assert "They differ only by the scheme: https is not http." in looked(found)
    assert ACS in advised(found)
    other = desk.inspect(value(**{field: ACS.replace("acme", "globex")}))
    assert "belongs to connection globex" in looked(other)


def test_another_style_of_our_own_address_is_recognised(desk: Desk) -> None:
    """And with --acs it passes."""
    path = "https://login.example/saml/acs/acme"
    made = value(recipient=path, destination=path)
    found = refused(desk.inspect(made), "saml.destination")
    assert "this connection's own address of the style `path`" in looked(found)
    assert desk.inspect(made, style="path").accepted


@pytest.mark.parametrize(
    ("issuer", "difference"),
    [
        ("https://idp.acme.example/saml/", "They differ only by a slash at the end."),
        ("http://idp.acme.example/saml", "They differ only by the scheme: https is not http."),
        (
            "https://sts.example/{tenantid}/",
            "One of them still holds a placeholder, which somebody should have filled in.",
        ),
    ],
)
def test_a_wrong_issuer_is_shown_beside_the_right_one(desk: Desk, issuer: str, difference: str) -> None:
    found = refused(desk.inspect(value(issuer=issuer)), "saml.response_issuer")
    assert {one.difference for one in found.comparisons} == {difference}
    assert "`idp.entity_id` of connection acme" in advised(found)


def test_the_issuer_of_another_connection_is_recognised(desk: Desk) -> None:
    assert "belongs to connection globex" in looked(desk.inspect(value(issuer="https://idp.globex.example/saml")))


@pytest.mark.parametrize(
    ("ahead", "sentence"),
    [
        (
            90,
            "90 s ahead of the time that it was judged at; 60 s are allowed. If the clocks cannot be set right, `clock_skew: 90`",
        ),
        (300, "`clock_skew: 300` would allow it"),
        (301, "No `clock_skew` allows that: 300 s is the most."),
    ],
)
def test_a_clock_that_goes_ahead_is_measured(desk: Desk, tmp_path: Path, ahead: int, sentence: str) -> None:
    """The setting that is named does allow it."""
    made = value(not_before=START + timedelta(seconds=ahead), not_on_or_after=START + timedelta(minutes=10))
    found = refused(desk.inspect(made), "saml.not_before")
    assert sentence in looked(found)
    assert "NTP" in advised(found)
    skew = re.search(r"clock_skew: (\d+)", looked(found))
    if skew is not None:
        (tmp_path / "again").mkdir()
        assert Desk(tmp_path / "again", f"clock_skew: {skew[1]}").inspect(made).accepted


@pytest.mark.parametrize(("late", "skew"), [(60, 61), (299, 300)])
def test_a_clock_that_is_behind_is_measured(desk: Desk, tmp_path: Path, late: int, skew: int) -> None:
    made = value(not_before=START - timedelta(minutes=9), not_on_or_after=START - timedelta(seconds=late))
    found = refused(desk.inspect(made), "saml.not_on_or_after")
    assert f"over for {late} s when it was judged" in looked(found).replace(f"4 min ({late} s)", f"{late} s")
    assert f"`clock_skew: {skew}` would allow it" in looked(found)
    (tmp_path / "again").mkdir()
    assert Desk(tmp_path / "again", f"clock_skew: {skew}").inspect(made).accepted


def test_a_rolled_over_certificate_is_named_and_not_believed(desk: Desk) -> None:
    """The certificate that came along would verify it: only that, and which one it is, is said."""
    found = refused(desk.inspect(value(key=idp_key("new"), certificate=idp_certificate("new"))), "xml.signature_value")
    said = looked(found)
    assert "signed, and unchanged, by a certificate that connection acme does not have" in said
    fingerprint = fingerprint_of(idp_certificate("new"))
    assert f"SHA-256 {fingerprint}" in said
    assert "valid 2020-01-01 to 2029-12-29" in said
    assert "anybody can bring a certificate along" in said
    assert "`idp.certificates` of connection acme" in advised(found)


def fingerprint_of(pem: str) -> str:
    facts = describe(pem)
    assert facts is not None
    return facts.fingerprint


def test_a_signature_without_a_certificate_is_nobodys(desk: Desk) -> None:
    found = refused(desk.inspect(value(key=idp_key("new"))), "xml.signature_value")
    assert "brings no certificate along" in looked(found)


def test_a_weak_certificate_that_came_along_is_called_weak(desk: Desk) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 it is to be called weak
    found = refused(desk.inspect(value(key=weak, certificate=certificate_for(weak))), "xml.signature_value")
    assert "too weak" in looked(found)
    assert "RSA 1024" in looked(found)


def _text(name: str, to: str) -> Edit:
    def tamper(root: etree._Element) -> None:
        next(root.iter(name)).text = to

    return tamper


def test_what_was_changed_on_its_way_is_told_from_a_wrong_key(desk: Desk) -> None:
    """The digest fails: the signature is ours. The value fails under its own certificate: the signature itself was changed."""
    changed = refused(desk.inspect(value(tamper=_text(saml("NameID"), "mallory@acme.example"))), "xml.signature_digest")
    assert "was made by a certificate of this connection, but what it covers was changed" in looked(changed)

    def spoil(root: etree._Element) -> None:
        found = next(root.iter(ds("SignatureValue")))
        text = found.text or ""
        found.text = ("B" if text[0] != "B" else "C") + text[1:]

    broken = refused(desk.inspect(value(certificate=idp_certificate(), tamper=spoil)), "xml.signature_value")
    assert "brings this connection's own certificate 1, so nothing rolled over: the signature was changed" in looked(
        broken
    )
    alien = value(key=idp_key("new"), certificate=idp_certificate("new"), tamper=spoil)
    assert "not even the certificate that the message brings verifies it" in looked(desk.inspect(alien))

    both = value(
        key=idp_key("new"), certificate=idp_certificate("new"), tamper=_text(saml("NameID"), "mallory@acme.example")
    )
    assert "was changed after it was signed; and it was signed by a certificate" in looked(desk.inspect(both))


@pytest.mark.parametrize(
    ("text", "doubly"),
    [
        (base64.b64encode(value().encode()).decode(), True),
        (base64.b64encode(base64.encodebytes(octets())).decode(), True),
        (base64.b64encode(b"a template that was never filled in").decode(), False),
        (base64.b64encode(base64.b64encode(b"no message")).decode(), False),
        (base64.b64encode(b"<Response>").decode(), False),
        ("=", False),
    ],
)
def test_base64_of_base64_is_called_so(desk: Desk, text: str, doubly: bool) -> None:
    """It is refused as what it is, something that is no XML; and the closer look says how it came about."""
    found = desk.inspect(text)
    assert not found.accepted
    assert ("base64 of base64" in looked(found)) == doubly


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("InvalidNameIDPolicy", "Allow emailAddress or persistent as the NameID format"),
        ("RequestDenied", "assign the person to the application"),
        ("Unheard_of.thing", "Look into its sign-in log"),
    ],
)
def test_a_status_has_the_advice_of_its_second_code(desk: Desk, second: str, told: str) -> None:
    def edit(root: etree._Element) -> None:
        outer = next(root.iter(samlp("StatusCode")))
        outer.set("Value", "urn:oasis:names:tc:SAML:2.0:status:Requester")
        etree.SubElement(outer, samlp("StatusCode"), Value=f"urn:oasis:names:tc:SAML:2.0:status:{second}")
        root.remove(root.find(saml("Assertion")))

    found = refused(desk.inspect(value(sign="none", edit=edit)), "saml.status")
    assert [one.code for one in found.advice] == ["saml.status"]
    assert told in advised(found)
    assert ("Vestibule asks for no format of its own" in advised(found)) == (second == "InvalidNameIDPolicy")


def _indented(root: etree._Element) -> None:
    etree.indent(root)


def test_a_copy_that_a_viewer_indented_is_not_called_a_new_certificate(desk: Desk) -> None:
    """The message brings the connection's own certificate: what is to be mended is the copy."""
    for how in ({"sign": "assertion"}, {"sign": "response"}):
        found = refused(
            desk.inspect(value(certificate=idp_certificate(), tamper=_indented, **how)), "xml.signature_value"
        )
        said = looked(found)
        assert "brings this connection's own certificate 1, so nothing rolled over" in said
        assert "copied from a viewer that indents XML? Save a HAR file instead." in said
        assert [one.code for one in found.advice] == ["xml.signature_value"]
        assert "pretty-printed" in advised(found)
        assert "it rolled over" not in advised(found)


def test_an_indented_copy_without_a_certificate_is_perhaps_one(desk: Desk) -> None:
    """White space in what was signed may have been there from the first, so both are said; without it nothing of the kind is."""
    found = refused(desk.inspect(value(tamper=_indented)), "xml.signature_value")
    assert "perhaps it was reformatted" in looked(found)
    assert "it rolled over" in advised(found)
    assert "reformatted" not in looked(desk.inspect(value(key=idp_key("new"))))


def test_an_unsigned_response_is_told_which_switch(desk: Desk) -> None:
    assert "sign assertion" in advised(refused(desk.inspect(value(sign="none")), "saml.unsigned"))


def _sha1(root: etree._Element) -> None:
    next(root.iter(ds("SignatureMethod"))).set("Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")


def test_sha1_is_called_by_its_name(desk: Desk) -> None:
    found = refused(desk.inspect(value(tamper=_sha1)), "xml.signature_algorithm")
    assert "signed with rsa-sha1, digest sha256" in looked(found)
    assert "`allow_sha1_signatures` of connection acme" in advised(found)
    assert "rsa-sha256" in advised(found)


def _signed_with_sha1(root: etree._Element) -> None:
    assertion = root.find(saml("Assertion"))
    made = assertion.find(ds("Signature"))
    assertion.remove(made)
    digest = hashlib.sha1(_canonical(assertion), usedforsecurity=False).digest()
    next(made.iter(ds("DigestMethod"))).set("Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")
    next(made.iter(ds("DigestValue"))).text = base64.b64encode(digest).decode()
    next(made.iter(ds("SignatureMethod"))).set("Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")
    assertion.insert(1, made)
    signed = _canonical(made.find(ds("SignedInfo")))
    value = idp_key().sign(signed, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 what is to be refused
    made.find(ds("SignatureValue")).text = base64.b64encode(value).decode()


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)


def test_sha1_that_is_right_but_for_its_age_is_told_so(desk: Desk, tmp_path: Path) -> None:
    """Then the setting that is named lets it pass."""
    made = value(tamper=_signed_with_sha1)
    found = refused(desk.inspect(made), "xml.signature_algorithm")
    assert "signed with rsa-sha1, digest sha1. But for that it would verify with certificate 1" in looked(found)
    (tmp_path / "again").mkdir()
    assert Desk(tmp_path / "again", "allow_sha1_signatures: true").inspect(made).accepted


def _inclusive(root: etree._Element) -> None:
    next(root.iter(ds("CanonicalizationMethod"))).set("Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")


def _transform(root: etree._Element) -> None:
    list(root.iter(ds("Transform")))[1].set("Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")


@pytest.mark.parametrize(
    ("tamper", "code"),
    [(_inclusive, "xml.signature_canonicalization"), (_transform, "xml.signature_transforms")],
)
def test_another_canonical_form_is_told_back_to_the_default(desk: Desk, tamper: Edit, code: str) -> None:
    assert "exclusive canonicalisation" in advised(refused(desk.inspect(value(tamper=tamper)), code))


def test_a_transient_name_id_is_told_both_ways_out(desk: Desk) -> None:
    found = refused(desk.inspect(value(name_id_format=FORMAT_TRANSIENT)), "saml.transient_name_id")
    assert "Attributes that came, and could name the person: displayName, mail, memberOf." in looked(found)
    assert "persistent" in advised(found)
    assert "`subject_attribute` of connection acme" in advised(found)


def test_an_empty_name_id_says_what_format_it_had(desk: Desk) -> None:
    found = refused(desk.inspect(value(name_id="\N{ZERO WIDTH SPACE}")), "saml.name_id")
    assert "Its format is urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress." in looked(found)


@pytest.mark.parametrize(
    ("how", "code", "words"),
    [
        (How(content=XENC + "tripledes-cbc"), "xml.encryption_algorithm", "Encrypted with tripledes-cbc"),
        (How(content=XENC + "aes256-cbc"), "xml.encryption_algorithm", "AES-CBC lets what is encrypted be changed"),
        (How(wrap=lambda octets: octets[:-1] + bytes([octets[-1] ^ 1])), "xml.decryption", "rsa-oaep-mgf1p"),
    ],
)
def test_encryption_that_does_not_fit_is_called_by_its_name(desk: Desk, how: How, code: str, words: str) -> None:
    found = refused(desk.inspect(desk.encrypted(how)), code)
    assert words in looked(found)
    assert SP in advised(found), "our metadata, with the certificate to encrypt for"


def test_an_encrypted_response_is_opened_verified_and_told(desk: Desk) -> None:
    found = desk.inspect(desk.encrypted())
    assert found.accepted
    (stage,) = (stage for stage in found.stages if stage.name == "encryption")
    assert "aes256-gcm" in str(stage.findings)
    assert [(one.where, one.position) for one in found.signatures] == [("Assertion", 1)]


def test_encrypted_for_nobody_here_says_so(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    foreign = Desk(tmp_path / "other").encrypted()
    found = refused(desk.inspect(foreign), "xml.encryption_no_key")
    assert SP in advised(found)


def _status(*codes: str, message: str = "") -> Edit:
    def edit(root: etree._Element) -> None:
        status = root.find(samlp("Status"))
        outer = status.find(samlp("StatusCode"))
        outer.set("Value", f"urn:oasis:names:tc:SAML:2.0:status:{codes[0]}")
        if len(codes) > 1:
            etree.SubElement(outer, samlp("StatusCode"), Value=f"urn:oasis:names:tc:SAML:2.0:status:{codes[1]}")
        if message:
            etree.SubElement(status, samlp("StatusMessage")).text = message
        root.remove(root.find(saml("Assertion")))

    return edit


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (("Requester", "RequestDenied"), "not assigned to this application"),
        (("Responder", "NoPassive"), "nobody is signed in there"),
        (("Responder", "AuthnFailed"), "could not sign in there"),
        (("Responder",), "its log says more"),
    ],
)
def test_a_status_is_told_in_words_and_its_message_is_hidden(desk: Desk, codes: tuple[str, ...], words: str) -> None:
    made = value(sign="none", edit=_status(*codes, message="User ada@acme.example is not assigned"))
    found = refused(desk.inspect(made), "saml.status")
    assert words in looked(found)
    assert found.message is not None
    assert found.message.status_message is not None
    assert (found.message.status_message.value, found.message.status_message.characters) == (None, 37)
    shown = desk.inspect(made, reveal=True).message
    assert shown is not None
    assert shown.status_message is not None
    assert shown.status_message.value == "User ada@acme.example is not assigned"
    reached = {stage.name: stage.verdict for stage in found.stages}
    assert (reached["shape"], reached["signature"], reached["rules"]) == ("pass", "unreached", "fail")


def _comment(root: etree._Element) -> None:
    root.find(saml("Assertion")).append(etree.Comment("made by a template"))


def _pi(root: etree._Element) -> None:
    root.append(etree.ProcessingInstruction("a"))


def _no_authn(root: etree._Element) -> None:
    assertion = root.find(saml("Assertion"))
    assertion.remove(assertion.find(saml("AuthnStatement")))


def _several(root: etree._Element) -> None:
    root.append(copy.deepcopy(root.find(saml("Assertion"))))


@pytest.mark.parametrize(
    ("how", "code", "words"),
    [
        ({"tamper": _comment}, "xml.comment", "Take comments"),
        ({"tamper": _pi}, "xml.processing_instruction", "Take comments"),
        ({"edit": _no_authn}, "saml.authn_statement", "AuthnStatement"),
        ({"tamper": _several}, "saml.one_assertion", "one assertion"),
        ({"in_response_to": "_dummy"}, "login.unknown_request", "`ignore_unknown_in_response_to` of connection acme"),
        ({"not_on_or_after": START + timedelta(days=2)}, "saml.window", "five minutes"),
    ],
)
def test_further_mistakes_have_their_own_words(desk: Desk, how: dict[str, Any], code: str, words: str) -> None:
    assert words in advised(refused(desk.inspect(value(**how)), code))


def test_a_doctype_has_its_own_words(desk: Desk) -> None:
    assert "DOCTYPE" in advised(refused(desk.inspect(b"<!DOCTYPE a>" + octets()), "xml.doctype"))


def test_an_email_that_is_not_told_is_explained(desk: Desk) -> None:
    found = desk.inspect(value(attributes={"mail": ("ada@foreign.example",)}))
    said = " ".join(one.why for stage in found.stages if stage.name == "identity" for one in stage.findings)
    assert "The email that came is not told" in said
    assert "foreign.example" not in said


# -- yesterday -------------------------------------------------------------------------------------------------------------


def test_yesterdays_response_would_have_passed_when_it_was_issued(desk: Desk) -> None:
    found = refused(desk.inspect(value(now=START - timedelta(days=1))), "saml.response_issue_instant")
    assert found.at_issue is not None
    assert (found.at_issue.at, found.at_issue.code) == (START - timedelta(days=1), None)
    assert "1 d (86400 s) old" in looked(found)
    assert desk.inspect(value(now=START - timedelta(days=1)), at=START - timedelta(days=1)).accepted


def test_yesterdays_refusal_is_explained_and_not_its_age(desk: Desk) -> None:
    """What refused it then comes first."""
    found = refused(
        desk.inspect(value(now=START - timedelta(days=1), audience=f"{SP}/")), "saml.response_issue_instant"
    )
    assert found.at_issue is not None
    assert found.at_issue.code == "saml.audience"
    assert [one.code for one in found.advice] == ["saml.audience", "saml.response_issue_instant"]
    assert "They differ only by a slash at the end." in looked(found)


def test_a_refusal_that_time_does_not_mend_says_nothing_of_time(desk: Desk) -> None:
    assert desk.inspect(value(audience=f"{SP}/")).at_issue is None


# -- what is never said ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"audience": f"{SP}/"},
        {"key": idp_key("new"), "certificate": idp_certificate("new")},
        {"name_id_format": FORMAT_TRANSIENT},
        {"tamper": _text(saml("Audience"), "x")},
        {"now": START - timedelta(days=1)},
    ],
)
@pytest.mark.parametrize("encrypted", [False, True])
def test_nothing_that_names_a_person_is_in_it_unless_asked(desk: Desk, how: dict[str, Any], encrypted: bool) -> None:
    """Neither in the clear nor out of what was encrypted; nor a signature, nor a ciphertext even then."""
    made = desk.encrypted(**how) if encrypted else octets(**how)
    written = msgspec.json.encode(desk.inspect(made)).decode()
    for name in NAMES:
        assert name not in written
    asked = msgspec.json.encode(desk.inspect(made, reveal=True)).decode()
    for name in NAMES:
        assert name in asked
    for element in etree.fromstring(made).iter(ds("SignatureValue"), f"{{{XENC}}}CipherValue"):
        assert (element.text or "")[:40] not in asked


def test_an_unknown_connection_is_refused(desk: Desk) -> None:
    with pytest.raises(Refused) as caught:
        desk.inspect(value(), connection="nobody")
    assert caught.value.code == "connection.unknown"


# -- whatever comes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "yesterday", ""])
@pytest.mark.parametrize("name", ["NotBefore", "NotOnOrAfter", "IssueInstant", "AuthnInstant", "SessionNotOnOrAfter"])
@pytest.mark.parametrize("at", [START, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_instants_at_the_ends_of_time_are_looked_at(desk: Desk, name: str, instant: str, at: datetime) -> None:
    """Whatever a message says of time, and whatever time it is judged at: a refusal or not, never a fault of our own."""

    def edit(root: etree._Element) -> None:
        for element in root.iter():
            if element.get(name) is not None or (element.tag == saml("AuthnStatement") and name.startswith("Session")):
                element.set(name, instant)

    for sign in ("assertion", "none"):
        assert desk.inspect(value(edit=edit, sign=sign), at=at).stages


@given(data=st.data())
@settings(max_examples=150)
def test_a_damaged_message_is_inspected_all_the_same(standing_desk: Desk, data: st.DataObject) -> None:
    """Octets cut out, doubled or changed, before or after signing: an inspection is made of it, and accepts nothing that was not sent."""
    whole = octets(sign=data.draw(st.sampled_from(["assertion", "response", "none"])), certificate=idp_certificate())
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 200)))
    part = data.draw(
        st.sampled_from([b"", whole[start:end] * 2, b"<a/>", b"<", b"&amp;", b"\xff", b"9", whole[end : end + 100]])
    )
    damaged = whole[:start] + part + whole[end:]
    found = standing_desk.inspect(damaged)
    assert found.stages
    assert not found.accepted or found.message is not None


# -- the table of hints ----------------------------------------------------------------------------------------------------


def codes() -> set[str]:
    """The codes of every refusal on the road, read off its source."""
    rooms = (
        "saml/bindings",
        "saml/response",
        "saml/trust",
        "saml/shape",
        "saml/assertion",
        "saml/checks",
        "xml/parse",
        "xml/signature",
        "xml/encryption",
    )
    rooms = (*rooms, "ground/form", "flows/judge", "flows/answering", "policy/mapping", "policy/routing", "policy/delivery")  # fmt: skip
    found: set[str] = set()
    for room in rooms:
        for node in ast.walk(ast.parse((SOURCE / f"{room}.py").read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Refused", "_rule", "Objection"):
                given = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "code")]
                found |= {one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    elsewhere = ("saml.deflate", "person.", "launch.", "server.")  # not met by a response on its way to the consumer
    return {code for code in found | {rule.name for rule in RULES} if "." in code and not code.startswith(elsewhere)}


def test_every_refusal_on_the_road_has_a_hint() -> None:
    assert len(codes()) > 60
    assert {code for code in codes() if hints.hint(code) is None} == set()


def test_every_hint_is_for_a_refusal_that_exists() -> None:
    every = codes() | {"login.other_browser", "login.other_host"} | {f"saml.status.{name}" for name in closer.STATUS}
    idle = {
        name
        for name in hints.HINTS
        if not any(code == name or code.startswith((f"{name}.", f"{name}_")) for code in every)
    }
    assert idle == set()


@pytest.mark.parametrize("code", sorted(hints.HINTS))
def test_hints_are_whole_sentences_with_every_value_filled_in(desk: Desk, code: str) -> None:
    told = hints.advice(code, desk.line.bench.connection("acme"), "https://login.example/")
    assert told is not None
    for text in filter(None, (told.usual, told.there, told.here)):
        assert text[-1] in ".:"
        assert "{" not in text
    assert told.usual
    assert not told.there.endswith(":") or told.paste
