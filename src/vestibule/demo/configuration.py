"""The tour's configuration file: real YAML in the shape that `vestibule apply` reads, made anew for each scenario."""

import yaml

from vestibule.demo.places import Places
from vestibule.demo.scenarios import DEEP_LINK, ROUTE_ALIAS, Policy
from vestibule.model.connection import Delivery, Unsolicited

CONNECTION = "acme"
CONNECTION_ID = "con_acme"
CERTIFICATE_FILE = "practice-idp.pem"
SECRET_VARIABLE = "CRM_SECRET"
DIRECT_STATE = "from-the-portal"
"""The static `state` of direct delivery. It is in everybody's hands and protects nothing: that is the lesson."""


def entity_id(places: Places) -> str:
    """The practice identity provider's name."""
    return f"{places.portal.origin}/idp"


def sso_url(places: Places) -> str:
    return f"{places.portal.origin}/sso"


def write(places: Places, policy: Policy) -> str:
    """The whole file under this policy."""
    document = {
        "branding": {"product_name": "Vestibule tour", "colour": "#3457d5", "support": "help@acme.example"},
        "confirm_identity_switch": policy.confirm_identity_switch,
        "applications": [_crm(places), _board(places)],
        "connections": [_connection(places, policy)],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def excerpt(places: Places, policy: Policy, *, routes: bool = False) -> str:
    """The lines that matter on a tile's page: the policy for unsolicited responses."""
    policy_lines = _idp_initiated(places, policy)
    if not routes:
        del policy_lines["routes"]
    lines: dict[str, object] = {"idp_initiated": policy_lines}
    if not policy.confirm_identity_switch:
        lines["confirm_identity_switch"] = False
    return yaml.safe_dump(lines, sort_keys=False, allow_unicode=True, width=72)


def _crm(places: Places) -> dict[str, object]:
    origin = places.crm.origin
    return {
        "client_id": "crm",
        "name": "CRM",
        "type": "web",
        "client_secret_env": SECRET_VARIABLE,
        "redirect_uris": [f"{origin}/callback", f"{origin}/direct/callback"],
        "post_logout_redirect_uris": [f"{origin}/"],
        "initiate_login_uri": f"{origin}/login",
        "target_link_uris": [f"{origin}/app/"],
    }


def _board(places: Places) -> dict[str, object]:
    origin = places.board.origin
    return {
        "client_id": "board",
        "name": "Board",
        "type": "spa",
        "redirect_uris": [f"{origin}/callback"],
        "post_logout_redirect_uris": [f"{origin}/"],
    }


def _connection(places: Places, policy: Policy) -> dict[str, object]:
    return {
        "name": CONNECTION,
        "id": CONNECTION_ID,
        "display_name": "Acme Corp",
        "idp": {
            "entity_id": entity_id(places),
            "sso_url": sso_url(places),
            "certificates": [CERTIFICATE_FILE],
        },
        "applications": ["crm", "board"],
        "domains": [{"name": "acme.example", "verified": True}],
        "attribute_mapping": {"email": "mail", "name": "displayName", "groups": "memberOf"},
        "idp_initiated": _idp_initiated(places, policy),
    }


def _idp_initiated(places: Places, policy: Policy) -> dict[str, object]:
    settings: dict[str, object] = {
        "enabled": True,
        "default_application": policy.to,
        "unsolicited": str(policy.unsolicited),
        "delivery": str(policy.delivery),
    }
    if policy.unsolicited is Unsolicited.ACCEPT:
        settings["accept_login_csrf_risk"] = True
        if policy.post_origins:
            settings["post_origins"] = list(policy.post_origins)
    if policy.delivery is Delivery.DIRECT:
        settings["accept_application_login_csrf_risk"] = True
        settings["parameters"] = {
            "redirect_uri": f"{places.crm.origin}/direct/callback",
            "response_type": "code",
            "scope": "openid profile email",
            "state": DIRECT_STATE,
        }
    elif policy.to == "board":
        settings["client_redirect_url"] = f"{places.board.origin}/sso"
    settings["routes"] = {ROUTE_ALIAS: {"application": "crm", "target_link_uri": f"{places.crm.origin}{DEEP_LINK}"}}
    return settings
