"""One mutant on trial: a process of its own loads the changed module in place of the true one and runs the tests.

Each trial is a fork of a process that has loaded every library and nothing of this house, so a mutant is imported as
any module is: tables, defaults, decorators and caches are all made afresh from the changed source.
"""

import contextlib
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType, ModuleType

import pytest

from mutants.clauses import Mutant
from mutants.footprints import QUIET, silence
from mutants.plan import Plan

MEMORY = 4 * 2**30
"""Octets of address space. A mutant without its bound may ask for all there is."""
PATIENCE = 60.0
"""Seconds that any trial has, besides five times what its tests took."""
STARTED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One mutant before some tests: names with their seconds. Those that an earlier trial was ended by come first."""

    mutant: Mutant
    tests: Mapping[str, float]
    first: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`outcome` is "killed", "timeout", "survived", or "broken" if nothing could be tried; `by` is the test that noticed, or what happened instead of a test."""

    outcome: str
    by: str = ""


class _Bench:
    """A plugin of pytest: only the chosen tests and those that nobody knows, in the order of what they cost."""

    def __init__(self, trial: Trial, looping: float, tell: Callable[[Verdict], None]) -> None:
        self._trial = trial
        self._looping = looping
        self._tell = tell
        self.failed = ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Iterator[None]:
        yield
        first = {name: at for at, name in enumerate(self._trial.first)}
        tests = self._trial.tests
        known = {name: (first.get(name, len(first)), seconds) for name, seconds in tests.items()}
        # A name that nobody knows was made from the law: a row of a table, say, that the mutant has changed.
        chosen = [item for item in items if item.nodeid in known or item.nodeid not in _KNOWN]
        items[:] = sorted(chosen, key=lambda item: known.get(item.nodeid, (0, 0.0)))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        def give_up(*_: object) -> None:
            self._tell(Verdict(outcome="timeout", by=item.nodeid))
            os._exit(0)

        signal.signal(signal.SIGPROF, give_up)
        signal.setitimer(signal.ITIMER_PROF, self._looping + 10 * self._trial.tests.get(item.nodeid, 0.0))
        try:
            return (yield)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = f"{report.nodeid} (does not load)"


_KNOWN: set[str] = set()


class _Loader(importlib.machinery.SourceFileLoader):
    """Gives a module the code of the mutant."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        return self._code


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the one module that is changed, before anybody else does."""

    def __init__(self, loader: _Loader) -> None:
        self._loader = loader

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._loader.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self._loader.path, loader=self._loader)


def prepare(libraries: Sequence[str], known: Iterable[str]) -> None:
    """Load what every trial needs, once. Call it before the first trial, in the process that `run` is called in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in libraries:
            if name.startswith("hypothesis."):
                continue  # it warns of whatever wakes it before its plugin does
            try:
                importlib.import_module(name)
            except Exception:  # noqa: BLE001 what cannot be loaded early is loaded when it is wanted
                continue
    _KNOWN.update(known)
    gc.collect()
    gc.freeze()


class Pool:
    """Runs trials, `jobs` at a time, and calls back with each verdict; a callback may hand in another trial."""

    def __init__(self, plan: Plan, jobs: int) -> None:
        self._plan = plan
        self._jobs = jobs
        self._waiting: list[tuple[Callable[[], Trial], Callable[[Verdict], None]]] = []
        self._running: dict[int, tuple[int, float, Callable[[Verdict], None]]] = {}

    def submit(self, make: Callable[[], Trial], done: Callable[[Verdict], None]) -> None:
        """One more trial, made when its turn comes; `done` is called in this process, from within `run`."""
        self._waiting.append((make, done))

    def run(self) -> None:
        """Until nothing waits and nothing runs. Whatever ends it, no child is left behind."""
        try:
            while self._waiting or self._running:
                while self._waiting and len(self._running) < self._jobs:
                    make, done = self._waiting.pop()
                    trial = make()
                    reader, child = _start(self._plan, trial)
                    patience = PATIENCE + 5 * sum(trial.tests.values())
                    self._running[reader] = (child, time.monotonic() + patience, done)
                self._wait()
        finally:
            for child, _, _ in self._running.values():
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)

    def _wait(self) -> None:
        nearest = min(deadline for _, deadline, _ in self._running.values())
        ready, _, _ = select.select(list(self._running), [], [], max(0.0, nearest - time.monotonic()))
        for reader in ready:
            self._finish(reader, None)
        for reader in [one for one, (_, deadline, _) in self._running.items() if deadline <= time.monotonic()]:
            self._finish(reader, Verdict(outcome="timeout", by="time"))

    def _finish(self, reader: int, verdict: Verdict | None) -> None:
        child, _, done = self._running.pop(reader)
        said = b"" if verdict else _everything(reader)
        os.close(reader)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # the child has said what it had to say, or never will
        os.waitpid(child, 0)
        if verdict is None:
            verdict = Verdict(**json.loads(said)) if said else Verdict(outcome="killed", by="the process died")
        done(verdict)


def _everything(reader: int) -> bytes:
    parts: list[bytes] = []
    while part := os.read(reader, 65536):
        parts.append(part)
    return b"".join(parts)


def _start(plan: Plan, trial: Trial) -> tuple[int, int]:
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        return reader, child
    try:
        os.close(reader)
        os.setsid()
        silence()

        def tell(verdict: Verdict) -> None:
            os.write(writer, json.dumps({"outcome": verdict.outcome, "by": verdict.by}).encode())

        tell(_judge(plan, trial, tell))
    finally:
        os._exit(0)


def _judge(plan: Plan, trial: Trial, tell: Callable[[Verdict], None]) -> Verdict:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    path = str(plan.source / trial.mutant.module)
    loader = _Loader(plan.import_name(trial.mutant.module), path, trial.mutant.code(path))
    sys.meta_path.insert(0, _Finder(loader))
    bench = _Bench(trial, plan.looping, tell)
    files = sorted({name.split("::")[0] for name in trial.tests})
    status = pytest.main([*QUIET, "-x", *files], plugins=[bench])
    if bench.failed:
        return Verdict(outcome="killed", by=bench.failed)
    if status in STARTED:
        return Verdict(outcome="survived")
    # No test failed, and yet it did not go well: that is no mutant's doing.
    return Verdict(outcome="broken", by=f"pytest ended with {int(status)} on {' '.join(files)}")
