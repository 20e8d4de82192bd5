"""A connection: one enterprise identity provider, reached over SAML 2.0, and what is believed of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from vestibule.model.ids import ClientId, ConnectionId


class Unsolicited(StrEnum):
    """How far an unsolicited response is trusted."""

    RESTART = "restart"
    CONFIRM = "confirm"
    ACCEPT = "accept"


class Delivery(StrEnum):
    """How the person reaches the application."""

    CLIENT = "client"
    DIRECT = "direct"


class ResponseProtocol(StrEnum):
    OIDC = "oidc"
    SAML = "saml"


class RelayStateUse(StrEnum):
    IGNORE = "ignore"
    ROUTE = "route"
    TARGET_LINK_URI = "target_link_uri"
    STATE = "state"


class UnknownRelayState(StrEnum):
    DEFAULT = "default"
    REFUSE = "refuse"


class AcsStyle(StrEnum):
    """Which of the three ACS paths our requests and metadata name."""

    CALLBACK = "callback"
    PATH = "path"
    LOGTO = "logto"


class RequestBinding(StrEnum):
    REDIRECT = "redirect"
    POST = "post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """An email domain of a connection, lower case. `verified` makes `email_verified` true inside it."""

    name: str
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """The other side of a connection. `certificates` are PEM texts; several during a rollover; only these are believed.

    `metadata_certificates` are those of whoever signs what `metadata_url` gives; none = its signature is not looked at.
    """

    entity_id: str
    sso_url: str | None = None
    sso_post_url: str | None = None
    slo_url: str | None = None
    certificates: tuple[str, ...]
    metadata_url: str | None = None
    metadata_certificates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where one RelayState alias leads. None = the application's own type, `initiate_login_uri` and defaults decide."""

    application: ClientId
    target_link_uri: str | None = None
    delivery: Delivery | None = None
    client_redirect_url: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    response_protocol: ResponseProtocol | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdpInitiated:
    """The policy for unsolicited responses. `arrival_ttl` in seconds."""

    enabled: bool = False
    default_application: ClientId | None = None
    unsolicited: Unsolicited = Unsolicited.RESTART
    delivery: Delivery = Delivery.CLIENT
    response_protocol: ResponseProtocol | None = None
    client_redirect_url: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    relay_state: RelayStateUse = RelayStateUse.ROUTE
    unknown_relay_state: UnknownRelayState = UnknownRelayState.DEFAULT
    arrival_ttl: int = 120
    post_origins: tuple[str, ...] = ()
    accept_login_csrf_risk: bool = False
    accept_application_login_csrf_risk: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection as the operator configured it. Durations in seconds; `session_max`, `refresh_max` None = no bound of its own."""

    id: ConnectionId
    name: str
    display_name: str
    enabled: bool = True
    idp: IdentityProvider
    acs: AcsStyle = AcsStyle.CALLBACK
    sp_entity_id: str | None = None
    sign_requests: bool = True
    request_binding: RequestBinding = RequestBinding.REDIRECT
    clock_skew: int = 60
    max_assertion_age: int = 3600
    provision: bool = True
    subject_attribute: str | None = None
    allow_foreign_emails: bool = False
    link_by_email: bool = False
    session_max: int | None = None
    refresh_max: int | None = None
    debug_until: datetime | None = None
    allow_sha1_signatures: bool = False
    allow_cbc_encryption: bool = False
    ignore_unknown_in_response_to: bool = False
    applications: tuple[ClientId, ...] = ()
    domains: tuple[Domain, ...] = ()
    attribute_mapping: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    idp_initiated: IdpInitiated = field(default_factory=IdpInitiated)
