"""Installs the peers below the checkout's .dev, from their own lock files, at first use; instant when they are there."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
DEV = Path(__file__).parents[2] / ".dev"
LOCK, REQUIREMENTS = HERE / "package-lock.json", HERE / "requirements.lock"

Tell = Callable[[str], None]


class Missing(Exception):
    """A peer is not on this machine and cannot be put there; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A Node, and the folder where the peers written for it are installed, with their scripts."""

    program: Path
    folder: Path
    release: str

    def version(self, package: str) -> str:
        """Of an installed package."""
        described = json.loads((self.folder / "node_modules" / package / "package.json").read_text())
        return str(described["version"])

    def command(self, script: str, settings: Path) -> list[str]:
        return [str(self.program), str(self.folder / script), str(settings)]


def node(tell: Tell) -> Node:
    """The peers from npm. Raises `Missing` where there is no Node or npm, or nothing to fetch them from."""
    program = _program("node")
    folder = DEV / "bench-node"
    if not _same(LOCK, folder / "installed-lock.json"):
        npm = _program("npm")
        tell("installing the peers from npm (once)")
        folder.mkdir(parents=True, exist_ok=True)
        for file in (HERE / "package.json", LOCK):
            shutil.copy(file, folder)
        _run([str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
        shutil.copy(LOCK, folder / "installed-lock.json")
    for script in HERE.glob("*.mjs"):  # beside what they import
        shutil.copy(script, folder)
    return Node(program=program, folder=folder, release=_run([str(program), "--version"], folder).strip())


def satosa_python(tell: Tell) -> tuple[Path, str]:
    """The Python of a virtual environment with SATOSA, and SATOSA's version. Raises `Missing` where xmlsec1, which it runs, is not there."""
    _program("xmlsec1")
    folder = DEV / "bench-satosa"
    python = folder / "bin/python"
    if not _same(REQUIREMENTS, folder / "installed.lock"):
        tell("installing SATOSA (once)")
        _run([sys.executable, "-m", "venv", "--clear", str(folder)], DEV)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--only-binary", ":all:", "--require-hashes", "-r", str(REQUIREMENTS)], DEV)
        shutil.copy(REQUIREMENTS, folder / "installed.lock")
    asked = "import importlib.metadata as m; print(m.version('SATOSA'))"
    return python, _run([str(python), "-c", asked], DEV).strip()


def _program(name: str) -> Path:
    """On the path; or the Node that the tests' peers brought, where the system's was too old."""
    own = DEV / "node-runtime/bin" / name
    found = str(own) if own.exists() else shutil.which(name)
    if found is None:
        raise Missing(f"the program {name} is not installed")
    return Path(found)


def _same(wanted: Path, installed: Path) -> bool:
    return installed.exists() and wanted.read_bytes() == installed.read_bytes()


def _run(command: Sequence[str], directory: Path) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        said = " ".join((done.stdout + done.stderr).split())
        raise Missing(f"{' '.join(command[:3])} failed: {said[-400:]}")
    return done.stdout
