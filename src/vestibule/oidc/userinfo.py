"""The UserInfo endpoint [OIDC Core 5.3, RFC 6750]: whose bearer may ask, and what is answered."""

from collections.abc import Mapping

from vestibule.ground.errors import OAuthRefused
from vestibule.oidc import names
from vestibule.oidc.id_token import plain


def bearer(authorization: str | None, form: Mapping[str, str]) -> str:
    """The access token: in the header [RFC 6750 2.1] or in a posted form [2.2], never both, never in the address [2.3]."""
    posted = form.get("access_token") or None
    if authorization is None and posted is None:
        raise OAuthRefused(
            "invalid_token", "The request carries no access token [RFC 6750 2].", code="oidc.access_token_missing"
        )
    if authorization is None:
        return posted or ""
    if posted is not None:
        raise OAuthRefused(
            "invalid_request",
            "The access token came in the header and in the body; one way only [RFC 6750 2].",
            code="oidc.access_token_twice",
        )
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise OAuthRefused(
            "invalid_request",
            "The Authorization header is not a Bearer token [RFC 6750 2.1].",
            code="oidc.access_token_scheme",
        )
    return token.strip()


def claims(*, subject: str, released: Mapping[str, object]) -> dict[str, object]:
    """The answer: `sub` always, and what the token's scope releases [OIDC Core 5.3.2]."""
    return {**plain(released), "sub": subject}


def check_scope(scope: str) -> None:
    """Only a token of an OpenID request may ask [OIDC Core 5.3.1]."""
    if names.OPENID not in scope.split(" "):
        raise OAuthRefused(
            "insufficient_scope",
            "The access token was given without the scope openid [RFC 6750 3.1].",
            want=names.OPENID,
        )
