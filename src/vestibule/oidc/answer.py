"""The authorization response [RFC 6749 4.1.2, OIDC Core 3.2.2.5, RFC 9207]: its parameters, and how they travel."""

from collections.abc import Mapping
from dataclasses import dataclass

from vestibule.ground.url import with_fragment, with_query
from vestibule.oidc import names
from vestibule.oidc.authorize import AuthorizationRefused, AuthorizationRequest, ResponseMode


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationResponse:
    """Parameters for a redirect URI. Only `form_post` is posted; the others are a location."""

    redirect_uri: str
    response_mode: ResponseMode
    parameters: Mapping[str, str]

    def location(self) -> str:
        """Where the browser is sent: a query is added to one that is there already [RFC 6749 3.1.2]."""
        add = with_fragment if self.response_mode == names.FRAGMENT else with_query
        return add(self.redirect_uri, self.parameters)


def success(
    request: AuthorizationRequest,
    *,
    issuer: str,
    code: str | None = None,
    access_token: str | None = None,
    expires_in: int | None = None,
    scope: str | None = None,
    id_token: str | None = None,
) -> AuthorizationResponse:
    """A successful answer; `iss` is in it always, so that a client can tell providers apart [RFC 9207 2]."""
    parameters = {
        "code": code,
        "access_token": access_token,
        "token_type": None if access_token is None else names.BEARER,
        "expires_in": None if expires_in is None else str(expires_in),
        "scope": scope,
        "id_token": id_token,
        "state": request.state,
        "iss": issuer,
    }
    return AuthorizationResponse(
        redirect_uri=request.redirect_uri,
        response_mode=request.response_mode,
        parameters={name: value for name, value in parameters.items() if value is not None},
    )


def error(refused: AuthorizationRefused, *, issuer: str) -> AuthorizationResponse | None:
    """A refusal for the application's redirect URI; None where that is not trusted, and a page must be shown."""
    if refused.redirect_uri is None:
        return None
    parameters = {"error": refused.error, "error_description": describe(refused.why)}
    if refused.state is not None:
        parameters["state"] = refused.state
    return AuthorizationResponse(
        redirect_uri=refused.redirect_uri,
        response_mode=refused.response_mode or "query",
        parameters={**parameters, "iss": issuer},
    )


def describe(why: str) -> str:
    """A sentence in the characters that an error_description may have: no quotes, no backslash [RFC 6749 4.1.2.1]."""
    plain = why.replace('"', "'").replace("\\", "/")
    return "".join(character if " " <= character <= "~" else "?" for character in plain)


def refusal(request: AuthorizationRequest, error: str, why: str, *, code: str | None = None) -> AuthorizationRefused:
    """A refusal of a request that was valid: `login_required`, `access_denied`, … answered where the request came from."""
    return AuthorizationRefused(
        error,
        why,
        redirect_uri=request.redirect_uri,
        response_mode=request.response_mode,
        state=request.state,
        code=code,
    )
