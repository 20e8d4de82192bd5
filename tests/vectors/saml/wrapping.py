"""Rows S01 to S19 and S34: what a signature is about, and where it and the assertion stand."""

import copy
from collections.abc import Iterator

from lxml import etree
from tests.builders_saml import Edit
from tests.saml.test_checks import into
from tests.saml.test_trust import EVIL, behind, forged, in_advice, xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8
from tests.vectors.saml.corpus import Vector, accepted, certificate, message, private_key, refused, renamed, swap
from tests.vectors.saml.edits import (
    DIGEST,
    ONE,
    REFERENCE,
    SHAPE,
    STRAY,
    VALUE,
    assertion,
    digest_of,
    each,
    extensions,
    in_place,
    name_evil,
    signature,
    tampered,
)
from tests.vectors.saml.signing import resigned
from tests.xml.test_signature import adding, doubling, part

from vestibule.saml.names import XMLDSIG, ds, saml, samlp
from vestibule.xml.signature import sign

FAMILY = "signature-scope"


def vectors() -> Iterator[Vector]:
    """This family, row by row."""
    yield from _honest()
    yield from _wrapped_responses()
    yield from _wrapped_assertions()
    yield from _advice()
    yield from _parts_of_signatures()
    yield from _places_of_signatures()
    yield from _several_signatures()


# One vector a line:
# fmt: off


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
    octets = swap(
        message(),
        b"<samlp:Status>",
        b'<samlp:Extensions><x xmlns="u:x" Destination="u:elsewhere"/></samlp:Extensions><samlp:Status>',
    )
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

    def evil(edit: Edit) -> bytes:
        return tampered(each(edit, name_evil), signed="response")

    yield refused("S01", "original-inside-the-signature", ONE, "The signed Response hides in the Signature of a Response that names the attacker.", evil(xsw1))
    yield refused("S01", "original-in-an-object", ONE, "The same, in a ds:Object of that Signature.", evil(in_object))
    yield refused("S02", "original-before-the-signature", "saml.shape", "The signed Response stands, without its Signature, beside it.", evil(xsw2))
    yield refused("S02", "original-at-the-end", "saml.shape", "The same, behind everything else.", evil(at_the_end))
    yield refused("S16", "response-in-response", "saml.shape", "A whole signed Response as the child of another.", tampered(lambda root: root.append(copy.deepcopy(root))))
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
    behind_it = each(adding("Signature", f'<KeyInfo xmlns="{XMLDSIG}"/>'), adding("Signature", f'<Object xmlns="{XMLDSIG}"/>'))
    yield refused("S08", "object-behind-key-info", SHAPE, "An empty ds:Object behind KeyInfo.", resigned(message(), behind_it))
    yield refused("S08", "manifest", SHAPE, "A ds:Manifest, which a Reference could be about.", resigned(message(), adding("Signature", manifest)))
    yield refused("S10", "unsigned-before-signed", ONE, "The first of two assertions is unsigned.", tampered(lambda root: (xsw3(root), assertion(root).set("ID", "_first"))))
    yield refused("S11", "unsigned-after-signed", ONE, "The last of two assertions is unsigned.", tampered(behind))
    yield refused("S11", "signed-twice", ONE, "Two assertions, both signed, by the right key.", tampered(lambda root: root.append(etree.fromstring(etree.tostring(assertion(etree.fromstring(message(assertion_id="_assertion-2"))))))))
    yield refused("S12", "signed-in-extensions-forged-in-place", ONE, "The signed assertion in Extensions, a forged one with its ID and Signature in its place.", tampered(original_in_extensions))
    yield refused("S12", "signed-in-a-wrapper-forged-in-place", ONE, "The same, deeper.", tampered(deeper))
    yield refused("S12", "forged-in-place-alone", DIGEST, "The forged assertion alone, with ID and Signature of the signed one.", tampered(in_place))


def _advice() -> Iterator[Vector]:
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


def _several_signatures() -> Iterator[Vector]:
    yield refused("S17", "the-same-twice", "xml.signature_several", "One element with the same Signature twice.", tampered(lambda root: signature(root).addnext(copy.deepcopy(signature(root)))))
    for first in (True, False):
        octets = tampered(_beside_the_attackers(first))
        yield refused("S17", f"good-{'first' if first else 'second'}", "xml.signature_several", "One Signature by the right key, one by the attacker's.", octets)
    for which in ("response", "assertion"):
        octets = message(sign="both", tamper=_by_the_attacker(which))
        yield refused("S17", f"bad-on-the-{which}", VALUE, f"Both are signed, the {which} by the attacker's key.", octets)
    yield refused("S34", "the-responses-on-the-assertion", REFERENCE, "The Response's Signature was moved to the assertion.", message(sign="both", tamper=_copied("response")))
    yield refused("S34", "the-assertions-on-the-response", REFERENCE, "The assertion's Signature was moved to the Response.", message(sign="both", tamper=_copied("assertion")))
    yield refused("S34", "good-on-the-response-alone", DIGEST, "Both are signed; the assertion was replaced, and the Response's Signature is looked at first.", message(sign="both", tamper=in_place))


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
