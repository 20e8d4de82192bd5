"""What PostgreSQL's refusals mean for whoever keeps Vestibule running, and the errors by which a connection ends."""

from psycopg import errors

from vestibule.store.faults import AlreadyKept
from vestibule.store.port import StoreUnavailable

UNIQUE = "23505"
CANCELLED = "57014"
AGAIN = frozenset(("40001", "40P01"))
"""Serialization failure, deadlock: nothing was changed, and the same may be tried again [PostgreSQL, Error Codes]."""
ELSEWHERE = "25006"
"""It takes no writes. After a failover the address may lead to one that does."""
STALE = frozenset(("26000", "42P05", "0A000"))
"""What was prepared is not there, is there already, or belongs to tables of another shape."""

# What the server says of itself, by class or by code, never of our statements [PostgreSQL, Error Codes].
_MEANINGS = {
    "08": "the connection to it failed",
    ELSEWHERE: "it takes no writes: it is a standby, or its transactions are read-only by default. Name the primary",
    "25P03": "a transaction waited for us for too long, and it was ended",
    "28": "it refuses our user or password",
    "3D000": "there is no such database. Make it with createdb",
    "40": "others wrote the same rows at the same time, again and again",
    "42501": "our user may not do that. Make it the owner of the database or of its schema",
    "42P01": "tables of it are missing. Start Vestibule again, and they are made; or restore a copy",
    "53100": "its disk is full",
    "53200": "it is out of memory",
    "53300": "it has no connection left for us. Raise its max_connections, or lower VESTIBULE_DATABASE_CONNECTIONS",
    "53": "it lacks resources",
    "54000": "a limit of it was passed",
    "55P03": "a lock of it was not to be had",
    CANCELLED: "the statement took too long and was cancelled",
    "57P03": "it is starting up or shutting down",
    "57": "it was shut down, or an operator ended the connection",
    "58": "its machine failed it: reading or writing its disk, most likely",
    "F0": "its own files are wrong",
    "XX": "its contents are damaged, or it failed within: its log says more",
}

# While a connection is made there is no code, only text: enough of it to say what to do. Another language than English
# is passed on as it is.
_AT_THE_DOOR = (
    ("password authentication failed", "28"),
    ("no password supplied", "28"),
    ("no pg_hba.conf entry", "28"),
    ("role ", "28"),
    ("permission denied for database", "28"),
    ("SASL authentication failed", "28"),
    ("does not support SSL", "08P01"),
    ("invalid sslmode", "08P01"),
    ("no such database", "3D000"),
    ("is not currently accepting connections", "55000"),
    ("does not exist", "3D000"),
    ("too many clients", "53300"),
    ("connection slots are reserved", "53300"),
    ("too many connections", "53300"),
    ("no more connections allowed", "53300"),
    ("is starting up", "57P03"),
    ("is shutting down", "57P03"),
    ("in recovery mode", "57P03"),
)


class Failed(Exception):
    """A statement was refused by the server, by `code`; its transaction is over, and nothing of it was kept."""

    def __init__(self, code: str, says: str) -> None:
        super().__init__(code, says)
        self.code, self.says = code, says


class Lost(Exception):
    """The connection ended before its answer came. What was sent may have been done, or not."""


class Full(Exception):
    """The server has no connection left for us."""


def meaning(code: str) -> str | None:
    """What this code says of the server; None where it says something of our statement."""
    return _MEANINGS.get(code) or _MEANINGS.get(code[:2])


def of_door(says: str) -> str | None:
    """The code behind a text (its words one space apart) with which a connection was refused, where it is one that we know."""
    for text, code in _AT_THE_DOOR:
        if f"FATAL: {text}" in says or (" " in text.strip() and text in says):
            return code
    return None


def raised(failed: Failed, where: str) -> Exception:
    """What the caller is told of a refused statement: that the store cannot answer, or the error itself where it is a bug of ours."""
    if failed.code == UNIQUE:
        return AlreadyKept(failed.says)
    means = meaning(failed.code)
    if means is None:
        return error_of(failed)
    return StoreUnavailable(
        f"The database {where} cannot be used now: {means} ({failed.code}: {failed.says}). Nothing was changed."
    )


def error_of(failed: Failed) -> Exception:
    """The driver's own error for a code."""
    try:
        kind = errors.lookup(failed.code)
    except KeyError:
        kind = errors.DatabaseError
    return kind(f"{failed.code}: {failed.says}")
