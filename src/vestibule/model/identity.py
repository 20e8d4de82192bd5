"""The waist, second value: who somebody is for us, and the person behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from vestibule.model.ids import ConnectionId, IdentityKey, PersonId

Claim = str | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody, as one connection knows them.

    `display` is what the confirm page may show: the NameID, or an email inside a verified domain; never an asserted
    name. `claims` are mapped attributes (no reserved names; email and email_verified already judged).
    """

    connection: ConnectionId
    connection_name: str
    key: IdentityKey
    display: str
    claims: Mapping[str, Claim]
    email: str | None
    email_verified: bool
    authenticated_at: datetime
    acr: str | None
    amr: tuple[str, ...]
    ends_at: datetime | None
    session_index: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person, known by one or more identities. `id` is the stable, opaque `sub`."""

    id: PersonId
    created_at: datetime
    blocked: bool = False
    identity_blocked: bool = False
