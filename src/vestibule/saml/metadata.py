"""Metadata [SAMLMeta]: reading an identity provider's, writing ours.

By itself a signature on metadata is not what it is trusted by, and is not looked at: an operator brings the file, or names
the https address it is fetched from. An operator who names the signer's certificate asks for more: then nothing is read
but what that signer signed [SAMLMeta 3].
"""

import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from lxml import etree

from vestibule.ground.errors import Refused
from vestibule.saml.instant import read_instant
from vestibule.saml.names import BINDING_POST, BINDING_REDIRECT, PROTOCOL, ds, md
from vestibule.saml.write import add, add_certificate, flag, metadata_root, octets
from vestibule.xml.parse import parse, text
from vestibule.xml.signature import SIGNATURE, PublicKey, certificate_text, load_certificates, verify

_ENTITY: Final = md("EntityDescriptor")
_MAX_LOCATION: Final = 2048
_MAX_ENTITY_ID: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class IdpMetadata:
    """What an identity provider says of itself. `certificates` are PEM texts, for signing or for any use."""

    entity_id: str
    sso_redirect_url: str | None
    sso_post_url: str | None
    slo_url: str | None
    certificates: tuple[str, ...]
    want_authn_requests_signed: bool
    valid_until: datetime | None


def read_idp(
    octets: bytes, *, now: datetime, entity_id: str | None = None, signers: Sequence[PublicKey] | None = None
) -> IdpMetadata:
    """The one identity provider in a metadata document, or the one of `entity_id`; else `Refused`.

    With `signers`, the root must carry a signature of one of these keys, and what is read is what they signed.

    Comments and a byte order mark are tolerated, unlike in messages, and so are extensions and roles that we do not
    know: real identity providers write all of these. Keys that are too weak are left out; without any key it is refused,
    since a connection without one could verify nothing.
    """
    root = parse(octets.removeprefix(b"\xef\xbb\xbf"), drop_comments=True)
    if root.tag not in (_ENTITY, md("EntitiesDescriptor")):
        raise Refused("metadata.not_metadata", "The document is not SAML 2.0 metadata.", want=_ENTITY, got=root.tag)
    if signers is not None:
        root = _signed(root, signers)
    entity, role = _one_idp(root, entity_id)
    valid_until = _valid_until(role, now)
    single_sign_on = md("SingleSignOnService")
    return IdpMetadata(
        entity_id=entity.get("entityID", ""),
        sso_redirect_url=_location(role, single_sign_on, BINDING_REDIRECT),
        sso_post_url=_location(role, single_sign_on, BINDING_POST),
        slo_url=_location(role, md("SingleLogoutService"), BINDING_REDIRECT),
        certificates=_certificates(role),
        want_authn_requests_signed=role.get("WantAuthnRequestsSigned") in ("true", "1"),
        valid_until=valid_until,
    )


def write_sp(
    *,
    entity_id: str,
    acs_urls: Sequence[str],
    certificates: Sequence[str],
    authn_requests_signed: bool,
    slo_url: str | None = None,
    encryption_certificate: str | None = None,
    encryption_methods: Sequence[str] = (),
) -> bytes:
    """Our metadata as a service provider [SAMLMeta 2.4.4]; the first of `acs_urls` is the default.

    `encryption_methods` are the algorithms that we open [SAMLMeta 2.4.1.1], the one that we like best first.
    """
    root = metadata_root(_ENTITY, {"entityID": entity_id})
    role = add(
        root,
        md("SPSSODescriptor"),
        AuthnRequestsSigned=flag(authn_requests_signed),
        WantAssertionsSigned=flag(True),
        protocolSupportEnumeration=PROTOCOL,
    )
    for pem in certificates:
        add_certificate(add(role, md("KeyDescriptor"), use="signing"), certificate_text(pem))
    if encryption_certificate is not None:
        descriptor = add(role, md("KeyDescriptor"), use="encryption")
        add_certificate(descriptor, certificate_text(encryption_certificate))
        for method in encryption_methods:
            add(descriptor, md("EncryptionMethod"), Algorithm=method)
    if slo_url is not None:
        add(role, md("SingleLogoutService"), Binding=BINDING_REDIRECT, Location=slo_url)
    for index, url in enumerate(acs_urls):
        add(
            role,
            md("AssertionConsumerService"),
            Binding=BINDING_POST,
            Location=url,
            index=str(index),
            isDefault=flag(index == 0),
        )
    return octets(root)


def _signed(root: etree._Element, signers: Sequence[PublicKey]) -> etree._Element:
    """The tree that one of `signers` signed, in place of the one that was sent [SAMLMeta 3].

    The signature must be the root's own: one on an entity inside says nothing of what stands beside it. Comments were
    thrown away before, which no canonical form here would show; so were processing instructions, which it would: what was
    signed with them is refused, and what was slipped in afterwards is not read.
    """
    if root.find(SIGNATURE) is None:
        inside = next(root.iter(SIGNATURE), None) is not None
        raise Refused(
            "metadata.unsigned",
            "The document as a whole is not signed, although metadata_certificates name who signs it. "
            + ("Only a part of it is. " if inside else "")
            + "Ask the identity provider for metadata whose root is signed, or leave metadata_certificates out.",
        )
    try:
        return verify(root, root, keys=signers)
    except Refused as refused:
        if refused.code != "xml.signature_value":
            raise
        raise Refused(
            "metadata.signer",
            "None of metadata_certificates made the signature. If the signer changed its key, get the new certificate in "
            "another way than from this document, and add it.",
            got=refused.got,
        ) from None


def _one_idp(root: etree._Element, entity_id: str | None) -> tuple[etree._Element, etree._Element]:
    """The EntityDescriptor and its IDPSSODescriptor; roles that do not speak SAML 2.0 are no identity providers."""
    found = [
        (entity, role)
        for entity in root.iter(_ENTITY)
        for role in entity.iterchildren(md("IDPSSODescriptor"))
        if PROTOCOL in role.get("protocolSupportEnumeration", "").split()
        and entity_id in (None, entity.get("entityID"))
    ]
    if not found:
        raise Refused("metadata.no_idp", "The metadata describes no such SAML 2.0 identity provider.", want=entity_id)
    if len(found) > 1:
        raise Refused(
            "metadata.several_idps",
            "The metadata describes several identity providers; name the entity id of the one that is meant.",
            got=", ".join(entity.get("entityID", "") for entity, _ in found),
        )
    name = found[0][0].get("entityID", "")
    if not 1 <= len(name) <= _MAX_ENTITY_ID:
        raise Refused("metadata.entity_id", "The entityID is empty or too long [SAMLMeta 2.3.2].", got=len(name))
    return found[0]


def _valid_until(role: etree._Element, now: datetime) -> datetime | None:
    """The earliest validUntil of the role and all that it stands in [SAMLMeta 2.3.1, 2.3.2, 2.4.1]; refused if it has come."""
    earliest: datetime | None = None
    for element in (role, *role.iterancestors()):
        given = element.get("validUntil")
        if given is None:
            continue
        until = read_instant(given)
        if until is None:
            raise Refused("metadata.valid_until", "validUntil is no instant in UTC.", got=given)
        earliest = until if earliest is None else min(earliest, until)
    if earliest is not None and now >= earliest:
        raise Refused("metadata.expired", "The metadata is out of date; fetch it again.", want=f"> {now}", got=earliest)
    return earliest


def _location(role: etree._Element, name: str, binding: str) -> str | None:
    """The first endpoint of this kind and binding. An address that no browser should be sent to is refused, not skipped."""
    for endpoint in role.iterchildren(name):
        if endpoint.get("Binding") == binding:
            location = endpoint.get("Location", "")
            if not _is_web_address(location):
                raise Refused("metadata.endpoint", "An endpoint's Location is no http or https address.", got=location)
            return location
    return None


def _is_web_address(location: str) -> bool:
    try:
        parts = urlsplit(location)
        plain = location.isprintable() and " " not in location and "\\" not in location
        return parts.scheme in ("http", "https") and bool(parts.hostname) and plain and len(location) <= _MAX_LOCATION
    except ValueError:
        return False


def _certificates(role: etree._Element) -> tuple[str, ...]:
    """Certificates of KeyDescriptors with `use="signing"`, or none [SAMLMeta 2.4.1.1], each once, in order."""
    found = tuple(dict.fromkeys(_pems(role)))
    if not found:
        raise Refused("metadata.no_key", "The metadata holds no certificate for signatures; nothing could be verified.")
    usable = tuple(pem for pem in found if _is_usable(pem))
    if not usable:
        load_certificates(found)  # says what is wrong with the first
    return usable


def _pems(role: etree._Element) -> Iterator[str]:
    path = f"{ds('KeyInfo')}/{ds('X509Data')}/{ds('X509Certificate')}"
    for descriptor in role.iterchildren(md("KeyDescriptor")):
        if descriptor.get("use") in (None, "signing"):
            for element in descriptor.iterfind(path):
                yield _pem(element)


def _pem(element: etree._Element) -> str:
    body = "".join(text(element).split())
    try:
        binascii.a2b_base64(body.encode("ascii"), strict_mode=True)
    except ValueError:
        raise Refused("metadata.certificate", "A certificate in the metadata is not base64.") from None
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def _is_usable(pem: str) -> bool:
    try:
        load_certificates((pem,))
    except Refused:
        return False
    return True
