"""Which test runs which lines of the law, and for how long: so that a mutant is shown only to those who could notice it.

Every test file is run once with a tracer, and again only when it, the sources or what the tests share has changed.
"""

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from mutants.plan import Plan

QUIET = ("-q", "-p", "no:cacheprovider", "--tb=no", "-W", "ignore::pytest.PytestAssertRewriteWarning")

SLOWEST = 20.0
"""Seconds of computing, with the tracer on. A test that takes longer would be run for every mutant that it meets, and is not asked."""

Lines = dict[str, list[int]]


class TestsFail(Exception):
    """Some test fails without any mutation: then a mutant proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprints:
    """What the tests do. `tests`: file -> test -> seconds and lines; `early`: the lines that run at import or once for all.

    `libraries`: modules of others that the tests load, worth loading before a trial begins.
    """

    tests: dict[str, dict[str, tuple[float, dict[str, frozenset[int]]]]]
    early: dict[str, frozenset[int]]
    libraries: tuple[str, ...]

    def names(self) -> frozenset[str]:
        """Every test there is."""
        return frozenset(name for tests in self.tests.values() for name in tests)

    def seconds(self, test: str) -> float:
        """How long a test computes, with the tracer on."""
        return next(tests[test][0] for tests in self.tests.values() if test in tests)

    def meeting(self, module: str, lines: tuple[int, int], early: bool) -> dict[str, float]:
        """The tests that run one of these lines, with their seconds; but for the slowest.

        Of what runs at import, all tests of every file of which some test runs the module: a test that reads a table
        runs no line of it.
        """
        first, last = lines
        always = early or any(first <= line <= last for line in self.early.get(module, ()))
        found: dict[str, float] = {}
        for tests in self.tests.values():
            whole = always and any(module in touched for _, touched in tests.values())
            for name, (seconds, touched) in tests.items():
                meets = whole or any(first <= line <= last for line in touched.get(module, ()))
                if meets and seconds <= SLOWEST:
                    found[name] = seconds
        return found


class Recorder:
    """A plugin of pytest that notes the lines of the law that each test runs."""

    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources
        self.early: set[tuple[str, int]] = set()
        self.tests: dict[str, dict[str, tuple[float, set[tuple[str, int]]]]] = {}
        self._shared: dict[str, set[tuple[str, int]]] = {}
        self.failed: list[str] = []
        self._sink = self.early

    def trace(self, frame: FrameType, event: str, arg: object) -> Any:
        """What `sys.settrace` takes: follows the functions of the law alone."""
        module = self._sources.get(frame.f_code.co_filename)
        if module is None:
            return None

        def line(frame: FrameType, event: str, arg: object) -> Any:
            self._sink.add((module, frame.f_lineno))
            return line

        return line

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """One test: its lines and its time. What tests before it made the law remember is forgotten."""
        self._forget()
        before, self._sink = self._sink, set()
        began = time.process_time()
        result = yield
        file = item.nodeid.split("::")[0]
        self.tests.setdefault(file, {})[item.nodeid] = (time.process_time() - began, self._sink)
        self._sink = before
        return result

    def _forget(self) -> None:
        """Empties the caches of the law's functions: a line that a cache jumps over would count for the first test alone."""
        for name, module in list(sys.modules.items()):
            if getattr(module, "__file__", None) in self._sources:
                for value in list(vars(module).values()):
                    if callable(forget := getattr(value, "cache_clear", None)) and value.__module__ == name:
                        forget()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        """What a fixture of a whole file runs counts for every test of the file; of a whole run, for every test."""
        if fixturedef.scope == "function":
            return (yield)
        before = self._sink
        file = request.node.nodeid.split("::")[0]
        self._sink = self.early if fixturedef.scope == "session" else self._shared.setdefault(file, set())
        try:
            return (yield)
        finally:
            self._sink = before

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test that fails although nothing was changed."""
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot even be read."""
        if report.failed:
            self.failed.append(report.nodeid)

    def as_json(self, root: Path) -> dict[str, Any]:
        """Everything noted, for another process to read."""
        for file, tests in self.tests.items():
            for _, lines in tests.values():
                lines |= self._shared.get(file, set())
        return {
            "failed": self.failed,
            "early": _by_module(self.early),
            "tests": {
                file: {name: [round(seconds, 4), _by_module(lines)] for name, (seconds, lines) in tests.items()}
                for file, tests in self.tests.items()
            },
            "libraries": sorted(_libraries(root)),
        }


def _by_module(lines: set[tuple[str, int]]) -> Lines:
    found: Lines = {}
    for module, line in sorted(lines):
        found.setdefault(module, []).append(line)
    return found


def _libraries(root: Path) -> Iterator[str]:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        inside = file is not None and Path(file).is_relative_to(root) and "site-packages" not in file
        if file is not None and not inside and not name.startswith("_"):
            yield name


def record(plan: Plan, jobs: int) -> Footprints:
    """The footprints of all test files, those that have changed since the last time recorded afresh."""
    kept = _Kept(plan)
    stale = [file for file in plan.test_files() if not kept.is_fresh(file)]
    stale.sort(key=lambda file: -(plan.root / file).stat().st_size)
    failed: list[str] = []
    workers = [_start(plan, stale[at::jobs]) for at in range(jobs) if stale[at::jobs]]
    for child, path in workers:
        _, status = os.waitpid(child, 0)
        if status or not path.exists():
            raise TestsFail("the tests could not be run for their footprints")
        failed += kept.add(json.loads(path.read_text("utf-8")))
        path.unlink()
    kept.save()
    if failed:
        raise TestsFail(f"without any mutation fail: {', '.join(failed[:5])}")
    return kept.footprints()


def _start(plan: Plan, files: Sequence[str]) -> tuple[int, Path]:
    plan.scratch.mkdir(parents=True, exist_ok=True)
    path = plan.scratch / f"part-{hashlib.sha256(files[0].encode()).hexdigest()[:8]}.json"
    path.unlink(missing_ok=True)
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child, path
    status = 1
    try:
        silence()
        recorder = Recorder({str(plan.source / module): module for module in plan.modules()})
        threading.settrace(recorder.trace)
        sys.settrace(recorder.trace)
        pytest.main([*QUIET, *files], plugins=[recorder])
        sys.settrace(None)
        path.write_text(json.dumps(recorder.as_json(plan.root)), "utf-8")
        status = 0
    finally:
        os._exit(status)


def silence() -> None:
    """A child's words go nowhere: what it found comes back by another way."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


class _Kept:
    """The footprints on disk, each with the digest of what they depend on."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._path = plan.scratch / "footprints.json"
        sources = _digest([*sorted((plan.root / "src").rglob("*.py")), *_shared_files(plan)])
        self._common = f"{sources} {' '.join(plan.law)}"
        try:
            self._data = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            self._data = {}
        if self._data.get("common") != self._common:
            self._data = {"common": self._common, "digests": {}, "tests": {}, "early": {}, "libraries": []}

    def is_fresh(self, file: str) -> bool:
        return bool(self._data["digests"].get(file) == _digest([self._plan.root / file]))

    def add(self, found: dict[str, Any]) -> list[str]:
        """Keeps what was found of all files but those in which a test failed; the names of such tests come back."""
        failing = {name.split("::")[0] for name in found["failed"]}
        for file, tests in found["tests"].items():
            if file in failing:
                continue
            self._data["tests"][file] = tests
            self._data["digests"][file] = _digest([self._plan.root / file])
        for module, lines in found["early"].items():
            self._data["early"][module] = sorted({*self._data["early"].get(module, ()), *lines})
        self._data["libraries"] = sorted({*self._data["libraries"], *found["libraries"]})
        return list(found["failed"])

    def save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(self._data), "utf-8")

    def footprints(self) -> Footprints:
        present = set(self._plan.test_files())
        return Footprints(
            tests={
                file: {
                    name: (seconds, {module: frozenset(lines) for module, lines in touched.items()})
                    for name, (seconds, touched) in tests.items()
                }
                for file, tests in self._data["tests"].items()
                if file in present
            },
            early={module: frozenset(lines) for module, lines in self._data["early"].items()},
            libraries=tuple(self._data["libraries"]),
        )


def _shared_files(plan: Plan) -> Iterator[Path]:
    """What test files share: builders, fixtures, vectors."""
    for path in sorted((plan.root / "tests").rglob("*")):
        passing = {"__pycache__", "node_modules"} & {*path.parts}
        if path.is_file() and not passing and not path.name.startswith("test_"):
            yield path


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
