"""The bounds of untrusted XML in numbers, and the parser's own settings: the second lock, tried with the first one open."""

from pathlib import Path

import pytest
from lxml import etree
from tests.builders_saml import refusal

from vestibule.ground.errors import Refused
from vestibule.xml.parse import parse, reparse, text


def nested(depth: int) -> bytes:
    return b"<a>" * depth + b"</a>" * depth


def attributes(count: int) -> bytes:
    return b"<a " + b" ".join(b'b%d=""' % n for n in range(count)) + b"/>"


def tags(count: int) -> bytes:
    return b"<a>" + b"<b/>" * (count - 2) + b"</a>"


def declarations(count: int) -> bytes:
    return b"<a>" + b"<b xmlns='u:x'/>" * count + b"</a>"


def namespace(size: int) -> bytes:
    return b"<a xmlns='u:%s'/>" % (b"x" * (size - 2))


def attributes_in_all(count: int) -> bytes:
    return b"<a>" + b"<b %s/>" % b" ".join(b"c%d=''" % n for n in range(50)) * (count // 50) + b"<b c=''/>" * (count % 50) + b"</a>"  # fmt: skip


@pytest.mark.parametrize(
    ("document", "most", "said"),
    [
        (nested, 32, "nested too deeply."),
        (attributes, 64, "too many attributes."),
        (tags, 20_000, "too many tags."),
        (declarations, 5_000, "too many namespace declarations."),
        (namespace, 256, "namespace name is too long"),
        (attributes_in_all, 20_000, "too many attributes."),
    ],
)
def test_each_bound_is_the_number_that_we_say(document: object, most: int, said: str) -> None:
    """At the bound it is read, one beyond it is refused, and the refusal says which bound it was."""
    assert callable(document)
    assert parse(document(most)) is not None
    with pytest.raises(Refused) as caught:
        parse(document(most + 1))
    assert caught.value.code == "xml.too_complex"
    assert said in caught.value.why
    assert caught.value.want == f"<= {most}"


def test_a_message_may_have_a_mebibyte() -> None:
    """1,048,576 octets unless somebody says otherwise."""
    document = b"<a>%s</a>" % (b"x" * (1_048_576 - 7))
    assert parse(document).tag == "a"
    with refusal("xml.too_large"):
        parse(document + b"\n")


@pytest.mark.parametrize("document", [b"<a><?y?></a>", b"<a/><?b c?>", b"<?php?><a/>"])
def test_a_processing_instruction_of_any_name_is_refused(document: bytes) -> None:
    """Wherever it stands."""
    with refusal("xml.processing_instruction"):
        parse(document)


@pytest.mark.parametrize("before", [0, 1, 14, 15, 16, 17, 18, 100])
@pytest.mark.parametrize(
    ("mark", "hidden", "code"),
    [
        (b"?", b"<?x?>", "xml.processing_instruction"),
        (b"!", b"<!-- x -->", "xml.comment"),
        (b"!", b"<!DOCTYPE a>", "xml.doctype"),
    ],
)
def test_what_is_refused_is_found_behind_any_number_of_its_mark(
    mark: bytes, hidden: bytes, code: str, before: int
) -> None:
    """The mark is looked for first, and what stands before it second; where there are many marks, both at once."""
    plain = b"<a><b>%s</b><c/>" % (mark * before)
    assert (parse(plain + b"</a>")[0].text or "") == (mark * before).decode()
    with refusal(code):
        parse(plain + hidden + b"</a>")
    with refusal(code):
        parse(hidden + plain + hidden + b"</a>")


def test_a_mark_at_the_very_beginning_has_nothing_before_it() -> None:
    """Not the octet at the end, which is where Python looks for one before the first."""
    for octets in (b"?a<", b"<a/><b"):
        with refusal("xml.malformed"):
            parse(octets)
    with refusal("xml.processing_instruction"):
        parse(b"?<a><?x?></a>")


def test_the_smallest_attributes_count_in_all_as_others_do() -> None:
    """As many as fit into as few octets as can be: no document is too small to be counted."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
    row = "<a" + "".join(f' {letter}=""' for letter in letters) + "/>"
    enough, beyond = 20_000 // len(letters), 20_000 // len(letters) + 1
    assert len(parse(f"<r>{row * enough}</r>".encode())) == enough
    with refusal("xml.too_complex"):
        parse(f"<r>{row * beyond}</r>".encode())


def test_the_line_that_is_not_well_formed_is_named() -> None:
    """The only evidence there can be."""
    with pytest.raises(Refused) as caught:
        parse(b"<a>\n\n</b>")
    assert (caught.value.code, caught.value.got) == ("xml.malformed", "line 3")


def test_an_external_dtd_is_not_loaded_and_gives_no_defaults(tmp_path: Path) -> None:
    """Were the byte scan to let a DOCTYPE through, the parser would still not open what it names."""
    dtd = tmp_path / "a.dtd"
    dtd.write_text('<!ELEMENT a EMPTY><!ATTLIST a b CDATA "given by default">')
    root = reparse(f'<!DOCTYPE a SYSTEM "{dtd.as_uri()}"><a/>'.encode())
    assert root.get("b") is None
    assert root.getroottree().docinfo.externalDTD is None


def test_the_parsers_own_limits_stay_on() -> None:
    """A tree three hundred deep is refused by the parser itself."""
    with refusal("xml.too_complex"):
        reparse(nested(300))


def test_a_comment_that_slipped_through_parts_no_text() -> None:
    """It stays where it stands, and the text around it is then not read at all, rather than joined or cut."""
    root = reparse(b"<a>admin@a.example<!-- -->.evil.example</a>")
    assert isinstance(root[0], etree._Comment)
    with refusal("xml.element_in_text"):
        text(root)


def declaring(count: int, *, letters: int = 1) -> bytes:
    return b" ".join(b'xmlns:%s%d="u:%d"' % (b"n" * letters, number, number) for number in range(count))


@pytest.mark.parametrize("nested", [False, True])
def test_sixty_four_declarations_may_be_in_scope_and_no_more(nested: bool) -> None:
    """On one element, or on all that it stands in."""

    def document(count: int) -> bytes:
        if not nested:
            return b"<a %s/>" % declaring(count)
        return b"<a %s><b %s/></a>" % (declaring(count - 10), declaring(10, letters=2))

    parse(document(64))
    with refusal("xml.too_complex"):
        parse(document(65))


def test_declarations_of_neighbours_do_not_add_up() -> None:
    """A directory group a value declares its types over and over."""
    neighbours = b"<b %s/>" % declaring(60) * 40
    parse(b"<a>" + neighbours + b"</a>")
    with refusal("xml.too_complex"):  # nor are they a credit
        parse(b"<a>" + neighbours + b"<c %s/></a>" % declaring(65))


def test_a_prefix_has_sixty_four_characters_at_most() -> None:
    """Characters, not octets."""
    for letter in ("x", "é"):
        parse(f'<a xmlns:{letter * 64}="u:x"/>'.encode())
        with refusal("xml.too_complex"):
            parse(f'<a xmlns:{letter * 65}="u:x"/>'.encode())
