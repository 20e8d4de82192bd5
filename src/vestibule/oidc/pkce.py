"""Proof key for code exchange [RFC 7636]: whoever redeems a code is whoever asked for it. S256 only [RFC 9700 2.1.1]."""

import hashlib
import re

from vestibule.ground.errors import OAuthRefused
from vestibule.ground.hashing import b64url, same

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


def challenge_of(verifier: str) -> str:
    """BASE64URL-ENCODE(SHA256(ASCII(code_verifier))) [RFC 7636 4.2]."""
    return b64url(hashlib.sha256(verifier.encode("ascii")).digest())


def is_challenge(text: str) -> bool:
    """Whether this can be an S256 challenge: 43 characters of base64url [RFC 7636 4.2]."""
    return _CHALLENGE.fullmatch(text) is not None


def verify(verifier: str | None, challenge: str | None) -> None:
    """Holds a verifier against the challenge that the code was asked with [RFC 7636 4.6].

    A verifier without a challenge is refused: it means that somebody removed the challenge on the way [RFC 9700 4.8.2].
    """
    if challenge is None:
        if verifier is None:
            return
        raise OAuthRefused(
            "invalid_grant",
            "A code_verifier came for a code that was asked for without a code_challenge [RFC 9700 4.8.2]; "
            "send the challenge with the authorization request, or no verifier.",
            code="oidc.pkce_downgrade",
        )
    if verifier is None:
        raise OAuthRefused(
            "invalid_grant",
            "The code was asked for with a code_challenge, so the token request needs the code_verifier [RFC 7636 4.5].",
            code="oidc.pkce_missing",
        )
    if _VERIFIER.fullmatch(verifier) is None:
        raise OAuthRefused(
            "invalid_grant",
            "The code_verifier is not 43 to 128 characters of A-Z a-z 0-9 - . _ ~ [RFC 7636 4.1].",
            code="oidc.pkce_malformed",
        )
    if not same(challenge_of(verifier), challenge):
        raise OAuthRefused(
            "invalid_grant",
            "The code_verifier does not fit the code_challenge of the authorization request [RFC 7636 4.6].",
            code="oidc.pkce_mismatch",
        )
