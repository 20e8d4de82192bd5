"""What others wrote, on the operator's terminal: shown as evidence, never obeyed."""

import asyncio
import dataclasses
from pathlib import Path

import pytest
from tests.cli.house import CommandLine

from vestibule.cli import show
from vestibule.flows.configuration import Applied
from vestibule.ground.errors import ConfigurationRefused, Fault, Finding, Refused
from vestibule.model.event import Event
from vestibule.model.ids import ClientId, ConnectionId, Reference

EVIL = "a\x1b[2J\x9b1m\nfake: line\u2028\u202eb"
TAMED = "a\\x1b[2J\\x9b1m\\x0afake: line⟨U+2028⟩⟨U+202E⟩b"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Zoë Müller 東京 👍", "Zoë Müller 東京 👍"),
        ("\x00\t\r\x7f", "\\x00\\x09\\x0d\\x7f"),
        ("\x80\x9f", "\\x80\\x9f"),
        ("\u2029\u2066\u200f\u061c\ufeff", "⟨U+2029⟩⟨U+2066⟩⟨U+200F⟩⟨U+061C⟩⟨U+FEFF⟩"),
        ("\ud800\U000e0041", "⟨U+D800⟩⟨U+E0041⟩"),
        (["a\x1b"], "['a\\\\x1b']".replace("\\\\", "\\")),
        ("x" * 1000, "x" * 1000),
        ("x" * 1001, "x" * 1000 + "… (1001 characters)"),
        (EVIL, TAMED),
    ],
)
def test_a_value_is_one_line_that_moves_nothing(given: object, shown: str) -> None:
    assert show.plain(given) == shown


def test_findings_show_every_value_tamed() -> None:
    found = show.findings([Finding(rule=EVIL, verdict="fail", why=EVIL, want=EVIL, got=EVIL)])
    assert found.splitlines() == [
        f"  FAIL  {TAMED}  {TAMED}",
        f"          expected: {TAMED}",
        f"          found: {TAMED}",
    ]
    assert show.findings([Finding(rule="a", verdict=EVIL)]) == f"  {TAMED}  a"


def test_refusals_show_every_value_tamed() -> None:
    assert show.refusal(Refused("a.b", EVIL, want=EVIL, got=EVIL)).splitlines() == [
        f"Refused: {TAMED}",
        "  rule: a.b",
        f"  expected: {TAMED}",
        f"  found: {TAMED}",
    ]
    faults = ConfigurationRefused([Fault(path=EVIL, code="a.b", message=EVIL)])
    assert show.refusal(faults).splitlines()[1:] == [f"  {TAMED}: {TAMED}", "      rule: a.b"]


def test_what_was_applied_is_shown_tamed() -> None:
    result = Applied(created=(EVIL,), changed=(EVIL,), unchanged=(EVIL,), secrets={ClientId(EVIL): "s"}, risks=(EVIL,))
    shown = show.applied(result, dry_run=False)
    assert shown.count(TAMED) == 5
    assert len(shown.splitlines()) == 5


def test_a_trace_shows_every_value_tamed(tmp_path: Path) -> None:
    line = CommandLine(tmp_path)
    event = Event(
        id="1",
        at=line.clock.now(),
        kind=EVIL,
        reference=Reference("ABCDE-FGHIJ"),
        code=EVIL,
        connection=ConnectionId(EVIL),
        detail={EVIL: EVIL},
        trace=(Finding(rule="a", verdict="pass", why=EVIL),),
    )
    asyncio.run(line.bench.store.keep(event, dataclasses.replace(event, id="2", trace=())))
    assert line.run("trace", "ABCDE-FGHIJ").stdout.splitlines()[:4] == [
        f"2026-03-02 09:00:00 UTC  {TAMED}  {TAMED}",
        f"  connection: {TAMED}",
        f"  {TAMED}: {TAMED}",
        f"  pass  a  {TAMED}",
    ]
