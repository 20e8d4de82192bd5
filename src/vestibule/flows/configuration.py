"""Applying a configuration file: all of it or nothing, judged together with what is in place already, and audited."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from vestibule.flows import configuration_values as values
from vestibule.flows import identity_provider, own_requests
from vestibule.flows.record import new_reference
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import ConfigurationRefused, Fault
from vestibule.ground.fetch import Fetch
from vestibule.ground.hashing import digest
from vestibule.model.application import Application, ClientAuth
from vestibule.model.connection import Connection
from vestibule.model.event import Event
from vestibule.model.ids import ClientId, ConnectionId, Digest
from vestibule.model.installation import Installation
from vestibule.policy import consistency
from vestibule.settings import reading
from vestibule.settings.document import ApplicationPart, ConnectionPart, Document
from vestibule.store.port import Store

Noun = TypeVar("Noun", Application, Connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an application of a file came to. `secrets` are the generated ones: shown now, and never again.

    The names are "installation", "application CLIENT_ID" and "connection NAME". `risks` are the weaker choices that the
    file makes, changed or not.
    """

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    secrets: dict[ClientId, str] = field(default_factory=dict, repr=False)
    risks: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    """Settings that this version takes and does nothing with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is in place before."""

    installation: Installation
    applications: dict[str, Application]
    connections: dict[str, Connection]
    connections_by_id: dict[str, Connection]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coming:
    """What the file puts in place."""

    installation: Installation
    applications: tuple[Application, ...]
    connections: tuple[Connection, ...]
    secrets: dict[ClientId, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuring:
    """Applies configuration files to the store."""

    store: Store
    clock: Clock
    entropy: Entropy
    fetch: Fetch
    issuer: str

    async def apply(self, document: Document, base: Path, *, dry_run: bool = False) -> Applied:
        """Puts in place what the document names; what it does not name stays as it is.

        `base` is the directory that paths in the document start from. Names and ids never change. Raises
        `ConfigurationRefused` with every fault, and then nothing was applied. With `dry_run` nothing is applied either.
        """
        known = await self._known()
        coming = await self._coming(document, base, known)
        faults = self._contradictions(document, coming, known)
        if faults:
            raise ConfigurationRefused(faults)
        applied = _compared(document, coming, known)
        if not dry_run and (applied.created or applied.changed):
            await self.store.configured.apply(
                installation=coming.installation,
                applications=coming.applications,
                connections=coming.connections,
                events=self._events(applied, coming, known),
            )
        return applied

    async def _known(self) -> _Known:
        configured = self.store.configured
        connections = await configured.connections()
        return _Known(
            installation=await configured.installation(),
            applications={application.client_id: application for application in await configured.applications()},
            connections={connection.name: connection for connection in connections},
            connections_by_id={connection.id: connection for connection in connections},
        )

    async def _coming(self, document: Document, base: Path, known: _Known) -> _Coming:
        """The document as our nouns. Faults of all its parts are collected before any is raised."""
        faults: list[Fault] = []
        applications: list[Application] = []
        connections: list[Connection] = []
        secrets: dict[ClientId, str] = {}
        for index, application in enumerate(document.applications):
            try:
                applications.append(self._application(application, f"applications[{index}]", known, secrets))
            except ConfigurationRefused as refused:
                faults.extend(refused.faults)
        for index, connection in enumerate(document.connections):
            try:
                connections.append(await self._connection(connection, f"connections[{index}]", base, known))
            except ConfigurationRefused as refused:
                faults.extend(refused.faults)
        if faults:
            raise ConfigurationRefused(faults)
        return _Coming(
            installation=values.installation(document, known.installation),
            applications=tuple(applications),
            connections=tuple(connections),
            secrets=secrets,
        )

    def _application(
        self, part: ApplicationPart, path: str, known: _Known, secrets: dict[ClientId, str]
    ) -> Application:
        """The application with its secret's digest: of the given secret, of the one it has, or of a new one."""
        if values.client_auth(part) is ClientAuth.NONE:
            if part.client_secret is not None:
                message = (
                    "is given, but the application does not authenticate. Remove it, or change the type or method."
                )
                raise ConfigurationRefused(
                    [Fault(path=f"{path}.client_secret", code="configuration.secret_unused", message=message)]
                )
            return values.application(part, ())
        if part.client_secret is not None:
            return values.application(part, (Digest(digest(part.client_secret)),))
        before = known.applications.get(part.client_id)
        if before is not None and before.secret_digests:
            return values.application(part, before.secret_digests)
        secret = self.entropy.token(32)
        secrets[ClientId(part.client_id)] = secret
        return values.application(part, (Digest(digest(secret)),))

    async def _connection(self, part: ConnectionPart, path: str, base: Path, known: _Known) -> Connection:
        same_name = known.connections.get(part.name)
        same_id = None if part.id is None else known.connections_by_id.get(part.id)
        faults: list[Fault] = []
        if same_id is not None and same_id.name != part.name:
            message = f"never changes: the connection with this id is named {same_id.name}."
            faults.append(Fault(path=f"{path}.name", code="configuration.name_changed", message=message))
        if same_name is not None and part.id is not None and same_name.id != part.id:
            message = f"never changes: the connection of this name has the id {same_name.id}. Leave out `id`."
            faults.append(Fault(path=f"{path}.id", code="configuration.id_changed", message=message))
        try:
            given = identity_provider.Given(part=part.idp, path=f"{path}.idp", base=base)
            idp = await identity_provider.known(given, self.fetch, self.clock.now())
            id = part.id or (same_name.id if same_name else f"con_{self.entropy.token(12)}")
            connection = values.connection(part, ConnectionId(id), idp, path)
        except ConfigurationRefused as refused:
            raise ConfigurationRefused([*faults, *refused.faults]) from None
        if faults:
            raise ConfigurationRefused(faults)
        return connection

    def _contradictions(self, document: Document, coming: _Coming, known: _Known) -> list[Fault]:
        """What does not fit together, in the file and with what is in place."""
        applications: dict[str, Application] = dict(known.applications)
        applications.update({application.client_id: application for application in coming.applications})
        connections = dict(known.connections)
        connections.update({connection.name: connection for connection in coming.connections})
        faults = consistency.faults(coming.installation, tuple(applications.values()), tuple(connections.values()))
        if not faults:
            faults = tuple(
                fault for connection in coming.connections for fault in own_requests.faults(connection, applications)
            )
        return [_in_file(fault, document) for fault in faults]

    def _events(self, applied: Applied, coming: _Coming, known: _Known) -> Sequence[Event]:
        """One event for the file; one for each domain newly vouched for, and one for each risk that it accepts."""
        plain = Event(
            id=self.entropy.token(16),
            at=self.clock.now(),
            kind="configuration.applied",
            reference=new_reference(self.entropy),
            detail={"created": ", ".join(applied.created), "changed": ", ".join(applied.changed)},
        )
        vouched = [
            (connection, domain.name)
            for connection in coming.connections
            for domain in connection.domains
            if domain.verified and domain not in _domains_before(connection, known)
        ]
        return (
            plain,
            *(
                self._beside(plain, "configuration.domain_verified", {"domain": name}, connection.id)
                for connection, name in vouched
            ),
            *(self._beside(plain, "configuration.risk_accepted", {"risk": risk}) for risk in applied.risks),
        )

    def _beside(self, plain: Event, kind: str, detail: dict[str, str], connection: ConnectionId | None = None) -> Event:
        return replace(plain, id=self.entropy.token(16), kind=kind, detail=detail, connection=connection)


def _domains_before(connection: Connection, known: _Known) -> Sequence[object]:
    before = known.connections.get(connection.name)
    return () if before is None else before.domains


def _compared(document: Document, coming: _Coming, known: _Known) -> Applied:
    created: list[str] = []
    changed: list[str] = []
    unchanged: list[str] = []
    if document.branding is not None or document.confirm_identity_switch is not None:
        (unchanged if coming.installation == known.installation else changed).append("installation")
    for application in coming.applications:
        _sort(f"application {application.client_id}", application, known.applications, created, changed, unchanged)
    for connection in coming.connections:
        _sort(f"connection {connection.name}", connection, known.connections, created, changed, unchanged)
    return Applied(
        created=tuple(created),
        changed=tuple(changed),
        unchanged=tuple(unchanged),
        secrets=coming.secrets,
        idle=tuple(_idle(coming)),
        risks=tuple(f"{_named(risk.path, document)}: {risk.message}" for risk in reading.risks(document)),
    )


def _sort(
    name: str, noun: Noun, known: dict[str, Noun], created: list[str], changed: list[str], unchanged: list[str]
) -> None:
    before = known.get(name.partition(" ")[2])
    (created if before is None else unchanged if before == noun else changed).append(name)


def _idle(coming: _Coming) -> Iterator[str]:
    """What the file sets that has no effect in this version: silence would be taken for consent."""
    for application in coming.applications:
        if application.publish_connections:
            yield f"applications.{application.client_id}.publish_connections"
    for connection in coming.connections:
        if connection.debug_until is not None:
            yield f"connections.{connection.name}.debug_until"


def _in_file(fault: Fault, document: Document) -> Fault:
    """A fault in a path by names (`connections.acme.idp`) as a path in the file (`connections[0].idp`)."""
    places = [(f"connections.{part.name}", f"connections[{index}]") for index, part in enumerate(document.connections)]
    places += [
        (f"applications.{part.client_id}", f"applications[{index}]") for index, part in enumerate(document.applications)
    ]
    for named, place in sorted(places, key=lambda pair: len(pair[0]), reverse=True):
        if fault.path == named or fault.path.startswith((f"{named}.", f"{named}[")):
            return replace(fault, path=place + fault.path[len(named) :])
    if fault.path.startswith(("connections.", "applications.")):
        return replace(fault, message=f"{fault.message} (This is in place already and not in this file.)")
    return fault


def _named(path: str, document: Document) -> str:
    """A path in the file as one by names, which is how operators know their things."""
    match = re.match(r"(connections|applications)\[(\d+)\]", path)
    if match is None:
        return path
    index = int(match[2])
    name = document.connections[index].name if match[1] == "connections" else document.applications[index].client_id
    return f"{match[1]}.{name}{path[match.end() :]}"
