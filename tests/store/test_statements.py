"""The SQL text is portable, and every lookup has its index."""

import sqlite3
from pathlib import Path

import pytest

from vestibule.store import statements
from vestibule.store.files import connect, create
from vestibule.store.migrate import migrate

TEXTS = {name: text for name, text in vars(statements).items() if name.isupper() and isinstance(text, str)}
TEXTS |= {f"sweep {table}": text for table, text in statements.SWEEP.items()}

# Read whole, on purpose: operators' lists, which are short; and events, by the order of their index.
WHOLE = {"CONNECTIONS", "APPLICATIONS", "EVENTS"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    path = Path(tmp_path_factory.mktemp("statements")) / "vestibule.db"
    create(path)
    connection = connect(path, reader=False)
    migrate(connection, path)
    return connection


@pytest.mark.parametrize("name", TEXTS)
def test_placeholders_can_be_rewritten(name: str) -> None:
    """Every `?` is a placeholder and no `%` is there, so that an engine can put its own style in place of them."""
    pieces = TEXTS[name].split("'")
    assert len(pieces) % 2 == 1
    assert not any("?" in literal for literal in pieces[1::2])
    assert "%" not in TEXTS[name]


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_is_searched_row_by_row(database: sqlite3.Connection, name: str) -> None:
    """Every statement finds its rows by an index, whatever the number of rows beside them."""
    parameters = (None,) * TEXTS[name].count("?")
    plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {TEXTS[name]}", parameters)]
    scans = [line for line in plan if line.startswith("SCAN") and "CONSTANT ROW" not in line]
    assert bool(scans) == (name in WHOLE), plan


def test_events_are_read_in_the_order_of_their_index(database: sqlite3.Connection) -> None:
    """The latest events are found without sorting all that there are, of every kind, of one, and of a connection."""
    for name in ("EVENTS", "EVENTS_OF_KIND", "EVENTS_OF_CONNECTION"):
        plan = [
            row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {TEXTS[name]}", (None,) * TEXTS[name].count("?"))
        ]
        assert not any("TEMP B-TREE" in line for line in plan), plan
