"""Which application an unsolicited response is for, and how the person gets there [house rule]."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from vestibule.ground.errors import Refused
from vestibule.ground.remembered import Remembered
from vestibule.ground.url import is_within, with_query
from vestibule.model.application import Application
from vestibule.model.connection import (
    Connection,
    Delivery,
    RelayStateUse,
    ResponseProtocol,
    Route,
    UnknownRelayState,
)
from vestibule.model.ids import ClientId
from vestibule.policy.delivery import (
    CONNECTION_HINT,
    connection_objections,
    filled,
    forbidden_parameters,
    objections,
    way,
)

LONGEST_ALIAS = 80
"""Bytes of a RelayState that can be an alias [SAMLBind 3.5.3]."""
LONGEST_RELAY_STATE = 1024
"""Bytes of a RelayState that are kept as data. The specification allows 80; portals send whole links."""
_MOST_PARAMETERS = 32
_LONGEST_PARAMETERS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where the person goes, and how.

    `client_redirect_url` is set for `client` delivery only, complete but for what `client_url` adds.
    `uses_initiate_login`: it is the application's `initiate_login_uri`. `parameters` are those of the `direct`
    request, defaults included, but for `client_id`.
    """

    application: ClientId
    delivery: Delivery
    protocol: ResponseProtocol
    client_redirect_url: str | None = None
    uses_initiate_login: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    target_link_uri: str | None = None
    relay_state: str | None = None


_destinations: Final = Remembered[Destination]()


def route(connection: Connection, relay_state: str | None) -> tuple[ClientId, Route | None]:
    """Which application the bell rings for: a route's, where RelayState is its alias, else the default one.

    Whether that application exists is for whoever looks it up.
    """
    policy = connection.idp_initiated
    if not policy.enabled:
        raise Refused(
            "idp_initiated.disabled",
            f"Connection {connection.name!r} takes no unsolicited responses. If its portal tile is meant to work, set"
            " `idp_initiated.enabled`; if the person started at the application, the login was lost on the way.",
        )
    chosen = _named_route(connection, relay_state)
    target = policy.default_application if chosen is None else chosen.application
    if target is None:
        raise Refused(
            "idp_initiated.no_default_application",
            f"Connection {connection.name!r} has no application for unsolicited responses: set"
            " `idp_initiated.default_application`.",
        )
    return target, chosen


def _named_route(connection: Connection, relay_state: str | None) -> Route | None:
    policy = connection.idp_initiated
    if policy.relay_state is not RelayStateUse.ROUTE or not relay_state:
        return None
    found = policy.routes.get(relay_state) if _size(relay_state) <= LONGEST_ALIAS else None
    if found is None and policy.unknown_relay_state is UnknownRelayState.REFUSE:
        raise Refused(
            "idp_initiated.unknown_relay_state",
            f"The RelayState is none of the routes of connection {connection.name!r}, which refuses unknown ones: add the"
            " route, or correct the RelayState at the identity provider.",
            want=", ".join(sorted(policy.routes)) or "no RelayState",
        )
    return found


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def destination(
    connection: Connection, application: Application, route: Route | None, relay_state: str | None
) -> Destination:
    """Where this way leads, judged anew: what was allowed when it was saved may not be any more [house rule].

    Where nothing came along, that follows from the configuration alone, and is remembered for as long as that stands.
    """
    if not relay_state:
        return _destinations.get(
            lambda: _destination(connection, application, route, None), connection, application, route
        )
    return _destination(connection, application, route, relay_state)


def _destination(
    connection: Connection, application: Application, route: Route | None, relay_state: str | None
) -> Destination:
    if not application.enabled:
        raise Refused(
            "idp_initiated.application_disabled",
            f"Application {application.client_id!r} is disabled: enable it, or point the connection at another one.",
        )
    chosen = way(connection, application, route)
    for objection in (*connection_objections(connection), *objections(connection, chosen)):
        if objection.field != "target_link_uri":  # a deep link outside the prefixes is dropped, not a reason to fail
            raise Refused(objection.code, f"Connection {connection.name!r}: {objection.message}.")
    carried = _carried(connection, route, relay_state)
    is_direct = chosen.delivery is Delivery.DIRECT
    parameters = dict(filled(chosen)) if is_direct else {}
    if chosen.state_from_relay_state and carried:
        parameters["state"] = carried
    link = chosen.target_link_uri
    if route is None and connection.idp_initiated.relay_state is RelayStateUse.TARGET_LINK_URI:
        link = carried
    return Destination(
        application=application.client_id,
        delivery=chosen.delivery,
        protocol=chosen.protocol,
        client_redirect_url=None if is_direct else chosen.client_url,
        uses_initiate_login=not is_direct
        and chosen.own_client_url is None
        and chosen.protocol is ResponseProtocol.OIDC,
        parameters=parameters,
        target_link_uri=within(application, link),
        relay_state=carried,
    )


def _carried(connection: Connection, route: Route | None, relay_state: str | None) -> str | None:
    """What is remembered of RelayState: nothing where it is ignored, unknown or too long."""
    use = connection.idp_initiated.relay_state
    if not relay_state or _size(relay_state) > LONGEST_RELAY_STATE or use is RelayStateUse.IGNORE:
        return None
    return relay_state if route is not None or use is not RelayStateUse.ROUTE else None


def within(application: Application, link: str | None) -> str | None:
    """The deep link, if it leads where this application lets deep links lead; a value outside is dropped."""
    return link if link and is_within(link, application.target_link_uris) else None


def client_url(destination: Destination, connection: Connection, issuer: str) -> str:
    """Where `client` delivery sends the browser [OIDC Core 4]. `login_hint` names the connection, never a person."""
    if destination.client_redirect_url is None:
        raise Refused(
            "idp_initiated.no_client_redirect_url",
            "This login is delivered directly: there is no URL of the application to send the browser to.",
        )
    if destination.uses_initiate_login:
        return _initiate_login(destination.client_redirect_url, connection, issuer, destination.target_link_uri)
    return with_query(destination.client_redirect_url, {"ssoConnectorId": connection.id})


def _initiate_login(url: str, connection: Connection, issuer: str, target_link_uri: str | None) -> str:
    return with_query(
        url,
        {
            "iss": issuer,
            "login_hint": f"{CONNECTION_HINT}{connection.name}",
            **({"target_link_uri": target_link_uri} if target_link_uri else {}),
            "ssoConnectorId": connection.id,
        },
    )


def launch_url(application: Application, connection: Connection, target_link_uri: str | None, issuer: str) -> str:
    """Where a tile (`/launch`) sends the browser: the application starts the login, so nothing unsolicited is believed."""
    if not application.enabled:
        raise Refused("application.disabled", f"Application {application.client_id!r} is disabled.")
    if not connection.enabled:
        raise Refused("connection.disabled", f"Connection {connection.name!r} is disabled.")
    if application.client_id not in connection.applications:
        raise Refused(
            "connection.not_enabled_for_application",
            f"Connection {connection.name!r} is not enabled for application {application.client_id!r}: add it to the"
            " connection's `applications`.",
        )
    if application.initiate_login_uri is None:
        raise Refused(
            "launch.no_initiate_login_uri",
            f"A tile sends the browser to the `initiate_login_uri` of {application.client_id!r}, and it has none: set it.",
        )
    return _initiate_login(application.initiate_login_uri, connection, issuer, within(application, target_link_uri))


def parse_parameters(value: Mapping[str, object] | str) -> Mapping[str, str]:
    """The parameters of `direct`, from a map or from a query string as Auth0 writes it (spaces may stand unencoded)."""
    pairs = parse_qsl(value.removeprefix("?"), keep_blank_values=True) if isinstance(value, str) else value.items()
    parameters: dict[str, str] = {}
    for name, text in pairs:
        if name in parameters:
            raise Refused("idp_initiated.repeated_parameter", f"`{name}` is given twice: give it once.")
        if not isinstance(text, str) or not name or not f"{name}{text}".isprintable():
            raise Refused(
                "idp_initiated.parameters",
                "`parameters` are names with texts, without control characters: quote numbers and booleans.",
            )
        parameters[name] = text
    if len(parameters) > _MOST_PARAMETERS or sum(map(len, (*parameters, *parameters.values()))) > _LONGEST_PARAMETERS:
        raise Refused("idp_initiated.parameters", "`parameters` hold more than a request can carry: shorten them.")
    forbidden = forbidden_parameters(parameters)
    if forbidden:
        raise Refused(
            "idp_initiated.forbidden_parameter",
            f"A `direct` request cannot set {', '.join(f'`{name}`' for name in forbidden)}: remove what is named.",
        )
    return parameters
