"""The machine as the benchmark finds it: which processor, which cores for whom, and who used how much of them."""

import contextlib
import os
import platform
import sqlite3
import ssl
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")
IN_MEMORY = ("tmpfs", "ramfs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """The core of the server and that of the client; the same one where the machine has no second."""

    server: int
    client: int


def cores() -> Cores:
    """Two of the cores that this process may use, on two physical ones where there are two."""
    mine = sorted(os.sched_getaffinity(0))
    first = mine[0]
    apart = [core for core in mine if core not in _siblings(first)]
    return Cores(server=first, client=(apart or mine)[-1])


def _siblings(core: int) -> set[int]:
    """The logical cores that share a physical one with this core, itself among them."""
    try:
        text = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list").read_text()
    except OSError:
        return {core}
    found: set[int] = set()
    for part in text.strip().split(","):
        start, _, end = part.partition("-")
        found.update(range(int(start), int(end or start) + 1))
    return found


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Runs what is inside on this core alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_of(pid: int) -> float:
    """Seconds of CPU, user and system, that a process, its children and theirs have used, ended ones included.

    Exact for what lives; what has ended is counted in ticks of the clock, as its parent was told it.
    """
    parents, ended = _processes()
    return sum(_own_cpu(one) + ended.get(one, 0) * TICK for one in _below(pid, parents))


def family(pid: int) -> set[int]:
    """A process, its children and theirs."""
    return _below(pid, _processes()[0])


def _below(pid: int, parents: Mapping[int, int]) -> set[int]:
    found, new = {pid}, {pid}
    while new := {child for child, parent in parents.items() if parent in new}:
        found |= new
    return found


def _processes() -> tuple[dict[int, int], dict[int, int]]:
    """Every process's parent, and the ticks that its ended children have used."""
    parents: dict[int, int] = {}
    ended: dict[int, int] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                stat = Path(f"/proc/{entry.name}/stat").read_text()
                fields = stat[stat.rindex(")") + 2 :].split()
                parents[int(entry.name)] = int(fields[1])
                ended[int(entry.name)] = int(fields[13]) + int(fields[14])
    return parents, ended


def _own_cpu(pid: int) -> float:
    """By the process's own clock [clock_getcpuclockid(3)]: nanoseconds where `/proc` has hundredths of a second."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:  # it has ended meanwhile
        return 0.0


def busy() -> float:
    """Seconds of CPU that the whole machine has spent on anything since it started, time stolen from it included."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split(None, 9)[1:9])
    return (user + nice + system + irq + softirq + steal) * TICK


def memory_of(pid: int) -> float:
    """Resident memory of a process and its children, in MB; what they share counts once for each."""
    return sum(_own_memory(one) for one in family(pid))


def _own_memory(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def file_system(directory: Path) -> str:
    """The kind of file system that holds a directory."""
    best, kind = "", "unknown"
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, found, *_ = line.split()
        if directory.resolve().is_relative_to(place) and len(place) >= len(best):
            best, kind = place, found
    return kind


def describe(directory: Path) -> dict[str, str | int]:
    """What a reader must know of the machine to make something of the figures."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {sys.version.split()[0]}",
        "openssl": ssl.OPENSSL_VERSION,
        "sqlite": sqlite3.sqlite_version,
        "file_system": file_system(directory),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
