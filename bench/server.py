"""Servers as processes of their own, each held to one core: Vestibule, its peers, the bare one, the canned one."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import vestibule as house
from bench.load import Failed
from bench.machine import cpu_of
from bench.subject import Up

READY_WITHIN = 60.0
SOURCES = Path(house.__file__).parents[1]
HERE = Path(__file__).parents[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextmanager
def vestibule(
    directory: Path,
    port: int,
    *,
    core: int,
    database: str,
    config: Path | None = None,
    database_pid: int | None = None,
) -> Iterator[Up]:
    """`vestibule serve` with one worker and no limits at the doors. `config` is applied before, by `vestibule apply`."""
    environment = settings(port, database)
    if config is not None:
        apply(directory, environment, config)
    command = [sys.executable, "-m", "vestibule", "serve"]
    with running(command, environment, directory, port, core=core, database_pid=database_pid) as up:
        yield up


def settings(port: int, database: str, *, issuer_port: int | None = None) -> dict[str, str]:
    """A node's environment. `issuer_port`: that of the address by which others know it, where several nodes share one."""
    found = {
        "VESTIBULE_ISSUER": f"http://127.0.0.1:{issuer_port or port}/",
        "VESTIBULE_PORT": str(port),
        "VESTIBULE_WORKERS": "1",
        "VESTIBULE_DATABASE_URL": database,
        # All the load comes from one address, which nobody's company does: the limits at the doors are off.
        "VESTIBULE_LIMIT_REFUSALS": "0",
        "VESTIBULE_LIMIT_CONNECTION_REFUSALS": "0",
        "VESTIBULE_LIMIT_REQUESTS": "0",
    }
    if "://" in database:
        found["VESTIBULE_MASTER_KEY"] = "A" * 43  # guards nothing but a benchmark
    return found


def apply(directory: Path, environment: Mapping[str, str], config: Path) -> None:
    """`vestibule apply`, in a process of its own."""
    command = [sys.executable, "-m", "vestibule", "apply", str(config)]
    done = subprocess.run(command, cwd=directory, env=_environment(environment), capture_output=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).decode(errors="replace")
        raise Failed(f"the configuration was not applied:\n{said[-3000:]}")


@contextmanager
def bare(directory: Path, port: int, *, core: int) -> Iterator[Up]:
    """The bare ASGI application under the same web server with the same settings."""
    command = [sys.executable, "-m", "uvicorn", "bench.bare:app", "--port", str(port), "--loop", "uvloop"]
    command += ["--http", "httptools", "--no-access-log", "--no-server-header", "--log-level", "warning"]
    with running(command, {}, directory, port, core=core, ready=None) as up:
        yield up


@contextmanager
def canned(directory: Path, port: int, *, core: int) -> Iterator[Up]:
    command = [sys.executable, "-m", "bench.canned", str(port)]
    with running(command, {}, directory, port, core=core, ready=None) as up:
        yield up


@contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    directory: Path,
    port: int,
    *,
    core: int,
    ready: str | None = "/readyz",
    database_pid: int | None = None,
) -> Iterator[Up]:
    """A server that answers `ready` with 200 (None: that listens); it is told to stop, and waited for, at the end."""
    log = directory / f"server-{port}.log"
    began = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=_environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
    try:
        _await(process, port, ready)
        yield Up(
            pid=process.pid,
            start_seconds=time.monotonic() - began,
            start_cpu=cpu_of(process.pid),
            database_pid=database_pid,
        )
    except Failed as failed:
        raise Failed(f"{failed}\n{_end_of(log)}".rstrip()) from None
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VESTIBULE_")}
    inherited["PYTHONPATH"] = os.pathsep.join((str(HERE), str(SOURCES)))
    return {**inherited, **more}


def _await(process: "subprocess.Popen[bytes]", port: int, ready: str | None) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failed(f"the server ended at once, with {process.returncode}")
        if _answers(port, ready):
            return
        time.sleep(0.01)
    raise Failed(f"the server was not ready after {READY_WITHIN:.0f} s")


def _answers(port: int, ready: str | None) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
            if ready is None:
                return True
            wire.sendall(f"GET {ready} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
            return wire.recv(64).startswith((b"HTTP/1.1 200 ", b"HTTP/1.0 200 "))
    except OSError:
        return False


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-4000:]
