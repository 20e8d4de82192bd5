"""The budgets' last clauses: moments at the bounds, who is forgotten first, and addresses asked for the first time."""

import pytest

from vestibule.policy.budget import Budget, Purses, Tellings, per_minute, spender


@pytest.mark.parametrize(
    ("address", "who"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("2001:db8:9:9:ffff:ffff:ffff:ffff", "2001:db8:9:9::/64"),
        ("2001:db8:9:a::", "2001:db8:9:a::/64"),
        ("no address", "unknown"),
    ],
)
def test_an_address_is_judged_afresh_as_it_was_remembered(address: str, who: str) -> None:
    """What is remembered of addresses is for speed alone."""
    spender.cache_clear()
    assert spender(address) == who
    assert spender(address) == who


def test_between_two_the_wait_is_none_and_never_less() -> None:
    """Half of the next one has come back: there is one to spend, and no time is owed."""
    some = Purses(Budget(burst=2, rate=1.0), most=10)
    for _ in range(2):
        some.spend("a", 0.0)
    assert [some.wait("a", moment) for moment in (0.5, 1.0, 1.5, 2.0)] == [0.5, 0.0, 0.0, 0.0]


def test_as_many_purses_as_allowed_are_kept_and_the_oldest_goes_first() -> None:
    """At the bound and one past it; the newest is the one that a flood comes from."""
    some = Purses(Budget(burst=1, rate=1.0), most=3)
    for name in ("a", "b", "c"):
        some.spend(name, 0.0)
    assert len(some) == 3
    some.spend("d", 0.0)
    assert len(some) == 3
    assert [some.wait(name, 0.0) for name in ("a", "b", "c", "d")] == [0.0, 1.0, 1.0, 1.0]


def test_whoever_spends_again_is_no_longer_the_oldest() -> None:
    """The order is that of the last time, not of the first."""
    some = Purses(Budget(burst=1, rate=1.0), most=2)
    for name in ("a", "b", "a", "c"):
        some.spend(name, 0.0)
    assert [some.wait(name, 0.0) for name in ("a", "b", "c")] == [1.0, 0.0, 1.0]


def test_one_a_minute_is_a_limit() -> None:
    """The smallest that there is."""
    some = Purses(per_minute(1), most=10)
    some.spend("a", 0.0)
    assert len(some) == 1
    assert some.wait("a", 0.0) == 60.0


def test_the_window_begins_at_the_word_and_ends_before_its_length() -> None:
    """At the same moment it is not told again; a clock set back by ever so little does not silence it."""
    told = Tellings(window=10, most=5)
    assert told.again("a", 100.0) == 0
    assert [told.again("a", moment) for moment in (100.0, 100.5, 109.9)] == [None, None, None]
    assert told.again("a", 110.0) == 3
    assert told.again("a", 109.5) == 0
    assert told.again("a", 109.5) is None


def test_as_many_are_remembered_as_having_been_told_as_allowed() -> None:
    """At the bound and one past it; the oldest word is forgotten first, and a new one about it is told at once."""
    told = Tellings(window=10, most=3)
    for name in ("a", "b", "c"):
        assert told.again(name, 0.0) == 0
    assert len(told) == 3
    assert told.again("a", 11.0) == 0, "a is told of last now, and b is the oldest"
    assert told.again("d", 11.0) == 0
    assert len(told) == 3
    assert [told.again(name, 11.0) for name in ("a", "c", "d")] == [None, 0, None]
