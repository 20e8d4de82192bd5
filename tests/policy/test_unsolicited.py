"""The ladder, row by row, and that it is whole."""

from datetime import timedelta
from itertools import product

import pytest
from tests.policy.nouns import NOW, connection, idp, ringing

from vestibule.model.arrival import ArrivalState
from vestibule.model.connection import Delivery, ResponseProtocol, Unsolicited
from vestibule.policy.unsolicited import (
    LADDER,
    LOOP_LIMIT,
    LOOP_WINDOW,
    Next,
    Situation,
    arrival_expiry,
    decide,
    is_loop,
    may_restart,
    post_is_trusted,
    still_believed,
)

RESTART, CONFIRM, ACCEPT = Unsolicited.RESTART, Unsolicited.CONFIRM, Unsolicited.ACCEPT
CLIENT, DIRECT = Delivery.CLIENT, Delivery.DIRECT
OIDC, SAML = ResponseProtocol.OIDC, ResponseProtocol.SAML
BELL, WAITING, CONFIRMED = ArrivalState.BELL, ArrivalState.WAITING, ArrivalState.CONFIRMED

SITUATIONS = tuple(
    Situation(mode=mode, delivery=delivery, protocol=protocol, post_trusted=trusted)
    for mode, delivery, protocol, trusted in product(Unsolicited, Delivery, ResponseProtocol, (True, False))
)


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_every_situation_has_exactly_one_row(situation: Situation) -> None:
    assert sum(row.covers(situation) for row in LADDER) == 1


def test_every_row_is_reached_by_some_situation() -> None:
    assert all(any(row.covers(situation) for situation in SITUATIONS) for row in LADDER)


@pytest.mark.parametrize(
    ("mode", "delivery", "protocol", "trusted", "state", "trust", "next", "after"),
    [
        (RESTART, CLIENT, OIDC, True, BELL, RESTART, Next.CLIENT, Next.CLIENT),
        (RESTART, CLIENT, OIDC, False, BELL, RESTART, Next.CLIENT, Next.CLIENT),
        (RESTART, CLIENT, SAML, True, BELL, RESTART, Next.CLIENT, Next.CLIENT),
        (RESTART, CLIENT, SAML, False, BELL, RESTART, Next.CLIENT, Next.CLIENT),
        (RESTART, DIRECT, OIDC, True, BELL, RESTART, Next.REQUEST, Next.REQUEST),
        (RESTART, DIRECT, OIDC, False, BELL, RESTART, Next.REQUEST, Next.REQUEST),
        (RESTART, DIRECT, SAML, True, BELL, RESTART, Next.REQUEST, Next.REQUEST),
        (RESTART, DIRECT, SAML, False, BELL, RESTART, Next.REQUEST, Next.REQUEST),
        (CONFIRM, CLIENT, OIDC, True, WAITING, CONFIRM, Next.ASK, Next.CLIENT),
        (CONFIRM, CLIENT, OIDC, False, WAITING, CONFIRM, Next.ASK, Next.CLIENT),
        (CONFIRM, CLIENT, SAML, True, WAITING, CONFIRM, Next.ASK, Next.CLIENT),
        (CONFIRM, CLIENT, SAML, False, WAITING, CONFIRM, Next.ASK, Next.CLIENT),
        (CONFIRM, DIRECT, OIDC, True, WAITING, CONFIRM, Next.ASK, Next.ANSWER),
        (CONFIRM, DIRECT, OIDC, False, WAITING, CONFIRM, Next.ASK, Next.ANSWER),
        (CONFIRM, DIRECT, SAML, True, WAITING, CONFIRM, Next.ASK, Next.ANSWER),
        (CONFIRM, DIRECT, SAML, False, WAITING, CONFIRM, Next.ASK, Next.ANSWER),
        (ACCEPT, CLIENT, OIDC, False, WAITING, CONFIRM, Next.ASK, Next.CLIENT),
        (ACCEPT, CLIENT, SAML, False, WAITING, CONFIRM, Next.ASK, Next.CLIENT),
        (ACCEPT, DIRECT, OIDC, False, WAITING, CONFIRM, Next.ASK, Next.ANSWER),
        (ACCEPT, DIRECT, SAML, False, WAITING, CONFIRM, Next.ASK, Next.ANSWER),
        (ACCEPT, CLIENT, OIDC, True, CONFIRMED, ACCEPT, Next.CLIENT, Next.CLIENT),
        (ACCEPT, CLIENT, SAML, True, CONFIRMED, ACCEPT, Next.CLIENT, Next.CLIENT),
        (ACCEPT, DIRECT, OIDC, True, CONFIRMED, ACCEPT, Next.ANSWER, Next.ANSWER),
        (ACCEPT, DIRECT, SAML, True, CONFIRMED, ACCEPT, Next.ANSWER, Next.ANSWER),
    ],
)
def test_the_ladder_row_by_row(
    mode: Unsolicited,
    delivery: Delivery,
    protocol: ResponseProtocol,
    trusted: bool,
    state: ArrivalState,
    trust: Unsolicited,
    next: Next,
    after: Next,
) -> None:
    decision = decide(Situation(mode=mode, delivery=delivery, protocol=protocol, post_trusted=trusted))
    assert (decision.state, decision.trust, decision.next, decision.after) == (state, trust, next, after)
    assert decision.sentence


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_a_response_that_a_quirk_takes_for_unsolicited_always_restarts(situation: Situation) -> None:
    decision = decide(
        Situation(
            mode=situation.mode,
            delivery=situation.delivery,
            protocol=situation.protocol,
            post_trusted=situation.post_trusted,
            ignored_in_response_to=True,
        )
    )
    assert (decision.state, decision.trust) == (BELL, RESTART)
    assert decision.next is (Next.CLIENT if situation.delivery is CLIENT else Next.REQUEST)


def test_only_accept_with_a_believed_post_goes_on_without_a_click_or_a_fresh_answer() -> None:
    silent = {situation for situation in SITUATIONS if decide(situation).state is CONFIRMED}
    assert silent == {one for one in SITUATIONS if one.mode is ACCEPT and one.post_trusted}


SSO = "https://idp.acme.example/sso"


@pytest.mark.parametrize(
    ("header", "listed", "trusted"),
    [
        ("https://idp.acme.example", (), True),
        ("https://evil.example", (), False),
        ("https://portal.acme.example", (), False),
        ("https://portal.acme.example", ("https://portal.acme.example",), True),
        ("https://portal.acme.example", ("https://portal.acme.example:443/",), True),
        ("https://idp.acme.example", ("https://portal.acme.example",), True),
        ("http://idp.acme.example", (), False),
        ("https://idp.acme.example:8443", (), False),
        ("https://idp.acme.example/sso", (), False),
        ("https://idp.acme.example https://evil.example", (), False),
        ("https://idp.acme.example, https://evil.example", (), False),
        ("", (), False),
        ("", ("null",), False),
        ("null", (), False),
        ("null", ("null",), True),
        (None, (), False),
        (None, ("null",), True),
        ("https://evil.example", ("null",), False),
        ("https://evil.example", ("*",), True),
        ("null", ("*",), True),
        (None, ("*",), True),
    ],
)
def test_which_posts_accept_believes(header: str | None, listed: tuple[str, ...], trusted: bool) -> None:
    assert post_is_trusted(header, SSO, listed) is trusted


@pytest.mark.parametrize("header", [None, "null", "", "https://idp.acme.example"])
def test_without_a_sign_on_url_no_origin_is_believed_unlisted(header: str | None) -> None:
    assert not post_is_trusted(header, None, ())


def test_a_restart_needs_a_sign_on_url() -> None:
    assert may_restart(connection())
    assert may_restart(connection(idp=idp(sso_url=None, sso_post_url="https://idp.acme.example/post")))
    assert not may_restart(connection(idp=idp(sso_url=None)))


def test_two_restarts_are_sent_and_the_third_is_a_loop() -> None:
    assert LOOP_LIMIT == 2
    assert timedelta(seconds=60) == LOOP_WINDOW
    assert [is_loop(unanswered) for unanswered in (0, 1, 2, 3)] == [False, False, True, True]


def test_an_arrival_ends_after_its_ttl_and_never_later_than_the_response() -> None:
    short = ringing(arrival_ttl=120)
    assert arrival_expiry(short, NOW + timedelta(hours=1), NOW) == NOW + timedelta(seconds=120)
    assert arrival_expiry(short, NOW + timedelta(seconds=30), NOW) == NOW + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("trust", "today", "believed"),
    [
        (RESTART, RESTART, True),
        (RESTART, CONFIRM, True),
        (RESTART, ACCEPT, True),
        (CONFIRM, RESTART, False),
        (CONFIRM, CONFIRM, True),
        (CONFIRM, ACCEPT, True),
        (ACCEPT, RESTART, False),
        (ACCEPT, CONFIRM, False),
        (ACCEPT, ACCEPT, True),
    ],
)
def test_an_arrival_is_believed_no_further_than_today_s_policy_goes(
    trust: Unsolicited, today: Unsolicited, believed: bool
) -> None:
    assert still_believed(trust, ringing(unsolicited=today)) is believed
    assert not still_believed(trust, ringing(unsolicited=today, enabled=False))
