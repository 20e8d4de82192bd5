"""Redeeming a code: who may have what it stands for."""

import pytest

from vestibule.ground.errors import OAuthRefused
from vestibule.oidc.code import CodeFacts, check
from vestibule.oidc.pkce import challenge_of

VERIFIER = "v" * 43
BOUND = CodeFacts(client_id="crm", redirect_uri="https://crm.example/cb", code_challenge=challenge_of(VERIFIER))
UNBOUND = CodeFacts(client_id="crm", redirect_uri="https://crm.example/cb", code_challenge=None)


def test_the_whole_proof_is_enough() -> None:
    check(BOUND, client_id="crm", public=True, redirect_uri="https://crm.example/cb", code_verifier=VERIFIER)
    check(UNBOUND, client_id="crm", public=False, redirect_uri="https://crm.example/cb", code_verifier=None)


@pytest.mark.parametrize(
    ("facts", "client_id", "public", "redirect_uri", "verifier", "code"),
    [
        (BOUND, "other", True, "https://crm.example/cb", VERIFIER, "oidc.code_client"),
        (BOUND, "crm", True, None, VERIFIER, "oidc.code_redirect_uri"),
        (BOUND, "crm", True, "https://crm.example/cb/", VERIFIER, "oidc.code_redirect_uri"),
        (BOUND, "crm", True, "https://crm.example/cb", None, "oidc.pkce_missing"),
        (BOUND, "crm", True, "https://crm.example/cb", "w" * 43, "oidc.pkce_mismatch"),
        (UNBOUND, "crm", True, "https://crm.example/cb", None, "oidc.code_needs_secret"),
        (UNBOUND, "crm", False, "https://crm.example/cb", VERIFIER, "oidc.pkce_downgrade"),
    ],
)
def test_a_part_that_does_not_fit_is_an_invalid_grant(
    facts: CodeFacts, client_id: str, public: bool, redirect_uri: str | None, verifier: str | None, code: str
) -> None:
    with pytest.raises(OAuthRefused) as refused:
        check(facts, client_id=client_id, public=public, redirect_uri=redirect_uri, code_verifier=verifier)
    assert (refused.value.error, refused.value.code) == ("invalid_grant", code)
