"""What PostgreSQL is asked to write for a login of each kind: transactions, records and octets of its log, octets of tables and indexes."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.postgres import Server

from bench import cells, databases, machine, ours
from bench.cells import CROWD
from bench.load import Failed
from bench.responses import IdentityProvider
from bench.rounds import people

PART = 1000
"""So many logins are prepared at a time."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """For one login of a kind, on the average of all that were measured."""

    kind: str
    logins: int
    transactions: float
    records: float
    wal_bytes: float
    full_page_bytes: float
    """Of the log: whole pages, which are written at the first change after a checkpoint."""
    table_bytes: float
    index_bytes: float
    database_cpu_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    transactions: int
    records: int
    bytes: int
    full_pages: int
    tables: int
    indexes: int


def run(directory: Path, count: int, tell: Tell) -> tuple[Written, ...]:
    """`count` logins of each kind, each on a database of its own. Raises `Failed` where there is no PostgreSQL."""
    cores, idp = machine.cores(), IdentityProvider()
    found: list[Written] = []
    with machine.on_core(cores.client):
        try:
            for name in (kind.name for kind in ours.on_sqlite(directory, idp).kinds):
                with databases.running(cores.client) as postgres:
                    found.append(_kind(directory, idp, postgres, name, count, cores.server))
                tell(f"{name}: {found[-1].wal_bytes:.0f} octets of log a login")
        except databases.Missing as why:
            raise Failed(str(why)) from None
    return tuple(found)


def _kind(
    directory: Path, idp: IdentityProvider, postgres: databases.Postgres, name: str, count: int, core: int
) -> Written:
    url = postgres.database()
    subject = ours.on_postgres(directory, idp, url, postgres.pid)
    kind = next(one for one in subject.kinds if one.name == name)
    numbers = people()
    with subject.serve(core) as up:
        cells.measure(subject, up, kind, CROWD, kind.warm, numbers)
    before = _state(postgres.server, url)
    cpu = 0.0
    with subject.serve(core) as up:
        for _ in range(count // PART):
            cpu += (cells.measure(subject, up, kind, CROWD, PART, numbers).database_cpu_ms or 0.0) * PART
    after = _state(postgres.server, url)
    logins = count // PART * PART
    return Written(
        kind=name,
        logins=logins,
        transactions=(after.transactions - before.transactions) / logins,
        records=(after.records - before.records) / logins,
        wal_bytes=(after.bytes - before.bytes) / logins,
        full_page_bytes=(after.full_pages - before.full_pages) * 8192 / logins,
        table_bytes=(after.tables - before.tables) / logins,
        index_bytes=(after.indexes - before.indexes) / logins,
        database_cpu_ms=cpu / logins,
    )


def _state(server: Server, url: str) -> _State:
    """What the server has counted. Vestibule has ended by then: whatever its connections did is in the counts."""
    name = url.rpartition("/")[2].partition("?")[0]
    (row,) = server.sql(
        "SELECT sum(xact_commit + xact_rollback)::bigint || ' ' || (SELECT wal_records || ' ' || wal_bytes || ' ' || wal_fpi "
        f"FROM pg_stat_wal) FROM pg_stat_database WHERE datname = '{name}'"
    )
    (sizes,) = server.sql(
        "SELECT sum(pg_table_size(oid))::bigint || ' ' || sum(pg_indexes_size(oid))::bigint FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
        database=name,
    )
    transactions, records, octets, pages = map(int, row.split())
    tables, indexes = map(int, sizes.split())
    return _State(
        transactions=transactions, records=records, bytes=octets, full_pages=pages, tables=tables, indexes=indexes
    )


def table(found: Sequence[Written]) -> str:
    """The run as text."""
    lines = [
        f"PostgreSQL, for one login ({CROWD} at once; {found[0].logins:,} of each kind, none swept)",
        f"{'':<22} {'transactions':>12} {'log records':>11} {'log bytes':>10} {'of it pages':>11} {'tables':>8} {'indexes':>8} {'CPU ms':>7}",
    ]
    lines.extend(
        f"{one.kind:<22} {one.transactions:>12.2f} {one.records:>11.1f} {one.wal_bytes:>10,.0f} {one.full_page_bytes:>11,.0f} "
        f"{one.table_bytes:>8,.0f} {one.index_bytes:>8,.0f} {one.database_cpu_ms:>7.2f}"
        for one in found
    )
    lines.append(
        "Transactions: all that PostgreSQL counts, reads among them. Log bytes: of its write-ahead log, the whole pages after a checkpoint among them."
    )
    return "\n".join(lines)


def as_json(found: Sequence[Written]) -> str:
    return json.dumps([asdict(one) for one in found], indent=2) + "\n"
