"""The parts of the test suite: which part a test belongs to, in which order they run, how long each took, what may be missing."""

import os
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import settings
from tests.places import migrated, place
from tests.postgres import postgres, postgres_url

__all__ = ["migrated", "place", "postgres", "postgres_url"]

# The same examples in every run, so that a red run is red again; a slow machine is no failure.
settings.register_profile("vestibule", derandomize=True, deadline=None)
settings.load_profile("vestibule")

HERE = Path(__file__).parent
PARTS = ("law", "wire", "peers", "browser")
SECONDS: dict[str, float] = defaultdict(float)


def part_of(path: Path) -> str:
    """`tests/wire`, `tests/peers` and `tests/browser` are parts of their own; all the rest is the law. It needs nothing, and
    for what it promises of PostgreSQL a PostgreSQL."""
    folder = path.relative_to(HERE).parts[0] if path.is_relative_to(HERE) and path != HERE else "law"
    return folder if folder in PARTS else "law"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", choices=("all", *PARTS), default="all", help="run one part of the suite only")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the other parts alone, without importing them."""
    wanted = config.getoption("--part")
    if wanted == "all" or HERE not in collection_path.parents:
        return None
    return True if part_of(collection_path) != wanted else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Cheapest first, so that a mistake shows before a browser has been started."""
    items.sort(key=lambda item: PARTS.index(part_of(item.path)))
    for item in items:
        if part_of(item.path) in ("peers", "browser"):
            item.add_marker(getattr(pytest.mark, part_of(item.path)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    SECONDS[part_of(HERE.parent / report.location[0])] += report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In continuous integration a skipped test is a failed run: a promise nobody looked at is not kept."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter and reporter.stats.get("skipped") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if skipped := len(terminalreporter.stats.get("skipped", ())):
        terminalreporter.write_line(
            f"{skipped} SKIPPED: what they meet is missing. `sudo tests/peers/install.sh` installs it."
        )
    if SECONDS:
        took = " · ".join(f"{part} {SECONDS[part]:.1f} s" for part in PARTS if part in SECONDS)
        terminalreporter.write_line(f"parts: {took}")
