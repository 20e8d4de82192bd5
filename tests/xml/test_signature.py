"""The signature profile: each of its sentences has a document here that only that sentence refuses."""

import base64
import copy
import time
from collections.abc import Callable
from xml.sax.saxutils import quoteattr

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree
from signxml import XMLVerifier
from tests.builders_saml import certificate_for, ec_key, idp_certificate, idp_key, keys, refusal, response_xml
from tests.xml.other_signer import pem, xmlsec_accepts, xmlsec_sign

from vestibule.ground.errors import Refused
from vestibule.xml import signature as room
from vestibule.xml.parse import parse, reparse
from vestibule.xml.signature import DS, EXC_C14N, RSA_SHA256, SHA256, load_certificates, sign, verify

PLAIN = '<r xmlns="u:x" xmlns:xs="u:xs" ID="_1"><i/><v xs:t="1">value</v></r>'
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
PSS = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"

Sign = Callable[[bytes], bytes]


def rsa_sign(octets: bytes) -> bytes:
    return idp_key().sign(octets, padding.PKCS1v15(), hashes.SHA256())


def made(
    *,
    edit: Callable[[etree._Element], object] = lambda signature: None,
    method: str = RSA_SHA256,
    signer: Sign = rsa_sign,
    digest: str = SHA256,
    algorithm: hashes.HashAlgorithm | None = None,
    xml: str = PLAIN,
) -> etree._Element:
    """A signed document; `edit` changes the Signature *before* its value is made, so that nothing but the profile objects."""
    root = etree.fromstring(xml)
    sign(root, key=idp_key(), after="{u:x}i")
    signature = root[1]
    hasher = hashes.Hash(algorithm or hashes.SHA256())
    unsigned = copy.deepcopy(root)
    unsigned.remove(unsigned[1])
    hasher.update(etree.tostring(unsigned, method="c14n", exclusive=True))
    signature.find(f".//{{{DS}}}DigestValue").text = base64.b64encode(hasher.finalize()).decode()
    signature.find(f".//{{{DS}}}DigestMethod").set("Algorithm", digest)
    signature.find(f".//{{{DS}}}SignatureMethod").set("Algorithm", method)
    edit(signature)
    info = signature.find(f"{{{DS}}}SignedInfo")
    if info is not None and signature.find(f"{{{DS}}}SignatureValue") is not None:
        value = signer(etree.tostring(info, method="c14n", exclusive=True))
        signature.find(f"{{{DS}}}SignatureValue").text = base64.b64encode(value).decode()
    return reparse(etree.tostring(root))


def part(signature: etree._Element, name: str) -> etree._Element:
    return next(signature.iter(f"{{{DS}}}{name}"))


def setting(name: str, attribute: str, value: str | None) -> Callable[[etree._Element], None]:
    def edit(signature: etree._Element) -> None:
        element = part(signature, name)
        element.attrib.pop(attribute, None)
        if value is not None:
            element.set(attribute, value)

    return edit


def doubling(name: str) -> Callable[[etree._Element], None]:
    return lambda signature: part(signature, name).addnext(copy.deepcopy(part(signature, name)))


def removing(name: str) -> Callable[[etree._Element], None]:
    return lambda signature: part(signature, name).getparent().remove(part(signature, name))


def adding(parent: str, xml: str) -> Callable[[etree._Element], None]:
    return lambda signature: part(signature, parent).append(etree.fromstring(xml))


def transforms(*algorithms: str) -> Callable[[etree._Element], None]:
    def edit(signature: etree._Element) -> None:
        parent = part(signature, "Transforms")
        del parent[:]
        for algorithm in algorithms:
            etree.SubElement(parent, f"{{{DS}}}Transform", Algorithm=algorithm)

    return edit


def test_what_was_signed_comes_back_as_a_tree_of_its_own() -> None:
    """The honest positive: the returned tree is fresh, has no Signature, and says what the octets said that were hashed."""
    root = made()
    read = verify(root, root, keys=keys())
    assert [child.tag for child in read] == ["{u:x}i", "{u:x}v"]
    assert read[1].text == "value"
    assert read is not root
    assert root.find(room.SIGNATURE) is not None


def test_verifying_leaves_the_document_as_it_was() -> None:
    """The document is not consumed: it verifies twice, and its octets stay."""
    root = made()
    before = etree.tostring(root)
    verify(root, root, keys=keys())
    verify(root, root, keys=keys())
    assert etree.tostring(root) == before


def test_without_keys_nothing_is_verified() -> None:
    """An empty list of keys is a refusal, not a signature that nobody objects to."""
    root = made()
    with refusal("xml.signature_no_keys"):
        verify(root, root, keys=())


def test_another_key_is_refused_and_any_of_several_will_do() -> None:
    """During a rollover two keys are good; one that is not the connection's never is."""
    root = made()
    with refusal("xml.signature_value"):
        verify(root, root, keys=keys("second"))
    assert verify(root, root, keys=keys("second", "first")) is not None


def test_a_changed_element_is_refused() -> None:
    """The digest guards the element."""
    root = made()
    root[2].text = "other"
    with refusal("xml.signature_digest"):
        verify(root, root, keys=keys())


def test_a_changed_signed_info_is_refused() -> None:
    """The value guards SignedInfo: a new digest for a changed element does not help."""
    root = made()
    part(root, "DigestValue").text = base64.b64encode(b"\0" * 32).decode()
    with refusal("xml.signature_value"):
        verify(root, root, keys=keys())


@pytest.mark.parametrize("front", [" front ", None])
@pytest.mark.parametrize("between", [" between ", None])
@pytest.mark.parametrize("at", [0, 1])
def test_text_behind_the_signature_belongs_to_the_element(at: int, between: str | None, front: str | None) -> None:
    """The enveloped transform takes out the Signature and no text: pretty-printed messages of real IdPs verify."""
    behind = " behind "
    root = etree.fromstring('<r xmlns="u:x" ID="_1"><i/></r>')
    root.text, root[0].tail = (front, (between or "") + behind) if at else ((front or "") + behind, between)
    sign(root, key=idp_key(), after="{u:x}i")
    signature = root[1]
    root.remove(signature)
    root.text, root[0].tail = front, between
    root.insert(at, signature)
    signature.tail = behind
    root = reparse(etree.tostring(root))
    assert etree.tostring(root).count(b"</ds:Signature> behind ") == 1
    read = verify(root, root, keys=keys())
    assert (read.text, read[0].tail) == ((front, (between or "") + behind) if at else ((front or "") + behind, between))


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (doubling("SignedInfo"), "xml.signature_shape"),
        (doubling("SignatureValue"), "xml.signature_shape"),
        (lambda s: (s.append(etree.fromstring(f'<KeyInfo xmlns="{DS}"/>')), doubling("KeyInfo")(s)), "xml.signature_shape"),
        (adding("Signature", f'<Object xmlns="{DS}"/>'), "xml.signature_shape"),
        (adding("Signature", '<Other xmlns="u:x"/>'), "xml.signature_shape"),
        (lambda s: s.insert(0, part(s, "SignatureValue")), "xml.signature_shape"),
        (lambda s: s.__delitem__(slice(None)), "xml.signature_shape"),
        (removing("SignatureValue"), "xml.signature_shape"),
        (setting("Signature", "wild", "x"), "xml.signature_shape"),
        (setting("SignatureValue", "wild", "x"), "xml.signature_shape"),
        (setting("SignedInfo", "wild", "x"), "xml.signature_shape"),
        (setting("DigestValue", "wild", "x"), "xml.signature_shape"),
        (setting("Reference", "wild", "x"), "xml.signature_shape"),
        (setting("DigestMethod", "wild", "x"), "xml.signature_shape"),
        (doubling("CanonicalizationMethod"), "xml.signature_shape"),
        (doubling("SignatureMethod"), "xml.signature_shape"),
        (doubling("Reference"), "xml.signature_shape"),
        (removing("Reference"), "xml.signature_shape"),
        (doubling("DigestMethod"), "xml.signature_shape"),
        (doubling("DigestValue"), "xml.signature_shape"),
        (doubling("Transforms"), "xml.signature_shape"),
        (removing("Transforms"), "xml.signature_shape"),
        (adding("SignatureMethod", f'<HMACOutputLength xmlns="{DS}">8</HMACOutputLength>'), "xml.signature_shape"),
        (adding("CanonicalizationMethod", '<x xmlns="u:x"/>'), "xml.signature_shape"),
        (adding("CanonicalizationMethod", f'<InclusiveNamespaces xmlns="{EXC_C14N}" PrefixList="{"a " * 21}"/>'), "xml.signature_shape"),
        (adding("CanonicalizationMethod", f'<InclusiveNamespaces xmlns="{EXC_C14N}" Wild="a"/>'), "xml.signature_shape"),
        (lambda s: [adding("CanonicalizationMethod", f'<InclusiveNamespaces xmlns="{EXC_C14N}"/>')(s) for _ in "12"], "xml.signature_shape"),
        (adding("CanonicalizationMethod", f'<InclusiveNamespaces xmlns="{EXC_C14N}"><x/></InclusiveNamespaces>'), "xml.signature_shape"),
        *(
            (adding("CanonicalizationMethod", f'<InclusiveNamespaces xmlns="{EXC_C14N}" PrefixList="xs{parting}saml"/>'), "xml.signature_shape")
            for parting in ("&#10;", "&#9;", "&#13;", "\u00a0", "\u3000")
        ),
        (lambda s: setattr(part(s, "DigestValue"), "text", part(s, "DigestValue").text + "\u3000"), "xml.signature_shape"),
        (lambda s: setattr(part(s, "DigestValue"), "text", part(s, "DigestValue").text + "\u00a0"), "xml.signature_shape"),
        (lambda s: setattr(part(s, "DigestValue"), "text", "not base64!"), "xml.signature_shape"),
        (lambda s: setattr(part(s, "DigestValue"), "text", "AAAA="), "xml.signature_shape"),
        (lambda s: setattr(part(s, "DigestValue"), "text", "AAAA===="), "xml.signature_shape"),
        (lambda s: setattr(part(s, "DigestValue"), "text", part(s, "DigestValue").text + "QUJD"), "xml.signature_shape"),
        (lambda s: setattr(part(s, "DigestValue"), "text", None), "xml.signature_shape"),
        (setting("Reference", "URI", ""), "xml.signature_reference"),
        (setting("Reference", "URI", None), "xml.signature_reference"),
        (setting("Reference", "URI", "#"), "xml.signature_reference"),
        (setting("Reference", "URI", "#_2"), "xml.signature_reference"),
        (setting("Reference", "URI", "_1"), "xml.signature_reference"),
        (setting("Reference", "URI", "#xpointer(/)"), "xml.signature_reference"),
        (setting("Reference", "URI", "#xpointer(id('_1'))"), "xml.signature_reference"),
        (setting("Reference", "URI", "file:///etc/passwd"), "xml.signature_reference"),
        (setting("Reference", "URI", "https://evil.example/#_1"), "xml.signature_reference"),
        (transforms(), "xml.signature_transforms"),
        (transforms(room.ENVELOPED), "xml.signature_transforms"),
        (transforms(EXC_C14N), "xml.signature_transforms"),
        (transforms(EXC_C14N, room.ENVELOPED), "xml.signature_transforms"),
        (transforms(room.ENVELOPED, EXC_C14N, EXC_C14N), "xml.signature_transforms"),
        (transforms(room.ENVELOPED, EXC_C14N + "WithComments"), "xml.signature_transforms"),
        (transforms(room.ENVELOPED, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"), "xml.signature_transforms"),
        (transforms(room.ENVELOPED, "http://www.w3.org/2006/12/xml-c14n11"), "xml.signature_transforms"),
        (transforms(room.ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116"), "xml.signature_transforms"),
        (transforms(room.ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116"), "xml.signature_transforms"),
        (transforms(room.ENVELOPED, "http://www.w3.org/2002/06/xmldsig-filter2"), "xml.signature_transforms"),
        (transforms(room.ENVELOPED, DS + "base64"), "xml.signature_transforms"),
        (adding("Transform", "<XPath xmlns='u:x'/>"), "xml.signature_transforms"),
        (lambda s: setattr(part(s, "Transform"), "tag", "{u:x}Transform"), "xml.signature_transforms"),
        (setting("CanonicalizationMethod", "Algorithm", EXC_C14N + "WithComments"), "xml.signature_canonicalization"),
        (setting("CanonicalizationMethod", "Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"), "xml.signature_canonicalization"),
        (setting("CanonicalizationMethod", "Algorithm", "http://www.w3.org/2006/12/xml-c14n11"), "xml.signature_canonicalization"),
        (setting("CanonicalizationMethod", "Algorithm", None), "xml.signature_canonicalization"),
        (setting("SignatureMethod", "Algorithm", None), "xml.signature_algorithm"),
        (setting("SignatureMethod", "Algorithm", MORE + "hmac-sha256"), "xml.signature_algorithm"),
        (setting("SignatureMethod", "Algorithm", DS + "hmac-sha1"), "xml.signature_algorithm"),
        (setting("SignatureMethod", "Algorithm", DS + "rsa-sha1"), "xml.signature_algorithm"),
        (setting("SignatureMethod", "Algorithm", MORE + "rsa-md5"), "xml.signature_algorithm"),
        (setting("SignatureMethod", "Algorithm", DS + "dsa-sha1"), "xml.signature_algorithm"),
        (setting("DigestMethod", "Algorithm", DS + "sha1"), "xml.signature_algorithm"),
        (setting("DigestMethod", "Algorithm", MORE + "md5"), "xml.signature_algorithm"),
    ],
)  # fmt: skip
def test_a_signature_outside_the_profile_is_refused_although_its_key_is_right(
    edit: Callable[[etree._Element], object], code: str
) -> None:
    """The value is made over the changed SignedInfo by the connection's own key, so only the profile can object."""
    root = made(edit=edit)
    with refusal(code):
        verify(root, root, keys=keys())


@pytest.mark.parametrize(
    "identifier", ["_1 ", " _1", "_1 _2", "#_1", "##", "it's", "a%20b", "x')|id('y", "a(b)", "\u00a01", 'a"b']
)
def test_an_identifier_that_readers_take_apart_is_refused(identifier: str) -> None:
    """XPointer's `id()` takes a list, and quotation marks end it; number and percent signs are a URI's own."""
    root = made(xml=PLAIN.replace('"_1"', quoteattr(identifier)))
    with refusal("xml.signature_reference"):
        verify(root, root, keys=keys())


@pytest.mark.parametrize("identifier", ["_1", "1a", "a.b-c_d", "a:b", "a~b", "é1", "pfx-4f2c"])
def test_an_identifier_need_not_be_a_name_of_xml(identifier: str) -> None:
    """Widespread senders begin theirs with a digit."""
    root = made(xml=PLAIN.replace('"_1"', quoteattr(identifier)))
    assert verify(root, root, keys=keys()).get("ID") == identifier


def test_twenty_prefixes_are_allowed_and_those_declared_outside_count() -> None:
    """A PrefixList is honoured, with declarations that stand around the element and are used only inside values."""
    root = etree.fromstring('<o xmlns:xs="u:xs"><r xmlns="u:x" ID="_1"><i/><v t="xs:string">value</v></r></o>')
    xmlsec_sign(root[0], pem(idp_key()), prefixes="xs #default " + " ".join(f"p{i}" for i in range(18)))
    root = parse(etree.tostring(root))
    signed = verify(root, root[0], keys=keys())
    assert signed.nsmap == {None: "u:x", "xs": "u:xs"}


def test_an_element_in_a_value_of_the_signature_is_refused() -> None:
    """Nothing of the signature is read as far as a child and no further."""
    root = made()
    part(root, "DigestValue").append(etree.Element("x"))
    with refusal("xml.element_in_text"):
        verify(root, root, keys=keys())


def test_the_signature_must_be_a_child_of_what_it_signs() -> None:
    """A Signature deeper down signs nothing here, and two are one too many."""
    root = made()
    etree.SubElement(root, "{u:x}w").append(root[1])
    with refusal("xml.signature_missing"):
        verify(root, root, keys=keys())
    root = made()
    root.append(copy.deepcopy(root[1]))
    with refusal("xml.signature_several"):
        verify(root, root, keys=keys())


def test_a_signature_in_another_namespace_is_none() -> None:
    """Names are (namespace, local name), never a prefix."""
    root = made()
    root[1].tag = "{http://www.w3.org/2000/09/xmldsig}Signature"
    with refusal("xml.signature_missing"):
        verify(root, root, keys=keys())


def test_an_element_without_an_id_is_not_signed_by_an_empty_reference() -> None:
    """`#` and no ID are not equal to each other."""
    root = made(edit=setting("Reference", "URI", "#"))
    root.set("ID", "")
    with refusal("xml.signature_reference"):
        verify(root, root, keys=keys())


@pytest.mark.parametrize("name", ["ID", "Id", "id", "AssertionID"])
def test_ids_are_unique_over_the_whole_document_whatever_they_are_called(name: str) -> None:
    """A second element with the signed element's identifier is refused, wherever it hides."""
    root = made(edit=adding("Signature", f'<KeyInfo xmlns="{DS}"><x {name}="_1"/></KeyInfo>'))
    with refusal("xml.duplicate_id"):
        verify(root, root, keys=keys())


def test_the_identifier_that_occurs_twice_is_named() -> None:
    """So that an operator finds it."""
    with pytest.raises(Refused) as caught:
        room.require_unique_ids(parse(b"<a ID='x'><b ID='y'/><c Id='y'/></a>"))
    assert (caught.value.code, caught.value.got) == ("xml.duplicate_id", "y")


@pytest.mark.parametrize("twice", [b"", b"<e ID='a0'/>"])
def test_many_identifiers_are_judged_in_linear_time(twice: bytes) -> None:
    """5,000 are allowed, one more is refused, and whichever it is: a document of 350 kB costs a twentieth of a second."""
    names = ("ID", "Id", "id", "AssertionID")
    many = [f'<e {names[n % 4]}="a{n}"/>' for n in range(19_500)]
    within = parse(f"<r>{''.join(many[: room.MAX_IDS])}</r>".encode())
    room.require_unique_ids(within)
    beyond = [parse(f"<r>{''.join(many[: room.MAX_IDS + 1])}</r>".encode())]
    beyond.append(parse(f"<r>{''.join(many)}".encode() + twice + b"</r>"))
    for root in beyond:
        start = time.thread_time()
        with refusal("xml.too_complex"):
            room.require_unique_ids(root)
        assert time.thread_time() - start < 0.05
    doubled = parse(f"<r>{''.join(many[: room.MAX_IDS - 1])}<e ID='a4998'/></r>".encode())
    start = time.thread_time()
    with refusal("xml.duplicate_id"):
        room.require_unique_ids(doubled)
    assert time.thread_time() - start < 0.05


@pytest.mark.parametrize("name", ["xml:id", "p:ID", "p:Id", "p:AssertionID"])
def test_identifiers_in_a_namespace_are_refused(name: str) -> None:
    """An attribute that one reader takes for an ID and the next does not has no place in a message."""
    root = made(edit=adding("Signature", f'<KeyInfo xmlns="{DS}"><x xmlns:p="u:p" {name}="_other"/></KeyInfo>'))
    with refusal("xml.foreign_id"):
        verify(root, root, keys=keys())


def test_key_info_is_never_read() -> None:
    """The attacker's certificate in KeyInfo proves nothing, and nonsense there harms nothing."""
    root = etree.fromstring(PLAIN)
    sign(root, key=idp_key("attacker"), certificate_pem=idp_certificate("attacker"), after="{u:x}i")
    root = reparse(etree.tostring(root))
    with refusal("xml.signature_value"):
        verify(root, root, keys=keys())
    nonsense = f'<KeyInfo xmlns="{DS}"><RetrievalMethod URI="file:///etc/passwd"/><X509Data>?</X509Data></KeyInfo>'
    root = made(edit=adding("Signature", nonsense))
    assert verify(root, root, keys=keys()) is not None


def test_nothing_that_has_no_canonical_form_is_verified() -> None:
    """A relative namespace name makes canonicalisation fail; that is a refusal, and an empty form is never hashed."""
    empty = hashes.Hash(hashes.SHA256()).finalize()

    def edit(signature: etree._Element) -> None:
        part(signature, "DigestValue").text = base64.b64encode(empty).decode()

    octets = etree.tostring(made(edit=edit)).replace(b"<v ", b'<v xmlns:e="1" e:f="" ')
    root = reparse(octets)
    with refusal("xml.signature_canonical_form"):
        verify(root, root, keys=keys())


# -- algorithms ----------------------------------------------------------------------------------------------------------


def raw_ecdsa(key: ec.EllipticCurvePrivateKey, algorithm: hashes.HashAlgorithm) -> Sign:
    def signer(octets: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(algorithm)))
        size = (key.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    return signer


def padded(value: bytes) -> bytes:
    """The same two numbers, the second with a zero in front: equal, and not as long as it must be."""
    return value[:32] + b"\0" + value[32:]


def pss(algorithm: hashes.HashAlgorithm, salt: int) -> Sign:
    return lambda octets: idp_key().sign(octets, padding.PSS(padding.MGF1(algorithm), salt), algorithm)


def pkcs(algorithm: hashes.HashAlgorithm) -> Sign:
    return lambda octets: idp_key().sign(octets, padding.PKCS1v15(), algorithm)


@pytest.mark.parametrize(
    ("method", "signer"),
    [
        (RSA_SHA256, pkcs(hashes.SHA256())),
        (MORE + "rsa-sha384", pkcs(hashes.SHA384())),
        (MORE + "rsa-sha512", pkcs(hashes.SHA512())),
        (PSS, pss(hashes.SHA256(), 32)),
        (PSS.replace("256", "384"), pss(hashes.SHA384(), 48)),
        (PSS.replace("256", "512"), pss(hashes.SHA512(), 64)),
    ],
)
def test_rsa_with_sha_2_is_believed(method: str, signer: Sign) -> None:
    """PKCS#1 v1.5 and PSS, each with SHA-256, 384 and 512."""
    root = made(method=method, signer=signer)
    assert verify(root, root, keys=keys()) is not None
    assert verify(root, root, keys=(*keys("second"), ec_key().public_key(), *keys())) is not None


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
@pytest.mark.parametrize("algorithm", [hashes.SHA256(), hashes.SHA384(), hashes.SHA512()])
def test_ecdsa_with_sha_2_is_believed(curve: str, algorithm: hashes.HashAlgorithm) -> None:
    """Three curves, three digests; the value is r and s side by side, each as long as the curve's order."""
    key = ec_key(curve)
    root = made(method=f"{MORE}ecdsa-{algorithm.name}", signer=raw_ecdsa(key, algorithm))
    assert verify(root, root, keys=(key.public_key(),)) is not None


def test_the_value_must_be_of_the_algorithm_that_is_named() -> None:
    """A PSS value under the PKCS#1 name, a salt of another length, a DER-coded ECDSA value: all refused."""
    key = ec_key()
    for method, signer, trusted in (
        (RSA_SHA256, pss(hashes.SHA256(), 32), keys()),
        (PSS, pkcs(hashes.SHA256()), keys()),
        (PSS, pss(hashes.SHA256(), 20), keys()),
        (RSA_SHA256, raw_ecdsa(key, hashes.SHA256()), (key.public_key(),)),
        (room.ECDSA_SHA256, pkcs(hashes.SHA256()), keys()),
        (room.ECDSA_SHA256, lambda octets: key.sign(octets, ec.ECDSA(hashes.SHA256())), (key.public_key(),)),
        (room.ECDSA_SHA256, lambda octets: b"\0" * 64, (key.public_key(),)),
        (room.ECDSA_SHA256, lambda octets: padded(raw_ecdsa(key, hashes.SHA256())(octets)), (key.public_key(),)),
        (room.ECDSA_SHA256, pss(hashes.SHA256(), 32), keys()),
    ):
        root = made(method=method, signer=signer)
        with refusal("xml.signature_value"):
            verify(root, root, keys=trusted)


@pytest.mark.parametrize("name", ["sha384", "sha512"])
def test_larger_digests_are_believed(name: str) -> None:
    """SHA-384 and SHA-512 digests."""
    uri = MORE + name if name == "sha384" else "http://www.w3.org/2001/04/xmlenc#sha512"
    root = made(digest=uri, algorithm={"sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[name])
    assert verify(root, root, keys=keys()) is not None


def test_sha_1_is_believed_by_the_quirk_alone() -> None:
    """With `allow_sha1` an RSA-SHA1 signature over a SHA-1 digest verifies; without it, neither half does."""
    sha1 = hashes.SHA1()  # noqa: S303 what the quirk is about
    old = made(method=DS + "rsa-sha1", signer=pkcs(sha1), digest=DS + "sha1", algorithm=sha1)
    assert verify(old, old, keys=keys(), allow_sha1=True) is not None
    for document in (
        old,
        made(method=DS + "rsa-sha1", signer=pkcs(sha1)),
        made(digest=DS + "sha1", algorithm=sha1),
    ):
        with refusal("xml.signature_algorithm"):
            verify(document, document, keys=keys())


# -- signing -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["assertion", "response", "both"])
@pytest.mark.parametrize("key", [idp_key, ec_key], ids=["rsa", "ec"])
def test_other_verifiers_accept_what_we_sign(kind: str, key: Callable[[], room.PrivateKey]) -> None:
    """Two unrelated implementations believe our signatures, and read the same element from them."""
    octets = response_xml(sign=kind, key=key())
    public = key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert xmlsec_accepts(octets, public)
    certificate = certificate_for(key())
    root = etree.fromstring(octets)
    signed = root if kind != "assertion" else root[-1]
    theirs = XMLVerifier().verify(etree.tostring(signed), x509_cert=certificate, id_attribute="ID")
    ours = verify(root, signed, keys=load_certificates([certificate]))
    assert etree.tostring(theirs.signed_xml, method="c14n") == etree.tostring(ours, method="c14n")


def test_the_certificate_goes_into_key_info_when_given() -> None:
    """It is for the other side's convenience; its base64 is the certificate's DER."""
    root = etree.fromstring(PLAIN)
    sign(root, key=idp_key(), certificate_pem=idp_certificate(), after="{u:x}i")
    body = part(root, "X509Certificate").text
    assert body is not None
    assert body in idp_certificate().replace("\n", "")


def test_only_an_element_with_an_id_and_the_named_child_can_be_signed() -> None:
    """Both are mistakes of ours, not of a peer: no refusal."""
    for xml, after in (('<r xmlns="u:x"><i/></r>', "{u:x}i"), ('<r xmlns="u:x" ID="_1"><i/></r>', "{u:x}j")):
        with pytest.raises(ValueError, match="has an ID and the child"):
            sign(etree.fromstring(xml), key=idp_key(), after=after)


def test_an_element_of_another_document_cannot_be_verified() -> None:
    """Asking for it is a mistake of ours: nothing is returned."""
    with pytest.raises(ValueError, match="not in the document"):
        verify(made(), made(), keys=keys())


@pytest.mark.parametrize("key", [idp_key, ec_key], ids=["rsa", "ec"])
def test_octets_are_signed_for_the_redirect_binding(key: Callable[[], room.PrivateKey]) -> None:
    """The algorithm that is named is the one that was used."""
    made_value = room.sign_octets(b"SAMLRequest=x", key=key())
    method = room.METHODS[room.algorithm(key())]
    assert room._verifies(b"SAMLRequest=x", made_value, method, key().public_key())


# -- keys ----------------------------------------------------------------------------------------------------------------


def test_an_expired_pinned_certificate_is_a_good_container() -> None:
    """Its dates say nothing: the operator pinned the key."""
    (key,) = load_certificates([certificate_for(idp_key(), days=-1)])
    root = made()
    assert verify(root, root, keys=[key]) is not None


def test_weak_and_unknown_keys_are_refused() -> None:
    """RSA under 2048 bits, a curve that is none of the three, and what is no certificate at all."""
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 that is the point
    for key in (weak, ec_key("K-256"), dsa.generate_private_key(2048)):
        with refusal("xml.certificate_key"):
            load_certificates([certificate_for(key)])
    for text in ("", "nonsense", idp_certificate()[:200]):
        with refusal("xml.certificate"):
            load_certificates([text])
