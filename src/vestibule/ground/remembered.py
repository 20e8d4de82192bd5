"""What follows from frozen values, remembered for as long as the very same values are asked about."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """What a pure function made of values that cannot change.

    A configuration is read once and judged at every login: the same objects, the same judgement. Objects are told apart
    by identity, not by what they say: that costs nothing, and one that was read anew, changed or not, is judged anew. They are
    kept together with what was made of them, so that no other object can come to have the identity of one that is gone.
    """

    def __init__(self, most: int = 4096) -> None:
        """`most` results are kept, the ones that were made last."""
        self._most = most
        self._kept: dict[tuple[object, ...], tuple[tuple[object, ...], T]] = {}

    def get(self, make: Callable[[], T], *values: object, names: tuple[str, ...] = ()) -> T:
        """What `make` returns for these objects and these texts, made now or at an earlier time. What it raises is not kept."""
        key = (*map(id, values), *names)
        kept = self._kept.get(key)
        if kept is not None:
            return kept[1]
        made = make()
        if len(self._kept) >= self._most:
            self._kept.pop(next(iter(self._kept)), None)
        self._kept[key] = (values, made)
        return made
