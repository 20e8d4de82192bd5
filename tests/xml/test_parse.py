"""Untrusted XML: what is refused before a parser, by it, and after it."""

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.builders_saml import refusal, response_xml

from vestibule.ground.errors import Refused
from vestibule.xml import parse as room
from vestibule.xml.parse import parse, text


def test_a_plain_document_is_read() -> None:
    """The honest positive: nothing that a message needs is refused."""
    root = parse(b"<?xml version='1.0' encoding=\"UTF-8\"?>\n<a b='1'><c>d&amp;\xc3\xa9</c></a>\n")
    assert (root.tag, root.get("b"), root[0].text) == ("a", "1", "d&é")


def test_the_size_is_judged_before_anything_else() -> None:
    """A document as large as the limit is read; one octet more is refused, whatever it is."""
    document = b"<a>" + b"x" * 93 + b"</a>"
    assert parse(document, limit=100).tag == "a"
    with refusal("xml.too_large"):
        parse(document + b"\0", limit=100)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"<!DOCTYPE a><a/>", "xml.doctype"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY i "real">]><a ID="&i;"/>', "xml.doctype"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "xml.doctype"),
        (b"<a><![CDATA[<!DOCTYPE]]></a>", "xml.doctype"),
        (b"<a><!ENTITY x 'y'></a>", "xml.doctype"),
        (b"<a>x<!-- y --></a>", "xml.comment"),
        (b"<a/><!-- after the root -->", "xml.comment"),
        (b"<!-- before the root --><a/>", "xml.comment"),
        (b"<a><?x y?></a>", "xml.processing_instruction"),
        (b"<?xml-stylesheet href='x'?><a/>", "xml.processing_instruction"),
        (b"<a/><?x?>", "xml.processing_instruction"),
        (b" <?xml version='1.0'?><a/>", "xml.processing_instruction"),
        (b"<a>\0</a>", "xml.encoding"),
        (b"\xef\xbb\xbf<a/>", "xml.encoding"),
        (b"<a>\xff</a>", "xml.encoding"),
        (b"<a>\xc0\xaf</a>", "xml.encoding"),
        (b"<a>\xed\xa0\x80</a>", "xml.encoding"),
        ("<a/>".encode("utf-16"), "xml.encoding"),
        (b"<?xml version='1.0' encoding='utf-16'?><a/>", "xml.encoding"),
        (b"<?xml version='1.0' encoding='iso-8859-1'?><a/>", "xml.encoding"),
        (b"<?xml version='1.1'?><a/>", "xml.encoding"),
        (b"<?xml\tversion='1.0' encoding='utf-7'?><a/>", "xml.encoding"),
        (b"<a>&unknown;</a>", "xml.malformed"),
        (b"<a>&#0;</a>", "xml.malformed"),
        (b"<a/><b/>", "xml.malformed"),
        (b"<a/>trailing", "xml.malformed"),
        (b"<a b='1' b='2'/>", "xml.malformed"),
        (b"<x:a/>", "xml.malformed"),
        (b"<a>", "xml.malformed"),
        (b"", "xml.malformed"),
        (b"\x1f", "xml.malformed"),
    ],
)
def test_hostile_documents_are_refused_by_their_own_code(document: bytes, code: str) -> None:
    """Each document differs from a good one in one thing, and the code names that thing."""
    with refusal(code):
        parse(document)


@pytest.mark.parametrize(
    ("within", "beyond"),
    [
        (b"<a>" * room.MAX_DEPTH + b"</a>" * room.MAX_DEPTH, b"<a>" * (room.MAX_DEPTH + 1) + b"</a>" * (room.MAX_DEPTH + 1)),
        *(
            (b"<a " + b" ".join(b'b%d=""' % i for i in range(n)) + b"/>", b"<a " + b" ".join(b'b%d=""' % i for i in range(n + 1)) + b"/>")
            for n in [room.MAX_ATTRIBUTES]
        ),
        (b"<a>" + b"<b/>" * (room.MAX_TAGS - 2) + b"</a>", b"<a>" + b"<b/>" * (room.MAX_TAGS - 1) + b"</a>"),
        (b"<a xmlns='u:%s'/>" % (b"x" * (room.MAX_NAMESPACE_NAME - 2)), b"<a xmlns='u:%s'/>" % (b"x" * (room.MAX_NAMESPACE_NAME - 1))),
        (
            b"<a>" + b"<b xmlns='u:x'/>" * room.MAX_NAMESPACES + b"</a>",
            b"<a>" + b"<b xmlns='u:x'/>" * (room.MAX_NAMESPACES + 1) + b"</a>",
        ),
        *(
            (b"<a>" + full * 400 + b"</a>", b"<a>" + full * 400 + b"<b c=''/></a>")
            for full in [b"<b " + b" ".join(b"c%d=''" % i for i in range(50)) + b"/>"]
        ),
    ],
    ids=["depth", "attributes of one", "tags", "namespace name", "namespace declarations", "attributes in all"],
)  # fmt: skip
def test_each_cap_holds_at_its_bound(within: bytes, beyond: bytes) -> None:
    """A document at the cap is read, the next larger one refused: before any canonical form is made of it."""
    assert parse(within) is not None
    with refusal("xml.too_complex"):
        parse(beyond)


def test_an_operators_file_may_hold_comments_but_no_dtd() -> None:
    """With `drop_comments`, comments and processing instructions vanish, and text reads whole across them."""
    root = parse(b"<?x?><a><b>one<!-- -->two<?p?>three</b></a><!-- end -->", drop_comments=True)
    assert text(root[0]) == "onetwothree"
    with refusal("xml.doctype"):
        parse(b"<!DOCTYPE a><a/>", drop_comments=True)


@pytest.mark.parametrize("name", ["relative", "./x", "//host/x", "?x", "#x", "x/y:z"])
def test_a_relative_namespace_name_is_refused_in_messages_alone(name: str) -> None:
    """Wherever it is declared, used or not: canonical form does not know it. An operator's file has none made of it."""
    document = f'<a><b xmlns:x="{name}"/></a>'.encode()
    with refusal("xml.relative_namespace"):
        parse(document)
    assert parse(document, drop_comments=True) is not None


@pytest.mark.parametrize("name", ["urn:x", "http://x.example/", "x:", "a+b-c.1:x"])
def test_an_absolute_namespace_name_is_read_and_so_is_none(name: str) -> None:
    assert parse(f'<a xmlns:x="{name}"><b xmlns="{name}"><c xmlns=""/></b></a>'.encode()) is not None


def test_text_is_read_whole_or_not_at_all() -> None:
    """Character references and CDATA are text; an element inside is a refusal, not an end."""
    assert text(parse(b"<a>one<![CDATA[<two>]]>&#x33;</a>")) == "one<two>3"
    assert text(parse(b"<a/>")) == ""
    with refusal("xml.element_in_text"):
        text(parse(b"<a>admin@a.example<b/>.evil.example</a>"))


def test_no_entity_no_file_and_no_network_even_past_the_byte_scan() -> None:
    """The second lock: the parser itself resolves nothing and loads no DTD."""
    hostile = b'<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd"><!ENTITY i "inner">]><a>&f;&i;</a>'
    root = room.reparse(hostile)
    assert "root:" not in etree.tostring(root).decode()
    assert "inner" not in "".join(root.itertext(etree.Element))


@settings(deadline=None)
@given(st.binary(max_size=300) | st.text(alphabet="<>/!?ab='\" x&#;0[]-", max_size=200).map(str.encode))
@example(b"<a>&#xD800;</a>")
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    """No octets make the parser raise anything but `Refused`."""
    with suppress(Refused):
        parse(octets)


@settings(deadline=None)
@given(st.data())
def test_a_mutated_message_is_read_or_refused(data: st.DataObject) -> None:
    """Cutting, doubling and flipping octets of a real message ends in a tree or in `Refused`."""
    octets = response_xml()
    start = data.draw(st.integers(0, len(octets)))
    end = data.draw(st.integers(start, min(len(octets), start + 200)))
    middle = data.draw(st.sampled_from([b"", octets[start:end] * 2, b"<", b"\0", b"&x;", b"]]>", b"<!--", b'"']))
    with suppress(Refused):
        parse(octets[:start] + middle + octets[end:])
