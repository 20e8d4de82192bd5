"""The log: what cannot be written is lost, and nothing else."""

import errno
import io

import pytest

from vestibule.outside.logs import Unhindered


class Full(io.StringIO):
    """A file on a disk that is full until somebody makes room."""

    room = False

    def write(self, text: str) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)

    def flush(self) -> None:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_loses_lines_and_hinders_nobody() -> None:
    """And once there is room again, lines arrive again."""
    disk = Full()
    log = Unhindered(disk)
    assert log.write("lost\n") == 5
    log.flush()
    disk.room = True
    log.write("kept\n")
    log.flush()
    assert disk.getvalue() == "kept\n"


def test_a_closed_file_hinders_nobody() -> None:
    gone = io.StringIO()
    gone.close()
    log = Unhindered(gone)
    assert log.write("lost") == 4
    log.flush()


def test_other_mistakes_are_not_hidden() -> None:
    with pytest.raises(TypeError):
        Unhindered(io.StringIO()).write(7)  # type: ignore[arg-type]
