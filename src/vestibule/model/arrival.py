"""An arrival: what is kept of an accepted unsolicited response, short-lived, bound to browser, connection and application."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vestibule.model.connection import Delivery, Unsolicited
from vestibule.model.identity import Identity
from vestibule.model.ids import NO_REFERENCE, ArrivalId, ClientId, ConnectionId, Digest, Reference


class ArrivalState(StrEnum):
    BELL = "bell"
    """`restart`: no identity is kept; it only says who is to be asked upstream."""
    WAITING = "waiting"
    """Answers nothing until the person has agreed."""
    CONFIRMED = "confirmed"
    """Answers authorization requests of its connection and application, once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """`cookie` is the digest of this browser's arrival secret.

    `trust` is the policy under which it came: under `accept` no SSO session is made from it. `relay_state` is data, at
    most 1,024 bytes; where it leads is decided anew when the arrival is used. `subject` is the identity's key (a keyed
    hash), only compared; a bell has no `identity` beside it.
    """

    id: ArrivalId
    cookie: Digest
    connection: ConnectionId
    application: ClientId
    state: ArrivalState
    trust: Unsolicited
    delivery: Delivery
    created_at: datetime
    expires_at: datetime
    relay_state: str | None = None
    subject: str | None = None
    identity: Identity | None = None
    reference: Reference = NO_REFERENCE
