"""Prefixes of a PrefixList in a thread that has not met them: each is entered, or canonicalisation would leave it out."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from lxml import etree

from vestibule.xml import dictionary

OUTSIDE = etree.fromstring('<a xmlns="u:d" xmlns:far="u:f"><p:b xmlns:p="u:p"/></a>')


def in_a_new_thread(do: Callable[[], bytes]) -> bytes:
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(do).result()


@pytest.mark.parametrize(("prefix", "declared"), [("#default", b'xmlns="u:d"'), ("far", b'xmlns:far="u:f"')])
def test_a_prefix_counts_where_it_was_entered(prefix: str, declared: bytes) -> None:
    """The document was parsed elsewhere; without being entered the prefix would be left out without a word."""

    def canonical(*entered: str) -> Callable[[], bytes]:
        def do() -> bytes:
            dictionary.enter(entered)
            return etree.tostring(OUTSIDE[0], method="c14n", exclusive=True, inclusive_ns_prefixes=[prefix])

        return do

    assert declared in in_a_new_thread(canonical(prefix))
    assert declared not in in_a_new_thread(canonical("another")), "so it is the entering that makes it count"
