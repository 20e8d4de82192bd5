"""The practice people: two colleagues that you can be, and the attacker that you cannot."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticePerson:
    """Somebody with an account at the practice company. `email` is the NameID."""

    key: str
    name: str
    email: str
    groups: tuple[str, ...]
    role: str

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.name.split())


ADA = PracticePerson(
    key="ada",
    name="Ada Lovelace",
    email="ada@acme.example",
    groups=("Engineering", "Everyone"),
    role="Engineering. This is you.",
)
GRACE = PracticePerson(
    key="grace",
    name="Grace Hopper",
    email="grace@acme.example",
    groups=("Navy", "Everyone"),
    role="A colleague who sometimes sits at the same computer.",
)
MALLORY = PracticePerson(
    key="mallory",
    name="Mallory",
    email="mallory@acme.example",
    groups=("Everyone",),
    role="Has an honest account at Acme, and no honest plans.",
)

COLLEAGUES = {person.key: person for person in (ADA, GRACE)}
"""Whom the visitor can be."""
