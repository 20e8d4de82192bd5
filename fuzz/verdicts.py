"""Three verdicts on one document: the profile's, signxml's and libxmlsec's, and what may not differ between them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import xmlsec
from lxml import etree
from signxml import DigestAlgorithm, SignatureConfiguration, SignatureMethod, XMLVerifier

from fuzz import keys, opening, reader
from fuzz.reader import Enveloped, Said
from vestibule.ground.errors import Refused
from vestibule.saml.response import read
from vestibule.saml.trust import VerifiedAssertion, verify
from vestibule.xml.encryption import Decryption
from vestibule.xml.signature import DIGESTS, METHODS

DS = "{http://www.w3.org/2000/09/xmldsig#}"
SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
ASSERTION = f"{SAML}Assertion"
_OUTER = "./"
_INNER = (f"./{ASSERTION}/", f"./{opening.ENCRYPTED_ASSERTION}/{ASSERTION}/")
"""Where a signature can stand that counts: the Response's own, and its Assertion's own. In Advice lies what others signed."""
DECRYPTION = Decryption(keys=(keys.pair(keys.OURS).private,), allow_cbc=True)
"""The connection's key; and the setting that lets in what both other implementations open without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one verifier says: refused for a reason, or what it believes. `envelope` only where the Response was signed."""

    refused: str | None = None
    said: Said | None = None
    envelope: Enveloped | None = None
    fault: str | None = None
    """Something else than a refusal: a bug of that verifier, or of ours."""

    @property
    def accepted(self) -> bool:
        return self.said is not None


Judge = Callable[[bytes, keys.Pair], Verdict]


def by_profile(octets: bytes, pair: keys.Pair) -> Verdict:
    """Vestibule's own main road, from octets to a verified assertion."""
    try:
        return from_verified(verify(read(octets), keys=[pair.public], decryption=DECRYPTION))
    except Refused as refused:
        return Verdict(refused=refused.code)
    except Exception as error:  # noqa: BLE001 whatever escapes besides a refusal is what is looked for
        return Verdict(refused="fault", fault=f"{type(error).__name__}: {error}")


def from_verified(verified: VerifiedAssertion) -> Verdict:
    """The profile's values in the words of the independent reader."""
    it, around = verified.assertion, verified.envelope
    name = it.name_id
    times = None if it.conditions is None else (it.conditions.not_before, it.conditions.not_on_or_after)
    said = Said(
        id=it.id,
        issuer=it.issuer,
        subject=None if name is None else (name.value, name.format, name.name_qualifier, name.sp_name_qualifier),
        attributes=tuple(it.attributes.items()),
        conditions=times,
        audiences=() if it.conditions is None else it.conditions.audiences,
        confirmations=tuple(
            (one.method, one.not_before or None, one.not_on_or_after or None, one.recipient or None, one.in_response_to)
            for one in it.confirmations
        ),
        authentications=tuple(
            (one.authn_instant, one.session_index, one.session_not_on_or_after, one.context_class)
            for one in it.authn_statements
        ),
    )
    if not verified.response_signed:
        return Verdict(said=said)
    envelope = Enveloped(
        id=around.id,
        destination=around.destination,
        in_response_to=around.in_response_to,
        issuer=around.issuer,
        status=around.status,
    )
    return Verdict(said=said, envelope=envelope)


class _Verifier(XMLVerifier):
    """Two known limits of that library are lifted, neither of which decides about a signature.

    It writes documents as ASCII between its steps, which turns names such as `<ü:a>` into what is no XML; and it takes
    the nothing before, behind and between two spaces of a PrefixList for a prefix, where [XML-exc-C14N] has NMTOKENS.
    """

    def _get_inclusive_ns_prefixes(self, transform_node: etree._Element) -> list[str] | None:
        prefixes = super()._get_inclusive_ns_prefixes(transform_node)
        return None if prefixes is None else [prefix for prefix in prefixes if prefix]

    def _tostring(self, xml_node: etree._Element, **how: object) -> bytes:
        return etree.tostring(xml_node, **{"encoding": "utf-8", **how})


_CONFIGURATIONS = {
    place: SignatureConfiguration(
        location=place,
        signature_methods=frozenset(SignatureMethod(name) for name in METHODS),
        digest_algorithms=frozenset(DigestAlgorithm(name) for name in DIGESTS),
        # The key is the one that is handed in; a KeyValue that names another one is nobody's business, as in the profile.
        ignore_ambiguous_key_info=True,
    )
    for place in (_OUTER, *_INNER)
}


def by_signxml(octets: bytes, pair: keys.Pair) -> Verdict:
    """signxml verifies each signature where it stands, and returns what was signed: that is read, nothing else.

    Known limits: one signature a call, so there is a call for each place; its schema check is off, as it wants KeyInfo
    and more to be what XMLDSig 1.1 says, of which this profile reads nothing.
    """

    def verified(document: bytes, place: str) -> etree._Element | None:
        how = _CONFIGURATIONS[place]
        found = _Verifier().verify(
            document, x509_cert=pair.certificate, id_attribute="ID", validate_schema=False, expect_config=how
        )
        return found.signed_xml

    return _judged(octets, verified)


def by_xmlsec(octets: bytes, pair: keys.Pair) -> Verdict:
    """libxmlsec verifies each signature where it stands; what its one Reference names in the document is read.

    It does not say which element that was: it is the only one with that ID, as the library knows no other identifiers
    than those it is told of, and refuses two of one value.
    """

    def verified(document: bytes, place: str) -> etree._Element | None:
        root = etree.fromstring(document)
        xmlsec.tree.add_ids(root, ["ID"])
        signature = root.find(f"{place}{DS}Signature")
        return _referenced(root, signature) if _xmlsec_verifies(signature, pair) else None

    return _judged(octets, verified)


def _judged(octets: bytes, verified: Callable[[bytes, str], etree._Element | None]) -> Verdict:
    """Verifies every signature that counts: the Response's in the document as it was sent, then the assertion's own.

    That one stands in the document in which the assertion is open, as it was when it was signed [SAMLCore 6.2].
    """
    try:
        root = etree.fromstring(octets)
        outer = [verified(octets, _OUTER)] if root.find(f"{_OUTER}{DS}Signature") is not None else []
        whole = opening.with_open_assertion(root)
        if whole is not root:
            _forget_identifiers_around(whole)
        document = octets if whole is root else etree.tostring(whole, encoding="utf-8")
        inner = [verified(document, place) for place in _INNER if whole.find(f"{place}{DS}Signature") is not None]
    except Exception as error:  # noqa: BLE001 whatever they raise, they do not believe the document
        return Verdict(refused=type(error).__name__)
    return _read_all(outer, inner)


def _forget_identifiers_around(whole: etree._Element) -> None:
    """An identifier of the envelope is none of the document that came out of encryption: what was signed was signed there.

    An `xml:id` around it that has the assertion's value would else have libxmlsec find no assertion at all; the profile
    looks for it in the plaintext alone, and the Response's own signature was verified before.
    """
    within = {element for holder in whole.iterchildren(opening.ENCRYPTED_ASSERTION) for element in holder.iter()}
    for element in whole.iter(etree.Element):
        if element not in within:
            for name in [name for name in element.attrib if etree.QName(name).localname.lower() == "id"]:
                del element.attrib[name]


def _xmlsec_verifies(signature: etree._Element, pair: keys.Pair) -> bool:
    context = xmlsec.SignatureContext()
    context.key = _xmlsec_key(pair.public_pem)
    context.verify(signature)
    return True


@cache
def _xmlsec_key(public_pem: bytes) -> xmlsec.Key:
    return xmlsec.Key.from_memory(public_pem, xmlsec.constants.KeyDataFormatPem)


def _referenced(root: etree._Element, signature: etree._Element) -> etree._Element:
    references = signature.findall(f"{DS}SignedInfo/{DS}Reference")
    if len(references) != 1:
        raise ValueError("not one Reference")
    found = root.xpath("//*[@ID = $id]", id=references[0].get("URI", "").removeprefix("#"))
    if len(found) != 1:
        raise ValueError("the Reference names no element, or several")
    return found[0]


def _read_all(outer: "Sequence[etree._Element | None]", inner: "Sequence[etree._Element | None]") -> Verdict:
    """One statement from all that was proven; where Response and Assertion are both signed, both say the same.

    But for an assertion that was encrypted, and signed before that: what its own signature covers says all. In what the
    Response's covers there is only the ciphertext, and no prefix any more that nothing but the plaintext uses.
    """
    proven = [one for one in (*outer, *inner) if one is not None]
    if not proven or len(proven) < len(outer) + len(inner):
        return Verdict(refused="nothing signed")
    try:
        if outer and inner and proven[0].find(opening.ENCRYPTED_ASSERTION) is not None:
            read_in = [(reader.read_envelope(proven[0]), reader.read(opening.opened(proven[1]))[1])]
        else:
            read_in = [reader.read(opening.opened(one)) for one in proven]
    except (reader.Unreadable, opening.Sealed, KeyError) as error:
        return Verdict(refused=f"unreadable: {error}")
    if any(said != read_in[0][1] for _, said in read_in):
        return Verdict(refused="inner and outer differ")
    return Verdict(said=read_in[0][1], envelope=next((around for around, _ in read_in if around is not None), None))


ORACLES: dict[str, Judge] = {"signxml": by_signxml, "xmlsec": by_xmlsec}


def differences(profile: Verdict, others: dict[str, Verdict], signed: Sequence[Said]) -> list[str]:
    """Why a document is a finding, or nothing: the profile may be stricter than the others, and never anything else.

    `signed`: all that the holder of the key has signed in the making of the document; nothing else may be believed.
    """
    found = [] if profile.fault is None else [f"the profile failed: {profile.fault}"]
    if profile.said is None:
        return found
    if profile.said not in signed:
        found.append("the profile believes what nobody signed")
    for name, other in others.items():
        if not other.accepted:
            found.append(f"{name} refuses what the profile believes: {other.refused}")
        elif other.said != profile.said:
            found.append(f"{name} reads another {_different(profile.said, other.said)}")
        elif other.envelope != profile.envelope:
            found.append(f"{name} reads another envelope")
    return found


def _different(one: Said, other: Said | None) -> str:
    return ", ".join(name for name in one.__slots__ if getattr(one, name) != getattr(other, name))
