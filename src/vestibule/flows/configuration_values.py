"""From the parts of a configuration file to our nouns: defaults filled in that depend on other keys."""

from collections.abc import Mapping

from vestibule.ground.errors import ConfigurationRefused, Fault, Refused
from vestibule.model.application import Application, ApplicationType, ClientAuth, SamlSettings
from vestibule.model.connection import (
    AcsStyle,
    Connection,
    Delivery,
    Domain,
    IdentityProvider,
    IdpInitiated,
    RelayStateUse,
    RequestBinding,
    ResponseProtocol,
    Route,
    UnknownRelayState,
    Unsolicited,
)
from vestibule.model.ids import ClientId, ConnectionId, Digest
from vestibule.model.installation import Branding, Installation
from vestibule.policy import routing
from vestibule.settings.document import ApplicationPart, ConnectionPart, Document
from vestibule.settings.idp_initiated import IdpInitiatedPart, RoutePart

_RESPONSE_TYPES: Mapping[ApplicationType, tuple[str, ...]] = {ApplicationType.MACHINE: (), ApplicationType.SAML: ()}
_GRANT_TYPES: Mapping[ApplicationType, tuple[str, ...]] = {
    ApplicationType.MACHINE: ("client_credentials",),
    ApplicationType.SAML: (),
}


def installation(document: Document, before: Installation) -> Installation:
    """What holds for all; what the file leaves out stays as it was."""
    branding = document.branding
    switch = document.confirm_identity_switch
    return Installation(
        branding=before.branding
        if branding is None
        else Branding(
            product_name=branding.product_name,
            logo_url=branding.logo_url,
            colour=branding.colour,
            support=branding.support,
        ),
        confirm_identity_switch=before.confirm_identity_switch if switch is None else switch,
    )


def client_auth(part: ApplicationPart) -> ClientAuth:
    """How the application proves itself, as it says or as its type has it."""
    if part.token_endpoint_auth_method is not None:
        return ClientAuth(part.token_endpoint_auth_method)
    return ClientAuth.BASIC if part.proves_itself() else ClientAuth.NONE


def application(part: ApplicationPart, secret_digests: tuple[Digest, ...]) -> Application:
    kind = ApplicationType(part.type)
    saml = part.saml
    return Application(
        client_id=ClientId(part.client_id),
        name=part.name,
        type=kind,
        enabled=part.enabled,
        first_party=part.first_party,
        token_endpoint_auth_method=client_auth(part),
        secret_digests=secret_digests,
        redirect_uris=part.redirect_uris,
        post_logout_redirect_uris=part.post_logout_redirect_uris,
        initiate_login_uri=part.initiate_login_uri,
        target_link_uris=part.target_link_uris,
        web_origins=part.web_origins,
        require_pkce=part.require_pkce,
        allow_unsolicited_tokens=part.allow_unsolicited_tokens,
        publish_connections=part.publish_connections,
        id_token_signed_response_alg=part.id_token_signed_response_alg,
        response_types=_RESPONSE_TYPES.get(kind, ("code",)) if part.response_types is None else part.response_types,
        grant_types=_GRANT_TYPES.get(kind, ("authorization_code", "refresh_token"))
        if part.grant_types is None
        else part.grant_types,
        saml=None
        if saml is None
        else SamlSettings(acs_url=saml.acs_url, entity_id=saml.entity_id, login_url=saml.login_url),
    )


def connection(part: ConnectionPart, id: ConnectionId, idp: IdentityProvider, path: str) -> Connection:
    """The connection; `path` is where it stands in the file, for faults in what only policy can read."""
    return Connection(
        id=id,
        name=part.name,
        display_name=part.display_name or part.name,
        enabled=part.enabled,
        idp=idp,
        acs=AcsStyle(part.acs),
        sp_entity_id=part.sp_entity_id,
        sign_requests=part.sign_requests,
        request_binding=_binding(part, idp),
        clock_skew=part.clock_skew,
        max_assertion_age=part.max_assertion_age,
        provision=part.provision,
        subject_attribute=part.subject_attribute,
        allow_foreign_emails=part.allow_foreign_emails,
        link_by_email=part.link_by_email,
        session_max=part.session_max,
        refresh_max=part.refresh_max,
        debug_until=part.debug_until,
        allow_sha1_signatures=part.allow_sha1_signatures,
        allow_cbc_encryption=part.allow_cbc_encryption,
        ignore_unknown_in_response_to=part.ignore_unknown_in_response_to,
        applications=tuple(ClientId(client_id) for client_id in part.applications),
        domains=tuple(Domain(name=domain.name, verified=domain.verified) for domain in part.domains),
        attribute_mapping=dict(part.attribute_mapping),
        idp_initiated=_idp_initiated(part.idp_initiated, f"{path}.idp_initiated"),
    )


def _binding(part: ConnectionPart, idp: IdentityProvider) -> RequestBinding:
    if part.request_binding is not None:
        return RequestBinding(part.request_binding)
    only_post = idp.sso_url is None and idp.sso_post_url is not None
    return RequestBinding.POST if only_post else RequestBinding.REDIRECT


def _idp_initiated(part: IdpInitiatedPart, path: str) -> IdpInitiated:
    return IdpInitiated(
        enabled=part.enabled,
        default_application=None if part.default_application is None else ClientId(part.default_application),
        unsolicited=Unsolicited(part.unsolicited),
        delivery=Delivery(part.delivery),
        response_protocol=_protocol(part.response_protocol),
        client_redirect_url=part.client_redirect_url,
        parameters=_parameters(part.parameters, f"{path}.parameters"),
        routes={alias: _route(route, f"{path}.routes.{alias}") for alias, route in part.routes.items()},
        relay_state=RelayStateUse(part.relay_state),
        unknown_relay_state=UnknownRelayState(part.unknown_relay_state),
        arrival_ttl=part.arrival_ttl,
        post_origins=part.post_origins,
        accept_login_csrf_risk=part.accept_login_csrf_risk,
        accept_application_login_csrf_risk=part.accept_application_login_csrf_risk,
    )


def _route(part: RoutePart, path: str) -> Route:
    return Route(
        application=ClientId(part.application),
        target_link_uri=part.target_link_uri,
        delivery=None if part.delivery is None else Delivery(part.delivery),
        client_redirect_url=part.client_redirect_url,
        parameters=_parameters(part.parameters, f"{path}.parameters"),
        response_protocol=_protocol(part.response_protocol),
    )


def _protocol(value: str | None) -> ResponseProtocol | None:
    return None if value is None else ResponseProtocol(value)


def _parameters(value: Mapping[str, str] | str, path: str) -> Mapping[str, str]:
    try:
        return routing.parse_parameters(value)
    except Refused as refused:
        raise ConfigurationRefused([Fault(path=path, code=refused.code, message=refused.why)]) from None
