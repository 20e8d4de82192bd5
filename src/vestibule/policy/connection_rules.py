"""What is wrong with a connection as it is configured, given the applications there are [house rule]."""

import re
from collections.abc import Iterator, Mapping

from vestibule.ground.errors import Fault
from vestibule.ground.url import is_web_url, origin
from vestibule.model.application import Application, ApplicationType
from vestibule.model.connection import Connection, RelayStateUse, Route
from vestibule.model.ids import ClientId
from vestibule.policy.delivery import (
    Objection,
    connection_objections,
    forbidden_parameters,
    objections,
    way,
)
from vestibule.policy.domains import is_domain
from vestibule.policy.mapping import RESERVED_CLAIMS
from vestibule.policy.routing import LONGEST_ALIAS
from vestibule.policy.unsolicited import may_restart

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,126}[A-Za-z0-9])?")
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_CLAIM = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,127}")
_LONGEST_ENTITY_ID = 1024  # [SAMLCore 8.3.6]
_YEAR = 366 * 86400

_RANGES: tuple[tuple[str, int, int], ...] = (
    ("clock_skew", 0, 300),
    ("max_assertion_age", 60, 86400),
    ("session_max", 60, _YEAR),
    ("refresh_max", 60, _YEAR),
)
"""Seconds: the smallest and largest that make sense. What remembers a used assertion counts on the first two."""


def connection_faults(connection: Connection, applications: Mapping[ClientId, Application]) -> Iterator[Fault]:
    """Everything wrong with this connection by itself, and with what it says of applications."""
    at = f"connections.{connection.name}"
    yield from _name_faults(connection, at)
    yield from _idp_faults(connection, at)
    for name, least, most in _RANGES:
        value = getattr(connection, name)
        if value is not None and not least <= value <= most:
            yield Fault(path=f"{at}.{name}", code=f"connection.{name}", message=f"must be {least} to {most} seconds")
    for index, client_id in enumerate(connection.applications):
        yield from _enabled_faults(f"{at}.applications[{index}]", applications.get(client_id))
    yield from _domain_faults(connection, at)
    yield from _mapping_faults(connection, at)
    yield from _policy_faults(connection, applications, f"{at}.idp_initiated")


def _name_faults(connection: Connection, at: str) -> Iterator[Fault]:
    if not _NAME.fullmatch(connection.name):
        yield Fault(
            path=f"{at}.name",
            code="connection.name",
            message="1 to 128 letters, digits and hyphens, beginning and ending with a letter or digit",
        )
    if not _ID.fullmatch(connection.id):
        yield Fault(path=f"{at}.id", code="connection.id", message="1 to 128 letters, digits, underscores and hyphens")
    if not connection.display_name.strip():
        yield Fault(path=f"{at}.display_name", code="connection.display_name", message="people read it: give it a name")


def _idp_faults(connection: Connection, at: str) -> Iterator[Fault]:
    idp = connection.idp
    if not _is_entity_id(idp.entity_id):
        yield Fault(
            path=f"{at}.idp.entity_id",
            code="connection.entity_id",
            message="must be the identity provider's entity id: 1 to 1024 characters without white space",
        )
    if connection.sp_entity_id is not None and not _is_entity_id(connection.sp_entity_id):
        yield Fault(
            path=f"{at}.sp_entity_id",
            code="connection.sp_entity_id",
            message="must be 1 to 1024 characters without white space; leave it out for our own",
        )
    if not idp.certificates:
        yield Fault(
            path=f"{at}.idp.certificates",
            code="connection.no_certificate",
            message="nothing the identity provider says can be believed without its signing certificate: add it",
        )
    for name, url in (("sso_url", idp.sso_url), ("sso_post_url", idp.sso_post_url), ("slo_url", idp.slo_url)):
        if url is not None and not is_web_url(url):
            yield Fault(
                path=f"{at}.idp.{name}",
                code="connection.idp_url",
                message="must be an absolute https URL (http only on a loopback host)",
            )
    if connection.ignore_unknown_in_response_to and not may_restart(connection):
        yield Fault(
            path=f"{at}.ignore_unknown_in_response_to",
            code="connection.quirk_needs_sso_url",
            message="such a response is always restarted, which needs the sign-on URL: set `idp.sso_url`",
        )


def _is_entity_id(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_ENTITY_ID and text.isprintable() and " " not in text


def _enabled_faults(path: str, application: Application | None) -> Iterator[Fault]:
    if application is None:
        yield Fault(
            path=path,
            code="connection.unknown_application",
            message="no application has this client id: add it, or correct the name",
        )
    elif application.type is ApplicationType.MACHINE:
        yield Fault(
            path=path,
            code="connection.machine_application",
            message="nobody signs in to a `machine` application: remove it here",
        )


def _domain_faults(connection: Connection, at: str) -> Iterator[Fault]:
    names = [domain.name for domain in connection.domains]
    for index, name in enumerate(names):
        path = f"{at}.domains[{index}].name"
        if not is_domain(name):
            yield Fault(
                path=path,
                code="connection.domain",
                message="must be a domain name in lower case, such as acme.example (punycode for other scripts)",
            )
        elif name in names[:index]:
            yield Fault(path=path, code="connection.domain_twice", message="is listed twice: remove one")


def _mapping_faults(connection: Connection, at: str) -> Iterator[Fault]:
    for claim, names in connection.attribute_mapping.items():
        path = f"{at}.attribute_mapping.{claim}"
        if claim in RESERVED_CLAIMS:
            yield Fault(
                path=path,
                code="mapping.reserved_claim",
                message=f"`{claim}` is said by Vestibule itself and cannot be mapped: choose another name",
            )
        elif not _CLAIM.fullmatch(claim):
            yield Fault(
                path=path,
                code="mapping.claim",
                message="must be a claim name: letters, digits and `_ . : / -`, beginning with a letter or underscore",
            )
        if not names or not all(name.strip() for name in names):
            yield Fault(path=path, code="mapping.empty", message="names no attribute: name at least one, or remove it")
    if connection.subject_attribute is not None and not connection.subject_attribute.strip():
        yield Fault(
            path=f"{at}.subject_attribute",
            code="mapping.subject_attribute",
            message="is empty: name an attribute, or leave it out to use the NameID",
        )


# -- the policy for unsolicited responses -------------------------------------------------------------------------------


def _policy_faults(connection: Connection, applications: Mapping[ClientId, Application], at: str) -> Iterator[Fault]:
    """What holds always, and, once the policy is enabled, every objection against every way out."""
    policy = connection.idp_initiated
    if not 10 <= policy.arrival_ttl <= 600:
        yield Fault(path=f"{at}.arrival_ttl", code="idp_initiated.arrival_ttl", message="must be 10 to 600 seconds")
    for index, allowed in enumerate(policy.post_origins):
        if allowed not in ("null", "*") and origin(allowed) != allowed:
            yield Fault(
                path=f"{at}.post_origins[{index}]",
                code="idp_initiated.post_origin",
                message=f"must be an origin such as {origin(allowed) or 'https://portal.example'}, or `null`, or `*` (any)",
            )
    for alias in policy.routes:
        if not 1 <= len(alias.encode()) <= LONGEST_ALIAS:
            yield Fault(
                path=_route_path(at, alias),
                code="idp_initiated.route_alias",
                message="a RelayState alias has 1 to 80 bytes [SAMLBind 3.5.3]",
            )
    if not policy.enabled:
        yield from _parameter_faults(policy.parameters, at)
        for alias, route in policy.routes.items():
            yield from _parameter_faults(route.parameters, _route_path(at, alias))
        return
    for objection in connection_objections(connection):
        yield _fault(objection, at)
    if policy.default_application is None:
        yield Fault(
            path=f"{at}.default_application",
            code="idp_initiated.no_default_application",
            message="name the application that unsolicited logins lead to, or set `enabled: false`",
        )
    else:
        yield from _way_faults(connection, applications, policy.default_application, None, at)
    for alias, route in policy.routes.items():
        yield from _way_faults(connection, applications, route.application, route, _route_path(at, alias))


def _route_path(at: str, alias: str) -> str:
    return f"{at}.routes.{alias}"


def _parameter_faults(parameters: Mapping[str, str], at: str) -> Iterator[Fault]:
    for name in forbidden_parameters(parameters):
        yield Fault(
            path=f"{at}.parameters.{name}",
            code="idp_initiated.forbidden_parameter",
            message=f"`{name}` cannot be set for a `direct` request: remove it",
        )


def _way_faults(
    connection: Connection,
    applications: Mapping[ClientId, Application],
    client_id: ClientId,
    route: Route | None,
    at: str,
) -> Iterator[Fault]:
    name = "default_application" if route is None else "application"
    application = applications.get(client_id)
    if application is None:
        yield Fault(
            path=f"{at}.{name}",
            code="idp_initiated.unknown_application",
            message="no application has this client id: add it, or correct the name",
        )
        return
    for objection in objections(connection, way(connection, application, route)):
        field = name if objection.field == "application" else objection.field
        # The acceptances of risk stand at the policy, whichever route needs them.
        where = at.partition(".routes.")[0] if field.startswith("accept_") else at
        yield Fault(path=f"{where}.{field}", code=objection.code, message=objection.message)
    is_target = connection.idp_initiated.relay_state is RelayStateUse.TARGET_LINK_URI
    if route is None and is_target and not application.target_link_uris:
        yield Fault(
            path=f"{at}.relay_state",
            code="idp_initiated.no_target_link_uris",
            message=f"every deep link would be dropped: add `target_link_uris` to application {client_id!r}",
        )


def _fault(objection: Objection, at: str) -> Fault:
    return Fault(path=f"{at}.{objection.field}", code=objection.code, message=objection.message)
