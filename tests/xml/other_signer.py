"""Another implementation of XML signatures, for documents that it made and for its opinion of ours."""

import xmlsec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from vestibule.xml.signature import DS, EXC_C14N, SIGNATURE, PrivateKey


def pem(key: PrivateKey) -> bytes:
    """The private key, for a library that reads PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def xmlsec_sign(
    element: etree._Element, key_pem: bytes, prefixes: str | None = None, *, everywhere: bool = False
) -> None:
    """An enveloped signature behind the first child of `element`, with a PrefixList if wanted: for SignedInfo too if `everywhere`."""
    template = xmlsec.template.create(element, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.RSA_SHA256, ns="ds")
    reference = xmlsec.template.add_reference(template, xmlsec.Transform.SHA256, uri="#" + element.get("ID"))
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    transform = xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
    if prefixes is not None:
        etree.SubElement(transform, f"{{{EXC_C14N}}}InclusiveNamespaces", PrefixList=prefixes)
    if everywhere:
        c14n = next(template.iter(f"{{{DS}}}CanonicalizationMethod"))
        etree.SubElement(c14n, f"{{{EXC_C14N}}}InclusiveNamespaces", PrefixList=prefixes or "")
    element[0].addnext(template)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(key_pem, xmlsec.constants.KeyDataFormatPem)
    xmlsec.tree.add_ids(element, ["ID"])
    context.sign(template)


def xmlsec_accepts(octets: bytes, public: bytes) -> bool:
    """Every Signature of the document verifies; raises otherwise."""
    root = etree.fromstring(octets)
    for signature in root.iter(SIGNATURE):
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(public, xmlsec.constants.KeyDataFormatPem)
        xmlsec.tree.add_ids(root, ["ID"])
        context.verify(signature)
    return True
