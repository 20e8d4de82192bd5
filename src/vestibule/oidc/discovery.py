"""The provider's description of itself [OIDC Discovery 3, RFC 8414 2, RFC 9207 3]: only what is true of it."""

from vestibule.oidc import names

AUTHORIZATION = "authorize"
TOKEN = "oauth/token"
USERINFO = "userinfo"
REVOCATION = "oauth/revoke"
END_SESSION = "oidc/logout"
JWKS = ".well-known/jwks.json"


def document(issuer: str) -> dict[str, object]:
    """The metadata. `issuer` ends with a slash; every address is made from it and never from a request's header."""
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZATION,
        "token_endpoint": issuer + TOKEN,
        "userinfo_endpoint": issuer + USERINFO,
        "revocation_endpoint": issuer + REVOCATION,
        "end_session_endpoint": issuer + END_SESSION,
        "jwks_uri": issuer + JWKS,
        "scopes_supported": list(names.SCOPES),
        "response_types_supported": list(names.RESPONSE_TYPES),
        "response_modes_supported": list(names.RESPONSE_MODES),
        "grant_types_supported": [*names.GRANT_TYPES, "implicit"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(names.SIGNING_ALGORITHMS),
        "token_endpoint_auth_methods_supported": list(names.CLIENT_AUTH_METHODS),
        "revocation_endpoint_auth_methods_supported": list(names.CLIENT_AUTH_METHODS),
        "code_challenge_methods_supported": [names.S256],
        "prompt_values_supported": ["none", "login", "select_account"],
        "claims_supported": list(CLAIMS),
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
    }


CLAIMS = (
    *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"),
    *("connection", "connection_id", "name", "given_name", "family_name", "preferred_username"),
    *("email", "email_verified", "groups"),
)
