"""A signing key as the store keeps it: the private half sealed, the public half for everyone."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class KeyPurpose(StrEnum):
    TOKEN_RS256 = "token-rs256"
    TOKEN_ES256 = "token-es256"
    SAML_REQUEST = "saml-request"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """`sealed` is the private PEM under the master key. It signs from `signs_from` on, is published at once and until `retired_at`."""

    kid: str
    purpose: KeyPurpose
    sealed: bytes
    public_pem: str
    certificate_pem: str | None
    created_at: datetime
    signs_from: datetime
    retired_at: datetime | None = None
