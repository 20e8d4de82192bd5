"""The token endpoint [RFC 6749 3.2]: a code or a refresh token becomes tokens, once."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from vestibule.downstream.lifetimes import Lifetimes
from vestibule.downstream.oidc import is_public, signed_id_token
from vestibule.flows import backchannel
from vestibule.flows.backchannel import Standing
from vestibule.flows.record import Record, keep_refusal, new_reference
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import OAuthRefused
from vestibule.ground.hashing import digest
from vestibule.keys.keyring import Keyring
from vestibule.model.application import Application
from vestibule.model.connection import Connection
from vestibule.model.grant import AccessToken, Code, Grant, RefreshToken
from vestibule.model.ids import Digest
from vestibule.oidc import client_auth, names, tokens
from vestibule.oidc import code as law
from vestibule.policy.mapping import as_of_now
from vestibule.store.port import GrantRevoked, Store

GRACE = timedelta(seconds=10)
"""Within this time a refresh token that comes again is refused and nothing more: two tabs refresh at once, or an answer
was lost. Later it is theft, and the family dies [RFC 9700 4.14.2]. Whoever comes second gets nothing in either case."""

TokenResponse = dict[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeeming:
    store: Store
    keyring: Keyring
    clock: Clock
    entropy: Entropy
    issuer: str
    lifetimes: Lifetimes

    async def redeem(self, parameters: Mapping[str, str], authorization: str | None) -> TokenResponse:
        """The token response [RFC 6749 5.1]. `authorization` is the request's header of that name.

        Raises `OAuthRefused` for the client. The client proves itself before anything else is looked at.
        """
        try:
            application = await backchannel.calling(self.store, parameters, authorization)
        except OAuthRefused as refused:
            await self._wrong_client(refused, parameters, authorization)
            raise
        kind = parameters.get("grant_type") or None
        if kind is None:
            raise OAuthRefused("invalid_request", "The request has no grant_type [RFC 6749 4.1.3].")
        if kind not in names.GRANT_TYPES:
            raise OAuthRefused(
                "unsupported_grant_type",
                "This grant_type is not supported [RFC 6749 5.2].",
                want=", ".join(names.GRANT_TYPES),
                got=kind,
            )
        if kind not in application.grant_types:
            raise OAuthRefused(
                "unauthorized_client",
                "The application is not registered for this grant_type [RFC 6749 5.2]; add it to its grant_types.",
                want=", ".join(application.grant_types),
                got=kind,
            )
        if kind == names.AUTHORIZATION_CODE:
            return await self._code(application, parameters)
        return await self._refresh(application, parameters)

    async def _wrong_client(
        self, refused: OAuthRefused, parameters: Mapping[str, str], authorization: str | None
    ) -> None:
        """A known application that could not prove itself: whoever configured it looks for the reason here."""
        with suppress(OAuthRefused):
            named = client_auth.present(authorization, parameters).client_id
            application = await self.store.configured.application(named)
            if application is not None:
                record = Record(entropy=self.entropy, now=self.clock.now(), reference=new_reference(self.entropy))
                record.application = application.client_id
                await keep_refusal(self.store, record, refused, "client.refused")

    # -- authorization_code ------------------------------------------------------------------------------------------

    async def _code(self, application: Application, parameters: Mapping[str, str]) -> TokenResponse:
        """A code that was given, and what became of it: redeemed, reused or refused, an event says so."""
        secret = Digest(digest(_required(parameters, "code")))
        code = await self.store.codes.find(secret)
        if code is None:
            raise _refused("The code is unknown, or long gone [RFC 6749 5.2]; start again.", "oidc.code_unknown")
        try:
            return await self._redeem(code, application, parameters)
        except OAuthRefused as refused:
            if refused.code != "oidc.code_reused":  # that one is audited with what it revoked
                await keep_refusal(self.store, self._record(code.grant, self.clock.now()), refused)
            raise

    async def _redeem(self, code: Code, application: Application, parameters: Mapping[str, str]) -> TokenResponse:
        """Everything that can fail is asked before the one step that cannot be undone, so that no mistake burns a code."""
        law.check(
            law.CodeFacts(
                client_id=code.grant.application, redirect_uri=code.redirect_uri, code_challenge=code.code_challenge
            ),
            client_id=application.client_id,
            public=is_public(application),
            redirect_uri=parameters.get("redirect_uri") or None,
            code_verifier=parameters.get("code_verifier") or None,
        )
        now = self.clock.now()
        if code.taken_at is not None:
            raise await self._reused(code)
        if now >= code.expires_at:
            raise _refused("The code has expired [RFC 6749 4.1.2]; start again.", "oidc.code_expired")
        standing = await backchannel.standing(self.store, code.grant, application, error="invalid_grant")
        grant = _bounded(code.grant, standing.connection, self.lifetimes)
        refreshing = names.OFFLINE_ACCESS in grant.scope.split(" ") and names.REFRESH_TOKEN in application.grant_types
        refresh = self.entropy.token(32) if refreshing and now < grant.refresh_until else None
        answer, kept = await self._tokens(application, grant, grant.scope, standing, refresh, now, refreshed=False)
        event = self._record(grant, now).event("code.redeemed", person=grant.person)
        if not await self.store.codes.take(code.digest, now=now, keep=(grant, *kept, event)):
            raise await self._lost(code.digest)
        return answer

    async def _lost(self, secret: Digest) -> OAuthRefused:
        """Somebody was faster: with this very code (that is reuse), or with another one of the same arrival."""
        code = await self.store.codes.find(secret)
        if code is not None and code.taken_at is not None:
            return await self._reused(code)
        return _refused(
            "The sign-in that this code came from is over: another code of it was redeemed, or it was revoked.",
            "oidc.code_gone",
        )

    async def _reused(self, code: Code) -> OAuthRefused:
        """A code that comes twice revokes what its first redemption gave [RFC 6749 4.1.2].

        Only with the whole proof of a first redemption: a code seen in a log must not be enough to sign somebody out.
        """
        record = self._record(code.grant, self.clock.now())
        event = record.event("code.reused", code="oidc.code_reused", person=code.grant.person)
        await self.store.keep(GrantRevoked(id=code.grant.id), event)
        return _refused(
            "The code was redeemed before; all tokens of its sign-in have been revoked [RFC 6749 4.1.2].",
            "oidc.code_reused",
        )

    # -- refresh_token -----------------------------------------------------------------------------------------------

    async def _refresh(self, application: Application, parameters: Mapping[str, str]) -> TokenResponse:
        """One use a token [RFC 9700 4.14.2]: the successor keeps the whole scope, the access token may have less."""
        secret = Digest(digest(_required(parameters, "refresh_token")))
        found = await self.store.tokens.refresh(secret)
        if found is None:
            raise _refused("The refresh token is unknown, revoked or long gone.", "oidc.refresh_unknown")
        token, grant = found
        if grant.application != application.client_id:
            raise _refused("The refresh token was given to another client [RFC 6749 5.2].", "oidc.refresh_client")
        now = self.clock.now()
        if token.taken_at is not None:
            raise await self._refreshed_twice(grant, now, since=token.taken_at)
        standing = await backchannel.standing(self.store, grant, application, error="invalid_grant")
        bounded = _bounded(grant, standing.connection, self.lifetimes)
        if now >= token.expires_at or now >= bounded.refresh_until:
            raise _refused("The refresh token has expired; the person must sign in again.", "oidc.refresh_expired")
        scope = tokens.narrowed(grant.scope, parameters.get("scope"))
        successor = self.entropy.token(32)
        answer, kept = await self._tokens(application, bounded, scope, standing, successor, now, refreshed=True)
        event = self._record(grant, now).event("token.refreshed", person=grant.person)
        if not await self.store.tokens.rotate(secret, now=now, keep=(*kept, event)):
            raise await self._refreshed_twice(grant, now, since=now)
        return answer

    async def _refreshed_twice(self, grant: Grant, now: datetime, *, since: datetime) -> OAuthRefused:
        if now - since < GRACE:
            return _refused(
                "The refresh token was used a moment ago; use the one that came with that answer.",
                "oidc.refresh_used",
            )
        event = self._record(grant, now).event("refresh.reused", code="oidc.refresh_reused", person=grant.person)
        await self.store.keep(GrantRevoked(id=grant.id), event)
        return _refused(
            "The refresh token was used before; all tokens of its sign-in have been revoked [RFC 9700 4.14.2].",
            "oidc.refresh_reused",
        )

    # -- both --------------------------------------------------------------------------------------------------------

    async def _tokens(
        self,
        application: Application,
        grant: Grant,
        scope: str,
        standing: Standing,
        refresh: str | None,
        now: datetime,
        *,
        refreshed: bool,
    ) -> tuple[TokenResponse, tuple[AccessToken | RefreshToken, ...]]:
        """The response, and the records of the tokens in it. Signed before anything is taken: a failure costs nothing."""
        access = self.entropy.token(32)
        signed = None
        if names.OPENID in scope.split(" "):
            signed = signed_id_token(
                replace(grant, identity=as_of_now(grant.identity, standing.connection)),
                scope,
                standing.person,
                access_token=access,
                now=now,
                lifetimes=self.lifetimes,
                signer=await self.keyring.token_signer(application.id_token_signed_response_alg),
                issuer=self.issuer,
                refreshed=refreshed,
            )
        lifetime = self.lifetimes.access_token
        kept: list[AccessToken | RefreshToken] = [
            AccessToken(digest=Digest(digest(access)), grant=grant.id, scope=scope, expires_at=now + lifetime)
        ]
        if refresh is not None:
            idle_end = min(now + self.lifetimes.refresh_idle, grant.refresh_until)
            kept.append(
                RefreshToken(digest=Digest(digest(refresh)), grant=grant.id, created_at=now, expires_at=idle_end)
            )
        answer = tokens.response(
            access_token=access,
            expires_in=int(lifetime.total_seconds()),
            scope=scope,
            id_token=signed,
            refresh_token=refresh,
        )
        return answer, tuple(kept)

    def _record(self, grant: Grant, now: datetime) -> Record:
        return Record(
            entropy=self.entropy,
            now=now,
            reference=new_reference(self.entropy),
            connection=grant.connection,
            application=grant.application,
        )


def _bounded(grant: Grant, connection: Connection, lifetimes: Lifetimes) -> Grant:
    """The grant within what its connection allows now: `refresh_max` counts from the sign-in, and may be lowered later."""
    if connection.refresh_max is None:
        return grant
    until = min(grant.refresh_until, grant.created_at + timedelta(seconds=connection.refresh_max))
    return replace(grant, refresh_until=until, expires_at=until + lifetimes.code + lifetimes.access_token)


def _required(parameters: Mapping[str, str], name: str) -> str:
    value = parameters.get(name)
    if not value:
        raise OAuthRefused("invalid_request", f"The request has no {name} [RFC 6749 5.2].")
    return value


def _refused(why: str, code: str) -> OAuthRefused:
    return OAuthRefused("invalid_grant", why, code=code)
