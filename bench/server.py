"""Servers as processes of their own, each held to one core: Vestibule itself, the bare one, the canned one."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import vestibule
from bench.load import Failed

READY_WITHIN = 30.0
SOURCES = Path(vestibule.__file__).parents[1]
HERE = Path(__file__).parents[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextmanager
def vestibule_server(directory: Path, port: int, *, core: int) -> Iterator[int]:
    """`vestibule serve` with one worker, a database in this directory and no limits at the doors; gives its process id."""
    environment = {
        "VESTIBULE_ISSUER": f"http://127.0.0.1:{port}/",
        "VESTIBULE_PORT": str(port),
        "VESTIBULE_WORKERS": "1",
        "VESTIBULE_DATABASE_URL": str(directory / "bench.db"),
        # All the load comes from one address, which nobody's company does: the limits at the doors are off.
        "VESTIBULE_LIMIT_REFUSALS": "0",
        "VESTIBULE_LIMIT_CONNECTION_REFUSALS": "0",
        "VESTIBULE_LIMIT_REQUESTS": "0",
    }
    command = [sys.executable, "-m", "vestibule", "serve", "--config", str(directory / "bench.yaml")]
    with _process(command, environment, directory, port, core=core) as pid:
        yield pid


@contextmanager
def bare_server(directory: Path, port: int, *, core: int) -> Iterator[int]:
    """The bare ASGI application under the same web server with the same settings."""
    command = [sys.executable, "-m", "uvicorn", "bench.bare:app", "--port", str(port), "--loop", "uvloop"]
    command += ["--http", "httptools", "--no-access-log", "--no-server-header", "--log-level", "warning"]
    with _process(command, {}, directory, port, core=core) as pid:
        yield pid


@contextmanager
def canned_server(directory: Path, port: int, *, core: int) -> Iterator[int]:
    with _process([sys.executable, "-m", "bench.canned", str(port)], {}, directory, port, core=core) as pid:
        yield pid


@contextmanager
def _process(
    command: Sequence[str], environment: Mapping[str, str], directory: Path, port: int, *, core: int
) -> Iterator[int]:
    """A server that is listening; it is told to stop, and waited for, when the block is left."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VESTIBULE_")}
    inherited["PYTHONPATH"] = os.pathsep.join((str(HERE), str(SOURCES)))
    log = directory / f"server-{port}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**inherited, **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
    try:
        _await(process, port, log)
        yield process.pid
    except Failed as failed:
        raise Failed(f"{failed}\n{_end_of(log)}".rstrip()) from None
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failed(f"the server ended at once, with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise Failed(f"the server was not listening after {READY_WITHIN:.0f} s")


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-4000:]
