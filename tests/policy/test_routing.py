"""Which application a bell rings for, and where the person goes."""

from typing import Any

import pytest
from tests.policy.nouns import ISSUER, connection, idp, machine, native, policy, ringing, saml, spa, web

from vestibule.ground.errors import Refused
from vestibule.model.application import Application, ClientAuth, SamlSettings
from vestibule.model.connection import (
    Connection,
    Delivery,
    RelayStateUse,
    ResponseProtocol,
    Route,
    UnknownRelayState,
    Unsolicited,
)
from vestibule.model.ids import ClientId
from vestibule.policy.routing import client_url, destination, launch_url, parse_parameters, route, within

CRM, BOARD, WIKI = ClientId("crm"), ClientId("board"), ClientId("wiki")
TO_BOARD = Route(application=BOARD)
DIRECT: dict[str, Any] = {"delivery": Delivery.DIRECT, "accept_application_login_csrf_risk": True}


def refusal(action: Any, *arguments: Any) -> str:
    with pytest.raises(Refused) as caught:
        action(*arguments)
    return caught.value.code


# -- which application ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("relay_state", [None, "", "unknown", "/portal"])
def test_without_a_known_alias_the_default_application_is_meant(relay_state: str | None) -> None:
    assert route(ringing(routes={"b": TO_BOARD}), relay_state) == (CRM, None)


def test_an_alias_leads_along_its_route() -> None:
    assert route(ringing(routes={"b": TO_BOARD}), "b") == (BOARD, TO_BOARD)


@pytest.mark.parametrize("use", [RelayStateUse.IGNORE, RelayStateUse.TARGET_LINK_URI, RelayStateUse.STATE])
def test_an_alias_means_nothing_where_relay_state_is_used_otherwise(use: RelayStateUse) -> None:
    ring = ringing(routes={"b": TO_BOARD}, relay_state=use, unknown_relay_state=UnknownRelayState.REFUSE)
    assert route(ring, "b") == (CRM, None)
    assert route(ring, "unknown") == (CRM, None)


def test_an_unknown_alias_is_refused_where_the_policy_says_so() -> None:
    ring = ringing(routes={"b": TO_BOARD}, unknown_relay_state=UnknownRelayState.REFUSE)
    assert refusal(route, ring, "x") == "idp_initiated.unknown_relay_state"
    assert route(ring, "") == (CRM, None)
    assert route(ring, "b") == (BOARD, TO_BOARD)


@pytest.mark.parametrize(("alias", "is_route"), [("ä" * 40, True), ("ä" * 40 + "a", False), ("a" * 81, False)])
def test_an_alias_has_at_most_eighty_bytes(alias: str, is_route: bool) -> None:
    chosen = route(ringing(routes={alias: TO_BOARD}), alias)
    assert chosen == ((BOARD, TO_BOARD) if is_route else (CRM, None))


def test_unsolicited_responses_are_off_unless_enabled() -> None:
    assert refusal(route, ringing(enabled=False), None) == "idp_initiated.disabled"


def test_without_a_default_application_there_is_nowhere_to_go() -> None:
    ring = ringing(default_application=None, routes={"b": TO_BOARD})
    assert refusal(route, ring, None) == "idp_initiated.no_default_application"
    assert route(ring, "b") == (BOARD, TO_BOARD)


# -- client delivery --------------------------------------------------------------------------------------------------


def test_client_delivery_goes_to_the_application_s_login_by_default() -> None:
    to = destination(connection(), web(), None, None)
    assert (to.delivery, to.protocol) == (Delivery.CLIENT, ResponseProtocol.OIDC)
    assert (to.client_redirect_url, to.uses_initiate_login) == ("https://crm.example/login", True)
    assert to.parameters == {}
    assert client_url(to, connection(), ISSUER) == (
        "https://crm.example/login?iss=https%3A%2F%2Flogin.example%2F&login_hint=connection%3Aacme&ssoConnectorId=con_acme"
    )


def test_client_delivery_to_a_url_of_its_own_adds_the_connection_s_id_alone() -> None:
    ring = ringing(client_redirect_url="https://crm.example/sso?tenant=1")
    to = destination(ring, web(), None, None)
    assert not to.uses_initiate_login
    assert client_url(to, ring, ISSUER) == "https://crm.example/sso?tenant=1&ssoConnectorId=con_acme"


def test_a_deep_link_is_handed_to_the_application_s_login() -> None:
    ring = ringing(relay_state=RelayStateUse.TARGET_LINK_URI)
    to = destination(ring, web(), None, "https://crm.example/app/7")
    assert "&target_link_uri=https%3A%2F%2Fcrm.example%2Fapp%2F7&" in client_url(to, ring, ISSUER)


def test_a_saml_application_is_sent_to_where_it_starts_a_login() -> None:
    to = destination(ringing(default_application=WIKI), saml(), None, None)
    assert (to.delivery, to.protocol) == (Delivery.CLIENT, ResponseProtocol.SAML)
    assert (to.client_redirect_url, to.uses_initiate_login) == ("https://wiki.example/login", False)


def test_a_saml_application_without_a_login_url_is_reached_directly() -> None:
    bare = saml(saml=SamlSettings(acs_url="https://wiki.example/acs", entity_id="w"))
    assert refusal(destination, connection(), bare, None, None).endswith("application_login_csrf_risk_not_accepted")
    to = destination(ringing(accept_application_login_csrf_risk=True), bare, None, None)
    assert (to.delivery, to.protocol, to.client_redirect_url) == (Delivery.DIRECT, ResponseProtocol.SAML, None)
    routed = destination(ringing(accept_application_login_csrf_risk=True), bare, Route(application=WIKI), None)
    assert routed.delivery is Delivery.DIRECT
    assert routed.parameters == {}


def test_a_saml_application_that_nothing_is_known_of_is_reached_directly() -> None:
    to = destination(ringing(accept_application_login_csrf_risk=True), saml(saml=None), None, None)
    assert to.delivery is Delivery.DIRECT


def test_a_saml_application_with_a_client_url_in_the_policy_is_sent_there() -> None:
    bare = saml(saml=SamlSettings(acs_url="https://wiki.example/acs", entity_id="w"))
    to = destination(ringing(client_redirect_url="https://wiki.example/start"), bare, None, None)
    assert (to.delivery, to.client_redirect_url) == (Delivery.CLIENT, "https://wiki.example/start")


def test_client_delivery_has_no_url_for_a_direct_destination() -> None:
    to = destination(ringing(**DIRECT), web(), None, None)
    assert not to.uses_initiate_login
    assert refusal(client_url, to, connection(), ISSUER) == "idp_initiated.no_client_redirect_url"


# -- routes have their own settings -----------------------------------------------------------------------------------


def test_a_route_inherits_nothing_from_the_default_application_s_settings() -> None:
    ring = ringing(**DIRECT, parameters={"scope": "email"}, client_redirect_url="https://crm.example/sso")
    to = destination(ring, spa(), TO_BOARD, "b")
    assert (to.delivery, to.client_redirect_url, to.parameters) == (Delivery.CLIENT, "https://crm.example/login", {})


def test_a_route_s_own_settings_hold() -> None:
    along = Route(
        application=CRM,
        delivery=Delivery.DIRECT,
        parameters={"redirect_uri": "https://crm.example/unsolicited"},
        target_link_uri="https://crm.example/app/home",
        response_protocol=ResponseProtocol.OIDC,
    )
    to = destination(ringing(accept_application_login_csrf_risk=True), web(), along, "home")
    assert to.delivery is Delivery.DIRECT
    assert to.parameters["redirect_uri"] == "https://crm.example/unsolicited"
    assert to.target_link_uri == "https://crm.example/app/home"
    assert to.relay_state == "home"


def test_a_route_s_client_url_is_its_own() -> None:
    to = destination(connection(), web(), Route(application=CRM, client_redirect_url="https://crm.example/r"), "r")
    assert to.client_redirect_url == "https://crm.example/r"


def test_a_route_s_deep_link_that_is_not_allowed_any_more_is_dropped() -> None:
    along = Route(application=CRM, target_link_uri="https://crm.example/elsewhere")
    assert destination(connection(), web(), along, "r").target_link_uri is None


# -- direct delivery --------------------------------------------------------------------------------------------------


def test_a_direct_request_has_defaults() -> None:
    assert destination(ringing(**DIRECT), web(), None, None).parameters == {
        "redirect_uri": "https://crm.example/callback",
        "response_type": "code",
        "scope": "openid profile",
    }


def test_configured_parameters_replace_the_defaults_and_scopes_are_added_to_them() -> None:
    ring = ringing(
        **DIRECT,
        parameters={
            "redirect_uri": "https://crm.example/unsolicited",
            "scope": "email offline_access profile",
            "state": "fixed",
            "prompt": "login",
        },
    )
    assert destination(ring, web(), None, None).parameters == {
        "redirect_uri": "https://crm.example/unsolicited",
        "response_type": "code",
        "scope": "openid profile email offline_access",
        "state": "fixed",
        "prompt": "login",
    }


@pytest.mark.parametrize(
    ("registered", "response_type"),
    [
        (("code",), "id_token token"),
        (("code", "id_token"), "id_token"),
        (("token", "id_token"), "token"),
        (("token id_token",), "token id_token"),
    ],
)
def test_a_single_page_application_that_takes_tokens_gets_the_type_it_is_registered_for(
    registered: tuple[str, ...], response_type: str
) -> None:
    willing = spa(allow_unsolicited_tokens=True, response_types=registered)
    assert destination(ringing(**DIRECT), willing, None, None).parameters["response_type"] == response_type


def test_relay_state_becomes_state_only_where_it_is_told_to() -> None:
    as_state = ringing(**DIRECT, relay_state=RelayStateUse.STATE)
    assert destination(as_state, web(), None, "abc").parameters["state"] == "abc"
    assert "state" not in destination(as_state, web(), None, "").parameters
    assert "state" not in destination(as_state, web(), None, "x" * 1025).parameters
    assert "state" not in destination(ringing(**DIRECT), web(), None, "abc").parameters


# -- RelayState as data, deep links -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("use", "along", "value", "kept"),
    [
        (RelayStateUse.IGNORE, None, "v", None),
        (RelayStateUse.ROUTE, None, "v", None),
        (RelayStateUse.ROUTE, TO_BOARD, "v", "v"),
        (RelayStateUse.TARGET_LINK_URI, None, "v", "v"),
        (RelayStateUse.TARGET_LINK_URI, None, "ä" * 512, "ä" * 512),
        (RelayStateUse.TARGET_LINK_URI, None, "ä" * 512 + "a", None),
        (RelayStateUse.TARGET_LINK_URI, None, "\ud800" * 342, None),
        (RelayStateUse.TARGET_LINK_URI, None, "", None),
        (RelayStateUse.TARGET_LINK_URI, None, None, None),
    ],
)
def test_what_is_remembered_of_relay_state(
    use: RelayStateUse, along: Route | None, value: str | None, kept: str | None
) -> None:
    application = web() if along is None else spa()
    assert destination(ringing(relay_state=use), application, along, value).relay_state == kept


@pytest.mark.parametrize("use", [RelayStateUse.IGNORE, RelayStateUse.ROUTE, RelayStateUse.STATE])
def test_relay_state_is_a_deep_link_only_where_it_is_told_to_be(use: RelayStateUse) -> None:
    link = "https://crm.example/app/7"
    assert destination(ringing(**DIRECT, relay_state=use), web(), None, link).target_link_uri is None


def test_a_route_s_deep_link_is_its_own_and_not_what_relay_state_says() -> None:
    ring = ringing(relay_state=RelayStateUse.TARGET_LINK_URI)
    along = Route(application=CRM, target_link_uri="https://crm.example/app/home")
    to = destination(ring, web(), along, "https://crm.example/app/7")
    assert to.target_link_uri == "https://crm.example/app/home"


def test_a_deep_link_outside_the_prefixes_is_dropped() -> None:
    ring = ringing(relay_state=RelayStateUse.TARGET_LINK_URI)
    assert destination(ring, web(), None, "https://crm.example/app/7").target_link_uri == "https://crm.example/app/7"
    assert destination(ring, web(), None, "https://evil.example/app/7").target_link_uri is None
    assert within(web(target_link_uris=()), "https://crm.example/app/7") is None


# -- everything is judged again when it is used -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ring", "application", "along", "code"),
    [
        (connection(), web(enabled=False), None, "application_disabled"),
        (connection(applications=()), web(), None, "application_not_enabled"),
        (connection(applications=(ClientId("robot"),)), machine(), None, "application_type"),
        (ringing(response_protocol=ResponseProtocol.SAML), web(), None, "response_protocol"),
        (ringing(response_protocol=ResponseProtocol.OIDC), saml(), None, "response_protocol"),
        (connection(), spa(), Route(application=BOARD, response_protocol=ResponseProtocol.SAML), "response_protocol"),
        (connection(idp=idp(sso_url=None)), web(), None, "restart_needs_sso_url"),
        (ringing(unsolicited=Unsolicited.ACCEPT), web(), None, "login_csrf_risk_not_accepted"),
        (ringing(**DIRECT, relay_state=RelayStateUse.STATE, parameters={"state": "s"}), web(), None, "state_twice"),
        (ringing(relay_state=RelayStateUse.STATE), web(), None, "relay_state_needs_direct"),
        (ringing(**DIRECT, relay_state=RelayStateUse.STATE), saml(), None, "relay_state_needs_direct"),
        (connection(), web(initiate_login_uri=None), None, "no_client_redirect_url"),
        (ringing(client_redirect_url="http://crm.example/sso"), web(), None, "client_redirect_url"),
        (ringing(client_redirect_url="https://crm.example/sso#f"), web(), None, "client_redirect_url"),
        (ringing(client_redirect_url="https://crm.example/a/../sso"), web(), None, "client_redirect_url"),
        (ringing(client_redirect_url="https://evil.example/sso"), web(), None, "client_redirect_url_origin"),
        (ringing(client_redirect_url="https://crm.example/sso"), saml(), None, "client_redirect_url_origin"),
        (
            connection(),
            spa(),
            Route(application=BOARD, client_redirect_url="https://evil.example/"),
            "client_redirect_url_origin",
        ),
        (ringing(delivery=Delivery.DIRECT), web(), None, "application_login_csrf_risk_not_accepted"),
        (ringing(**DIRECT), native(), None, "direct_application_type"),
        (ringing(**DIRECT), spa(), None, "direct_spa"),
        (
            ringing(**DIRECT),
            web(token_endpoint_auth_method=ClientAuth.NONE),
            None,
            "direct_needs_client_authentication",
        ),
        (ringing(**DIRECT), web(redirect_uris=()), None, "redirect_uri_not_registered"),
        (
            ringing(**DIRECT, parameters={"redirect_uri": "https://crm.example/callback/"}),
            web(),
            None,
            "redirect_uri_not_registered",
        ),
        (ringing(**DIRECT, parameters={"response_type": "id_token"}), web(), None, "response_type"),
        (
            ringing(**DIRECT, parameters={"response_type": "code"}),
            spa(allow_unsolicited_tokens=True),
            None,
            "response_type",
        ),
        (
            ringing(**DIRECT, parameters={"response_type": ""}),
            spa(allow_unsolicited_tokens=True),
            None,
            "response_type",
        ),
        (ringing(**DIRECT, parameters={"response_mode": "web_message"}), web(), None, "response_mode"),
        (
            ringing(**DIRECT, parameters={"response_mode": "query"}),
            spa(allow_unsolicited_tokens=True),
            None,
            "response_mode",
        ),
        (ringing(**DIRECT, parameters={"nonce": "n"}), web(), None, "forbidden_parameter"),
        (ringing(**DIRECT, parameters={"client_id": "other"}), saml(), None, "forbidden_parameter"),
    ],
)
def test_what_is_not_allowed_any_more_is_refused_by_its_own_code(
    ring: Connection, application: Application, along: Route | None, code: str
) -> None:
    assert refusal(destination, ring, application, along, "r") == f"idp_initiated.{code}"


@pytest.mark.parametrize(
    ("ring", "application"),
    [
        (ringing(response_protocol=ResponseProtocol.OIDC), web()),
        (ringing(response_protocol=ResponseProtocol.SAML), saml()),
        (ringing(unsolicited=Unsolicited.ACCEPT, accept_login_csrf_risk=True), web()),
        (connection(idp=idp(sso_url=None), idp_initiated=policy(unsolicited=Unsolicited.CONFIRM)), web()),
        (ringing(client_redirect_url="https://crm.example/sso"), web(initiate_login_uri=None)),
        (
            ringing(client_redirect_url="https://login.crm.example/sso"),
            web(initiate_login_uri="https://login.crm.example/"),
        ),
        (ringing(client_redirect_url="https://wiki.example/sso"), saml()),
        (
            ringing(client_redirect_url="https://in.wiki.example/sso"),
            saml(
                saml=SamlSettings(acs_url="https://wiki.example/", entity_id="w", login_url="https://in.wiki.example/")
            ),
        ),
        (ringing(**DIRECT, parameters={"response_mode": "query"}), web()),
        (ringing(**DIRECT, parameters={"response_mode": "form_post"}), spa(allow_unsolicited_tokens=True)),
    ],
)
def test_what_is_allowed_is_not_refused(ring: Connection, application: Application) -> None:
    assert destination(ring, application, None, None).application == application.client_id


# -- tiles ------------------------------------------------------------------------------------------------------------


def test_a_tile_sends_the_browser_to_the_application_s_login() -> None:
    assert launch_url(web(), connection(), "https://crm.example/app/7", ISSUER) == (
        "https://crm.example/login?iss=https%3A%2F%2Flogin.example%2F&login_hint=connection%3Aacme"
        "&target_link_uri=https%3A%2F%2Fcrm.example%2Fapp%2F7&ssoConnectorId=con_acme"
    )


def test_a_tile_drops_a_deep_link_that_leads_outside() -> None:
    assert "target_link_uri" not in launch_url(web(), connection(), "https://evil.example/", ISSUER)
    assert "target_link_uri" not in launch_url(web(), connection(), None, ISSUER)


@pytest.mark.parametrize(
    ("application", "through", "code"),
    [
        (web(enabled=False), connection(), "application.disabled"),
        (web(), connection(enabled=False), "connection.disabled"),
        (web(), connection(applications=(BOARD,)), "connection.not_enabled_for_application"),
        (web(initiate_login_uri=None), connection(), "launch.no_initiate_login_uri"),
    ],
)
def test_a_tile_that_leads_nowhere_is_refused(application: Application, through: Connection, code: str) -> None:
    assert refusal(launch_url, application, through, None, ISSUER) == code


# -- parameters -------------------------------------------------------------------------------------------------------


def test_parameters_may_be_a_query_string_with_spaces_as_auth0_writes_it() -> None:
    written = "redirect_uri=https://crm.example/callback&scope=openid email&response_type=token"
    assert parse_parameters(written) == {
        "redirect_uri": "https://crm.example/callback",
        "scope": "openid email",
        "response_type": "token",
    }
    assert parse_parameters("?scope=openid+email&audience=") == {"scope": "openid email", "audience": ""}
    assert parse_parameters("") == {}


def test_parameters_may_be_a_map() -> None:
    assert parse_parameters({"scope": "email", "state": "s"}) == {"scope": "email", "state": "s"}


@pytest.mark.parametrize(
    "name",
    [
        "client_id",
        "connection",
        "direct_sign_in",
        "code_challenge",
        "code_challenge_method",
        "request",
        "request_uri",
        "nonce",
    ],
)
def test_a_forbidden_parameter_is_refused_by_name(name: str) -> None:
    with pytest.raises(Refused, match=f"`{name}`") as caught:
        parse_parameters({name: "x"})
    assert caught.value.code == "idp_initiated.forbidden_parameter"


@pytest.mark.parametrize("name", ["client_info", "connection_scope", "xrequest", "nonces", "code", "login_hints"])
def test_a_parameter_that_only_resembles_a_forbidden_one_may_be_set(name: str) -> None:
    assert parse_parameters({name: "connection:x"}) == {name: "connection:x"}


def test_a_login_hint_may_name_a_person_but_no_connection() -> None:
    assert parse_parameters({"login_hint": "ada@acme.example"}) == {"login_hint": "ada@acme.example"}
    assert refusal(parse_parameters, "login_hint=connection:other") == "idp_initiated.forbidden_parameter"


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("scope=a&scope=b", "repeated_parameter"),
        ({"max_age": 5}, "parameters"),
        ({"": "x"}, "parameters"),
        ("state=a%0ab", "parameters"),
        ({f"p{number}": "" for number in range(33)}, "parameters"),
        ({"state": "x" * 2048}, "parameters"),
    ],
)
def test_parameters_that_no_request_can_carry_are_refused(written: Any, code: str) -> None:
    assert refusal(parse_parameters, written) == f"idp_initiated.{code}"


def test_parameters_are_bounded_not_forbidden() -> None:
    assert len(parse_parameters({f"p{number}": "" for number in range(32)})) == 32
    assert parse_parameters({"state": "x" * 2043}) == {"state": "x" * 2043}
