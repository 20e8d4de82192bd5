"""Every contradiction in a configuration is found, with its path, and a valid one has none."""

from collections.abc import Sequence
from typing import Any

import pytest
from tests.policy.nouns import connection, idp, machine, native, policy, ringing, saml, spa, web

from vestibule.model.application import Application, ClientAuth
from vestibule.model.connection import (
    Connection,
    Delivery,
    Domain,
    RelayStateUse,
    ResponseProtocol,
    Route,
    Unsolicited,
)
from vestibule.model.ids import ClientId, ConnectionId, Digest
from vestibule.model.installation import Branding, Installation
from vestibule.policy.consistency import faults

CRM, BOARD, PHONE, PLAIN = map(ClientId, ("crm", "board", "phone", "plain"))
EVERY = (web(), spa(), native(), machine(), web(client_id=PLAIN, target_link_uris=()))
DIRECT: dict[str, Any] = {"delivery": Delivery.DIRECT, "accept_application_login_csrf_risk": True}


def found(
    applications: Sequence[Application],
    connections: Sequence[Connection] = (),
    installation: Installation | None = None,
) -> list[tuple[str, str]]:
    """Path and code of every fault."""
    return [(one.path, one.code) for one in faults(installation or Installation(), applications, connections)]


def at(connected: Connection) -> list[tuple[str, str]]:
    """The faults of a connection among applications without fault, paths within it."""
    return [(path.removeprefix("connections.acme."), code) for path, code in found(EVERY, (connected,))]


def joined(**changes: Any) -> Connection:
    return connection(**{"applications": (CRM, BOARD, PHONE, PLAIN), **changes})


def rung(**changes: Any) -> Connection:
    return joined(idp_initiated=policy(**changes))


def test_a_valid_configuration_has_no_fault() -> None:
    assert found(EVERY, (joined(),)) == []


def test_an_empty_configuration_has_no_fault() -> None:
    assert found(()) == []


def test_every_fault_says_what_to_do_and_none_is_told_twice() -> None:
    two = {"a": Route(application=CRM, delivery=Delivery.DIRECT), "b": Route(application=CRM, delivery=Delivery.DIRECT)}
    told = faults(Installation(), (web(name=""), *EVERY[1:]), (rung(routes=two),))
    assert len(set(told)) == len(told)
    assert all(len(one.message) > 10 for one in told)
    path = "connections.acme.idp_initiated.accept_application_login_csrf_risk"
    assert [one.path for one in told].count(path) == 1


# -- the installation -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("branding", "field"),
    [
        (Branding(product_name=" "), "product_name"),
        (Branding(colour="red"), "colour"),
        (Branding(colour="#12345"), "colour"),
        (Branding(colour="#fff;}"), "colour"),
        (Branding(logo_url="http://crm.example/logo.svg"), "logo_url"),
        (Branding(logo_url="javascript:alert(1)"), "logo_url"),
    ],
)
def test_branding_that_a_page_cannot_show_is_a_fault(branding: Branding, field: str) -> None:
    assert found((), (), Installation(branding=branding)) == [(f"branding.{field}", f"branding.{field}")]


def test_good_branding_is_none() -> None:
    branding = Branding(product_name="Acme", colour="#0b5", logo_url="https://crm.example/logo.svg")
    assert found((), (), Installation(branding=branding)) == []


# -- applications -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("application", "field", "code"),
    [
        (web(name=" "), "name", "application.name"),
        (saml(), "type", "application.saml_not_supported"),
        (web(redirect_uris=()), "redirect_uris", "application.no_redirect_uri"),
        (spa(redirect_uris=()), "redirect_uris", "application.no_redirect_uri"),
        (machine(redirect_uris=("https://a.example/",)), "redirect_uris", "application.machine_redirect_uri"),
        (web(initiate_login_uri="http://crm.example/l"), "initiate_login_uri", "application.initiate_login_uri"),
        (web(initiate_login_uri="https://crm.example/l#f"), "initiate_login_uri", "application.initiate_login_uri"),
        (web(initiate_login_uri="https://crm.example/../l"), "initiate_login_uri", "application.initiate_login_uri"),
        (web(target_link_uris=("http://crm.example/",)), "target_link_uris[0]", "application.target_link_uri"),
        (web(target_link_uris=("https://crm.example/?a",)), "target_link_uris[0]", "application.target_link_uri"),
        (web(web_origins=("https://crm.example/",)), "web_origins[0]", "application.web_origin"),
        (web(web_origins=("https://crm.example", "*")), "web_origins[1]", "application.web_origin"),
        (
            spa(token_endpoint_auth_method=ClientAuth.BASIC),
            "token_endpoint_auth_method",
            "application.public_with_secret",
        ),
        (native(secret_digests=(Digest("d"),)), "client_secret", "application.public_with_secret"),
        (
            machine(token_endpoint_auth_method=ClientAuth.NONE),
            "token_endpoint_auth_method",
            "application.machine_without_secret",
        ),
        (web(secret_digests=()), "client_secret", "application.no_secret"),
        (
            web(secret_digests=(), token_endpoint_auth_method=ClientAuth.POST),
            "client_secret",
            "application.no_secret",
        ),
        (machine(secret_digests=()), "client_secret", "application.no_secret"),
        (web(allow_unsolicited_tokens=True), "allow_unsolicited_tokens", "application.unsolicited_tokens"),
        (web(id_token_signed_response_alg="HS256"), "id_token_signed_response_alg", "application.algorithm"),
        (web(id_token_signed_response_alg="none"), "id_token_signed_response_alg", "application.algorithm"),
        (web(response_types=("code", "code token")), "response_types[1]", "application.response_type"),
        (web(response_types=("",)), "response_types[0]", "application.response_type"),
        (web(grant_types=("authorization_code", "password")), "grant_types[1]", "application.grant_type"),
    ],
)
def test_what_is_wrong_with_an_application(application: Application, field: str, code: str) -> None:
    assert found((application,)) == [(f"applications.{application.client_id}.{field}", code)]


@pytest.mark.parametrize(
    "application",
    [
        web(secret_digests=(), token_endpoint_auth_method=ClientAuth.NONE),
        web(initiate_login_uri="http://crm.localhost:3000/login"),
        web(web_origins=("https://crm.example", "http://localhost:3000")),
        web(id_token_signed_response_alg="ES256"),
        web(redirect_uris=(), grant_types=("client_credentials",)),
        machine(grant_types=("authorization_code", "client_credentials")),
        spa(allow_unsolicited_tokens=True, response_types=("code", "token id_token", "id_token token", "token")),
    ],
)
def test_what_is_right_with_an_application(application: Application) -> None:
    assert found((application,)) == []


@pytest.mark.parametrize("client_id", ["", "a b", "a/b", ".hidden", "a" * 129, "ä", "a?b"])
def test_a_client_id_stands_in_urls(client_id: str) -> None:
    assert found((web(client_id=ClientId(client_id)),)) == [
        (f"applications.{client_id}.client_id", "application.client_id")
    ]


def test_a_client_id_is_given_once() -> None:
    assert found((web(), web())) == [("applications.crm.client_id", "application.client_id_twice")]


@pytest.mark.parametrize("field", ["redirect_uris", "post_logout_redirect_uris"])
@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/callback",
        "http://crm.example/callback",
        "https://crm.example/callback#f",
        "https://crm.example/callback#",
        "https://*.crm.example/callback",
        "https://crm.example/*",
        "https://user@crm.example/callback",
        "https://crm.example/a/../callback",
        "https://crm.example/%2e%2e/callback",
        "https://crm.example\\callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "com.example.phone:/callback",
        "https://ok.example/",
    ],
)
def test_redirect_uris_of_a_web_application_are_absolute_https_urls(field: str, uri: str) -> None:
    """The last one is good by itself, but listed twice."""
    application = web(**{"redirect_uris": ("https://ok.example/",), field: ("https://ok.example/", uri)})
    assert found((application,)) == [(f"applications.crm.{field}[1]", "application.redirect_uri")]


@pytest.mark.parametrize("uri", ["com.example.phone:/callback", "http://127.0.0.1/callback", "https://crm.example/x?y"])
def test_a_native_application_may_use_a_private_scheme_with_a_dot(uri: str) -> None:
    assert found((native(redirect_uris=(uri,)),)) == []


@pytest.mark.parametrize(
    "uri",
    [
        "phone:/callback",
        "com.example.phone:/\x01",
        "javascript:alert(1)",
        "com.example.phone:/a b",
        "com.example.phone:\\a",
        "http://[x.y/",
    ],
)
def test_a_private_scheme_is_a_reversed_domain_name(uri: str) -> None:
    assert found((native(redirect_uris=(uri,)),)) == [
        ("applications.phone.redirect_uris[0]", "application.redirect_uri")
    ]


# -- connections ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connected", "path", "code"),
    [
        (joined(id=ConnectionId("a b")), "id", "connection.id"),
        (joined(id=ConnectionId("")), "id", "connection.id"),
        (joined(display_name=""), "display_name", "connection.display_name"),
        (joined(idp=idp(entity_id="")), "idp.entity_id", "connection.entity_id"),
        (joined(idp=idp(entity_id="a b")), "idp.entity_id", "connection.entity_id"),
        (joined(idp=idp(entity_id="a\tb")), "idp.entity_id", "connection.entity_id"),
        (joined(idp=idp(entity_id="a" * 1025)), "idp.entity_id", "connection.entity_id"),
        (joined(sp_entity_id=""), "sp_entity_id", "connection.sp_entity_id"),
        (joined(idp=idp(certificates=())), "idp.certificates", "connection.no_certificate"),
        (joined(idp=idp(sso_url="http://idp.acme.example/sso")), "idp.sso_url", "connection.idp_url"),
        (joined(idp=idp(sso_post_url="javascript:x")), "idp.sso_post_url", "connection.idp_url"),
        (joined(idp=idp(slo_url="/slo")), "idp.slo_url", "connection.idp_url"),
        (joined(clock_skew=-1), "clock_skew", "connection.clock_skew"),
        (joined(clock_skew=301), "clock_skew", "connection.clock_skew"),
        (joined(max_assertion_age=59), "max_assertion_age", "connection.max_assertion_age"),
        (joined(max_assertion_age=86401), "max_assertion_age", "connection.max_assertion_age"),
        (joined(session_max=0), "session_max", "connection.session_max"),
        (joined(refresh_max=0), "refresh_max", "connection.refresh_max"),
        (joined(applications=(CRM, ClientId("gone"))), "applications[1]", "connection.unknown_application"),
        (joined(applications=(CRM, ClientId("robot"))), "applications[1]", "connection.machine_application"),
        (joined(domains=(Domain(name="Acme.example"),)), "domains[0].name", "connection.domain"),
        (joined(domains=(Domain(name="*.acme.example"),)), "domains[0].name", "connection.domain"),
        (joined(domains=(Domain(name="a.example"),) * 2), "domains[1].name", "connection.domain_twice"),
        (joined(attribute_mapping={"sub": ("uid",)}), "attribute_mapping.sub", "mapping.reserved_claim"),
        (
            joined(attribute_mapping={"email_verified": ("x",)}),
            "attribute_mapping.email_verified",
            "mapping.reserved_claim",
        ),
        (joined(attribute_mapping={"a b": ("x",)}), "attribute_mapping.a b", "mapping.claim"),
        (joined(attribute_mapping={"team": ()}), "attribute_mapping.team", "mapping.empty"),
        (joined(attribute_mapping={"team": ("x", " ")}), "attribute_mapping.team", "mapping.empty"),
        (joined(subject_attribute=" "), "subject_attribute", "mapping.subject_attribute"),
        (
            connection(
                applications=(CRM,),
                idp=idp(sso_url=None),
                ignore_unknown_in_response_to=True,
                idp_initiated=policy(unsolicited=Unsolicited.CONFIRM),
            ),
            "ignore_unknown_in_response_to",
            "connection.quirk_needs_sso_url",
        ),
    ],
)
def test_what_is_wrong_with_a_connection(connected: Connection, path: str, code: str) -> None:
    assert at(connected) == [(path, code)]


@pytest.mark.parametrize(
    "connected",
    [
        joined(clock_skew=0, max_assertion_age=60, session_max=60, refresh_max=60),
        joined(clock_skew=300, max_assertion_age=86400),
        joined(
            idp=idp(sso_url="http://idp.localhost:8001/sso", entity_id="urn:idp", slo_url="https://idp.example/slo")
        ),
        joined(idp=idp(entity_id="a" * 1024)),
        joined(sp_entity_id="urn:amazon:webservices", subject_attribute="uid"),
        joined(attribute_mapping={"https://crm.example/roles": ("roles",), "name": ("cn",)}),
        joined(idp=idp(sso_url=None), idp_initiated=policy(enabled=False)),
        joined(idp=idp(sso_url=None), idp_initiated=policy(unsolicited=Unsolicited.CONFIRM)),
        joined(ignore_unknown_in_response_to=True),
    ],
)
def test_what_is_right_with_a_connection(connected: Connection) -> None:
    assert at(connected) == []


@pytest.mark.parametrize("name", ["", "a b", "-a", "a-", "a/b", "ä", "a.b", "a" * 129])
def test_a_name_is_letters_digits_and_hyphens(name: str) -> None:
    assert found(EVERY, (joined(name=name),)) == [(f"connections.{name}.name", "connection.name")]


def test_names_and_ids_of_connections_are_one_namespace() -> None:
    def other(**changes: Any) -> Connection:
        plain = {"id": ConnectionId("con_beta"), "name": "beta", "domains": ()}
        return joined(**{**plain, **changes})

    def clash(**changes: Any) -> list[tuple[str, str]]:
        return found(EVERY, (joined(), other(**changes)))

    assert clash() == []
    assert clash(name="acme") == [("connections.acme.name", "connection.name_taken")]
    assert clash(id=ConnectionId("con_acme")) == [
        ("connections.acme.id", "connection.id_taken"),
        ("connections.beta.id", "connection.id_taken"),
    ]
    assert clash(id=ConnectionId("acme")) == [("connections.acme.name", "connection.name_is_id")]


def test_a_connection_s_name_may_equal_its_own_id() -> None:
    assert at(joined(id=ConnectionId("acme"))) == []


def test_one_connection_holds_a_verified_domain() -> None:
    def both(first: bool, second: bool) -> list[tuple[str, str]]:
        one = joined(domains=(Domain(name="a.example", verified=first),))
        two = joined(id=ConnectionId("con_beta"), name="beta", domains=(Domain(name="a.example", verified=second),))
        return found(EVERY, (one, two))

    assert both(True, False) == both(False, True) == both(False, False) == []
    assert both(True, True) == [("connections.beta.domains[0].verified", "connection.domain_taken")]


# -- the policy for unsolicited responses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connected", "field", "code"),
    [
        (rung(arrival_ttl=9), "arrival_ttl", "arrival_ttl"),
        (rung(arrival_ttl=601), "arrival_ttl", "arrival_ttl"),
        (rung(post_origins=("https://portal.example/x",)), "post_origins[0]", "post_origin"),
        (rung(post_origins=("*", "https://*.example")), "post_origins[1]", "post_origin"),
        (rung(routes={"": Route(application=CRM)}), "routes.", "route_alias"),
        (rung(routes={"ä" * 41: Route(application=CRM)}), "routes." + "ä" * 41, "route_alias"),
        (rung(default_application=None), "default_application", "no_default_application"),
        (rung(default_application=ClientId("gone")), "default_application", "unknown_application"),
        (joined(applications=(BOARD,)), "default_application", "application_not_enabled"),
        (rung(routes={"r": Route(application=ClientId("gone"))}), "routes.r.application", "unknown_application"),
        (
            joined(applications=(CRM,), idp_initiated=policy(routes={"r": Route(application=BOARD)})),
            "routes.r.application",
            "application_not_enabled",
        ),
        (joined(idp=idp(sso_url=None)), "unsolicited", "restart_needs_sso_url"),
        (rung(unsolicited=Unsolicited.ACCEPT), "accept_login_csrf_risk", "login_csrf_risk_not_accepted"),
        (
            rung(delivery=Delivery.DIRECT),
            "accept_application_login_csrf_risk",
            "application_login_csrf_risk_not_accepted",
        ),
        (
            rung(routes={"r": Route(application=CRM, delivery=Delivery.DIRECT)}),
            "accept_application_login_csrf_risk",
            "application_login_csrf_risk_not_accepted",
        ),
        (rung(response_protocol=ResponseProtocol.SAML), "response_protocol", "response_protocol"),
        (
            rung(routes={"r": Route(application=CRM, response_protocol=ResponseProtocol.SAML)}),
            "routes.r.response_protocol",
            "response_protocol",
        ),
        (rung(client_redirect_url="https://evil.example/"), "client_redirect_url", "client_redirect_url_origin"),
        (
            rung(routes={"r": Route(application=CRM, client_redirect_url="https://evil.example/")}),
            "routes.r.client_redirect_url",
            "client_redirect_url_origin",
        ),
        (rung(relay_state=RelayStateUse.STATE), "relay_state", "relay_state_needs_direct"),
        (
            rung(**DIRECT, relay_state=RelayStateUse.STATE, parameters={"state": "s"}),
            "relay_state",
            "state_twice",
        ),
        (
            rung(**DIRECT, parameters={"redirect_uri": "https://crm.example/other"}),
            "parameters.redirect_uri",
            "redirect_uri_not_registered",
        ),
        (rung(**DIRECT, parameters={"nonce": "n"}), "parameters.nonce", "forbidden_parameter"),
        (
            rung(enabled=False, parameters={"client_id": "x"}),
            "parameters.client_id",
            "forbidden_parameter",
        ),
        (
            rung(enabled=False, routes={"r": Route(application=CRM, parameters={"request_uri": "x"})}),
            "routes.r.parameters.request_uri",
            "forbidden_parameter",
        ),
        (rung(**DIRECT, default_application=BOARD), "delivery", "direct_spa"),
        (rung(**DIRECT, default_application=PHONE), "delivery", "direct_application_type"),
        (
            rung(
                accept_application_login_csrf_risk=True,
                routes={"r": Route(application=BOARD, delivery=Delivery.DIRECT)},
            ),
            "routes.r.delivery",
            "direct_spa",
        ),
        (
            rung(routes={"r": Route(application=CRM, target_link_uri="https://crm.example/other")}),
            "routes.r.target_link_uri",
            "target_link_uri",
        ),
        (
            rung(default_application=PLAIN, relay_state=RelayStateUse.TARGET_LINK_URI),
            "relay_state",
            "no_target_link_uris",
        ),
    ],
)
def test_what_is_wrong_with_a_policy(connected: Connection, field: str, code: str) -> None:
    assert found(EVERY, (connected,)) == [(f"connections.acme.idp_initiated.{field}", f"idp_initiated.{code}")]


@pytest.mark.parametrize(
    "connected",
    [
        rung(arrival_ttl=10, post_origins=("null", "*", "https://portal.example")),
        rung(arrival_ttl=600, routes={"a" * 80: Route(application=CRM), "ä" * 40: Route(application=BOARD)}),
        rung(unsolicited=Unsolicited.ACCEPT, accept_login_csrf_risk=True, **DIRECT),
        rung(**DIRECT, relay_state=RelayStateUse.STATE),
        rung(**DIRECT, relay_state=RelayStateUse.STATE, routes={"r": Route(application=BOARD)}),
        rung(**DIRECT, parameters={"redirect_uri": "https://crm.example/unsolicited", "state": "s"}),
        rung(relay_state=RelayStateUse.TARGET_LINK_URI),
        rung(relay_state=RelayStateUse.TARGET_LINK_URI, routes={"r": Route(application=PLAIN)}),
        rung(routes={"r": Route(application=BOARD, target_link_uri="https://crm.example/app/x")}),
        rung(enabled=False, default_application=ClientId("gone")),
        rung(enabled=False, unsolicited=Unsolicited.ACCEPT),
    ],
)
def test_what_is_right_with_a_policy(connected: Connection) -> None:
    assert at(connected) == []


def test_a_machine_application_is_no_default_application() -> None:
    robot = ringing(default_application=ClientId("robot"))
    codes = {code for _, code in found((machine(),), (robot,))}
    assert "idp_initiated.application_type" in codes


def test_a_client_delivery_without_a_place_to_go_is_a_fault() -> None:
    assert found((web(initiate_login_uri=None),), (joined(applications=(CRM,)),)) == [
        ("connections.acme.idp_initiated.client_redirect_url", "idp_initiated.no_client_redirect_url")
    ]


def test_a_saml_application_is_refused_by_one_sentence_and_not_by_all_that_it_lacks_of_openid_connect() -> None:
    assert [one.message for one in faults(Installation(), (saml(),), ())] == [
        "applications that speak SAML come with a later version of Vestibule: leave this one out for now"
    ]


def test_a_connections_own_id_may_be_its_name() -> None:
    one = joined(id=ConnectionId("acme"), name="acme")
    assert found(EVERY, (one,)) == []
    assert ("connections.acme.name", "connection.name_is_id") in found(EVERY, (one, joined(id=one.id, name="beta")))


def test_of_many_connections_each_is_looked_at_a_few_times() -> None:
    """Not once for each other one: a file for a hundred thousand would take days."""
    looks = 0

    class Seen(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal looks
            looks += 1
            return str.__eq__(self, other)

    many = [joined(id=ConnectionId(Seen(f"con_{n}")), name=f"n{n}", domains=()) for n in range(300)]
    assert found(EVERY, many) == []
    assert looks < 20 * len(many)
