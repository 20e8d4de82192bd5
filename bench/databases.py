"""The PostgreSQL of a run: a server of its own, on the client's core, with its data on disk and every commit durable."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests import postgres

from bench import machine


class Missing(Exception):
    """There is no PostgreSQL on this machine; the message says what to install."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A server, its first process, the file system that holds its data, and its version."""

    server: postgres.Server
    pid: int
    file_system: str
    version: str

    def database(self) -> str:
        """The URL of a fresh database."""
        return self.server.database()


@contextmanager
def running(core: int) -> Iterator[Postgres]:
    """Raises `Missing` where none can be started."""
    if why := postgres.missing():
        raise Missing(why)
    with postgres.running(synchronous_commit="on", shared_buffers="256MB", max_wal_size="4GB") as server:
        pid = int((server.folder / "data/postmaster.pid").read_text().split()[0])
        for one in machine.family(pid):  # what it starts from now on stays with it
            with suppress(ProcessLookupError):  # or ends meanwhile
                os.sched_setaffinity(one, {core})
        version = server.sql("SHOW server_version")[0].split()[0]
        yield Postgres(server=server, pid=pid, file_system=machine.file_system(server.folder), version=version)
