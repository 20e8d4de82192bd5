"""The provider's description of itself promises only what is true."""

import pytest

from vestibule.oidc import discovery

DOCUMENT = discovery.document("https://broker.example/")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("authorization_endpoint", "authorize"),
        ("token_endpoint", "oauth/token"),
        ("userinfo_endpoint", "userinfo"),
        ("revocation_endpoint", "oauth/revoke"),
        ("end_session_endpoint", "oidc/logout"),
        ("jwks_uri", ".well-known/jwks.json"),
    ],
)
def test_every_address_is_made_from_the_issuer(name: str, path: str) -> None:
    assert DOCUMENT[name] == f"https://broker.example/{path}"


def test_what_is_not_offered_is_said_so() -> None:
    assert DOCUMENT["request_parameter_supported"] is False
    assert DOCUMENT["request_uri_parameter_supported"] is False
    assert DOCUMENT["claims_parameter_supported"] is False
    assert DOCUMENT["code_challenge_methods_supported"] == ["S256"]


def test_mix_up_defence_is_announced() -> None:
    assert DOCUMENT["authorization_response_iss_parameter_supported"] is True
    assert DOCUMENT["issuer"] == "https://broker.example/"
