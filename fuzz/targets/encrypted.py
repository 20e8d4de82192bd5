"""Opening what is encrypted: any plaintext at all, encrypted for our key, and any XML at all where something encrypted belongs."""

from collections.abc import Callable
from functools import cache
from random import Random

from lxml import etree
from tests.xml.encrypter import How, holding

from fuzz import keys, opening, verdicts
from fuzz.documents import ACS, IDP, INSTANT
from fuzz.targets.property import hold
from fuzz.targets.saml import KEY
from vestibule.ground.errors import Refused
from vestibule.saml.names import ASSERTION, PROTOCOL, SUCCESS, XMLSCHEMA, XMLSCHEMA_INSTANCE, saml, samlp
from vestibule.xml.encryption import decrypt
from vestibule.xml.parse import parse
from vestibule.xml.signature import sign

_ENCRYPTED_ASSERTION = saml("EncryptedAssertion")
_VISIBLE = {"xml.encryption_shape", "xml.encryption_algorithm", "xml.element_in_text"}
"""What may be said of an encrypted part before anything is decrypted: anybody can see why."""
_ONE = "xml.decryption"


def plaintext(data: bytes, profile: verdicts.Judge = verdicts.by_profile) -> bool:
    """What somebody encrypted who can sign nothing, and what the identity provider did, with a signature around it.

    Unless one assertion came out there is one refusal, whatever came out; and what is believed, both others believe too.
    """
    holder = holding(data, keys.pair(keys.OURS).public, _ENCRYPTED_ASSERTION, How(random=Random(1).randbytes))
    return _judged(holder, data, profile, signed=False) | _judged(holder, data, profile, signed=True)


def structure(data: bytes, profile: verdicts.Judge = verdicts.by_profile) -> bool:
    """Any XML as an EncryptedAssertion: it is refused for what everybody sees, does not open, or opens to what libxmlsec sees."""
    try:
        holder = parse(data)
    except Refused:
        return False
    try:
        came_out = decrypt(holder, verdicts.DECRYPTION).octets
    except Refused as refused:
        hold(refused.code in _VISIBLE, f"what is visible has its own code, not {refused.code}")
        return False
    if came_out is not None:
        hold(came_out == opening.octets_of(holder), "both open it to the same octets")
    if holder.tag == _ENCRYPTED_ASSERTION:
        _judged(holder, came_out or b"", profile, signed=False)
    return came_out is not None


def _judged(holder: etree._Element, data: bytes, profile: verdicts.Judge, *, signed: bool) -> bool:
    """Whether the Response that holds it is believed."""
    octets = _response(holder, signed=signed)
    pair = keys.pair(KEY)
    mine = profile(octets, pair)
    hold(mine.fault is None, f"nothing but a refusal: {mine.fault}")
    if not mine.accepted:
        hold(mine.refused == _ONE or _is_one_assertion(data), f"what does not open is {_ONE}, not {mine.refused}")
        return False
    others = {name: oracle(octets, pair) for name, oracle in verdicts.ORACLES.items()}
    reasons = [reason for reason in verdicts.differences(mine, others, ()) if "nobody signed" not in reason]
    hold(not reasons, "; ".join(reasons))
    return True


def _response(holder: etree._Element, *, signed: bool) -> bytes:
    """A Response in whose scope the usual prefixes are, so that a plaintext may count on them."""
    root = etree.fromstring(_AROUND)
    root.append(etree.fromstring(etree.tostring(holder, encoding="utf-8", with_tail=False)))
    if signed:
        sign(root, key=keys.pair(KEY).private, after=saml("Issuer"))
    return etree.tostring(root, encoding="utf-8")


def _around() -> bytes:
    scope = {"samlp": PROTOCOL, "saml": ASSERTION, "xs": XMLSCHEMA, "xsi": XMLSCHEMA_INSTANCE}
    root = etree.Element(
        samlp("Response"), nsmap=scope, ID="_around", Version="2.0", IssueInstant=INSTANT, Destination=ACS
    )
    etree.SubElement(root, saml("Issuer")).text = IDP
    etree.SubElement(etree.SubElement(root, samlp("Status")), samlp("StatusCode"), Value=SUCCESS)
    return etree.tostring(root)


_AROUND = _around()


def _is_one_assertion(data: bytes) -> bool:
    """As a parser sees it that shares no rule with ours."""
    try:
        root = etree.fromstring(_AROUND.removesuffix(b"</samlp:Response>") + b"<in>" + data + b"</in></samlp:Response>")
    except (etree.LxmlError, ValueError):
        return False
    return [child.tag for child in root[-1]] == [saml("Assertion")]


@cache
def plaintexts(documents: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The assertions of Responses, each as it is before it is encrypted."""
    roots = [etree.fromstring(octets) for octets in documents]
    found = [root.find(saml("Assertion")) for root in roots]
    return tuple(etree.tostring(one, encoding="utf-8", with_tail=False) for one in found if one is not None)


def holders(octets: bytes) -> list[bytes]:
    """The encrypted parts of a message, each as XML of its own; none of one that is no XML."""
    try:
        root = etree.fromstring(octets)
    except (etree.LxmlError, ValueError):
        return []
    names = [saml(name) for name in ("EncryptedAssertion", "EncryptedID", "EncryptedAttribute")]
    return [etree.tostring(one, encoding="utf-8", with_tail=False) for one in root.iter(*names)]


ALL: dict[str, Callable[[bytes], bool]] = {"encrypted": plaintext, "encrypted-structure": structure}
