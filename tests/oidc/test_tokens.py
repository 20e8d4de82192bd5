"""The token response, and what a refresh may ask for."""

import pytest

from vestibule.ground.errors import OAuthRefused
from vestibule.oidc.tokens import narrowed, response


def test_a_response_names_scope_and_life_always() -> None:
    answer = response(access_token="at", expires_in=3600, scope="openid")
    assert answer == {"access_token": "at", "token_type": "Bearer", "expires_in": 3600, "scope": "openid"}


def test_a_response_with_everything() -> None:
    answer = response(access_token="at", expires_in=1, scope="", id_token="x.y.z", refresh_token="rt")
    assert (answer["id_token"], answer["refresh_token"]) == ("x.y.z", "rt")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(None, "openid email"), ("", "openid email"), ("email", "email"), ("email  openid email", "email openid")],
)
def test_a_refresh_may_ask_for_less(asked: str | None, expected: str) -> None:
    assert narrowed("openid email", asked) == expected


@pytest.mark.parametrize("asked", ["openid profile", "groups", "Email"])
def test_a_refresh_may_not_ask_for_more(asked: str) -> None:
    with pytest.raises(OAuthRefused) as refused:
        narrowed("openid email", asked)
    assert (refused.value.error, refused.value.code) == ("invalid_scope", "oidc.scope_widened")
