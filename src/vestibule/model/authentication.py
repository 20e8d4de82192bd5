"""The waist, first value: what an identity provider said about somebody, in nobody's protocol."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from vestibule.model.ids import ConnectionId


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The name that the identity provider gave: a SAML NameID with all that qualifies it, byte for byte."""

    value: str
    format: str = ""
    name_qualifier: str = ""
    sp_name_qualifier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """A validated statement of a connection's identity provider.

    `usable_until` is the latest moment at which it can be presented (skew included); `remember_until` the moment
    until which its use must be remembered; `ends_at` when the identity provider wants the session ended.
    """

    connection: ConnectionId
    issuer: str
    assertion_id: str
    subject: Subject
    transient: bool
    attributes: Mapping[str, tuple[str, ...]]
    authenticated_at: datetime
    context_class: str | None
    session_index: str | None
    ends_at: datetime | None
    in_response_to: str | None
    usable_until: datetime
    remember_until: datetime
