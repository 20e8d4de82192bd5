"""From what an operator gave of an identity provider (metadata, files, parts by hand) to what is known of it."""

import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from vestibule.ground.errors import ConfigurationRefused, Fault, Refused
from vestibule.ground.fetch import Fetch
from vestibule.model.connection import IdentityProvider
from vestibule.saml import metadata
from vestibule.settings import regular_file
from vestibule.settings.document import IdpPart, PartsByHand
from vestibule.xml.signature import load_certificates

METADATA_LIMIT = 1_048_576
_FILE_LIMIT = 1_048_576
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One `idp` of the file: the part, its path for faults, and the directory that its paths start from."""

    part: IdpPart
    path: str
    base: Path


async def known(given: Given, fetch: Fetch, now: datetime) -> IdentityProvider:
    """What the part says; metadata is read, and fetched where only its address is given. Raises with every fault."""
    part = given.part
    signers = _all_certificates(part.metadata_certificates, f"{given.path}.metadata_certificates", given.base)
    if part.snapshot is not None:
        known = _by_hand(given, f"{given.path}.snapshot", part.snapshot)
        return replace(known, metadata_url=part.metadata_url, metadata_certificates=signers)
    if part.metadata_url is not None:
        octets = await _fetched(part.metadata_url, f"{given.path}.metadata_url", fetch)
        known = _from_metadata(octets, f"{given.path}.metadata_url", part, signers, now)
        return replace(known, metadata_url=part.metadata_url, metadata_certificates=signers)
    if part.metadata_file is not None:
        octets = _file(given.base / part.metadata_file, f"{given.path}.metadata_file")
        return _from_metadata(octets, f"{given.path}.metadata_file", part, signers, now)
    if part.metadata_xml is not None:
        return _from_metadata(part.metadata_xml.encode(), f"{given.path}.metadata_xml", part, signers, now)
    return _by_hand(given, given.path, part)


def _by_hand(given: Given, path: str, part: IdpPart | PartsByHand) -> IdentityProvider:
    return IdentityProvider(
        entity_id=part.entity_id or "",
        sso_url=part.sso_url,
        sso_post_url=part.sso_post_url,
        slo_url=part.slo_url,
        certificates=_all_certificates(part.certificates, f"{path}.certificates", given.base),
    )


def _from_metadata(
    octets: bytes, path: str, part: IdpPart, signers: tuple[str, ...], now: datetime
) -> IdentityProvider:
    """Metadata is believed because of where the operator got it, or because of who signed it, where `signers` says who."""
    keys = load_certificates(signers) if signers else None
    try:
        read = metadata.read_idp(octets, now=now, entity_id=part.entity_id, signers=keys)
    except Refused as refused:
        raise _faulty(path, "metadata", f"is no usable metadata: {refused.why}") from None
    return IdentityProvider(
        entity_id=read.entity_id,
        sso_url=read.sso_redirect_url,
        sso_post_url=read.sso_post_url,
        slo_url=read.slo_url,
        certificates=tuple(
            dict.fromkeys(pem for text in read.certificates for pem in _certificates(text, path, Path()))
        ),
    )


async def _fetched(url: str, path: str, fetch: Fetch) -> bytes:
    try:
        return await fetch.get(url, limit=METADATA_LIMIT)
    except Refused as refused:
        found = "" if refused.got is None else f" Found: {refused.got}."
        remedy = "Mend that, or download the document and give it as `metadata_file`."
        raise _faulty(path, "metadata", f"could not be fetched. {refused.why}{found} {remedy}") from None


def _all_certificates(given: Sequence[str] | None, path: str, base: Path) -> tuple[str, ...]:
    """The certificates in all of these texts and files, each once; every fault under its own index."""
    certificates: list[str] = []
    faults: list[Fault] = []
    for index, text in enumerate(given or ()):
        try:
            certificates.extend(_certificates(text, f"{path}[{index}]", base))
        except ConfigurationRefused as refused:
            faults.extend(refused.faults)
    if faults:
        raise ConfigurationRefused(faults)
    return tuple(dict.fromkeys(certificates))


def _certificates(given: str, path: str, base: Path) -> tuple[str, ...]:
    """The certificates in a PEM text, or in the file that the text is the path of (PEM or DER)."""
    if "-----BEGIN" in given:
        text = given
    else:
        octets = _file(base / given, path)
        text = ssl.DER_cert_to_PEM_cert(octets) if octets[:1] == b"\x30" else octets.decode("ascii", "replace")
    if "PRIVATE KEY-----" in text:
        raise _faulty(path, "certificate", "holds a private key. Only the provider's certificate belongs here.")
    try:
        found = tuple(ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(pem)) for pem in _CERTIFICATE.findall(text))
        load_certificates(found)
    except ValueError:
        raise _faulty(path, "certificate", "holds a certificate that cannot be read.") from None
    except Refused as refused:
        raise _faulty(path, "certificate", f"holds a certificate that cannot be used: {refused.why}") from None
    if not found:
        raise _faulty(path, "certificate", "holds no certificate. PEM text begins with -----BEGIN CERTIFICATE-----.")
    return found


def _file(file: Path, path: str) -> bytes:
    try:
        return regular_file.octets(file, _FILE_LIMIT)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        raise _faulty(
            path, "file", f"names {file}, which cannot be read: {reason}. Paths are relative to the configuration file."
        ) from None


def _faulty(path: str, code: str, message: str) -> ConfigurationRefused:
    return ConfigurationRefused([Fault(path=path, code=f"configuration.{code}", message=message)])
