"""Rows S01 to S34: what a signature is about, where it stands, and which octets are read when it holds."""

import base64
import copy
import hashlib
from collections.abc import Iterator

from lxml import etree
from tests.builders_saml import IDP, NAME, SP, Edit
from tests.saml.test_checks import both, drop, into, put, say
from tests.saml.test_trust import EVIL, behind, forged, in_advice, xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8
from tests.vectors.saml.corpus import Vector, accepted, certificate, message, private_key, refused, renamed, swap
from tests.vectors.saml.signing import resigned
from tests.xml.test_signature import adding, doubling, part, setting

from vestibule.saml.names import ASSERTION, PROTOCOL, XMLDSIG, ds, saml, samlp
from vestibule.xml.signature import EXC_C14N, sign

NAME_ID = f"{saml('Assertion')}/{saml('Subject')}/{saml('NameID')}"
SIGNED_NAME = f"{NAME}.evil.example"
"""Whom the identity provider signs for in attacks that cut a name short: a person whose name begins with Ada's."""
FAMILY = "signature-scope"
SHAPE, ONE, STRAY = "xml.signature_shape", "saml.one_assertion", "saml.stray_signature"
REFERENCE, DIGEST, VALUE = "xml.signature_reference", "xml.signature_digest", "xml.signature_value"


def vectors() -> Iterator[Vector]:
    """This family, row by row."""
    yield from _honest()
    yield from _wrapped_responses()
    yield from _wrapped_assertions()
    yield from _parts_of_signatures()
    yield from _places_of_signatures()
    yield from _references()
    yield from _identifiers()
    yield from _document_types()
    yield from _names_and_forms()
    yield from _text()
    yield from _around_the_signed_part()


# -- edits ---------------------------------------------------------------------------------------------------------------


def assertion(root: etree._Element) -> etree._Element:
    return root.find(saml("Assertion"))


def signature(root: etree._Element) -> etree._Element:
    """The assertion's Signature."""
    return assertion(root).find(ds("Signature"))


def name_evil(root: etree._Element) -> None:
    """The assertion that stands where one is expected names the attacker."""
    root.find(NAME_ID).text = EVIL


def extensions(root: etree._Element, *children: etree._Element) -> None:
    """Extensions where the schema has them, behind the Issuer and the Signature."""
    element = etree.Element(samlp("Extensions"))
    element.extend(children)
    root.find(samlp("Status")).addprevious(element)


def in_place(root: etree._Element) -> etree._Element:
    """A forged assertion takes the signed one's place, with its ID and a copy of its Signature; the signed one is returned."""
    original, evil = assertion(root), forged(root)
    evil.set("ID", original.get("ID"))
    evil[0].addnext(copy.deepcopy(original.find(ds("Signature"))))
    root.replace(original, evil)
    return original


def digest_of(element: etree._Element) -> str:
    """The SHA-256 digest of `element` without its Signature, as DigestValue would say it."""
    twin = etree.fromstring(etree.tostring(element))
    for child in twin.findall(ds("Signature")):
        twin.remove(child)
    return base64.b64encode(hashlib.sha256(etree.tostring(twin, method="c14n", exclusive=True)).digest()).decode()


def tampered(edit: Edit, *, signed: str = "assertion") -> bytes:
    return message(sign=signed, tamper=edit)


# -- rows ----------------------------------------------------------------------------------------------------------------


def _honest() -> Iterator[Vector]:
    for kind, what in (("assertion", "assertion"), ("response", "Response"), ("both", "Response and the assertion")):
        yield accepted(FAMILY, f"signed-{kind}", f"The {what} signed, nothing else about it.", message(sign=kind))
    for kind in ("assertion", "response"):
        advice = f'<Advice><Assertion ID="_evidence"><NameID>{EVIL}</NameID><Signature xmlns="{XMLDSIG}"/></Assertion></Advice>'
        octets = message(sign=kind, edit=into(saml("Assertion"), advice, 3))
        yield accepted(FAMILY, f"evidence-in-advice-{kind}-signed", "An assertion of others lies in Advice: nobody reads it.", octets)
    cut = f"ada@<![CDATA[acme]]>&#x2e;{'example'}".encode()
    octets = renamed(message(), cut)
    yield accepted(FAMILY, "cdata-and-character-references", "Canonical form writes both as the text that they are.", octets)
    octets = message(edit=lambda root: etree.indent(root, "\t"))
    yield accepted(FAMILY, "indented", "White space between all elements, signed with them.", octets)
    octets = swap(message(), b"<samlp:Status>", b'<samlp:Extensions><x xmlns="u:x" Destination="u:elsewhere"/></samlp:Extensions><samlp:Status>')
    yield accepted(FAMILY, "extensions", "Extensions are passed over.", octets)
    value = '<AttributeStatement><Attribute Name="structure"><AttributeValue><b>x</b></AttributeValue></Attribute></AttributeStatement>'
    octets = message(attributes={}, edit=into(saml("Assertion"), value))
    yield accepted(FAMILY, "structure-in-an-attribute", "A value that is a structure is no value: nothing of it is read.", octets, believed={"attributes": {"structure": []}})


def _wrapped_responses() -> Iterator[Vector]:
    def in_object(root: etree._Element) -> None:
        original = copy.deepcopy(root)
        original.remove(original.find(ds("Signature")))
        etree.SubElement(root.find(ds("Signature")), ds("Object")).append(original)
        root.set("ID", "_evil")

    def at_the_end(root: etree._Element) -> None:
        xsw2(root)
        root.append(root.find(samlp("Response")))

    evil = lambda edit: tampered(lambda root: (edit(root), name_evil(root)), signed="response")
    yield refused("S01", "original-inside-the-signature", ONE, "The signed Response hides in the Signature of a Response that names the attacker.", evil(xsw1))
    yield refused("S01", "original-in-an-object", ONE, "The same, in a ds:Object of that Signature.", evil(in_object))
    yield refused("S02", "original-before-the-signature", "saml.shape", "The signed Response stands, without its Signature, beside it.", evil(xsw2))
    yield refused("S02", "original-at-the-end", "saml.shape", "The same, behind everything else.", evil(at_the_end))
    nested = lambda root: root.append(copy.deepcopy(root))
    yield refused("S16", "response-in-response", "saml.shape", "A whole signed Response as the child of another.", tampered(nested))
    yield refused("S16", "response-in-assertion", ONE, "A whole signed Response as the child of the assertion.", tampered(lambda root: assertion(root).append(copy.deepcopy(root))))
    yield refused("S16", "response-in-a-wrapper", "saml.not_a_response", "The root is not the Response, which is its child.", b"<wrapper>" + message() + b"</wrapper>")
    yield refused("S16", "assertion-alone", "saml.not_a_response", "The root is the signed assertion, without a Response.", etree.tostring(assertion(etree.fromstring(message()))))


def _wrapped_assertions() -> Iterator[Vector]:
    def same_id_in_extensions(root: etree._Element) -> None:
        evil = forged(root)
        evil.set("ID", assertion(root).get("ID"))
        extensions(root, evil)

    def original_in_extensions(root: etree._Element) -> None:
        extensions(root, in_place(root))

    def deeper(root: etree._Element) -> None:
        wrapper = etree.Element("wrapper")
        wrapper.append(in_place(root))
        extensions(root, wrapper)

    def original_in_subject(root: etree._Element) -> None:
        original = in_place(root)
        assertion(root).find(saml("Subject")).append(original)

    yield refused("S03", "forged-before-signed", ONE, "An unsigned assertion of the attacker before the signed one.", tampered(xsw3))
    yield refused("S03", "forged-before-signed-in-a-signed-response", ONE, "The same where the Response is signed.", message(sign="both", tamper=xsw3))
    yield refused("S04", "signed-inside-forged", ONE, "The signed assertion is a child of a forged one.", tampered(xsw4))
    yield refused("S04", "signed-inside-the-subject-of-forged", ONE, "The signed assertion hides in the Subject of a forged one.", tampered(original_in_subject))
    yield refused("S05", "forged-keeps-the-signature", ONE, "The forged assertion takes the Signature, the original follows without one.", tampered(xsw5))
    yield refused("S05", "forged-alone-with-another-id", REFERENCE, "The forged assertion takes the Signature, under an ID of its own.", tampered(lambda root: (in_place(root), assertion(root).set("ID", "_evil"))))
    yield refused("S06", "original-inside-the-signature", ONE, "The original hides in the Signature that the forged assertion took.", tampered(xsw6))
    yield refused("S06", "something-inside-the-signature", SHAPE, "Something besides its three parts stands in the Signature.", resigned(message(), adding("Signature", '<x xmlns="u:x"/>')))
    yield refused("S07", "forged-in-extensions", ONE, "A forged assertion in Extensions.", tampered(xsw7))
    yield refused("S07", "forged-in-extensions-with-the-signed-id", ONE, "The same, with the ID of the signed one.", tampered(same_id_in_extensions))
    yield refused("S08", "original-in-an-object", ONE, "The original in a ds:Object of the forged assertion's Signature.", tampered(xsw8))
    manifest = f'<Object xmlns="{XMLDSIG}"><Manifest Id="_m"/></Object>'
    yield refused("S08", "object", SHAPE, "An empty ds:Object in an otherwise good Signature.", resigned(message(), adding("Signature", f'<Object xmlns="{XMLDSIG}"/>')))
    yield refused("S08", "manifest", SHAPE, "A ds:Manifest, which a Reference could be about.", resigned(message(), adding("Signature", manifest)))
    yield refused("S10", "unsigned-before-signed", ONE, "The first of two assertions is unsigned.", tampered(lambda root: (xsw3(root), assertion(root).set("ID", "_first"))))
    yield refused("S11", "unsigned-after-signed", ONE, "The last of two assertions is unsigned.", tampered(behind))
    yield refused("S11", "signed-twice", ONE, "Two assertions, both signed, by the right key.", tampered(lambda root: root.append(etree.fromstring(etree.tostring(assertion(etree.fromstring(message(assertion_id="_assertion-2"))))))))
    yield refused("S12", "signed-in-extensions-forged-in-place", ONE, "The signed assertion in Extensions, a forged one with its ID and Signature in its place.", tampered(original_in_extensions))
    yield refused("S12", "signed-in-a-wrapper-forged-in-place", ONE, "The same, deeper.", tampered(deeper))
    yield refused("S12", "forged-in-place-alone", DIGEST, "The forged assertion alone, with ID and Signature of the signed one.", tampered(in_place))
    yield refused("S15", "signed-in-the-advice-of-forged", "saml.unsigned", "The signed assertion is only evidence of a forged, unsigned one.", tampered(in_advice))
    yield refused("S15", "two-signed-in-the-advice-of-forged", "saml.unsigned", "Two signed ones are evidence of a forged, unsigned one.", tampered(_two_in_advice))
    yield refused("S15", "its-signature-taken-by-forged", REFERENCE, "The forged assertion takes the Signature of the one in its Advice.", tampered(_advice_gives_its_signature))
    yield refused("S15", "unsigned-in-the-advice-of-unsigned", "saml.unsigned", "Neither the assertion nor its evidence is signed.", message(sign="none", edit=into(saml("Assertion"), '<Advice><Assertion ID="_e"/></Advice>', 3)))
    yield refused("S15", "advice-without-an-assertion", ONE, "The signed assertion lies in an Advice outside of any assertion.", tampered(_advice_in_extensions))
    yield refused("S16", "assertion-in-assertion-signature-first", ONE, "A forged assertion whose first child is the Signature, with the original in it.", tampered(_signature_first))


def _two_in_advice(root: etree._Element) -> None:
    in_advice(root)
    other = etree.fromstring(message(assertion_id="_assertion-2"))
    assertion(root).find(saml("Advice")).append(assertion(other))


def _advice_gives_its_signature(root: etree._Element) -> None:
    in_advice(root)
    evil = assertion(root)
    evil[0].addnext(next(evil.iter(ds("Signature"))))


def _advice_in_extensions(root: etree._Element) -> None:
    advice = etree.Element(saml("Advice"))
    advice.append(assertion(root))
    extensions(root, advice)


def _signature_first(root: etree._Element) -> None:
    xsw6(root)
    assertion(root).insert(0, signature(root))


def _parts_of_signatures() -> Iterator[Vector]:
    def fake(first: bool) -> Edit:
        def edit(root: etree._Element) -> None:
            in_place(root)
            real = part(signature(root), "SignedInfo")
            decoy = copy.deepcopy(real)
            part(decoy, "DigestValue").text = digest_of(assertion(root))
            (real.addprevious if first else real.addnext)(decoy)

        return edit

    def smuggled(*, whole: bool, signature_too: bool = False) -> Edit:
        def edit(root: etree._Element) -> None:
            in_place(root)
            detail = etree.SubElement(root.find(samlp("Status")), samlp("StatusDetail"))
            decoy = copy.deepcopy(signature(root) if signature_too else part(signature(root), "SignedInfo"))
            part(decoy, "DigestValue").text = digest_of(assertion(root))
            detail.append(decoy if whole else part(decoy, "DigestValue"))

        return edit

    yield refused("S09", "fake-signed-info-first", SHAPE, "A SignedInfo with the forged assertion's digest before the real one.", tampered(fake(True)))
    yield refused("S18", "fake-signed-info-second", SHAPE, "A SignedInfo with the forged assertion's digest behind the real one.", tampered(fake(False)))
    yield refused("S18", "signed-info-twice", SHAPE, "The same SignedInfo twice, under a good value.", resigned(message(), doubling("SignedInfo")))
    yield refused("S13", "digest-in-the-status-detail", DIGEST, "The forged assertion's digest lies in StatusDetail, before the Signature.", tampered(smuggled(whole=False)))
    yield refused("S13", "signed-info-in-the-status-detail", DIGEST, "A whole SignedInfo with that digest lies there.", tampered(smuggled(whole=True)))
    yield refused("S13", "signature-in-the-status-detail", STRAY, "A whole Signature with that digest lies there.", tampered(smuggled(whole=True, signature_too=True)))
    for name in ("DigestValue", "SignatureValue"):
        mark = f"<ds:{name}>".encode()
        yield refused("S19", f"comment-in-{name}", "xml.comment", f"A comment divides the {name}.", swap(message(), mark, mark + b"<!--x-->"))
        middle = swap(message(), mark, mark + b"<![CDATA[]]>AAAA<b/>")
        yield refused("S19", f"element-in-{name}", "xml.element_in_text", f"An element divides the {name}.", middle)
        yield refused("S19", f"garbage-in-{name}", SHAPE, f"Signs that are no base64 stand in the {name}.", swap(message(), mark, mark + b"-_"))
    with_certificate = message(certificate=certificate())
    octets = swap(with_certificate, b"<ds:X509Certificate>", b"<ds:X509Certificate><!--x-->")
    yield refused("S19", "comment-in-X509Certificate", "xml.comment", "A comment divides the certificate.", octets)


def _places_of_signatures() -> Iterator[Vector]:
    def to(where: str) -> Edit:
        def edit(root: etree._Element) -> None:
            moved = signature(root)
            if where == "response":
                root[0].addnext(moved)
            elif where == "extensions":
                extensions(root, moved)
            elif where == "status detail":
                etree.SubElement(root.find(samlp("Status")), samlp("StatusDetail")).append(moved)
            else:
                assertion(root).find(saml("Subject")).append(moved)

        return edit

    yield refused("S14", "moved-to-the-response", REFERENCE, "The assertion's Signature stands in the Response.", tampered(to("response")))
    for where in ("extensions", "status detail", "subject"):
        yield refused("S14", f"moved-to-the-{where.replace(' ', '-')}", STRAY, f"The assertion's Signature stands in the {where}.", tampered(to(where)))
    twice = lambda root: signature(root).addnext(copy.deepcopy(signature(root)))
    yield refused("S17", "the-same-twice", "xml.signature_several", "One element with the same Signature twice.", tampered(twice))
    for first in (True, False):
        octets = tampered(_beside_the_attackers(first))
        yield refused("S17", f"good-{'first' if first else 'second'}", "xml.signature_several", "One Signature by the right key, one by the attacker's.", octets)
    for which in ("response", "assertion"):
        octets = message(sign="both", tamper=_by_the_attacker(which))
        yield refused("S17", f"bad-on-the-{which}", VALUE, f"Both are signed, the {which} by the attacker's key.", octets)
    yield refused("S34", "the-responses-on-the-assertion", REFERENCE, "The assertion carries the Response's Signature, which has none.", message(sign="both", tamper=_copied("response")))
    yield refused("S34", "the-assertions-on-the-response", REFERENCE, "The Response carries the assertion's Signature, which has none.", message(sign="both", tamper=_copied("assertion")))
    forged_inside = lambda root: (in_place(root), assertion(root).find(NAME_ID.partition("/")[2]))
    yield refused("S34", "good-on-the-response-alone", DIGEST, "Both are signed; the assertion was replaced, and the Response's Signature is looked at first.", message(sign="both", tamper=forged_inside))


def _beside_the_attackers(first: bool) -> Edit:
    def edit(root: etree._Element) -> None:
        good = signature(root)
        assertion(root).remove(good)
        sign(assertion(root), key=private_key("attacker"), after=saml("Issuer"))
        bad = signature(root)
        (bad.addprevious if first else bad.addnext)(good)

    return edit


def _by_the_attacker(which: str) -> Edit:
    def edit(root: etree._Element) -> None:
        element = root if which == "response" else assertion(root)
        element.remove(element.find(ds("Signature")))
        sign(element, key=private_key("attacker"), after=saml("Issuer"))
        if which == "assertion":
            root.remove(root.find(ds("Signature")))
            sign(root, key=private_key(), after=saml("Issuer"))

    return edit


def _copied(which: str) -> Edit:
    def edit(root: etree._Element) -> None:
        to, source = (assertion(root), root) if which == "response" else (root, assertion(root))
        to.replace(to.find(ds("Signature")), source.find(ds("Signature")))

    return edit


def _references() -> Iterator[Vector]:
    yield refused("S20", "two-alike", SHAPE, "Two References to the assertion.", resigned(message(), doubling("Reference")))
    second = lambda found: (doubling("Reference")(found), part(found, "Reference").set("URI", "#_response-1"))
    yield refused("S20", "two-targets", SHAPE, "Two References, to the Response and to the assertion.", resigned(message(), second))
    yield refused("S20", "none", SHAPE, "A SignedInfo without a Reference.", resigned(message(), lambda found: part(found, "Reference").getparent().remove(part(found, "Reference"))))
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
    decoy = lambda attribute, value="_assertion-1": tampered(lambda root: extensions(root, etree.Element("decoy", {attribute: value})))
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


def _names_and_forms() -> Iterator[Vector]:
    plain = message()
    for name, namespace in {
        "none": "",
        "without-the-hash": XMLDSIG[:-1],
        "with-a-control-sign": XMLDSIG + "\u0080",
        "other-case": XMLDSIG.upper(),
    }.items():
        octets = plain.replace(f'"{XMLDSIG}"'.encode(), f'"{namespace}"'.encode()) if namespace else plain.replace(b"ds:", b"").replace(b"xmlns:ds", b"xmlns").replace(f'xmlns="{XMLDSIG}"'.encode(), b'xmlns=""')
        code = "xml.malformed" if "control" in name else "saml.unsigned"
        yield refused("S27", f"signature-in-namespace-{name}", code, "What looks like the Signature is in another namespace, or in none: there is no Signature.", octets)
    redefined = swap(plain, b"<ds:SignedInfo>", b'<ds:SignedInfo xmlns:ds="u:x">')
    yield refused("S27", "prefix-redefined", SHAPE, "The prefix `ds` means something else from SignedInfo on.", redefined)
    other = swap(plain, b"<saml:NameID ", b'<saml:NameID xmlns:saml="u:x" ')
    yield refused("S27", "name-id-in-another-namespace", DIGEST, "The prefix `saml` means something else at the NameID.", other)
    signed = message(edit=into(f"{saml('Assertion')}/{saml('Subject')}", '<NameID xmlns="u:x">mallory</NameID>', 0))
    yield refused("S27", "second-name-id-in-another-namespace", "saml.shape", "A NameID of another namespace before the real one, signed with it.", signed)
    beside = lambda root: root.append(etree.fromstring(f'<saml:Assertion xmlns:saml="{ASSERTION}x" ID="_x"/>'))
    yield refused("S27", "assertion-in-another-namespace", "saml.shape", "An assertion of another namespace beside the signed one.", tampered(beside))
    nothing = base64.b64encode(hashlib.sha256(b"").digest()).decode()
    relative = b'xmlns:e="1" e:f=""'
    void_element = resigned(plain, lambda found: setattr(part(found, "DigestValue"), "text", nothing))
    void_element = swap(void_element, b"<saml:NameID ", b"<saml:NameID " + relative + b" ")
    yield refused("S28", "element-without-canonical-form", "xml.signature_canonical_form", "A relative namespace name leaves nothing to hash, and the digest is that of nothing.", void_element)
    listed = adding("CanonicalizationMethod", f'<InclusiveNamespaces xmlns="{EXC_C14N}" PrefixList="e"/>')
    octets = swap(resigned(plain, listed, signed_octets=b""), b"<ds:SignedInfo>", b'<ds:SignedInfo xmlns:e="1">')
    yield refused("S28", "signed-info-without-canonical-form", "xml.signature_canonical_form", "The same in SignedInfo, and the value is a signature of nothing.", octets)
    yield refused("S28", "digest-of-nothing", DIGEST, "The digest of nothing, over an element that has a canonical form.", resigned(plain, lambda found: setattr(part(found, "DigestValue"), "text", nothing)))


def _text() -> Iterator[Vector]:
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
    for name, place in {"before-the-root": b"<samlp:Response ", "in-the-status": b"<samlp:StatusCode ", "in-the-signature": b"<ds:SignedInfo>"}.items():
        yield refused("S29", name, "xml.comment", f"A comment {name.replace('-', ' ')}.", swap(plain, place, cut + place))
        yield refused("S30", name, "xml.processing_instruction", f"A processing instruction {name.replace('-', ' ')}.", swap(plain, place, b"<?x y?>" + place))
    yield refused("S29", "behind-the-root", "xml.comment", "A comment behind the root.", plain + cut)
    yield refused("S30", "style-sheet", "xml.processing_instruction", "A style sheet, which a browser or library may fetch.", b'<?xml-stylesheet href="http://evil.example/x.xsl"?>' + plain)
    child = "<b>.evil.example</b>"
    for name, edit, code in (
        ("NameID", into(NAME_ID, child), "xml.element_in_text"),
        ("Issuer", into(f"{saml('Assertion')}/{saml('Issuer')}", child), "xml.element_in_text"),
        ("Audience", into(f"{saml('Assertion')}/{saml('Conditions')}/{saml('AudienceRestriction')}/{saml('Audience')}", child), "xml.element_in_text"),
        ("AuthnContextClassRef", into(f"{saml('Assertion')}/{saml('AuthnStatement')}/{saml('AuthnContext')}/{saml('AuthnContextClassRef')}", child), "xml.element_in_text"),
    ):
        yield refused("S31", f"element-in-{name}", code, f"An element in the {name}, signed with it.", message(edit=edit))
    yield refused("S31", "element-in-the-responses-issuer", "xml.element_in_text", "An element in the Response's Issuer.", tampered(into(saml("Issuer"), child)))
    yield refused("S31", "unknown-entity-in-NameID", "xml.malformed", "An entity that nobody declared.", renamed(plain, b"ada&x;"))
    yield refused("S32", "two-roots", "xml.malformed", "Two Responses, one behind the other.", plain + plain)
    yield refused("S32", "two-roots-forged-first", "xml.malformed", "A forged Response before the signed one.", message(sign="none", name_id=EVIL) + plain)
    yield refused("S32", "text-behind", "xml.malformed", "Something behind the root.", plain + b"x")
    yield refused("S32", "text-before", "xml.malformed", "Something before the root.", b"x" + plain)
    yield refused("S32", "two-documents", "xml.processing_instruction", "A second document, with an XML declaration of its own.", plain + b'<?xml version="1.0"?>' + plain)


def _around_the_signed_part() -> Iterator[Vector]:
    value = f"{saml('Assertion')}/{saml('AttributeStatement')}/{saml('Attribute')}/{saml('AttributeValue')}"
    conditions = f"{saml('Assertion')}/{saml('Conditions')}"
    for name, edit in {
        "name": say(NAME_ID, EVIL),
        "attribute": say(value, EVIL),
        "audience": say(f"{conditions}/{saml('AudienceRestriction')}/{saml('Audience')}", f"{SP}x"),
        "time": put(conditions, "NotOnOrAfter", "2026-03-04T23:00:00Z"),
        "condition-taken-away": drop(f"{conditions}/{saml('AudienceRestriction')}"),
    }.items():
        for kind in ("assertion", "response"):
            yield refused("S33", f"{name}-changed-{kind}-signed", DIGEST, f"Changed after signing: {name.replace('-', ' ')}.", tampered(edit, signed=kind))
    yield refused("S33", "destination-changed", "saml.destination", "Outside of the signed assertion the Destination was changed: a reason to refuse, never to believe.", tampered(put("", "Destination", "https://evil.example/acs")))
    yield refused("S33", "status-changed", "saml.status", "Outside of the signed assertion the status was changed.", tampered(put(f"{samlp('Status')}/{samlp('StatusCode')}", "Value", f"{PROTOCOL[:-8]}status:Responder")))
    yield refused("S33", "text-outside", "saml.shape", "Text outside of the signed assertion.", swap(message(), b"</samlp:Status>", b"</samlp:Status>" + NAME.encode()))
