"""A real `vestibule serve` process on a port of its own, with a configuration file that the test writes."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.peers.machine import ROOT, free_port, running
from tests.peers.plain_browser import Page, fetch


class PlainDumper(yaml.SafeDumper):
    """The configuration file knows no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


@dataclass(frozen=True)
class Broker:
    """Where the broker is to be: known before it runs, because the peers' settings name it."""

    directory: Path
    port: int
    host: str = "broker.localhost"

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def issuer(self) -> str:
        return f"{self.origin}/"

    def url(self, path: str) -> str:
        return f"{self.origin}/{path.removeprefix('/')}"

    def acs(self, connection: str) -> str:
        return self.url(f"login/callback?connection={connection}")

    def sp_entity_id(self, connection: str) -> str:
        return self.url(f"saml/metadata/{connection}")

    def metadata(self, connection: str) -> str:
        """Our SP metadata, as an identity provider's operator would fetch it."""
        page = fetch(self.sp_entity_id(connection))
        assert page.status == 200, page
        return page.text

    def log(self) -> str:
        log = self.directory / "broker.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _environment(self) -> dict[str, str]:
        return {
            "VESTIBULE_ISSUER": self.issuer,
            "VESTIBULE_DATABASE_URL": str(self.directory / "vestibule.db"),
            "VESTIBULE_HOST": "127.0.0.1",
            "VESTIBULE_PORT": str(self.port),
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONUNBUFFERED": "1",
        }

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What an operator runs beside the server, on its database."""
        command = (sys.executable, "-m", "vestibule", *arguments)
        environment = {**os.environ, **self._environment()}
        return subprocess.run(
            command, env=environment, cwd=self.directory, capture_output=True, text=True, timeout=60, check=False
        )

    def told(self, *arguments: str) -> str:
        """What a command prints that must succeed."""
        done = self.command(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def trace(self, page: Page) -> str:
        """What the operator reads under the reference number on a refusal's page."""
        found = re.search(r"\b[A-Z2-7]{5}-[A-Z2-7]{5}\b", page.text)
        assert found, page.text[:2000]
        return self.told("trace", found[0])

    @contextmanager
    def serving(self, document: Mapping[str, Any], **settings: str) -> Iterator["Broker"]:
        """Write the configuration file, serve, wait until healthy; a traceback in the log fails whoever caused it.

        `settings` are further variables of the environment.
        """
        config = self.directory / "vestibule.yaml"
        config.write_text(yaml.dump(dict(document), Dumper=PlainDumper, sort_keys=False))
        environment = {**self._environment(), **settings}
        command = (sys.executable, "-m", "vestibule", "serve", "--config", config)
        log = self.directory / "broker.log"
        with running(command, port=self.port, log=log, env=environment, cwd=self.directory):
            deadline = time.monotonic() + 20
            while fetch(self.url("healthz")).status != 200:
                if time.monotonic() > deadline:
                    pytest.fail(f"the broker never became healthy:\n{self.log()[-3000:]}")
                time.sleep(0.05)
            yield self
        assert "Traceback (most recent call last)" not in self.log(), self.log()[-6000:]


def new_broker(directory: Path, host: str = "broker.localhost") -> Broker:
    directory.mkdir(parents=True, exist_ok=True)
    return Broker(directory=directory, port=free_port(), host=host)
