"""The page that says where each rule is kept: what it names exists, and no rule of the tables is missing from it."""

import ast
import json
import re
from collections import Counter
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from vestibule.policy import unsolicited
from vestibule.saml.checks import RULES, Rule

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs" / "spec-coverage.md").read_text(encoding="utf-8")
HEAD = ["rule", "written in", "function", "test"]
LATER = "not in this version"
UNTESTED = "no test yet"
MOST_UNTESTED = 0
"""How many rules may be kept without a test. It only ever goes down."""

FUNCTION = re.compile(r"([a-z_][a-z0-9_.]*):([A-Za-z_][A-Za-z0-9_.]*)")
TEST = re.compile(r"([a-z0-9_/]+\.py)::(test_[a-z0-9_]+)")
VECTORS = re.compile(r"vectors/saml/(refused/S[0-9]{2,3}|accepted/[a-z-]+)/")
PROVIDER = "Attack table S: the SAML service provider"
POSTS = {None: "any post", True: "post believed", False: "post not believed"}


class Line(NamedTuple):
    """One row of a table."""

    section: str
    rule: str
    where: str
    functions: str
    tests: str


def _lines() -> list[Line]:
    found, section = [], ""
    for text in PAGE.splitlines():
        if text.startswith("## "):
            section = text.removeprefix("## ")
        elif text.startswith("|"):
            cells = [cell.strip() for cell in text.strip("|").split("|")]
            assert len(cells) == len(HEAD), text
            if cells != HEAD and set(text) != set("|-"):
                found.append(Line(section, *cells))
    return found


LINES = _lines()


def named(cell: str) -> list[str]:
    """What a cell names, in backticks."""
    return re.findall(r"`([^`]*)`", cell)


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of the tests in a file below `tests`, those of its classes too."""
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for body in bodies for node in body if isinstance(node, functions))


def function(name: str) -> Any:
    """The function, method or class of `module:name`."""
    match = FUNCTION.fullmatch(name)
    assert match, f"{name} is not module:name"
    found: Any = import_module(f"vestibule.{match[1]}")
    for part in match[2].split("."):
        found = getattr(found, part)
    return found


def test_every_section_has_rows_and_no_row_is_empty_or_told_twice() -> None:
    sections = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    assert sections == list(dict.fromkeys(line.section for line in LINES))
    assert all(all(line) for line in LINES)
    assert [one for one, count in Counter((line.section, line.rule) for line in LINES).items() if count > 1] == []


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.rule[:60])
def test_what_a_row_names_exists(line: Line) -> None:
    """A function that can be called, below `vestibule`; a test that is run, below `tests`."""
    later = line.functions.startswith(LATER)
    assert later is line.tests.startswith(LATER)
    if not later:
        assert named(line.functions)
        assert named(line.tests) or line.tests == UNTESTED
    for name in named(line.functions):
        assert callable(function(name)), name
    for name in named(line.tests):
        if VECTORS.fullmatch(name):
            assert json.loads((TESTS / name / "vectors.json").read_text(encoding="utf-8"))["vectors"], name
            continue
        match = TEST.fullmatch(name)
        assert match, f"{name} is neither path::name nor a directory of vectors"
        assert match[2] in names_in(match[1]), name


def test_rules_without_a_test_become_fewer() -> None:
    """Whoever writes one of the missing tests lowers the number."""
    assert len([line for line in LINES if line.tests == UNTESTED]) <= MOST_UNTESTED


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_of_a_response_is_covered(rule: Rule) -> None:
    """With its own sentence, citation and function, so that the page cannot say otherwise than the code."""
    (line,) = (line for line in LINES if line.rule == f"`{rule.name}`: {rule.sentence}")
    assert f"[{line.where}]" == rule.cite
    assert [function(name) for name in named(line.functions)] == [rule.check]
    assert named(line.tests)


@pytest.mark.parametrize("row", unsolicited.LADDER, ids=lambda row: f"{row.mode}-{row.delivery}-{row.protocol}")
def test_every_row_of_the_ladder_is_covered(row: unsolicited.Row) -> None:
    """With everything that it decides."""
    decision = row.decision
    told = (
        f"`{row.mode.value}`, `{row.delivery.value}`, `{row.protocol.value}`, {POSTS[row.post_trusted]}: "
        f"arrival `{decision.state.value}`, trust `{decision.trust.value}`, next `{decision.next.value}`, "
        f"after a yes `{decision.after.value}`"
    )
    (line,) = (line for line in LINES if line.rule == told)
    assert named(line.tests)


def test_the_tables_are_told_whole_and_nothing_besides() -> None:
    """A rule that was taken out of the code does not stay on the page."""
    sections = Counter(line.section for line in LINES)
    assert sections["SAML Profiles and Core: the rules of a response"] == len(RULES)
    assert sections["House rules: the ladder"] == len(unsolicited.LADDER)


def test_every_row_of_attack_table_s_is_told_once_and_in_order() -> None:
    """With its own vectors where there are any, so that none lies about without a row."""
    lines = {line.rule.partition(":")[0]: line for line in LINES if line.section == PROVIDER}
    assert list(lines) == [f"S{number:02}" for number in range(1, 102)]
    lying = {path.name for path in (TESTS / "vectors" / "saml" / "refused").iterdir()}
    own = {row: {name for name in named(line.tests) if "/refused/" in name} for row, line in lines.items()}
    assert {row: names for row, names in own.items() if names} == {
        row: {f"vectors/saml/refused/{row}/"} for row in lying
    }


OTHER_ATTACKS = {
    "B": ("Attack table B: the broker", 20),
    "I": ("Attack table I: identity provider for SAML applications", 12),
    "O": ("Attack table O: OpenID provider", 29),
}
"""The tables of attacks: their letter, their section, and how many rows they have."""


@pytest.mark.parametrize(
    ("letter", "number"), [(letter, n) for letter, (_, count) in OTHER_ATTACKS.items() for n in range(1, count + 1)]
)
def test_every_row_of_the_attack_tables_is_covered(letter: str, number: int) -> None:
    """Once, in its own section, with a function that keeps it and a test that holds it."""
    (line,) = (line for line in LINES if line.rule.startswith(f"{letter}{number}: "))
    assert line.section == OTHER_ATTACKS[letter][0]
    assert named(line.functions)
    assert any(f"_{letter}{number}_".lower() in name for name in named(line.tests)), "no test has the row's own name"


@pytest.mark.parametrize("letter", OTHER_ATTACKS)
def test_the_attack_tables_have_no_row_besides(letter: str) -> None:
    section, count = OTHER_ATTACKS[letter]
    assert len([line for line in LINES if line.section == section]) == count
