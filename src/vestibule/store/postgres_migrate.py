"""Bringing a PostgreSQL database to today's shape: one transaction, one node at a time, all or nothing."""

import asyncio
from typing import Any

import psycopg

from vestibule.ground.errors import Refused
from vestibule.store.migrate import REVISIONS, serves, upgrade
from vestibule.store.port import StoreUnavailable
from vestibule.store.postgres_faults import Failed, raised
from vestibule.store.postgres_pool import Address
from vestibule.store.steps import Engine, Steps

PATIENCE = 30.0
"""Seconds that a node waits for another that is migrating, or for a table that is in use."""
_LOCK = 0x76657374
"""The advisory lock of migrations: one number for all that migrate here."""

_REVISION = "SELECT to_regclass('alembic_version')::text"
_VERSION = "SELECT version_num FROM alembic_version"
# What an extension brought is nobody's.
_OTHERS = """SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"""
_FACTS = "SELECT to_regclass('facts')::text"
_SETTINGS = """SELECT current_setting('server_encoding'), current_setting('synchronous_commit'), current_setting('fsync'),
    current_setting('default_transaction_isolation')"""


async def prepare(engine: Engine, address: Address) -> None:
    """Refuses a database that cannot keep our promises, and migrates it unless it is of today's shape already."""

    def look() -> Steps[tuple[list[str], str | None]]:
        (settings,) = yield _SETTINGS, ()
        ((table,),) = yield _REVISION, ()
        version = (yield _VERSION, ()) if table else []
        return settings, version[0][0] if version else None

    (encoding, commits, fsync, isolation), found = await engine.read(look)
    _judge(address, encoding, "off" if fsync == "off" else commits, isolation)
    if found != REVISIONS[-1]:
        await asyncio.to_thread(_migrate, address)


def _judge(address: Address, encoding: str, commits: str, isolation: str) -> None:
    if encoding != "UTF8":
        raise Refused(
            "store.encoding",
            f"The database {address} keeps text as {encoding}. Make one with: createdb --encoding UTF8 --template template0 NAME",
            want="UTF8",
            got=encoding,
        )
    if commits == "off":
        raise Refused(
            "store.not_durable",
            f"The database {address} says that something is kept before it is (synchronous_commit or fsync is off). An assertion could "
            "then be accepted twice. Switch both on; the first for our role at least: ALTER ROLE … SET synchronous_commit = on.",
            want="on",
            got=commits,
        )
    if isolation == "repeatable read":
        # Whoever waited for a lock would go on with what it saw before: two sign-ins of one identity would make two people.
        raise Refused(
            "store.isolation",
            f"The database {address} gives every transaction what it saw at its beginning (default_transaction_isolation). What may "
            "happen once could then happen twice. Set it back: ALTER DATABASE … RESET default_transaction_isolation.",
            want="read committed, or serializable",
            got=isolation,
        )


def _migrate(address: Address) -> None:
    try:
        with psycopg.connect(address.conninfo, connect_timeout=5) as connection:
            for name in ("lock_timeout", "statement_timeout"):
                connection.execute("SELECT set_config(%s, %s, true)", (name, str(int(PATIENCE * 1000))))
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            _upgrade(connection, address)
    except Exception as error:
        cause = getattr(error, "orig", error)  # SQLAlchemy wraps what the driver raises
        if not isinstance(cause, psycopg.Error):
            raise
        if cause.sqlstate is not None:
            raise raised(Failed(cause.sqlstate, cause.diag.message_primary or ""), str(address)) from error
        says = " ".join(address.safe(str(cause)).split())
        raise StoreUnavailable(f"The database {address} could not be prepared: {says}. Nothing was changed.") from None


def _upgrade(connection: "psycopg.Connection[Any]", address: Address) -> None:
    found = _found(connection)  # another node may have been first
    if found == REVISIONS[-1]:
        return
    if found not in REVISIONS:
        known = connection.execute(_FACTS).fetchone() != (None,)
        if found is not None and known:
            if serves(connection):
                return
            raise Refused(
                "store.newer",
                f"The database {address} was written by a newer Vestibule (its schema is {found}). "
                "Run that version or a later one; this one changed nothing in it.",
                want=REVISIONS[-1],
                got=found,
            )
        if found is not None or connection.execute(_OTHERS).fetchone() != (0,):
            raise Refused(
                "store.foreign",
                f"The database {address} holds tables that are not Vestibule's; nothing in it was changed. "
                "Give Vestibule a database of its own (VESTIBULE_DATABASE_URL).",
            )
    upgrade("postgresql+psycopg", connection, use_native_hstore=False)


def _found(connection: "psycopg.Connection[Any]") -> str | None:
    if connection.execute(_REVISION).fetchone() == (None,):
        return None
    row = connection.execute(_VERSION).fetchone()
    return None if row is None else str(row[0])
