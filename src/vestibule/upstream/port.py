"""What every upstream protocol must do: put its validated statement into our words, and ask for one."""

from datetime import datetime
from typing import Protocol, TypeVar

from vestibule.model.answer import Send
from vestibule.model.authentication import Authentication
from vestibule.model.connection import Connection

Valid_contra = TypeVar("Valid_contra", contravariant=True)
Signer_contra = TypeVar("Signer_contra", contravariant=True)


class Translate(Protocol[Valid_contra]):
    """A validated statement of the connection's identity provider, as an Authentication."""

    def __call__(self, valid: Valid_contra, connection: Connection) -> Authentication: ...


class Ask(Protocol[Signer_contra]):
    """Sends a browser to the connection's identity provider. Pure: the flow remembers what was asked before it sends."""

    def __call__(
        self,
        connection: Connection,
        issuer: str,
        *,
        id: str,
        now: datetime,
        force_authn: bool = False,
        subject_hint: str | None = None,
        relay_state: str | None = None,
        signer: Signer_contra | None = None,
    ) -> Send: ...
