"""`./dev fuzz`: one document or input again, what it does not take, and the figures that it reads from libFuzzer."""

import hashlib
from pathlib import Path

import pytest
from fuzz.__main__ import main
from fuzz.targets.table import TARGETS

from fuzz import coverage


def test_one_document_is_shown_with_its_three_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    """By seed and number; a good one ends with status 0."""
    assert main(["differential", "--seed", "1", "--only", "3"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("document 3 of seed 1: shape ")
    for judge in ("profile", "signxml", "xmlsec"):
        assert f"\n{judge} " in said


def test_one_input_is_given_to_its_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a finding's file holds it."""
    file = tmp_path / hashlib.sha256(b"x").hexdigest()
    for octets, verdict in ((b"<a/>", "accepted"), (b"<a>", "refused")):
        file.write_bytes(octets)
        assert main(["xml", "--only", str(file)]) == 0
        assert capsys.readouterr().out == f"{verdict}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["nothing-like-it"],
        ["all", "--only", "1"],
        ["differential", "--only", "x"],
        ["--documents", "0"],
        ["--seed", "-1"],
        ["--minutes", "-1"],
    ],
)
def test_what_makes_no_sense_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: ./dev fuzz" in capsys.readouterr().err


def test_the_help_names_every_target(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for target in TARGETS:
        assert f" {target}" in said


def test_the_figures_are_the_last_that_were_told() -> None:
    """While it runs each line has them; at the end the executions stand alone, and are more."""
    said = (
        "#2\tINITED cov: 10 ft: 11 corp: 1/1b exec/s: 0 rss: 90Mb\n"
        "#64\tNEW    cov: 12 ft: 15 corp: 2/3b lim: 4 exec/s: 0 rss: 90Mb L: 2/2 MS: 1 ChangeBit-\n"
    )
    assert coverage.figures(said) == (64, 12, 15)
    assert coverage.figures(said + "stat::number_of_executed_units: 99\n") == (99, 12, 15)
    assert coverage.figures("it never began") == (0, 0, 0)
