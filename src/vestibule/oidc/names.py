"""The words of OAuth and OpenID Connect that this provider knows [RFC 6749, OIDC Core, RFC 7636]."""

CODE = "code"
TOKEN = "token"
ID_TOKEN = "id_token"

RESPONSE_TYPES = ("code", "id_token", "id_token token", "token")
"""Canonical spellings: the values of a response type are a set, whose order means nothing [RFC 6749 3.1.1]."""

QUERY = "query"
FRAGMENT = "fragment"
FORM_POST = "form_post"
RESPONSE_MODES = (QUERY, FRAGMENT, FORM_POST)

AUTHORIZATION_CODE = "authorization_code"
REFRESH_TOKEN = "refresh_token"
GRANT_TYPES = (AUTHORIZATION_CODE, REFRESH_TOKEN)

OPENID = "openid"
OFFLINE_ACCESS = "offline_access"
SCOPES = (OPENID, "profile", "email", "phone", "address", "groups", OFFLINE_ACCESS)
"""What can be granted. Other scopes are ignored, and the answer's `scope` says so [RFC 6749 3.3]."""

S256 = "S256"
SIGNING_ALGORITHMS = ("RS256", "ES256")

BASIC = "client_secret_basic"
POST = "client_secret_post"
NONE = "none"
CLIENT_AUTH_METHODS = (BASIC, POST, NONE)

BEARER = "Bearer"


def canonical(response_type: str) -> str:
    """A response type with its values in one order, so that `token id_token` equals `id_token token` [RFC 6749 3.1.1]."""
    return " ".join(sorted(set(response_type.split())))
