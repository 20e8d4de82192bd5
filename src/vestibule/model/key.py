"""A key as the store keeps it: the private half sealed, the public half for everyone."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vestibule.model.ids import ConnectionId


class KeyPurpose(StrEnum):
    TOKEN_RS256 = "token-rs256"
    TOKEN_ES256 = "token-es256"
    SAML_REQUEST = "saml-request"
    SAML_ENCRYPTION = "saml-encryption"
    """What a connection's identity provider encrypts for: each connection has its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """`sealed` is the private PEM under the master key. It signs from `signs_from` on, is published at once and until `retired_at`.

    `connection` None = the installation's. A key for encryption opens what it is given until `retired_at`; the newest is published.
    """

    kid: str
    purpose: KeyPurpose
    sealed: bytes
    public_pem: str
    certificate_pem: str | None
    created_at: datetime
    signs_from: datetime
    retired_at: datetime | None = None
    connection: ConnectionId | None = None
