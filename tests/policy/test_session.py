"""What a session answers, how long it lasts, and when the person is asked."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.policy.nouns import NOW, connection, identity, web

from vestibule.model.connection import Connection
from vestibule.model.ids import ConnectionId, Digest, IdentityKey, PersonId, Sid
from vestibule.model.session import Session
from vestibule.policy.session import Standing, idle_end, lifetime, mismatch, session_answers, switch_question

SESSION = Session(
    sid=Sid("s"),
    cookie=Digest("c"),
    person=PersonId("p"),
    connection=ConnectionId("con_acme"),
    identity=identity(),
    created_at=NOW,
    expires_at=NOW + timedelta(hours=24),
    idle_at=NOW + timedelta(hours=8),
)
BETA = connection(id=ConnectionId("con_beta"), name="beta")
MOMENT = timedelta(microseconds=1)


def answers(session: Session = SESSION, **changes: Any) -> Standing:
    asked: dict[str, Any] = {
        "connection": connection(),
        "named": None,
        "application": web(),
        "now": NOW + timedelta(minutes=1),
        "max_age": None,
    }
    return session_answers(session, **{**asked, **changes})


def test_a_live_session_answers_a_request_that_names_its_connection_or_none() -> None:
    assert answers()
    assert answers(named=connection())
    assert answers().why == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"named": BETA},
        {"connection": None},
        {"connection": BETA},
        {"connection": connection(enabled=False)},
        {"connection": connection(applications=())},
    ],
)
def test_a_session_answers_only_through_its_own_connection_enabled_now_and_for_this_application(
    changes: dict[str, Connection | None],
) -> None:
    assert not answers(**changes)
    assert answers(**changes).why


@pytest.mark.parametrize(("end", "field"), [(24, "expires_at"), (8, "idle_at")])
def test_a_session_ends_at_its_end_and_not_before(end: int, field: str) -> None:
    ends = {"expires_at": NOW + timedelta(days=9), "idle_at": NOW + timedelta(days=9)}
    session = replace(SESSION, **{**ends, field: NOW + timedelta(hours=end)})
    assert answers(session, now=NOW + timedelta(hours=end) - MOMENT)
    assert not answers(session, now=NOW + timedelta(hours=end))


@pytest.mark.parametrize(
    ("max_age", "age", "answered"),
    [
        (60, timedelta(seconds=60), True),
        (60, timedelta(seconds=60) + MOMENT, False),
        (60, timedelta(seconds=-5), True),
        (0, timedelta(0), False),
        (0, timedelta(seconds=-5), False),
    ],
)
def test_max_age_counts_from_the_identity_provider_s_authentication(
    max_age: int, age: timedelta, answered: bool
) -> None:
    assert bool(answers(now=NOW + age, max_age=max_age)) is answered


@pytest.mark.parametrize(
    ("session_max", "ends_at", "expires", "idle"),
    [
        (None, None, timedelta(hours=24), timedelta(hours=8)),
        (3600, None, timedelta(hours=1), timedelta(hours=1)),
        (10 * 3600, None, timedelta(hours=10), timedelta(hours=8)),
        (90000, None, timedelta(hours=24), timedelta(hours=8)),
        (None, NOW + timedelta(minutes=5), timedelta(minutes=5), timedelta(minutes=5)),
        (60, NOW + timedelta(minutes=5), timedelta(minutes=1), timedelta(minutes=1)),
        (3600, NOW + timedelta(minutes=5), timedelta(minutes=5), timedelta(minutes=5)),
        (None, NOW + timedelta(days=9), timedelta(hours=24), timedelta(hours=8)),
    ],
)
def test_a_session_ends_at_the_earliest_of_its_bounds(
    session_max: int | None, ends_at: datetime | None, expires: timedelta, idle: timedelta
) -> None:
    made = lifetime(connection(session_max=session_max), identity(ends_at=ends_at), NOW)
    assert made == (NOW + expires, NOW + idle)


def test_use_moves_the_idle_end_and_never_beyond_the_absolute_one() -> None:
    assert idle_end(SESSION, NOW + timedelta(hours=1)) == NOW + timedelta(hours=9)
    assert idle_end(SESSION, NOW + timedelta(hours=20)) == SESSION.expires_at


def test_the_person_is_asked_before_another_takes_over_the_browser() -> None:
    assert switch_question("ada", "bob", True)
    assert not switch_question("ada", "ada", True)
    assert not switch_question(None, "bob", True)
    assert not switch_question("ada", "bob", False)
    assert switch_question("", "bob", True)


def test_the_person_is_asked_when_the_fresh_answer_names_another_than_the_doorbell() -> None:
    assert mismatch("key-bob", identity())
    assert not mismatch("key-ada", identity())
    assert not mismatch(None, identity())
    assert mismatch("key-ada", identity(key=IdentityKey("key-bob")))


def test_a_session_max_that_was_lowered_ends_the_sessions_that_live() -> None:
    lowered = connection(session_max=600)
    assert answers(connection=lowered, now=NOW + timedelta(seconds=600) - MOMENT)
    assert not answers(connection=lowered, now=NOW + timedelta(seconds=600))
