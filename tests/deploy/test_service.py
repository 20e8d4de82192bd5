"""The unit for systemd: how it starts and stops the program, and that the program bears what it is forbidden."""

import re
import sys
from pathlib import Path

import pytest
from tests.deploy.packaged import DEPLOY, answers, bare, command, running
from tests.peers.machine import free_port

TEXT = (DEPLOY / "vestibule.service").read_text(encoding="utf-8")
SANDBOX = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(38, 1, 0, 0, 0)                   # NoNewPrivileges=
libc.prctl(65, 1, 0, 0, 0)                   # MemoryDenyWriteExecute=, as kernels from 6.3 on have it; older ones say no
os.umask(0o077)                              # UMask=
os.execv(sys.argv[1], sys.argv[1:])
"""


def setting(name: str) -> list[str]:
    return re.findall(rf"(?m)^{name}=(.*)$", TEXT)


def test_it_waits_for_requests_in_flight_and_comes_back() -> None:
    """Longer than the 20 seconds that the server takes at most; the first process tells its workers."""
    assert int(*setting("TimeoutStopSec")) > 20
    assert setting("KillMode") == ["mixed"]
    assert setting("Restart") == ["always"]
    assert setting("StartLimitIntervalSec") == ["0"]


def test_secrets_come_from_a_file_and_not_from_the_unit() -> None:
    """Anybody may read a unit, and systemd shows its Environment= to everybody who asks."""
    assert setting("EnvironmentFile") == ["/etc/vestibule/environment"]
    assert setting("Environment") == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_program_bears_it(installed: Path, tmp_path: Path, workers: str) -> None:
    """No memory that is written to and run, no new privileges, a closed umask: keys are made, pages served, and it ends."""
    port = free_port()
    environment = bare(
        tmp_path,
        VESTIBULE_ISSUER=f"http://localhost:{port}/",
        VESTIBULE_PORT=str(port),
        VESTIBULE_WORKERS=workers,
    )
    start = [sys.executable, "-c", SANDBOX, *command(installed, "serve")]
    with running(start, tmp_path, environment, f"http://127.0.0.1:{port}/readyz"):
        assert answers(f"http://127.0.0.1:{port}/.well-known/jwks.json")
    assert (tmp_path / "vestibule.db").stat().st_mode & 0o777 == 0o600
