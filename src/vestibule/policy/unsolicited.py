"""The ladder: how far an unsolicited response is trusted, as one table and one pure function over it [house rule]."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache, lru_cache

from vestibule.ground.url import origin
from vestibule.model.arrival import ArrivalState
from vestibule.model.connection import Connection, Delivery, ResponseProtocol, Unsolicited

LOOP_LIMIT = 2
"""Restarts that are sent to one browser and connection while none is answered."""
LOOP_WINDOW = timedelta(seconds=60)


class Next(Enum):
    """What the browser meets next."""

    CLIENT = "client"
    """The application's own URL; it starts an ordinary request, which names the connection."""
    REQUEST = "request"
    """We make the authorization request ourselves, and go upstream with it."""
    ASK = "ask"
    """The confirm page. Nothing goes on before the click."""
    ANSWER = "answer"
    """We make the authorization request ourselves, and answer it now, from the arrival."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything the decision depends on.

    `post_trusted`: the post came from an origin that `accept` believes. `ignored_in_response_to`: the response named
    a request that no browser knows, and a quirk of the connection lets that pass for unsolicited.
    """

    mode: Unsolicited
    delivery: Delivery
    protocol: ResponseProtocol
    post_trusted: bool
    ignored_in_response_to: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`trust` is what is left of the mode after downgrades. `after` is what a yes leads to where `next` is ASK, else `next`."""

    state: ArrivalState
    trust: Unsolicited
    next: Next
    after: Next
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the ladder. `post_trusted` None = it does not matter."""

    mode: Unsolicited
    delivery: Delivery
    protocol: ResponseProtocol
    post_trusted: bool | None
    decision: Decision

    def covers(self, situation: Situation) -> bool:
        return (
            self.mode is situation.mode
            and self.delivery is situation.delivery
            and self.protocol is situation.protocol
            and self.post_trusted in (None, situation.post_trusted)
        )


_MODES = (Unsolicited.RESTART, Unsolicited.CONFIRM, Unsolicited.ACCEPT)
"""From the strictest to the weakest."""
_RESTART, _CONFIRM, _ACCEPT = Unsolicited.RESTART, Unsolicited.CONFIRM, Unsolicited.ACCEPT
_CLIENT, _DIRECT = Delivery.CLIENT, Delivery.DIRECT
_OIDC, _SAML = ResponseProtocol.OIDC, ResponseProtocol.SAML
_BELL, _WAITING, _CONFIRMED = ArrivalState.BELL, ArrivalState.WAITING, ArrivalState.CONFIRMED

_DISCARDED = "The identity is discarded; the login is asked for again, bound to this browser."
_QUESTION = "The identity waits until the person at this browser has agreed."
_FOREIGN = "The post did not come from the identity provider's origin, so the person is asked first."
_BELIEVED = "The operator accepted the risk of login CSRF, and the post came from an origin that is believed."


def _row(
    mode: Unsolicited,
    delivery: Delivery,
    protocol: ResponseProtocol,
    trusted: bool | None,
    state: ArrivalState,
    trust: Unsolicited,
    next: Next,
    after: Next,
    sentence: str,
) -> Row:
    decision = Decision(state=state, trust=trust, next=next, after=after, sentence=sentence)
    return Row(mode=mode, delivery=delivery, protocol=protocol, post_trusted=trusted, decision=decision)


# fmt: off
LADDER: tuple[Row, ...] = (
    # mode    delivery protocol trusted  state       trust     next          after         sentence
    _row(_RESTART, _CLIENT, _OIDC, None,  _BELL,      _RESTART, Next.CLIENT,  Next.CLIENT,  _DISCARDED),
    _row(_RESTART, _CLIENT, _SAML, None,  _BELL,      _RESTART, Next.CLIENT,  Next.CLIENT,  _DISCARDED),
    _row(_RESTART, _DIRECT, _OIDC, None,  _BELL,      _RESTART, Next.REQUEST, Next.REQUEST, _DISCARDED),
    _row(_RESTART, _DIRECT, _SAML, None,  _BELL,      _RESTART, Next.REQUEST, Next.REQUEST, _DISCARDED),
    _row(_CONFIRM, _CLIENT, _OIDC, None,  _WAITING,   _CONFIRM, Next.ASK,     Next.CLIENT,  _QUESTION),
    _row(_CONFIRM, _CLIENT, _SAML, None,  _WAITING,   _CONFIRM, Next.ASK,     Next.CLIENT,  _QUESTION),
    _row(_CONFIRM, _DIRECT, _OIDC, None,  _WAITING,   _CONFIRM, Next.ASK,     Next.ANSWER,  _QUESTION),
    _row(_CONFIRM, _DIRECT, _SAML, None,  _WAITING,   _CONFIRM, Next.ASK,     Next.ANSWER,  _QUESTION),
    _row(_ACCEPT,  _CLIENT, _OIDC, False, _WAITING,   _CONFIRM, Next.ASK,     Next.CLIENT,  _FOREIGN),
    _row(_ACCEPT,  _CLIENT, _SAML, False, _WAITING,   _CONFIRM, Next.ASK,     Next.CLIENT,  _FOREIGN),
    _row(_ACCEPT,  _DIRECT, _OIDC, False, _WAITING,   _CONFIRM, Next.ASK,     Next.ANSWER,  _FOREIGN),
    _row(_ACCEPT,  _DIRECT, _SAML, False, _WAITING,   _CONFIRM, Next.ASK,     Next.ANSWER,  _FOREIGN),
    _row(_ACCEPT,  _CLIENT, _OIDC, True,  _CONFIRMED, _ACCEPT,  Next.CLIENT,  Next.CLIENT,  _BELIEVED),
    _row(_ACCEPT,  _CLIENT, _SAML, True,  _CONFIRMED, _ACCEPT,  Next.CLIENT,  Next.CLIENT,  _BELIEVED),
    _row(_ACCEPT,  _DIRECT, _OIDC, True,  _CONFIRMED, _ACCEPT,  Next.ANSWER,  Next.ANSWER,  _BELIEVED),
    _row(_ACCEPT,  _DIRECT, _SAML, True,  _CONFIRMED, _ACCEPT,  Next.ANSWER,  Next.ANSWER,  _BELIEVED),
)
# fmt: on


def decide(situation: Situation) -> Decision:
    """What becomes of an unsolicited response [house rule]. A response taken for unsolicited by a quirk always restarts."""
    if situation.ignored_in_response_to:
        # A dummy InResponseTo may as well be a stale or stolen one: nothing of it is believed but that the bell rang.
        situation = Situation(
            mode=_RESTART, delivery=situation.delivery, protocol=situation.protocol, post_trusted=False
        )
    return _decided(situation)


@cache  # there are no more than two dozen situations
def _decided(situation: Situation) -> Decision:
    return next(row.decision for row in LADDER if row.covers(situation))


def post_is_trusted(origin_header: str | None, sso_url: str | None, post_origins: Sequence[str]) -> bool:
    """Whether `accept` believes a post with this `Origin` [Fetch 3.1]. An absent header counts as `null`."""
    if "*" in post_origins:
        return True
    if origin_header is None or origin_header == "null":
        return "null" in post_origins
    # Compared as it was sent: browsers send the normal form, and what is not in it is no browser's.
    return origin_header in _origins((*post_origins, sso_url or ""))


@lru_cache(maxsize=1024)
def _origins(urls: tuple[str, ...]) -> frozenset[str | None]:
    return frozenset(map(origin, urls))


def still_believed(trust: Unsolicited, connection: Connection) -> bool:
    """Whether an arrival that came in under `trust` is believed under today's policy, which may be stricter or off."""
    policy = connection.idp_initiated
    return policy.enabled and _MODES.index(trust) <= _MODES.index(policy.unsolicited)


def may_restart(connection: Connection) -> bool:
    """A restart asks upstream again: without the address of the identity provider's sign-on there is nobody to ask."""
    return bool(connection.idp.sso_url or connection.idp.sso_post_url)


def is_loop(unanswered: int) -> bool:
    """Whether one more restart would be the one too many, given how many in `LOOP_WINDOW` are unanswered."""
    return unanswered >= LOOP_LIMIT


def arrival_expiry(connection: Connection, usable_until: datetime, now: datetime) -> datetime:
    """When an arrival ends: after `arrival_ttl`, and never later than the response itself could have been presented."""
    return min(now + timedelta(seconds=connection.idp_initiated.arrival_ttl), usable_until)
