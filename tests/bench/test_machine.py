"""What a process has used: its own work, and that of its children, living and ended."""

import os
import subprocess
import sys

from bench import machine

BUSY = "import time\nwhile time.process_time() < 0.2: pass"
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BUSY!r}])\nprint(flush=True)\ninput()"


def test_the_work_of_ended_children_counts() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        used = machine.cpu_of(parent.pid)
        parent.communicate(b"\n")
    assert used >= 0.18


def test_the_work_of_living_children_counts() -> None:
    before = machine.cpu_of(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", f"{BUSY}\nprint(flush=True)\ninput()"], stdin=-1, stdout=-1)
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        used = machine.cpu_of(os.getpid()) - before
        assert child.pid in machine.family(os.getpid())
        child.communicate(b"\n")
    assert used >= 0.18
