"""The goals: each says reached exactly where its own figure is good enough, and nothing where it was not measured."""

from dataclasses import replace

from tests.bench.found import whole

from bench import goals


def verdicts(**figures: float) -> dict[str, bool | None]:
    return {goal.of: goal.reached for goal in goals.judge(whole(**figures))}


def test_a_run_that_is_good_enough_reaches_every_goal() -> None:
    assert set(verdicts().values()) == {True}


def test_each_goal_is_missed_by_its_own_figure_alone() -> None:
    for figures, missed in (
        ({"cpu": 0.751, "on_postgres": 0.9}, "accept·direct against the floor, CPU"),
        ({"peer": 101}, "accept·direct against Polis unsolicited, logins/s"),
        ({"signed": 0.701}, "accept·direct with ES256, CPU"),
        ({"on_postgres": 0.981}, "PostgreSQL against SQLite, CPU of our process"),
    ):
        assert [of for of, reached in verdicts(**figures).items() if not reached] == [missed]


def test_a_bound_itself_is_good_enough() -> None:
    assert verdicts(cpu=0.75, on_postgres=1.0, peer=100, signed=0.7) == verdicts()


def test_what_was_not_measured_is_neither_reached_nor_missed() -> None:
    alone = replace(whole(), cells=whole().cells[:2], subjects=())
    missing = {goal.of: str(goal) for goal in goals.judge(alone) if goal.reached is None}
    assert "accept·direct against Polis unsolicited, logins/s" in missing
    assert all(line.endswith("not measured in this run") for line in missing.values())


def test_memory_that_grows_in_the_second_half_is_named() -> None:
    flat = {10: 80.0, 50: 95.0, 60: 95.5, 100: 96.0}
    growing = {**flat, 100: 101.0}
    assert [goal.reached for goal in goals.endured(flat, (0.9, 0.8, 2.0), "SQLite")] == [True, True, True]
    assert [goal.reached for goal in goals.endured(growing, (1.1,), "SQLite")] == [True, False, False]
    assert goals.endured({10: 121.0}, (0.1,), "SQLite")[0].reached is False
