"""The parser's third lock: were the other two open, what a document refers to would still be refused."""

import pytest
from lxml import etree
from tests.builders_saml import refusal

from vestibule.xml import parse as room


@pytest.mark.parametrize(
    "octets",
    [
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x"><a/>',
        b'<!DOCTYPE a SYSTEM "file:///nowhere/x"><a/>',
        b'<!DOCTYPE a [<!ENTITY % b SYSTEM "file:///nowhere/x"> %b;]><a/>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///nowhere/x">]><a>&b;</a>',
    ],
)
def test_whatever_a_document_refers_to_is_refused_even_by_a_parser_that_would_read_it(octets: bytes) -> None:
    """The same resolver in a parser that loads document types and entities: it hands out nothing, and says why."""
    parser = etree.XMLParser(load_dtd=True, resolve_entities=True, no_network=True)
    parser.resolvers.add(room._NothingElse())
    with refusal("xml.doctype"):
        etree.fromstring(octets, parser)


@pytest.mark.parametrize("drop_comments", [False, True])
def test_both_parsers_have_that_resolver(drop_comments: bool) -> None:
    """The one for messages, and the one for files that an operator brings."""
    with refusal("xml.doctype"):
        room._parser(drop_comments=drop_comments).resolvers.resolve("file:///nowhere/x", "", None)
