"""`./dev` on a machine that lacks something: it stops at the first command that fails."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def program(directory: Path, name: str, script: str) -> None:
    file = directory / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_the_set_up_stops_where_the_package_lists_cannot_be_had(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    program(programs, "id", "echo 0")
    program(programs, "apt-get", f'echo "apt-get $1" >>{tmp_path}/log; [ "$1" != update ]')
    program(programs, "python3", f'case "$*" in *ensurepip*) exit 1 ;; "-m venv"*) echo "$2" >>{tmp_path}/log ;; esac')
    shutil.copy(ROOT / "dev", tmp_path / "dev")
    (tmp_path / "requirements.lock").touch()
    ended = subprocess.run(
        [tmp_path / "dev", "serve"],
        env={"PATH": f"{programs}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode != 0
    assert (tmp_path / "log").read_text().splitlines() == ["apt-get update"]
