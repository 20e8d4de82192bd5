"""What the benchmark installs: named exactly, by digest, and without a place to fetch it from."""

import json
import re
from pathlib import Path

PEERS = Path(__file__).parents[2] / "bench" / "peers"


def test_packages_from_npm_are_exact_and_have_digests_and_no_addresses() -> None:
    lock = json.loads((PEERS / "package-lock.json").read_text())
    wanted = json.loads((PEERS / "package.json").read_text())["dependencies"]
    packages = {path: one for path, one in lock["packages"].items() if path}
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all("integrity" in one and "resolved" not in one for one in packages.values())
    assert "://" not in re.sub(r'"(?:url|homepage)": "[^"]*"', "", (PEERS / "package-lock.json").read_text())


def test_packages_from_pypi_are_exact_and_have_digests_and_no_addresses() -> None:
    text = (PEERS / "requirements.lock").read_text()
    names = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==\S+ \\", line) for line in names)
    assert "satosa==8.6.0 \\" in names
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) >= len(names)
    assert "://" not in text
