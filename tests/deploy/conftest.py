"""One package and one installation of it, for all tests of this folder."""

import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import pytest
from tests.deploy.packaged import LOCKED, build, lend


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
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
