"""Nodes as they run in earnest: `vestibule serve` processes on one database, behind nginx without sticky sessions."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import yaml
from tests.peers.machine import ROOT, answers, end, free_port, need
from tests.peers.plain_browser import fetch

NGINX = Path("/usr/sbin/nginx")
SET_ASIDE = 1
"""Seconds for which the balancer sends nothing to a node that it could not reach."""
STARTS_WITHIN = 60.0
"""Seconds within which a node serves; the machine may be busy."""
WAITS = 15
"""Seconds that the balancer waits for a node's answer."""
BALANCER = "the-balancer"
"""What the balancer's own page says of itself in `X-Answered-By`."""
KEY = base64.b64encode(b"\x07" * 32).decode()


class NotStarted(Exception):
    """A process did not come up; the message has the end of its log."""


@dataclass
class Node:
    """One `vestibule serve` process with its workers. Its settings stay the same when it is started again."""

    name: str
    directory: Path
    issuer: str
    database: str
    workers: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)
    prefix: Sequence[str] = ()
    """What stands before the command: another user, a limit."""
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    starts: int = 0

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} was never started"
        return self.process.pid

    @property
    def log_file(self) -> Path:
        return self.directory / f"{self.name}.log"

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("VESTIBULE_")}
        return {
            **inherited,
            "PYTHONPATH": str(ROOT / "src"),
            "VESTIBULE_ISSUER": self.issuer,
            "VESTIBULE_DATABASE_URL": self.database,
            "VESTIBULE_MASTER_KEY": KEY,
            "VESTIBULE_PORT": str(self.port),
            "VESTIBULE_WORKERS": str(self.workers),
            "VESTIBULE_TRUSTED_PROXIES": "127.0.0.1",
            # All the load comes from one address, which nobody's company does: the limits at the doors are off.
            "VESTIBULE_LIMIT_REFUSALS": "0",
            "VESTIBULE_LIMIT_CONNECTION_REFUSALS": "0",
            "VESTIBULE_LIMIT_REQUESTS": "0",
            **self.settings,
        }

    def start(self) -> None:
        """Starts the process, and returns at once."""
        assert self.process is None or self.process.poll() is not None, f"{self.name} is running"
        with self.log_file.open("ab") as out:
            self.process = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", "vestibule", "serve"],
                env=self.environment(),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.starts += 1

    def serves(self) -> bool:
        """Whether a worker of this node answers at all."""
        with suppress(OSError):
            return fetch(self.url("healthz")).status == 200
        return False

    def ready(self) -> bool:
        with suppress(OSError):
            return fetch(self.url("readyz")).status == 200
        return False

    async def up(self) -> None:
        """Returns when the node serves."""
        deadline = time.monotonic() + STARTS_WITHIN
        while not await asyncio.to_thread(self.serves):
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(f"{self.name} did not start:\n{self.log()[-3000:]}")
            await asyncio.sleep(0.05)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def serving_pids(self) -> list[int]:
        """The processes that answer: the workers, or the one process that has none."""
        return [self.pid] if self.workers == 1 else [pid for pid in children(self.pid) if _is_worker(pid)]

    def kill(self) -> None:
        """kill -9, all of it at once: the machine is gone."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        assert self.process is not None
        self.process.wait(30)

    def kill_first(self) -> None:
        """kill -9 for the first process alone; its workers, if it has any, are left behind."""
        os.kill(self.pid, signal.SIGKILL)
        assert self.process is not None
        self.process.wait(30)

    def kill_worker(self) -> int:
        """kill -9 for one worker; its process id."""
        pid = self.serving_pids()[0]
        os.kill(pid, signal.SIGKILL)
        return pid

    def ask_to_end(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    async def ended(self, within: float) -> int:
        """The status with which the process ends."""
        assert self.process is not None
        return await asyncio.to_thread(self.process.wait, within)

    def end(self) -> None:
        if self.process is not None:
            end(self.process)

    async def command(self, *arguments: str) -> tuple[int, str]:
        """What an operator runs beside the node: its exit status, and what it said."""
        process = await asyncio.create_subprocess_exec(
            *self.prefix,
            sys.executable,
            "-m",
            "vestibule",
            *arguments,
            env=self.environment(),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            out, _ = await asyncio.wait_for(process.communicate(), 60)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return process.returncode, out.decode(errors="replace")


def children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _is_worker(pid: int) -> bool:
    with suppress(OSError):
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


@dataclass
class Cluster:
    """All nodes, the balancer before them, and the address at which browsers reach them."""

    directory: Path
    port: int
    nodes: list[Node]

    @property
    def issuer(self) -> str:
        return issuer_at(self.port)

    def client(self) -> httpx2.AsyncHTTPTransport:
        """Connections to the balancer, for any number of browsers."""
        return httpx2.AsyncHTTPTransport(limits=httpx2.Limits(max_connections=64, max_keepalive_connections=64))

    async def apply(self, document: Mapping[str, Any], name: str = "vestibule") -> tuple[int, str]:
        """An operator applies a configuration file: the command's status, and what it said."""
        file = self.directory / f"{name}.yaml"
        file.write_text(yaml.safe_dump(dict(document), sort_keys=False))
        return await self.nodes[0].command("apply", str(file))

    async def up(self) -> None:
        await asyncio.gather(*(node.up() for node in self.nodes))

    def not_kept(self) -> dict[str, str]:
        """The codes of refusals whose events could not be kept, as the nodes' logs have them, by reference."""
        lines = (
            json.loads(line) for node in self.nodes for line in node.log().splitlines() if '"event not kept"' in line
        )
        return {line["reference"]: line["code"] for line in lines}

    def replaced(self) -> Counter[int]:
        """How many workers were replaced, by the status that they ended with."""
        lines = (
            json.loads(line) for node in self.nodes for line in node.log().splitlines() if '"worker replaced"' in line
        )
        return Counter(int(line["ended_with"]) for line in lines)

    def tracebacks(self) -> list[str]:
        """Every traceback in the nodes' logs: a disaster is no excuse for a bug."""
        mark = "Traceback (most recent call last)"
        return [f"{node.name}: {mark}{part[:3000]}" for node in self.nodes for part in node.log().split(mark)[1:]]


def issuer_at(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


@contextmanager
def cluster(
    directory: Path,
    database: str,
    *,
    workers: Sequence[int] = (1, 2, 1),
    settings: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[Cluster]:
    """nginx, and before it as many nodes as `workers` has numbers. The nodes are made, not started."""
    need(NGINX)
    port = free_port()
    nodes = [
        Node(
            name=f"node-{number}",
            directory=directory,
            issuer=issuer_at(port),
            database=database,
            workers=count,
            settings=settings or {},
            prefix=prefix,
        )
        for number, count in enumerate(workers, 1)
    ]
    try:
        with _nginx(directory, port, nodes):
            yield Cluster(directory, port, nodes)
    finally:
        for node in nodes:
            node.end()


@contextmanager
def _nginx(directory: Path, port: int, nodes: Sequence[Node]) -> Iterator[None]:
    """nginx with passive checks: a node that does not answer is left alone for a second."""
    home = directory / "nginx"
    home.mkdir()
    (home / "nginx.conf").write_text(_configuration(home, port, nodes))
    command = [str(NGINX), "-p", str(home), "-c", str(home / "nginx.conf"), "-e", "error.log"]
    with (home / "out.log").open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        deadline = time.monotonic() + STARTS_WITHIN
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotStarted(f"nginx did not start:\n{(home / 'out.log').read_text()[-3000:]}")
            time.sleep(0.02)
        yield
    finally:
        end(process)


def _configuration(home: Path, port: int, nodes: Sequence[Node]) -> str:
    """Connections to nodes are kept, for less time than a node keeps them.

    A request that was sent to a node goes to another one only if it changes nothing by its method (`non_idempotent` is not
    among the reasons); one that could not even be sent goes on whatever it is.
    """
    upstream = "\n".join(
        f"    server 127.0.0.1:{node.port} max_fails=1 fail_timeout={SET_ASIDE}s;  # {node.name}" for node in nodes
    )
    return f"""
daemon off;
worker_processes 1;
{"user root;" if os.geteuid() == 0 else ""}
pid {home}/nginx.pid;
error_log {home}/error.log error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {home}/body;
  proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi;
  scgi_temp_path {home}/scgi;
  upstream nodes {{
{upstream}
    keepalive 64;
    keepalive_timeout 20s;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    client_max_body_size 1m;
    location / {{
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_connect_timeout 2s;
      proxy_read_timeout {WAITS}s;
      proxy_next_upstream error timeout;
      proxy_next_upstream_tries 3;
      proxy_next_upstream_timeout {WAITS}s;
      add_header X-Node $upstream_addr always;
    }}
    error_page 502 503 504 @away;
    location @away {{
      internal;
      default_type text/html;
      add_header X-Answered-By {BALANCER} always;
      add_header X-Node $upstream_addr always;
      return 503 "<!doctype html><title>Sign-in is not to be reached</title><p>Please try again in a minute.";
    }}
  }}
}}
"""
