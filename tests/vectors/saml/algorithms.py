"""Rows S35 to S50: whose key it is, what it was used for, and what is done to the octets before."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterator

from cryptography.hazmat.primitives import hashes
from lxml import etree
from tests.builders_saml import Edit, certificate_for
from tests.saml.test_trust import EVIL
from tests.vectors.saml.corpus import Vector, accepted, certificate, message, private_key, refused
from tests.vectors.saml.edits import SHAPE, VALUE, each
from tests.vectors.saml.signing import Signer, ecdsa, pkcs, pss, resigned
from tests.xml.other_signer import pem, xmlsec_sign
from tests.xml.test_signature import adding, doubling, part, removing, setting, transforms

from vestibule.saml.names import XMLDSIG, ds, saml
from vestibule.xml.signature import ECDSA_SHA256, ENVELOPED, EXC_C14N, SIGNATURE

FAMILY = "keys-and-algorithms"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
PSS = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N11 = "http://www.w3.org/2006/12/xml-c14n11"
ALGORITHM, TRANSFORMS = "xml.signature_algorithm", "xml.signature_transforms"


def vectors() -> Iterator[Vector]:
    """This family, row by row."""
    yield from _honest()
    yield from _no_signature()
    yield from _keys()
    yield from _weak_algorithms()
    yield from _transforms()
    yield from _key_info()
    yield from _values()


def method(algorithm: str | None) -> Edit:
    return setting("SignatureMethod", "Algorithm", algorithm)


# One vector a line:
# fmt: off


def _honest() -> Iterator[Vector]:
    plain = message()
    yield accepted(FAMILY, "rsa-sha256", "RSA with SHA-256.", plain)
    yield accepted(FAMILY, "rsa-sha512", "RSA with SHA-512, over a SHA-512 digest.", resigned(plain, each(method(MORE + "rsa-sha512"), setting("DigestMethod", "Algorithm", "http://www.w3.org/2001/04/xmlenc#sha512")), signer=pkcs(hashes.SHA512()), digest=hashes.SHA512()))
    yield accepted(FAMILY, "ecdsa-sha256", "ECDSA on P-256 with SHA-256.", resigned(plain, method(ECDSA_SHA256), signer=ecdsa()), keys=("practice-idp-ec",))
    yield accepted(FAMILY, "second-key", "The key that made the signature is the second of the connection's two: a rollover.", plain, keys=("practice-idp-next", "practice-idp"))
    yield accepted(FAMILY, "next-key", "The same, once the identity provider has changed over.", message(key=private_key("practice-idp-next")), keys=("practice-idp", "practice-idp-next"))
    yield accepted(FAMILY, "expired-certificate", "The pinned certificate is out of date: it is a container for its key, and its dates say nothing.", plain, keys=("practice-idp-expired",))
    old = each(method(f"{XMLDSIG}rsa-sha1"), setting("DigestMethod", "Algorithm", f"{XMLDSIG}sha1"))
    yield accepted(FAMILY, "sha-1-where-it-is-allowed", "RSA with SHA-1 of a connection whose operator said so.", resigned(plain, old, signer=pkcs(sha1()), digest=sha1()), allow_sha1=True)
    yield accepted(FAMILY, "certificate-in-key-info", "The attacker's certificate in KeyInfo, which nobody reads, beside a good signature.", message(certificate=certificate("attacker")))
    yield accepted(FAMILY, "retrieval-method-in-key-info", "Addresses in KeyInfo, which nobody follows, beside a good signature.", resigned(plain, adding("Signature", key_info("http://evil.example/key", "file:///etc/passwd"))))
    root = etree.fromstring(message(sign="none"))
    xmlsec_sign(
        root.find(saml("Assertion")),
        pem(private_key()),
        prefixes="xs saml #default " + " ".join(f"p{n}" for n in range(17)),
        everywhere=True,
    )
    yield accepted(FAMILY, "prefix-list", "Twenty prefixes in the PrefixList; those that are declared nowhere add nothing.", etree.tostring(root))


def sha1() -> hashes.HashAlgorithm:
    return hashes.SHA1()  # noqa: S303 what the rows about it need


def _no_signature() -> Iterator[Vector]:
    yield refused("S35", "never-signed", "saml.unsigned", "There is no signature.", message(sign="none"))
    yield refused("S35", "never-signed-forged", "saml.unsigned", "There is no signature, and the attacker's name.", message(sign="none", name_id=EVIL))
    for kind in ("assertion", "response"):
        yield refused("S35", f"taken-from-the-{kind}", "saml.unsigned", f"The {kind}'s signature was taken out.", message(sign=kind, tamper=_unsign, name_id=EVIL))
    emptied: dict[str, Edit] = {
        "empty": lambda signature: signature.__delitem__(slice(None)),
        "without-signed-info": removing("SignedInfo"),
        "without-reference": removing("Reference"),
        "without-value": removing("SignatureValue"),
        "without-transforms": removing("Transforms"),
        "without-digest": removing("DigestValue"),
        "empty-digest": lambda signature: setattr(part(signature, "DigestValue"), "text", None),
    }
    for name, edit in emptied.items():
        yield refused("S36", name, SHAPE, f"There is a Signature, but it is {name.replace('-', ' ')}.", resigned(message(), edit))
    yield refused("S36", "empty-value", SHAPE, "The SignatureValue is empty.", resigned(message(), signer=lambda octets: b""))


def _unsign(root: etree._Element) -> None:
    for one in list(root.iter(SIGNATURE)):
        one.getparent().remove(one)


def _keys() -> Iterator[Vector]:
    for name, what in (
        ("attacker", "A key that the connection does not have, RSA"),
        ("practice-idp-ec", "A key that the connection does not have, elliptic"),
    ):
        if name == "attacker":
            yield refused("S37", name, VALUE, f"{what}.", message(key=private_key(name), name_id=EVIL))
        else:
            yield refused("S37", name, VALUE, f"{what}.", resigned(message(name_id=EVIL), method(ECDSA_SHA256), signer=ecdsa()))
    yield refused("S37", "taken-off-the-connection", VALUE, "The key was good until it was taken off the connection.", message(), keys=("practice-idp-next",))
    attacker = private_key("attacker")
    yield refused("S38", "certificate", VALUE, "The attacker's certificate in KeyInfo.", message(key=attacker, certificate=certificate("attacker"), name_id=EVIL))
    yield refused("S38", "cloned-certificate", VALUE, "The same, with the identity provider's subject, issuer and serial number.", message(key=attacker, certificate=certificate_for(attacker), name_id=EVIL))
    yield refused("S38", "the-right-certificate", VALUE, "The identity provider's own certificate in KeyInfo, the attacker's key for the signature.", message(key=attacker, certificate=certificate(), name_id=EVIL))
    numbers = attacker.public_key().public_numbers()  # type: ignore[union-attr]
    value = f'<KeyInfo xmlns="{XMLDSIG}"><KeyValue><RSAKeyValue><Modulus>{_b64(numbers.n)}</Modulus><Exponent>AQAB</Exponent></RSAKeyValue></KeyValue></KeyInfo>'  # type: ignore[union-attr]
    yield refused("S38", "key-value", VALUE, "The attacker's bare key in KeyInfo.", resigned(message(name_id=EVIL), adding("Signature", value), signer=pkcs(key="attacker")))
    yield refused("S39", "no-key", "xml.signature_no_keys", "The connection has no key at all.", message(), keys=())
    yield refused("S39", "no-key-and-one-in-key-info", "xml.signature_no_keys", "The connection has no key, but the message brings one.", message(key=attacker, certificate=certificate("attacker"), name_id=EVIL), keys=())


def _b64(number: int) -> str:
    return b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode()


def _hmac(secret: bytes) -> Signer:
    return lambda octets: hmac.new(secret, octets, hashlib.sha256).digest()


def _weak_algorithms() -> Iterator[Vector]:
    plain = message(name_id=EVIL)
    body = "".join(certificate().split("\n")[1:-2])
    secrets = {"pem": certificate().encode(), "base64": body.encode(), "der": b64decode(body)}
    for name, secret in secrets.items():
        yield refused("S40", f"certificate-as-{name}", ALGORITHM, f"HMAC whose secret is the identity provider's public certificate ({name}).", resigned(plain, method(MORE + "hmac-sha256"), signer=_hmac(secret)))
    for name in (f"{XMLDSIG}hmac-sha1", MORE + "hmac-sha512"):
        yield refused("S40", name.rpartition("#")[2], ALGORITHM, "Another HMAC, with an empty secret.", resigned(plain, method(name), signer=_hmac(b"")))
    for bits in ("0", "8"):
        length = adding("SignatureMethod", f'<HMACOutputLength xmlns="{XMLDSIG}">{bits}</HMACOutputLength>')
        yield refused("S41", f"hmac-of-{bits}-bits", ALGORITHM, f"An HMAC that is cut to {bits} bits.", resigned(plain, each(method(MORE + "hmac-sha256"), length), signer=lambda octets: b"\0"))
        yield refused("S41", f"rsa-of-{bits}-bits", SHAPE, "The parameter of an HMAC at an RSA signature.", resigned(message(), length))
    old, md5 = sha1(), hashes.MD5()  # noqa: S303 what the row is about
    yield refused("S42", "rsa-sha1", ALGORITHM, "RSA with SHA-1.", resigned(message(), method(f"{XMLDSIG}rsa-sha1"), signer=pkcs(old)))
    yield refused("S42", "sha1-digest", ALGORITHM, "A SHA-1 digest.", resigned(message(), setting("DigestMethod", "Algorithm", f"{XMLDSIG}sha1"), digest=old))
    for allowed in (False, True):
        name = "-though-sha1-is-allowed" if allowed else ""
        yield refused("S42", f"rsa-md5{name}", ALGORITHM, "RSA with MD5.", resigned(message(), method(MORE + "rsa-md5"), signer=pkcs(md5)), allow_sha1=allowed)
        yield refused("S42", f"md5-digest{name}", ALGORITHM, "An MD5 digest.", resigned(message(), setting("DigestMethod", "Algorithm", MORE + "md5"), digest=md5), allow_sha1=allowed)
    yield refused("S42", "dsa-sha1", ALGORITHM, "DSA with SHA-1.", resigned(message(), method(f"{XMLDSIG}dsa-sha1")))
    yield refused("S42", "no-algorithm", ALGORITHM, "No algorithm is named.", resigned(message(), method(None)))
    yield refused("S42", "rsa-1024", "xml.certificate_key", "The connection's key is RSA of 1024 bits.", message(key=private_key("weak-rsa-1024")), keys=("weak-rsa-1024",))
    yield refused("S42", "weak-curve", "xml.certificate_key", "The connection's key is on a curve that is not one of the three.", resigned(message(), method(ECDSA_SHA256), signer=ecdsa("weak-curve")), keys=("weak-curve",))


def _transforms() -> Iterator[Vector]:
    xslt, xpath = "http://www.w3.org/TR/1999/REC-xslt-19991116", "http://www.w3.org/TR/1999/REC-xpath-19991116"
    sheet = '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:template match="/"><xsl:copy-of select="document(\'file:///etc/passwd\')"/></xsl:template></xsl:stylesheet>'
    lists: dict[str, tuple[str, tuple[str, ...], str]] = {
        "xslt": ("S43", (ENVELOPED, xslt), "A style sheet as the second transform."),
        "xslt-first": ("S43", (xslt, EXC_C14N), "A style sheet as the first transform."),
        "xslt-third": ("S43", (ENVELOPED, EXC_C14N, xslt), "A style sheet as a third transform."),
        "none": ("S43", (), "No transform at all."),
        "many": ("S43", (ENVELOPED, *(EXC_C14N,) * 50), "Fifty transforms."),
        "other-order": ("S43", (EXC_C14N, ENVELOPED), "The two that are allowed, in the other order."),
        "xpath": ("S44", (ENVELOPED, xpath), "XPath."),
        "xpath-instead-of-enveloped": ("S44", (xpath, EXC_C14N), "XPath, in the place of enveloped-signature."),
        "xpath-filter-2": ("S44", (ENVELOPED, "http://www.w3.org/2002/06/xmldsig-filter2"), "XPath filter 2."),
        "base64": ("S44", (ENVELOPED, f"{XMLDSIG}base64"), "base64."),
        "relationship": ("S44", (ENVELOPED, "http://schemas.openxmlformats.org/package/2006/RelationshipTransform"), "A transform of office documents."),
        "decryption": ("S44", (ENVELOPED, "http://www.w3.org/2002/07/decrypt#XML"), "Decryption."),
        "enveloped-alone": ("S45", (ENVELOPED,), "enveloped-signature alone, which means inclusive canonical form."),
        "exclusive-alone": ("S45", (EXC_C14N,), "Exclusive canonical form alone, with the Signature in it."),
        "exclusive-with-comments": ("S45", (ENVELOPED, EXC_C14N + "WithComments"), "Exclusive canonical form with comments."),
        "inclusive": ("S45", (ENVELOPED, INCLUSIVE), "Inclusive canonical form."),
        "inclusive-with-comments": ("S45", (ENVELOPED, INCLUSIVE + "#WithComments"), "Inclusive canonical form with comments."),
        "version-1.1": ("S45", (ENVELOPED, C14N11), "Canonical form 1.1."),
    }
    for name, (row, algorithms, what) in lists.items():
        yield refused(row, f"transform-{name}", TRANSFORMS, what, resigned(message(), transforms(*algorithms)))
    with_sheet = each(transforms(ENVELOPED, xslt), _parameter("Transform", sheet))
    yield refused("S43", "transform-xslt-with-its-sheet", TRANSFORMS, "A style sheet that reads a file.", resigned(message(), with_sheet))
    yield refused("S44", "transform-enveloped-with-a-parameter", TRANSFORMS, "An XPath as the parameter of enveloped-signature.", resigned(message(), adding("Transform", f'<XPath xmlns="{XMLDSIG}">1</XPath>')))
    yield refused("S44", "transform-of-another-namespace", TRANSFORMS, "A Transform that is none of XMLDSig's.", resigned(message(), lambda signature: setattr(part(signature, "Transform"), "tag", "{u:x}Transform")))
    for name, algorithm in {
        "exclusive-with-comments": EXC_C14N + "WithComments",
        "inclusive": INCLUSIVE,
        "inclusive-with-comments": INCLUSIVE + "#WithComments",
        "version-1.1": C14N11,
        "missing": None,
        "unknown": "u:x",
    }.items():
        yield refused("S45", f"signed-info-{name}", "xml.signature_canonicalization", f"SignedInfo is canonicalised otherwise: {name.replace('-', ' ')}.", resigned(message(), setting("CanonicalizationMethod", "Algorithm", algorithm)))
    for where in ("CanonicalizationMethod", "Transform"):
        for name, xml in {
            "21-prefixes": f'<InclusiveNamespaces xmlns="{EXC_C14N}" PrefixList="{" ".join(f"p{n}" for n in range(21))}"/>',
            "500-prefixes": f'<InclusiveNamespaces xmlns="{EXC_C14N}" PrefixList="#default {" ".join(f"p{n}" for n in range(499))}"/>',
            "two-lists": f'<InclusiveNamespaces xmlns="{EXC_C14N}" PrefixList="xs"/>' * 2,
            "other-namespace": '<InclusiveNamespaces xmlns="u:x" PrefixList="xs"/>',
            "other-attribute": f'<InclusiveNamespaces xmlns="{EXC_C14N}" Prefixes="xs"/>',
        }.items():
            yield refused("S46", f"{name}-{where}", SHAPE, f"InclusiveNamespaces with {name.replace('-', ' ')}.", resigned(message(), _parameter(where, xml)))
    for name in (
        "CanonicalizationMethod",
        "SignatureMethod",
        "DigestMethod",
        "DigestValue",
        "SignatureValue",
        "Transforms",
    ):
        yield refused("S48", f"{name}-twice", SHAPE, f"{name} twice.", resigned(message(), doubling(name)))
    two = adding("Signature", f'<KeyInfo xmlns="{XMLDSIG}"/>')
    yield refused("S48", "KeyInfo-twice", SHAPE, "KeyInfo twice.", resigned(message(), each(two, two)))
    second = each(doubling("SignatureMethod"), method(f"{XMLDSIG}hmac-sha1"))
    yield refused("S48", "another-SignatureMethod-first", SHAPE, "Two SignatureMethods that differ.", resigned(message(), second))


def _parameter(where: str, xml: str) -> Edit:
    def edit(signature: etree._Element) -> None:
        list(signature.iter(ds(where)))[-1].extend(etree.fromstring(f"<r>{xml}</r>"))

    return edit


def key_info(*addresses: str) -> str:
    """A KeyInfo that names these addresses in every way there is, with a key inside a key inside a key."""
    retrieval = "".join(
        f'<RetrievalMethod URI="{address}" Type="{XMLDSIG}X509Data"><Transforms><Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/></Transforms></RetrievalMethod>'
        f'<KeyInfoReference xmlns="http://www.w3.org/2009/xmldsig11#" URI="{address}"/><KeyName>{address}</KeyName>'
        for address in addresses
    )
    encrypted = '<EncryptedKey xmlns="http://www.w3.org/2001/04/xmlenc#">{}</EncryptedKey>'
    inner = ""
    for _ in range(8):
        inner = encrypted.format(f'<KeyInfo xmlns="{XMLDSIG}">{inner}</KeyInfo>')
    return f'<KeyInfo xmlns="{XMLDSIG}">{retrieval}{inner}</KeyInfo>'


def _key_info() -> Iterator[Vector]:
    for name, address in {
        "http": "http://evil.example/key.pem",
        "file": "file:///etc/passwd",
        "itself": "#_assertion-1",
    }.items():
        octets = resigned(message(name_id=EVIL), adding("Signature", key_info(address)), signer=pkcs(key="attacker"))
        yield refused("S47", f"retrieval-{name}", VALUE, f"KeyInfo says that the key is at {address}.", octets)
    recursive = f'<KeyInfo xmlns="{XMLDSIG}" Id="_k"><RetrievalMethod URI="#_k"/></KeyInfo>'
    yield refused("S47", "retrieval-circle", VALUE, "KeyInfo says that the key is where KeyInfo says it is.", resigned(message(name_id=EVIL), adding("Signature", recursive), signer=pkcs(key="attacker")))


def _padded(octets: bytes) -> bytes:
    value = ecdsa()(octets)
    return value[:32] + b"\0" + value[32:]


def _values() -> Iterator[Vector]:
    plain, elliptic = message(), ("practice-idp-ec",)
    yield refused("S49", "pss-under-the-name-of-pkcs1", VALUE, "A PSS value, named RSA-SHA256.", resigned(plain, signer=pss(0)))
    yield refused("S49", "pkcs1-under-the-name-of-pss", VALUE, "A PKCS#1 v1.5 value, named PSS.", resigned(plain, method(PSS)))
    yield refused("S49", "pss-without-salt", VALUE, "A PSS value whose salt is not as long as the digest.", resigned(plain, method(PSS), signer=pss(0)))
    yield refused("S49", "pss-with-parameters", ALGORITHM, "PSS with its parameters beside it, where hash and salt can be chosen.", resigned(plain, method("http://www.w3.org/2007/05/xmldsig-more#rsa-pss"), signer=pss(0)))
    yield refused("S49", "pss-sha1", ALGORITHM, "PSS with SHA-1.", resigned(plain, method(PSS.replace("sha256", "sha1"))))
    yield refused("S49", "rsa-under-the-name-of-ecdsa", VALUE, "An RSA value, named ECDSA.", resigned(plain, method(ECDSA_SHA256)))
    yield refused("S49", "ecdsa-under-the-name-of-rsa", VALUE, "An ECDSA value, named RSA-SHA256.", resigned(plain, signer=ecdsa()), keys=elliptic)
    yield refused("S49", "ecdsa-in-der", VALUE, "An ECDSA value in DER, as other protocols carry it.", resigned(plain, method(ECDSA_SHA256), signer=ecdsa(der=True)), keys=elliptic)
    yield refused("S49", "ecdsa-of-zeros", VALUE, "An ECDSA value of zeros alone.", resigned(plain, method(ECDSA_SHA256), signer=lambda octets: bytes(64)), keys=elliptic)
    yield refused("S49", "ecdsa-padded", VALUE, "The two numbers of a good ECDSA value, one of them too long.", resigned(plain, method(ECDSA_SHA256), signer=_padded), keys=elliptic)
    yield refused("S49", "other-digest", VALUE, "A value over SHA-512, named SHA-256.", resigned(plain, signer=pkcs(hashes.SHA512())))
    yield refused("S49", "ecdsa-sha1", ALGORITHM, "ECDSA with SHA-1.", resigned(plain, method(MORE + "ecdsa-sha1"), signer=ecdsa()), keys=elliptic)
    yield refused("S50", "expired-and-not-pinned", VALUE, "An expired certificate in KeyInfo, of a key that is not the connection's.", message(key=private_key("attacker"), certificate=certificate_for(private_key("attacker"), days=-1), name_id=EVIL))
