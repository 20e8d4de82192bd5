"""The Containerfile: what it says of users, hashes and start, and that the same start needs no tree that it can write into."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.deploy.packaged import DEPLOY, ROOT, answers, bare, command, running
from tests.peers.machine import free_port

TEXT = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
LINES = [
    line for line in re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", TEXT)).splitlines() if line
]  # fmt: skip


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage, as (word, the rest)."""
    found: list[list[tuple[str, str]]] = []
    for line in LINES:
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append((word, rest))
    return found


def last(word: str) -> str:
    """The instruction of the stage that becomes the image."""
    return [rest for found, rest in stages()[-1] if found == word][-1]


def test_it_is_built_in_stages_from_an_image_that_is_named_and_may_be_replaced() -> None:
    """No address of a registry: whoever builds says where images come from."""
    assert [line for line in LINES if line.startswith("ARG")] == ["ARG PYTHON=python:3.11-slim"]
    assert [rest for stage in stages() for word, rest in stage if word == "FROM"] == [
        "${PYTHON} AS packages",
        "${PYTHON}",
    ]


def test_every_package_comes_with_its_hash_and_the_program_from_our_own_wheel() -> None:
    """Two installs: what the lock names, by hash; and the wheel, from no index. Nothing runs in the image that is left."""
    installs = [
        json.loads(rest) for word, rest in stages()[0] if word == "RUN" and '"install", "--no-cache-dir"' in rest
    ]
    locked, own = installs
    assert {"--require-hashes", "--only-binary", "requirements.lock"} <= set(locked)
    assert {"--no-index", "--no-deps", "vestibule"} <= set(own)
    assert "RUN" not in {word for word, _ in stages()[-1]}
    assert [rest for word, rest in stages()[0] if word == "COPY"] == ["requirements.lock ./", "dist/vestibule-*.whl ./"]


def test_what_is_copied_is_not_kept_from_the_build() -> None:
    """The list of what is sent to the builder lets through what the file copies, and nothing else: no database, no key."""
    rules = (ROOT / ".dockerignore").read_text().split()
    assert rules == ["*", "!requirements.lock", "!dist/vestibule-*.whl"]


def test_it_runs_as_nobody_of_importance_and_without_a_shell() -> None:
    user, group = last("USER").split(":")
    assert int(user) > 1000
    assert int(group) > 1000
    assert json.loads(last("ENTRYPOINT")) == ["vestibule"]
    assert json.loads(last("CMD")) == ["serve"]
    assert last("STOPSIGNAL") == "SIGTERM"
    assert last("VOLUME") == last("WORKDIR") == "/var/lib/vestibule"
    assert f"--chown={user}:{group} /data /var/lib/vestibule" in [
        rest.removeprefix("--from=packages ") for word, rest in stages()[-1] if word == "COPY"
    ]


def healthy() -> list[str]:
    """The command that asks whether the container lives."""
    options, _, words = last("HEALTHCHECK").partition(" CMD ")
    assert "--interval=" in options
    program, *arguments = json.loads(words.strip())
    assert program == "python3"
    return [sys.executable, *arguments]


def settings(directory: Path, port: int) -> dict[str, str]:
    """The image's own environment, with the directory for its volume and only what one must say."""
    image = dict(word.split("=", 1) for word in last("ENV").split())
    image["VESTIBULE_DATABASE_URL"] = image["VESTIBULE_DATABASE_URL"].replace("/var/lib/vestibule", str(directory))
    del image["PATH"]
    return bare(
        Path("/nonexistent"),
        **image,
        TMPDIR="/nonexistent",
        VESTIBULE_ISSUER=f"http://localhost:{port}/",
        VESTIBULE_PORT=str(port),
    )


def contents(tree: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.lstat().st_mtime_ns, path.lstat().st_size) for path in tree.rglob("*") if not path.is_symlink()
    }


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_same_start_writes_into_its_volume_alone(installed: Path, tmp_path: Path, workers: str) -> None:
    """With the image's settings the program makes no file beside its own, in no home and no temporary directory."""
    volume = tmp_path / "volume"
    volume.mkdir()
    port = free_port()
    environment = {**settings(volume, port), "VESTIBULE_WORKERS": workers}
    before = contents(installed)
    ask = {**environment, "PATH": os.environ["PATH"]}
    assert subprocess.run(healthy(), env=ask, capture_output=True, timeout=20, check=False).returncode != 0
    with running(command(installed, "serve"), volume, environment, f"http://127.0.0.1:{port}/readyz"):
        assert answers(f"http://127.0.0.1:{port}/")
        asked = subprocess.run(healthy(), env=ask, capture_output=True, timeout=20, check=False)
        assert (asked.returncode, asked.stdout, asked.stderr) == (0, b"", b"")
    assert contents(installed) == before
    assert {path.name.partition("-")[0] for path in volume.iterdir()} <= {
        "vestibule.db",
        "vestibule.db.key",
        "vestibule.db.lock",
        "output",
    }
