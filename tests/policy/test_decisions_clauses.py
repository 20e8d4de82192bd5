"""Decisions at their last boundary: sessions of an instant, parameters as long as may be, rows of the ladder for one situation alone."""

from dataclasses import replace

import pytest
from tests.policy.nouns import ISSUER, NOW, connection, identity, web
from tests.policy.test_session import SESSION, answers

from vestibule.ground.errors import Refused
from vestibule.model.connection import Delivery, ResponseProtocol
from vestibule.model.ids import ClientId
from vestibule.policy.release import release
from vestibule.policy.routing import Destination, client_url, parse_parameters, within
from vestibule.policy.unsolicited import LADDER, Row, Situation


@pytest.mark.parametrize(("max_age", "answered"), [(0, False), (1, True), (-1, False)])
def test_a_session_of_this_very_moment_is_a_second_old_at_most(max_age: int, answered: bool) -> None:
    """`max_age=1` is met by it, `max_age=0` by none."""
    fresh = replace(SESSION, identity=identity(authenticated_at=NOW))
    assert bool(answers(fresh, now=NOW, max_age=max_age)) is answered


@pytest.mark.parametrize("split", [1, 1000, 2040])
def test_parameters_have_2048_characters_in_all(split: int) -> None:
    """Names and texts together; one more is refused."""
    longest = {"a" * split: "x" * (2048 - split)}
    assert parse_parameters(longest) == longest
    with pytest.raises(Refused) as caught:
        parse_parameters({"a" * split: "x" * (2049 - split)})
    assert caught.value.code == "idp_initiated.parameters"


def test_a_destination_uses_the_applications_login_only_where_it_says_so() -> None:
    """A URL of its own gets the connection's id and nothing else."""
    plain = Destination(
        application=ClientId("crm"),
        delivery=Delivery.CLIENT,
        protocol=ResponseProtocol.OIDC,
        client_redirect_url="https://crm.example/x",
    )
    assert client_url(plain, connection(), ISSUER) == "https://crm.example/x?ssoConnectorId=con_acme"


@pytest.mark.parametrize("link", [None, ""])
def test_no_deep_link_is_none(link: str | None) -> None:
    """Nothing leads nowhere."""
    assert within(web(), link) is None


@pytest.mark.parametrize("mine", LADDER)
def test_a_row_covers_its_own_situation_and_no_other_protocols(mine: Row) -> None:
    """Each of the four columns counts, although two of them lead to one decision."""
    situation = Situation(
        mode=mine.mode, delivery=mine.delivery, protocol=mine.protocol, post_trusted=mine.post_trusted is True
    )
    other = ResponseProtocol.SAML if mine.protocol is ResponseProtocol.OIDC else ResponseProtocol.OIDC
    assert mine.covers(situation)
    assert not mine.covers(replace(situation, protocol=other))


def test_an_email_that_was_only_mapped_goes_with_the_scope_email() -> None:
    """And never with `profile`."""
    told = identity(claims={"email": "x"}, email=None, email_verified=False)
    assert release(told, "openid email")["email"] == "x"
    assert "email" not in release(told, "openid profile")
