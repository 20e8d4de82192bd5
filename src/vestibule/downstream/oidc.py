"""The OpenID Connect translator: an authorization request and an identity become an answer [OIDC Core 3.1.2.5, 3.2.2.5]."""

from collections.abc import Mapping
from datetime import datetime

from vestibule.downstream.lifetimes import Lifetimes
from vestibule.downstream.port import Fresh
from vestibule.ground.hashing import digest
from vestibule.jose import jwt
from vestibule.jose.keys import SigningKey
from vestibule.model.answer import Answer, FormPost, Redirect, Send
from vestibule.model.application import Application, ApplicationType, ClientAuth
from vestibule.model.grant import AccessToken, Code, Grant
from vestibule.model.identity import Identity, Person
from vestibule.model.ids import ArrivalId, Digest, Sid
from vestibule.oidc import answer as response
from vestibule.oidc import id_token, names
from vestibule.oidc.answer import AuthorizationResponse
from vestibule.oidc.authorize import AuthorizationRefused, AuthorizationRequest, ClientRules
from vestibule.policy.release import release

__all__ = ["Fresh", "answer", "errand_parameters", "grant_of", "granted_scope", "refuse", "rules", "signed_id_token"]


def is_public(application: Application) -> bool:
    """Whether the application has no secret to prove itself with [RFC 6749 2.1]."""
    return application.token_endpoint_auth_method is ClientAuth.NONE


def rules(application: Application) -> ClientRules:
    """The application in OAuth's words. PKCE binds every public client, whatever its type [RFC 9700 2.1.1]."""
    return ClientRules(
        client_id=application.client_id,
        public=is_public(application),
        native=application.type is ApplicationType.NATIVE,
        redirect_uris=application.redirect_uris,
        response_types=application.response_types,
        require_pkce=application.require_pkce or application.type in (ApplicationType.SPA, ApplicationType.NATIVE),
        unsolicited_tokens=application.allow_unsolicited_tokens,
    )


def errand_parameters(application: Application, parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters of an authorization request that we make ourselves; the client is never theirs to choose."""
    return {**parameters, "client_id": application.client_id}


def answer(
    request: AuthorizationRequest,
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
) -> Answer:
    """A code, or tokens by the browser; with the records that must be kept before anything is sent.

    `arrival` is taken when the code is redeemed. Tokens that leave by the browser are spent as they are written, so
    there the caller takes the arrival itself, together with `keep`.
    """
    scope = granted_scope(request, application)
    grant = grant_of(request, application, identity, person, sid, scope, fresh=fresh, now=now, lifetimes=lifetimes)
    if request.response_type == names.CODE:
        code = Code(
            digest=Digest(digest(fresh.code)),
            grant=grant,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge,
            unsolicited=request.unsolicited,
            arrival=arrival,
            expires_at=now + lifetimes.code,
        )
        return Answer(send=send(response.success(request, issuer=issuer, code=fresh.code)), keep=(code,))
    token = fresh.access_token if request.wants(names.TOKEN) else None
    signed = None
    if request.wants(names.ID_TOKEN):
        signed = signed_id_token(
            grant, scope, person, access_token=token, now=now, lifetimes=lifetimes, signer=signer, issuer=issuer
        )
    answered = response.success(
        request,
        issuer=issuer,
        access_token=token,
        expires_in=None if token is None else int(lifetimes.access_token.total_seconds()),
        scope=None if token is None else scope,
        id_token=signed,
    )
    if token is None:
        return Answer(send=send(answered))
    kept = AccessToken(
        digest=Digest(digest(token)), grant=grant.id, scope=scope, expires_at=now + lifetimes.access_token
    )
    return Answer(send=send(answered), keep=(grant, kept))


def granted_scope(request: AuthorizationRequest, application: Application) -> str:
    """What is granted of what was asked.

    `offline_access` needs the code flow [OIDC Core 11] and an application that may refresh. Laxer than OIDC Core 11
    for first-party applications: they need no `prompt=consent`, for their operator is the one who would be asked.
    A third-party application would need the person's consent, and there is no page yet that asks for it.
    """
    may_refresh = (
        request.wants(names.CODE) and names.REFRESH_TOKEN in application.grant_types and application.first_party
    )
    return " ".join(part for part in request.scope if part != names.OFFLINE_ACCESS or may_refresh)


def grant_of(
    request: AuthorizationRequest,
    application: Application,
    identity: Identity,
    person: Person,
    sid: Sid | None,
    scope: str,
    *,
    fresh: Fresh,
    now: datetime,
    lifetimes: Lifetimes,
) -> Grant:
    """What this authorization gives. A grant without `offline_access` has no refresh family: it ends as it begins."""
    offline = names.OFFLINE_ACCESS in scope.split(" ")
    refresh_until = now + lifetimes.refresh_absolute if offline else now
    return Grant(
        id=fresh.grant,
        application=application.client_id,
        person=person.id,
        connection=identity.connection,
        identity=identity,
        scope=scope,
        sid=sid,
        nonce=request.nonce,
        created_at=now,
        refresh_until=refresh_until,
        expires_at=refresh_until + lifetimes.code + lifetimes.access_token,
    )


def signed_id_token(
    grant: Grant,
    scope: str,
    person: Person,
    *,
    access_token: str | None,
    now: datetime,
    lifetimes: Lifetimes,
    signer: SigningKey,
    issuer: str,
    refreshed: bool = False,
) -> str:
    """The ID token of a grant. A refreshed one repeats the first `auth_time` and carries no nonce [OIDC Core 12.2]."""
    identity = grant.identity
    claims = id_token.claims(
        issuer=issuer,
        client_id=grant.application,
        subject=person.id,
        now=now,
        lifetime=lifetimes.id_token,
        auth_time=identity.authenticated_at,
        acr=identity.acr,
        amr=identity.amr,
        nonce=None if refreshed else grant.nonce,
        sid=grant.sid,
        access_token=access_token,
        released=release(identity, scope),
    )
    return jwt.sign(claims, signer)


def refuse(refused: AuthorizationRefused, issuer: str) -> Send:
    """The refusal for the application. Where its redirect URI is not trusted it rises on, to become a page."""
    answered = response.error(refused, issuer=issuer)
    if answered is None:
        raise refused
    return send(answered)


def send(answered: AuthorizationResponse) -> Send:
    """How an authorization response leaves [OAuth Multiple Response Types 2.1, OAuth Form Post Response Mode 2]."""
    if answered.response_mode == names.FORM_POST:
        return FormPost(url=answered.redirect_uri, fields=answered.parameters)
    return Redirect(url=answered.location())
