"""PKCE [RFC 7636]: a code is redeemed by whoever asked for it."""

import pytest

from vestibule.ground.errors import OAuthRefused
from vestibule.oidc import pkce

# [RFC 7636 Appendix B]
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_example_of_the_rfc() -> None:
    assert pkce.challenge_of(VERIFIER) == CHALLENGE
    pkce.verify(VERIFIER, CHALLENGE)


def test_no_challenge_and_no_verifier_is_no_pkce() -> None:
    pkce.verify(None, None)


@pytest.mark.parametrize("length", [43, 128])
def test_verifiers_of_the_permitted_lengths_fit(length: int) -> None:
    verifier = "a" * length
    pkce.verify(verifier, pkce.challenge_of(verifier))


@pytest.mark.parametrize(
    ("verifier", "challenge", "code"),
    [
        (VERIFIER, None, "oidc.pkce_downgrade"),
        (None, CHALLENGE, "oidc.pkce_missing"),
        ("a" * 43, CHALLENGE, "oidc.pkce_mismatch"),
        (CHALLENGE, CHALLENGE, "oidc.pkce_mismatch"),
        ("a" * 42, pkce.challenge_of("a" * 42), "oidc.pkce_malformed"),
        ("a" * 129, pkce.challenge_of("a" * 129), "oidc.pkce_malformed"),
        ("a" * 42 + "/", pkce.challenge_of("a" * 42 + "/"), "oidc.pkce_malformed"),
        (VERIFIER + "\n", pkce.challenge_of(VERIFIER + "\n"), "oidc.pkce_malformed"),
        ("ä" * 43, CHALLENGE, "oidc.pkce_malformed"),
    ],
)
def test_what_is_no_proof_is_an_invalid_grant(verifier: str | None, challenge: str | None, code: str) -> None:
    with pytest.raises(OAuthRefused) as refused:
        pkce.verify(verifier, challenge)
    assert (refused.value.error, refused.value.code) == ("invalid_grant", code)


@pytest.mark.parametrize("text", ["", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "+", CHALLENGE + "\n"])
def test_only_a_sha256_digest_can_be_a_challenge(text: str) -> None:
    assert pkce.is_challenge(CHALLENGE)
    assert not pkce.is_challenge(text)
