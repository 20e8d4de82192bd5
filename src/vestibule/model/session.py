"""An SSO session: one person, one connection, one browser."""

from dataclasses import dataclass
from datetime import datetime

from vestibule.model.identity import Identity
from vestibule.model.ids import ConnectionId, Digest, PersonId, Sid


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`cookie` is the digest of the cookie's value, new at every login; `expires_at` absolute, `idle_at` moves with use."""

    sid: Sid
    cookie: Digest
    person: PersonId
    connection: ConnectionId
    identity: Identity
    created_at: datetime
    expires_at: datetime
    idle_at: datetime
