"""A pending login: an AuthnRequest of ours that waits for its answer, bound to one browser."""

from dataclasses import dataclass
from datetime import datetime

from vestibule.model.errand import Errand
from vestibule.model.ids import NO_REFERENCE, ArrivalId, ConnectionId, Digest, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLogin:
    """`id` is the ID of the AuthnRequest. `cookie` is the digest of the secret in this browser's login cookie.

    `bell` names the doorbell that this login restarts, `bell_subject` the keyed hash of whom it announced.
    `counted` says that it still counts in the loop guard. `ended_at` is set by the answer that took it.
    """

    id: str
    connection: ConnectionId
    expected_issuer: str
    acs_url: str
    cookie: Digest
    created_at: datetime
    expires_at: datetime
    errand: Errand
    force_authn: bool = False
    bell: ArrivalId | None = None
    bell_subject: str | None = None
    counted: bool = False
    ended_at: datetime | None = None
    reference: Reference = NO_REFERENCE
