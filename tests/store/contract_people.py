"""What every engine promises about people, sessions, grants and tokens."""

import pytest
from tests.store import nouns
from tests.store.nouns import DAY, HOUR, MINUTE, T0, TICK
from tests.store.promises import Engine, promise

from vestibule.model.grant import Grant, RefreshToken
from vestibule.model.identity import Identity, Person
from vestibule.model.ids import ArrivalId, ConnectionId, Digest, IdentityKey, PersonId, Reference, Sid
from vestibule.store.faults import AlreadyKept
from vestibule.store.port import ArrivalEnded, GrantRevoked, SessionEnded, Store


async def settled(
    store: Store, identity: Identity, new: str, *, provision: bool = True, link: bool = True
) -> str | None:
    person = await store.people.settle(identity, new=PersonId(new), provision=provision, link=link, now=T0)
    return None if person is None else person.id


class PeopleContract:
    @promise
    async def test_people_made_once(self, store: Store) -> None:
        """An unknown identity makes a person, a known one finds it: with or without provisioning and linking."""
        made = await store.people.settle(nouns.identity(), new=PersonId("p1"), provision=True, link=False, now=T0)
        assert made == Person(id=PersonId("p1"), created_at=T0)
        for provision, link in ((True, True), (True, False), (False, True), (False, False)):
            again = await store.people.settle(
                nouns.identity(), new=PersonId("p2"), provision=provision, link=link, now=T0 + DAY
            )
            assert again == made
        assert await store.people.find(PersonId("p1")) == made
        assert await store.people.find(PersonId("p2")) is None

    @promise
    async def test_people_nobody_without_provisioning(self, store: Store) -> None:
        """Without provisioning an unknown identity is nobody, and leaves nothing."""
        assert await settled(store, nouns.identity(), "p1", provision=False) is None
        assert await store.people.find(PersonId("p1")) is None
        assert await settled(store, nouns.identity(), "p2") == "p2"

    @promise
    async def test_people_joined_by_a_verified_email(self, store: Store) -> None:
        """With linking, a verified email joins an unknown identity to the one who has it, in any case of letters, for good."""
        await settled(store, nouns.identity(email="Änn@Acme.example"), "p1")
        second = nouns.identity("second", email="äNN@acme.EXAMPLE")
        assert await settled(store, second, "p2", provision=False) == "p1"
        assert await settled(store, second, "p2", link=False) == "p1"
        assert await store.people.find(PersonId("p2")) is None

    @promise
    async def test_people_not_joined_otherwise(self, store: Store) -> None:
        """No linking, another email, none, or one that either side has not verified: a person of one's own."""
        email = "ann@acme.example"
        await settled(store, nouns.identity(), "p1")
        await settled(store, nouns.identity("unsure", email="unsure@acme.example", email_verified=False), "p2")
        await settled(store, nouns.identity("mute", email=None, email_verified=True), "p3")
        assert await settled(store, nouns.identity("b", email=email), "p4", link=False) == "p4"
        assert await settled(store, nouns.identity("c", email="other@acme.example"), "p5") == "p5"
        assert await settled(store, nouns.identity("d", email=email, email_verified=False), "p6") == "p6"
        assert await settled(store, nouns.identity("e", email="unsure@acme.example"), "p7") == "p7"
        assert await settled(store, nouns.identity("f", email=None, email_verified=True), "p8") == "p8"

    @promise
    async def test_people_of_two_nobody_is_joined(self, store: Store) -> None:
        """Where two people have the email, neither is joined: nobody is signed in as somebody by a guess."""
        email = "ann@acme.example"
        await settled(store, nouns.identity("a", email=email), "p1", link=False)
        await settled(store, nouns.identity("b", email=email), "p2", link=False)
        assert await settled(store, nouns.identity("c", email=email), "p3", provision=False) is None
        assert await settled(store, nouns.identity("c", email=email), "p3") == "p3"

    @promise
    async def test_people_refreshed_at_each_sign_in(self, store: Store) -> None:
        """What an identity asserts now is what counts: an email that it gave up, or lost the verification of, joins nobody."""
        await settled(store, nouns.identity("a", email="old@acme.example"), "p1")
        await settled(store, nouns.identity("a", email="new@acme.example"), "p1")
        assert await settled(store, nouns.identity("b", email="old@acme.example"), "p2") == "p2"
        assert await settled(store, nouns.identity("c", email="new@acme.example"), "p3") == "p1"
        for word in "ac":
            await settled(store, nouns.identity(word, email="new@acme.example", email_verified=False), "p1")
        assert await settled(store, nouns.identity("d", email="new@acme.example"), "p4") == "p4"

    @promise
    async def test_people_blocked(self, store: Store) -> None:
        """A block is seen by everyone who finds the person, also by a new sign-in and a joined one, until it is lifted."""
        await settled(store, nouns.identity(), "p1")
        assert await store.people.block(PersonId("p1"), blocked=True)
        blocked = Person(id=PersonId("p1"), created_at=T0, blocked=True)
        assert await store.people.find(PersonId("p1")) == blocked
        joining = nouns.identity("b", email="ann@acme.example")
        for identity in (nouns.identity(), nouns.identity(display="new"), joining):
            person = await store.people.settle(identity, new=PersonId("p2"), provision=True, link=True, now=T0)
            assert person == blocked
        assert await store.people.block(PersonId("p1"), blocked=False)
        assert await store.people.find(PersonId("p1")) == Person(id=PersonId("p1"), created_at=T0)
        assert not await store.people.block(PersonId("p2"), blocked=True)

    @promise
    async def test_people_found_by_identity(self, store: Store) -> None:
        """A person's own identity is not blocked; one that is unknown, or another's, counts as blocked."""
        await settled(store, nouns.identity("a"), "p1")
        await settled(store, nouns.identity("b"), "p2")
        for key, blocked in ((IdentityKey("key-a"), False), (IdentityKey("key-b"), True), (IdentityKey("?"), True)):
            person = await store.people.find(PersonId("p1"), identity=key)
            assert person == Person(id=PersonId("p1"), created_at=T0, identity_blocked=blocked)
        assert await store.people.find(PersonId("p3"), identity="key-a") is None

    @promise
    async def test_people_connection_is_not_part_of_the_key(self, store: Store) -> None:
        """The key names an identity by itself: it holds the connection already."""
        await settled(store, nouns.identity(), "p1")
        assert await settled(store, nouns.identity(connection=ConnectionId("con_x")), "p2") == "p1"


class SessionsContract:
    @promise
    async def test_session_found_by_its_cookie(self, store: Store) -> None:
        """A session is found by its cookie; kept again under the same sid, only by the new one."""
        await store.keep(nouns.session(), nouns.session("b"))
        assert await store.sessions.find(Digest("session-a")) == nouns.session()
        rotated = nouns.session(cookie=Digest("session-new"), idle_at=T0 + HOUR)
        await store.keep(rotated)
        assert await store.sessions.find(Digest("session-a")) is None
        assert await store.sessions.find(Digest("session-new")) == rotated
        assert await store.sessions.find(Digest("session-b")) == nouns.session("b")

    @promise
    async def test_session_ended(self, store: Store) -> None:
        """An ended session is not found, and nothing but a new one brings it back."""
        await store.keep(nouns.session(), nouns.session("b"))
        await store.keep(SessionEnded(sid=Sid("sid-a")), SessionEnded(sid=Sid("sid-c")))
        await store.sessions.touch(Sid("sid-a"), idle_at=T0 + DAY)
        assert await store.sessions.find(Digest("session-a")) is None
        assert await store.sessions.find(Digest("session-b")) == nouns.session("b")

    @promise
    async def test_session_touched(self, store: Store) -> None:
        """A touch moves the idle end of its session forward; one that comes late does not move it back."""
        await store.keep(nouns.session(), nouns.session("b"))
        await store.sessions.touch(Sid("sid-a"), idle_at=T0 + 9 * HOUR)
        await store.sessions.touch(Sid("sid-a"), idle_at=T0 + 8 * HOUR)
        assert await store.sessions.find(Digest("session-a")) == nouns.session(idle_at=T0 + 9 * HOUR)
        assert await store.sessions.find(Digest("session-b")) == nouns.session("b")


class CodesContract:
    KEEP = (nouns.grant(), nouns.access_token())
    CODE = Digest("code-a")

    @promise
    async def test_code_taken_once(self, store: Store) -> None:
        """A code is taken once, with grant and tokens; afterwards it is found as taken, so that its reuse is seen."""
        await store.keep(nouns.code())
        assert await store.codes.find(self.CODE) == nouns.code()
        assert await store.tokens.grants(sid=Sid("sid-a")) == ()
        assert await store.codes.take(self.CODE, now=T0 + TICK, keep=self.KEEP)
        assert await store.codes.find(self.CODE) == nouns.code(taken_at=T0 + TICK)
        assert await store.tokens.access(Digest("access-a")) == (nouns.access_token(), nouns.grant())
        assert not await store.codes.take(self.CODE, now=T0 + TICK, keep=(nouns.event(),))
        assert await store.events.by_reference(Reference("R-1")) == ()

    @promise
    async def test_code_the_last_moment(self, store: Store) -> None:
        """At its expiry a code is no longer taken, and an unknown one never is; nothing is kept then."""
        await store.keep(nouns.code())
        assert not await store.codes.take(self.CODE, now=T0 + MINUTE, keep=self.KEEP)
        assert not await store.codes.take(Digest("code-b"), now=T0, keep=self.KEEP)
        assert await store.tokens.access(Digest("access-a")) is None
        assert await store.codes.find(Digest("code-b")) is None
        assert await store.codes.take(self.CODE, now=T0 + MINUTE - TICK, keep=self.KEEP)

    @promise
    async def test_code_taken_with_its_arrival(self, store: Store) -> None:
        """A code takes its arrival with it, even when the arrival expired meanwhile: the code's expiry decides."""
        arrival = nouns.arrival(expires_at=T0 - MINUTE)
        other = nouns.arrival("other")
        await store.keep(arrival, other, nouns.code(arrival=arrival.id))
        assert await store.codes.take(self.CODE, now=T0, keep=self.KEEP)
        assert await store.arrivals.find(arrival.id) is None
        assert await store.arrivals.find(other.id) == other

    @promise
    async def test_code_lost_with_its_arrival(self, store: Store) -> None:
        """A code whose arrival has ended is worth nothing, stays untaken and keeps nothing."""
        arrival = ArrivalId("arrival-a")
        await store.keep(nouns.arrival(), nouns.code(arrival=arrival), nouns.code("b", arrival=arrival))
        await store.keep(ArrivalEnded(id=arrival))
        assert not await store.codes.take(self.CODE, now=T0, keep=self.KEEP)
        assert await store.codes.find(self.CODE) == nouns.code(arrival=arrival)
        assert await store.tokens.access(Digest("access-a")) is None

    @promise
    async def test_code_a_lost_code_spares_the_arrival(self, store: Store) -> None:
        """An expired code does not take its arrival: another code of it can still be redeemed."""
        arrival = ArrivalId("arrival-a")
        late = nouns.code("b", arrival=arrival, expires_at=T0 + HOUR)
        await store.keep(nouns.arrival(), nouns.code(arrival=arrival), late)
        assert not await store.codes.take(self.CODE, now=T0 + MINUTE)
        assert await store.codes.take(late.digest, now=T0 + MINUTE)

    @promise
    async def test_code_a_revoked_grant_has_no_code(self, store: Store) -> None:
        """After a revocation, also one before the grant itself was kept, no code of it is redeemed; others' are."""
        await store.keep(nouns.code(), nouns.code("b"), nouns.grant("b"), nouns.code("c"), nouns.grant("c"))
        await store.keep(GrantRevoked(id=nouns.grant().id), GrantRevoked(id=nouns.grant("b").id))
        assert not await store.codes.take(self.CODE, now=T0, keep=self.KEEP)
        assert not await store.codes.take(Digest("code-b"), now=T0)
        assert await store.codes.find(self.CODE) == nouns.code()
        assert await store.codes.take(Digest("code-c"), now=T0)

    @promise
    async def test_code_a_keep_that_fails_undoes_the_take(self, store: Store) -> None:
        """Where the tokens cannot be kept, neither code nor arrival is taken."""
        arrival = nouns.arrival()
        await store.keep(arrival, nouns.code(arrival=arrival.id), nouns.refresh_token())
        with pytest.raises(AlreadyKept):
            await store.codes.take(self.CODE, now=T0, keep=(*self.KEEP, nouns.refresh_token()))
        assert await store.tokens.access(Digest("access-a")) is None
        assert await store.arrivals.find(arrival.id) == arrival
        assert await store.codes.take(self.CODE, now=T0, keep=self.KEEP)


class TokensContract:
    ACCESS = Digest("access-a")
    REFRESH = Digest("refresh-a")

    @promise
    async def test_token_found_with_their_grant(self, store: Store) -> None:
        """Tokens come with the grant they stand for, in whatever order they were kept, and whatever the time."""
        old = nouns.access_token("old", grant=nouns.grant().id, expires_at=T0 - DAY)
        await store.keep(nouns.access_token(), nouns.refresh_token(), old, nouns.grant())
        assert await store.tokens.access(self.ACCESS) == (nouns.access_token(), nouns.grant())
        assert await store.tokens.access(old.digest) == (old, nouns.grant())
        assert await store.tokens.refresh(self.REFRESH) == (nouns.refresh_token(), nouns.grant())
        assert await store.tokens.access(self.REFRESH) is None
        assert await store.tokens.refresh(self.ACCESS) is None

    @promise
    async def test_token_replaced(self, store: Store) -> None:
        """A grant or an access token that is kept again replaces the one before."""
        await store.keep(nouns.grant(), nouns.access_token(), nouns.grant("b"))
        grant = nouns.grant(scope="openid", sid=None, person=PersonId("p-2"))
        token = nouns.access_token(scope="openid email")
        await store.keep(grant, token)
        assert await store.tokens.access(self.ACCESS) == (token, grant)
        assert await store.tokens.grants(sid=Sid("sid-a")) == (nouns.grant("b"),)
        assert await store.tokens.grants(person=PersonId("p-2")) == (grant,)

    @promise
    async def test_token_revoked(self, store: Store) -> None:
        """All tokens of a revoked grant are dead, those of others live; keeping the grant again does not revive it."""
        await store.keep(nouns.grant(), nouns.access_token(), nouns.refresh_token())
        await store.keep(nouns.grant("b"), nouns.access_token("b"))
        await store.keep(GrantRevoked(id=nouns.grant().id))
        await store.keep(nouns.grant(), nouns.access_token("later", grant=nouns.grant().id))
        for word in ("a", "later"):
            assert await store.tokens.access(Digest(f"access-{word}")) is None
        assert await store.tokens.refresh(self.REFRESH) is None
        assert not await store.tokens.rotate(self.REFRESH, now=T0)
        assert await store.tokens.grants(sid=Sid("sid-a")) == (nouns.grant("b"),)
        assert await store.tokens.grants(person=PersonId("p-1")) == (nouns.grant("b"),)
        assert await store.tokens.access(Digest("access-b")) is not None

    @promise
    async def test_token_revoked_before_it_was_kept(self, store: Store) -> None:
        """A revocation that comes before the grant outlives a sweep, and its grant is dead when it comes."""
        await store.keep(GrantRevoked(id=nouns.grant().id))
        await store.sweep(now=T0)
        await store.keep(nouns.grant(), nouns.access_token())
        assert await store.tokens.access(self.ACCESS) is None

    @promise
    async def test_token_rotated_once(self, store: Store) -> None:
        """A refresh token is taken once, with its successor; its reuse can be seen afterwards."""
        await store.keep(nouns.grant(), nouns.refresh_token())
        successor = nouns.refresh_token("2", grant=nouns.grant().id)
        assert await store.tokens.rotate(self.REFRESH, now=T0 + TICK, keep=(successor,))
        assert await store.tokens.refresh(self.REFRESH) == (nouns.refresh_token(taken_at=T0 + TICK), nouns.grant())
        assert await store.tokens.refresh(successor.digest) == (successor, nouns.grant())
        assert not await store.tokens.rotate(self.REFRESH, now=T0 + TICK, keep=(nouns.event(),))
        assert await store.events.by_reference(Reference("R-1")) == ()

    @pytest.mark.parametrize(
        ("token", "grant"),
        [
            (nouns.refresh_token(expires_at=T0 + HOUR), nouns.grant()),
            (nouns.refresh_token(), nouns.grant(refresh_until=T0 + HOUR)),
            (nouns.refresh_token(), nouns.grant(expires_at=T0 + HOUR)),
        ],
        ids=["idle", "absolute", "grant"],
    )
    def test_token_rotated_until_the_first_end(self, engine: Engine, token: RefreshToken, grant: Grant) -> None:
        """The idle end, the family's absolute end and the grant's end each stop the rotation, from that moment on."""

        async def body(self: object, store: Store) -> None:
            await store.keep(grant, token)
            assert not await store.tokens.rotate(token.digest, now=T0 + HOUR, keep=(nouns.event(),))
            assert await store.events.by_reference(Reference("R-1")) == ()
            assert await store.tokens.rotate(token.digest, now=T0 + HOUR - TICK)

        promise(body)(self, engine)

    @promise
    async def test_token_rotated_until_the_ends_that_were_kept_last(self, store: Store) -> None:
        """A grant that was kept again, with a later end, carries its refresh tokens so far."""
        await store.keep(nouns.grant(refresh_until=T0, expires_at=T0), nouns.refresh_token())
        assert not await store.tokens.rotate(self.REFRESH, now=T0)
        await store.keep(nouns.grant())
        assert await store.tokens.rotate(self.REFRESH, now=T0)

    @promise
    async def test_token_of_another_grant(self, store: Store) -> None:
        """An access token that was kept again for another grant stands for that one."""
        await store.keep(nouns.grant(), nouns.grant("b"), nouns.access_token())
        moved = nouns.access_token(grant=nouns.grant("b").id)
        await store.keep(moved)
        assert await store.tokens.access(self.ACCESS) == (moved, nouns.grant("b"))

    @promise
    async def test_token_no_rotation_without_token_or_grant(self, store: Store) -> None:
        """An unknown token, and one without a grant, rotate nothing."""
        await store.keep(nouns.refresh_token())
        assert not await store.tokens.rotate(self.REFRESH, now=T0)
        assert not await store.tokens.rotate(Digest("refresh-b"), now=T0)

    @promise
    async def test_token_grants_of_whom(self, store: Store) -> None:
        """Grants are listed of a session, of a person, of both together, oldest first; of nobody there are none."""
        a, b = nouns.grant("a"), nouns.grant("b", sid=None, created_at=T0 - TICK)
        c = nouns.grant("c", person=PersonId("p-2"))
        await store.keep(a, b, c)
        assert await store.tokens.grants(sid=Sid("sid-a")) == (a, c)
        assert await store.tokens.grants(person=PersonId("p-1")) == (b, a)
        assert await store.tokens.grants(sid=Sid("sid-a"), person=PersonId("p-1")) == (a,)
        assert await store.tokens.grants() == ()
