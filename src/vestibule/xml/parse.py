"""Reading untrusted XML within bounds [XML 1.0]: the only place in the product where foreign octets become a tree."""

import re
from collections.abc import Mapping
from typing import Any, Final

from lxml import etree

from vestibule.ground.errors import Refused
from vestibule.ground.octets import base64_octets as octets_of
from vestibule.xml import dictionary

MAX_TAGS: Final = 20_000
"""Start and end tags together: what bounds the number of elements before a tree exists."""
MAX_DEPTH: Final = 32
MAX_ATTRIBUTES: Final = 64
"""On one element. Canonical form sorts them in quadratic time: 100,000 on one element cost a minute."""
MAX_ATTRIBUTES_IN_ALL: Final = 20_000
MAX_NAMESPACES: Final = 5_000
"""Declarations in the document; a directory group a value with `xsi:type` makes two of them."""
MAX_IN_SCOPE: Final = 64
"""Namespace declarations that one element stands under. A canonical form looks through all of them for each that it uses."""
MAX_PREFIX: Final = 64
"""Characters."""
MAX_NAMESPACE_NAME: Final = 256
"""Characters. Exclusive canonical form repeats the name wherever its prefix is used afresh."""

_FEW: Final = 16
_SMALLEST_ATTRIBUTE: Final = len(' a=""')

_WHITE_SPACE: Final = dict.fromkeys(map(ord, " \t\r\n"))
"""Python calls U+00A0, U+3000 and others white space too; no other reader of XML does."""
_RESOURCE_LIMIT: Final = 114
"""libxml2's own word for a document that is beyond the bounds that it has without `huge_tree`: 256 elements deep."""

_DECLARATION: Final = re.compile(
    rb"""<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')"""
    rb"""(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"(?i:utf-8)"|'(?i:utf-8)'))?"""
    rb"""(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>"""
)

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")

_DEEP: Final = f"boolean({'/*' * (MAX_DEPTH + 1)})"
_too_deep: Final = etree.XPath(_DEEP)
_too_deep_or_wide: Final = etree.XPath(f"{_DEEP} or boolean(//@*[{MAX_ATTRIBUTES + 1}])")
_too_many_attributes_in_all: Final = etree.XPath(f"count(//@*) > {MAX_ATTRIBUTES_IN_ALL}")


class _NothingElse(etree.Resolver):
    """Whatever a document refers to is refused, not fetched."""

    def resolve(self, system_url: str, public_id: str, context: object = None) -> object:
        raise Refused("xml.doctype", "The document refers to another one; nothing is fetched for it.")


# Entities, network, DTD and huge trees stay off even though the byte scan lets nothing through that could ask for
# them: the scan is ours and may one day be wrong, the parser's settings are the second lock, and the resolver is a
# third. `collect_ids` keeps its default: its False is a flag that makes libxml2 load the external subset after all.
def _parser(*, drop_comments: bool) -> etree.XMLParser:
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=drop_comments,
        remove_pis=drop_comments,
    )
    parser.resolvers.add(_NothingElse())
    return parser


_PARSER: Final = _parser(drop_comments=False)
_DROPPING_PARSER: Final = _parser(drop_comments=True)


def parse(octets: bytes, *, limit: int = 1_048_576, drop_comments: bool = False) -> etree._Element:
    """The root of a small, plain, UTF-8 document, without DTD, comments or processing instructions; else `Refused`.

    Stricter than [XML 1.0]: a message has no use for any of these, and each of them has let one reader see another
    document than the next. The octets are judged before a parser sees them, the tree before anybody else does.
    `drop_comments` is for files that an operator brings, such as metadata: there comments and processing instructions are
    thrown away before anybody reads or verifies them.
    """
    if len(octets) > limit:
        raise Refused(
            "xml.too_large", "The document is larger than allowed.", want=f"<= {limit} bytes", got=len(octets)
        )
    _judge_octets(octets, drop_comments)
    root = dictionary.parsed(
        octets,
        here=lambda: _tree(octets, _DROPPING_PARSER if drop_comments else _PARSER),
        apart=lambda: _tree(octets, _parser(drop_comments=drop_comments)),
    )
    _judge_tree(root, len(octets), allow_relative_names=drop_comments)
    return root


def reparse(octets: bytes) -> etree._Element:
    """The root of octets that we wrote ourselves: the canonical form of a part of a tree that `parse` let through."""
    return _tree(octets, _PARSER)


def parse_within(octets: bytes, namespaces: Mapping[Any, str]) -> etree._Element:
    """The root of a document that holds the one element in `octets`, and in which these namespaces are declared.

    For what was cut out of a document, as encryption does: its prefixes may be declared where it came from. Bounds as in `parse`.
    """
    # As UTF-8: in the ASCII that is the library's default, a prefix of other letters would be written as references, no XML.
    around = etree.tostring(etree.Element("within", nsmap=dict(namespaces)), encoding="utf-8")
    root = parse(around.removesuffix(b"/>") + b">" + octets + b"</within>")
    if len(root) != 1 or (root.text or "").strip() or (root[0].tail or "").strip():
        raise Refused("xml.malformed", "There is not exactly one element.", want=1, got=len(root))
    return root


def text(element: etree._Element) -> str:
    """The whole text of an element that may hold nothing else.

    lxml's `.text` ends at the first child: `admin@a.example<b/>.evil.example` would read as `admin@a.example`.
    """
    if len(element):
        raise Refused(
            "xml.element_in_text",
            f"<{etree.QName(element).localname}> holds elements where only text may stand; nothing is read from it.",
        )
    return element.text or ""


def base64_octets(element: etree._Element) -> bytes:
    """The octets that the text of an element stands for [XSD 3.2.16]; empty where it is no strict base64.

    White space, as XML knows it, may stand anywhere, nothing else may.
    """
    written = text(element)
    octets = octets_of(written)
    return octets or octets_of(written.translate(_WHITE_SPACE))


def _judge_octets(octets: bytes, drop_comments: bool) -> None:
    if b"\0" in octets:
        raise Refused("xml.encoding", "The document holds a NUL octet; it must be UTF-8 text.")
    if octets.startswith(b"\xef\xbb\xbf"):
        raise Refused("xml.encoding", "The document begins with a byte order mark; it must be plain UTF-8.")
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("xml.encoding", "The document is not UTF-8.", got=f"octet {error.start}") from None
    body = octets
    if octets.startswith(b"<?xml") and octets[5:6].isspace():
        declaration = _DECLARATION.match(octets)
        if declaration is None:
            raise Refused("xml.encoding", "The XML declaration must say version 1.0 and, if any, encoding UTF-8.")
        body = octets[declaration.end() :]
    # One search for all that begins with `<!` leaves CDATA, which is text; only a suspect document is searched again.
    if _stands_behind_bracket(b"!", body):
        if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
            raise Refused("xml.doctype", "The document has a DOCTYPE or an entity declaration; messages may not.")
        if b"<!--" in body and not drop_comments:
            raise Refused(
                "xml.comment", "The document holds a comment; messages may not, since readers differ on them."
            )
    if _stands_behind_bracket(b"?", body) and not drop_comments:
        raise Refused("xml.processing_instruction", "The document holds a processing instruction; messages may not.")
    for what, mark, most in (("tags", b"<", MAX_TAGS), ("namespace declarations", b"xmlns", MAX_NAMESPACES)):
        if len(body) <= most * len(mark):
            continue  # there is no room for more
        count = body.count(mark)
        if count > most:
            raise Refused("xml.too_complex", f"The document has too many {what}.", want=f"<= {most}", got=count)


def _stands_behind_bracket(mark: bytes, body: bytes) -> bool:
    """Whether `<` and this octet stand side by side. One octet is found many times faster than two, while there are few of it."""
    at = -1
    for _ in range(_FEW):
        at = body.find(mark, at + 1)
        if at < 0:
            return False
        if at and body.startswith(b"<", at - 1):
            return True
    return b"<" + mark in body


def _tree(octets: bytes, parser: etree.XMLParser) -> etree._Element:
    try:
        return etree.fromstring(octets, parser)
    except (etree.LxmlError, ValueError) as error:
        line = getattr(error, "lineno", None)
        if getattr(error, "code", None) == _RESOURCE_LIMIT:
            raise Refused(
                "xml.too_complex", "The elements are nested too deeply, or a name or text is too long."
            ) from None
        raise Refused(
            "xml.malformed", "The document is not well-formed XML.", got=None if line is None else f"line {line}"
        ) from None


def _judge_tree(root: etree._Element, size: int, *, allow_relative_names: bool) -> None:
    """Caps that need a tree. They come before any canonical form is made, whose cost is not linear in them.

    A relative namespace name has no canonical form [XML-C14N 1.3]. Readers differ on one that stands in the part that
    an enveloped signature leaves out: before that part goes they refuse, behind it they never see the name.
    """
    if _too_deep_or_wide(root):
        if _too_deep(root):
            raise Refused("xml.too_complex", "The elements are nested too deeply.", want=f"<= {MAX_DEPTH}")
        raise Refused("xml.too_complex", "An element has too many attributes.", want=f"<= {MAX_ATTRIBUTES}")
    if size > MAX_ATTRIBUTES_IN_ALL * _SMALLEST_ATTRIBUTE and _too_many_attributes_in_all(root):
        raise Refused("xml.too_complex", "The document has too many attributes.", want=f"<= {MAX_ATTRIBUTES_IN_ALL}")
    in_scope = 0
    for event, declared in etree.iterwalk(root, events=("start-ns", "end-ns")):
        if event == "end-ns":
            in_scope -= 1
            continue
        in_scope += 1
        prefix, name = declared
        if in_scope > MAX_IN_SCOPE or len(prefix) > MAX_PREFIX:
            raise Refused(
                "xml.too_complex",
                "An element stands under too many namespace declarations, or a prefix is too long.",
                want=f"<= {MAX_IN_SCOPE} declarations, prefixes of <= {MAX_PREFIX} characters",
            )
        if len(name) > MAX_NAMESPACE_NAME:
            raise Refused(
                "xml.too_complex", "A namespace name is too long.", want=f"<= {MAX_NAMESPACE_NAME}", got=len(name)
            )
        if name and not allow_relative_names and not _ABSOLUTE.match(name):
            raise Refused(
                "xml.relative_namespace",
                "A namespace name is relative; in messages it must be absolute, and begin with a scheme.",
                got=name,
            )
