"""`vestibule test` and `vestibule trace`: what the operator reads, and that only a passed test ends with 0."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.house import CommandLine, MemoryHouse
from tests.flows.configuring import WITHOUT_SAML

from vestibule.ground.errors import Finding
from vestibule.model.event import Event
from vestibule.model.ids import ConnectionId, Reference
from vestibule.model.rehearsal import Rehearsal
from vestibule.settings.process import Settings
from vestibule.store.port import Store

PASSED = Finding(rule="saml.audience", verdict="pass", why="The audience is ours.", want="a", got="a")
FAILED = Finding(rule="saml.recipient", verdict="fail", why="It is for another ACS.", want="ours", got="theirs")


@dataclass
class Answering(CommandLine):
    """A command line whose tests are answered as soon as they are kept (`answer`), or else run out."""

    answer: dict[str, Any] = field(default_factory=dict)

    @asynccontextmanager
    async def open(self, settings: Settings) -> AsyncIterator[MemoryHouse]:
        async with super().open(settings) as house:
            answered = asyncio.create_task(self._answer(house.store))
            yield house
            await answered

    async def _answer(self, store: Store) -> None:
        kept = None
        while kept is None:  # the command has not asked for the test yet
            await asyncio.sleep(0)
            kept = await self._kept(store)
        if self.answer:
            await store.keep(replace(kept, finished_at=self.clock.now(), **self.answer))
        else:
            self.clock.advance(timedelta(minutes=10))

    async def _kept(self, store: Store) -> Rehearsal | None:
        return next(iter(self.seen), None)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.seen: list[Rehearsal] = []
        self.bench.apply(WITHOUT_SAML)
        keep = self.bench.store.keep

        async def watched(*records: Any) -> None:
            self.seen.extend(record for record in records if isinstance(record, Rehearsal))
            await keep(*records)

        self.bench.store.keep = watched  # type: ignore[method-assign]


def test_a_passed_test_shows_link_checks_and_claims_and_ends_with_0(tmp_path: Path) -> None:
    line = Answering(tmp_path, answer={"claims": {"email": "ada@acme.example"}, "trace": (PASSED,)})
    result = line.run("test", "acme")
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"https://login.example/login/test/{line.seen[0].id}" in result.stdout
    assert "pass  saml.audience  The audience is ours." in result.stdout
    assert "email: ada@acme.example" in result.stdout
    assert result.stdout.rstrip().endswith("The test sign-in passed.")
    assert "tile" not in result.stdout


def test_a_refused_test_shows_what_was_expected_and_found_and_ends_with_1(tmp_path: Path) -> None:
    line = Answering(tmp_path, answer={"refused": "saml.recipient: It is for another ACS.", "trace": (PASSED, FAILED)})
    result = line.run("test", "acme")
    assert result.exit_code == 1
    assert "FAIL  saml.recipient  It is for another ACS." in result.stdout
    assert "expected: ours" in result.stdout
    assert "found: theirs" in result.stdout
    assert "It failed. saml.recipient: It is for another ACS." in result.stdout


def test_what_an_identity_provider_says_is_shown_tamed(tmp_path: Path) -> None:
    answer = {"claims": {"name\x1b": "Ada\x9b\n"}, "refused": "why\u202e", "trace": (PASSED,)}
    shown = Answering(tmp_path, answer=answer).run("test", "acme").stdout
    assert "name\\x1b: Ada\\x9b\\x0a" in shown
    assert "It failed. why⟨U+202E⟩" in shown


def test_an_idp_initiated_test_says_to_click_the_tile(tmp_path: Path) -> None:
    line = Answering(tmp_path, answer={"trace": (PASSED,)})
    result = line.run("test", "acme", "--idp-initiated", "--application", "crm")
    assert result.exit_code == 0
    assert "click the tile for Acme Corp" in result.stdout
    assert line.seen[0].idp_initiated


def test_a_test_that_nobody_answers_ends_with_1(tmp_path: Path) -> None:
    result = Answering(tmp_path).run("test", "acme")
    assert result.exit_code == 1
    assert "rule: rehearsal.expired" in result.stderr


def test_an_unknown_connection_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    line.bench.apply(WITHOUT_SAML)
    result = line.run("test", "nobody")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There are: acme." in result.stderr
    assert "rule: rehearsal.no_connection" in result.stderr


@pytest.fixture
def traced(tmp_path: Path) -> CommandLine:
    line = CommandLine(tmp_path)
    event = Event(
        id="1",
        at=line.clock.now(),
        kind="login.refused",
        reference=Reference("ABCDE-FGHIJ"),
        code="saml.recipient",
        connection=ConnectionId("con_acme"),
        detail={"why": "It is for another ACS."},
        trace=(PASSED, FAILED),
    )
    later = replace(event, id="2", at=event.at + timedelta(seconds=1), kind="login.succeeded", code=None, trace=())
    asyncio.run(line.bench.store.keep(later, event))
    return line


@pytest.mark.parametrize(
    "reference", ["ABCDE-FGHIJ", " abcde-fghij ", "abcdefghij", "AB CDE FG-HIJ", "A8CDE\u2013FGH1J"]
)
def test_trace_shows_what_happened_in_order_with_the_evidence(traced: CommandLine, reference: str) -> None:
    """A reference that was read out on the telephone is found however it is written."""
    result = traced.run("trace", reference)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "2026-03-02 09:00:00 UTC  login.refused  saml.recipient",
        "  connection: con_acme",
        "  why: It is for another ACS.",
        "  pass  saml.audience  The audience is ours.",
        "  FAIL  saml.recipient  It is for another ACS.",
        "          expected: ours",
        "          found: theirs",
        "",
        "2026-03-02 09:00:01 UTC  login.succeeded",
        "  connection: con_acme",
        "  why: It is for another ACS.",
    ]


def test_an_unknown_reference_is_refused(traced: CommandLine) -> None:
    result = traced.run("trace", "nothing")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "rule: trace.unknown" in result.stderr
