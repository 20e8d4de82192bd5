"""Logout that an application starts [OIDC RP-Initiated Logout 2, 3]: what is asked, and where it may lead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vestibule.ground.url import with_query


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """What an application asks when it signs a person out. Nothing of it is believed yet."""

    client_id: str | None = None
    post_logout_redirect_uri: str | None = None
    state: str | None = None
    id_token_hint: str | None = None


def read(parameters: Mapping[str, str]) -> LogoutRequest:
    """The parameters of the end session endpoint [OIDC RP-Initiated Logout 2]; empty ones count as absent."""
    return LogoutRequest(
        client_id=parameters.get("client_id") or None,
        post_logout_redirect_uri=parameters.get("post_logout_redirect_uri") or None,
        state=parameters.get("state") or None,
        id_token_hint=parameters.get("id_token_hint") or None,
    )


def write(request: LogoutRequest) -> dict[str, str]:
    """The request as parameters again, for a form that asks the person first."""
    parameters = {
        "client_id": request.client_id,
        "post_logout_redirect_uri": request.post_logout_redirect_uri,
        "state": request.state,
        "id_token_hint": request.id_token_hint,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def read_v2(parameters: Mapping[str, str]) -> LogoutRequest:
    """`/v2/logout?client_id=…&returnTo=…`: the same request in the words of the Auth0 SDKs."""
    return LogoutRequest(
        client_id=parameters.get("client_id") or None, post_logout_redirect_uri=parameters.get("returnTo") or None
    )


def destination(request: LogoutRequest, registered: Sequence[str]) -> str | None:
    """Where the browser may go afterwards: exactly a registered URI, or nowhere [OIDC RP-Initiated Logout 3]."""
    uri = request.post_logout_redirect_uri
    if uri is None or uri not in registered:
        return None
    return uri if request.state is None else with_query(uri, {"state": request.state})
