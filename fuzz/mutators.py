"""What an attacker, or a careless machine between, does to a signed document: all tricks by name."""

from fuzz import moving, relabelling, rewriting, sealing
from fuzz.mutating import Mutator

_ALL = (moving.TRICKS, relabelling.TRICKS, rewriting.TRICKS, sealing.TRICKS)
HARMLESS: dict[str, Mutator] = {name: trick for tricks in _ALL for name, trick in tricks.harmless.items()}
HOSTILE: dict[str, Mutator] = {name: trick for tricks in _ALL for name, trick in tricks.hostile.items()}
