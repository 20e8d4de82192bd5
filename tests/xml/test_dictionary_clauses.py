"""How much a process comes to know of strangers' names, in numbers, and what is no prefix."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from lxml import etree
from tests.xml.test_dictionary import _forgetful as _forgetful
from tests.xml.test_dictionary import elements, is_here

from vestibule.xml import dictionary


def test_two_hundred_new_names_are_learned_at_once_and_no_more() -> None:
    """`<a>` is the two hundredth."""
    assert not is_here(elements(range(200)))
    assert is_here(elements(range(199)))


def test_two_thousand_names_are_known_in_all() -> None:
    """The reader's own name of the default namespace is one of them."""
    assert is_here(elements(range(99)))
    for start in range(99, 1999 - 1, 190):
        assert is_here(elements(range(start, min(start + 190, 1998))))
    assert len(dictionary._familiar) == 2_000
    assert is_here(elements(range(1998)))
    assert not is_here(elements(range(5000, 5001)))


def test_65536_characters_of_names_are_known_in_all() -> None:
    """One name as long as that is the last that is learned; a longer one is not learned."""
    assert not is_here(b"<%s/>" % (b"n" * 65_537))
    assert is_here(b"<%s/>" % (b"n" * 65_536))
    assert not is_here(b"<m/>")


@pytest.mark.parametrize(("tabs", "here"), [(16, True), (17, False)])
def test_sixteen_tabs_are_indentation_and_seventeen_are_not(tabs: int, here: bool) -> None:
    """Deeper than anybody indents."""
    assert is_here(b"<a>\n%s<b/></a>" % (b"\t" * tabs)) is here


@pytest.mark.parametrize("prefix", ["a<b", 'a"', "a\u00b2", "<", "1a", ""])
def test_what_is_no_prefix_is_left_out_without_a_word(prefix: str) -> None:
    """A PrefixList is a signer's text: nonsense in it is not put into a document of ours, and no error comes of it."""
    dictionary.enter((prefix, "good"))
    assert etree.fromstring('<a xmlns:good="u:g"/>').nsmap == {"good": "u:g"}


@pytest.mark.parametrize("familiar", [True, False], ids=["parsed here", "parsed apart"])
def test_the_default_namespace_is_entered_where_the_signature_will_be_verified(
    familiar: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this thread, wherever the document is parsed, and in that one too; of a document that does not name it, in neither."""
    monkeypatch.setattr(dictionary, "_is_familiar", lambda octets: familiar)
    monkeypatch.setattr(dictionary, "_entered", threading.local())

    def entered() -> set[str]:
        return set(dictionary._entered.__dict__.get("prefixes", ()))

    assert dictionary.parsed(b"<a b='default'/>", here=entered, apart=entered) == set()
    assert entered() == set()
    assert dictionary.parsed(b"<a b='#default'/>", here=entered, apart=entered) == {"#default"}
    assert entered() == {"#default"}


def test_a_first_message_that_is_parsed_apart_is_verified_with_its_default_namespace() -> None:
    """In a process that has met nothing yet, with `#default` in the PrefixList of SignedInfo: an honest signature is believed."""
    program = """
import sys
from lxml import etree
from tests.builders_saml import NAME, idp_key, response_xml, verified
from tests.xml.other_signer import pem, xmlsec_sign
from vestibule.saml.names import saml
from vestibule.xml import dictionary

octets = response_xml(sign="none").replace(b"<samlp:", b"<").replace(b"</samlp:", b"</")
root = etree.fromstring(octets.replace(b"xmlns:samlp=", b"xmlns="))
xmlsec_sign(root.find(saml("Assertion")), pem(idp_key()), prefixes="#default", everywhere=True)
dictionary._is_familiar = lambda octets: False
sys.exit(verified(etree.tostring(root)).assertion.name_id.value != NAME)
"""
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": f"{root}:{root / 'src'}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
