"""Client authentication: one registered method, no fallback."""

import base64

import pytest

from vestibule.ground.errors import OAuthRefused
from vestibule.ground.hashing import digest
from vestibule.oidc.client_auth import Presented, present, verify

SECRET = "s3cret"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "parameters", "expected"),
    [
        (None, {"client_id": "spa"}, Presented(client_id="spa", method="none")),
        (None, {"client_id": "crm", "client_secret": ""}, Presented(client_id="crm", method="none")),
        (
            None,
            {"client_id": "crm", "client_secret": "x"},
            Presented(client_id="crm", method="client_secret_post", secret="x"),
        ),
        (basic("crm:x"), {}, Presented(client_id="crm", method="client_secret_basic", secret="x")),
        (basic("crm:x"), {"client_id": "crm"}, Presented(client_id="crm", method="client_secret_basic", secret="x")),
        (
            basic("c%3Ar+m:p%C3%A4%3A%2B:y"),
            {},
            Presented(client_id="c:r m", method="client_secret_basic", secret="pä:+:y"),
        ),
        (
            "bAsIc  " + base64.b64encode(b"crm:x").decode(),
            {},
            Presented(client_id="crm", method="client_secret_basic", secret="x"),
        ),
    ],
)
def test_what_is_presented(authorization: str | None, parameters: dict[str, str], expected: Presented) -> None:
    assert present(authorization, parameters) == expected


@pytest.mark.parametrize(
    ("authorization", "parameters", "error", "code"),
    [
        (None, {}, "invalid_client", "oidc.client_missing"),
        (None, {"client_secret": "x"}, "invalid_client", "oidc.client_missing"),
        (basic("crm:x"), {"client_secret": "x"}, "invalid_request", "oidc.client_auth_twice"),
        (basic("crm:x"), {"client_id": "other"}, "invalid_client", "oidc.client_mismatch"),
        (None, {"client_id": "crm", "client_assertion": "a.b.c"}, "invalid_client", "oidc.client_auth_method"),
        (None, {"client_id": "crm", "client_assertion_type": "x"}, "invalid_client", "oidc.client_auth_method"),
        ("Bearer abc", {"client_id": "crm"}, "invalid_client", "oidc.client_auth_method"),
        ("Basic", {}, "invalid_client", "oidc.client_malformed"),
        ("Basic !!!!", {}, "invalid_client", "oidc.client_malformed"),
        (basic("crm"), {}, "invalid_client", "oidc.client_malformed"),
        (basic(":x"), {}, "invalid_client", "oidc.client_malformed"),
        (basic("crm:"), {}, "invalid_client", "oidc.client_malformed"),
        (basic("crm:%ff"), {}, "invalid_client", "oidc.client_malformed"),
        ("Basic " + base64.b64encode(b"crm:\xff").decode(), {}, "invalid_client", "oidc.client_malformed"),
        ("Basic ä", {}, "invalid_client", "oidc.client_malformed"),
    ],
)
def test_what_cannot_be_read_is_refused(
    authorization: str | None, parameters: dict[str, str], error: str, code: str
) -> None:
    with pytest.raises(OAuthRefused) as refused:
        present(authorization, parameters)
    assert (refused.value.error, refused.value.code) == (error, code)


def test_the_right_secret_by_the_registered_method() -> None:
    shown = Presented(client_id="crm", method="client_secret_basic", secret=SECRET)
    verify(shown, method="client_secret_basic", secret_digests=[digest("older"), digest(SECRET)])
    verify(Presented(client_id="spa", method="none"), method="none", secret_digests=())


@pytest.mark.parametrize(
    ("shown", "secret", "method", "digests", "code"),
    [
        ("client_secret_basic", "wrong", "client_secret_basic", [digest(SECRET)], "oidc.client_secret"),
        ("client_secret_basic", digest(SECRET), "client_secret_basic", [digest(SECRET)], "oidc.client_secret"),
        ("client_secret_basic", SECRET, "client_secret_basic", [], "oidc.client_secret"),
        ("client_secret_post", SECRET, "client_secret_basic", [digest(SECRET)], "oidc.client_auth_method"),
        ("client_secret_basic", SECRET, "client_secret_post", [digest(SECRET)], "oidc.client_auth_method"),
        ("none", None, "client_secret_basic", [digest(SECRET)], "oidc.client_auth_method"),
        ("none", None, "client_secret_basic", [digest("")], "oidc.client_auth_method"),
        ("client_secret_post", "x", "none", [], "oidc.client_auth_method"),
        ("none", None, None, [], "oidc.client_unknown"),
    ],
)
def test_everything_else_is_an_invalid_client(
    shown: str, secret: str | None, method: str | None, digests: list[str], code: str
) -> None:
    with pytest.raises(OAuthRefused) as refused:
        verify(Presented(client_id="crm", method=shown, secret=secret), method=method, secret_digests=digests)
    assert (refused.value.error, refused.value.code) == ("invalid_client", code)


def test_a_secret_does_not_show() -> None:
    assert SECRET not in repr(Presented(client_id="crm", method="client_secret_post", secret=SECRET))
