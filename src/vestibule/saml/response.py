"""Reading a <samlp:Response> [SAMLCore 3.2.2]: from bytes to something we do not yet believe."""

from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from vestibule.ground.errors import Refused
from vestibule.saml.names import SUCCESS, ds, saml, samlp
from vestibule.saml.shape import WHITE_SPACE, Part, misshapen, require_attributes, require_children
from vestibule.xml.encryption import ENCRYPTED_DATA
from vestibule.xml.parse import parse, text

RESPONSE: Final = samlp("Response")
ASSERTION: Final = saml("Assertion")
ENCRYPTED_ASSERTION: Final = saml("EncryptedAssertion")
SIGNATURE: Final = ds("Signature")
_ADVICE: Final = saml("Advice")
_STATUS: Final = samlp("Status")
_STATUS_CODE: Final = samlp("StatusCode")
_ISSUER: Final = saml("Issuer")
_REQUIRED: Final = frozenset(("ID", "Version", "IssueInstant"))
_OPTIONAL: Final = frozenset(("Destination", "Consent", "InResponseTo"))
_CHILDREN: Final = (
    Part((_ISSUER,), 0, 1),
    Part((SIGNATURE,)),
    Part((samlp("Extensions"),), 0, 1),
    Part((_STATUS,), 1, 1),
    Part((ASSERTION, ENCRYPTED_ASSERTION)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What a Response says around its assertion, as written. Where the Response is not signed, anybody wrote it."""

    id: str
    version: str
    issue_instant: str
    destination: str | None
    in_response_to: str | None
    issuer: str | None
    issuer_format: str | None
    status: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedResponse:
    """A Response of the right shape: good for choosing a key, nothing else. Made by `read` alone.

    `assertion` is its Assertion, or the EncryptedAssertion that holds one.
    """

    envelope: Envelope
    root: etree._Element = field(repr=False, compare=False)
    assertion: etree._Element = field(repr=False, compare=False)

    @property
    def issuer(self) -> str | None:
        """Who the message says sent it. Unverified: say it to nobody, decide nothing by it but which keys to try."""
        return self.envelope.issuer

    @property
    def is_encrypted(self) -> bool:
        """Whether anything in it is encrypted, so that our own keys are needed."""
        return next(self.root.iter(ENCRYPTED_DATA), None) is not None


def read(octets: bytes) -> UnverifiedResponse:
    """The one Response in `octets`, with exactly one Assertion, its child; `Refused` for any other shape.

    Stricter than [SAMLCore 3.2.2], which allows several assertions: one response is one sign-in, and every wrapping
    attack needs a second Response, Assertion or Signature somewhere. Wherever one hides, it is refused; only in the
    assertion's Advice, which nobody reads, may evidence lie as it was signed by others [SAMLCore 2.6.1].
    """
    root = parse(octets)
    if root.tag != RESPONSE:
        raise Refused("saml.not_a_response", "The message is not a SAML 2.0 Response.", want=RESPONSE, got=root.tag)
    envelope, assertion = open_response(root)
    nothing_hidden(root, root, assertion)
    return UnverifiedResponse(envelope=envelope, root=root, assertion=assertion)


def nothing_hidden(root: etree._Element, *mine: etree._Element) -> None:
    """No Response, Assertion or Signature stands anywhere in the document but `mine`, and their own Signatures."""
    assertion = mine[-1]
    signable = [one for one in mine if one.tag != ENCRYPTED_ASSERTION]
    for element in root.iter(RESPONSE, ASSERTION, ENCRYPTED_ASSERTION, SIGNATURE):
        if element in mine or (element.tag == SIGNATURE and element.getparent() in signable):
            continue
        if element.tag != RESPONSE and _is_evidence(element, assertion):
            continue
        if element.tag == SIGNATURE:
            raise Refused("saml.stray_signature", "A Signature stands where none belongs [SAMLCore 5.4.1].")
        raise _not_one("one hidden elsewhere in the document")


def open_response(root: etree._Element) -> tuple[Envelope, etree._Element]:
    """The envelope's values and the one Assertion or EncryptedAssertion of a <samlp:Response>, by its schema's order."""
    require_attributes(root, required=_REQUIRED, optional=_OPTIONAL)
    children = require_children(root, *_CHILDREN)
    issuer = next((child for child in children if child.tag == _ISSUER), None)
    envelope = Envelope(
        id=root.get("ID", ""),
        version=root.get("Version", ""),
        issue_instant=root.get("IssueInstant", ""),
        destination=root.get("Destination"),
        in_response_to=root.get("InResponseTo") or None,  # an empty one names no request
        issuer=None if issuer is None else text(issuer).strip(WHITE_SPACE),
        issuer_format=None if issuer is None else issuer.get("Format"),
        status=_status(root, children),
    )
    assertions = [child for child in children if child.tag in (ASSERTION, ENCRYPTED_ASSERTION)]
    if not assertions and envelope.status[0] != SUCCESS:
        raise Refused(
            "saml.status",
            "The identity provider did not sign the person in: its Response has another status than Success.",
            want=SUCCESS,
            got=" ".join(envelope.status),
        )
    if len(assertions) != 1:
        raise _not_one(len(assertions))
    return envelope, assertions[0]


def _is_evidence(element: etree._Element, assertion: etree._Element) -> bool:
    """Whether `element` is, or is within, an assertion that is a child of the Advice of `assertion`."""
    advice = assertion.find(_ADVICE)
    within = [element, *element.iterancestors()]
    return (
        any(one.tag in (ASSERTION, ENCRYPTED_ASSERTION) and one.getparent() is advice for one in within)
        if advice is not None
        else False
    )


def _status(root: etree._Element, children: list[etree._Element]) -> tuple[str, ...]:
    """The Response's status code and those nested in it, outermost first [SAMLCore 3.2.2.2]."""
    codes: list[str] = []
    at = next(child for child in children if child.tag == _STATUS)
    while (code := next(at.iterchildren(_STATUS_CODE), None)) is not None:
        codes.append(code.get("Value", ""))
        at = code
    if not codes:
        raise misshapen(root, "a Status with a StatusCode", "none")
    return tuple(codes)


def _not_one(got: object) -> Refused:
    return Refused(
        "saml.one_assertion", "The Response must hold exactly one Assertion, as its own child.", want="1", got=got
    )
