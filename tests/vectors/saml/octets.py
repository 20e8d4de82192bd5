"""Rows S20 to S33: what a Reference names, what an identifier is, and which octets are what text."""

import base64
import hashlib
from collections.abc import Iterator

from lxml import etree
from tests.builders_saml import IDP, NAME, SP
from tests.saml.test_checks import AUTHN, CONDITIONS, NAME_ID, both, drop, into, put, say
from tests.saml.test_trust import EVIL
from tests.vectors.saml.corpus import Vector, message, refused, renamed, swap
from tests.vectors.saml.edits import DIGEST, REFERENCE, SHAPE, each, extensions, tampered
from tests.vectors.saml.signing import resigned
from tests.xml.test_signature import adding, doubling, part, removing, setting

from vestibule.saml.names import ASSERTION, RESPONDER, XMLDSIG, saml, samlp
from vestibule.xml.signature import EXC_C14N

SIGNED_NAME = f"{NAME}.evil.example"
"""Whom the identity provider signs for in attacks that cut a name short: a person whose name begins with Ada's."""
NOTHING = base64.b64encode(hashlib.sha256(b"").digest()).decode()
RELATIVE = "xml.relative_namespace"


def vectors() -> Iterator[Vector]:
    """These rows, one by one."""
    yield from _references()
    yield from _identifiers()
    yield from _document_types()
    yield from _namespaces()
    yield from _void()
    yield from _divided()
    yield from _text()
    yield from _around_the_signed_part()


# One vector a line:
# fmt: off


def _references() -> Iterator[Vector]:
    yield refused("S20", "two-alike", SHAPE, "Two References to the assertion.", resigned(message(), doubling("Reference")))
    second = each(doubling("Reference"), setting("Reference", "URI", "#_response-1"))
    yield refused("S20", "two-targets", SHAPE, "Two References, to the Response and to the assertion.", resigned(message(), second))
    yield refused("S20", "none", SHAPE, "A SignedInfo without a Reference.", resigned(message(), removing("Reference")))
    yield refused("S20", "of-something-else", REFERENCE, "The one Reference is to the Response, of which the assertion's Signature says nothing.", resigned(message(), setting("Reference", "URI", "#_response-1")))
    uris = {
        "empty": "",
        "missing": None,
        "hash-alone": "#",
        "xpointer-root": "#xpointer(/)",
        "xpointer-id": "#xpointer(id('_assertion-1'))",
        "without-hash": "_assertion-1",
        "white-space": "#_assertion-1 ",
        "percent-encoded": "#%5Fassertion-1",
        "two-hashes": "##_assertion-1",
        "other-case": "#_ASSERTION-1",
        "own-address": "?#_assertion-1",
    }
    for name, uri in uris.items():
        yield refused("S21", name, REFERENCE, f"The Reference's URI is {'missing' if uri is None else repr(uri)}.", resigned(message(), setting("Reference", "URI", uri)))
    for name, uri in {
        "file": "file:///etc/passwd",
        "http": "http://evil.example/assertion.xml",
        "https-with-fragment": "https://evil.example/#_assertion-1",
        "ftp": "ftp://evil.example/assertion.xml",
        "scheme-relative": "//evil.example/assertion.xml",
        "path": "/etc/passwd",
        "share": "\\\\evil.example\\share",
    }.items():
        yield refused("S22", name, REFERENCE, f"The Reference is to {uri}, which whoever follows it fetches.", external_reference(uri))


def external_reference(uri: str) -> bytes:
    """The plain message, its Reference's URI another, and the value made anew over that."""
    return resigned(message(), setting("Reference", "URI", uri))


def _identifiers() -> Iterator[Vector]:
    def decoy(attribute: str, value: str = "_assertion-1") -> bytes:
        return tampered(lambda root: extensions(root, etree.Element("decoy", {attribute: value})))

    for name in ("ID", "Id", "id", "AssertionID"):
        yield refused("S23", f"decoy-{name}", "xml.duplicate_id", f"A decoy in Extensions whose {name} is the assertion's ID.", decoy(name))
    yield refused("S23", "of-the-response", "xml.duplicate_id", "The assertion has the Response's ID.", message(sign="response", assertion_id="_response-1"))
    yield refused("S23", "in-key-info", "xml.duplicate_id", "A decoy in KeyInfo.", resigned(message(), adding("Signature", f'<KeyInfo xmlns="{XMLDSIG}"><x xmlns="u:x" Id="_assertion-1"/></KeyInfo>')))
    xml_id = "{http://www.w3.org/XML/1998/namespace}id"
    yield refused("S24", "xml-id-on-a-decoy", "xml.foreign_id", "A decoy whose xml:id is the assertion's ID.", decoy(xml_id))
    yield refused("S24", "xml-id-on-the-assertion", "xml.foreign_id", "The assertion has an xml:id besides its ID, signed with it.", message(edit=put(saml("Assertion"), xml_id, "_x")))
    yield refused("S24", "samlp-id-on-the-response", "saml.shape", "The Response has a samlp:ID besides its ID.", tampered(put("", samlp("ID"), "_x")))
    yield refused("S24", "samlp-id-on-a-decoy", "xml.foreign_id", "A decoy has a samlp:ID.", decoy(samlp("ID"), "_x"))
    yield refused("S24", "lower-case-id-on-the-assertion", "saml.shape", "The assertion has an `id` besides its ID, signed with it.", message(edit=put(saml("Assertion"), "id", "_x")))
    yield refused("S24", "lower-case-id-instead", REFERENCE, "The assertion has an `id` and no ID.", tampered(both(put(saml("Assertion"), "ID", None), put(saml("Assertion"), "id", "_assertion-1"))))


def _document_types() -> Iterator[Vector]:
    plain = message()
    entity = b'<!DOCTYPE r [<!ENTITY i "_assertion-1">]>'
    by_entity = swap(plain, b'ID="_assertion-1"', b'ID="&i;"')
    yield refused("S25", "id-through-an-entity", "xml.doctype", "The assertion's ID is an entity, which two readers read differently.", entity + by_entity)
    yield refused("S25", "id-through-an-unknown-entity", "xml.malformed", "The same without a DOCTYPE.", by_entity)
    yield refused("S25", "name-through-an-entity", "xml.doctype", "The NameID is an entity.", b'<!DOCTYPE r [<!ENTITY n "mallory">]>' + renamed(plain, b"&n;"))
    quoted = b"<!DOCTYPE response SYSTEM 'x\"><!--'>"
    yield refused("S26", "quotes-and-a-comment", "xml.doctype", "A DOCTYPE whose quotes hide the start of a comment.", quoted + plain + b"<![CDATA[-->]]>")
    for name, doctype in {
        "internal": b"<!DOCTYPE Response>",
        "public": b'<!DOCTYPE Response PUBLIC "a" "http://evil.example/x.dtd">',
        "attribute-default": b'<!DOCTYPE Response [<!ATTLIST Assertion ID CDATA "_x">]>',
        "notation": b'<!DOCTYPE Response [<!NOTATION n SYSTEM "x">]>',
    }.items():
        yield refused("S26", f"doctype-{name}", "xml.doctype", f"A DOCTYPE ({name}), which one parser heeds and another does not.", doctype + plain)
    yield refused("S26", "doctype-in-lower-case", "xml.malformed", "No XML, but read by parsers of HTML.", b"<!doctype Response>" + plain)
    yield refused("S26", "doctype-at-the-end", "xml.doctype", "Behind the root, where none may stand.", plain + b"<!DOCTYPE Response>")
    yield refused("S26", "entity-declaration-inside", "xml.doctype", "An entity declaration in the middle.", swap(plain, b"<samlp:Status>", b'<!ENTITY x "y"><samlp:Status>'))
    for name, content in {"colons": b"<x::y/>", "leading-colon": b"<:y/>", "colon-attribute": b'<y :z="1"/>'}.items():
        octets = swap(plain, b"<samlp:Status>", b"<samlp:Extensions>" + content + b"</samlp:Extensions><samlp:Status>")
        yield refused("S26", name, "xml.malformed", "A name that is written back as another than it was read.", octets)


def _namespaces() -> Iterator[Vector]:
    plain = message()
    for name, namespace in {
        "none": "",
        "without-the-hash": XMLDSIG[:-1],
        "with-a-control-sign": XMLDSIG + "\u0080",
        "other-case": XMLDSIG.upper(),
    }.items():
        octets = plain.replace(f'"{XMLDSIG}"'.encode(), f'"{namespace}"'.encode())
        if not namespace:
            octets = octets.replace(b"ds:", b"").replace(b"xmlns:ds", b"xmlns")
        code = "xml.malformed" if "control" in name else "saml.unsigned"
        yield refused("S27", f"signature-in-namespace-{name}", code, "What looks like the Signature is in another namespace, or in none: there is no Signature.", octets)
    redefined = swap(plain, b"<ds:SignedInfo>", b'<ds:SignedInfo xmlns:ds="u:x">')
    yield refused("S27", "prefix-redefined", SHAPE, "The prefix `ds` means something else from SignedInfo on.", redefined)
    other = swap(plain, b"<saml:NameID ", b'<saml:NameID xmlns:saml="u:x" ')
    yield refused("S27", "name-id-in-another-namespace", DIGEST, "The prefix `saml` means something else at the NameID.", other)
    signed = message(edit=into(f"{saml('Assertion')}/{saml('Subject')}", '<NameID xmlns="u:x">mallory</NameID>', 0))
    yield refused("S27", "second-name-id-in-another-namespace", "saml.shape", "A NameID of another namespace before the real one, signed with it.", signed)
    beside = into("", f'<Assertion xmlns="{ASSERTION}x" ID="_x"/>')
    yield refused("S27", "assertion-in-another-namespace", "saml.shape", "An assertion of another namespace beside the signed one.", tampered(beside))


def _void() -> Iterator[Vector]:
    plain = message()
    of_nothing = resigned(plain, lambda found: setattr(part(found, "DigestValue"), "text", NOTHING))
    void_element = swap(of_nothing, b"<saml:NameID ", b'<saml:NameID xmlns:e="1" e:f="" ')
    yield refused("S28", "element-without-canonical-form", RELATIVE, "A relative namespace name leaves nothing to hash, and the digest is that of nothing.", void_element)
    listed = adding("CanonicalizationMethod", f'<InclusiveNamespaces xmlns="{EXC_C14N}" PrefixList="e"/>')
    octets = swap(resigned(plain, listed, signed_octets=b""), b"<ds:SignedInfo>", b'<ds:SignedInfo xmlns:e="1">')
    yield refused("S28", "signed-info-without-canonical-form", RELATIVE, "The same in SignedInfo, and the value is a signature of nothing.", octets)
    yield refused("S28", "digest-of-nothing", DIGEST, "The digest of nothing, over an element that has a canonical form.", of_nothing)


def _divided() -> Iterator[Vector]:
    longer = {
        "NameID": (f">{SIGNED_NAME}<", NAME, message(name_id=SIGNED_NAME)),
        "AttributeValue": (f">{SIGNED_NAME}<", NAME, message(attributes={"mail": (SIGNED_NAME,)})),
        "Audience": (f">{SP}.evil.example<", SP, message(audience=f"{SP}.evil.example")),
    }
    cut = b"<!---->"
    for name, (whole, shown, octets) in longer.items():
        divided = swap(octets, whole.encode(), whole.encode().replace(shown.encode(), shown.encode() + cut))
        yield refused("S29", f"in-{name}", "xml.comment", f"A comment in the {name}: the signature holds, and a careless reader stops at it.", divided)
        instruction = divided.replace(cut, b"<?x y?>")
        yield refused("S30", f"in-{name}", "xml.processing_instruction", f"A processing instruction in the {name}.", instruction)
    evil_issuer = f">{IDP}.evil.example<".encode()
    octets = message(issuer=f"{IDP}.evil.example").replace(evil_issuer, f">{IDP}<!---->.evil.example<".encode())
    yield refused("S29", "in-Issuer", "xml.comment", "A comment in both Issuers.", octets)
    yield refused("S29", "in-Recipient", "xml.comment", "A comment in an attribute, where XML has none.", swap(message(), b'Recipient="', b'Recipient="<!---->'))
    plain = message()
    for name, place in {
        "before-the-root": b"<samlp:Response ",
        "in-the-status": b"<samlp:StatusCode ",
        "in-the-signature": b"<ds:SignedInfo>",
    }.items():
        yield refused("S29", name, "xml.comment", f"A comment {name.replace('-', ' ')}.", swap(plain, place, cut + place))
        yield refused("S30", name, "xml.processing_instruction", f"A processing instruction {name.replace('-', ' ')}.", swap(plain, place, b"<?x y?>" + place))
    yield refused("S29", "behind-the-root", "xml.comment", "A comment behind the root.", plain + cut)
    yield refused("S30", "style-sheet", "xml.processing_instruction", "A style sheet, which a browser or library may fetch.", b'<?xml-stylesheet href="http://evil.example/x.xsl"?>' + plain)


def _text() -> Iterator[Vector]:
    plain, child = message(), "<b>.evil.example</b>"
    for name, place in (
        ("NameID", NAME_ID),
        ("Issuer", f"{saml('Assertion')}/{saml('Issuer')}"),
        ("Audience", f"{CONDITIONS}/{saml('AudienceRestriction')}/{saml('Audience')}"),
        ("AuthnContextClassRef", f"{AUTHN}/{saml('AuthnContext')}/{saml('AuthnContextClassRef')}"),
    ):
        yield refused("S31", f"element-in-{name}", "xml.element_in_text", f"An element in the {name}, signed with it.", message(edit=into(place, child)))
    yield refused("S31", "element-in-the-responses-issuer", "xml.element_in_text", "An element in the Response's Issuer.", tampered(into(saml("Issuer"), child)))
    yield refused("S31", "unknown-entity-in-NameID", "xml.malformed", "An entity that nobody declared.", renamed(plain, b"ada&x;"))
    yield refused("S32", "two-roots", "xml.malformed", "Two Responses, one behind the other.", plain + plain)
    yield refused("S32", "two-roots-forged-first", "xml.malformed", "A forged Response before the signed one.", message(sign="none", name_id=EVIL) + plain)
    yield refused("S32", "text-behind", "xml.malformed", "Something behind the root.", plain + b"x")
    yield refused("S32", "text-before", "xml.malformed", "Something before the root.", b"x" + plain)
    yield refused("S32", "two-documents", "xml.processing_instruction", "A second document, with an XML declaration of its own.", plain + b'<?xml version="1.0"?>' + plain)


def _around_the_signed_part() -> Iterator[Vector]:
    value = f"{saml('Assertion')}/{saml('AttributeStatement')}/{saml('Attribute')}/{saml('AttributeValue')}"
    for name, edit in {
        "name": say(NAME_ID, EVIL),
        "attribute": say(value, EVIL),
        "audience": say(f"{CONDITIONS}/{saml('AudienceRestriction')}/{saml('Audience')}", f"{SP}x"),
        "time": put(CONDITIONS, "NotOnOrAfter", "2026-03-04T23:00:00Z"),
        "condition-taken-away": drop(f"{CONDITIONS}/{saml('AudienceRestriction')}"),
    }.items():
        for kind in ("assertion", "response"):
            yield refused("S33", f"{name}-changed-{kind}-signed", DIGEST, f"Changed after signing: {name.replace('-', ' ')}.", tampered(edit, signed=kind))
    yield refused("S33", "destination-changed", "saml.destination", "Outside of the signed assertion the Destination was changed: a reason to refuse, never to believe.", tampered(put("", "Destination", "https://evil.example/acs")))
    yield refused("S33", "status-changed", "saml.status", "Outside of the signed assertion the status was changed.", tampered(put(f"{samlp('Status')}/{samlp('StatusCode')}", "Value", RESPONDER)))
    yield refused("S33", "text-outside", "saml.shape", "Text outside of the signed assertion.", swap(message(), b"</samlp:Status>", b"</samlp:Status>" + NAME.encode()))
