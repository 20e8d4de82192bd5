"""Where an unsolicited login may lead: one list of objections, asked when a policy is saved and again when it is used [house rule]."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from vestibule.ground.url import is_plain_web_url, is_web_url, is_within, origin
from vestibule.model.application import Application, ApplicationType, ClientAuth
from vestibule.model.connection import (
    Connection,
    Delivery,
    RelayStateUse,
    ResponseProtocol,
    Route,
    Unsolicited,
)
from vestibule.policy.unsolicited import may_restart

FORBIDDEN_PARAMETERS = (
    "client_id",
    "connection",
    "direct_sign_in",
    "code_challenge*",
    "request*",
    "nonce",
)
"""What a `direct` request can never set; a star stands for any ending."""

CONNECTION_HINT = "connection:"
"""A `login_hint` that starts so names a connection, and no person."""

TOKEN_TYPES = frozenset({"token", "id_token"})
_DEFAULT_SCOPE = ("openid", "profile")
_RESPONSE_MODES = frozenset({"query", "fragment", "form_post"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """One rule that a way breaks: `field` is the setting's name within the policy or the route."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way out of a connection: to its default application, or along a route, with every default filled in.

    `declared_protocol` is what the operator wrote; `protocol` what the application's type says.
    """

    application: Application
    delivery: Delivery
    declared_protocol: ResponseProtocol | None
    protocol: ResponseProtocol
    own_client_url: str | None
    parameters: Mapping[str, str]
    target_link_uri: str | None
    state_from_relay_state: bool

    @property
    def client_url(self) -> str | None:
        """Where `client` delivery sends the browser: the setting, else what the application is known by."""
        return self.own_client_url or self.login_entrance

    @property
    def login_entrance(self) -> str | None:
        """Where the application starts a login by itself: `initiate_login_uri`, or a SAML application's `login_url`."""
        if self.application.type is ApplicationType.SAML:
            return self.application.saml.login_url if self.application.saml else None
        return self.application.initiate_login_uri


def _default_delivery(application: Application, declared: Delivery | None, own_client_url: str | None) -> Delivery:
    """`client`, but `direct` for a SAML application that has no URL at which it starts a login."""
    if declared is Delivery.DIRECT or application.type is not ApplicationType.SAML or own_client_url:
        return declared or Delivery.CLIENT
    has_entrance = application.saml is not None and application.saml.login_url is not None
    return Delivery.CLIENT if has_entrance else Delivery.DIRECT


def way(connection: Connection, application: Application, route: Route | None) -> Way:
    """The way to `application`: by the policy's own settings (`route` None), or by the route's, which inherits none of them."""
    policy = connection.idp_initiated
    source = policy if route is None else route
    return Way(
        application=application,
        delivery=_default_delivery(application, source.delivery, source.client_redirect_url),
        declared_protocol=source.response_protocol,
        protocol=ResponseProtocol.SAML if application.type is ApplicationType.SAML else ResponseProtocol.OIDC,
        own_client_url=source.client_redirect_url,
        parameters=source.parameters,
        target_link_uri=None if route is None else route.target_link_uri,
        state_from_relay_state=route is None and policy.relay_state is RelayStateUse.STATE,
    )


def filled(way: Way) -> Mapping[str, str]:
    """The parameters of a `direct` OIDC request with their defaults: first redirect URI, response type, scope."""
    if way.protocol is ResponseProtocol.SAML:
        return dict(way.parameters)
    asked = way.parameters.get("scope", "").split()
    uris = way.application.redirect_uris
    return {
        **({"redirect_uri": uris[0]} if uris else {}),
        "response_type": _default_response_type(way.application),
        **way.parameters,
        "scope": " ".join(dict.fromkeys((*_DEFAULT_SCOPE, *asked))),
    }


def _default_response_type(application: Application) -> str:
    """`code` for a confidential application; for a `spa` the first implicit type it is registered for, else both tokens."""
    if application.type is not ApplicationType.SPA:
        return "code"
    implicit = (asked for asked in application.response_types if set(asked.split()) <= TOKEN_TYPES)
    return next(implicit, "id_token token")


def forbidden_parameters(parameters: Mapping[str, str]) -> tuple[str, ...]:
    """The names among these that a `direct` request cannot set; a `login_hint` that names a connection is one."""
    named = [name for name in parameters if any(_matches(name, pattern) for pattern in FORBIDDEN_PARAMETERS)]
    hinted = [name for name in parameters if name == "login_hint" and parameters[name].startswith(CONNECTION_HINT)]
    return (*named, *hinted)


def _matches(name: str, pattern: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


# -- the objections ---------------------------------------------------------------------------------------------------


def connection_objections(connection: Connection) -> Iterator[Objection]:
    """What stands against a connection's policy as such, wherever it leads."""
    policy = connection.idp_initiated
    if policy.unsolicited is Unsolicited.RESTART and not may_restart(connection):
        yield Objection(
            field="unsolicited",
            code="idp_initiated.restart_needs_sso_url",
            message="`restart` asks the identity provider again and needs its sign-on URL: set `idp.sso_url`, or choose"
            " `confirm`, which needs none",
        )
    if policy.unsolicited is Unsolicited.ACCEPT and not policy.accept_login_csrf_risk:
        yield Objection(
            field="accept_login_csrf_risk",
            code="idp_initiated.login_csrf_risk_not_accepted",
            message="`accept` lets anybody who has an account at the identity provider sign other people's browsers in as"
            " himself (login CSRF): choose `restart` or `confirm`, or set `accept_login_csrf_risk: true`",
        )
    if policy.relay_state is RelayStateUse.STATE and "state" in policy.parameters:
        yield Objection(
            field="relay_state",
            code="idp_initiated.state_twice",
            message="`state` cannot come from `parameters` and from RelayState: drop one of the two",
        )


def objections(connection: Connection, way: Way) -> Iterator[Objection]:
    """What stands against this way; nothing, if it may be gone. The order is that in which they are worth reading."""
    yield from _application_objections(connection, way)
    if way.delivery is Delivery.CLIENT:
        yield from _client_objections(way)
    else:
        yield from _direct_objections(connection, way)


def _application_objections(connection: Connection, way: Way) -> Iterator[Objection]:
    application = way.application
    if application.client_id not in connection.applications:
        yield Objection(
            field="application",
            code="idp_initiated.application_not_enabled",
            message=f"connection {connection.name!r} is not enabled for application {application.client_id!r}: add it to"
            " the connection's `applications`",
        )
    if application.type is ApplicationType.MACHINE:
        yield Objection(
            field="application",
            code="idp_initiated.application_type",
            message=f"nobody signs in to {application.client_id!r}, a `machine` application: name another one",
        )
    if way.declared_protocol is not None and way.declared_protocol is not way.protocol:
        yield Objection(
            field="response_protocol",
            code="idp_initiated.response_protocol",
            message=f"application {application.client_id!r} is of type `{application.type}` and speaks `{way.protocol}`:"
            " leave `response_protocol` out, or name that",
        )
    if way.state_from_relay_state and (way.delivery is Delivery.CLIENT or way.protocol is ResponseProtocol.SAML):
        yield Objection(
            field="relay_state",
            code="idp_initiated.relay_state_needs_direct",
            message="`relay_state: state` has a meaning only for `direct` delivery to an OpenID Connect application",
        )
    if way.target_link_uri is not None and not is_within(way.target_link_uri, application.target_link_uris):
        yield Objection(
            field="target_link_uri",
            code="idp_initiated.target_link_uri",
            message=f"the deep link lies outside the `target_link_uris` of {application.client_id!r}: add its prefix there",
        )


def _client_objections(way: Way) -> Iterator[Objection]:
    url = way.own_client_url
    if way.client_url is None:
        # A SAML application without `login_url` is reached directly, so that it never comes here.
        yield Objection(
            field="client_redirect_url",
            code="idp_initiated.no_client_redirect_url",
            message="`client` delivery needs a place to send the browser: set `client_redirect_url`, or"
            f" `initiate_login_uri` of application {way.application.client_id!r}",
        )
    elif url is not None and not (is_web_url(url) and is_plain_web_url(url) and "#" not in url):
        yield Objection(
            field="client_redirect_url",
            code="idp_initiated.client_redirect_url",
            message="must be an absolute https URL (http on a loopback host) without fragment, userinfo or dot segments",
        )
    elif url is not None and origin(url) not in _origins(way.application):
        yield Objection(
            field="client_redirect_url",
            code="idp_initiated.client_redirect_url_origin",
            message="must be on an origin of the application's `redirect_uris` or `initiate_login_uri`",
        )


def _origins(application: Application) -> frozenset[str | None]:
    urls = [*application.redirect_uris, application.initiate_login_uri or ""]
    if application.saml is not None:
        urls += [application.saml.acs_url, application.saml.login_url or ""]
    return frozenset(origin(url) for url in urls) - {None}


def _direct_objections(connection: Connection, way: Way) -> Iterator[Objection]:
    application = way.application
    if not connection.idp_initiated.accept_application_login_csrf_risk:
        yield Objection(
            field="accept_application_login_csrf_risk",
            code="idp_initiated.application_login_csrf_risk_not_accepted",
            message="`direct` lets an attacker carry his own code or response to somebody else's browser (login CSRF at the"
            " application): choose `client`, or set `accept_application_login_csrf_risk: true`",
        )
    if application.type in (ApplicationType.NATIVE, ApplicationType.MACHINE):
        yield Objection(
            field="delivery",
            code="idp_initiated.direct_application_type",
            message=f"`direct` is not possible to a `{application.type}` application: choose `client`",
        )
    elif application.type is ApplicationType.SPA and not application.allow_unsolicited_tokens:
        yield Objection(
            field="delivery",
            code="idp_initiated.direct_spa",
            message=f"`direct` gives {application.client_id!r} tokens in the URL that it did not ask for: choose `client`,"
            " or set `allow_unsolicited_tokens: true` on the application",
        )
    elif application.type is ApplicationType.WEB and application.token_endpoint_auth_method is ClientAuth.NONE:
        yield Objection(
            field="delivery",
            code="idp_initiated.direct_needs_client_authentication",
            message="a `direct` code has no PKCE challenge, so only client authentication guards it: give"
            f" {application.client_id!r} a secret, or choose `client`",
        )
    yield from _parameter_objections(way)


def _parameter_objections(way: Way) -> Iterator[Objection]:
    for name in forbidden_parameters(way.parameters):
        yield Objection(
            field=f"parameters.{name}",
            code="idp_initiated.forbidden_parameter",
            message=f"`{name}` cannot be set for a `direct` request: remove it",
        )
    if way.protocol is ResponseProtocol.SAML:
        return
    application, asked = way.application, filled(way)
    if asked.get("redirect_uri") not in application.redirect_uris:
        yield Objection(
            field="parameters.redirect_uri",
            code="idp_initiated.redirect_uri_not_registered",
            message=f"must be one of the `redirect_uris` of application {application.client_id!r}, character for character",
        )
    types = frozenset(asked["response_type"].split())
    allowed = types and types <= TOKEN_TYPES if application.type is ApplicationType.SPA else types == {"code"}
    if not allowed:
        yield Objection(
            field="parameters.response_type",
            code="idp_initiated.response_type",
            message="a `web` application is answered with `code`, a `spa` with `token`, `id_token` or both",
        )
    mode = asked.get("response_mode")
    if mode is not None and (mode not in _RESPONSE_MODES or (mode == "query" and types & TOKEN_TYPES)):
        yield Objection(
            field="parameters.response_mode",
            code="idp_initiated.response_mode",
            message="must be `query` (for a code only), `fragment` or `form_post`",
        )
