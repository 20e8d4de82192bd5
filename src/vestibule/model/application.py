"""An application: something that people sign in to."""

from dataclasses import dataclass
from enum import StrEnum

from vestibule.model.ids import ClientId, Digest


class ApplicationType(StrEnum):
    WEB = "web"
    SPA = "spa"
    NATIVE = "native"
    MACHINE = "machine"
    SAML = "saml"


class ClientAuth(StrEnum):
    """How an application proves itself at the token endpoint [OIDC Core 9]."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SamlSettings:
    """What is known of a SAML application. Refused by `apply` until Vestibule can be an identity provider."""

    acs_url: str
    entity_id: str
    login_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application as the operator configured it. `secret_digests` holds one digest a live secret."""

    client_id: ClientId
    name: str
    type: ApplicationType
    enabled: bool = True
    first_party: bool = True
    token_endpoint_auth_method: ClientAuth = ClientAuth.BASIC
    secret_digests: tuple[Digest, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    initiate_login_uri: str | None = None
    target_link_uris: tuple[str, ...] = ()
    web_origins: tuple[str, ...] = ()
    require_pkce: bool = False
    allow_unsolicited_tokens: bool = False
    publish_connections: bool = False
    id_token_signed_response_alg: str = "RS256"
    response_types: tuple[str, ...] = ("code",)
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token")
    saml: SamlSettings | None = None
