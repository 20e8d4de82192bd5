"""Contradictions in a configuration: all of them, each with its path and what to do [house rule]."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from vestibule.ground.errors import Fault
from vestibule.ground.url import is_web_url
from vestibule.model.application import Application
from vestibule.model.connection import Connection
from vestibule.model.installation import Installation
from vestibule.policy.application_rules import application_faults
from vestibule.policy.connection_rules import connection_faults

_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


def faults(
    installation: Installation, applications: Sequence[Application], connections: Sequence[Connection]
) -> tuple[Fault, ...]:
    """Everything that contradicts itself or a rule, in the whole configuration as it would be; empty if nothing does.

    Paths name things by what they are called, not by their place: `connections.acme.idp_initiated.delivery`.
    """
    known = {application.client_id: application for application in applications}
    found = (
        *_installation_faults(installation),
        *_repeated_applications(applications),
        *(fault for application in applications for fault in application_faults(application)),
        *_colliding_names(connections),
        *_twice_verified(connections),
        *(fault for connection in connections for fault in connection_faults(connection, known)),
    )
    return tuple(dict.fromkeys(found))  # two routes that want one risk accepted want it once


def _installation_faults(installation: Installation) -> Iterator[Fault]:
    branding = installation.branding
    if not branding.product_name.strip():
        yield Fault(
            path="branding.product_name", code="branding.product_name", message="people read it: give it a name"
        )
    if not _COLOUR.fullmatch(branding.colour):
        yield Fault(
            path="branding.colour", code="branding.colour", message='must be a hex colour, such as "#0b5" or "#2f5fd0"'
        )
    if branding.logo_url is not None and not is_web_url(branding.logo_url):
        yield Fault(
            path="branding.logo_url",
            code="branding.logo_url",
            message="must be an absolute https URL (http only on a loopback host)",
        )


def _repeated_applications(applications: Sequence[Application]) -> Iterator[Fault]:
    for client_id, count in Counter(application.client_id for application in applications).items():
        if count > 1:
            yield Fault(
                path=f"applications.{client_id}.client_id",
                code="application.client_id_twice",
                message=f"{count} applications have this client id: give each its own",
            )


def _colliding_names(connections: Sequence[Connection]) -> Iterator[Fault]:
    """A connection's name works wherever its id does, so no name may be another's name or id."""
    names = Counter(connection.name for connection in connections)
    ids: Counter[str] = Counter(connection.id for connection in connections)
    for connection in connections:
        path = f"connections.{connection.name}"
        if names[connection.name] > 1:
            yield Fault(
                path=f"{path}.name",
                code="connection.name_taken",
                message="two connections have this name: rename one",
            )
        if ids[connection.id] > 1:
            yield Fault(
                path=f"{path}.id",
                code="connection.id_taken",
                message="two connections have this id: give each its own",
            )
        if ids[connection.name] > (connection.id == connection.name):  # its own id may be its name
            yield Fault(
                path=f"{path}.name",
                code="connection.name_is_id",
                message="this name is another connection's id: choose another name",
            )


def _twice_verified(connections: Sequence[Connection]) -> Iterator[Fault]:
    """One connection holds a verified domain: another that held it too could say who its people are."""
    holders: dict[str, str] = {}
    for connection in connections:
        for index, domain in enumerate(connection.domains):
            if not domain.verified:
                continue
            first = holders.setdefault(domain.name, connection.name)
            if first != connection.name:
                yield Fault(
                    path=f"connections.{connection.name}.domains[{index}].verified",
                    code="connection.domain_taken",
                    message=f"connection {first!r} holds this domain, verified: remove it from one of the two",
                )
