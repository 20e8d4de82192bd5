"""Names that strangers make up: parsed, and forgotten."""

import os
import threading
from pathlib import Path

import pytest
from tests.builders_saml import response_xml, valid

from vestibule.xml import dictionary
from vestibule.xml.parse import parse


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with nothing known."""
    monkeypatch.setattr(dictionary, "_familiar", {None})
    monkeypatch.setattr(dictionary, "_familiar_size", 0)


def where(octets: bytes) -> str:
    """The thread that such a document is parsed in."""

    def name() -> str:
        return threading.current_thread().name

    return dictionary.parsed(octets, here=name, apart=name)


def is_here(octets: bytes) -> bool:
    return where(octets) == threading.current_thread().name


def elements(names: range) -> bytes:
    return b"<a>%s</a>" % b"".join(b"<x%d/>" % n for n in names)


def test_a_message_is_familiar_the_first_time_and_every_time() -> None:
    """Values are no names: 4,096 groups change nothing."""
    many = response_xml(attributes={"memberOf": tuple(f"CN=group {n},OU=x=y,DC=acme" for n in range(4096))})
    assert is_here(many)
    known = len(dictionary._familiar)
    assert is_here(response_xml(attributes={"other": ("z=1 <zz a='b'>",)}))
    assert len(dictionary._familiar) == known


def test_names_beyond_the_bound_are_parsed_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """In number and in size, in one document and in all; what is known stays known, and the rest is read all the same."""
    assert is_here(elements(range(dictionary.MAX_NEW - 1)))
    assert not is_here(elements(range(1000, 1001 + dictionary.MAX_NEW)))
    monkeypatch.setattr(dictionary, "MAX_FAMILIAR", 210)
    assert is_here(elements(range(1000, 1005)))
    assert not is_here(elements(range(2000, 2010)))
    assert is_here(elements(range(1000, 1005)))
    assert parse(elements(range(2000, 2010)))[9].tag == "x2009"
    monkeypatch.setattr(dictionary, "MAX_FAMILIAR", 2000)
    assert not is_here(b"<%s/>" % (b"n" * (dictionary.MAX_FAMILIAR_SIZE + 1)))


@pytest.mark.parametrize(
    "kind", ["<n{}/>", "<a n{}=''/>", "<a xmlns:n{}='u:x'/>", "<a xmlns='u:n{}'/>", "<a xmlns:p='u:n{}'/>"]
)
def test_each_kind_of_name_counts(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of elements, attributes, prefixes and namespaces."""
    monkeypatch.setattr(dictionary, "MAX_FAMILIAR", 8)
    assert not all(is_here(f"<r>{kind.format(n)}</r>".encode()) for n in range(10))


@pytest.mark.parametrize(
    ("octets", "here"),
    [
        (b"<a>\n%s<b/></a>" % (b" " * 64), True),
        (b"<a>\r\n%s<b/></a>" % (b"\t" * 16), True),
        (b"<a>%stext</a>" % (b" \n" * 20), True),
        (b"<a>%s<b/></a>" % (b" \n" * 8), False),
        (b"<a>\n%s<b/></a>" % (b" " * 65), False),
        (b"<a>\n%s<b/></a>" % (b" " * 20 + b"\t"), False),
        (b"<a>&unknown;</a>", False),
        (b"<a b1 b2/>", False),
        (b"<a>", False),
    ],
)
def test_indentation_is_familiar_and_other_white_space_is_not(octets: bytes, here: bool) -> None:
    """White space between elements is kept like a name; of what is not well-formed nobody knows what would be kept."""
    assert is_here(octets) is here


def test_a_message_that_is_parsed_apart_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read there, copied, verified and judged here, with either signature."""
    monkeypatch.setattr(dictionary, "_is_familiar", lambda octets: False)
    for kind in ("assertion", "response", "both"):
        assert valid(response_xml(sign=kind)).attributes["memberOf"] == ("staff", "engineering")


@pytest.mark.parametrize("text", [b"", b"#default"])
def test_memory_does_not_grow_with_strangers_names(text: bytes) -> None:
    """Documents full of names that nobody has seen: once the allocator has settled, sixty leave next to nothing."""

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def post(times: int) -> None:
        for _ in range(times):
            parse(b"<a>%s%s</a>" % (text, b"".join(b"<x%s/>" % os.urandom(40).hex().encode() for _ in range(3000))))

    post(30)
    settled = resident()
    post(60)
    assert resident() - settled < 8_000_000, "sixty documents hold fourteen megabytes of names"
