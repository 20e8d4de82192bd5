"""A real PostgreSQL server for tests: made by initdb in a directory of its own, started and hurt by signals.

    with running() as server:
        url = server.database()      # a fresh, empty database, owned by the role that the URL names
        server.restart()

It keeps its promises as a server in earnest does (`fsync` is on), sorts text by a language's rules and not bytewise, so
that whoever relies on bytes has to say so, and lets nobody in over TCP without a password.
"""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROLE, PASSWORD = "vestibule", "correct horse/battery@staple"
QUOTED_PASSWORD = "correct%20horse%2Fbattery%40staple"
DEBIAN = Path("/usr/lib/postgresql")
USER = "postgres"
"""Whom the server runs as where we are root, which it refuses to be; Debian's package makes this user."""


def binaries() -> Path | None:
    """Where initdb and postgres are: Debian's newest version, else what the path has."""
    versions = [
        folder for folder in DEBIAN.glob("*/bin") if (folder / "initdb").exists() and (folder / "postgres").exists()
    ]
    if versions:
        return max(versions, key=lambda folder: float(folder.parent.name))
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def missing() -> str | None:
    """Why no server can be started on this machine; None if one can."""
    if binaries() is None:
        return "PostgreSQL is missing: the Debian package postgresql (tests/peers/install.sh)"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(USER)
        except KeyError:
            return f"PostgreSQL does not run as root, and there is no user {USER}: tests/peers/install.sh"
    return None


class Server:
    """One server on a free port of 127.0.0.1 and on a Unix socket in `folder`."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        bin = binaries()
        assert bin is not None, missing()
        self.folder, self.port, self._bin = folder, free_port(), bin
        self._data = folder / "data"
        self._numbers = itertools.count(1)
        self._pids: tuple[int, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            os.chown(folder, pwd.getpwnam(USER).pw_uid, pwd.getpwnam(USER).pw_gid)
        self._make(settings)

    def _make(self, settings: Mapping[str, str]) -> None:
        self._command(
            "initdb", "--pgdata", str(self._data), "--username", USER, "--no-sync", "--encoding", "UTF8",
            "--locale-provider", "icu", "--icu-locale", "en-US", "--locale", "C.UTF-8",
            "--auth-local", "trust", "--auth-host", "scram-sha-256",
        )  # fmt: skip
        ours = {
            "fsync": "on",
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "shared_buffers": "64MB",
            "max_connections": "100",
        }
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in {**ours, **settings}.items())

    def _as_owner(self) -> dict[str, Any]:
        return {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}

    def _command(self, program: str, *arguments: str, patience: float = 120) -> str:
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=patience,
            **self._as_owner(),
        )
        assert done.returncode == 0, f"{program} failed: {done.stderr}{done.stdout}\n{self.log()[-2000:]}"
        return done.stdout

    # -- asking ---------------------------------------------------------------------------------------------------

    def sql(self, text: str, *, database: str = "postgres", patience: float = 120) -> list[str]:
        """Runs a statement as the server's owner; its rows, columns parted by `|`."""
        out = self._command(
            "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder), "-p", str(self.port),
            "-U", USER, "-d", database, "-c", text,
            patience=patience,
        )  # fmt: skip
        return out.splitlines()

    def database(self, *, template: str = "template0") -> str:
        """The URL of a fresh database: empty, or a copy of the database `template`, which nobody may be using."""
        name = f"test{next(self._numbers)}"
        self.sql(f'CREATE DATABASE "{name}" OWNER "{ROLE}" TEMPLATE "{template}"')
        return self.url(name)

    def url(self, database: str) -> str:
        """For VESTIBULE_DATABASE_URL: over TCP, with the password."""
        return f"postgresql://{ROLE}:{QUOTED_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def drop(self, url: str) -> None:
        """Drops the database of a URL, whoever is using it."""
        self.sql(f'DROP DATABASE IF EXISTS "{name_of(url)}" WITH (FORCE)')

    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    # -- coming and going -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Returns when it answers. After a kill it recovers first."""
        # A child of ours and not pg_ctl's, so that nothing remains of it that looks alive once it was killed.
        with (self.folder / "log").open("a", encoding="utf-8") as log:
            command = [str(self._bin / "postgres"), "-D", str(self._data)]
            self._process = subprocess.Popen(
                command,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_owner(),
            )
        deadline = time.monotonic() + 60
        while not self._answers():
            late = not self.running() or time.monotonic() > deadline
            assert not late, f"PostgreSQL did not start:\n{self.log()[-2000:]}"
            time.sleep(0.02)

    def _answers(self) -> bool:
        command = [str(self._bin / "pg_isready"), "-q", "-h", str(self.folder), "-p", str(self.port), "-U", USER]
        return subprocess.run(command, check=False, timeout=60).returncode == 0

    def stop(self, *, how: str = "fast") -> None:
        """`smart` waits for clients to leave, `fast` sends them away, `immediate` is a crash that tells them so."""
        self.resume()
        if self._process is not None:
            self._process.send_signal(_STOPS[how])
            self._process.wait(60)

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        """kill -9 for every process of it at once, as a power cut would. Returns when all are gone."""
        pids = self._processes()
        self._pids = ()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(60)
        deadline = time.monotonic() + 60
        while any(_alive(pid) for pid in pids):
            assert time.monotonic() < deadline, "killed processes do not go"
            time.sleep(0.01)

    def pause(self) -> None:
        """Stops every process of it in its tracks: connections stay open, and nothing answers."""
        self._pids = self._processes()
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        pids, self._pids = self._pids, ()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def configure(self, **settings: str | None) -> None:
        """Sets (None: resets) what takes effect without a restart, and waits until it has."""
        for name, value in settings.items():
            self.sql(f"ALTER SYSTEM RESET {name}" if value is None else f"ALTER SYSTEM SET {name} = '{value}'")
        before = self.sql("SELECT pg_conf_load_time()")
        self.sql("SELECT pg_reload_conf()")
        while self.sql("SELECT pg_conf_load_time()") == before:
            time.sleep(0.01)

    def _processes(self) -> tuple[int, ...]:
        """The first process and all that it started."""
        if self._process is None or self._process.poll() is not None:
            return ()
        first = self._process.pid
        return (first, *(pid for pid in _pids() if _parent(pid) == first))


_STOPS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
"""[PostgreSQL, Shutting Down the Server]"""


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _fields(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return []


def _parent(pid: int) -> int:
    fields = _fields(pid)
    return int(fields[1]) if fields else 0


def _alive(pid: int) -> bool:
    fields = _fields(pid) if pid else []
    return bool(fields) and fields[0] not in "ZX"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def name_of(url: str) -> str:
    """The database of a URL."""
    return url.rpartition("/")[2].partition("?")[0]


@contextlib.contextmanager
def running(**settings: str) -> Iterator[Server]:
    """A server of its own, with these settings, for as long as the block lasts; nothing of it is left behind."""
    # Below /tmp, as a socket's path may be no longer than 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="vestibule-postgres-", dir="/tmp"))
    server: Server | None = None
    try:
        server = Server(folder, settings)
        server.start()
        server.sql(f"CREATE ROLE \"{ROLE}\" LOGIN PASSWORD '{PASSWORD}'")
        yield server
    finally:
        if server is not None:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def required() -> None:
    """Skips the test where no server can be started; in continuous integration that fails the run (tests/conftest.py)."""
    if why := missing():
        pytest.skip(why)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server of this run. Whoever stops or slows it puts it right again."""
    required()
    with running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Server) -> Iterator[str]:
    """A fresh, empty database."""
    url = postgres.database()
    yield url
    if postgres.running():
        postgres.drop(url)
