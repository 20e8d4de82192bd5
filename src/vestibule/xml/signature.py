"""XML signatures, the narrow profile that SAML needs [XMLDSig, SAMLCore 5.4]: what is verified is also what is read on."""

import base64
import copy
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from vestibule.ground.errors import Refused
from vestibule.xml import dictionary
from vestibule.xml.parse import base64_octets, reparse

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = DS + "enveloped-signature"
SIGNATURE: Final = f"{{{DS}}}Signature"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
ECDSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
MAX_PREFIXES: Final = 20
_SIGNATURE_PARTS: Final = tuple(
    [f"{{{DS}}}{name}" for name in names]
    for names in (("SignedInfo", "SignatureValue"), ("SignedInfo", "SignatureValue", "KeyInfo"))
)
_SIGNED_INFO_PARTS: Final = [f"{{{DS}}}{name}" for name in ("CanonicalizationMethod", "SignatureMethod", "Reference")]
_REFERENCE_PARTS: Final = [f"{{{DS}}}{name}" for name in ("Transforms", "DigestMethod", "DigestValue")]
_TRANSFORM: Final = f"{{{DS}}}Transform"
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 8192


class _Method(NamedTuple):
    scheme: str  # "rsa" (PKCS#1 v1.5), "pss" or "ecdsa"
    digest: hashes.HashAlgorithm


DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {
    SHA256: hashes.SHA256(),
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384(),
    "http://www.w3.org/2001/04/xmlenc#sha512": hashes.SHA512(),
}
METHODS: Final[dict[str, _Method]] = {
    RSA_SHA256: _Method("rsa", hashes.SHA256()),
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": _Method("rsa", hashes.SHA384()),
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": _Method("rsa", hashes.SHA512()),
    "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1": _Method("pss", hashes.SHA256()),
    "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1": _Method("pss", hashes.SHA384()),
    "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1": _Method("pss", hashes.SHA512()),
    ECDSA_SHA256: _Method("ecdsa", hashes.SHA256()),
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384": _Method("ecdsa", hashes.SHA384()),
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512": _Method("ecdsa", hashes.SHA512()),
}
# SHA-1 is believed only of a connection whose operator said so; a collision lets its maker move a signature.
_SHA1_DIGESTS: Final[dict[str, hashes.HashAlgorithm]] = {DS + "sha1": hashes.SHA1()}  # noqa: S303 by the named quirk only
_SHA1_METHODS: Final = {DS + "rsa-sha1": _Method("rsa", hashes.SHA1())}  # noqa: S303 by the named quirk only

_PLAIN_IDENTIFIER: Final = re.compile(r"""[^\s#%'"()<>&]+""")
"""Laxer than an NCName [XSD 3.3.8], which is for the vocabulary to ask; it leaves out what XPointer and URIs take for their own."""
MAX_IDS: Final = 5_000

# One path for each name: a union of four is sorted into document order, which costs the square of their number.
_ids = tuple(
    cast(Callable[[etree._Element], list[str]], etree.XPath(f"//@{name}", smart_strings=False))
    for name in ("ID", "Id", "id", "AssertionID")
)
_namespaced_ids = cast(
    Callable[[etree._Element], bool],
    etree.XPath(
        "boolean(//@*[namespace-uri()][translate(local-name(), 'ID', 'id') = 'id' or local-name() = 'AssertionID'])"
    ),
)


class Signed(NamedTuple):
    """What a signature covers, as a tree of its own, and the key that made it."""

    element: etree._Element
    key: PublicKey


def verify(
    root: etree._Element, element: etree._Element, *, keys: Sequence[PublicKey], allow_sha1: bool = False
) -> etree._Element:
    """The tree that `verify_by` returns."""
    return verify_by(root, element, keys=keys, allow_sha1=allow_sha1).element


def verify_by(
    root: etree._Element, element: etree._Element, *, keys: Sequence[PublicKey], allow_sha1: bool = False
) -> Signed:
    """What the one signature of `element` covers, as a fresh tree of the very octets that were hashed [XMLDSig 3.2].

    Stricter than [XMLDSig] and [SAMLCore 5.4]: one Reference, to the Signature's own parent by its `ID`; exactly the
    transforms enveloped-signature and exclusive C14N; allow-lists for every algorithm; `keys` are the only keys, and
    KeyInfo is never read. Nothing outside the returned tree has been proven.
    """
    if not keys:
        raise Refused("xml.signature_no_keys", "There is no key to verify the signature with; configure a certificate.")
    require_unique_ids(root)
    signature = _only_signature(element)
    signed_info, value = _parts(signature)
    prefixes, method, reference = _signed_info(signed_info, allow_sha1)
    claimed = _reference(reference, element, allow_sha1)
    # The value comes first: until SignedInfo is authentic, nothing large is canonicalised on its word.
    key = _verify_value(_canonical(signed_info, prefixes), value, method, keys)
    dictionary.enter(claimed.prefixes)
    octets = _canonical(_without_signature(root, element), claimed.prefixes)
    hasher = hashes.Hash(claimed.digest)
    hasher.update(octets)
    if hasher.finalize() != claimed.value:
        raise Refused(
            "xml.signature_digest",
            "The signed element is not the one that was signed: its digest differs. It was changed on its way.",
        )
    return Signed(reparse(octets), key)


def sign(element: etree._Element, *, key: PrivateKey, certificate_pem: str | None = None, after: str) -> None:
    """Put an enveloped signature over `element` (which has an `ID`) behind its child `after`, a name in Clark notation.

    RSA keys sign with RSA-SHA256 (PKCS#1 v1.5), EC keys with ECDSA-SHA256 [SAMLCore 5.4]. Call it last: any later
    change to `element` breaks the signature.
    """
    sibling = element.find(after)
    identifier = element.get("ID")
    if sibling is None or not identifier:
        raise ValueError("an element to be signed has an ID and the child that its signature follows")
    digest = hashes.Hash(hashes.SHA256())
    digest.update(_canonical(element, ()))
    signature = etree.Element(SIGNATURE, nsmap={"ds": DS})
    signed_info = _add(signature, "SignedInfo")
    _add(signed_info, "CanonicalizationMethod", Algorithm=EXC_C14N)
    _add(signed_info, "SignatureMethod", Algorithm=algorithm(key))
    reference = _add(signed_info, "Reference", URI=f"#{identifier}")
    transforms = _add(reference, "Transforms")
    _add(transforms, "Transform", Algorithm=ENVELOPED)
    _add(transforms, "Transform", Algorithm=EXC_C14N)
    _add(reference, "DigestMethod", Algorithm=SHA256)
    _add(reference, "DigestValue").text = base64.b64encode(digest.finalize()).decode("ascii")
    value = _add(signature, "SignatureValue")
    if certificate_pem is not None:
        data = _add(_add(signature, "KeyInfo"), "X509Data")
        _add(data, "X509Certificate").text = certificate_text(certificate_pem)
    sibling.addnext(signature)
    value.text = base64.b64encode(_sign_raw(_canonical(signed_info, ()), key)).decode("ascii")


def algorithm(key: PrivateKey) -> str:
    """The name of the algorithm that `key` signs with, here and in `sign_octets`."""
    return RSA_SHA256 if isinstance(key, rsa.RSAPrivateKey) else ECDSA_SHA256


def sign_octets(octets: bytes, *, key: PrivateKey) -> bytes:
    """A detached signature, as the redirect binding carries it [SAMLBind 3.4.4.1]; EC values as `r || s` [RFC 6931 2.3.6]."""
    return _sign_raw(octets, key)


def load_certificates(pems: Sequence[str]) -> tuple[PublicKey, ...]:
    """The public keys of pinned certificates: RSA of 2048 bits or more, P-256, P-384, P-521; else `Refused`.

    A certificate here is only a container for a key [SAMLMeta 2.4.1.1]: its dates, names and issuer say nothing, and an
    expired one is as good as pinned. To stop believing a key, remove it from the connection.
    """
    return tuple(_public_key(pem) for pem in pems)


def certificate_text(pem: str) -> str:
    """The base64 body of a PEM certificate, as `ds:X509Certificate` carries it."""
    return base64.b64encode(_certificate(pem).public_bytes(Encoding.DER)).decode("ascii")


def require_unique_ids(root: etree._Element) -> None:
    """No value of an `ID`, `Id`, `id`, `xml:id` or `AssertionID` occurs twice, and none of them is in a namespace.

    Two elements with one ID are two answers to the question of what was signed; a namespaced `ID` is an answer that
    one reader takes and the next does not.
    """
    if _namespaced_ids(root):
        raise Refused("xml.foreign_id", "An element has an identifier in a namespace (such as xml:id).")
    values = [value for find in _ids for value in find(root)]
    if len(values) > MAX_IDS:
        raise Refused(
            "xml.too_complex", "The document has too many identifiers.", want=f"<= {MAX_IDS}", got=len(values)
        )
    if len(set(values)) != len(values):
        twice = next(value for value, count in Counter(values).items() if count > 1)
        raise Refused("xml.duplicate_id", "Two elements of the document have the same identifier.", got=twice)


# -- the parts of a signature, each read from its own place ----------------------------------------------------------


class _Reference(NamedTuple):
    prefixes: tuple[str, ...]
    digest: hashes.HashAlgorithm
    value: bytes


def _only_signature(element: etree._Element) -> etree._Element:
    found = [child for child in element if child.tag == SIGNATURE]
    if not found:
        raise Refused(
            "xml.signature_missing", "The element is not signed: it has no Signature of its own.", got=_local(element)
        )
    if len(found) > 1:
        raise Refused("xml.signature_several", "The element has several signatures; one is allowed.", got=len(found))
    return found[0]


def _parts(signature: etree._Element) -> tuple[etree._Element, bytes]:
    """SignedInfo and the octets of SignatureValue. No Object, no second SignedInfo, nothing unknown [XMLDSig 4.1]."""
    parts = list(signature)
    if [part.tag for part in parts] not in _SIGNATURE_PARTS:
        raise _misshapen(signature, "SignedInfo, SignatureValue and at most one KeyInfo")
    _only_attributes(signature, "Id")
    _only_attributes(parts[1], "Id")
    return parts[0], _base64(parts[1])


def _signed_info(signed_info: etree._Element, allow_sha1: bool) -> tuple[tuple[str, ...], _Method, etree._Element]:
    """Exactly one canonicalisation, one algorithm, one Reference [XMLDSig 4.3], each from the allow-lists."""
    parts = list(signed_info)
    if [part.tag for part in parts] != _SIGNED_INFO_PARTS:
        raise _misshapen(signed_info, "one CanonicalizationMethod, one SignatureMethod and one Reference")
    _only_attributes(signed_info, "Id")
    c14n, signing, reference = parts
    if _algorithm(c14n) != EXC_C14N:
        raise Refused(
            "xml.signature_canonicalization",
            "SignedInfo is canonicalised in a way that is not allowed.",
            want=EXC_C14N,
            got=_algorithm(c14n),
        )
    methods = METHODS | _SHA1_METHODS if allow_sha1 else METHODS
    method = methods.get(_algorithm(signing))
    if method is None:
        raise Refused(
            "xml.signature_algorithm",
            "The signature algorithm is not allowed: SHA-256 or better with RSA or ECDSA is required.",
            got=_algorithm(signing),
        )
    if len(signing):
        raise _misshapen(signing, "no parameters")
    return _prefixes(c14n), method, reference


def _reference(reference: etree._Element, element: etree._Element, allow_sha1: bool) -> _Reference:
    """What the Reference says of the element that it must be about: the Signature's own parent [SAMLCore 5.4.2]."""
    _only_attributes(reference, "URI", "Id", "Type")
    identifier = element.get("ID")
    if not identifier or reference.get("URI") != f"#{identifier}":
        raise Refused(
            "xml.signature_reference",
            "The signature is about something else than the element that it stands in [SAMLCore 5.4.2].",
            want=f"#{identifier or ''}",
            got=reference.get("URI", "no URI"),
        )
    if not _PLAIN_IDENTIFIER.fullmatch(identifier):
        raise Refused(
            "xml.signature_reference",
            "The identifier of the signed element is no plain name: readers differ on what a reference to it means.",
            want="no white space, quotation marks, brackets, percent or number signs",
            got=identifier,
        )
    parts = list(reference)
    if [part.tag for part in parts] != _REFERENCE_PARTS:
        raise _misshapen(reference, "Transforms, DigestMethod and DigestValue")
    transforms, digesting, value = parts
    digests = DIGESTS | _SHA1_DIGESTS if allow_sha1 else DIGESTS
    digest = digests.get(_algorithm(digesting))
    if digest is None:
        raise Refused(
            "xml.signature_algorithm",
            "The digest algorithm is not allowed: SHA-256 or better is required.",
            got=_algorithm(digesting),
        )
    _only_attributes(value)
    return _Reference(_transforms(transforms), digest, _base64(value))


def _transforms(transforms: etree._Element) -> tuple[str, ...]:
    """Exactly enveloped-signature, then exclusive C14N [SAMLCore 5.4.4]; the prefixes that the latter names.

    Stricter: enveloped-signature alone is refused, since it means inclusive canonical form [XMLDSig 4.4.3.2], whose
    cost is cubic in namespace declarations and whose result depends on what stands around the element.
    """
    parts = list(transforms)
    names = [_algorithm(part) if part.tag == _TRANSFORM else str(part.tag) for part in parts]
    if names != [ENVELOPED, EXC_C14N] or len(parts[0]):
        raise Refused(
            "xml.signature_transforms",
            "The transforms must be exactly enveloped-signature and exclusive canonicalisation [SAMLCore 5.4.4].",
            got=" ".join(names),
        )
    return _prefixes(parts[1])


def _prefixes(method: etree._Element) -> tuple[str, ...]:
    """The PrefixList of exclusive C14N's one allowed parameter, InclusiveNamespaces [XML-exc-C14N 3]."""
    if not len(method):
        return ()
    parameter = method[0]
    if len(method) > 1 or parameter.tag != f"{{{EXC_C14N}}}InclusiveNamespaces" or len(parameter):
        raise _misshapen(method, "at most one InclusiveNamespaces")
    _only_attributes(parameter, "PrefixList")
    listed = parameter.get("PrefixList", "")
    if any(char.isspace() and char != " " for char in listed):
        raise _misshapen(method, "spaces alone between prefixes: readers differ on what else parts them")
    prefixes = tuple(listed.split())
    if len(prefixes) > MAX_PREFIXES:
        raise _misshapen(method, f"at most {MAX_PREFIXES} prefixes")
    return prefixes


def _verify_value(octets: bytes, value: bytes, method: _Method, keys: Sequence[PublicKey]) -> PublicKey:
    for key in keys:
        if _verifies(octets, value, method, key):
            return key
    raise Refused(
        "xml.signature_value",
        "No key of this connection made the signature. If the identity provider changed its key, add the new certificate.",
        got=f"{len(keys)} key(s) tried",
    )


def _verifies(octets: bytes, value: bytes, method: _Method, key: PublicKey) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            if method.scheme == "rsa":
                key.verify(value, octets, padding.PKCS1v15(), method.digest)
                return True
            if method.scheme == "pss":
                # The salt is as long as the digest [RFC 6931 2.3.10].
                pss = padding.PSS(mgf=padding.MGF1(method.digest), salt_length=padding.PSS.DIGEST_LENGTH)
                key.verify(value, octets, pss, method.digest)
                return True
            return False
        size = (key.key_size + 7) // 8
        if method.scheme != "ecdsa" or len(value) != 2 * size:
            return False
        r, s = int.from_bytes(value[:size], "big"), int.from_bytes(value[size:], "big")
        key.verify(encode_dss_signature(r, s), octets, ec.ECDSA(method.digest))
    except InvalidSignature:
        return False
    return True


def _without_signature(root: etree._Element, element: etree._Element) -> etree._Element:
    """`element` in a copy of the whole document, its own Signature taken out: the enveloped transform [XMLDSig 6.6.4].

    The whole document is copied, for its namespace declarations; lxml would rewrite prefixes if the Signature were
    taken out of the original and put back.
    """
    path: list[int] = []
    at = element
    while (parent := at.getparent()) is not None:
        path.append(parent.index(at))
        at = parent
    if at is not root:
        raise ValueError("the element to verify is not in the document")
    twin = copy.deepcopy(root.getroottree()).getroot()
    for index in reversed(path):
        twin = twin[index]
    signature = _only_signature(twin)
    # The text behind the Signature belongs to the parent; lxml would remove it together with the Signature.
    if signature.tail:
        before = signature.getprevious()
        if before is None:
            twin.text = (twin.text or "") + signature.tail
        else:
            before.tail = (before.tail or "") + signature.tail
        signature.tail = None
    twin.remove(signature)
    return twin


def _canonical(element: etree._Element, prefixes: Sequence[str]) -> bytes:
    """Exclusive canonical form without comments [XML-exc-C14N]; an error or nothing at all is a refusal."""
    try:
        octets = etree.tostring(
            element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=list(prefixes)
        )
    except (etree.LxmlError, ValueError):
        octets = b""
    if not octets:
        raise Refused("xml.signature_canonical_form", "What was signed has no canonical form.", got=_local(element))
    return octets


def _base64(element: etree._Element) -> bytes:
    octets = base64_octets(element)
    if not octets:
        raise _misshapen(element, "base64")
    return octets


def _algorithm(element: etree._Element) -> str:
    _only_attributes(element, "Algorithm")
    return element.get("Algorithm", "")


def _only_attributes(element: etree._Element, *names: str) -> None:
    if not set(element.keys()) <= set(names):
        raise _misshapen(element, f"no attributes but {', '.join(names) or 'none'}")


def _misshapen(element: etree._Element, want: str) -> Refused:
    return Refused(
        "xml.signature_shape",
        f"<{_local(element)}> in the signature is not as [XMLDSig] and this profile want it.",
        want=want,
    )


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def _ds(name: str) -> str:
    return f"{{{DS}}}{name}"


def _add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, _ds(name), attributes)


# -- keys --------------------------------------------------------------------------------------------------------------


def _sign_raw(octets: bytes, key: PrivateKey) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(hashes.SHA256())))
    size = (key.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def _certificate(pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise Refused(
            "xml.certificate", "The certificate cannot be read; give it as PEM text (-----BEGIN CERTIFICATE----- …)."
        ) from None


@lru_cache(maxsize=512)
def _public_key(pem: str) -> PublicKey:
    try:
        key = _certificate(pem).public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise Refused("xml.certificate_key", "The certificate's key is of a kind that cannot be used.") from None
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise Refused(
                "xml.certificate_key",
                "The certificate's RSA key is too short or too long.",
                want=f"{MIN_RSA_BITS} to {MAX_RSA_BITS} bits",
                got=f"{key.key_size} bits",
            )
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1):
        return key
    raise Refused(
        "xml.certificate_key",
        "The certificate's key is of a kind that cannot be used.",
        want="RSA, or EC on P-256, P-384 or P-521",
    )
