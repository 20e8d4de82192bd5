"""Asks a database directly, past Vestibule: one statement, one value."""

import sqlite3
from contextlib import closing

import psycopg


def value(database: str, statement: str) -> object:
    """The first column of the first row; None where there is none. `database` as in VESTIBULE_DATABASE_URL."""
    if "://" in database:
        with psycopg.connect(database) as connection:
            row = connection.execute(statement.encode()).fetchone()
    else:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as file:
            row = file.execute(statement).fetchone()
    return None if row is None else row[0]
