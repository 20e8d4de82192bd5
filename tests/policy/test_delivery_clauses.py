"""Objections, each with the setting that it is about, and what a way says where little is configured."""

from typing import Any

import pytest
from tests.policy.nouns import connection, machine, policy, saml, web
from tests.policy.test_consistency import DIRECT, at, rung

from vestibule.model.application import Application, ClientAuth
from vestibule.model.connection import Connection, Delivery
from vestibule.model.ids import ClientId
from vestibule.policy.delivery import forbidden_parameters, objections, way
from vestibule.policy.domains import domain_of, is_domain

EVERY_APPLICATION = tuple(map(ClientId, ("crm", "board", "phone", "wiki", "robot")))


def leading(application: Application, **changes: Any) -> list[tuple[str, str]]:
    """Field and code of every objection to the default way of a connection whose policy is changed so."""
    connected: Connection = connection(applications=EVERY_APPLICATION, idp_initiated=policy(**changes))
    return [(one.field, one.code) for one in objections(connected, way(connected, application, None))]


OBJECTED: list[tuple[Application, dict[str, Any], list[tuple[str, str]]]] = [
    (machine(), {"client_redirect_url": "https://crm.example/x"}, [("application", "idp_initiated.application_type"), ("client_redirect_url", "idp_initiated.client_redirect_url_origin")]),
    (machine(redirect_uris=("https://a.example/",)), DIRECT, [("application", "idp_initiated.application_type"), ("delivery", "idp_initiated.direct_application_type")]),
    (web(token_endpoint_auth_method=ClientAuth.NONE), DIRECT, [("delivery", "idp_initiated.direct_needs_client_authentication")]),
    (web(), {"client_redirect_url": "https://crm.example/x#y"}, [("client_redirect_url", "idp_initiated.client_redirect_url")]),
    (web(), {"client_redirect_url": "https://other.example/x"}, [("client_redirect_url", "idp_initiated.client_redirect_url_origin")]),
    (web(initiate_login_uri=None), {}, [("client_redirect_url", "idp_initiated.no_client_redirect_url")]),
    (web(), {**DIRECT, "parameters": {"response_type": "token"}}, [("parameters.response_type", "idp_initiated.response_type")]),
    (web(), {**DIRECT, "parameters": {"response_mode": "x"}}, [("parameters.response_mode", "idp_initiated.response_mode")]),
    (web(), {**DIRECT, "parameters": {"redirect_uri": "x"}}, [("parameters.redirect_uri", "idp_initiated.redirect_uri_not_registered")]),
    (web(redirect_uris=()), DIRECT, [("parameters.redirect_uri", "idp_initiated.redirect_uri_not_registered")]),
]  # fmt: skip


@pytest.mark.parametrize(("application", "changes", "objected"), OBJECTED)
def test_each_objection_names_the_setting_that_mends_it(
    application: Application, changes: dict[str, Any], objected: list[tuple[str, str]]
) -> None:
    """The console marks that field, and a file's path ends with it."""
    assert leading(application, **changes) == objected


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
def test_a_code_may_be_sent_in_each_of_the_three_modes(mode: str) -> None:
    """The three that there are."""
    assert at(rung(**DIRECT, parameters={"response_mode": mode})) == []


@pytest.mark.parametrize(
    ("name", "forbidden"),
    [
        ("request", True),
        ("request_uri", True),
        ("reques", False),
        ("code_challenge", True),
        ("code_challenge_method", True),
        ("code_challeng", False),
        ("nonce", True),
        ("nonces", False),
    ],
)
def test_a_star_stands_for_any_ending_and_for_nothing_before_it(name: str, forbidden: bool) -> None:
    """`request*` is `request` and whatever begins so."""
    assert forbidden_parameters({name: "x"}) == ((name,) if forbidden else ())


def test_a_saml_application_without_its_settings_starts_no_login() -> None:
    """It is reached directly, and its way names no URL."""
    unsettled = way(connection(), saml(saml=None), None)
    assert (unsettled.delivery, unsettled.login_entrance, unsettled.client_url) == (Delivery.DIRECT, None, None)


@pytest.mark.parametrize("domain", ["ab.cd", ".".join(["a" * 61] * 4) + ".acmes"])
def test_an_address_lies_in_a_domain_of_two_letters_as_of_253(domain: str) -> None:
    """The shortest labels and the longest name."""
    assert is_domain(domain)
    assert domain_of(f"ada@{domain}") == domain
