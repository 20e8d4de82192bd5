"""Home realm discovery: which connection a person signs in through [house rule]."""

from collections.abc import Sequence
from dataclasses import dataclass

from vestibule.ground.errors import Refused
from vestibule.model.application import Application
from vestibule.model.connection import Connection
from vestibule.policy.domains import connection_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Nothing says which: ask for the email address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """The address leads nowhere. The page says the same whether its domain is unknown or has no usable connection."""


def choose(
    application: Application, connections: Sequence[Connection], named: str | None, email: str | None
) -> Connection | Ask | Unknown:
    """The connection for this login, out of all `connections`: the named one (by name or id), the only one, or by email."""
    if named is not None:
        return _named(application, connections, named)
    usable = [one for one in connections if one.enabled and application.client_id in one.applications]
    if not usable:
        raise Refused(
            "connection.none_for_application",
            f"No enabled connection is enabled for application {application.client_id!r}: add it to a connection's"
            " `applications`.",
        )
    if len(usable) == 1:
        return usable[0]
    if email is None or not email.strip():
        return Ask()
    return connection_for(usable, email) or Unknown()


def _named(application: Application, connections: Sequence[Connection], named: str) -> Connection:
    """A name is an order, not a hint: what it names must exist and be usable, else the request fails."""
    found = next((one for one in connections if named in (one.name, one.id)), None)
    if found is None:
        raise Refused("connection.unknown", "The request names a connection that does not exist.", got=named[:80])
    if not found.enabled:
        raise Refused("connection.disabled", f"Connection {found.name!r} is disabled.")
    if application.client_id not in found.applications:
        raise Refused(
            "connection.not_enabled_for_application",
            f"Connection {found.name!r} is not enabled for application {application.client_id!r}: add it to the"
            " connection's `applications`.",
        )
    return found
