"""Disks that are full when a test wants them to be, and really so: what the system call answers is what SQLite sees."""

import os
import resource
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.nodes.cluster import Node


class Disk(Protocol):
    """`means` is what the log says of it when it is full."""

    means: str

    def fill(self, nodes: Sequence[Node]) -> None: ...

    def free(self, nodes: Sequence[Node]) -> None: ...


class SmallDisk:
    """A file system of its own, filled to the last byte: ENOSPC."""

    means = "the disk, or the space that it may use, is full"

    def __init__(self, directory: Path) -> None:
        self._ballast = directory / "ballast"

    def fill(self, nodes: Sequence[Node]) -> None:
        with self._ballast.open("ab", buffering=0) as file:
            for size in (65_536, 512, 1):
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError:
                    continue

    def free(self, nodes: Sequence[Node]) -> None:
        self._ballast.unlink()


class Bound:
    """Processes whose files may not grow [setrlimit(2), RLIMIT_FSIZE]: EFBIG, as under some quotas. Needs no rights at all."""

    means = "reading or writing the disk failed"

    def __init__(self, database: Path) -> None:
        self._database = database

    def fill(self, nodes: Sequence[Node]) -> None:
        """Soon nothing can be kept: the log grows beyond this, or what is in it finds no place in the database."""
        self._limit(nodes, self._database.stat().st_size)

    def free(self, nodes: Sequence[Node]) -> None:
        self._limit(nodes, resource.RLIM_INFINITY)

    def _limit(self, nodes: Sequence[Node], size: int) -> None:
        for pid in (pid for node in nodes for pid in node.serving_pids()):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@contextmanager
def mounted(directory: Path, megabytes: int = 16) -> Iterator[bool]:
    """A small file system at `directory`, where this machine lets us mount one; false where it does not."""
    directory.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(directory)]
    may = os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield may
    finally:
        if may:
            subprocess.run(["umount", "-l", str(directory)], check=True)
