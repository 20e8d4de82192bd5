"""Building the package, and running what was installed from it, for the tests of all that is deployed."""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from tests.peers.plain_browser import fetch

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
LOCKED = dict(re.findall(r"(?m)^([a-z0-9][a-z0-9.-]*)==(\S+)", (ROOT / "requirements.lock").read_text()))


def build(directory: Path, **environment: str) -> Path:
    """The wheel in this directory."""
    done = subprocess.run(
        [ROOT / "dev", "wheel", directory],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = directory.glob("*.whl")
    return wheel


def lend(distribution: metadata.Distribution, packages: Path) -> None:
    """Links to everything that the distribution has put beside its own metadata."""
    for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
        if not (packages / top).exists():
            (packages / top).symlink_to(Path(str(distribution.locate_file(top))).resolve())


def command(installed: Path, *arguments: str) -> list[str]:
    return [str(installed / "bin/vestibule"), *arguments]


def bare(directory: Path, **settings: str) -> dict[str, str]:
    """An environment in which nothing points to the checkout."""
    return {"PATH": "/usr/bin:/bin", "HOME": str(directory), "LC_ALL": "C.UTF-8", **settings}


@contextmanager
def running(arguments: Sequence[str], directory: Path, environment: Mapping[str, str], url: str) -> Iterator[None]:
    """The command, from the moment the address answers, until the block ends; it must then stop when asked."""
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen(arguments, cwd=directory, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while not answers(url):
            said = (directory / "output").read_text(errors="replace")
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)
        yield
        process.terminate()
        process.wait(timeout=30)
    finally:
        process.kill()
        process.wait(timeout=10)
    assert "Traceback" not in (directory / "output").read_text(errors="replace")


def answers(url: str) -> bool:
    try:
        return fetch(url).status == 200
    except OSError:
        return False


def read(url: str) -> str:
    page = fetch(url)
    assert page.status == 200, page
    return page.text
