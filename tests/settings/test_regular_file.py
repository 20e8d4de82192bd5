"""Files that operators name: whole and regular, or refused before they hang or flood."""

import os
from pathlib import Path

import pytest

from vestibule.settings import regular_file


def test_a_file_may_be_as_long_as_the_limit_and_no_longer(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    assert regular_file.octets(tmp_path / "a", 10) == b"x" * 10
    with pytest.raises(OSError, match="larger than 9 bytes"):
        regular_file.octets(tmp_path / "a", 9)


def test_a_file_that_hides_its_size_is_bounded_too() -> None:
    """Files below /proc say that they are empty."""
    assert Path("/proc/self/status").stat().st_size == 0
    with pytest.raises(OSError, match="larger than 10 bytes"):
        regular_file.octets(Path("/proc/self/status"), 10)


def test_pipes_devices_and_directories_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("it was opened"))
    for file in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            regular_file.octets(file, 10)


def test_a_pipe_that_takes_a_files_place_is_refused_without_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    regular = (tmp_path / "file").stat()
    monkeypatch.setattr(Path, "stat", lambda *_, **__: regular)
    with pytest.raises(OSError, match="not a regular file"):
        regular_file.octets(tmp_path / "pipe", 10)
