"""The token endpoint's words [RFC 6749 5, 6]: the answer, and what a refresh may ask for."""

from vestibule.ground.errors import OAuthRefused
from vestibule.oidc import names


def response(
    *,
    access_token: str,
    expires_in: int,
    scope: str,
    id_token: str | None = None,
    refresh_token: str | None = None,
) -> dict[str, str | int]:
    """A successful token response [RFC 6749 5.1]; `scope` and `expires_in` are always in it, for clients rely on them."""
    answer: dict[str, str | int] = {
        "access_token": access_token,
        "token_type": names.BEARER,
        "expires_in": expires_in,
        "scope": scope,
    }
    if id_token is not None:
        answer["id_token"] = id_token
    if refresh_token is not None:
        answer["refresh_token"] = refresh_token
    return answer


def narrowed(granted: str, asked: str | None) -> str:
    """The scope of a refreshed access token: what was granted, or less, never more [RFC 6749 6]."""
    if not asked:
        return granted
    wanted = dict.fromkeys(part for part in asked.split(" ") if part)
    beyond = [part for part in wanted if part not in granted.split(" ")]
    if beyond:
        raise OAuthRefused(
            "invalid_scope",
            "A refresh cannot ask for more than was granted [RFC 6749 6].",
            code="oidc.scope_widened",
            want=granted,
            got=asked,
        )
    return " ".join(wanted)
