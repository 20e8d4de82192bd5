"""The authorization endpoint's last clauses: what a loopback address is to its last character, and which error each refusal is."""

from dataclasses import replace

import pytest
from tests.oidc.test_authorize import BASE, CALLBACK, IMPLICIT, NATIVE, PKCE, SPA, TOKENS, WEB, refused

from vestibule.oidc.authorize import ClientRules, redirect_uri_is_registered, validate

LOOPBACK = replace(NATIVE, redirect_uris=("http://127.0.0.1/cb", "http://127.0.0.1"))


@pytest.mark.parametrize(
    ("uri", "registered"),
    [
        ("http://127.0.0.1:1/cb", True),
        ("http://127.0.0.1:65535/cb", True),
        ("http://127.0.0.1:65536/cb", False),
        ("http://127.0.0.1:0/cb", False),
        ("http://127.0.0.1:000080/cb", False),
        ("http://127.0.0.1:8080", True),
        ("http://127.0.0.1.evil.example", False),
        ("http://127.0.0.1:80.evil.example/cb", False),
        ("http://127.0.0.1@evil.example/cb", False),
        ("http://127.0.0.1:80@evil.example/cb", False),
        ("http://127.0.0.1:80/cb\nLocation: x", False),
        ("http://127.0.0.1:80/cb#f", False),
    ],
)
def test_a_loopback_address_is_compared_to_its_end(uri: str, registered: bool) -> None:
    """The port alone may vary; whatever makes another host or another path of it does not fit [RFC 8252 7.3]."""
    assert redirect_uri_is_registered(uri, LOOPBACK) is registered


def test_nothing_is_allowed_that_is_not_said() -> None:
    """A client of which only its name and secrecy are known: no loopback port varies, code alone, no PKCE forced, no tokens."""
    plain = ClientRules(client_id="crm", public=False, redirect_uris=("http://127.0.0.1/cb",))
    assert not redirect_uri_is_registered("http://127.0.0.1:80/cb", plain)
    assert (plain.response_types, plain.require_pkce, plain.unsolicited_tokens) == (("code",), False, False)


def test_what_was_registered_and_what_came_is_the_evidence() -> None:
    """The operator sees both."""
    told = refused({**BASE, "redirect_uri": "https://evil.example/"}, SPA)
    assert (told.want, told.got) == (CALLBACK, "https://evil.example/")


ERRORS: list[tuple[dict[str, str], ClientRules, bool, str, str]] = [
    ({"client_id": "crm"}, WEB, False, "invalid_request", "oidc.redirect_uri_missing"),
    ({**BASE, "redirect_uri": "https://evil.example/"}, WEB, False, "invalid_request", "oidc.redirect_uri_unregistered"),
    ({**BASE, "request": "x"}, WEB, False, "request_not_supported", "oidc.request_not_supported"),
    ({**BASE, "request_uri": "x"}, WEB, False, "request_uri_not_supported", "oidc.request_uri_not_supported"),
    ({**BASE, "registration": "x"}, WEB, False, "registration_not_supported", "oidc.registration_not_supported"),
    ({**BASE, "response_type": ""}, WEB, False, "invalid_request", "oidc.invalid_request"),
    ({**BASE, "response_type": "code token"}, WEB, False, "unsupported_response_type", "oidc.unsupported_response_type"),
    (TOKENS, WEB, False, "unauthorized_client", "oidc.response_type_not_allowed"),
    ({**BASE, "response_type": "token"}, WEB, True, "unauthorized_client", "oidc.unsolicited_response_type"),
    (BASE, SPA, True, "unauthorized_client", "oidc.unsolicited_response_type"),
    ({**BASE, "response_mode": "x"}, WEB, False, "invalid_request", "oidc.response_mode"),
    ({**TOKENS, "scope": "profile"}, IMPLICIT, False, "invalid_scope", "oidc.invalid_scope"),
    ({**BASE, "nonce": "n"}, WEB, True, "invalid_request", "oidc.unsolicited_parameter"),
    ({**TOKENS, "nonce": ""}, IMPLICIT, False, "invalid_request", "oidc.nonce_missing"),
    ({**BASE, **PKCE}, WEB, True, "invalid_request", "oidc.unsolicited_parameter"),
    (BASE, SPA, False, "invalid_request", "oidc.pkce_required"),
    ({**BASE, **PKCE, "code_challenge_method": "plain"}, SPA, False, "invalid_request", "oidc.pkce_method"),
    ({**BASE, **PKCE, "code_challenge": "x"}, SPA, False, "invalid_request", "oidc.pkce_challenge"),
    ({**BASE, "prompt": "none login"}, WEB, False, "invalid_request", "oidc.prompt"),
    ({**BASE, "max_age": "-1"}, WEB, False, "invalid_request", "oidc.max_age"),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "client", "unsolicited", "error", "code"), ERRORS)
def test_each_refusal_is_the_error_of_the_specification(
    parameters: dict[str, str], client: ClientRules, unsolicited: bool, error: str, code: str
) -> None:
    """What the application reads [RFC 6749 4.1.2.1, OIDC Core 3.1.2.6], and our own code beside it."""
    told = refused(parameters, client, unsolicited=unsolicited)
    assert (told.error, told.code) == (error, code)


@pytest.mark.parametrize(
    ("uri", "posted"),
    [(CALLBACK, True), ("http://127.0.0.1/cb", True), ("com.example.app:/cb", False)],
)
def test_a_form_is_posted_to_web_addresses_alone(uri: str, posted: bool) -> None:
    """Over https and over loopback http; an application's own scheme takes none, and the refusal travels in the query."""
    client = replace(NATIVE, redirect_uris=(uri,))
    asked = {**BASE, **PKCE, "redirect_uri": uri, "response_mode": "form_post"}
    if posted:
        assert validate(asked, client).response_mode == "form_post"
        assert refused({**asked, "prompt": "none login"}, client).response_mode == "form_post"
    else:
        told = refused(asked, client)
        assert (told.code, told.response_mode) == ("oidc.response_mode", "query")


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0), ("999999999", 999_999_999), ("1000000000", None), ("\u0661", None), ("1\n", None)]
)
def test_max_age_is_one_to_nine_digits(text: str, seconds: int | None) -> None:
    """The digits of ASCII, and nothing behind them."""
    if seconds is None:
        assert refused({**BASE, "max_age": text}).code == "oidc.max_age"
    else:
        assert validate({**BASE, "max_age": text}, WEB).max_age == seconds
