"""What follows from frozen values is made once for the same objects, and anew for any others."""

import gc

import pytest

from vestibule.ground.errors import Refused
from vestibule.ground.remembered import Remembered


class Thing:
    """Equal to every other one, so that only identity can tell them apart."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


def test_the_same_objects_and_texts_are_judged_once() -> None:
    memory, one, other = Remembered[object](), Thing(), Thing()
    made = memory.get(object, one, other, names=("a",))
    assert memory.get(object, one, other, names=("a",)) is made


def test_another_object_text_or_order_is_judged_anew() -> None:
    memory, one, other = Remembered[object](), Thing(), Thing()
    made = memory.get(object, one, other, names=("a",))
    for values, names in (((one, Thing()), ("a",)), ((other, one), ("a",)), ((one,), ("a",)), ((one, other), ("b",))):
        assert memory.get(object, *values, names=names) is not made
    assert memory.get(object, one, other, names=("a",)) is made


def test_no_object_comes_to_stand_for_one_that_is_gone() -> None:
    """An identity may be given again once its object is gone: so none goes while something is remembered of it."""
    memory = Remembered[int](most=10_000)
    for number in range(5_000):
        assert memory.get(lambda number=number: number, Thing()) == number  # type: ignore[misc]
    gc.collect()
    assert memory.get(lambda: -1, Thing()) == -1


def test_only_so_many_are_kept() -> None:
    memory, things = Remembered[object](most=3), [Thing() for _ in range(4)]
    made = [memory.get(object, thing) for thing in things[:3]]
    assert [memory.get(object, thing) for thing in things[:3]] == made
    memory.get(object, things[3])
    assert memory.get(object, things[0]) is not made[0]


def test_a_refusal_is_not_remembered() -> None:
    memory, thing = Remembered[str](), Thing()

    def refuse() -> str:
        raise Refused("x.y", "No.")

    with pytest.raises(Refused) as refused:
        memory.get(refuse, thing)
    assert refused.value.code == "x.y"
    assert memory.get(lambda: "made", thing) == "made"
