"""Floods are met before they cost anything: who was refused too often, or asks too much, is turned away unread.

What is limited first is refusals, never successes, so that a flood spends the attacker's budget and nobody else's. A
connection that is flooded from many addresses goes on judging whoever was not refused lately. All of it is kept in this
process's memory: several workers have a budget each.
"""

import math
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from vestibule.flows.record import Record, new_reference
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.policy.budget import Budget, Purses, Tellings, per_minute, spender
from vestibule.store.port import Store, StoreUnavailable

ADDRESSES = 20_000
"""Addresses that are remembered under each budget: some 5 MB when all are taken."""
CONNECTIONS = 4_096
LATELY = Budget(burst=5, rate=1 / 60)
"""What an address may have refused and still be judged while its connection is flooded: five, and one more a minute."""
MANY = 10
"""How many times the budget is where one address brings many people's tokens, and a refusal leaves nothing behind."""
WINDOW = 600.0
"""Seconds in which one flood is told of once, in the log and in one event."""

log = structlog.get_logger("vestibule.flows")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Each is a number a minute, and as many at once; 0 switches it off.

    `refusals`: of one address, at people's doors together and at each machine's door by itself. `connection_refusals`:
    of one connection, from all addresses. `requests`: of one address at people's doors, whatever comes of them.
    """

    refusals: int
    connection_refusals: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who knocks at which door: the client's address, and the connection that the address of a SAML post names.

    `machine` is the path of a door that programs call, None for people's doors. `many`: an application's server asks there
    with the tokens of all its people, some of which have always run out. `embedded`: a page asked for it, without anybody who
    goes there, as an image or a frame: a stranger's page can make its visitors' browsers do so, and must not spend what is theirs.
    """

    address: str
    machine: str | None = None
    many: bool = False
    embedded: bool = False
    connection: str | None = None


class TooMany(Refused):
    """A budget is spent. `seconds` is when it is worth trying again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            "request.too_many",
            "Too many requests from this address were refused, or too many were sent at all; wait, then try again.",
        )
        self.seconds = max(1, math.ceil(seconds))


class Guarding:
    """`admit` before anything of a request is read, `refused` after it came to a refusal. Success clears nothing."""

    def __init__(self, limits: Limits, *, store: Store, clock: Clock, entropy: Entropy) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._refusals = Purses(per_minute(limits.refusals), most=ADDRESSES)
        self._many = Purses(per_minute(limits.refusals * MANY), most=ADDRESSES)
        self._requests = Purses(per_minute(limits.requests), most=ADDRESSES)
        self._connections = Purses(per_minute(limits.connection_refusals), most=CONNECTIONS)
        self._lately = Purses(LATELY, most=ADDRESSES)
        self._tellings = Tellings(window=WINDOW, most=ADDRESSES)

    async def admit(self, call: Call) -> None:
        """Counts the request in, or raises `TooMany`."""
        now = self._clock.now().timestamp()
        who = spender(call.address)
        if seconds := self._purses(call).wait((call.machine, call.embedded, who), now):
            raise await self._turned_away("refusals of one address", call, who, seconds, now)
        flooded = 0.0 if call.connection is None else self._connections.wait(call.connection, now)
        if flooded and self._lately.wait((call.embedded, who), now):
            raise await self._turned_away("refusals of one connection", call, call.connection, flooded, now)
        if call.machine is None:  # an application's server is one address for everybody: only its failures count
            if seconds := self._requests.wait((call.embedded, who), now):
                raise await self._turned_away("requests of one address", call, who, seconds, now)
            self._requests.spend((call.embedded, who), now)

    def refused(self, call: Call) -> None:
        """The request was judged and refused: its address pays, and so does the connection that it named."""
        now = self._clock.now().timestamp()
        who = spender(call.address)
        self._purses(call).spend((call.machine, call.embedded, who), now)
        if call.connection is not None:
            self._connections.spend(call.connection, now)
            self._lately.spend((call.embedded, who), now)

    def _purses(self, call: Call) -> Purses:
        return self._many if call.many else self._refusals

    async def _turned_away(self, budget: str, call: Call, who: Hashable, seconds: float, now: float) -> TooMany:
        before = self._tellings.again((budget, call.machine, who), now)
        if before is not None:
            await self._tell(budget, call, before)
        return TooMany(seconds)

    async def _tell(self, budget: str, call: Call, before: int) -> None:
        """One line and one event a window; `before` were turned away since the last ones."""
        said = {"budget": budget, "address": spender(call.address), "turned_away_before": str(before)}
        if call.machine is not None:
            said["door"] = call.machine
        record = Record(entropy=self._entropy, now=self._clock.now(), reference=new_reference(self._entropy))
        log.warning(
            "flood",
            reference=record.reference,
            connection=(call.connection or "")[:80],
            what_to_do="If this is your own reverse proxy's address, name it in VESTIBULE_TRUSTED_PROXIES.",
            **said,
        )
        with suppress(StoreUnavailable):
            if call.connection is not None:
                found = await self._store.configured.connection(call.connection)
                record.connection = None if found is None else found.id
            await self._store.keep(record.event("request.flood", code="request.too_many", detail=said))
