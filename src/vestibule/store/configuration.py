"""What a set of connections must satisfy before it is put in place, the same for every engine."""

from collections.abc import Iterable, Sequence

from vestibule.ground.errors import Refused
from vestibule.model.connection import Connection


def check(known: Iterable[Connection], coming: Sequence[Connection]) -> None:
    """Refuses what `Configured.apply` must not put in place beside the `known` connections."""
    before = {connection.id: connection for connection in known}
    for connection in coming:
        for other in before.values():
            if other.name == connection.name and other.id != connection.id:
                raise Refused(
                    "configuration.name_taken",
                    f'A connection named "{connection.name}" exists under another id. An id never changes: '
                    "give the connection its known id, or leave the id out.",
                    want=other.id,
                    got=connection.id,
                )
    if len({connection.id for connection in coming}) != len(coming):
        raise Refused("configuration.name_taken", "Two connections have one id. Give each an id of its own.")
    after = {**before, **{connection.id: connection for connection in coming}}
    _names(after.values())
    _domains(after.values())


def _names(connections: Iterable[Connection]) -> None:
    """A name works wherever an id does, so no name or id may be another connection's name or id."""
    holder: dict[str, Connection] = {}
    for connection in connections:
        for text in {connection.id, connection.name}:
            other = holder.setdefault(text, connection)
            if other is not connection:
                raise Refused(
                    "configuration.name_taken",
                    f'"{text}" would name two connections, "{other.name}" and "{connection.name}". '
                    "A connection's name or id may not equal another's name or id: choose another.",
                    got=text,
                )


def _domains(connections: Iterable[Connection]) -> None:
    """One connection holds a verified domain: its emails are believed, and may join people."""
    holder: dict[str, Connection] = {}
    for connection in connections:
        for domain in connection.domains:
            if domain.verified and holder.setdefault(domain.name, connection) is not connection:
                raise Refused(
                    "configuration.domain_taken",
                    f'The domain "{domain.name}" would be verified for two connections, "{holder[domain.name].name}" '
                    f'and "{connection.name}". One connection holds a verified domain: take it from one of them.',
                    got=domain.name,
                )
