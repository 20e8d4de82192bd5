"""The mutants of a source text: which clauses are found, how each is changed, and by what words it is known."""

import pytest
from mutants.clauses import mutants

CHANGES: list[tuple[str, set[str]]] = [
    ("def f(a: int) -> None:\n    if a < 3:\n        g()", {"a < 3 → True", "a < 3 → False", "a < 3 → a <= 3", "a < 3 → a < 4", "a < 3 → a < 2"}),
    ("def f(a, b):\n    x = a and b and g(a)", {"a and b and g(a) → b and g(a)", "a and b and g(a) → a and g(a)", "a and b and g(a) → a and b"}),
    ("def f(a, b):\n    return (x for x in a if x)", {"x → True", "x → False"}),
    ("def f(a):\n    x = not a", {"not a → a"}),
    ("def f(a, b):\n    x = a == b", {"a == b → a != b"}),
    ("def f(a, b):\n    x = a in b", {"a in b → a not in b"}),
    ("def f(a, b):\n    x = a is b", {"a is b → a is not b"}),
    ("def f(a, b):\n    x = a <= b < c", {"a <= b < c → a < b < c", "a <= b < c → a <= b <= c"}),
    ("def f(a):\n    a()\n    raise a", {"a() → (removed)", "raise a → (removed)"}),
    ("def f(a):\n    if a:\n        raise a", {"a → True", "a → False"}),
    ("def f(a) -> bool:\n    return g(a)", {"return g(a) → return not g(a)"}),
    ("def f(a) -> int | None:\n    return a", {"return a → return None"}),
    ("def f(a):\n    return any(a)", {"any(a) → all(a)"}),
    ("def f(a):\n    return min(a)", {"min(a) → max(a)"}),
    ("def f(a):\n    return a.strip()", {"a.strip() → a"}),
    ("def f(a):\n    return P.fullmatch(a)", {"P.fullmatch(a) → P.match(a)"}),
    ("def f(a, b):\n    for x in a:\n        b = x", {"for x in a → (never)"}),
    ("def f(a):\n    return g(limit=limit)", {"g(limit=limit) → g()"}),
    ("def f(a, b=False): ...", {"default False → True"}),
    ("def f(a, b):\n    return a + b", {"a + b → a - b"}),
    ("def f(a):\n    return a[1:]", {"1: → :", "1: → 2:", "1: → 0:"}),
    ("def f(a):\n    try:\n        a = 'b c'\n    except (A, B):\n        a = c", {"except (A, B) → except (B,)", "except (A, B) → except (A,)", "except (A, B) → raise"}),
    ("def f(a):\n    match a:\n        case B():\n            return 'b c'\n        case _:\n            return 'c d'", {"case B() → (never)"}),
    ("def f(a):\n    raise Refused('a.b', 'What was wrong.', want=3, got=a or 1)", {"raise Refused('a.b', 'What was wrong.', want=3, got=a or 1) → (removed)", "'a.b' → 'a.bx'"}),
    ("METHODS = {'a': 1.0, 'b': 2.0}", {"'a': 1.0 → (dropped)", "'b': 2.0 → (dropped)", "{'a': 1.0, 'b': 2.0} → {'ax': 1.0, 'b': 2.0}", "{'a': 1.0, 'b': 2.0} → {'a': 1.0, 'bx': 2.0}"}),
    ("MOST = 5", {"MOST = 5 → MOST = 6", "MOST = 5 → MOST = 4"}),
    ("NAME = re.compile(r'[a-z]{0,9}', re.ASCII)", {"re.compile('[a-z]{0,9}', re.ASCII) → re.compile('[a-z]{0,9}')", "re.compile('[a-z]{0,9}', re.ASCII) → re.compile('[a-z]{1,9}', re.ASCII)", "re.compile('[a-z]{0,9}', re.ASCII) → re.compile('[a-z]{0,10}', re.ASCII)", "re.compile('[a-z]{0,9}', re.ASCII) → re.compile('[a-z]{0,8}', re.ASCII)"}),
]  # fmt: skip


@pytest.mark.parametrize(("source", "changes"), CHANGES)
def test_each_kind_of_clause_is_broken_in_each_of_its_ways(source: str, changes: set[str]) -> None:
    """No change is left out, and none is made that is not in the row."""
    assert {mutant.change for mutant in mutants("law.py", source)} == changes


@pytest.mark.parametrize(
    "source",
    [
        '"""A plate."""\nimport re',
        "Key = A | B",
        "Check = Callable[[int], str | None]",
        "@cache(size=5)\ndef f(a: Literal['x']) -> Literal['y']:\n    '''Does 5 things.'''\n    return a",
        "def f(a):\n    return f'{a} or so'",
        "def f(a):\n    return Failure('Why not.', 3, a or 'none', want=want)",
    ],
)
def test_what_decides_nothing_has_no_mutants(source: str) -> None:
    """Types, decorators, docstrings and evidence are no clauses."""
    assert mutants("law.py", source) == ()


def test_the_code_of_a_mutant_is_changed_in_one_place_alone() -> None:
    """The code that is made holds this change, and the next one's does not."""
    under, over, *_ = mutants("law.py", "A = 5\nB = 5")
    found: list[dict[str, int]] = []
    for mutant in (under, over):
        found.append({})
        exec(mutant.code("law.py"), found[-1])  # noqa: S102 two assignments of ours
    assert [(one["A"], one["B"]) for one in found] == [(6, 5), (4, 5)]


def test_a_mutant_keeps_its_name_where_its_clause_moves() -> None:
    """Blank lines before a clause change its line and nothing by which an excuse knows it; its twin is told apart."""
    source = "def f(a):\n    g(a > b)\n    g(a > b)"
    before, after = mutants("law.py", source), mutants("law.py", f"\n\n{source}")
    assert [one.id for one in before] == [one.id for one in after]
    assert [one.lines for one in before] != [one.lines for one in after]
    assert len({one.id for one in before}) == len(before)
    assert "a > b → a >= b (2)" in {one.change for one in before}


def test_what_runs_at_import_is_told_from_what_runs_when_called() -> None:
    """A table and a default are made at import, so every test that meets the module may notice them."""
    found = {mutant.change: mutant.early for mutant in mutants("law.py", "A = 5\ndef f(b=True):\n    return b[7]")}
    assert found["A = 5 → A = 6"]
    assert found["default True → False"]
    assert not found["b[7] → b[8]"]
