"""The redemption of an authorization code [RFC 6749 4.1.3, RFC 9700 4.5]: who may have what it stands for."""

from dataclasses import dataclass

from vestibule.ground.errors import OAuthRefused
from vestibule.ground.hashing import same
from vestibule.oidc import pkce


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """What was fixed when the code was given."""

    client_id: str
    redirect_uri: str
    code_challenge: str | None


def check(
    facts: CodeFacts, *, client_id: str, public: bool, redirect_uri: str | None, code_verifier: str | None
) -> None:
    """Whether this client, with this proof, may redeem this code [RFC 6749 4.1.3]. Whether it is still good is not asked.

    Stricter than the RFC: `redirect_uri` must always be sent, and a public client needs a challenge even if the
    authorization endpoint had let it pass [RFC 9700 2.1.1]; so an unsolicited code is never redeemed without a secret.
    """
    if not same(client_id, facts.client_id):
        raise _refused("The code was given to another client [RFC 6749 4.1.3].", "oidc.code_client")
    if redirect_uri is None:
        raise _refused(
            "The token request needs the redirect_uri of the authorization request.", "oidc.code_redirect_uri"
        )
    if not same(redirect_uri, facts.redirect_uri):
        raise _refused(
            "The redirect_uri is not that of the authorization request [RFC 6749 4.1.3].", "oidc.code_redirect_uri"
        )
    if public and facts.code_challenge is None:
        raise _refused(
            "A public client cannot redeem a code that was given without a code_challenge [RFC 9700 2.1.1].",
            "oidc.code_needs_secret",
        )
    pkce.verify(code_verifier, facts.code_challenge)


def _refused(why: str, code: str) -> OAuthRefused:
    return OAuthRefused("invalid_grant", why, code=code)
