"""The UserInfo endpoint [OIDC Core 5.3]: what the bearer of an access token may know of the person."""

from collections.abc import Mapping
from dataclasses import dataclass

from vestibule.flows import backchannel
from vestibule.ground.clock import Clock
from vestibule.ground.errors import OAuthRefused
from vestibule.ground.hashing import digest
from vestibule.model.ids import Digest
from vestibule.oidc import userinfo
from vestibule.policy.mapping import as_of_now
from vestibule.policy.release import release
from vestibule.store.port import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Informing:
    store: Store
    clock: Clock

    async def inform(self, authorization: str | None, form: Mapping[str, str]) -> dict[str, object]:
        """The claims. The grant must still stand: a blocked person's token answers nothing from that moment on."""
        token = userinfo.bearer(authorization, form)
        found = await self.store.tokens.access(Digest(digest(token)))
        if found is None or self.clock.now() >= found[0].expires_at:
            raise OAuthRefused(
                "invalid_token",
                "The access token is unknown, revoked or expired [RFC 6750 3.1].",
                code="oidc.access_token",
            )
        access, grant = found
        application = await self.store.configured.application(grant.application)
        standing = await backchannel.standing(self.store, grant, application, error="invalid_token")
        userinfo.check_scope(access.scope)
        return userinfo.claims(
            subject=standing.person.id, released=release(as_of_now(grant.identity, standing.connection), access.scope)
        )
