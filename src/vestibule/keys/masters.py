"""The master keys of a process: the one that it is to have, and those that it may still need while a store is resealed."""

from collections.abc import Callable
from dataclasses import dataclass

from vestibule.ground.errors import Refused
from vestibule.ground.hashing import same
from vestibule.keys.seal import Seal

Unlock = Callable[[], tuple[bytes, ...]]
"""Gives the master keys anew, the current one first: their file may have been replaced while this process ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Masters:
    """`current` is what the store is to be sealed with; `previous` opens what is not resealed yet.

    A process seals with the one that the store is sealed with at that moment, so that every other process opens it too.
    """

    current: Seal
    previous: tuple[Seal, ...] = ()

    @classmethod
    def of(cls, keys: tuple[bytes, ...]) -> "Masters":
        """From master keys, the current one first."""
        first, *others = (Seal(master_key=key) for key in keys)
        return cls(current=first, previous=tuple(others))

    @property
    def all(self) -> tuple[Seal, ...]:
        return (self.current, *self.previous)

    def under(self, check: str | None) -> Seal | None:
        """The one whose check this is."""
        return next((seal for seal in self.all if check is not None and same(seal.check, check)), None)

    def opened(self, sealed: bytes, *, about: str) -> str:
        """What any of them opens. Raises `Refused("keys.unsealable")`."""
        for seal in self.previous:
            try:
                return seal.open(sealed, about=about)
            except Refused:
                continue
        return self.current.open(sealed, about=about)
