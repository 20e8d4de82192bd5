"""Decoders of SAML: octets, Responses, AuthnRequests, metadata, instants."""

import base64
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from xml.parsers import expat

from lxml import etree

from fuzz import keys, reader, verdicts
from fuzz.documents import ACS, IDP, SP
from fuzz.targets.property import hold
from vestibule.ground.errors import Refused
from vestibule.saml import bindings, metadata, request
from vestibule.saml.checks import Expectation, classify, validate
from vestibule.saml.instant import read_instant, write_instant
from vestibule.saml.names import saml
from vestibule.saml.response import SIGNATURE, read
from vestibule.saml.trust import verify
from vestibule.xml.parse import MAX_DEPTH, parse
from vestibule.xml.signature import load_certificates, sign

NOW = datetime(2026, 3, 4, 12, 1, tzinfo=UTC)
KEY = "P-256"
EXPECTED = Expectation(
    idp_entity_id=IDP,
    sp_entity_id=SP,
    acs_url=ACS,
    clock_skew=timedelta(seconds=60),
    max_assertion_age=timedelta(hours=1),
)


def xml(data: bytes, parser: Callable[[bytes], etree._Element] = parse) -> bool:
    """What the parser lets through is well-formed to an unrelated parser too, of the same names, and plain."""
    try:
        root = parser(data)
    except Refused:
        return False
    names: list[str] = []
    depth, deepest = 0, 0

    def start(name: str, _: object) -> None:
        nonlocal depth, deepest
        names.append(name)
        depth += 1
        deepest = max(deepest, depth)

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    other = expat.ParserCreate("utf-8", "}")
    other.StartElementHandler, other.EndElementHandler = start, end
    other.CommentHandler = other.ProcessingInstructionHandler = lambda *_: hold(
        False, "a comment or instruction got in"
    )
    other.Parse(data, True)
    mine = [element.tag for element in root.iter()]
    hold(all(isinstance(tag, str) for tag in mine), "only elements are in the tree")
    hold([str(tag).removeprefix("{") for tag in mine] == names, "both parsers see the same elements")
    hold(deepest <= MAX_DEPTH, "no deeper than allowed")
    return True


def metadata_file(data: bytes) -> bool:
    """Metadata that is read has an entity, keys that load, and addresses of the web."""
    try:
        found = metadata.read_idp(data, now=NOW)
    except Refused:
        return False
    hold(found.entity_id != "" and len(load_certificates(found.certificates)) > 0, "an entity with keys")
    for url in (found.sso_redirect_url, found.sso_post_url, found.slo_url):
        hold(url is None or url.lower().startswith(("http://", "https://")), "an address of the web")
    hold(found.valid_until is None or found.valid_until > NOW, "not out of date")
    return True


def saml_post(data: bytes) -> bool:
    """The form field: what is decoded is, encoded again, what was sent, but for line breaks.

    And but for the last characters: the bits that they have to spare may be set [RFC 4648 3.5], and say nothing.
    """
    value = data.decode("latin-1")
    try:
        octets = bindings.decode_post(value, limit=4096)
    except Refused:
        return False
    hold(len(octets) <= 4096, "within the limit")
    sent, again = value.replace("\r", "").replace("\n", ""), base64.b64encode(octets).decode()
    hold((len(sent), sent[:-4]) == (len(again), again[:-4]), "one encoding, one message")
    _road(octets)
    return True


def saml_response(data: bytes) -> bool:
    """The whole main road from a form field on; what the profile believes, both other verifiers believe too."""
    octets = bindings.decode_post(base64.b64encode(data).decode()) if data else b""
    if not _road(octets):
        return False
    pair = keys.pair(KEY)
    mine = verdicts.by_profile(octets, pair)
    others = {name: oracle(octets, pair) for name, oracle in verdicts.ORACLES.items()}
    reasons = [reason for reason in verdicts.differences(mine, others, ()) if "nobody signed" not in reason]
    hold(not reasons, "; ".join(reasons))
    return True


def _road(octets: bytes) -> bool:
    try:
        verified = verify(read(octets), keys=[keys.pair(KEY).public])
    except Refused:
        return False
    try:
        valid = validate(verified, expect=EXPECTED, now=NOW)
    except Refused:
        return True
    hold(valid.issuer == IDP, "a valid assertion is of the connection's identity provider")
    hold(
        valid.usable_until > NOW and valid.remember_until >= valid.usable_until, "remembered for as long as it is good"
    )
    with suppress(Refused):
        classify(valid)
    return True


def signed_response(data: bytes) -> bool:
    """Any Response at all, signed with the right key: what is believed is what an unrelated reader reads.

    Without it nothing behind the signature's check would ever be reached by changing octets.
    """
    try:
        root = read(data).root
        for signature in list(root.iter(SIGNATURE)):
            parent = signature.getparent()
            if parent is not None:
                parent.remove(signature)
        assertion = root.find(saml("Assertion"))
        if assertion is None or assertion.find(saml("Issuer")) is None or not assertion.get("ID"):
            return False
        sign(assertion, key=keys.pair(KEY).private, after=saml("Issuer"))
        octets = etree.tostring(root)
        verified = verify(read(octets), keys=[keys.pair(KEY).public])
    except Refused:
        return False
    said = verdicts.from_verified(verified).said
    hold(said == reader.read(etree.fromstring(octets).find(saml("Assertion")))[1], "both readers read the same")
    _road(octets)
    return True


def saml_request(data: bytes) -> bool:
    """The AuthnRequest by redirect: what inflates does so to the same after deflating, and no further than the limit."""
    return _inflated(data) | _asked(data)


def _inflated(data: bytes) -> bool:
    try:
        octets = bindings.decode_redirect(data.decode("latin-1"), limit=8192)
    except Refused:
        return False
    hold(0 <= len(octets) <= 8192, "within the limit")
    squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    again = base64.b64encode(squeezer.compress(octets) + squeezer.flush()).decode()
    hold(bindings.decode_redirect(again) == octets, "stable")
    return _asked(octets)


def _asked(octets: bytes) -> bool:
    try:
        asked = request.read_request(octets)
    except Refused:
        return False
    hold(asked.id != "" and asked.issue_instant.tzinfo is UTC, "an ID, and an instant in UTC")
    return True


def instant(data: bytes) -> bool:
    """An instant that is read is the one that the standard library reads, and stays itself when it is written."""
    value = data.decode("utf-8", "replace")
    found = read_instant(value)
    if found is None:
        return False
    hold(datetime.fromisoformat(value[:19]).replace(tzinfo=UTC) == found.replace(microsecond=0), "the same moment")
    if found.year >= 1000:  # what strftime writes of earlier years depends on the platform
        hold(read_instant(write_instant(found)) == found.replace(microsecond=0), "stable")
    return True


ALL: dict[str, Callable[[bytes], bool]] = {
    "xml": xml,
    "saml-post": saml_post,
    "saml-response": saml_response,
    "signed-response": signed_response,
    "saml-request": saml_request,
    "metadata": metadata_file,
    "instant": instant,
}
