"""When two identities may be one person."""

from tests.policy.nouns import connection, identity

from vestibule.model.connection import Domain
from vestibule.model.ids import ConnectionId
from vestibule.policy.linking import may_link

LINKING = connection(link_by_email=True)


def test_a_verified_email_of_a_connection_that_links_is_a_join_key() -> None:
    assert may_link(identity(), LINKING)


def test_linking_is_off_unless_switched_on() -> None:
    assert not may_link(identity(), connection())


def test_an_unverified_or_absent_email_is_never_a_join_key() -> None:
    assert not may_link(identity(email_verified=False), LINKING)
    assert not may_link(identity(email=None), LINKING)


def test_the_domain_must_be_verified_for_this_connection_at_this_moment() -> None:
    unverified = connection(link_by_email=True, domains=(Domain(name="acme.example"),))
    assert not may_link(identity(), unverified)
    assert not may_link(identity(), connection(link_by_email=True, domains=()))
    assert not may_link(identity(email="ada@other.example"), LINKING)


def test_another_connection_s_identity_is_not_joined_by_this_connection_s_domains() -> None:
    assert not may_link(identity(connection=ConnectionId("con_beta")), LINKING)
