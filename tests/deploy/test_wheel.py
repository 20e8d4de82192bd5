"""The package: built as `./dev wheel` builds it, installed where there is no checkout, and run from there."""

import os
import re
import subprocess
import zipfile
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version
from tests.demo.test_tour import free_ports
from tests.deploy.packaged import LOCKED, ROOT, bare, build, command, read, running
from tests.peers.machine import free_port

from vestibule import __version__


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
