"""What every engine promises about logins in flight: assertions, pending logins, arrivals, outcomes, rehearsals."""

from dataclasses import replace
from datetime import datetime

import pytest
from tests.store import nouns
from tests.store.nouns import ACME, DAY, HOUR, MINUTE, OTHER, T0, TICK
from tests.store.promises import Engine, promise

from vestibule.model.arrival import ArrivalState
from vestibule.model.ids import ArrivalId, Digest, Reference
from vestibule.store.faults import AlreadyKept
from vestibule.store.port import Answered, ArrivalEnded, AssertionClaim, RestartsAnswered, Store

A = ArrivalId("arrival-a")


async def kept(store: Store) -> bool:
    """Whether `nouns.event()` is there."""
    return bool(await store.events.by_reference(Reference("R-1")))


class AssertionsContract:
    @promise
    async def test_assertion_claimed_once(self, store: Store) -> None:
        """The first claim wins and keeps; the second loses and keeps nothing."""
        assert await store.assertions.claim(nouns.claim(), keep=(nouns.session(),))
        assert not await store.assertions.claim(nouns.claim(remember_until=T0 + DAY), keep=(nouns.event(),))
        assert await store.sessions.find(Digest("session-a")) == nouns.session()
        assert not await kept(store)

    @pytest.mark.parametrize(
        "other",
        [nouns.claim(connection=OTHER), nouns.claim(issuer="https://other.example"), nouns.claim("b")],
        ids=["connection", "issuer", "id"],
    )
    def test_assertion_names_are_whole(self, engine: Engine, other: AssertionClaim) -> None:
        """Connection, issuer and id together are the name: a claim that differs in one of them is another."""

        async def body(self: object, store: Store) -> None:
            assert await store.assertions.claim(nouns.claim())
            assert await store.assertions.claim(other)

        promise(body)(self, engine)

    @promise
    async def test_assertion_claimed_is_told_and_claims_nothing(self, store: Store) -> None:
        """Asking is free: the first to claim after it still wins; of another connection, issuer or id nothing is told."""
        assert not await store.assertions.claimed(nouns.claim())
        assert await store.assertions.claim(nouns.claim())
        assert await store.assertions.claimed(nouns.claim())
        for change in ({"connection": OTHER}, {"issuer": "https://other.example/"}, {"assertion_id": "_other"}):
            assert not await store.assertions.claimed(nouns.claim(**change)), change
            assert await store.assertions.claim(nouns.claim(**change)), change

    @promise
    async def test_assertion_a_keep_that_fails_undoes_the_claim(self, store: Store) -> None:
        """Step and records are one: where a record cannot be kept, nothing has happened."""
        await store.keep(nouns.code())
        with pytest.raises(AlreadyKept):
            await store.assertions.claim(nouns.claim(), keep=(nouns.event(), nouns.code()))
        assert not await kept(store)
        assert await store.assertions.claim(nouns.claim())


class PendingLoginsContract:
    async def answer(
        self,
        store: Store,
        *,
        now: datetime = T0,
        cookie: str = "login-a",
        assertion: str = "a",
        request: str = "_request-a",
    ) -> Answered:
        return await store.pending.answer(
            request, cookie=Digest(cookie), claim=nouns.claim(assertion), now=now, keep=(nouns.event(),)
        )

    @promise
    async def test_pending_found_as_kept(self, store: Store) -> None:
        """A pending login comes back as it was kept, and none comes under another name."""
        await store.keep(nouns.pending())
        assert await store.pending.find("_request-a") == nouns.pending()
        assert await store.pending.find("_request-b") is None

    @promise
    async def test_pending_answered_once(self, store: Store) -> None:
        """The first answer takes it, ends it, and keeps; a second one, even with a fresh assertion, finds it gone."""
        await store.keep(nouns.pending())
        assert await self.answer(store, now=T0 + MINUTE) is Answered.TAKEN
        assert await store.pending.find("_request-a") == nouns.pending(ended_at=T0 + MINUTE)
        assert await kept(store)
        assert not await store.assertions.claim(nouns.claim("a"))
        assert await self.answer(store, assertion="b") is Answered.GONE

    @promise
    async def test_pending_the_last_moment(self, store: Store) -> None:
        """It is live before `expires_at`, and gone at it."""
        await store.keep(nouns.pending("a"), nouns.pending("b"))
        assert await self.answer(store, now=T0 + HOUR) is Answered.GONE
        assert await self.answer(store, now=T0 + HOUR - TICK) is Answered.TAKEN

    @promise
    async def test_pending_gone_claims_and_keeps_nothing(self, store: Store) -> None:
        """An answer to nothing, or from another browser, leaves assertion and pending login untouched."""
        await store.keep(nouns.pending())
        assert await self.answer(store, request="_request-b") is Answered.GONE
        assert await self.answer(store, cookie="login-b") is Answered.GONE
        assert not await kept(store)
        assert await store.pending.find("_request-a") == nouns.pending()
        assert await store.assertions.claim(nouns.claim("a"))

    @promise
    async def test_pending_a_replay_ends_nothing(self, store: Store) -> None:
        """An assertion that was claimed before leaves the pending login live for the true answer."""
        await store.keep(nouns.pending())
        await store.assertions.claim(nouns.claim("a"))
        assert await self.answer(store, assertion="a") is Answered.REPLAYED
        assert not await kept(store)
        assert await store.pending.find("_request-a") == nouns.pending()
        assert await self.answer(store, assertion="b") is Answered.TAKEN

    @promise
    async def test_pending_unanswered_restarts(self, store: Store) -> None:
        """A restart is unanswered if it counts, rang, is young enough, not ended, and this browser's at this connection."""
        await store.keep(
            nouns.pending("a"),
            nouns.pending("b", cookie=Digest("login-a")),
            nouns.pending("expired", cookie=Digest("login-a"), expires_at=T0 + TICK),
            nouns.pending("c"),
            nouns.pending("not-counted", cookie=Digest("login-a"), counted=False),
            nouns.pending("no-bell", cookie=Digest("login-a"), bell=None),
            nouns.pending("too-old", cookie=Digest("login-a"), created_at=T0 - TICK),
            nouns.pending("elsewhere", cookie=Digest("login-a"), connection=OTHER),
            nouns.pending("ended", cookie=Digest("login-a"), ended_at=T0),
            nouns.pending("not-mine"),
        )
        cookies = (Digest("login-a"), Digest("login-c"), Digest("login-nobody"))
        found = await store.pending.restarts(ACME, cookies, since=T0 - TICK)
        assert found == {"bell-a", "bell-b", "bell-expired", "bell-c"}
        assert await store.pending.restarts(ACME, (), since=T0 - DAY) == frozenset()

    @promise
    async def test_pending_an_answer_resets_the_count(self, store: Store) -> None:
        """`RestartsAnswered` uncounts the restarts of its cookies at its connection, and ends none of them."""
        elsewhere = nouns.pending("elsewhere", cookie=Digest("login-a"), connection=OTHER)
        await store.keep(nouns.pending("a"), nouns.pending("b"), nouns.pending("c"), elsewhere)
        await store.keep(RestartsAnswered(connection=ACME, cookies=(Digest("login-a"), Digest("login-b"))))
        cookies = [Digest(f"login-{word}") for word in "abc"]
        assert await store.pending.restarts(ACME, cookies, since=T0 - TICK) == {"bell-c"}
        assert await store.pending.restarts(OTHER, cookies, since=T0 - TICK) == {"bell-elsewhere"}
        assert await store.pending.find("_request-a") == nouns.pending("a", counted=False)
        assert await self.answer(store) is Answered.TAKEN


class ArrivalsContract:
    @promise
    async def test_arrival_found_until_ended(self, store: Store) -> None:
        """An arrival is found as it was kept, whatever the time, and no more once it has ended; ending twice is nothing."""
        bell = nouns.arrival("bell", state=ArrivalState.BELL, identity=None, subject="hash", relay_state="r")
        await store.keep(nouns.arrival(), bell)
        assert await store.arrivals.find(A) == nouns.arrival()
        assert await store.arrivals.find(bell.id) == bell
        await store.keep(ArrivalEnded(id=A), ArrivalEnded(id=A))
        assert await store.arrivals.find(A) is None
        assert await store.arrivals.held([nouns.arrival().cookie]) == ()
        assert await store.arrivals.find(bell.id) == bell

    @promise
    async def test_arrival_held_by_a_browser(self, store: Store) -> None:
        """A browser's arrivals come newest first, expired ones too, once each, and nobody else's."""
        cookie = Digest("arrived-a")
        old = nouns.arrival("old", cookie=cookie, created_at=T0 - DAY, expires_at=T0 - DAY)
        new = nouns.arrival("new", cookie=Digest("arrived-2"), created_at=T0 + TICK)
        await store.keep(old, nouns.arrival(), new, nouns.arrival("b"))
        held = await store.arrivals.held((cookie, Digest("arrived-2"), cookie, Digest("nobody")))
        assert held == (new, nouns.arrival(), old)

    @promise
    async def test_arrival_confirmed_once(self, store: Store) -> None:
        """A waiting arrival becomes confirmed, once, with what is kept."""
        await store.keep(nouns.arrival())
        assert await store.arrivals.confirm(A, now=T0, keep=(nouns.session(),))
        confirmed = nouns.arrival(state=ArrivalState.CONFIRMED)
        assert await store.arrivals.find(A) == confirmed
        assert await store.arrivals.held([confirmed.cookie]) == (confirmed,)
        assert await store.sessions.find(Digest("session-a")) == nouns.session()
        assert not await store.arrivals.confirm(A, now=T0, keep=(nouns.event(),))
        assert not await kept(store)

    @promise
    async def test_arrival_only_what_waits_is_confirmed(self, store: Store) -> None:
        """A bell, an expired arrival and an unknown one cannot be confirmed."""
        await store.keep(nouns.arrival(), nouns.arrival("bell", state=ArrivalState.BELL))
        assert not await store.arrivals.confirm(ArrivalId("arrival-bell"), now=T0, keep=(nouns.event(),))
        assert not await store.arrivals.confirm(ArrivalId("arrival-b"), now=T0, keep=(nouns.event(),))
        assert not await store.arrivals.confirm(A, now=T0 + 2 * MINUTE, keep=(nouns.event(),))
        assert not await kept(store)
        assert await store.arrivals.confirm(A, now=T0 + 2 * MINUTE - TICK)

    @promise
    async def test_arrival_taken_once(self, store: Store) -> None:
        """A live arrival of any state is taken once: at its expiry it is too late."""
        await store.keep(*(nouns.arrival(state.value, state=state) for state in ArrivalState))
        for state in ArrivalState:
            id = ArrivalId(f"arrival-{state.value}")
            assert not await store.arrivals.take(id, now=T0 + 2 * MINUTE, keep=(nouns.event(),))
            assert not await kept(store)
            assert await store.arrivals.find(id) is not None
            assert await store.arrivals.take(id, now=T0 + 2 * MINUTE - TICK, keep=(nouns.session(state.value),))
            assert await store.sessions.find(Digest(f"session-{state.value}")) is not None
            assert await store.arrivals.find(id) is None
            assert not await store.arrivals.take(id, now=T0, keep=(nouns.event(),))
        assert not await kept(store)


class OutcomesContract:
    @promise
    async def test_outcome_taken_once(self, store: Store) -> None:
        """An outcome is found, taken once before its expiry, with the taker's records, and gone then."""
        await store.keep(nouns.outcome(), nouns.outcome("b", forced_since=T0, bell=A, bell_subject="hash"))
        assert await store.outcomes.find("outcome-a") == nouns.outcome()
        assert not await store.outcomes.take("outcome-a", now=T0 + 2 * MINUTE, keep=(nouns.event(),))
        assert not await store.outcomes.take("outcome-c", now=T0, keep=(nouns.event(),))
        assert not await kept(store)
        assert await store.outcomes.take("outcome-a", now=T0 + 2 * MINUTE - TICK, keep=(nouns.session(),))
        assert await store.sessions.find(Digest("session-a")) == nouns.session()
        assert await store.outcomes.find("outcome-a") is None
        assert not await store.outcomes.take("outcome-a", now=T0, keep=(nouns.event(),))
        assert not await kept(store)
        assert await store.outcomes.find("outcome-b") is not None


class RehearsalsContract:
    @promise
    async def test_rehearsal_kept_and_replaced(self, store: Store) -> None:
        """A rehearsal comes back as it was kept last."""
        await store.keep(nouns.rehearsal())
        assert await store.rehearsals.find("rehearsal-a") == nouns.rehearsal()
        done = nouns.rehearsal(cookie=Digest("c"), finished_at=T0, refused="saml.audience")
        await store.keep(done)
        assert await store.rehearsals.find("rehearsal-a") == done
        assert await store.rehearsals.find("rehearsal-b") is None

    @promise
    async def test_rehearsal_opened_once(self, store: Store) -> None:
        """A live, unopened, unfinished rehearsal is bound to the first browser that opens it."""
        await store.keep(nouns.rehearsal(), nouns.rehearsal("done", finished_at=T0))
        assert not await store.rehearsals.open("rehearsal-a", cookie=Digest("1"), now=T0 + HOUR)
        assert not await store.rehearsals.open("rehearsal-done", cookie=Digest("1"), now=T0)
        assert not await store.rehearsals.open("rehearsal-b", cookie=Digest("1"), now=T0)
        assert await store.rehearsals.open("rehearsal-a", cookie=Digest("2"), now=T0 + HOUR - TICK)
        assert not await store.rehearsals.open("rehearsal-a", cookie=Digest("3"), now=T0)
        assert await store.rehearsals.find("rehearsal-a") == nouns.rehearsal(cookie=Digest("2"))

    @promise
    async def test_rehearsal_waiting_for_a_tile(self, store: Store) -> None:
        """What waits is live, opened by this browser, of either kind, unfinished, at this connection; the newest of them."""
        mine = nouns.rehearsal(cookie=Digest("c"), idp_initiated=False)
        await store.keep(
            mine,
            nouns.rehearsal("older", cookie=Digest("c2"), created_at=T0 - TICK),
            *(
                replace(mine, id=word, created_at=T0 + DAY, **changes)  # type: ignore[arg-type]
                for word, changes in {
                    "finished": {"finished_at": T0},
                    "elsewhere": {"connection": OTHER},
                    "unopened": {"cookie": None},
                    "not-mine": {"cookie": Digest("d")},
                    "expired": {"expires_at": T0},
                }.items()
            ),
        )
        cookies = (Digest("c2"), Digest("c"))
        assert await store.rehearsals.waiting(ACME, cookies, now=T0) == mine
        assert await store.rehearsals.waiting(ACME, cookies[:1], now=T0) is not None
        assert await store.rehearsals.waiting(ACME, cookies, now=T0 + HOUR) is None
        assert await store.rehearsals.waiting(ACME, (), now=T0) is None

    @promise
    async def test_rehearsal_waits_as_it_was_kept_last(self, store: Store) -> None:
        """A rehearsal that was kept again is waited for, or not, as it is now."""
        mine = nouns.rehearsal(cookie=Digest("c"))
        for now in (
            replace(mine, connection=OTHER),
            replace(mine, expires_at=T0),
            replace(mine, finished_at=T0),
            replace(mine, cookie=Digest("d")),
        ):
            await store.keep(mine)
            assert await store.rehearsals.waiting(ACME, [Digest("c")], now=T0) == mine
            await store.keep(now)
            assert await store.rehearsals.waiting(ACME, [Digest("c")], now=T0) is None

    @promise
    async def test_rehearsal_waiting_once_opened(self, store: Store) -> None:
        """Opening is what makes a rehearsal wait."""
        await store.keep(nouns.rehearsal())
        assert await store.rehearsals.waiting(ACME, [Digest("c")], now=T0) is None
        await store.rehearsals.open("rehearsal-a", cookie=Digest("c"), now=T0)
        assert await store.rehearsals.waiting(ACME, [Digest("c")], now=T0) == nouns.rehearsal(cookie=Digest("c"))
