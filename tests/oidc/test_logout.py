"""Where a logout may lead."""

import pytest

from vestibule.oidc.logout import LogoutRequest, destination, read, read_v2, write

HOME = "https://crm.example/"


def test_the_request_is_read_and_written_back() -> None:
    parameters = {"client_id": "crm", "post_logout_redirect_uri": HOME, "state": "s", "id_token_hint": "a.b.c"}
    assert write(read(parameters)) == parameters
    assert read({**parameters, "state": "", "x": "y"}).state is None
    assert write(read({})) == {}


def test_the_words_of_the_auth0_sdks() -> None:
    asked = {"client_id": "crm", "returnTo": HOME, "state": "ignored", "federated": ""}
    assert read_v2(asked) == LogoutRequest(client_id="crm", post_logout_redirect_uri=HOME)


def test_a_registered_uri_is_the_destination_with_its_state() -> None:
    assert destination(LogoutRequest(post_logout_redirect_uri=HOME), [HOME]) == HOME
    assert destination(LogoutRequest(post_logout_redirect_uri=HOME, state="a&b"), [HOME]) == f"{HOME}?state=a%26b"


@pytest.mark.parametrize(
    "uri", [None, "https://crm.example", "https://crm.example/?x=1", "https://crm.example/#", "https://evil.example/"]
)
def test_anything_else_leads_nowhere(uri: str | None) -> None:
    assert destination(LogoutRequest(post_logout_redirect_uri=uri, state="s"), [HOME]) is None
