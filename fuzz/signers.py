"""Three signers for one verifier: our own, libxmlsec and signxml, each with all that it can do."""

import textwrap
from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import xmlsec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from lxml import etree
from signxml import CanonicalizationMethod, SignatureReference, XMLSigner

from fuzz import keys
from vestibule.saml.names import ASSERTION, saml
from vestibule.xml import signature as ours
from vestibule.xml.signature import DIGESTS, DS, EXC_C14N, METHODS, RSA_SHA256, SHA256, SIGNATURE

SIGNERS = ("ours", "xmlsec", "signxml")
_ALGORITHM = "Algorithm"
_PARSER = etree.XMLParser(strip_cdata=False, huge_tree=False, resolve_entities=False, no_network=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a signature is made and written. `prefix` "" puts its names into the default namespace, where the signer can.

    `tidy`: it declares only what it uses. `line_end`: what breaks the lines of its base64, "" for none.
    """

    signer: str
    method: str
    digest: str
    prefix: str
    prefix_list: str | None
    for_signed_info: bool
    key_info: tuple[str, ...]
    tidy: bool
    line_end: str


class _Signxml(XMLSigner):
    """That library writes documents as ASCII between its steps, which turns names such as `<ü:a>` into what is no XML."""

    def _tostring(self, xml_node: etree._Element, **how: object) -> bytes:
        return etree.tostring(xml_node, **{"encoding": "utf-8", **how})


def draw_method(rng: Random, key: str, signer: str) -> str:
    """A signature algorithm that this key can make; ours makes one for each kind of key."""
    is_rsa = key in keys.RSA_NAMES
    if signer == "ours":
        return RSA_SHA256 if is_rsa else ours.ECDSA_SHA256
    return rng.choice([name for name, it in METHODS.items() if (it.scheme != "ecdsa") is is_rsa])


def draw_digest(rng: Random, method: str, signer: str) -> str:
    return SHA256 if signer == "ours" else rng.choice(list(DIGESTS))


def sign_anew(
    element: etree._Element, pair: keys.Pair, prefix_list: str | None = None, *, for_signed_info: bool = False
) -> None:
    """A signature over an element that has none: ours, or libxmlsec's with a PrefixList written as given."""
    how = How(
        signer="ours" if prefix_list is None else "xmlsec",
        method=RSA_SHA256 if pair.name.startswith("rsa") else ours.ECDSA_SHA256,
        digest=SHA256,
        prefix="ds",
        prefix_list=prefix_list,
        for_signed_info=for_signed_info,
        key_info=(),
        tidy=False,
        line_end="",
    )
    signature = _by_ours(element, pair, how) if prefix_list is None else _by_xmlsec(element, pair, how)
    _settle(signature, pair, how)


def acquaint() -> None:
    """Lets lxml's canonical form know `#default`, which is no name and which it else leaves out of a PrefixList in silence."""
    etree.HTML("<p #default=1>", etree.HTMLParser())


def signed(text: str, slot: str, pair: keys.Pair, how: How, rng: Random, *, inner: bool) -> str:
    """`text` with a signature of its Response, or of its Assertion if `inner`, in place of `slot`.

    The signer signs a tree, but only its Signature is taken from there: all the rest stays as it was written.
    """
    if how.signer == "signxml":
        signature = _by_signxml(text, slot, pair, how, inner)
    else:
        # A slot of an outer signature that does not exist yet is no part of the text that is signed.
        root = _parsed(without_slots(text))
        element = root.find(saml("Assertion")) if inner else root
        signature = _by_xmlsec(element, pair, how) if how.signer == "xmlsec" else _by_ours(element, pair, how)
    _settle(signature, pair, how)
    _set_key_info(signature, pair, how, rng)
    written = etree.tostring(signature, with_tail=False, encoding="unicode")
    if how.tidy:
        alone = etree.fromstring(written)
        etree.cleanup_namespaces(alone)
        written = etree.tostring(alone, encoding="unicode")
    return text.replace(slot, written)


def _parsed(text: str) -> etree._Element:
    return etree.fromstring(text.encode(), _PARSER)


def without_slots(text: str) -> str:
    """`text` without the marks for what is still to come."""
    at = text.find("\ue000")
    while at >= 0:
        text = text[:at] + text[text.index("\ue001", at) + 1 :]
        at = text.find("\ue000")
    return text


def _by_ours(element: etree._Element, pair: keys.Pair, how: How) -> etree._Element:
    ours.sign(element, key=pair.private, after=f"{{{ASSERTION}}}Issuer")
    return element.find(SIGNATURE)


def _by_xmlsec(element: etree._Element, pair: keys.Pair, how: How) -> etree._Element:
    template = xmlsec.template.create(
        element, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.RSA_SHA256, ns=how.prefix or None
    )
    reference = xmlsec.template.add_reference(template, xmlsec.Transform.SHA256, uri="#" + element.get("ID"))
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    transform = xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
    # Its Python face has no names for some algorithms that the library itself knows by their URIs.
    next(template.iter(f"{{{DS}}}SignatureMethod")).set(_ALGORITHM, how.method)
    next(template.iter(f"{{{DS}}}DigestMethod")).set(_ALGORITHM, how.digest)
    if how.prefix_list is not None:
        places = [transform]
        if how.for_signed_info:
            places.append(next(template.iter(f"{{{DS}}}CanonicalizationMethod")))
        for place in places:
            etree.SubElement(
                place, f"{{{EXC_C14N}}}InclusiveNamespaces", PrefixList=how.prefix_list, nsmap={"ec": EXC_C14N}
            )
    element[0].addnext(template)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(pair.private_pem, xmlsec.constants.KeyDataFormatPem)
    xmlsec.tree.add_ids(element, ["ID"])
    context.sign(template)
    return template


def _by_signxml(text: str, slot: str, pair: keys.Pair, how: How, inner: bool) -> etree._Element:
    # With its names in the default namespace that library makes elements of no namespace; so it gets a prefix.
    prefix = how.prefix or "ds"
    placeholder = f'<{prefix}:Signature xmlns:{prefix}="{DS}" Id="placeholder"></{prefix}:Signature>'
    root = _parsed(without_slots(text.replace(slot, placeholder)))
    signer = _Signxml(
        signature_algorithm=how.method,
        digest_algorithm=how.digest,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    signer.namespaces = {prefix: DS}
    prefixes = None if how.prefix_list is None else how.prefix_list.split()
    element = root.find(saml("Assertion")) if inner else root
    identifier = element.get("ID")
    done = signer.sign(
        root,
        key=pair.private,
        cert=[pair.certificate],
        reference_uri=[
            SignatureReference(
                URI=f"#{identifier}",
                c14n_method=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
                # In an enveloped signature that library counts on such a list without writing it down.
                inclusive_ns_prefixes=[],
            )
        ],
        id_attribute="ID",
        inclusive_ns_prefixes=prefixes if how.for_signed_info else None,
    )
    return (done.find(saml("Assertion")) if inner else done).find(SIGNATURE)


def _settle(signature: etree._Element, pair: keys.Pair, how: How) -> None:
    """Puts a value that depends on no chance in place of the signer's own, once that one is seen to verify.

    So document k stays the same where the algorithm is a random one; and both saw the same canonical form of SignedInfo.
    """
    value = signature.find(f"{{{DS}}}SignatureValue")
    method = METHODS[how.method]
    made = b64decode(value.text)
    octets = _signed_octets(signature, pair, made, method.digest, pss=method.scheme == "pss")
    made = keys.steady_signature(pair.private, octets, method.digest, pss=method.scheme == "pss")
    body = b64encode(made).decode()
    value.text = how.line_end + how.line_end.join(textwrap.wrap(body, 76)) + how.line_end if how.line_end else body


def _signed_octets(
    signature: etree._Element, pair: keys.Pair, made: bytes, digest: hashes.HashAlgorithm, *, pss: bool
) -> bytes:
    """The canonical form of SignedInfo that `made` is a signature of. A PrefixList is parted by white space, or by spaces alone."""
    signed_info = signature.find(f"{{{DS}}}SignedInfo")
    parameter = signed_info.find(f"{{{DS}}}CanonicalizationMethod/{{{EXC_C14N}}}InclusiveNamespaces")
    listed = "" if parameter is None else parameter.get("PrefixList")
    for prefixes in (listed.split(), [prefix for prefix in listed.split(" ") if prefix]):
        octets = etree.tostring(signed_info, method="c14n", exclusive=True, inclusive_ns_prefixes=prefixes)
        with suppress(InvalidSignature):
            keys.verify(pair.public, made, octets, digest, pss=pss)
            return octets
    raise ValueError("the signer's own value is not a signature of its SignedInfo")


def _set_key_info(signature: etree._Element, pair: keys.Pair, how: How, rng: Random) -> None:
    """KeyInfo is no part of what is signed: what the signer wrote there gives way to what the shape has."""
    for old in signature.findall(f"{{{DS}}}KeyInfo"):
        signature.remove(old)
    if not how.key_info:
        return
    info = etree.SubElement(signature, f"{{{DS}}}KeyInfo", nsmap={None: DS} if "x509-default" in how.key_info else None)
    body = ours.certificate_text(pair.certificate_pem)
    for part in how.key_info:
        if part in ("x509", "x509-default"):
            data = etree.SubElement(info, f"{{{DS}}}X509Data")
            etree.SubElement(data, f"{{{DS}}}X509Certificate").text = how.line_end.join(textwrap.wrap(body, 76))
        elif part == "subject":
            etree.SubElement(
                etree.SubElement(info, f"{{{DS}}}X509Data"), f"{{{DS}}}X509SubjectName"
            ).text = "CN=Practice"
        elif part == "name":
            etree.SubElement(info, f"{{{DS}}}KeyName").text = f"key-{rng.getrandbits(32):x}"
        elif part == "value" and pair.name in keys.RSA_NAMES:
            numbers = pair.public.public_numbers()
            value = etree.SubElement(etree.SubElement(info, f"{{{DS}}}KeyValue"), f"{{{DS}}}RSAKeyValue")
            for name, number in (("Modulus", numbers.n), ("Exponent", numbers.e)):
                octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
                etree.SubElement(value, f"{{{DS}}}{name}").text = b64encode(octets).decode()
