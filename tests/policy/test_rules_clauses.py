"""The last clauses of a configuration's rules: lengths in numbers, and what each list allows, item by item."""

from typing import Any

import pytest
from tests.policy.nouns import native, saml, spa, web
from tests.policy.test_consistency import EVERY, at, found, joined, rung

from vestibule.model.application import Application
from vestibule.model.connection import RelayStateUse
from vestibule.model.ids import ClientId, ConnectionId
from vestibule.policy.domains import is_domain

YEAR = 31_622_400


@pytest.mark.parametrize("client_id", ["a", "a" * 128, "A.b_c~d-9"])
def test_a_client_id_has_1_to_128_characters(client_id: str) -> None:
    """From one letter to a hundred and twenty-eight."""
    assert found((web(client_id=ClientId(client_id)),)) == []


@pytest.mark.parametrize("client_id", ["", "a" * 129, "-a", "a b", "a/b"])
def test_anything_else_is_no_client_id(client_id: str) -> None:
    """It stands in URLs."""
    assert [code for _, code in found((web(client_id=ClientId(client_id)),))] == ["application.client_id"]


@pytest.mark.parametrize("asked", ["code", "token", "id_token", "id_token token", "token id_token"])
def test_each_response_type_may_be_registered(asked: str) -> None:
    """In any order of its words."""
    assert found((spa(response_types=(asked,)),)) == []


@pytest.mark.parametrize("grant", ["authorization_code", "refresh_token", "implicit", "client_credentials"])
def test_each_grant_type_may_be_registered(grant: str) -> None:
    """The four that there are."""
    assert found((web(grant_types=(grant,)),)) == []


def test_nobody_can_be_sent_back_to_a_native_application_without_a_redirect_uri() -> None:
    """As to any other that people sign in to."""
    assert [code for _, code in found((native(redirect_uris=()),))] == ["application.no_redirect_uri"]


@pytest.mark.parametrize("uri", ["com.example.:/callback", "com..example:/callback", "Xcom.example/:/callback"])
def test_a_private_scheme_is_a_whole_reversed_domain_name(uri: str) -> None:
    """A name that only begins like one is none."""
    assert [code for _, code in found((native(redirect_uris=(uri,)),))] == ["application.redirect_uri"]


NAMED: list[tuple[dict[str, Any], str | None]] = [
    ({"name": "a"}, None),
    ({"name": "ab"}, None),
    ({"name": "a" * 128}, None),
    ({"name": "a" * 129}, "connection.name"),
    ({"name": "a-"}, "connection.name"),
    ({"id": ConnectionId("c")}, None),
    ({"id": ConnectionId("c" * 128)}, None),
    ({"id": ConnectionId("c" * 129)}, "connection.id"),
    ({"id": ConnectionId("")}, "connection.id"),
    ({"display_name": " "}, "connection.display_name"),
    ({"sp_entity_id": "x"}, None),
    ({"sp_entity_id": "x" * 1024}, None),
    ({"sp_entity_id": "x" * 1025}, "connection.sp_entity_id"),
    ({"sp_entity_id": ""}, "connection.sp_entity_id"),
    ({"attribute_mapping": {"c": ("a",)}}, None),
    ({"attribute_mapping": {"c" * 128: ("a",)}}, None),
    ({"attribute_mapping": {"c" * 129: ("a",)}}, "mapping.claim"),
    ({"session_max": 60}, None),
    ({"session_max": 59}, "connection.session_max"),
    ({"session_max": YEAR}, None),
    ({"session_max": YEAR + 1}, "connection.session_max"),
    ({"refresh_max": 60}, None),
    ({"refresh_max": 59}, "connection.refresh_max"),
    ({"refresh_max": YEAR}, None),
    ({"refresh_max": YEAR + 1}, "connection.refresh_max"),
    ({"clock_skew": 0}, None),
    ({"clock_skew": 300}, None),
    ({"clock_skew": 301}, "connection.clock_skew"),
    ({"max_assertion_age": 60}, None),
    ({"max_assertion_age": 86_400}, None),
    ({"max_assertion_age": 86_401}, "connection.max_assertion_age"),
]


@pytest.mark.parametrize(("changes", "code"), NAMED)
def test_each_length_and_span_holds_at_its_bound(changes: dict[str, Any], code: str | None) -> None:
    """At the bound it may be saved, one beyond it is the one fault."""
    assert [one for _, one in found(EVERY, (joined(**changes),))] == ([] if code is None else [code])


def test_deep_links_by_relay_state_alone_need_somewhere_to_lead() -> None:
    """An application without `target_link_uris` is no fault, unless every deep link is meant to come from RelayState."""
    plain = ClientId("plain")
    assert at(rung(default_application=plain)) == []
    assert at(rung(default_application=plain, relay_state=RelayStateUse.TARGET_LINK_URI)) == [
        ("idp_initiated.relay_state", "idp_initiated.no_target_link_uris")
    ]


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("a.b", True),
        ("a" * 63 + ".example", True),
        ("a" * 64 + ".example", False),
        (".".join(["a" * 61] * 4) + ".acme", True),
        (".".join(["a" * 61] * 4) + ".acmes", True),
        (".".join(["a" * 61] * 4) + ".acmesx", False),
        ("acme", False),
        ("acme.example.", False),
        ("-a.example", False),
        ("a-.example", False),
    ],
)
def test_a_domain_has_labels_of_63_and_253_characters_in_all(name: str, good: bool) -> None:
    """[RFC 1035 2.3.4], without the dot at the end."""
    assert is_domain(name) is good


def test_an_application_that_speaks_saml_is_told_so_and_nothing_else() -> None:
    """What would be wrong with it otherwise does not matter yet."""
    odd: Application = saml(redirect_uris=("nonsense",))
    assert [code for _, code in found((odd,))] == ["application.saml_not_supported"]
