"""The whole tool on a law of three lines: what is noticed, what survives, and what a written reason is worth."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAW = '''"""A law."""


def allowed(number: int) -> bool:
    return number <= 5 and number != 3
'''
TESTS = '''"""What holds."""
from sample.saml.law import allowed


def test_up_to_five():
    assert allowed(5)
    assert not allowed(6)


def test_elsewhere():
    assert allowed(1)
'''
EXCUSE = """[[excused]]
module = "saml/law.py"
where = "allowed"
changes = [{changes}]
because = "{because}"
"""
THREE = "'number <= 5 and number != 3 → number <= 5', 'number != 3 → number != 4', 'number != 3 → number != 2'"
REASON = "three is as good as any other number here"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one law, whose tests forget the number three."""
    for name, text in (
        ("src/sample/__init__.py", ""),
        ("src/sample/saml/__init__.py", ""),
        ("src/sample/saml/law.py", LAW),
        ("tests/saml/test_law.py", TESTS),
        ("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["src"]\naddopts = ["--import-mode=importlib"]\n'),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def tried(project: Path, *arguments: str, excuses: str = "") -> tuple[int, str, dict[str, str]]:
    """How the tool ended, what it printed, and what became of each change."""
    (project / "mutants").mkdir(exist_ok=True)
    (project / "mutants" / "excused.toml").write_text(excuses)
    program = (
        "import sys; from pathlib import Path; from mutants.__main__ import main; from mutants.plan import Plan; "
        f"sys.exit(main(Plan(root=Path({str(project)!r}), package='sample', law=('saml/',), rooms=('saml',), looping=1.0), sys.argv[1:]))"
    )
    found = project / "found.json"
    found.unlink(missing_ok=True)
    ended = subprocess.run(
        [sys.executable, "-c", program, "--jobs", "2", "--json", str(found), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    outcomes = {one["change"]: one["outcome"] for one in json.loads(found.read_text())} if found.exists() else {}
    return ended.returncode, ended.stdout + ended.stderr, outcomes


def test_what_a_test_notices_is_killed_and_what_none_notices_survives(project: Path) -> None:
    """The bound is held by a test; the number three by none, and the run fails for it."""
    code, said, outcomes = tried(project)
    assert code == 1
    assert {change for change, outcome in outcomes.items() if outcome == "survived"} == set(
        THREE.strip("'").split("', '")
    )
    assert outcomes["number <= 5 → number <= 4"] == "killed"
    assert outcomes["number <= 5 → number < 5"] == "killed"
    assert "number != 3 → number != 4" in said
    assert "src/sample/saml/law.py:5  allowed" in said
    assert "3 survivors, 0 stale excuses" in said


def test_a_survivor_with_a_written_reason_is_excused(project: Path) -> None:
    """With a reason for each of the three the run succeeds, and counts them apart."""
    code, said, _ = tried(project, excuses=EXCUSE.format(changes=THREE, because=REASON))
    assert (code, "0 survivors, 0 stale excuses" in said) == (0, True)


def test_an_excuse_for_what_is_noticed_or_gone_fails_the_run(project: Path) -> None:
    """An excuse is worth something only as long as its mutant stands there and survives."""
    stale = ("number <= 5 → number <= 4", "number <= 5 → number < 5", "number != 9 → number == 9")
    changes = ", ".join((THREE, *map(repr, stale)))
    code, said, _ = tried(project, excuses=EXCUSE.format(changes=changes, because=REASON))
    assert (code, "0 survivors, 3 stale excuses" in said) == (1, True)
    assert all(one in said for one in stale)


@pytest.mark.parametrize(
    "excuses",
    [
        EXCUSE.format(changes=THREE, because="equivalent"),
        EXCUSE.format(changes="", because=REASON),
        EXCUSE.format(changes=THREE, because=REASON) * 2,
        EXCUSE.format(changes=THREE, because=REASON) + "line = 6\n",
        "[[excused",
    ],
)
def test_an_excuse_that_says_nothing_is_refused(project: Path, excuses: str) -> None:
    """A reason is a sentence, a change is excused once, and a line number is no name: nothing is tried before that."""
    code, said, outcomes = tried(project, excuses=excuses)
    assert (code, outcomes) == (2, {})
    assert "excused.toml" in said


def test_tests_that_fail_by_themselves_prove_nothing(project: Path) -> None:
    """Without a mutant everything must pass, else the run ends before the first trial and says which test it was."""
    (project / "tests/saml/test_law.py").write_text(TESTS + "\n\ndef test_red():\n    assert False\n")
    code, said, outcomes = tried(project)
    assert (code, outcomes) == (2, {})
    assert "test_red" in said


def test_one_red_test_costs_no_other_file_its_footprints(project: Path) -> None:
    """The others are not run once more when it has been mended: recording them is most of what a run takes."""
    (project / "tests/saml/test_red.py").write_text("def test_red():\n    assert False\n")
    assert tried(project)[0] == 2
    kept = json.loads((project / ".dev/mutants/footprints.json").read_text())["digests"]
    assert list(kept) == ["tests/saml/test_law.py"]


def test_a_test_that_fails_by_itself_notices_nothing(project: Path) -> None:
    """It passes only behind another one. Asked alone, because only it meets the clause, it fails whatever was changed."""
    (project / "src/sample/saml/law.py").write_text(
        '"""A law."""\n\n\ndef known(name: str) -> str:\n    return name\n\n\n'
        "def allowed(number: int) -> bool:\n    return number != 3\n"
    )
    (project / "tests/saml/test_law.py").write_text(
        '"""What holds."""\nfrom sample.saml.law import allowed, known\n\nMET = []\n\n\n'
        'def test_first():\n    MET.append(known("a"))\n\n\n'
        "def test_second():\n    assert MET and sum(range(2_000_000)) and allowed(5)\n"
    )
    code, said, outcomes = tried(project)
    assert (code, outcomes["number != 3 → number != 4"]) == (1, "survived")
    assert "tests/saml/test_law.py::test_second fails by itself" in said


def test_a_mutant_that_dies_or_never_ends_is_ended(project: Path) -> None:
    """A process that dies, or turns in circles, is a verdict too, and the run goes on."""
    (project / "src/sample/saml/law.py").write_text(
        '"""A law."""\nimport os\n\n\ndef allowed(number: int) -> bool:\n'
        "    if number == 7:\n        os.abort()\n    while number == 8:\n        number = 9\n    return number <= 5\n"
    )
    code, _, outcomes = tried(project)
    assert outcomes["number == 7 → True"] == "killed"
    assert outcomes["number == 7 → False"] == "survived"
    assert outcomes["number == 8 → True"] == "timeout"
    assert code == 1


def test_one_mutant_is_tried_by_its_name(project: Path) -> None:
    """`--list` names every mutant, `--only` tries the one named, and excuses of the others are not called stale."""
    _, listed, _ = tried(project, "--list")
    named = next(line.split()[0] for line in listed.splitlines() if line.endswith("number <= 5 → number <= 4"))
    code, said, outcomes = tried(project, "--only", named, excuses=EXCUSE.format(changes=THREE, because=REASON))
    assert (code, outcomes) == (0, {"number <= 5 → number <= 4": "killed"})
    assert "0 survivors, 0 stale excuses" in said


def test_a_module_that_is_not_there_is_named(project: Path) -> None:
    """A misspelt module is no success."""
    code, said, outcomes = tried(project, "saml/lav")
    assert (code, outcomes) == (2, {})
    assert "saml/law.py" in said
