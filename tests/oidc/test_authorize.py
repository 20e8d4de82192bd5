"""The law of the authorization endpoint, clause by clause."""

from dataclasses import replace

import pytest

from vestibule.oidc.authorize import AuthorizationRefused, AuthorizationRequest, ClientRules, validate

CALLBACK = "https://crm.example/callback"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
WEB = ClientRules(client_id="crm", public=False, redirect_uris=(CALLBACK, "https://crm.example/other?a=b"))
SPA = ClientRules(client_id="board", public=True, redirect_uris=(CALLBACK,), require_pkce=True)
IMPLICIT = replace(SPA, response_types=("code", "token", "id_token", "token id_token"))
NATIVE = ClientRules(
    client_id="app",
    public=True,
    native=True,
    redirect_uris=("http://127.0.0.1/cb", "http://[::1]:7/cb?x=1", "http://localhost/cb", "com.example.app:/cb"),
)
BASE = {"client_id": "crm", "redirect_uri": CALLBACK, "response_type": "code", "scope": "openid profile", "state": "s1"}
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
TOKENS = {**BASE, "response_type": "token id_token", "nonce": "n1"}


def refused(
    parameters: dict[str, str], client: ClientRules = WEB, *, unsolicited: bool = False
) -> AuthorizationRefused:
    with pytest.raises(AuthorizationRefused) as caught:
        validate(parameters, client, unsolicited=unsolicited)
    return caught.value


def test_a_valid_request_is_read_whole() -> None:
    asked = {
        **BASE,
        **PKCE,
        "nonce": "n1",
        "prompt": "login consent",
        "max_age": "0",
        "login_hint": "ada@acme.example",
        "connection": "acme",
        "id_token_hint": "a.b.c",
        "ui_locales": "de en",
        "auth0Client": "ignored",
        "claims": "ignored",
    }
    assert validate(asked, WEB) == AuthorizationRequest(
        client_id="crm",
        redirect_uri=CALLBACK,
        response_type="code",
        response_mode="query",
        scope=("openid", "profile"),
        state="s1",
        nonce="n1",
        code_challenge=CHALLENGE,
        prompt=frozenset({"login", "consent"}),
        max_age=0,
        login_hint="ada@acme.example",
        connection="acme",
        id_token_hint="a.b.c",
        ui_locales=("de", "en"),
    )


def test_empty_parameters_count_as_absent() -> None:
    asked = {**BASE, "state": "", "nonce": "", "max_age": "", "connection": "", "response_mode": "", "request": ""}
    request = validate(asked, WEB)
    assert (request.state, request.nonce, request.max_age, request.connection) == (None, None, None, None)


# -- the redirect URI ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/callback",
        "https://crm.example.evil.example/callback",
        "https://sub.crm.example/callback",
        "https://crm.example/callback/",
        "https://crm.example/callback/x",
        "https://crm.example/callback?x=1",
        "https://crm.example/callback#x",
        "https://crm.example/callback ",
        "https://crm.example/Callback",
        "https://CRM.example/callback",
        "https://crm.example:443/callback",
        "http://crm.example/callback",
        "https://crm.example@evil.example/callback",
        "https://evil.example@crm.example/callback",
        "https://crm.example/a/../callback",
        "https://crm.example/%63allback",
        "https://crm.example/other",
        "https://crm.example/other?A=b",
        "//crm.example/callback",
        "javascript:alert(1)",
    ],
)
def test_a_redirect_uri_that_is_not_registered_exactly_is_never_answered(uri: str) -> None:
    error = refused({**BASE, "redirect_uri": uri})
    assert (error.error, error.code) == ("invalid_request", "oidc.redirect_uri_unregistered")
    assert (error.redirect_uri, error.response_mode, error.state) == (None, None, None)


def test_the_redirect_uri_is_judged_before_everything_else() -> None:
    assert refused({"redirect_uri": "https://evil.example/", "request": "x"}).code == "oidc.redirect_uri_unregistered"


def test_a_missing_redirect_uri_is_the_only_registered_one_or_refused() -> None:
    asked = {name: value for name, value in BASE.items() if name != "redirect_uri"} | PKCE
    assert validate(asked, SPA).redirect_uri == CALLBACK
    assert refused(asked, WEB).code == "oidc.redirect_uri_missing"
    assert refused(asked, replace(SPA, redirect_uris=())).redirect_uri is None


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1:65535/cb",
        "http://[::1]/cb?x=1",
        "com.example.app:/cb",
    ],
)
def test_a_native_application_may_listen_on_any_loopback_port(uri: str) -> None:
    assert validate({**BASE, **PKCE, "redirect_uri": uri}, NATIVE).redirect_uri == uri


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:8/other",
        "http://127.0.0.1:8/cb?x=1",
        "http://127.0.0.1:8/cb#f",
        "http://127.0.0.2:8/cb",
        "http://[::1]:8/cb",
        "https://127.0.0.1:8/cb",
        "http://localhost:8/cb",
        "http://127.0.0.1:8@evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "com.example.app:/cb2",
    ],
)
def test_nothing_but_the_port_of_a_loopback_literal_may_vary(uri: str) -> None:
    assert refused({**BASE, **PKCE, "redirect_uri": uri}, NATIVE).code == "oidc.redirect_uri_unregistered"


def test_a_web_application_has_no_free_loopback_port() -> None:
    web = replace(NATIVE, native=False)
    uri = "http://127.0.0.1:8/cb"
    assert refused({**BASE, **PKCE, "redirect_uri": uri}, web).code == "oidc.redirect_uri_unregistered"


# -- what is refused to the redirect URI -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "client", "error", "code"),
    [
        ({"response_type": ""}, WEB, "invalid_request", "oidc.invalid_request"),
        ({"response_type": "password"}, WEB, "unsupported_response_type", "oidc.unsupported_response_type"),
        ({"response_type": "code id_token"}, WEB, "unsupported_response_type", "oidc.unsupported_response_type"),
        ({"response_type": "token"}, WEB, "unauthorized_client", "oidc.response_type_not_allowed"),
        ({"response_type": "id_token", "nonce": "n"}, SPA, "unauthorized_client", "oidc.response_type_not_allowed"),
        ({"response_type": "id_token"}, IMPLICIT, "invalid_request", "oidc.nonce_missing"),
        ({"response_type": "token id_token"}, IMPLICIT, "invalid_request", "oidc.nonce_missing"),
        (
            {"response_type": "id_token", "nonce": "n", "scope": "profile"},
            IMPLICIT,
            "invalid_scope",
            "oidc.invalid_scope",
        ),
        ({"response_type": "token", "response_mode": "query"}, IMPLICIT, "invalid_request", "oidc.response_mode"),
        ({"response_mode": "web_message"}, WEB, "invalid_request", "oidc.response_mode"),
        ({}, SPA, "invalid_request", "oidc.pkce_required"),
        ({}, replace(WEB, require_pkce=True), "invalid_request", "oidc.pkce_required"),
        ({}, replace(SPA, require_pkce=False), "invalid_request", "oidc.pkce_required"),
        ({"code_challenge": CHALLENGE}, WEB, "invalid_request", "oidc.pkce_method"),
        ({**PKCE, "code_challenge_method": "plain"}, WEB, "invalid_request", "oidc.pkce_method"),
        ({**PKCE, "code_challenge_method": "s256"}, WEB, "invalid_request", "oidc.pkce_method"),
        ({"code_challenge_method": "S256"}, WEB, "invalid_request", "oidc.pkce_challenge"),
        ({**PKCE, "code_challenge": CHALLENGE + "="}, WEB, "invalid_request", "oidc.pkce_challenge"),
        ({"prompt": "none login"}, WEB, "invalid_request", "oidc.prompt"),
        ({"max_age": "-1"}, WEB, "invalid_request", "oidc.max_age"),
        ({"max_age": "1.5"}, WEB, "invalid_request", "oidc.max_age"),
        ({"max_age": "٣"}, WEB, "invalid_request", "oidc.max_age"),
        ({"max_age": "9999999999"}, WEB, "invalid_request", "oidc.max_age"),
        ({"request": "e30."}, WEB, "request_not_supported", "oidc.request_not_supported"),
        ({"request_uri": "https://a/"}, WEB, "request_uri_not_supported", "oidc.request_uri_not_supported"),
        ({"registration": "{}"}, WEB, "registration_not_supported", "oidc.registration_not_supported"),
    ],
)
def test_a_refusal_goes_back_with_the_state(change: dict[str, str], client: ClientRules, error: str, code: str) -> None:
    caught = refused({**BASE, **change}, client)
    assert (caught.error, caught.code) == (error, code)
    assert (caught.redirect_uri, caught.state) == (CALLBACK, "s1")


@pytest.mark.parametrize(
    ("change", "mode"),
    [
        ({"prompt": "none login"}, "query"),
        ({"prompt": "none login", "response_mode": "form_post"}, "form_post"),
        ({"prompt": "none login", "response_mode": "fragment"}, "fragment"),
        ({"response_mode": "web_message"}, "query"),
        ({"response_type": "token", "response_mode": "query"}, "fragment"),
        ({"response_type": "token"}, "fragment"),
    ],
)
def test_refusals_travel_as_answers_would(change: dict[str, str], mode: str) -> None:
    assert refused({**BASE, **change}).response_mode == mode


# -- response types and modes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "mode", "expected"),
    [
        ("code", None, "query"),
        ("code", "query", "query"),
        ("code", "fragment", "fragment"),
        ("code", "form_post", "form_post"),
        ("token", None, "fragment"),
        ("id_token", None, "fragment"),
        ("token id_token", "fragment", "fragment"),
        ("id_token token", "form_post", "form_post"),
    ],
)
def test_response_modes(kind: str, mode: str | None, expected: str) -> None:
    asked = {**BASE, **PKCE, "response_type": kind, "nonce": "n"} | ({} if mode is None else {"response_mode": mode})
    assert validate(asked, IMPLICIT).response_mode == expected


def test_the_order_of_response_types_means_nothing() -> None:
    one = validate({**TOKENS, "response_type": "token id_token"}, IMPLICIT)
    assert one == validate({**TOKENS, "response_type": "id_token token"}, IMPLICIT)
    assert one.wants("token")
    assert one.wants("id_token")
    assert not one.wants("code")


def test_a_token_alone_needs_neither_nonce_nor_openid() -> None:
    request = validate({**BASE, "response_type": "token", "scope": "profile"}, IMPLICIT)
    assert (request.scope, request.nonce) == (("profile",), None)


def test_a_confidential_application_may_do_without_pkce() -> None:
    assert validate(BASE, WEB).code_challenge is None


def test_prompt_none_stands_alone() -> None:
    assert validate({**BASE, "prompt": " none "}, WEB).prompt == frozenset({"none"})


def test_unknown_scopes_are_ignored_and_none_counts_twice() -> None:
    asked = {**BASE, "scope": "openid urn:logto:scope:organizations email openid OPENID offline_access"}
    assert validate(asked, WEB).scope == ("openid", "email", "offline_access")


def test_a_request_without_scope_is_plain_oauth() -> None:
    assert validate({**BASE, "scope": ""}, WEB).scope == ()


@pytest.mark.parametrize(
    ("asked", "connection", "hint"),
    [
        ({}, None, None),
        ({"connection": "acme"}, "acme", None),
        ({"direct_sign_in": "sso:con_acme"}, "con_acme", None),
        ({"login_hint": "connection:acme"}, "acme", None),
        ({"connection": "one", "direct_sign_in": "sso:two", "login_hint": "connection:three"}, "one", None),
        ({"direct_sign_in": "sso:two", "login_hint": "connection:three"}, "two", None),
        ({"direct_sign_in": "social:google", "login_hint": "connection:three"}, "three", None),
        ({"direct_sign_in": "sso:", "login_hint": "ada@acme.example"}, None, "ada@acme.example"),
        ({"login_hint": "connection:"}, None, None),
        ({"connection": "acme", "login_hint": "ada@acme.example"}, "acme", "ada@acme.example"),
    ],
)
def test_the_connection_that_is_named(asked: dict[str, str], connection: str | None, hint: str | None) -> None:
    request = validate({**BASE, **asked}, WEB)
    assert (request.connection, request.login_hint) == (connection, hint)


# -- requests of our own ---------------------------------------------------------------------------------------------


def test_our_own_request_to_a_web_application_gets_a_code_without_pkce() -> None:
    request = validate(BASE, replace(WEB, require_pkce=True), unsolicited=True)
    assert (request.unsolicited, request.code_challenge, request.nonce) == (True, None, None)


@pytest.mark.parametrize("kind", ["token", "id_token", "token id_token"])
def test_our_own_request_to_a_spa_gets_tokens_where_it_takes_them(kind: str) -> None:
    spa = replace(SPA, unsolicited_tokens=True)
    request = validate({**BASE, "response_type": kind}, spa, unsolicited=True)
    assert (request.response_mode, request.nonce, request.unsolicited) == ("fragment", None, True)


@pytest.mark.parametrize(
    ("kind", "client"),
    [
        ("token", WEB),
        ("id_token", replace(WEB, unsolicited_tokens=True, response_types=("code", "id_token"))),
        ("code", SPA),
        ("code", replace(SPA, unsolicited_tokens=True)),
        ("token", SPA),
        ("token id_token", IMPLICIT),
    ],
)
def test_what_our_own_request_cannot_ask_for(kind: str, client: ClientRules) -> None:
    caught = refused({**BASE, "response_type": kind}, client, unsolicited=True)
    assert (caught.error, caught.code) == ("unauthorized_client", "oidc.unsolicited_response_type")


@pytest.mark.parametrize(
    "change", [{"nonce": "n"}, PKCE, {"code_challenge": CHALLENGE}, {"code_challenge_method": "S256"}]
)
def test_what_cannot_be_configured_for_our_own_request(change: dict[str, str]) -> None:
    assert refused({**BASE, **change}, unsolicited=True).code == "oidc.unsolicited_parameter"


def test_taking_unsolicited_tokens_is_no_leave_to_ask_for_tokens() -> None:
    spa = replace(SPA, unsolicited_tokens=True)
    assert refused(TOKENS, spa).code == "oidc.response_type_not_allowed"
