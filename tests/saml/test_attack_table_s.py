"""Rows of attack table S that no file can show: bombs, what is opened on the way, and what the source may not contain."""

import ast
import base64
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from tests.builders_saml import NAME, keys, refusal, response_xml, valid, verified
from tests.saml.test_checks import NAME_ID, into, say
from tests.vectors.saml.algorithms import key_info
from tests.vectors.saml.corpus import certificate, message, swap
from tests.vectors.saml.octets import external_reference
from tests.vectors.saml.signing import pkcs, resigned
from tests.vectors.saml.transport import with_document_type
from tests.xml.test_signature import adding, transforms

import vestibule
from vestibule.ground.errors import Refused
from vestibule.saml.bindings import decode_post
from vestibule.saml.names import PROTOCOL, saml
from vestibule.saml.response import read
from vestibule.saml.trust import verify
from vestibule.xml import parse
from vestibule.xml.signature import ENVELOPED, load_certificates

SOURCE = Path(vestibule.__file__).parent
TREES = {
    str(path.relative_to(SOURCE)): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))
}
OPENING = ("open", "os.", "socket.", "subprocess.", "urllib.", "shutil.", "tempfile.", "import")
"""Audit events of the interpreter that mean a file, the network, another program, or code that is loaded."""


# -- nothing is opened ---------------------------------------------------------------------------------------------------

_watching = threading.local()


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    seen = getattr(_watching, "seen", None)
    if seen is not None and event.startswith(OPENING):
        seen.append((event, arguments))


sys.addaudithook(_watch)


@contextmanager
def watched() -> Iterator[list[tuple[str, tuple[Any, ...]]]]:
    """What this thread opens meanwhile. An audit hook cannot be taken out again, so that it is idle otherwise."""
    _watching.seen = []
    try:
        yield _watching.seen
    finally:
        _watching.seen = None


class Canaries:
    """A pipe that notices a reader and a port that notices a caller, whoever they are: also what C code opens is seen."""

    def __init__(self, directory: Path) -> None:
        self.pipe = directory / "canary"
        os.mkfifo(self.pipe)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.file = f"file://{self.pipe}"
        self.address = f"http://127.0.0.1:{self.listener.getsockname()[1]}/evil.dtd"

    def touched(self, act: Callable[[], object]) -> set[str]:
        """Which of them `act` touches, done in a thread of its own: whoever reads the pipe would wait for ever."""
        found = set()
        thread = threading.Thread(target=act, daemon=True)
        thread.start()
        while True:
            thread.join(0.01)
            with suppress(OSError):  # no reader
                os.close(os.open(self.pipe, os.O_WRONLY | os.O_NONBLOCK))
                found.add("file")
            with suppress(BlockingIOError):
                self.listener.accept()[0].close()
                found.add("address")
            if not thread.is_alive():
                return found


@pytest.fixture
def canaries(tmp_path: Path) -> Iterator[Canaries]:
    made = Canaries(tmp_path)
    yield made
    made.listener.close()


def attempt(octets: bytes) -> None:
    with suppress(Refused):
        verified(octets, keys=load_certificates([certificate()]))


def test_the_canaries_notice_what_an_unguarded_parser_opens(canaries: Canaries) -> None:
    """The control: a parser without our settings reads the file, and whoever calls the port is seen."""
    hostile = with_document_type(canaries.file, canaries.address)["external-entity-file"]
    unguarded = etree.XMLParser(resolve_entities=True, load_dtd=True, no_network=False)
    assert canaries.touched(lambda: etree.fromstring(hostile, unguarded)) == {"file"}
    here = canaries.listener.getsockname()
    assert canaries.touched(lambda: socket.create_connection(here).close()) == {"address"}
    with watched() as seen:
        Path(__file__).read_bytes()
    assert [event for event, _ in seen] == ["open"]


def hostile_documents(file: str, address: str) -> dict[str, bytes]:
    """Whatever in a message could make somebody open something, each asking for this file and this address."""
    attacker = {"signer": pkcs(key="attacker")}
    sheet = f"<r><xsl:stylesheet xmlns:xsl='http://www.w3.org/1999/XSL/Transform' version='1.0'><xsl:import href='{address}'/><xsl:template match='/'><xsl:copy-of select=\"document('{file}')\"/></xsl:template></xsl:stylesheet></r>"

    def with_sheet(signature: etree._Element) -> None:
        transforms(ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116")(signature)
        list(signature.iter("{*}Transform"))[1].extend(etree.fromstring(sheet))

    location = f'<samlp:Response xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="u:x {address} u:y {file}" '
    inclusion = f'<samlp:Extensions><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{file}" parse="text"/><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{address}"/></samlp:Extensions><samlp:Status>'
    return {
        **with_document_type(file, address),
        "reference to a file": external_reference(file),
        "reference to an address": external_reference(address),
        "key info": resigned(message(), adding("Signature", key_info(file, address))),
        "key info of the attacker": resigned(message(), adding("Signature", key_info(file, address)), **attacker),
        "style sheet": resigned(message(), with_sheet),
        "schema location": swap(message(), b"<samlp:Response ", location.encode()),
        "inclusion": swap(message(), b"<samlp:Status>", inclusion.encode()),
        "style sheet of a browser": f'<?xml-stylesheet href="{address}"?>'.encode() + message(),
    }


@pytest.mark.parametrize("name", hostile_documents("file:///x", "http://x.example/"))
def test_s22_s47_s86_no_message_makes_anybody_open_a_file_or_an_address(name: str, canaries: Canaries) -> None:
    """Neither this program nor the C libraries below it, whether the message is refused or believed."""
    octets = hostile_documents(canaries.file, canaries.address)[name]
    assert canaries.file.encode() in octets or canaries.address.encode() in octets
    canaries.touched(lambda: attempt(octets))  # once before: what is loaded at first use is not the message's doing

    def act() -> None:
        with watched() as seen:
            attempt(octets)
        opened.extend(seen)

    opened: list[tuple[str, tuple[Any, ...]]] = []
    assert canaries.touched(act) == set()
    assert opened == []


@pytest.mark.parametrize("name", with_document_type("file:///x", "http://x.example/"))
def test_s86_the_parser_opens_nothing_even_if_a_document_type_came_so_far(name: str, canaries: Canaries) -> None:
    """The second lock: the octets were not judged, and still nothing is read but what they say themselves."""
    octets = with_document_type(canaries.file, canaries.address)[name]
    read_on: list[str] = []

    def act() -> None:
        with suppress(Refused):
            read_on.append("".join(parse.reparse(octets).itertext("{*}NameID")))

    assert canaries.touched(act) == set()
    assert read_on in ([], [""], [NAME])


# -- too much ------------------------------------------------------------------------------------------------------------


def test_s72_a_name_of_two_megabytes_is_too_large_before_it_is_decoded() -> None:
    """And one that fits the message is too long for a name."""
    value = base64.b64encode(response_xml(edit=say(NAME_ID, "a" * 2_000_000))).decode()
    with refusal("saml.too_large"):
        decode_post(value)
    with refusal("saml.name_id"):
        _judged(response_xml(edit=say(NAME_ID, "a" * 900_000)))


def test_s78_ten_thousand_attributes_are_too_many() -> None:
    """As elements for the parser; a few hundred, which parse, for the rules."""
    many = "<AttributeStatement>{}</AttributeStatement>"
    one = '<Attribute Name="a{}"><AttributeValue>x</AttributeValue></Attribute>'
    for count, code in ((10_000, "xml.too_complex"), (257, "saml.attributes")):
        octets = response_xml(
            attributes={}, edit=into(saml("Assertion"), many.format("".join(map(one.format, range(count)))))
        )
        with refusal(code):
            _judged(octets)
    long = one.format("").replace(">x<", f">{'x' * 65_537}<")
    with refusal("saml.attributes"):
        _judged(response_xml(attributes={}, edit=into(saml("Assertion"), many.format(long))))


def _judged(octets: bytes) -> None:
    valid(decode_post(base64.b64encode(octets).decode()))


def _bombs() -> dict[str, bytes]:
    """Inside a signed message's Extensions, where a schema lets anything be: each costs seconds to canonicalise."""
    declared = " ".join(f'xmlns:n{n}="u:{n}"' for n in range(60))
    contents = {
        "depth": "<x>" * 5_000 + "</x>" * 5_000,
        "width": "<x/>" * 25_000,
        "namespaces": f"<x {declared}>" * 90 + "</x>" * 90,
        "namespaces-on-one-element": "<x " + " ".join(f'xmlns:n{n}="u:{n}"' for n in range(5_100)) + "/>",
        "attributes": "<x " + " ".join(f'a{n}=""' for n in range(5_000)) + "/>",
        "attributes-on-many": ("<x " + " ".join(f'a{n}=""' for n in range(60)) + "/>") * 400,
        "namespace-name": f'<x xmlns="u:{"x" * 300}"/>',
    }
    plain = response_xml()
    return {
        name: swap(plain, b"<samlp:Status>", f"<samlp:Extensions>{content}</samlp:Extensions><samlp:Status>".encode())
        for name, content in contents.items()
    }


@pytest.mark.parametrize("name", _bombs())
def test_s90_a_bomb_is_refused_by_the_reader(name: str) -> None:
    """By `read`, which makes no canonical form; what it does not return cannot be verified."""
    with refusal("xml.too_complex"):
        read(_bombs()[name])


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _canonicalisers() -> set[str]:
    """The functions of the product that make a canonical form, by `module:function`."""
    found = set()
    for name, tree in TREES.items():
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and node.value.lower().startswith("c14n")
                ):
                    found.add(f"{name}:{function.name}")
                if isinstance(node, ast.Attribute) and node.attr in ("write_c14n", "canonicalize"):
                    found.add(f"{name}:{function.name}")
    return found


def test_s90_only_a_message_that_was_read_is_canonicalised() -> None:
    """By construction: one function makes canonical forms, `verify` alone calls it for others, and takes what `read` returned."""
    assert _canonicalisers() == {"xml/signature.py:_canonical"}
    callers = {
        function.name
        for function in ast.walk(TREES["xml/signature.py"])
        if isinstance(function, ast.FunctionDef)
        and any(isinstance(call.func, ast.Name) and call.func.id == "_canonical" for call in _calls(function))
    }
    assert callers == {"verify_by", "sign"}
    for module in ("xml/parse.py", "xml/dictionary.py", "saml/response.py", "saml/bindings.py"):
        imported = {node.module for node in ast.walk(TREES[module]) if isinstance(node, ast.ImportFrom)}
        assert "vestibule.xml.signature" not in imported
    made = [
        name
        for name, tree in TREES.items()
        for call in _calls(tree)
        if getattr(call.func, "id", "") == "UnverifiedResponse"
    ]
    assert made == ["saml/response.py"]
    with refusal("xml.signature_no_keys"):  # the first thing that `verify` asks is not the document
        verified(response_xml(), keys=())


IN_SCOPE = parse.MAX_IN_SCOPE - 4
"""Leaves room for the namespaces of the message itself."""


def _declarations(count: int) -> list[str]:
    """As long as prefixes and names may be."""
    return [
        f'xmlns:{f"n{number}".ljust(parse.MAX_PREFIX, "x")}="{f"u:{number}".ljust(parse.MAX_NAMESPACE_NAME, "x")}"'
        for number in range(count)
    ]


def _as_large_as_allowed() -> dict[str, str]:
    """Extensions that the bounds just let through, each as costly in its way as a stranger can make it."""
    declared = _declarations(IN_SCOPE)
    attributes = " ".join(f'a{n}=""' for n in range(parse.MAX_ATTRIBUTES))
    used = "".join(f'<n{n}:a xmlns:n{n}="u:n{n}"/>' for n in range(4_800))
    return {
        "namespaces, deep": "".join(f"<x {one}>" for one in declared[:28]) + "</x>" * 28,
        "namespaces, wide": f"<x {' '.join(declared)}/>" * 45,
        "namespaces, used": f"<x {' '.join(declared[:40])}>{used}</x>",
        "attributes": f"<x {attributes}/>" * 300,
        "tags": "<x/>" * 19_900,
        "text": "x" * 900_000,
    }


def _within_a_quarter(octets: bytes, signed: str) -> None:
    """Whoever signed it."""
    for which in ("attacker", "first"):
        begun = time.process_time()
        unverified = read(octets)
        if which == "first":
            assert verify(unverified, keys=keys()).response_signed is (signed == "response")
        else:
            with refusal("xml.signature_value"):
                verify(unverified, keys=keys(which))
        assert time.process_time() - begun < 0.25


@pytest.mark.parametrize("signed", ["assertion", "response"])
@pytest.mark.parametrize("name", _as_large_as_allowed())
def test_s90_whatever_the_bounds_let_through_is_judged_within_a_quarter_of_a_second(name: str, signed: str) -> None:
    """Of the processor's time, the attacker's signature and a good one alike: it takes a tenth of that."""
    content = f'<samlp:Extensions xmlns:samlp="{PROTOCOL}">{_as_large_as_allowed()[name]}</samlp:Extensions>'

    def edit(root: etree._Element) -> None:
        root.insert(1, etree.fromstring(content))

    _within_a_quarter(response_xml(sign=signed, edit=edit), signed)


@pytest.mark.parametrize("signed", ["assertion", "response"])
def test_s90_declarations_around_a_signature_are_as_cheap(signed: str) -> None:
    """On the Response, where every canonical form below looks through them: those are a stranger's to add."""
    octets = response_xml(sign=signed)
    octets = octets.replace(b"<samlp:Response ", f"<samlp:Response {' '.join(_declarations(IN_SCOPE))} ".encode())
    _within_a_quarter(octets, signed)


@pytest.mark.parametrize(
    "around",
    [
        " ".join(f'xmlns:n{number}="u:{number}"' for number in range(parse.MAX_IN_SCOPE)),
        f'xmlns:{"x" * (parse.MAX_PREFIX + 1)}="u:x"',
    ],
)
def test_s90_more_declarations_in_scope_or_longer_prefixes_are_refused_before_anything_is_canonicalised(
    around: str,
) -> None:
    with refusal("xml.too_complex"):
        read(response_xml().replace(b"<samlp:Response ", f"<samlp:Response {around} ".encode()))


# -- what the source may not contain ---------------------------------------------------------------------------------------


def test_s33_what_is_read_is_what_a_signature_gave_back() -> None:
    """By construction: the readers get the tree of the octets that were hashed, and never the one that came."""
    functions = [node for node in ast.walk(TREES["saml/trust.py"]) if isinstance(node, ast.FunctionDef)]
    function = next(node for node in functions if node.name == "verify")
    assert not any(
        ast.unparse(call.func).startswith(("read_", "open_")) for node in functions[1:] for call in _calls(node)
    )
    assigned: dict[str, set[str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.setdefault(node.targets[0].id, set()).add(ast.unparse(node.value).partition("(")[0])
    assert assigned["signed"] == {"signature.verify_by"}
    assert assigned["proven"] == {"None if proven is None else held.assertion", "signed.element"}
    given = {ast.unparse(call) for call in _calls(function) if ast.unparse(call.func).startswith(("read_", "open_"))}
    assert given == {"open_response(signed.element)", "read_assertion(proven, decryption)"}


@pytest.mark.parametrize("name", TREES)
def test_s94_nothing_is_guarded_by_an_assert_and_nothing_is_evaluated(name: str) -> None:
    """`python -O` takes asserts out, and what is evaluated was once text."""
    tree = TREES[name]
    assert not any(isinstance(node, ast.Assert) for node in ast.walk(tree))
    forbidden = {"eval", "exec", "compile", "__import__"}
    assert not {call.func.id for call in _calls(tree) if isinstance(call.func, ast.Name)} & forbidden
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not imported & {"pickle", "marshal", "shelve"}


@pytest.mark.parametrize("name", TREES)
def test_s93_no_xpath_is_made_of_anything_that_was_sent(name: str) -> None:
    """Expressions are made when a module is loaded, before anything is sent; elements are never asked for by `.xpath`."""
    tree = TREES[name]
    assert not any(isinstance(call.func, ast.Attribute) and call.func.attr == "xpath" for call in _calls(tree))
    inside = [
        call
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for call in _calls(function)
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("XPath", "ETXPath", "XPathEvaluator", "XSLT")
    ]
    assert inside == []
    for call in _calls(tree):
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("find", "findall", "iterfind", "findtext"):
            for part in (part for argument in call.args for part in ast.walk(argument)):
                if isinstance(part, ast.FormattedValue):  # a name of SAML's, in Clark notation, and nothing else
                    assert isinstance(part.value, ast.Call), ast.unparse(call)
                    assert isinstance(part.value.func, ast.Name), ast.unparse(call)
                    assert part.value.func.id in ("saml", "samlp", "md", "ds"), ast.unparse(call)


def test_s93_an_identifier_that_looks_like_an_expression_is_only_compared() -> None:
    """It is no XML name, and nothing is looked for by it."""
    hostile = "x' or '1'='1"
    with refusal("xml.signature_reference"):
        _judged(response_xml(assertion_id=hostile))
    with refusal("xml.signature_reference"):
        verified(response_xml(assertion_id=hostile), keys=keys("attacker"))
