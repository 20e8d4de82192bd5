"""How much a process comes to know of strangers' names, in numbers, and what is no prefix."""

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
