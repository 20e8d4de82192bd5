"""Growth, endurance, invalidation: who signs in is spread as it is said, and the verdicts are those of the figures."""

from collections import Counter
from itertools import islice

from bench.growth import Grown, draws
from bench.invalidation import Noticed
from bench.ours import ACCEPT
from tests.bench.found import cell

from bench import growth, invalidation


def test_even_draws_reach_everybody_and_favour_nobody() -> None:
    counts = Counter(islice(draws(10, zipf=False), 10_000))
    assert set(counts) == set(range(10))
    assert max(counts.values()) < 1.2 * min(counts.values())


def test_zipf_draws_favour_the_first_by_rank() -> None:
    counts = Counter(islice(draws(1000, zipf=True), 20_000))
    assert max(counts) < 1000
    assert 1.7 < counts[0] / counts[1] < 2.3
    assert 8 < counts[0] / counts[9] < 13


def grown(says: str, cpu: float) -> Grown:
    cells = {ACCEPT: [cell("Vestibule, SQLite", ACCEPT, cpu=cpu)]}
    return Grown(engine="Vestibule, SQLite", says=says, cells=cells, start_seconds=0.8, memory_mb=90, people_added=0)


def test_a_tenth_more_than_the_base_is_within_and_more_is_not() -> None:
    lines = growth.table(
        [grown("base", 1.0), grown("more", 1.10), grown("much", 1.12), grown("less", 0.5)]
    ).splitlines()
    rows = {line.split()[0]: line.split() for line in lines[2:]}
    assert "yes" not in rows["base"]
    assert ("yes" in rows["more"], "no" in rows["much"], "yes" in rows["less"]) == (True, True, True)


def test_the_databases_own_work_is_part_of_the_cost() -> None:
    assert growth.cost([cell("Vestibule, PostgreSQL", ACCEPT, cpu=1.0)]) == 1.25


def test_the_slowest_repeat_decides() -> None:
    quick = Noticed(engine="SQLite", seconds=(0.5, 5.0))
    slow = Noticed(engine="SQLite", seconds=(0.5, 0.5, 5.1))
    assert (quick.reached, slow.reached) == (True, False)
    assert "SQLite: median 0.50, worst of 3 5.10; goal at most 5: not reached" in invalidation.table([slow])
