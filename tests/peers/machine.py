"""The machine that the peers run on: what is installed, free ports, processes that start, answer and end."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
NODE_MODULES = ROOT / ".dev/node/node_modules"
SIMPLESAMLPHP = Path("/usr/share/simplesamlphp/www")
APACHE = Path("/usr/sbin/apache2")
NGINX = Path("/usr/sbin/nginx")
CADDY = Path("/usr/bin/caddy")
CURL = Path("/usr/bin/curl")
MOD_AUTH_OPENIDC = Path("/usr/lib/apache2/modules/mod_auth_openidc.so")
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))


def need(*paths: Path) -> None:
    """A peer that is not installed: skipped loudly on a developer's machine, a failure in continuous integration."""
    if missing := [str(path) for path in paths if not path.exists()]:
        _lacking(f"a peer is missing ({', '.join(missing)}); install it with: sudo tests/peers/install.sh")


def node() -> str:
    """The Node that runs the peers: our own where Debian's is too old."""
    own = ROOT / ".dev/node-runtime/bin/node"
    found = str(own) if own.exists() else shutil.which("node")
    need(*([] if found else [Path("/usr/bin/node")]))
    _need_lock(HERE / "node/package-lock.json", ROOT / ".dev/node/installed-lock.json")
    return str(found)


def peers_python() -> Path:
    """The Python that runs the peers written in it, apart from our own."""
    _need_lock(HERE / "python/requirements.lock", ROOT / ".dev/peers-venv/installed.lock")
    return ROOT / ".dev/peers-venv/bin/python"


def _need_lock(wanted: Path, installed: Path) -> None:
    need(installed)
    if wanted.read_bytes() != installed.read_bytes():
        _lacking(f"{wanted.name} has changed since the peers were installed; run: sudo tests/peers/install.sh")


def _lacking(message: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


def free_port() -> int:
    """A port on which nobody listens at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def running(
    command: Sequence[str | Path], *, port: int, log: Path, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, from the moment its port answers until the block ends."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 30
            while not answers(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-3000:]}")
                time.sleep(0.05)
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[Any]) -> None:
    """Ask the whole group to stop, then insist: some servers leave their workers behind."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue
    process.wait(timeout=5)


def self_signed(name: str) -> tuple[rsa.RSAPrivateKey, str]:
    """A key and its certificate, as identity providers have them."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    return key, certificate.public_bytes(serialization.Encoding.PEM).decode()


def write_key(directory: Path, name: str) -> None:
    """A key and its certificate as NAME.key and NAME.crt, for the peers that read files."""
    key, certificate = self_signed(name)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / f"{name}.key").write_bytes(key.private_bytes(*form))
    (directory / f"{name}.crt").write_text(certificate)
