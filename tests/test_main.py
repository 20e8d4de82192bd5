"""The command as an operator starts it: named as it is installed, and quiet when it is stopped early."""

import builtins
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from vestibule.__main__ import main


def command(*arguments: str, stdout: Any = subprocess.PIPE, **environ: str) -> "subprocess.CompletedProcess[str]":
    clean: Mapping[str, str] = {name: value for name, value in os.environ.items() if not name.startswith("VESTIBULE_")}
    return subprocess.run(
        [sys.executable, "-m", "vestibule", *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env={**clean, **environ},
        timeout=60,
        check=False,
    )


def test_help_calls_the_command_by_its_name() -> None:
    assert command("--help").stdout.startswith("Usage: vestibule [OPTIONS] COMMAND")


def test_a_full_disk_behind_stdout_is_one_sentence() -> None:
    """Neither a traceback nor a second complaint when the process ends."""
    with Path("/dev/full").open("w") as full:
        found = command("reference", stdout=full)
    assert found.returncode == 1
    assert found.stderr.splitlines() == [
        "Refused: The result could not be written to standard output: No space left on device.",
        "  rule: output.failed",
    ]


def test_ctrl_c_while_everything_is_being_loaded_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def interrupted(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("vestibule"):
            raise KeyboardInterrupt
        return load(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
