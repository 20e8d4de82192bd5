"""An event: what happened, for the operator; with the trace of how it was decided."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from vestibule.ground.errors import Finding
from vestibule.model.ids import ClientId, ConnectionId, PersonId, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """`kind` is dotted ("login.refused", "login.succeeded", "code.redeemed", "configuration.applied"); `code` the refusal's."""

    id: str
    at: datetime
    kind: str
    reference: Reference
    code: str | None = None
    connection: ConnectionId | None = None
    application: ClientId | None = None
    person: PersonId | None = None
    detail: Mapping[str, str] = field(default_factory=dict)
    trace: tuple[Finding, ...] = ()
