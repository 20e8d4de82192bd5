"""Which key signs and which are published, on nodes whose clocks and views differ [house rule]: pure, over the keys as they are stored.

What is to hold on every node, at every moment: nobody signs with a key that another node does not publish, or that an
application which keeps our key set for as long as we say may not have seen; and a key is published until the last token
that it signed has expired. Nobody can be asked whether they know a key, so time does it, with these margins:

- a node's view of the keys is at most `FRESH_FOR` old, two clocks are at most `CLOCKS_APART`, and an application keeps
  the key set for `KEY_SET_KEPT`: a key is published at least `LEAST_AHEAD`, more than all three, before it signs;
- of the keys whose time has come the one that was made last signs, whatever the others' times: once it does, no older
  one does so again, and each of those stays published for `PUBLISHED_AHEAD`, longer than any token lives;
- a key is retired by hand only where another one, without an end, has been signing for `HANDED_OVER`, that is on every
  node.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from vestibule.ground.errors import Refused
from vestibule.model.key import KeyPurpose, StoredKey

FRESH_FOR = timedelta(seconds=30)
"""How long a node may go without looking for other nodes' rotations."""
CLOCKS_APART = timedelta(seconds=60)
"""How far the clocks of two nodes may be apart. Beyond that logins fail anyway, for want of skew."""
KEY_SET_KEPT = timedelta(seconds=60)
"""How long an application may keep the key set, as its answer says (`Cache-Control`)."""
LEAST_AHEAD = timedelta(minutes=3)
"""How long a key is published at the very least before it signs."""
HANDED_OVER = FRESH_FOR + CLOCKS_APART
"""How long after a key's time has come every node signs with it."""
PUBLISHED_AHEAD = timedelta(hours=24)
"""How long the next key is published before it signs, and the last one after it has stopped: longer than a token lives
and than applications that do as they like keep a key set."""

_TICK = timedelta(microseconds=1)


def published(keys: Iterable[StoredKey], now: datetime) -> tuple[StoredKey, ...]:
    """The keys that everybody may know."""
    return tuple(key for key in keys if not is_retired(key, now))


def is_retired(key: StoredKey, now: datetime) -> bool:
    """Whether its end has come; at that very moment it has."""
    return key.retired_at is not None and key.retired_at <= now


def signer(keys: Iterable[StoredKey], purpose: KeyPurpose, now: datetime) -> StoredKey:
    """Of the published keys whose time has come, the one that was made last.

    Not the one whose time came last: where a rotation that waits for its day was overtaken by one at once, its key would
    sign again on that day, though its end is near.
    """
    ready = [key for key in published(keys, now) if key.purpose is purpose and key.signs_from <= now]
    if not ready:
        raise Refused("keys.none", "No key can sign now; `vestibule keys rotate` makes one.", got=purpose)
    return max(ready, key=age)


def age(key: StoredKey) -> tuple[datetime, str]:
    """Keys in the order in which they were made."""
    return key.created_at, key.kid


def made_at(known: Iterable[StoredKey], now: datetime) -> datetime:
    """When a key that comes after these was made: now, but never before them, though a clock be behind."""
    return max((now, *(key.created_at + _TICK for key in known)))


def rotated(known: Iterable[StoredKey], fresh: StoredKey) -> tuple[StoredKey, ...]:
    """What is to be kept where `fresh` comes after the `known` keys: itself, and the others with their end.

    Keys of identity providers that import our metadata by hand never end by themselves: an operator knows when they
    have the new certificate.
    """
    if fresh.purpose is KeyPurpose.SAML_REQUEST:
        return (fresh,)
    until = fresh.signs_from + PUBLISHED_AHEAD
    ending = (key for key in known if key.purpose is fresh.purpose and key.retired_at is None)
    return (fresh, *(replace(key, retired_at=until) for key in ending))


def retired(known: Sequence[StoredKey], kid: str, now: datetime) -> StoredKey:
    """The key as it is once it has been taken out of use and out of sight. An end that was nearer stays.

    Raises `Refused("keys.unknown")`, and `Refused("keys.last")` where no other key has taken over on every node, or where
    the others would end by themselves and leave none.
    """
    key = next((key for key in known if key.kid == kid), None)
    if key is None:
        raise unknown(kid)
    if is_retired(key, now):
        return key
    staying = [other for other in known if other.purpose is key.purpose and other.retired_at is None and other != key]
    if not any(other.signs_from + HANDED_OVER <= now for other in staying):
        since = min((other.signs_from + HANDED_OVER for other in staying), default=None)
        raise Refused(
            "keys.last",
            "No other key could go on in its place. Rotate first (with --now, if this one leaked), and retire it when the next one "
            "signs on every node."
            if since is None
            else "The key that comes after it does not sign on every node yet; retire it when it does.",
            want=None if since is None else f"not before {since.isoformat(timespec='seconds')}",
            got=None if since is None else now.isoformat(timespec="seconds"),
        )
    return replace(key, retired_at=min(now, key.retired_at or now))


def unknown(kid: str) -> Refused:
    return Refused("keys.unknown", "No key has this name; `vestibule keys list` shows them.", got=kid[:80])
