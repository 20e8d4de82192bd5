"""Statements as PostgreSQL is told them: its placeholders, rows that are held, and statements that hang on the one before."""

import re
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

from vestibule.store import statements as sql
from vestibule.store.retention import RULES, Rule

_HOLDS = frozenset((sql.HOLD_PENDING, sql.HOLD_ARRIVAL_OF_CODE))
_STEP = "vestibule.step"
"""A setting of ours that lives no longer than the transaction: how far its chain of statements has come [PostgreSQL, set_config]."""

_VALUES = re.compile(r"VALUES \(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Wording:
    """A statement as it is sent, and the name under which a connection keeps it prepared.

    The name is made of the text: whoever else prepared something under it, on a connection that a pooler shares out,
    prepared this. `extra`: the last column of its rows is ours.
    """

    name: bytes
    text: bytes
    extra: bool


@cache
def worded(statement: str, after: int | None = None, tells: int | None = None) -> Wording:
    """A portable statement in PostgreSQL's words.

    With `after` it does nothing unless the chain has come as far as that; with `tells`, rows of it bring the
    chain there. So a whole chain goes over the network at once, and the server does of it what a loop here would do.
    """
    text = statement
    if after is not None:
        text = _hanging(text, f"current_setting('{_STEP}', true) = '{after}'")
    if statement in _HOLDS:
        text += " FOR UPDATE"
    if tells is not None:
        text = f"WITH it AS ({text}) SELECT it.*, set_config('{_STEP}', '{tells}', true) FROM it"  # noqa: S608 - of our own statements
    pieces = text.split("?")
    text = "".join(f"{piece}${place}" for place, piece in enumerate(pieces[:-1], 1)) + pieces[-1]
    octets = text.encode()
    return Wording(b"vestibule_" + sha256(octets).hexdigest()[:32].encode(), octets, tells is not None)


def _hanging(text: str, condition: str) -> str:
    if text.startswith("INSERT"):
        hanging, count = _VALUES.subn(rf"SELECT \1 WHERE {condition}", text, count=1)
    else:
        # The first WHERE of an UPDATE, a DELETE or a SELECT of ours is its own; what stands behind it has no OR.
        hanging, count = re.subn(r"\bWHERE\b", f"WHERE {condition} AND", text, count=1)
    if not count:
        raise ValueError(f"this statement cannot hang on another: {text}")
    return hanging


def encoded(parameters: tuple[Any, ...]) -> list[bytes | None]:
    """Parameters as text. Raises ValueError for a NUL, which no text of PostgreSQL's can hold."""
    octets: list[bytes | None] = []
    for value in parameters:
        if value is None:
            octets.append(None)
        elif isinstance(value, str):
            if "\0" in value:
                raise ValueError("text with a NUL cannot be kept")
            octets.append(value.encode())
        else:
            octets.append(b"%d" % value)
    return octets


# -- sweeping -------------------------------------------------------------------------------------------------------


def _sweep(rule: Rule, end: str) -> str:
    """Rows that a rule gives up by one of its ends, oldest first, without waiting for a row that another holds."""
    some = f"SELECT ctid FROM {rule.table} WHERE {end} <= ? ORDER BY {end} LIMIT ? FOR UPDATE SKIP LOCKED"  # noqa: S608 - names from our own table of rules
    return f"DELETE FROM {rule.table} WHERE ctid = ANY (ARRAY({some})) RETURNING 1"  # noqa: S608 - as above


SWEEP = {rule.table: tuple(_sweep(rule, end) for end in rule.ends) for rule in RULES}
