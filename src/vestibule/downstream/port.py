"""What every response protocol must do: turn an identity of ours into an answer for one application."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self, TypeVar

from vestibule.downstream.lifetimes import Lifetimes
from vestibule.ground.entropy import Entropy
from vestibule.jose.keys import SigningKey
from vestibule.model.answer import Answer
from vestibule.model.application import Application
from vestibule.model.identity import Identity, Person
from vestibule.model.ids import ArrivalId, GrantId, Sid


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """Unguessable values for one answer: a code, an access token, and the grant's name."""

    code: str = field(repr=False)
    access_token: str = field(repr=False)
    grant: GrantId

    @classmethod
    def draw(cls, entropy: Entropy) -> Self:
        """Called by a flow, the only room that has an `Entropy`, so that the translators stay pure."""
        return cls(
            code=entropy.token(32),
            access_token=entropy.token(32),
            grant=GrantId(entropy.token(16)),
        )


Request_contra = TypeVar("Request_contra", contravariant=True)


class Translator(Protocol[Request_contra]):
    """A translator out. It is pure: what must be kept is in the answer, and the flow keeps it before it sends anything."""

    def __call__(
        self,
        request: Request_contra,
        *,
        application: Application,
        identity: Identity,
        person: Person,
        sid: Sid | None,
        arrival: ArrivalId | None,
        now: datetime,
        lifetimes: Lifetimes,
        fresh: Fresh,
        signer: SigningKey,
        issuer: str,
    ) -> Answer: ...
