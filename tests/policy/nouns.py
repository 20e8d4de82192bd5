"""Valid nouns for the tests of the policy; a test names only what it changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from vestibule.model.application import Application, ApplicationType, ClientAuth, SamlSettings
from vestibule.model.authentication import Authentication, Subject
from vestibule.model.connection import Connection, Domain, IdentityProvider, IdpInitiated
from vestibule.model.identity import Identity
from vestibule.model.ids import ClientId, ConnectionId, Digest, IdentityKey

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ISSUER = "https://login.example/"
PEPPER = b"p" * 32


def web(**changes: Any) -> Application:
    plain = Application(
        client_id=ClientId("crm"),
        name="CRM",
        type=ApplicationType.WEB,
        secret_digests=(Digest("d"),),
        redirect_uris=("https://crm.example/callback", "https://crm.example/unsolicited"),
        initiate_login_uri="https://crm.example/login",
        target_link_uris=("https://crm.example/app/",),
    )
    return replace(plain, **changes)


def spa(**changes: Any) -> Application:
    plain = web(
        client_id=ClientId("board"),
        name="Board",
        type=ApplicationType.SPA,
        token_endpoint_auth_method=ClientAuth.NONE,
        secret_digests=(),
    )
    return replace(plain, **changes)


def native(**changes: Any) -> Application:
    plain = spa(
        client_id=ClientId("phone"),
        name="Phone",
        type=ApplicationType.NATIVE,
        redirect_uris=("com.example.phone:/callback", "http://127.0.0.1/callback"),
    )
    return replace(plain, **changes)


def machine(**changes: Any) -> Application:
    plain = web(
        client_id=ClientId("robot"),
        name="Robot",
        type=ApplicationType.MACHINE,
        redirect_uris=(),
        initiate_login_uri=None,
        grant_types=("client_credentials",),
    )
    return replace(plain, **changes)


def saml(**changes: Any) -> Application:
    plain = Application(
        client_id=ClientId("wiki"),
        name="Wiki",
        type=ApplicationType.SAML,
        saml=SamlSettings(
            acs_url="https://wiki.example/saml/acs",
            entity_id="https://wiki.example/saml",
            login_url="https://wiki.example/login",
        ),
    )
    return replace(plain, **changes)


def idp(**changes: Any) -> IdentityProvider:
    plain = IdentityProvider(
        entity_id="https://idp.acme.example/saml",
        sso_url="https://idp.acme.example/sso",
        certificates=("-----BEGIN CERTIFICATE-----",),
    )
    return replace(plain, **changes)


def policy(**changes: Any) -> IdpInitiated:
    return replace(IdpInitiated(enabled=True, default_application=ClientId("crm")), **changes)


def connection(**changes: Any) -> Connection:
    plain = Connection(
        id=ConnectionId("con_acme"),
        name="acme",
        display_name="Acme Corp",
        idp=idp(),
        applications=tuple(map(ClientId, ("crm", "board", "phone", "wiki"))),
        domains=(Domain(name="acme.example", verified=True),),
        idp_initiated=policy(),
    )
    return replace(plain, **changes)


def ringing(**changes: Any) -> Connection:
    """A connection whose policy for unsolicited responses is changed so."""
    return connection(idp_initiated=policy(**changes))


def authentication(**changes: Any) -> Authentication:
    plain = Authentication(
        connection=ConnectionId("con_acme"),
        issuer="https://idp.acme.example/saml",
        assertion_id="_1",
        subject=Subject(value="ada"),
        transient=False,
        attributes={},
        authenticated_at=NOW,
        context_class=None,
        session_index="_s",
        ends_at=None,
        in_response_to=None,
        usable_until=NOW + timedelta(minutes=5),
        remember_until=NOW + timedelta(minutes=10),
    )
    return replace(plain, **changes)


def identity(**changes: Any) -> Identity:
    plain = Identity(
        connection=ConnectionId("con_acme"),
        connection_name="acme",
        key=IdentityKey("key-ada"),
        display="ada",
        claims={},
        email="ada@acme.example",
        email_verified=True,
        authenticated_at=NOW,
        acr=None,
        amr=(),
        ends_at=None,
    )
    return replace(plain, **changes)
