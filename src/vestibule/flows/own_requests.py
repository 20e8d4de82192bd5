"""The authorization requests that we make ourselves, judged when they are saved as they will be when they are used."""

from collections.abc import Iterator, Mapping

from vestibule.downstream.oidc import errand_parameters, rules
from vestibule.ground.errors import Fault, OAuthRefused
from vestibule.model.application import Application
from vestibule.model.connection import Connection, Delivery, ResponseProtocol, Route
from vestibule.oidc.authorize import validate
from vestibule.policy.delivery import filled, way


def faults(connection: Connection, applications: Mapping[str, Application]) -> Iterator[Fault]:
    """What the authorization endpoint would refuse of this connection's `direct` requests, by default and by each route."""
    policy = connection.idp_initiated
    at = f"connections.{connection.name}.idp_initiated"
    if policy.enabled and policy.default_application is not None:
        yield from _faults(connection, applications.get(policy.default_application), None, at)
    for alias, route in policy.routes.items():
        yield from _faults(connection, applications.get(route.application), route, f"{at}.routes.{alias}")


def _faults(connection: Connection, application: Application | None, route: Route | None, at: str) -> Iterator[Fault]:
    if application is None:
        return
    chosen = way(connection, application, route)
    if chosen.delivery is not Delivery.DIRECT or chosen.protocol is not ResponseProtocol.OIDC:
        return
    try:
        validate(errand_parameters(application, filled(chosen)), rules(application), unsolicited=True)
    except OAuthRefused as refused:
        yield Fault(path=f"{at}.parameters", code="configuration.parameters", message=refused.why)
