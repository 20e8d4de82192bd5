"""Which connection a person signs in through."""

import pytest
from tests.policy.nouns import connection, web

from vestibule.ground.errors import Refused
from vestibule.model.connection import Connection, Domain
from vestibule.model.ids import ConnectionId
from vestibule.policy.home_realm import Ask, Unknown, choose

ACME = connection()
BETA = connection(id=ConnectionId("con_beta"), name="beta", domains=(Domain(name="beta.example"),))
OFF = connection(id=ConnectionId("con_off"), name="off", enabled=False, domains=(Domain(name="off.example"),))
ELSEWHERE = connection(
    id=ConnectionId("con_else"), name="elsewhere", applications=(), domains=(Domain(name="else.example"),)
)
ALL = (ACME, BETA, OFF, ELSEWHERE)


@pytest.mark.parametrize("named", ["beta", "con_beta"])
def test_a_named_connection_is_taken_by_name_or_id_whatever_the_email_says(named: str) -> None:
    assert choose(web(), ALL, named, "ada@acme.example") == BETA


@pytest.mark.parametrize(
    ("named", "code"),
    [
        ("nobody", "connection.unknown"),
        ("", "connection.unknown"),
        ("off", "connection.disabled"),
        ("elsewhere", "connection.not_enabled_for_application"),
    ],
)
def test_a_named_connection_that_cannot_be_used_is_refused(named: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        choose(web(), ALL, named, None)
    assert caught.value.code == code


@pytest.mark.parametrize("email", [None, "ada@nowhere.example"])
def test_an_application_with_one_connection_never_asks(email: str | None) -> None:
    assert choose(web(), (ACME, OFF, ELSEWHERE), None, email) == ACME


@pytest.mark.parametrize("email", [None, "", "  "])
def test_several_connections_and_no_email_ask_for_one(email: str | None) -> None:
    assert choose(web(), ALL, None, email) == Ask()


def test_the_email_s_domain_chooses() -> None:
    assert choose(web(), ALL, None, "bob@beta.example") == BETA


@pytest.mark.parametrize("email", ["x@nowhere.example", "x@off.example", "x@else.example", "no address"])
def test_an_unknown_domain_is_answered_like_a_known_one_without_a_usable_connection(email: str) -> None:
    assert choose(web(), ALL, None, email) == Unknown()


@pytest.mark.parametrize("connections", [(), (OFF, ELSEWHERE)])
def test_an_application_without_a_connection_lets_nobody_in(connections: tuple[Connection, ...]) -> None:
    with pytest.raises(Refused) as caught:
        choose(web(), connections, None, None)
    assert caught.value.code == "connection.none_for_application"
