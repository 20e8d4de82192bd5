"""A grant: what one authorization gave to one application, and the code and tokens that stand for it."""

from dataclasses import dataclass
from datetime import datetime

from vestibule.model.identity import Identity
from vestibule.model.ids import ArrivalId, ClientId, ConnectionId, Digest, GrantId, PersonId, Sid


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """`scope` is space-separated and granted, not asked. `sid` is empty where no SSO session stands behind it.

    `refresh_until` is the absolute end of the refresh family.
    """

    id: GrantId
    application: ClientId
    person: PersonId
    connection: ConnectionId
    identity: Identity
    scope: str
    sid: Sid | None
    nonce: str | None
    created_at: datetime
    refresh_until: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code, kept as its digest. `unsolicited`: it has no PKCE challenge and needs client authentication."""

    digest: Digest
    grant: Grant
    redirect_uri: str
    code_challenge: str | None
    unsolicited: bool
    arrival: ArrivalId | None
    expires_at: datetime
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    digest: Digest
    grant: GrantId
    scope: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """`expires_at` is the idle end; the grant's `refresh_until` the absolute one."""

    digest: Digest
    grant: GrantId
    created_at: datetime
    expires_at: datetime
    taken_at: datetime | None = None
