"""A rehearsal: an operator's test sign-in, which shows what would come of it and signs nobody in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from vestibule.ground.errors import Finding
from vestibule.model.ids import ConnectionId, Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """`id` is in the link the operator opens; `cookie` is set when it is opened; `finished_at` when an answer has come."""

    id: str
    connection: ConnectionId
    idp_initiated: bool
    created_at: datetime
    expires_at: datetime
    cookie: Digest | None = None
    finished_at: datetime | None = None
    refused: str | None = None
    claims: Mapping[str, str] = field(default_factory=dict)
    trace: tuple[Finding, ...] = ()
