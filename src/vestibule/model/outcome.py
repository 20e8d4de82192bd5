"""An outcome: a fresh, solicited answer on its way from the cross-site post to the hop where cookies are whole."""

from dataclasses import dataclass
from datetime import datetime

from vestibule.model.errand import Errand
from vestibule.model.identity import Identity
from vestibule.model.ids import NO_REFERENCE, ArrivalId, ConnectionId, Digest, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Bound to the browser by the pending login's cookie. `forced_since`: the request asked for a fresh authentication then."""

    id: str
    cookie: Digest
    connection: ConnectionId
    identity: Identity
    errand: Errand
    created_at: datetime
    expires_at: datetime
    forced_since: datetime | None = None
    bell: ArrivalId | None = None
    bell_subject: str | None = None
    reference: Reference = NO_REFERENCE
