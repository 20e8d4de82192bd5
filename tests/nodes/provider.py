"""The identity provider of all visits: it answers for every connection of one issuer."""

from bench.responses import IdentityProvider


class Provider:
    def __init__(self, issuer: str) -> None:
        self._idp = IdentityProvider()
        self._issuer = issuer
        self.certificate = self._idp.certificate

    def response(self, person: int, *, connection: str, in_response_to: str | None = None) -> bytes:
        """A fresh response about this person for the ACS of this connection."""
        return self._idp.response(
            person,
            acs=f"{self._issuer}login/callback?connection={connection}",
            audience=f"{self._issuer}saml/metadata/{connection}",
            in_response_to=in_response_to,
        )
