"""Token revocation [RFC 7009]: an application gives back what it was given."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from vestibule.flows import backchannel
from vestibule.flows.record import Record, new_reference
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import OAuthRefused
from vestibule.ground.hashing import digest
from vestibule.model.application import Application
from vestibule.model.event import Event
from vestibule.model.grant import Grant
from vestibule.model.ids import Digest
from vestibule.store.port import GrantRevoked, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoking:
    store: Store
    clock: Clock
    entropy: Entropy

    async def revoke(self, parameters: Mapping[str, str], authorization: str | None) -> None:
        """Ends a token. A refresh token takes its whole grant with it, access tokens included [RFC 7009 2.1].

        An access token ends alone. A token that we do not know is as good as revoked [RFC 7009 2.2]; the hint about
        its type is not needed. Another client's token is refused [RFC 7009 2.1].
        """
        application = await backchannel.calling(self.store, parameters, authorization)
        token = parameters.get("token")
        if not token:
            raise OAuthRefused("invalid_request", "The request has no token [RFC 7009 2.1].")
        secret = Digest(digest(token))
        if refresh := await self.store.tokens.refresh(secret):
            grant = refresh[1]
            _check_owner(grant, application)
            await self.store.keep(GrantRevoked(id=grant.id), self._event(grant))
        elif access := await self.store.tokens.access(secret):
            kept, grant = access
            _check_owner(grant, application)
            ended = replace(kept, expires_at=min(self.clock.now(), kept.expires_at))
            await self.store.keep(ended, self._event(grant))

    def _event(self, grant: Grant) -> Event:
        record = Record(
            entropy=self.entropy,
            now=self.clock.now(),
            reference=new_reference(self.entropy),
            connection=grant.connection,
            application=grant.application,
        )
        return record.event("token.revoked", person=grant.person)


def _check_owner(grant: Grant, application: Application) -> None:
    if grant.application != application.client_id:
        raise OAuthRefused(
            "invalid_grant", "The token was given to another client [RFC 7009 2.1].", code="oidc.revocation_client"
        )
