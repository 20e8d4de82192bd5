"""The process settings: what one Vestibule process must know before it can open its store, from the environment."""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from vestibule.ground.errors import ConfigurationRefused, Fault
from vestibule.ground.url import is_loopback, is_web_url, origin
from vestibule.settings.database import PostgresUrl, postgres_url
from vestibule.settings.master_key import decoded

PREFIX = "VESTIBULE_"
_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
"""A name, never an address: its last label begins with a letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment, read and judged. `issuer` ends with a slash. `master_key` None = kept in a file beside the database, where that is a file.

    `settings.master_key.unlock` gives the key itself, in both cases.
    """

    issuer: str
    database: Path | PostgresUrl = Path("vestibule.db")
    database_connections: int = 10
    master_key: bytes | None = field(default=None, repr=False)
    master_key_previous: bytes | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    drain_seconds: int = 0
    trusted_proxies: tuple[str, ...] = ()
    login_ttl: int = 3600
    fetch_private: bool = False
    fetch_hosts: tuple[str, ...] = ()
    events_days: int = 90
    limit_refusals: int = 60
    limit_connection_refusals: int = 300
    limit_requests: int = 3000

    @property
    def on_loopback(self) -> bool:
        """Whether this installation is reached on this machine only (its issuer is a loopback name)."""
        return is_loopback(urlsplit(self.issuer).hostname or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One environment variable: the field it fills, how it is read, and what the reference says of it."""

    name: str
    field: str
    read: Callable[[str], Any]
    kind: str
    default: str
    meaning: str


def load(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`; every fault in one refusal. An empty variable counts as absent.

    Reads no file and changes nothing.
    """
    given = {name: value for name, value in environ.items() if name.startswith(PREFIX) and value}
    faults = [_unknown(name) for name in sorted(given) if name not in _BY_NAME]
    values: dict[str, Any] = {}
    for variable in VARIABLES:
        if variable.name not in given:
            continue
        try:
            values[variable.field] = variable.read(given[variable.name])
        except ValueError as error:
            faults.append(Fault(path=variable.name, code=f"settings.{variable.field}", message=str(error)))
    if "VESTIBULE_ISSUER" not in given:
        faults.append(
            Fault(
                path="VESTIBULE_ISSUER",
                code="settings.issuer",
                message="is not set. Set it to the address at which browsers reach Vestibule, such as https://login.example/.",
            )
        )
    if faults:
        raise ConfigurationRefused(faults)
    return Settings(**values)


def _unknown(name: str) -> Fault:
    near = difflib.get_close_matches(name, _BY_NAME, n=1)
    hint = f"Did you mean {near[0]}?" if near else "Known are " + ", ".join(_BY_NAME) + "."
    return Fault(path=name, code="settings.unknown", message=f"is no setting of Vestibule. {hint}")


def _issuer(value: str) -> str:
    plain = origin(value)
    if plain is None:
        raise ValueError("is not a web address. Write it as https://login.example/.")
    if not is_web_url(value):
        raise ValueError("must be https. Plain http is allowed on loopback names only, such as http://localhost:8000/.")
    parts = urlsplit(value)
    if parts.query or parts.fragment or parts.path not in ("", "/"):
        raise ValueError("must be a host and nothing more: no path, query or fragment.")
    return f"{plain}/"


def _database(value: str) -> Path | PostgresUrl:
    scheme, separator, rest = value.partition("://")
    if not separator:
        return Path(value)
    if scheme.split("+")[0] in ("postgresql", "postgres"):
        return postgres_url(value)
    if scheme != "sqlite" or not rest.startswith("/") or "?" in rest or len(rest) < 2:
        raise ValueError(
            "is not a path, nor sqlite:///path (relative) or sqlite:////path (absolute), nor postgresql://user:password@host/database."
        )
    return Path(unquote(rest[1:]))


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and least <= int(value[:9]) <= most and len(value) < 9):
            raise ValueError(f"must be a whole number from {least} to {most}.")
        return int(value)

    return read


def _host(value: str) -> str:
    if any(character.isspace() or character == "/" for character in value):
        raise ValueError("must be an address or a host name to listen on, such as 127.0.0.1 or 0.0.0.0.")
    return value


def _networks(value: str) -> tuple[str, ...]:
    try:
        return tuple(str(ip_network(part.strip(), strict=False)) for part in value.split(",") if part.strip())
    except ValueError:
        raise ValueError(
            "must be addresses or networks of your reverse proxies, separated by commas: 10.0.0.1, 10.1.0.0/16. "
            "Their X-Forwarded-For is believed."
        ) from None


def _host_names(value: str) -> tuple[str, ...]:
    names = tuple(part.strip().lower().rstrip(".") for part in value.split(",") if part.strip())
    if not names or not all(_HOST_NAME.fullmatch(name) for name in names):
        raise ValueError(
            "must be host names, separated by commas: idp.corp.example. Exact names: no wildcards, addresses, ports or URLs."
        )
    return names


def _flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false.")
    return value == "true"


VARIABLES: tuple[Variable, ...] = (
    Variable(
        name="VESTIBULE_ISSUER",
        field="issuer",
        read=_issuer,
        kind="URL",
        default="required",
        meaning="The address at which browsers reach Vestibule: https, or http on a loopback name. It names Vestibule "
        "in tokens and in SAML and never changes. Taken from here alone, never from a request.",
    ),
    Variable(
        name="VESTIBULE_DATABASE_URL",
        field="database",
        read=_database,
        kind="path, sqlite:///path or postgresql://…",
        default="vestibule.db",
        meaning="Where everything is kept: a SQLite file for one machine, or a PostgreSQL database for any number of nodes, "
        "as `postgresql://user:password@host:port/database?sslmode=verify-full` (everything after the `?` is libpq's). A pooler "
        "in transaction mode, such as PgBouncer, may stand before it. The role must own the database or its schema: "
        "Vestibule makes its tables.",
    ),
    Variable(
        name="VESTIBULE_DATABASE_CONNECTIONS",
        field="database_connections",
        read=_number(1, 1000),
        kind="1 to 1000",
        default="10",
        meaning="How many connections to PostgreSQL each worker process opens at most. All workers of all nodes together "
        "must stay below its `max_connections`. SQLite has no use for it.",
    ),
    Variable(
        name="VESTIBULE_MASTER_KEY",
        field="master_key",
        read=decoded,
        kind="base64 of 32 bytes",
        default="a file",
        meaning="Seals signing keys at rest. With PostgreSQL it must be set, to the same key on every node. Without it, "
        "beside a SQLite file, a key is made once, in a file of its own (`vestibule.db.key`, readable by its owner alone). Back it up too, apart from the database: without the "
        "key, what is sealed there cannot be opened; with both, anybody can open it.",
    ),
    Variable(
        name="VESTIBULE_MASTER_KEY_PREVIOUS",
        field="master_key_previous",
        read=decoded,
        kind="base64 of 32 bytes",
        default="none",
        meaning="The former master key, while it is being replaced: start every node with the new key in "
        "`VESTIBULE_MASTER_KEY` and the former one here, run `vestibule keys reseal` once, then start them without this. A "
        "key that is kept in a file is replaced by `vestibule keys reseal` alone.",
    ),
    Variable(
        name="VESTIBULE_HOST",
        field="host",
        read=_host,
        kind="address",
        default="127.0.0.1",
        meaning="The address to listen on.",
    ),
    Variable(
        name="VESTIBULE_PORT",
        field="port",
        read=_number(1, 65535),
        kind="1 to 65535",
        default="8000",
        meaning="The port to listen on.",
    ),
    Variable(
        name="VESTIBULE_WORKERS",
        field="workers",
        read=_number(1, 64),
        kind="1 to 64",
        default="1",
        meaning="How many processes serve.",
    ),
    Variable(
        name="VESTIBULE_DRAIN_SECONDS",
        field="drain_seconds",
        read=_number(0, 300),
        kind="0 to 300 seconds",
        default="0",
        meaning="How long requests are still taken after SIGTERM, while `/readyz` answers 503 and every connection is "
        "closed after its answer. Set it where a load balancer asks `/readyz`: to the time that it takes to notice. Whatever "
        "this is, what has arrived is answered (within 20 seconds) before the process ends.",
    ),
    Variable(
        name="VESTIBULE_TRUSTED_PROXIES",
        field="trusted_proxies",
        read=_networks,
        kind="addresses and networks",
        default="none",
        meaning="The reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, separated by commas. The "
        "last address in that chain that is no proxy is the client's. Name the proxies alone: a client whose own address is "
        "among these writes whatever address it likes.",
    ),
    Variable(
        name="VESTIBULE_LOGIN_TTL",
        field="login_ttl",
        read=_number(60, 86400),
        kind="60 to 86400 seconds",
        default="3600",
        meaning="How long a login that was sent to an identity provider waits for its answer.",
    ),
    Variable(
        name="VESTIBULE_FETCH_PRIVATE",
        field="fetch_private",
        read=_flag,
        kind="true or false",
        default="false",
        meaning="Whether metadata may be fetched from private networks and this machine. *Risk:* whoever may set a "
        "`metadata_url` can then make Vestibule send requests into your network. Link-local addresses stay closed. This machine is "
        "open anyway where the issuer is a loopback name. `VESTIBULE_FETCH_HOSTS` opens less.",
    ),
    Variable(
        name="VESTIBULE_FETCH_HOSTS",
        field="fetch_hosts",
        read=_host_names,
        kind="host names",
        default="none",
        meaning="Hosts that metadata may be fetched from although their names lead into private networks: exact names, "
        "separated by commas, such as `idp.corp.example`. *Risk:* whoever may set a `metadata_url`, or answers for these "
        "names in DNS, can make Vestibule send requests to any private address under them. Link-local addresses, this "
        "machine and the metadata services of clouds stay closed.",
    ),
    Variable(
        name="VESTIBULE_EVENTS_DAYS",
        field="events_days",
        read=_number(1, 3650),
        kind="1 to 3650 days",
        default="90",
        meaning="How long the record of what happened is kept: sign-ins, refusals, changes. It is most of what a sign-in "
        "leaves in the database, some 2 kB. `vestibule trace` and `vestibule inspect` know nothing older.",
    ),
    Variable(
        name="VESTIBULE_LIMIT_REFUSALS",
        field="limit_refusals",
        read=_number(0, 1_000_000),
        kind="a minute; 0 = no limit",
        default="60",
        meaning="How many requests of one client address (of an IPv6 /64) may be refused: so many at once, and so many a "
        "minute. Beyond that it is answered with 429, unread. People's doors count together, `/oauth/token` "
        "and `/oauth/revoke` each by itself, and so does `/userinfo`, with ten times as many. Counted in each worker process by itself. Behind a reverse proxy, "
        "set `VESTIBULE_TRUSTED_PROXIES`: else everybody has the proxy's address.",
    ),
    Variable(
        name="VESTIBULE_LIMIT_CONNECTION_REFUSALS",
        field="limit_connection_refusals",
        read=_number(0, 1_000_000),
        kind="a minute; 0 = no limit",
        default="300",
        meaning="How many SAML posts to one connection may be refused, from all addresses together. Beyond that, addresses "
        "of which more than five were refused lately are answered with 429; all others are judged as ever.",
    ),
    Variable(
        name="VESTIBULE_LIMIT_REQUESTS",
        field="limit_requests",
        read=_number(0, 1_000_000),
        kind="a minute; 0 = no limit",
        default="3000",
        meaning="How many requests of one client address people's doors take, whatever comes of them: so many at once, and "
        "so many a minute. A whole company may sit behind one address. Machines' doors have no such limit.",
    ),
)
"""Every variable there is; the reference is made from this table."""

_BY_NAME = {variable.name: variable for variable in VARIABLES}
