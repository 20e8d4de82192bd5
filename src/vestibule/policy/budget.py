"""Budgets against floods: how much each spender may spend, how fast it comes back, in bounded memory."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`burst` may be spent at once, and `rate` of it comes back each second. A burst of 0 means: no limit."""

    burst: int
    rate: float


def per_minute(count: int) -> Budget:
    """As much as `count` at once, and as much again within each minute."""
    return Budget(burst=count, rate=count / 60)


@lru_cache(maxsize=4096)
def spender(address: str) -> str:
    """Whom an address stands for: an IPv4 address for itself, an IPv6 address for its /64, which is one customer's line.

    What is no address at all is one spender, so that nobody gets a fresh budget by writing nonsense.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ip_network((int(found) >> 64 << 64, 64)))
    return str(found)


@dataclass(frozen=True, slots=True)
class _Purse:
    tokens: float
    at: float


class Purses:
    """What many spenders have left of one budget each. `now` is in seconds, of any clock that goes forward.

    At most `most` are remembered; the one that spent longest ago is forgotten first, and by then is mostly full again.
    """

    def __init__(self, budget: Budget, *, most: int) -> None:
        self._budget = budget
        self._most = most
        self._purses: OrderedDict[Hashable, _Purse] = OrderedDict()

    def __len__(self) -> int:
        return len(self._purses)

    def wait(self, who: Hashable, now: float) -> float:
        """Seconds until `who` has one to spend: 0 if that is now."""
        if not self._budget.burst:
            return 0.0
        lacking = 1.0 - self._left(who, now)
        return lacking / self._budget.rate if lacking > 0 else 0.0

    def spend(self, who: Hashable, now: float) -> None:
        """Takes one, or what is left of one."""
        if not self._budget.burst:
            return
        self._purses[who] = _Purse(max(0.0, self._left(who, now) - 1.0), now)
        self._purses.move_to_end(who)
        if len(self._purses) > self._most:
            self._purses.popitem(last=False)

    def _left(self, who: Hashable, now: float) -> float:
        purse = self._purses.get(who)
        if purse is None:
            return float(self._budget.burst)
        # A clock that was set back gives nothing and takes nothing.
        earned = max(0.0, now - purse.at) * self._budget.rate
        return min(float(self._budget.burst), purse.tokens + earned)


class Tellings:
    """Who was told of lately: of a flood one word a window is enough. Bounded like purses."""

    def __init__(self, *, window: float, most: int) -> None:
        self._window = window
        self._most = most
        self._told: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._told)

    def again(self, who: Hashable, now: float) -> int | None:
        """It happened once more. None if it was told of within the window, else how often it happened since then."""
        since, count = self._told.get(who, (None, 0))
        if since is not None and 0 <= now - since < self._window:
            self._told[who] = (since, count + 1)
            return None
        self._told[who] = (now, 0)
        self._told.move_to_end(who)
        if len(self._told) > self._most:
            self._told.popitem(last=False)
        return count
