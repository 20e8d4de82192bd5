"""Randomness as a thing that is handed in: unguessable names come from here, and tests can foresee them."""

from typing import Protocol


class Entropy(Protocol):
    """A source of unguessable bytes, and of names made from them."""

    def bytes(self, count: int) -> bytes:
        """`count` random bytes from a cryptographically strong source."""
        ...

    def token(self, count: int = 32) -> str:
        """`count` random bytes as unpadded base64url text."""
        ...
