"""What every engine promises about what stands: configuration, keys, events; and about keeping and sweeping."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest
from tests.store import nouns
from tests.store.nouns import ACME, DAY, HOUR, MINUTE, OTHER, T0, TICK
from tests.store.promises import Engine, promise

from vestibule.ground.errors import Refused
from vestibule.model.connection import Connection, Domain
from vestibule.model.ids import ConnectionId, Digest, IdentityKey, PersonId, Reference, Sid
from vestibule.model.installation import Branding, Installation
from vestibule.model.key import KeyPurpose, StoredKey
from vestibule.store.faults import AlreadyKept
from vestibule.store.port import GrantRevoked, Record, Store
from vestibule.store.retention import AHEAD

RED = Installation(branding=Branding(colour="#f00"), confirm_identity_switch=False)


async def apply(store: Store, *connections: Connection) -> None:
    await store.configured.apply(
        installation=Installation(), applications=(), connections=connections, events=(nouns.event(),)
    )


class ConfiguredContract:
    @promise
    async def test_configured_empty_at_first(self, store: Store) -> None:
        """A new store has no connections and no applications, and the installation is the default one."""
        assert await store.configured.installation() == Installation()
        assert await store.configured.connections() == ()
        assert await store.configured.applications() == ()
        assert await store.configured.connection("acme") is None
        assert await store.configured.application("crm") is None

    @promise
    async def test_configured_put_in_place(self, store: Store) -> None:
        """What is applied is found as it was given, by name and by id, with its events; what is not named stays."""
        acme, zoo = nouns.connection("acme"), nouns.connection("zoo", id=ConnectionId("con_0"))
        crm, app = nouns.application("crm"), nouns.application("app")
        await store.configured.apply(installation=RED, applications=(crm, app), connections=(zoo, acme))
        assert await store.configured.installation() == RED
        assert await store.configured.connections() == (acme, zoo)
        assert await store.configured.applications() == (app, crm)
        changed = nouns.connection("acme", display_name="New", enabled=False)
        renamed = nouns.application("crm", name="New")
        await store.configured.apply(
            installation=Installation(), applications=(renamed,), connections=(changed,), events=(nouns.event(),)
        )
        assert await store.configured.installation() == Installation()
        assert await store.configured.connection("acme") == await store.configured.connection("con_acme") == changed
        assert await store.configured.connection("zoo") == await store.configured.connection("con_0") == zoo
        assert await store.configured.application("crm") == renamed
        assert await store.configured.application("app") == app
        assert await store.events.by_reference(Reference("R-1")) == (nouns.event(),)

    @promise
    async def test_configured_revision(self, store: Store) -> None:
        """The revision goes up with every change that is made, and with no other."""
        first = await store.configured.revision()
        await apply(store, nouns.connection("acme"))
        second = await store.configured.revision()
        await apply(store, nouns.connection("acme"))
        third = await store.configured.revision()
        assert first < second < third
        with pytest.raises(Refused):
            await apply(store, nouns.connection("acme", id=ConnectionId("con_9")))
        await store.keep(nouns.event("b"))
        assert await store.configured.revision() == third

    @promise
    async def test_configured_by_domain(self, store: Store) -> None:
        """Of the enabled connections that list a domain the verified one is found, else the first by name."""
        a, b = nouns.connection("a", domains=nouns.listing("x.example")), nouns.connection("b")
        b = nouns.connection("b", domains=nouns.listing("x.example"))
        await apply(store, b, a)
        assert await store.configured.connection_by_domain("x.example") == a
        verified = nouns.connection("c", domains=nouns.listing("x.example", verified=True))
        await apply(store, verified)
        assert await store.configured.connection_by_domain("x.example") == verified
        await apply(store, nouns.connection("c", domains=verified.domains, enabled=False))
        assert await store.configured.connection_by_domain("x.example") == a
        await apply(store, nouns.connection("a"))
        assert await store.configured.connection_by_domain("x.example") == b
        assert await store.configured.connection_by_domain("y.example") is None

    @promise
    async def test_configured_one_holds_a_verified_domain(self, store: Store) -> None:
        """A domain is verified for one connection: a second is refused, with all that came with it."""
        await apply(store, nouns.connection("a", domains=nouns.listing("x.example", verified=True)))
        taker = nouns.connection("b", domains=nouns.listing("x.example", verified=True))
        with pytest.raises(Refused) as refused:
            await store.configured.apply(
                installation=RED,
                applications=(nouns.application(),),
                connections=(taker,),
                events=(nouns.event("b", reference=Reference("R-2")),),
            )
        assert refused.value.code == "configuration.domain_taken"
        assert await store.configured.installation() == Installation()
        assert await store.configured.applications() == ()
        assert await store.configured.connection("b") is None
        assert await store.events.by_reference(Reference("R-2")) == ()

    @promise
    async def test_configured_a_verified_domain_moves(self, store: Store) -> None:
        """In one step a verified domain can go from one connection to another, also within one file twice named."""
        twice = (*nouns.listing("x.example"), Domain(name="x.example", verified=True))
        a, b = nouns.connection("a", domains=twice), nouns.connection("b", domains=twice)
        await apply(store, a)
        await apply(store, b, nouns.connection("a", domains=nouns.listing("x.example")))
        assert await store.configured.connection_by_domain("x.example") == b
        await apply(store, a, nouns.connection("b"))
        assert await store.configured.connection_by_domain("x.example") == a

    @pytest.mark.parametrize(
        "coming",
        [
            [nouns.connection("acme", id=OTHER)],
            [nouns.connection("con_acme", id=OTHER)],
            [nouns.connection("new", id=ConnectionId("acme"))],
            [nouns.connection("x"), nouns.connection("x", id=OTHER)],
            [nouns.connection("x"), nouns.connection("y", id=ConnectionId("con_x"))],
            [nouns.connection("x"), nouns.connection("con_x", id=OTHER)],
            [nouns.connection("acme", id=OTHER), nouns.connection("renamed", id=ACME)],
        ],
        ids=["other-id", "name-is-id", "id-is-name", "one-name", "one-id", "name-is-new-id", "even-when-freed"],
    )
    def test_configured_names_are_unambiguous(self, engine: Engine, coming: Sequence[Connection]) -> None:
        """A name or id that would lead to two connections, or to another id than before, is refused."""

        async def body(self: object, store: Store) -> None:
            acme = nouns.connection("acme")
            await apply(store, acme)
            with pytest.raises(Refused) as refused:
                await apply(store, *coming)
            assert refused.value.code == "configuration.name_taken"
            assert await store.configured.connections() == (acme,)

        promise(body)(self, engine)

    @promise
    async def test_configured_a_name_may_equal_its_own_id(self, store: Store) -> None:
        """A connection whose name is its id leads to one connection only."""
        same = nouns.connection("same", id=ConnectionId("same"))
        await apply(store, same)
        await apply(store, same)
        assert await store.configured.connection("same") == same

    @promise
    async def test_configured_under_a_new_name(self, store: Store) -> None:
        """The id is who a connection is: given another name, it is found under that one, and no more under the old."""
        await apply(store, nouns.connection("old"))
        renamed = nouns.connection("new", id=ConnectionId("con_old"))
        await apply(store, renamed)
        assert await store.configured.connections() == (renamed,)
        assert await store.configured.connection("new") == renamed
        assert await store.configured.connection("old") is None


class KeysContract:
    @promise
    async def test_keys_all_oldest_first(self, store: Store) -> None:
        """Keys come oldest first, with their sealed bytes, and can be replaced."""
        old, new = nouns.key("z", created_at=T0 - DAY), nouns.key("a", purpose=KeyPurpose.SAML_REQUEST)
        await store.keep(new, old)
        assert await store.keys.all() == (old, new)
        changed = nouns.key("z", created_at=T0 + DAY, retired_at=T0, purpose=KeyPurpose.TOKEN_ES256)
        await store.keep(changed)
        assert await store.keys.all() == (new, changed)

    @promise
    async def test_keys_change_is_given_all_and_keeps_what_it_returns(self, store: Store) -> None:
        """Who decides sees every key of the installation, oldest first, and no connection's; what they return is kept."""
        await store.keys.seal_check("seal")
        old, new = nouns.key("z", created_at=T0 - DAY), nouns.key("a", purpose=KeyPurpose.SAML_REQUEST)
        own = nouns.key("own", purpose=KeyPurpose.SAML_ENCRYPTION, connection=ACME)
        await store.keep(new, old, own)
        seen: list[tuple[StoredKey, ...]] = []

        def decide(known: tuple[StoredKey, ...]) -> tuple[StoredKey, ...]:
            seen.append(known)
            return (replace(known[0], retired_at=T0), nouns.key("b", created_at=T0 + DAY))

        assert await store.keys.change(None, decide, seal="seal")
        assert seen[-1] == (old, new)
        assert await store.keys.all() == (replace(old, retired_at=T0), new, nouns.key("b", created_at=T0 + DAY))
        assert await store.keys.change(ACME, lambda known: (replace(known[0], retired_at=T0),), seal="seal")
        assert await store.keys.of(ACME) == (replace(own, retired_at=T0),)

    @promise
    async def test_keys_change_under_another_seal_changes_nothing(self, store: Store) -> None:
        """What was sealed for a store that has been resealed meanwhile is not kept: nobody could open it later."""
        assert not await store.keys.change(None, lambda known: (nouns.key(),), seal="seal")
        await store.keys.seal_check("seal")
        assert not await store.keys.change(None, lambda known: (nouns.key(),), seal="other")
        assert await store.keys.all() == ()

    @promise
    async def test_keys_change_that_is_refused_changes_nothing(self, store: Store) -> None:
        """A refusal by who decides rises, and nothing was kept."""
        await store.keys.seal_check("seal")

        def decide(known: tuple[StoredKey, ...]) -> tuple[StoredKey, ...]:
            raise Refused("keys.last", "No.")

        with pytest.raises(Refused) as caught:
            await store.keys.change(None, decide, seal="seal")
        assert caught.value.code == "keys.last"
        assert await store.keys.all() == ()

    @promise
    async def test_keys_reseal_begins_with_the_installations(self, store: Store) -> None:
        """Each of its keys as it is given anew, or as it was; the facts that are there; and the check. No connection's yet."""
        await store.keys.seal_check("old")
        await store.keys.fact("pepper", "salt")
        own = nouns.key("own", connection=ACME)
        await store.keep(nouns.key("plain"), nouns.key("stays"), own)
        assert await store.keys.is_resealed_whole()

        def anew(key: StoredKey) -> StoredKey | None:
            return None if key.kid == "kid-stays" else replace(key, sealed=b"anew")

        assert await store.keys.reseal(anew, texts={"pepper": str.upper, "none": str.upper}, seal="new") == 1
        assert await store.keys.sealed_by() == "new"
        assert await store.keys.fact("pepper", "x") == "SALT"
        assert await store.keys.fact("none", "x") == "x"
        assert {key.kid: key.sealed for key in await store.keys.all()} == {
            "kid-plain": b"anew",
            "kid-stays": nouns.key().sealed,
        }
        assert await store.keys.of(ACME) == (own,)
        assert not await store.keys.is_resealed_whole()

    @promise
    async def test_keys_reseal_goes_on_with_everybodys(self, store: Store) -> None:
        """Page by page, by their names; at the end the store is resealed whole."""
        many = [nouns.key(f"{n:04}", connection=ConnectionId(f"con_{n}")) for n in range(450)]
        await store.keep(*many)
        await store.keys.reseal(lambda key: None, texts={}, seal="new")
        changed, after, pages = 0, "", 0
        while True:
            more, last = await store.keys.reseal_on(lambda key: replace(key, sealed=b"anew"), after=after)
            changed, pages = changed + more, pages + 1
            if last is None:
                break
            assert last > after
            after = last
        assert (changed, pages) == (450, 4)
        assert [await store.keys.of(ConnectionId(f"con_{n}")) for n in (0, 449)] == [
            (replace(many[n], sealed=b"anew"),) for n in (0, 449)
        ]
        assert await store.keys.is_resealed_whole()

    @promise
    async def test_keys_reseal_that_fails_leaves_everything(self, store: Store) -> None:
        """One key that does not open, and all stays as it was: the check, the facts, the keys before it."""
        await store.keys.seal_check("old")
        await store.keys.fact("pepper", "salt")
        await store.keep(nouns.key("a"), nouns.key("b"))

        def anew(key: StoredKey) -> StoredKey | None:
            if key.kid == "kid-b":
                raise Refused("keys.unsealable", "It does not open.")
            return replace(key, sealed=b"anew")

        with pytest.raises(Refused) as caught:
            await store.keys.reseal(anew, texts={"pepper": str.upper}, seal="new")
        assert caught.value.code == "keys.unsealable"
        assert await store.keys.sealed_by() == "old"
        assert await store.keys.fact("pepper", "x") == "salt"
        assert await store.keys.all() == (nouns.key("a"), nouns.key("b"))

    @promise
    async def test_keys_of_a_connection(self, store: Store) -> None:
        """A connection's keys are its own: not the installation's, nor another's, and it has its own first."""
        own = nouns.key("own", purpose=KeyPurpose.SAML_ENCRYPTION, connection=ACME)
        other = nouns.key("other", purpose=KeyPurpose.SAML_ENCRYPTION, connection=OTHER)
        plain = nouns.key("plain")
        await store.keep(plain)
        await store.keep(own, other)
        later = nouns.key("a", purpose=KeyPurpose.SAML_ENCRYPTION, connection=ACME, created_at=T0 + DAY)
        await store.keep(later)
        assert await store.keys.of(ACME) == (own, later)
        assert await store.keys.of(OTHER) == (other,)
        assert await store.keys.of(ConnectionId("con_none")) == ()
        assert await store.keys.all() == (plain,)

    @promise
    async def test_facts_are_noted_with_what_says_so(self, store: Store) -> None:
        """A noted value takes the place of another, with its event; the first value ever given does not."""
        assert await store.keys.known("restored_at") is None
        await store.keys.note("restored_at", "once", event=nouns.event("a"))
        await store.keys.note("restored_at", "twice", event=nouns.event("b"))
        assert await store.keys.known("restored_at") == "twice"
        assert await store.keys.fact("restored_at", "thrice") == "twice"
        assert {event.id for event in await store.events.latest()} == {"event-a", "event-b"}

    @promise
    async def test_keys_seal_check(self, store: Store) -> None:
        """The first value ever given is the one that is kept."""
        assert await store.keys.sealed_by() is None
        assert await store.keys.seal_check("one") == "one"
        assert await store.keys.sealed_by() == "one"
        assert await store.keys.seal_check("two") == "one"
        await store.configured.apply(installation=RED, applications=(), connections=())
        assert await store.keys.seal_check("three") == "one"
        assert await store.configured.installation() == RED

    @promise
    async def test_keys_fact(self, store: Store) -> None:
        """Under each name the first value ever given is the one that is kept; names do not touch one another."""
        assert await store.keys.seal_check("seal") == "seal"
        assert await store.keys.fact("a", "one") == "one"
        assert await store.keys.fact("a", "two") == "one"
        assert await store.keys.fact("b", "two") == "two"
        assert await store.keys.seal_check("other") == "seal"


class EventsContract:
    @promise
    async def test_events_a_story_by_its_reference(self, store: Store) -> None:
        """The events of one reference come as they happened, those of one moment as they were kept, with their traces."""
        late, one, two = nouns.event("a", at=T0 + TICK), nouns.event("c"), nouns.event("b")
        await store.keep(late, one, two, nouns.event("d", reference=Reference("R-2")))
        assert await store.events.by_reference(Reference("R-1")) == (one, two, late)
        assert await store.events.by_reference(Reference("R-3")) == ()

    @promise
    async def test_events_replaced(self, store: Store) -> None:
        """An event with the same id takes the place of the one before."""
        await store.keep(nouns.event())
        changed = nouns.event(kind="login.refused", code="saml.audience", connection=None, reference=Reference("R-2"))
        await store.keep(changed)
        assert await store.events.latest() == (changed,)
        assert await store.events.latest(kind="login.refused") == (changed,)
        assert await store.events.latest(kind="login.succeeded") == ()
        assert await store.events.latest(connection=ACME) == ()
        assert await store.events.by_reference(Reference("R-1")) == ()

    @promise
    async def test_events_latest(self, store: Store) -> None:
        """The latest come newest first, as many as asked for; of one moment the one that was kept last is newer."""
        events = [nouns.event(str(number), at=T0 + number // 2 * TICK) for number in range(60)]
        await store.keep(*events)
        assert await store.events.latest() == tuple(reversed(events))[:50]
        newest = tuple(reversed(events))[:3]
        assert await store.events.latest(limit=3) == newest
        assert await store.events.latest(limit=3, kind="login.succeeded") == newest
        assert await store.events.latest(limit=3, connection=ACME) == newest

    @promise
    async def test_events_latest_of_a_kind_and_connection(self, store: Store) -> None:
        """A kind matches exactly, or as a prefix when it ends with a dot; the connection is another condition."""
        rows = [
            nouns.event("1", kind="login.succeeded"),
            nouns.event("2", kind="login.refused", connection=OTHER),
            nouns.event("3", kind="logins", at=T0 + TICK),
            nouns.event("4", kind="login", at=T0 + TICK),
            nouns.event("5", kind="code.redeemed", connection=None),
            nouns.event("6", kind="login.refused", at=T0 - TICK),
            nouns.event("7", kind="login.refused.again", at=T0 - 2 * TICK),
            nouns.event("8", kind="login/x", at=T0 + TICK),
            nouns.event("9", kind="login-x", at=T0 + TICK),
        ]
        await store.keep(*rows)

        async def ids(**which: object) -> str:
            return "".join(event.id[-1] for event in await store.events.latest(**which))  # type: ignore[arg-type]

        assert await ids(kind="login.refused") == "26"
        assert await ids(kind="login.") == "2167"
        assert await ids(kind="login.", limit=2) == "21"
        assert await ids(kind="login") == "4"
        assert await ids(connection=OTHER) == "2"
        assert await ids(connection=ACME) == "9843167"
        assert await ids(connection=ACME, kind="login.") == "167"
        assert await ids(connection=ACME, kind="login.refused") == "6"
        assert await ids(connection=ACME, kind="none") == await ids(kind="none.") == ""


ONCE = [nouns.pending(), nouns.arrival(), nouns.outcome(), nouns.code(), nouns.refresh_token()]


class KeepContract:
    @pytest.mark.parametrize("record", ONCE, ids=lambda record: type(record).__name__)
    def test_keep_second_inserts_are_errors(self, engine: Engine, record: Record) -> None:
        """A record whose key is random comes once; a second time is an error, in one `keep` or two, and nothing is kept."""

        async def body(self: object, store: Store) -> None:
            with pytest.raises(AlreadyKept):
                await store.keep(nouns.event(), record, record)
            await store.keep(record)
            with pytest.raises(AlreadyKept):
                await store.keep(nouns.event(), record)
            assert await store.events.latest() == ()

        promise(body)(self, engine)

    @promise
    async def test_keep_nothing_is_little(self, store: Store) -> None:
        """Keeping nothing is allowed, and a store that works says that it is ready, any number of times."""
        await store.keep()
        await store.ready()
        await store.ready()


# What each row is, and the moment from which it may go.
SWEPT: list[tuple[Record, datetime]] = [
    (nouns.pending(), T0 + HOUR + DAY),
    (nouns.arrival(), T0 + 2 * MINUTE + HOUR),
    (nouns.outcome(), T0 + 2 * MINUTE + HOUR),
    (nouns.code(), T0 + MINUTE + DAY),
    (nouns.session(), T0 + 8 * HOUR),
    (nouns.session(idle_at=T0 + 2 * DAY), T0 + DAY),
    (nouns.key(retired_at=T0), T0 + 90 * DAY),
    (nouns.event(), T0 + 90 * DAY),
    (nouns.rehearsal(), T0 + HOUR + DAY),
    (nouns.grant(), T0 + 91 * DAY),
    (nouns.access_token(), T0 + HOUR),
    (nouns.refresh_token(), T0 + 14 * DAY),
]


LATER = 300 * DAY
REPLACED: list[tuple[Record, Record, datetime]] = [
    (nouns.session(idle_at=T0 + LATER), nouns.session(idle_at=T0 + LATER, expires_at=T0 + 2 * DAY), T0 + 2 * DAY),
    (nouns.session(expires_at=T0 + LATER), nouns.session(expires_at=T0 + LATER, idle_at=T0 + DAY), T0 + DAY),
    (nouns.grant(), nouns.grant(expires_at=T0 + LATER), T0 + LATER),
    (nouns.access_token(), nouns.access_token(expires_at=T0 + DAY), T0 + DAY),
    (nouns.key(), nouns.key(retired_at=T0), T0 + 90 * DAY),
    (nouns.event(), nouns.event(at=T0 + DAY), T0 + 91 * DAY),
    (nouns.rehearsal(), nouns.rehearsal(expires_at=T0 + DAY), T0 + 2 * DAY),
]


class SweepContract:
    @pytest.mark.parametrize(("record", "again", "end"), REPLACED, ids=lambda value: type(value).__name__)
    def test_sweep_goes_by_what_was_kept_last(
        self, engine: Engine, record: Record, again: Record, end: datetime
    ) -> None:
        """A record that was kept again, with another end, goes at that one."""

        async def body(self: object, store: Store) -> None:
            await store.keep(record)
            await store.keep(again)
            assert await store.sweep(now=end - TICK) == 0
            assert await store.sweep(now=end) == 1

        promise(body)(self, engine)

    @pytest.mark.parametrize(("record", "end"), SWEPT, ids=lambda value: type(value).__name__)
    def test_sweep_goes_when_it_is_past_all_use(self, engine: Engine, record: Record, end: datetime) -> None:
        """A row stays until the moment that the retention names, and goes at it."""

        async def body(self: object, store: Store) -> None:
            await store.keep(record)
            assert await store.sweep(now=end - TICK) == 0
            assert await store.sweep(now=end) == 1
            assert await store.sweep(now=end) == 0

        promise(body)(self, engine)

    @promise
    async def test_sweep_assertions_are_remembered_until_then(self, store: Store) -> None:
        """A claim blocks until `remember_until` and ten minutes more, whatever a node does whose clock is ahead by less."""
        await store.assertions.claim(nouns.claim())
        assert await store.sweep(now=T0 + HOUR + AHEAD - TICK) == 0
        assert not await store.assertions.claim(nouns.claim())
        assert await store.sweep(now=T0 + HOUR + AHEAD) == 1
        assert await store.assertions.claim(nouns.claim())

    @promise
    async def test_sweep_some_things_stay(self, store: Store) -> None:
        """Keys in use, people and the configuration are never swept."""
        await store.keep(nouns.key())
        await apply(store, nouns.connection())
        await store.sweep(now=T0 + 100 * DAY)
        await store.people.settle(nouns.identity(), new=PersonId("p1"), provision=True, link=False, now=T0)
        assert await store.sweep(now=T0 + 9000 * DAY) == 0
        assert await store.keys.all() == (nouns.key(),)
        assert await store.configured.connections() == (nouns.connection(),)
        assert await store.people.find(PersonId("p1"), identity=IdentityKey("key-ann")) is not None

    @promise
    async def test_sweep_in_small_batches(self, store: Store) -> None:
        """At most `limit` rows of a table go at once, and only those that are due."""
        await store.keep(*(nouns.event(str(number)) for number in range(5)), *(nouns.code(word) for word in "abc"))
        await store.keep(nouns.code("live", expires_at=T0 + 200 * DAY), nouns.session("s", sid=Sid("s")))
        assert await store.sweep(now=T0 + 90 * DAY, limit=2) == 5
        assert await store.sweep(now=T0 + 90 * DAY, limit=2) == 3
        assert await store.sweep(now=T0 + 90 * DAY, limit=2) == 1
        assert await store.codes.find(Digest("code-live")) is not None

    @promise
    async def test_sweep_events_when_the_operator_says(self, store: Store) -> None:
        """Events, and nothing else, go at the age that is asked for, older or younger than usual."""
        await store.keep(nouns.event(), nouns.refresh_token())
        assert await store.sweep(now=T0 + 7 * DAY - TICK, events=7 * DAY) == 0
        assert await store.sweep(now=T0 + 7 * DAY, events=7 * DAY) == 1
        await store.keep(nouns.event())
        assert await store.sweep(now=T0 + 399 * DAY, events=400 * DAY) == 1  # the refresh token
        assert await store.sweep(now=T0 + 400 * DAY, events=400 * DAY) == 1

    @promise
    async def test_sweep_a_revocation_outlives_the_codes_of_its_grant(self, store: Store) -> None:
        """A revocation that came before its grant stays while a code of it could be out."""
        await store.keep(GrantRevoked(id=nouns.grant().id))
        await store.sweep(now=T0)
        await store.sweep(now=T0 + DAY - TICK)
        await store.keep(nouns.code())
        assert not await store.codes.take(Digest("code-a"), now=T0)
