"""Email domains: which one an address lies in, and what a connection holds of it [house rule]."""

import re
from collections.abc import Sequence

from vestibule.model.connection import Connection, Domain

_ADDRESS = re.compile(r"""[^\s@"(),:;<>\[\]\\\x00-\x1f\x7f]{1,64}@([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)""")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def is_domain(name: str) -> bool:
    """A domain as it is configured: lower case, ASCII (punycode for others), at least two labels, no dot at the end."""
    labels = name.split(".")
    return len(name) <= 253 and len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels)


def domain_of(email: str) -> str | None:
    """The domain of a plain address, lower case, or None.

    Stricter than [RFC 5321 4.1.2]: no quoted local part, no comment, no address literal, ASCII only. An address that
    two readers could read differently (`a@acme.example@evil.example`, full-width letters that a later step would fold
    to ASCII) lies in no domain.
    """
    found = _ADDRESS.fullmatch(email.lower()) if email.isascii() else None
    return found.group(1) if found and is_domain(found.group(1)) else None


def held(connection: Connection, domain: str | None) -> Domain | None:
    """The connection's listing of this domain. Subdomains are other domains."""
    return next((listed for listed in connection.domains if listed.name == domain), None)


def is_verified(connection: Connection, email: str | None) -> bool:
    """Whether the address lies in a domain that is verified for this connection, now."""
    listing = None if email is None else held(connection, domain_of(email))
    return listing is not None and listing.verified


def connection_for(connections: Sequence[Connection], email: str) -> Connection | None:
    """The connection that lists the address's domain: a verified listing outranks, then the name decides."""
    domain = domain_of(email.strip())
    listing = [(listed, one) for one in connections if (listed := held(one, domain)) is not None]
    ranked = sorted(listing, key=lambda pair: (not pair[0].verified, pair[1].name))
    return ranked[0][1] if ranked else None
