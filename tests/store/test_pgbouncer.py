"""Every promise of the port holds behind a pooler that gives each transaction another connection."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from tests.postgres import PASSWORD, QUOTED_PASSWORD, ROLE, USER, Server, free_port
from tests.store import nouns
from tests.store.contract import StoreContract
from tests.store.promises import Engine, promise

from vestibule.store.port import Store
from vestibule.store.postgres import PostgresStore
from vestibule.store.schema import tables

SERVERS = 3
"""Connections to the server, which all connections to the pooler share: fewer than any engine opens."""


@pytest.fixture(scope="module")
def pooler(postgres: Server) -> Iterator[int]:
    """The port of PgBouncer in transaction mode, with nothing set for our sake."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is missing: the Debian package pgbouncer (tests/peers/install.sh)")
    folder, port = Path(tempfile.mkdtemp(prefix="vestibule-pgbouncer-", dir="/tmp")), free_port()
    (folder / "users").write_text(f'"{ROLE}" "{PASSWORD}"\n', encoding="utf-8")
    (folder / "ini").write_text(
        f"""
        [databases]
        * = host=127.0.0.1 port={postgres.port}
        [pgbouncer]
        pool_mode = transaction
        default_pool_size = {SERVERS}
        listen_addr = 127.0.0.1
        listen_port = {port}
        unix_socket_dir =
        auth_type = scram-sha-256
        auth_file = {folder}/users
        """.replace("\n        ", "\n"),
        encoding="utf-8",
    )
    as_nobody: dict[str, Any] = {}
    if os.geteuid() == 0:
        owner = pwd.getpwnam(USER)
        for path in (folder, folder / "users", folder / "ini"):
            os.chown(path, owner.pw_uid, owner.pw_gid)
        as_nobody = {"user": USER, "group": USER, "extra_groups": []}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, str(folder / "ini")], cwd="/", stdout=log, stderr=log, **as_nobody)
    try:
        deadline = time.monotonic() + 30
        while not _listening(port):
            late = process.poll() is not None or time.monotonic() > deadline
            assert not late, (folder / "log").read_text(encoding="utf-8")
            time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def shared(postgres: Server, migrated: str) -> Iterator["psycopg.Connection[Any]"]:
    url = postgres.database(template=migrated)
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection
    postgres.drop(url)


class TestBehindPgBouncer(StoreContract):
    @pytest.fixture
    def engine(self, pooler: int, shared: "psycopg.Connection[Any]") -> Engine:
        for table in reversed(tables.sorted_tables):
            shared.execute(SQL("DELETE FROM {}").format(Identifier(table.name)))
        url = f"postgresql://{ROLE}:{QUOTED_PASSWORD}@127.0.0.1:{pooler}/{shared.info.dbname}"
        return lambda: PostgresStore(url)

    @promise
    async def test_a_pooler_that_loses_what_was_prepared_is_noticed_once(self, store: Store) -> None:
        """However many connections and statements there are, everything is answered; whether it prepares or not is the pooler's."""
        for number in range(20):
            await store.keep(nouns.session(str(number)))
            assert await store.keys.all() == ()
        await store.ready()
