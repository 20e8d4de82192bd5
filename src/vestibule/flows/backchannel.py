"""What the back channel asks first: which application is calling [RFC 6749 2.3], and whether the grant still stands."""

from collections.abc import Mapping
from dataclasses import dataclass

from vestibule.ground.errors import OAuthRefused
from vestibule.model.application import Application
from vestibule.model.connection import Connection
from vestibule.model.grant import Grant
from vestibule.model.identity import Person
from vestibule.oidc import client_auth
from vestibule.store.port import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The people and things behind a grant, all of them in order at this moment."""

    connection: Connection
    person: Person


async def calling(store: Store, parameters: Mapping[str, str], authorization: str | None) -> Application:
    """The application that is calling, authenticated by its one registered method. A disabled one is no client."""
    presented = client_auth.present(authorization, parameters)
    application = await store.configured.application(presented.client_id)
    if application is None or not application.enabled:
        client_auth.verify(presented, method=None, secret_digests=())
        raise AssertionError("an unknown client is always refused")
    client_auth.verify(
        presented, method=application.token_endpoint_auth_method, secret_digests=application.secret_digests
    )
    return application


async def standing(store: Store, grant: Grant, application: Application | None, *, error: str) -> Standing:
    """Whether everything behind a grant is in order now, not when it was given: an operator's "no" works at once.

    `error` is the protocol's word: `invalid_grant` at the token endpoint, `invalid_token` where a token is shown.
    """
    if application is None or not application.enabled:
        raise OAuthRefused(error, "The application is disabled or gone.", code="oidc.grant_application")
    connection = await store.configured.connection(grant.connection)
    if connection is None or not connection.enabled:
        raise OAuthRefused(
            error, "The connection that the person signed in through is disabled or gone.", code="oidc.grant_connection"
        )
    if application.client_id not in connection.applications:
        raise OAuthRefused(
            error,
            "The connection that the person signed in through is not enabled for this application any more.",
            code="oidc.grant_connection",
        )
    person = await store.people.find(grant.person, identity=grant.identity.key)
    if person is None or person.blocked or person.identity_blocked:
        raise OAuthRefused(error, "The person is blocked or gone.", code="oidc.grant_person")
    return Standing(connection=connection, person=person)
