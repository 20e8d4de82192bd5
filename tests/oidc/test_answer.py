"""The authorization response: what is in it, and how it travels."""

from vestibule.oidc.answer import AuthorizationResponse, describe, error, refusal, success
from vestibule.oidc.authorize import AuthorizationRefused, AuthorizationRequest

ISSUER = "https://broker.example/"
REQUEST = AuthorizationRequest(
    client_id="crm",
    redirect_uri="https://crm.example/callback?a=b",
    response_type="code",
    response_mode="query",
    scope=("openid",),
    state="a b&c=#",
)


def test_a_code_carries_state_and_issuer() -> None:
    """`iss` is always there, so that a client can tell providers apart [RFC 9207]."""
    answer = success(REQUEST, issuer=ISSUER, code="c0de")
    assert answer.parameters == {"code": "c0de", "state": "a b&c=#", "iss": ISSUER}


def test_a_query_is_added_to_the_one_that_is_there() -> None:
    assert success(REQUEST, issuer=ISSUER, code="c0de").location() == (
        "https://crm.example/callback?a=b&code=c0de&state=a%20b%26c%3D%23&iss=https%3A%2F%2Fbroker.example%2F"
    )


def test_a_fragment_leaves_the_query_alone() -> None:
    answer = AuthorizationResponse(
        redirect_uri="https://crm.example/callback?a=b", response_mode="fragment", parameters={"id_token": "x.y.z"}
    )
    assert answer.location() == "https://crm.example/callback?a=b#id_token=x.y.z"


def test_tokens_carry_their_type_life_and_scope() -> None:
    answer = success(REQUEST, issuer=ISSUER, access_token="at", expires_in=3600, scope="openid", id_token="x.y.z")
    assert answer.parameters == {
        "access_token": "at",
        "token_type": "Bearer",
        "expires_in": "3600",
        "scope": "openid",
        "id_token": "x.y.z",
        "state": "a b&c=#",
        "iss": ISSUER,
    }


def test_an_error_goes_where_the_request_came_from() -> None:
    answer = error(refusal(REQUEST, "login_required", "Nobody is signed in."), issuer=ISSUER)
    assert answer == AuthorizationResponse(
        redirect_uri=REQUEST.redirect_uri,
        response_mode="query",
        parameters={
            "error": "login_required",
            "error_description": "Nobody is signed in.",
            "state": "a b&c=#",
            "iss": ISSUER,
        },
    )


def test_an_error_travels_as_it_was_asked_and_has_a_state_only_where_one_was_sent() -> None:
    refused = AuthorizationRefused("access_denied", "No.", redirect_uri="https://a.example/", response_mode="fragment")
    answer = error(refused, issuer=ISSUER)
    assert answer is not None
    assert answer.response_mode == "fragment"
    assert answer.parameters.keys() == {"error", "error_description", "iss"}


def test_an_error_without_a_trusted_redirect_uri_is_no_response() -> None:
    assert error(AuthorizationRefused("invalid_request", "No."), issuer=ISSUER) is None


def test_a_description_keeps_to_the_characters_of_the_rfc() -> None:
    assert describe('say "no"\\\né') == "say 'no'/??"
