"""What the provider tells everyone of itself: its metadata [OIDC Discovery 4] and its public keys [RFC 7517 5]."""

from dataclasses import dataclass

from vestibule.keys.keyring import Keyring
from vestibule.oidc import discovery


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    keyring: Keyring
    issuer: str

    def discovery(self) -> dict[str, object]:
        """The metadata document, the same under both of its addresses."""
        return discovery.document(self.issuer)

    async def jwks(self) -> dict[str, object]:
        """The key set: the next keys are in it before they sign."""
        return {"keys": await self.keyring.published()}
