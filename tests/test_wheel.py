"""The package: built as `./dev wheel` builds it, installed where there is no checkout, and run from there."""

import os
import re
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from tests.demo.test_tour import free_ports
from tests.peers.machine import free_port
from tests.peers.plain_browser import fetch

from vestibule import __version__

ROOT = Path(__file__).parents[1]
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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """A virtual environment that holds the wheel and what requirements.lock names, and nothing else: not pip, no test's tool.

    What the lock names is lent by the environment of this test, file by file, so that no registry is asked.
    """
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False)
    packages = next(home.glob("lib/python*/site-packages"))
    for name in LOCKED:
        lend(metadata.distribution(name), packages)
    pip = (sys.executable, "-m", "pip", "--python", home / "bin/python", "install", "--no-index", "--no-deps", wheel)
    subprocess.run(pip, check=True, capture_output=True, timeout=120)
    return home


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


def test_it_holds_all_of_the_package_and_nothing_else(wheel: Path) -> None:
    """Templates, static files, migrations, the marker of its types: every file below src/vestibule, and the licence."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    own = {name for name in names if not name.startswith(f"vestibule-{__version__}.dist-info/")}
    below = (path for path in (ROOT / "src/vestibule").rglob("*") if path.is_file())
    assert own == {str(path.relative_to(ROOT / "src")) for path in below if "__pycache__" not in path.parts}
    assert {
        "vestibule/py.typed",
        "vestibule/web/static/pages.css",
        "vestibule/store/migrations/versions/0001_first.py",
    } <= own
    told = {name.partition(".dist-info/")[2] for name in names} - {""}
    assert told == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt", "licenses/LICENSE"}


def test_the_same_sources_give_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    """Under another clock, umask and time zone, and from another moment."""
    former = os.umask(0o077)
    try:
        again = build(tmp_path, TZ="Asia/Tokyo", LC_ALL="C")
    finally:
        os.umask(former)
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_the_lock_has_what_it_asks_for(wheel: Path) -> None:
    """Each dependency is in requirements.lock, in a version that the package allows."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"vestibule-{__version__}.dist-info/METADATA").decode()
    wanted = [Requirement(line) for line in re.findall(r"(?m)^Requires-Dist: (.*)$", text)]
    needed = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    assert len(needed) >= 15
    assert [str(one) for one in needed if not one.specifier.contains(Version(LOCKED[one.name]))] == []


def test_it_tells_its_version_anywhere(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        command(installed, "--version"),
        cwd=tmp_path,
        env=bare(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == f"vestibule, version {__version__}\n"


def test_it_serves_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    """A database is made, a page is shown, its style is there, and an operator's commands work beside it."""
    port = free_port()
    settings = {"VESTIBULE_ISSUER": f"http://localhost:{port}/", "VESTIBULE_PORT": str(port)}
    environment = bare(tmp_path, **settings)
    with running(command(installed, "serve"), tmp_path, environment, f"http://127.0.0.1:{port}/readyz"):
        assert (tmp_path / "vestibule.db").exists()
        front = read(f"http://127.0.0.1:{port}/")
        assert "There is nothing to do on this page" in front
        style = re.search(r'href="/(static/pages\.css[^"]*)"', front)
        assert style
        assert "--brand" in read(f"http://127.0.0.1:{port}/{style[1]}")
        done = subprocess.run(
            command(installed, "export"),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert "confirm_identity_switch" in done.stdout


def test_the_tour_opens_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    """Its templates and drawings came along."""
    base = free_ports()
    arguments = ("demo", "--port-base", str(base), "--keep", str(tmp_path / "kept"))
    portal = f"http://portal.localhost:{base + 1}/"
    with running(command(installed, *arguments), tmp_path, bare(tmp_path), portal):
        linked = set(re.findall(r'"/(static/[^"]+)"', read(portal)))
        assert {name.rpartition(".")[2].partition("?")[0] for name in linked} >= {"css", "svg"}
        assert all(read(f"{portal}{name}") for name in linked)


@contextmanager
def running(arguments: list[str], directory: Path, environment: dict[str, str], url: str) -> Iterator[None]:
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
