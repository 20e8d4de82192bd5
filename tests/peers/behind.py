"""Several real nodes behind a real reverse proxy with TLS, started from the very files in deploy/ that operators copy."""

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.peers.broker import Broker, PlainDumper
from tests.peers.machine import CADDY, NGINX, ROOT, free_port, need, running
from tests.peers.plain_browser import Page, fetch

DEPLOY = ROOT / "deploy"


@dataclass(frozen=True)
class Trust:
    """An authority of this test's own: `ca.pem`, and `fullchain.pem` and `key.pem` for one host, in `directory`."""

    directory: Path

    @property
    def ca(self) -> Path:
        return self.directory / "ca.pem"

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca))


def certify(directory: Path, host: str) -> Trust:
    """A new authority, and its certificate for the host."""
    directory.mkdir(parents=True, exist_ok=True)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority of the tests")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    names = x509.SubjectAlternativeName([x509.DNSName(host), x509.IPAddress(ip_address("127.0.0.1"))])
    root = _certificate(root_name, root_name, root_key).add_extension(x509.BasicConstraints(True, 0), critical=True)
    leaf = _certificate(name, root_name, key).add_extension(names, critical=False)
    pem = serialization.Encoding.PEM
    authority = root.sign(root_key, hashes.SHA256()).public_bytes(pem)
    (directory / "ca.pem").write_bytes(authority)
    (directory / "fullchain.pem").write_bytes(leaf.sign(root_key, hashes.SHA256()).public_bytes(pem) + authority)
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "key.pem").write_bytes(secret)
    return Trust(directory)


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
    )


@dataclass(frozen=True, kw_only=True)
class Site(Broker):
    """A broker that is many processes over one database, reached through a proxy under https.

    `port` is the proxy's; `nodes` are the ports of the processes, which know the proxy as 127.0.0.1.
    """

    trust: Trust
    nodes: tuple[int, ...]
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def origin(self) -> str:
        return f"https://{self.host}:{self.port}"

    def fetch(self, path: str, **asked: Any) -> Page:
        """One request by way of the proxy."""
        return fetch(self.url(path), trust=self.trust.context, **asked)

    def log(self) -> str:
        return "".join(file.read_text(errors="replace") for file in sorted(self.directory.glob("node-*.log")))

    @contextmanager
    def serving(self, document: Mapping[str, Any], **settings: str) -> Iterator["Site"]:
        """Apply the configuration, start every node; a traceback in a log fails whoever caused it."""
        config = self.directory / "vestibule.yaml"
        config.write_text(yaml.dump(dict(document), Dumper=PlainDumper, sort_keys=False))
        self.told("apply", str(config))
        with self.stack:
            for node in self.nodes:
                self.start(node, **settings)
            yield self
        assert "Traceback (most recent call last)" not in self.log(), self.log()[-6000:]

    def start(self, node: int, **settings: str) -> None:
        """The process behind this port, until it is killed or the test ends."""
        trusted = {"VESTIBULE_PORT": str(node), "VESTIBULE_TRUSTED_PROXIES": "127.0.0.1"}
        environment = {**self._environment(), **trusted, **settings}
        log = self.directory / f"node-{node}.log"
        command = (sys.executable, "-m", "vestibule", "serve")
        process = running(command, port=node, log=log, env=environment, cwd=self.directory)
        self.running[node] = self.stack.enter_context(process)
        deadline = time.monotonic() + 20
        while fetch(f"http://127.0.0.1:{node}/readyz").status != 200:
            if time.monotonic() > deadline:
                pytest.fail(f"the node never became ready:\n{self.log()[-3000:]}")
            time.sleep(0.05)

    def kill(self, node: int) -> None:
        """No goodbye: what the kernel does when a machine runs out of memory."""
        process = self.running.pop(node)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=10)


def new_site(directory: Path, nodes: int, host: str = "broker.localhost") -> Site:
    directory.mkdir(parents=True, exist_ok=True)
    ports = tuple(free_port() for _ in range(nodes + 1))
    trust = certify(directory / "tls", host)
    return Site(directory=directory, port=ports[0], host=host, trust=trust, nodes=ports[1:])


def adapted(example: Path, changes: Mapping[str, str]) -> str:
    """The example with an operator's changes; a place that is not found has been renamed, and the page that names it is wrong."""
    text = example.read_text(encoding="utf-8")
    for place, value in changes.items():
        assert place in text, f"{example.name} says {place!r} nowhere"
        text = text.replace(place, value)
    return text


@dataclass(frozen=True)
class Proxy:
    """A running proxy: where its logs are, and where it answers in clear."""

    directory: Path
    plain: int

    def access_log(self) -> str:
        return (self.directory / "vestibule.log").read_text(errors="replace")

    def knows_it_is_up(self, node: int) -> bool:
        """Whether the proxy's last word of the node's health, if it asks for that, is a good one."""
        said = [line for line in self.everything_written().splitlines() if f'"host":"127.0.0.1:{node}"' in line]
        return not said or "host is up" in said[-1]

    def everything_written(self) -> str:
        """All logs together, its own output included."""
        return "".join(file.read_text(errors="replace") for file in sorted(self.directory.glob("*.log")))


NGINX_MAIN = """\
daemon off;
pid {run}/nginx.pid;
{user}
worker_processes 2;
events {{ worker_connections 512; }}
http {{
    client_body_temp_path {run}/bodies;
    proxy_temp_path {run}/answers;
    fastcgi_temp_path {run}/f;
    uwsgi_temp_path {run}/u;
    scgi_temp_path {run}/s;
    include {run}/vestibule.conf;
}}
"""
"""What a distribution's nginx.conf has around the files of conf.d."""


@contextmanager
def nginx(
    run: Path, *, host: str, port: int, nodes: Sequence[int], tls: Path, changes: Mapping[str, str] | None = None
) -> Iterator[Proxy]:
    """nginx with deploy/nginx.conf, until the block ends; `changes` are further ones to the file."""
    need(NGINX)
    run.mkdir(parents=True, exist_ok=True)
    plain = free_port()
    servers = "\n    ".join(f"server 127.0.0.1:{node} max_fails=3 fail_timeout=3s;" for node in nodes)
    site = adapted(
        DEPLOY / "nginx.conf",
        {
            "server 127.0.0.1:8000 max_fails=3 fail_timeout=3s;": servers,
            "https://login.crm.example": f"https://{host}:{port}",
            "login.crm.example": host,
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "    listen [::]:80;\n": "",
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "    listen [::]:443 ssl http2;\n": "",
            "/etc/ssl/vestibule/": f"{tls}/",
            "/var/log/nginx/": f"{run}/",
            **(changes or {}),
        },
    )
    (run / "vestibule.conf").write_text(site)
    # Root's workers would become somebody who may not enter pytest's directories.
    user = "user root;" if os.geteuid() == 0 else ""
    (run / "main.conf").write_text(NGINX_MAIN.format(run=run, user=user))
    command = (NGINX, "-p", run, "-c", run / "main.conf", "-e", run / "main-error.log")
    with running(command, port=port, log=run / "output.log"):
        yield Proxy(run, plain)


@contextmanager
def caddy(run: Path, *, host: str, port: int, nodes: Sequence[int], tls: Path) -> Iterator[Proxy]:
    """Caddy with deploy/Caddyfile, until the block ends."""
    need(CADDY)
    run.mkdir(parents=True, exist_ok=True)
    plain = free_port()
    site = adapted(
        DEPLOY / "Caddyfile",
        {
            "admin localhost:2019": "admin off\n\tdefault_bind 127.0.0.1",
            "http_port 80": f"http_port {plain}",
            "https_port 443": f"https_port {port}",
            "reverse_proxy 127.0.0.1:8000": "reverse_proxy " + " ".join(f"127.0.0.1:{node}" for node in nodes),
            "login.crm.example": host,
            "/etc/ssl/vestibule/": f"{tls}/",
            "/var/log/caddy/": f"{run}/",
        },
    )
    (run / "Caddyfile").write_text(site)
    command = (CADDY, "run", "--config", run / "Caddyfile", "--adapter", "caddyfile")
    environment = {"XDG_DATA_HOME": str(run / "data"), "XDG_CONFIG_HOME": str(run / "config"), "HOME": str(run)}
    with running(command, port=port, log=run / "output.log", env=environment):
        yield Proxy(run, plain)
