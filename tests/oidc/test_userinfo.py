"""Whose bearer may ask for claims, and what is answered."""

import pytest

from vestibule.ground.errors import OAuthRefused
from vestibule.oidc import userinfo


@pytest.mark.parametrize(
    ("authorization", "form"), [("Bearer tok", {}), ("bearer  tok ", {}), (None, {"access_token": "tok"})]
)
def test_a_token_comes_in_the_header_or_in_a_form(authorization: str | None, form: dict[str, str]) -> None:
    assert userinfo.bearer(authorization, form) == "tok"


@pytest.mark.parametrize(
    ("authorization", "form", "error", "code"),
    [
        (None, {}, "invalid_token", "oidc.access_token_missing"),
        (None, {"access_token": ""}, "invalid_token", "oidc.access_token_missing"),
        ("Bearer tok", {"access_token": "tok"}, "invalid_request", "oidc.access_token_twice"),
        ("Basic dG9r", {}, "invalid_request", "oidc.access_token_scheme"),
        ("Bearer ", {}, "invalid_request", "oidc.access_token_scheme"),
    ],
)
def test_no_token_or_two_are_refused(authorization: str | None, form: dict[str, str], error: str, code: str) -> None:
    with pytest.raises(OAuthRefused) as refused:
        userinfo.bearer(authorization, form)
    assert (refused.value.error, refused.value.code) == (error, code)


def test_sub_is_ours_whatever_is_released() -> None:
    assert userinfo.claims(subject="p1", released={"sub": "x", "groups": ("a",)}) == {"sub": "p1", "groups": ["a"]}


def test_only_an_openid_token_may_ask() -> None:
    userinfo.check_scope("profile openid")
    with pytest.raises(OAuthRefused) as refused:
        userinfo.check_scope("profile openidx")
    assert refused.value.error == "insufficient_scope"
