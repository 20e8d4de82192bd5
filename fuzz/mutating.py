"""Lists of mutators, and how a trick on a tree or a text becomes one that takes octets and gives octets."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps

import xmlsec
from lxml import etree

from fuzz.scene import NotHere, Scene, octets, text, tree
from vestibule.ground.errors import Refused

Mutator = Callable[[bytes, Scene], bytes]
OnTree = Callable[[etree._Element, Scene], None]
OnText = Callable[[str, Scene], str]


def as_mutator(trick: OnTree) -> Mutator:
    """A trick that changes the root in place, as one that takes octets and gives octets."""

    def mutator(document: bytes, scene: Scene) -> bytes:
        root = tree(document)
        try:
            trick(root, scene)
        except (ValueError, TypeError, Refused, xmlsec.Error):  # a place where a thing cannot stand, or be signed
            raise NotHere from None
        return octets(root)

    return mutator


@dataclass(frozen=True, slots=True)
class Tricks:
    """The mutators of one module by name, each listed by a decorator above it.

    `harmless` are those that leave most documents as good as they were, so that the profile goes on to say who is believed.
    """

    harmless: dict[str, Mutator] = field(default_factory=dict)
    hostile: dict[str, Mutator] = field(default_factory=dict)

    def on_tree(self, trick: OnTree, *, harmless: bool = False) -> OnTree:
        """A trick that changes the root in place."""
        (self.harmless if harmless else self.hostile)[trick.__name__] = wraps(trick)(as_mutator(trick))
        return trick

    def harmless_on_tree(self, trick: OnTree) -> OnTree:
        return self.on_tree(trick, harmless=True)

    def on_text(self, trick: OnText, *, harmless: bool = False) -> OnText:
        """A trick on the document as text."""

        @wraps(trick)
        def mutator(document: bytes, scene: Scene) -> bytes:
            return trick(text(document), scene).encode("utf-8", "surrogatepass")

        (self.harmless if harmless else self.hostile)[trick.__name__] = mutator
        return trick

    def harmless_on_text(self, trick: OnText) -> OnText:
        return self.on_text(trick, harmless=True)

    def on_octets(self, trick: Mutator) -> Mutator:
        self.hostile[trick.__name__] = trick
        return trick
