"""Fills a database as years would: one connection is applied, and its likes, people and sessions are copied in as rows."""

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import yaml

from bench import ours, server
from bench.load import Failed
from bench.responses import ENTITY_ID, SSO, IdentityProvider, attributes, email
from vestibule.assembly import open_house
from vestibule.ground.hashing import digest, keyed
from vestibule.model.authentication import Authentication, Subject
from vestibule.model.connection import Connection
from vestibule.model.identity import Identity
from vestibule.model.ids import ConnectionId, Digest, IdentityKey, PersonId, Sid
from vestibule.model.session import Session
from vestibule.policy import mapping
from vestibule.saml.names import CLASS_PASSWORD_PROTECTED, FORMAT_PERSISTENT
from vestibule.settings import process
from vestibule.store.codec import encode, micros

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much a database holds. Person number n belongs to connection number n modulo `connections`, session n to person
    n modulo `people`."""

    connections: int
    people: int
    sessions: int = 0


def name(number: int) -> str:
    """The name of a connection, which is its id too."""
    return f"company-{number}"


def entity_id(number: int) -> str:
    return f"{ENTITY_ID}/{number}"


def fill(size: Size, environment: Mapping[str, str], directory: Path, idps: tuple[IdentityProvider, ...]) -> None:
    """The connections share the keys of `idps` in turn; each has an entity id, a name and an id of its own."""
    file = directory / "filling.yaml"
    file.write_text(yaml.safe_dump(configuration(range(1), idps)))
    server.apply(directory, environment, file)
    template, pepper = asyncio.run(_first(environment))
    database = environment["VESTIBULE_DATABASE_URL"]
    now = micros(datetime.now(UTC))
    _pour(database, "connections", ("id", "name", "enabled", "doc"), _connections(size, template, idps))
    _pour(database, "people", ("id", "created_at", "blocked"), ((_person(n), now, 0) for n in range(size.people)))
    _pour(database, "identities", _IDENTITIES, _identities(size, template, pepper))
    _pour(database, "sessions", _SESSIONS, _sessions(size, template, pepper))
    _settle(database)


def configuration(numbers: Iterable[int], idps: tuple[IdentityProvider, ...]) -> dict[str, Any]:
    """The application, and the connections of these numbers, as a file has them."""
    certificates = [[idp.certificate] for idp in idps]
    return {
        "applications": [ours.application(ours.CLIENT, "RS256")],
        "connections": [
            {
                "name": name(number),
                "id": name(number),
                "idp": {
                    "entity_id": entity_id(number),
                    "sso_url": SSO,
                    "certificates": certificates[number % len(idps)],
                },
                "applications": [ours.CLIENT],
                "idp_initiated": ours.accepting(ours.CLIENT),
            }
            for number in numbers
        ],
    }


async def _first(environment: Mapping[str, str]) -> tuple[Connection, bytes]:
    """The connection that all others are like, as the product keeps it, and what identities are hashed with."""
    async with open_house(process.load(environment)) as house:
        template = await house.store.configured.connection(name(0))
        if template is None:
            raise Failed("the first connection was not applied")
        return template, house.keyring.pepper("identity")


def _connections(size: Size, template: Connection, idps: tuple[IdentityProvider, ...]) -> Iterator[Row]:
    for number in range(1, size.connections):
        connection = _like(template, number, idps)
        yield connection.id, connection.name, 1, encode(connection)


def _like(template: Connection, number: int, idps: tuple[IdentityProvider, ...]) -> Connection:
    certificate = idps[number % len(idps)].certificate
    return replace(
        template,
        id=ConnectionId(name(number)),
        name=name(number),
        display_name=name(number),
        idp=replace(template.idp, entity_id=entity_id(number), certificates=(certificate,)),
    )


# -- rows ---------------------------------------------------------------------------------------------------------------

_IDENTITIES = ("key", "person_id", "connection", "email", "email_key", "email_verified", "display", "blocked")
_SESSIONS = ("sid", "cookie", "expires_at", "idle_at", "doc")


def _person(number: int) -> str:
    return f"person-of-the-bench-{number}"


def _name_id(number: int) -> str:
    return f"person-{number:06d}"


def _key(connection: str, number: int, pepper: bytes) -> str:
    return keyed(pepper, "name_id", connection, _name_id(number), FORMAT_PERSISTENT, "", "")


def _identities(size: Size, template: Connection, pepper: bytes) -> Iterator[Row]:
    like = _identity(template, pepper)
    told = (like.key, like.email, like.email_verified, like.display)
    if told != (_key(name(0), 0, pepper), email(0), False, _name_id(0)):
        raise Failed(f"identities are kept otherwise than this fills them in: {told}")
    for number in range(size.people):
        connection, address = name(number % size.connections), email(number)
        key = _key(connection, number, pepper)
        yield key, _person(number), connection, address, address, 0, _name_id(number), 0


def _identity(template: Connection, pepper: bytes) -> Identity:
    """Person number nothing at connection number nothing, as the product makes it of their statement."""
    now = datetime.now(UTC)
    statement = Authentication(
        connection=template.id,
        issuer=entity_id(0),
        assertion_id="_0",
        subject=Subject(value=_name_id(0), format=FORMAT_PERSISTENT),
        transient=False,
        attributes=attributes(0),
        authenticated_at=now,
        context_class=CLASS_PASSWORD_PROTECTED,
        session_index="_0",
        ends_at=None,
        in_response_to=None,
        usable_until=now,
        remember_until=now,
    )
    return mapping.identify(statement, template, pepper)


def _sessions(size: Size, template: Connection, pepper: bytes) -> Iterator[Row]:
    """Live for a day: one document, with the names put in."""
    now = datetime.now(UTC)
    ends, idles = now + timedelta(hours=24), now + timedelta(hours=8)
    document = encode(
        Session(
            sid=Sid("THE-SID"),
            cookie=Digest("THE-COOKIE"),
            person=PersonId("THE-PERSON"),
            connection=template.id,
            identity=replace(_identity(template, pepper), key=IdentityKey("THE-KEY")),
            created_at=now,
            expires_at=ends,
            idle_at=idles,
        )
    )
    for number in range(size.sessions):
        sid, cookie = digest(f"sid {number}"), digest(f"cookie {number}")
        person = number % size.people
        mine = document.replace("THE-SID", sid).replace("THE-COOKIE", cookie).replace("THE-PERSON", _person(person))
        yield sid, cookie, micros(ends), micros(idles), mine.replace("THE-KEY", _key(name(0), person, pepper))


# -- engines ------------------------------------------------------------------------------------------------------------


def _pour(database: str, table: str, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    named = ", ".join(columns)
    if "://" in database:
        copying = f"COPY {table} ({named}) FROM STDIN".encode()
        with psycopg.connect(database) as connection, connection.cursor().copy(copying) as copy:
            for row in rows:
                copy.write_row(row)
        return
    places = ", ".join("?" for _ in columns)
    with closing(sqlite3.connect(database)) as file, file:
        file.execute("PRAGMA cache_size = -1000000")
        file.executemany(f"INSERT INTO {table} ({named}) VALUES ({places})", rows)


def _settle(database: str) -> None:
    """As a database is that was filled slowly: its log is in its file, its statistics are known."""
    if "://" in database:
        with psycopg.connect(database, autocommit=True) as connection:
            for table in ("connections", "people", "identities", "sessions"):
                connection.execute(f"VACUUM ANALYZE {table}".encode())
        return
    with closing(sqlite3.connect(database)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
