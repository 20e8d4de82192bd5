"""The configuration as a file that `apply` takes again: what it writes and what is in place are one and the same.

What cannot be read back is left out: secrets are kept as digests, so an application's secret stays as it is where it
exists, and is generated where it does not. Metadata is written as the parts that were read from it; where it came
from a URL, that URL stands beside them, and they are its `snapshot`, so that nothing has to be fetched.
"""

from collections.abc import Mapping
from typing import Any

import yaml

from vestibule.model.application import Application
from vestibule.model.connection import Connection, IdentityProvider, IdpInitiated, Route
from vestibule.model.installation import Installation
from vestibule.settings.document import ApplicationPart, BrandingPart, ConnectionPart
from vestibule.settings.idp_initiated import IdpInitiatedPart, RoutePart
from vestibule.settings.kinds import Part
from vestibule.store.port import Store

_SECRET = "    # client_secret: not exported; stays as it is, or is generated where the application is new\n"


async def export(store: Store) -> str:
    """YAML of everything that is configured, values that are the default left out."""
    configured = store.configured
    text = yaml.safe_dump(_installation(await configured.installation()), sort_keys=False, allow_unicode=True)
    applications = await configured.applications()
    if applications:
        text += "applications:\n"
    for application in applications:
        text += _item(_application(application), _SECRET if application.secret_digests else "")
    connections = await configured.connections()
    if connections:
        text += "connections:\n"
    for connection in connections:
        text += _item(_connection(connection), "")
    return text


def _item(values: Mapping[str, Any], comment: str) -> str:
    """One item of a list; the comment stands below its first line."""
    lines = yaml.dump(
        [values], Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=120
    ).splitlines(keepends=True)
    indented = [f"  {line}" for line in lines]
    return "".join((indented[0], comment, *indented[1:]))


class _Dumper(yaml.SafeDumper):
    """Writes lines of text (certificates) as a block, so that they can be read and compared; and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _as_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _as_text)


def _installation(installation: Installation) -> dict[str, Any]:
    branding = installation.branding
    shown = {name: getattr(branding, name) for name in BrandingPart.model_fields}
    return {
        "confirm_identity_switch": installation.confirm_identity_switch,
        "branding": {name: value for name, value in shown.items() if value is not None},
    }


def _application(application: Application) -> dict[str, Any]:
    values = _plain(application, ApplicationPart, without=("client_secret", "client_secret_env", "saml"))
    if application.saml is not None:
        saml = {name: getattr(application.saml, name) for name in ("acs_url", "entity_id", "login_url")}
        values["saml"] = {name: value for name, value in saml.items() if value is not None}
    return values


def _connection(connection: Connection) -> dict[str, Any]:
    values = _plain(
        connection, ConnectionPart, without=("idp", "domains", "attribute_mapping", "idp_initiated", "applications")
    )
    values["idp"] = _idp(connection.idp)
    values["applications"] = list(connection.applications)
    if connection.domains:
        values["domains"] = [{"name": domain.name, "verified": domain.verified} for domain in connection.domains]
    if connection.attribute_mapping:
        values["attribute_mapping"] = {claim: list(names) for claim, names in connection.attribute_mapping.items()}
    policy = _policy(connection.idp_initiated)
    return {**values, "idp_initiated": policy} if policy else values


def _idp(idp: IdentityProvider) -> dict[str, Any]:
    parts: dict[str, Any] = {"entity_id": idp.entity_id}
    parts.update(
        {name: getattr(idp, name) for name in ("sso_url", "sso_post_url", "slo_url") if getattr(idp, name) is not None}
    )
    parts["certificates"] = list(idp.certificates)
    if idp.metadata_url is None:
        return parts
    pinned = {"metadata_certificates": list(idp.metadata_certificates)} if idp.metadata_certificates else {}
    return {"metadata_url": idp.metadata_url, **pinned, "snapshot": parts}


def _policy(policy: IdpInitiated) -> dict[str, Any]:
    values = _plain(policy, IdpInitiatedPart, without=("routes",))
    if policy.routes:
        values["routes"] = {alias: _route(route) for alias, route in policy.routes.items()}
    return values


def _route(route: Route) -> dict[str, Any]:
    return _plain(route, RoutePart, without=())


def _plain(noun: object, part: type[Part], *, without: tuple[str, ...]) -> dict[str, Any]:
    """The values of a noun under the keys of its part of the file, where they differ from the default."""
    values: dict[str, Any] = {}
    for name, info in part.model_fields.items():
        value = None if name in without else getattr(noun, name)
        if value is None or (not info.is_required() and value == info.default):
            continue
        values[name] = _written(value)
    return values


def _written(value: Any) -> Any:
    """A value in YAML's own types: enums as their text, tuples as lists, times with their zone as they are."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value
