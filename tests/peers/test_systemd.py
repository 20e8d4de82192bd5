"""The unit for systemd, asked of systemd: that it understands it, and how much it leaves open."""

import re
import subprocess
import sys
from pathlib import Path

from tests.peers.machine import ROOT, need

ANALYZE = Path("/usr/bin/systemd-analyze")
UNIT = ROOT / "deploy/vestibule.service"
EXPOSED = 1.5
"""Of 10, by systemd's own measure; what is left is that it uses the network and raises its limit of files."""


def analyze(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    need(ANALYZE)
    words = [str(word) for word in (ANALYZE, *arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def test_systemd_understands_it(tmp_path: Path) -> None:
    """Not a word to say against it; it wants a program that is there."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/vestibule/bin/vestibule", sys.executable))
    verified = analyze("verify", "--man=no", unit)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_little_is_left_open() -> None:
    told = analyze("security", "--offline=true", "--no-pager", UNIT)
    score = re.search(r"Overall exposure level for vestibule\.service: ([\d.]+)", told.stdout)
    assert score, told
    print(f"exposure {score[1]} of 10")  # noqa: T201  # for whoever runs it with -s
    assert float(score[1]) <= EXPOSED
