"""Asking for a test sign-in: what may be tested, what the operator gets, and when the waiting ends."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.doubles import FixedClock
from tests.flows.configuring import WITHOUT_SAML, Bench, by_hand

from vestibule.flows.rehearse import REHEARSAL_TTL, Rehearsing
from vestibule.ground.errors import Refused


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path)
    made.apply(WITHOUT_SAML)
    return made


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def rehearsing(bench: Bench, clock: FixedClock) -> Rehearsing:
    return Rehearsing(store=bench.store, clock=clock, entropy=bench.entropy, issuer="https://login.example/")


def code(rehearsing: Rehearsing, reference: str, application: str | None = None) -> str:
    with pytest.raises(Refused) as caught:
        asyncio.run(rehearsing.invite(reference, idp_initiated=False, application=application))
    return caught.value.code


@pytest.mark.parametrize("reference", ["acme", "con_acme"])
def test_the_link_leads_to_the_kept_test(rehearsing: Rehearsing, reference: str) -> None:
    """A connection's name works wherever its id does."""
    invitation = asyncio.run(rehearsing.invite(reference, idp_initiated=True, application="crm"))
    kept = asyncio.run(rehearsing.store.rehearsals.find(invitation.id))
    assert kept is not None
    assert (kept.connection, kept.idp_initiated, kept.finished_at) == ("con_acme", True, None)
    assert kept.expires_at - kept.created_at == REHEARSAL_TTL
    assert invitation.link == f"https://login.example/login/test/{invitation.id}"


def test_what_cannot_be_tested_is_refused_before_a_link_is_made(rehearsing: Rehearsing, bench: Bench) -> None:
    bench.apply(by_hand("idle", "enabled: false"))
    assert code(rehearsing, "nobody") == "rehearsal.no_connection"
    assert code(rehearsing, "idle") == "connection.disabled"
    assert code(rehearsing, "acme", "wiki") == "connection.not_enabled_for_application"


def test_a_test_ends_when_an_answer_has_come(rehearsing: Rehearsing, clock: FixedClock) -> None:
    invitation = asyncio.run(rehearsing.invite("acme", idp_initiated=False))
    assert asyncio.run(rehearsing.result(invitation.id)) is None
    kept = asyncio.run(rehearsing.store.rehearsals.find(invitation.id))
    assert kept is not None
    finished = replace(kept, finished_at=clock.now(), claims={"email": "ada@acme.example"})
    asyncio.run(rehearsing.store.keep(finished))
    clock.advance(REHEARSAL_TTL)
    assert asyncio.run(rehearsing.result(invitation.id)) == finished, "an answer outlives the waiting"


def test_a_test_ends_unanswered_after_ten_minutes(rehearsing: Rehearsing, clock: FixedClock) -> None:
    invitation = asyncio.run(rehearsing.invite("acme", idp_initiated=False))
    clock.advance(REHEARSAL_TTL.total_seconds() - 1)
    assert asyncio.run(rehearsing.result(invitation.id)) is None
    clock.advance(1)
    with pytest.raises(Refused) as caught:
        asyncio.run(rehearsing.result(invitation.id))
    assert caught.value.code == "rehearsal.expired"
    with pytest.raises(Refused) as caught:
        asyncio.run(rehearsing.result("unknown"))
    assert caught.value.code == "rehearsal.expired"
