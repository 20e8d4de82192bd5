"""The <samlp:AuthnRequest> [SAMLCore 3.4.1, SAMLProf 4.1.4.1]: asking an identity provider to sign somebody in."""

from dataclasses import dataclass
from datetime import datetime

from vestibule.ground.errors import Refused
from vestibule.saml.assertion import read_name_id
from vestibule.saml.instant import read_instant, write_instant
from vestibule.saml.names import BINDING_POST, VERSION, saml, samlp
from vestibule.saml.write import add, flag, message, octets
from vestibule.xml.parse import parse, text
from vestibule.xml.signature import PrivateKey, sign


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """An AuthnRequest as it was written. Not verified; `subject` is a NameID's value and Format."""

    id: str
    issuer: str
    destination: str | None
    acs_url: str | None
    issue_instant: datetime
    force_authn: bool
    is_passive: bool
    subject: tuple[str, str] | None


def authn_request(
    *,
    id: str,
    issue_instant: datetime,
    issuer: str,
    destination: str,
    acs_url: str,
    force_authn: bool = False,
    subject: tuple[str, str] | None = None,
    name_id_format: str | None = None,
) -> bytes:
    """An AuthnRequest that wants its answer posted to `acs_url`; `subject` is the value and Format of whom we expect."""
    root = message(
        samlp("AuthnRequest"),
        {
            "ID": id,
            "Version": VERSION,
            "IssueInstant": write_instant(issue_instant),
            "Destination": destination,
            "AssertionConsumerServiceURL": acs_url,
            "ProtocolBinding": BINDING_POST,
            "ForceAuthn": "true" if force_authn else None,
        },
    )
    add(root, saml("Issuer"), issuer)
    if subject is not None:
        value, name_format = subject
        add(add(root, saml("Subject")), saml("NameID"), value, Format=name_format or None)
    if name_id_format is not None:
        add(root, samlp("NameIDPolicy"), Format=name_id_format, AllowCreate=flag(True))
    return octets(root)


def signed_request(xml: bytes, *, key: PrivateKey, certificate_pem: str) -> bytes:
    """`xml` with an enveloped signature, as the POST binding carries it [SAMLBind 3.5.4.1]. Redirect signs its URL instead."""
    root = parse(xml)
    sign(root, key=key, certificate_pem=certificate_pem, after=saml("Issuer"))
    return octets(root)


def read_request(octets: bytes) -> ReceivedRequest:
    """The AuthnRequest in `octets`; no signature is looked at, so it proves nothing about who asks."""
    root = parse(octets)
    issuer = root.find(saml("Issuer"))
    instant = read_instant(root.get("IssueInstant"))
    identifier = root.get("ID")
    if root.tag != samlp("AuthnRequest") or root.get("Version") != VERSION:
        raise Refused("saml.not_a_request", "The message is not a SAML 2.0 AuthnRequest.", got=root.tag)
    if not identifier or instant is None or issuer is None:
        raise Refused("saml.shape", "The AuthnRequest lacks its ID, IssueInstant or Issuer [SAMLCore 3.2.1].")
    name = root.find(f"{saml('Subject')}/{saml('NameID')}")
    named = None if name is None else read_name_id(name)
    return ReceivedRequest(
        id=identifier,
        issuer=text(issuer),
        destination=root.get("Destination"),
        acs_url=root.get("AssertionConsumerServiceURL"),
        issue_instant=instant,
        force_authn=root.get("ForceAuthn") in ("true", "1"),
        is_passive=root.get("IsPassive") in ("true", "1"),
        subject=None if named is None else (named.value, named.format),
    )
