"""Budgets: what may be spent at once, how it comes back, who counts as one spender, and that memory stays bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.policy.budget import Budget, Purses, Tellings, per_minute, spender


def purses(burst: int = 3, rate: float = 1.0, *, most: int = 10) -> Purses:
    return Purses(Budget(burst=burst, rate=rate), most=most)


def test_the_whole_burst_may_be_spent_at_once_and_not_one_more() -> None:
    some = purses()
    for _ in range(3):
        assert some.wait("a", 0.0) == 0.0
        some.spend("a", 0.0)
    assert some.wait("a", 0.0) == 1.0
    assert some.wait("b", 0.0) == 0.0, "everybody has a purse of his own"


def test_it_comes_back_at_its_rate_and_never_beyond_the_burst() -> None:
    """At the very moment that the wait foretold, and not before."""
    some = purses(rate=0.5)
    for _ in range(3):
        some.spend("a", 0.0)
    assert some.wait("a", 0.0) == 2.0
    assert some.wait("a", 1.99) > 0.0
    assert some.wait("a", 2.0) == 0.0
    for moment in (1000.0, 1000.0, 1000.0):
        assert some.wait("a", moment) == 0.0
        some.spend("a", moment)
    assert some.wait("a", 1000.0) == 2.0


def test_asking_costs_nothing_and_leaves_nothing_behind() -> None:
    some = purses()
    for name in range(100):
        assert some.wait(name, 0.0) == 0.0
    assert len(some) == 0


def test_spending_what_is_not_there_makes_no_debt() -> None:
    """Requests that were let in together are all counted; none of them lengthens the wait."""
    some = purses()
    for _ in range(50):
        some.spend("a", 0.0)
    assert some.wait("a", 0.0) == 1.0


def test_a_clock_that_is_set_back_gives_and_takes_nothing() -> None:
    some = purses()
    some.spend("a", 1000.0)
    assert some.wait("a", 10.0) == 0.0, "two are left, whatever the clock says"
    some.spend("a", 10.0)
    some.spend("a", 10.0)
    assert some.wait("a", 10.0) == 1.0
    assert some.wait("a", 11.0) == 0.0, "it goes on from the new time, and does not wait for the old one"


def test_no_burst_is_no_limit() -> None:
    none = Purses(per_minute(0), most=10)
    for _ in range(1000):
        none.spend("a", 0.0)
    assert none.wait("a", 0.0) == 0.0
    assert len(none) == 0


def test_a_number_a_minute_is_so_many_at_once_and_so_many_a_minute() -> None:
    assert per_minute(60) == Budget(burst=60, rate=1.0)
    assert per_minute(3000) == Budget(burst=3000, rate=50.0)


def test_memory_is_bounded_and_who_spends_is_remembered() -> None:
    """A flood of spenders pushes out those that spent longest ago, not those that are spending now."""
    some = purses(most=10)
    for other in range(1000):
        some.spend("steady", 0.0)
        some.spend(other, 0.0)
        assert len(some) <= 10
    assert some.wait("steady", 0.0) > 0.0


@given(st.lists(st.floats(min_value=0, max_value=5), max_size=60), st.integers(1, 5))
def test_nobody_ever_spends_more_than_burst_and_rate_allow(pauses: list[float], burst: int) -> None:
    """Whatever the rhythm, within any time t at most burst + rate * t are let through."""
    some = purses(burst, 1.0)
    now, let_in = 0.0, 0
    for pause in pauses:
        now += pause
        if some.wait("a", now) == 0.0:
            some.spend("a", now)
            let_in += 1
        assert let_in <= burst + now + 1e-6


@pytest.mark.parametrize(
    ("address", "who"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("unknown", "unknown"),
        ("203.0.113.9.evil", "unknown"),
        ("x" * 5000, "unknown"),
    ],
)
def test_one_line_is_one_spender_and_nonsense_is_one_too(address: str, who: str) -> None:
    """An IPv6 customer has 2^64 addresses; a fresh budget for each would be no budget."""
    assert spender(address) == who


def test_one_word_a_window_is_enough() -> None:
    """The first time, then once a window, with how many there were since."""
    told = Tellings(window=10, most=5)
    assert told.again("a", 0.0) == 0
    assert [told.again("a", moment) for moment in (1.0, 5.0, 9.99)] == [None, None, None]
    assert told.again("b", 5.0) == 0
    assert told.again("a", 10.0) == 3
    assert told.again("a", 3.0) == 0, "a clock that was set back silences nobody"
    for other in range(100):
        told.again(other, 20.0)
        assert len(told) <= 5
