"""Reading a file that an operator named: a regular one, up to a limit, so that a device or a pipe neither hangs nor floods."""

import errno
import os
import stat
from pathlib import Path


def octets(file: Path, limit: int) -> bytes:
    """The whole file, of at most `limit` bytes. Raises OSError, whose `strerror` says what is wrong with it."""
    _regular(file.stat())  # asked before it is opened, since opening a device may already do something
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), "rb") as opened:
        _regular(os.fstat(opened.fileno()))  # another file may have taken its place
        found = opened.read(limit + 1)  # what a file says of its size need not be so
    if len(found) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit} bytes")
    return found


def _regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
