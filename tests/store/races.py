"""Everything that may happen once, as a race: what lies ready, what each runner does, and how a runner knows that it won."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from tests.store import nouns
from tests.store.nouns import T0

from vestibule.ground.errors import Refused
from vestibule.model.event import Event
from vestibule.model.ids import ArrivalId, ConnectionId, Digest, IdentityKey, PersonId, Reference
from vestibule.model.installation import Installation
from vestibule.model.key import KeyPurpose, StoredKey
from vestibule.store.port import Answered, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """`prepare(store, heat)` lays things ready; `run(store, heat, runner)` is true for the one that wins.

    `keeps`: the winner's event is kept with its step, and no other. `heats`: how often it can be run in one store.
    """

    prepare: Callable[[Store, str], Awaitable[None]]
    run: Callable[[Store, str, int], Awaitable[bool]]
    keeps: bool = True
    heats: int = 8


RUNNERS = 4


def mark(heat: str, runner: int) -> tuple[Event]:
    return (nouns.event(f"{heat}-{runner}", reference=Reference(heat), detail={"runner": str(runner)}),)


async def nothing(store: Store, heat: str) -> None:
    """Nothing has to lie ready."""


async def claim(store: Store, heat: str, runner: int) -> bool:
    return await store.assertions.claim(nouns.claim(heat), keep=mark(heat, runner))


async def one_pending(store: Store, heat: str) -> None:
    await store.keep(nouns.pending(heat))


async def answer(store: Store, heat: str, runner: int) -> bool:
    answered = await store.pending.answer(
        f"_request-{heat}",
        cookie=Digest(f"login-{heat}"),
        claim=nouns.claim(f"{heat}-{runner}"),
        now=T0,
        keep=mark(heat, runner),
    )
    return answered is Answered.TAKEN


async def many_pending(store: Store, heat: str) -> None:
    await store.keep(*(nouns.pending(f"{heat}-{runner}") for runner in range(RUNNERS)))


async def answer_with_one_assertion(store: Store, heat: str, runner: int) -> bool:
    word = f"{heat}-{runner}"
    answered = await store.pending.answer(
        f"_request-{word}",
        cookie=Digest(f"login-{word}"),
        claim=nouns.claim(heat),
        now=T0,
        keep=mark(heat, runner),
    )
    login = await store.pending.find(f"_request-{word}")
    assert login is not None
    assert (login.ended_at is not None) == (answered is Answered.TAKEN), "a replay ended the pending login"
    return answered is Answered.TAKEN


async def one_arrival(store: Store, heat: str) -> None:
    await store.keep(nouns.arrival(heat))


async def confirm(store: Store, heat: str, runner: int) -> bool:
    return await store.arrivals.confirm(ArrivalId(f"arrival-{heat}"), now=T0, keep=mark(heat, runner))


async def take_arrival(store: Store, heat: str, runner: int) -> bool:
    return await store.arrivals.take(ArrivalId(f"arrival-{heat}"), now=T0, keep=mark(heat, runner))


async def one_outcome(store: Store, heat: str) -> None:
    await store.keep(nouns.outcome(heat))


async def take_outcome(store: Store, heat: str, runner: int) -> bool:
    return await store.outcomes.take(f"outcome-{heat}", now=T0, keep=mark(heat, runner))


async def one_code(store: Store, heat: str) -> None:
    await store.keep(nouns.code(heat))


async def take_code(store: Store, heat: str, runner: int) -> bool:
    kept = (nouns.grant(heat), nouns.access_token(f"{heat}-{runner}", grant=nouns.grant(heat).id), *mark(heat, runner))
    won = await store.codes.take(Digest(f"code-{heat}"), now=T0, keep=kept)
    assert (await store.tokens.access(Digest(f"access-{heat}-{runner}")) is not None) == won, "a loser has a token"
    return won


async def codes_of_one_arrival(store: Store, heat: str) -> None:
    await store.keep(
        nouns.arrival(heat),
        *(nouns.code(f"{heat}-{runner}", arrival=ArrivalId(f"arrival-{heat}")) for runner in range(RUNNERS)),
    )


async def take_own_code(store: Store, heat: str, runner: int) -> bool:
    return await store.codes.take(Digest(f"code-{heat}-{runner}"), now=T0, keep=mark(heat, runner))


async def take_by_code_or_by_hand(store: Store, heat: str, runner: int) -> bool:
    return await (take_own_code if runner % 2 else take_arrival)(store, heat, runner)


async def one_refresh_token(store: Store, heat: str) -> None:
    await store.keep(nouns.grant(heat), nouns.refresh_token(heat))


async def rotate(store: Store, heat: str, runner: int) -> bool:
    return await store.tokens.rotate(Digest(f"refresh-{heat}"), now=T0, keep=mark(heat, runner))


async def first_key(store: Store, heat: str, runner: int) -> bool:
    purpose = tuple(KeyPurpose)[int(heat.rpartition("-")[2])]
    return await first(store, nouns.key(f"{heat}-{runner}", purpose=purpose))


async def first_key_of_a_connection(store: Store, heat: str, runner: int) -> bool:
    mine = nouns.key(f"{heat}-{runner}", purpose=KeyPurpose.SAML_ENCRYPTION, connection=ConnectionId(f"con_{heat}"))
    return await first(store, mine)


async def first(store: Store, mine: StoredKey) -> bool:
    """Whether this one was kept, as the first of its purpose and connection."""
    won: list[bool] = []

    def decide(known: tuple[StoredKey, ...]) -> tuple[StoredKey, ...]:
        won.append(all(key.purpose is not mine.purpose for key in known))
        return (mine,) if won[-1] else ()

    assert await store.keys.change(mine.connection, decide, seal=await store.keys.sealed_by() or "")
    return won[-1]


async def sealed(store: Store, heat: str) -> None:
    await store.keys.seal_check("seal")


async def reseal(store: Store, heat: str, runner: int) -> bool:
    """Of those who would seal anew from one and the same seal, one changes the keys of it."""
    changed = await store.keys.reseal(
        lambda key: replace(key, sealed=b"anew") if key.kid == f"kid-{heat}" and key.sealed != b"anew" else None,
        texts={},
        seal="seal",
    )
    return changed > 0


async def a_key_to_reseal(store: Store, heat: str) -> None:
    await store.keep(nouns.key(heat))


async def fact(store: Store, heat: str, runner: int) -> bool:
    return await store.keys.fact(heat, f"value-{runner}") == f"value-{runner}"


async def one_rehearsal(store: Store, heat: str) -> None:
    await store.keep(nouns.rehearsal(heat))


async def open_rehearsal(store: Store, heat: str, runner: int) -> bool:
    return await store.rehearsals.open(f"rehearsal-{heat}", cookie=Digest(f"c-{runner}"), now=T0)


async def settle(store: Store, heat: str, runner: int) -> bool:
    mine = PersonId(f"p-{heat}-{runner}")
    person = await store.people.settle(nouns.identity(heat), new=mine, provision=True, link=False, now=T0)
    assert person is not None
    return person.id == mine


async def settle_and_join(store: Store, heat: str, runner: int) -> bool:
    mine = PersonId(f"p-{heat}-{runner}")
    identity = nouns.identity(heat, key=IdentityKey(f"key-{heat}-{runner}"))
    person = await store.people.settle(identity, new=mine, provision=True, link=True, now=T0)
    assert person is not None
    return person.id == mine


async def hold_domain(store: Store, heat: str, runner: int) -> bool:
    mine = nouns.connection(f"{heat}-{runner}", domains=nouns.listing(f"{heat}.example", verified=True))
    try:
        await store.configured.apply(
            installation=Installation(), applications=(), connections=(mine,), events=mark(heat, runner)
        )
    except Refused as refused:
        if refused.code != "configuration.domain_taken":
            raise
        return False
    return True


RACES = {
    "claim": Race(prepare=nothing, run=claim),
    "answer": Race(prepare=one_pending, run=answer),
    "answer_with_one_assertion": Race(prepare=many_pending, run=answer_with_one_assertion),
    "confirm": Race(prepare=one_arrival, run=confirm),
    "take_arrival": Race(prepare=one_arrival, run=take_arrival),
    "take_outcome": Race(prepare=one_outcome, run=take_outcome),
    "take_code": Race(prepare=one_code, run=take_code),
    "take_codes_of_one_arrival": Race(prepare=codes_of_one_arrival, run=take_own_code),
    "take_arrival_by_code_or_by_hand": Race(prepare=codes_of_one_arrival, run=take_by_code_or_by_hand),
    "rotate": Race(prepare=one_refresh_token, run=rotate),
    "first_key": Race(prepare=sealed, run=first_key, keeps=False, heats=len(KeyPurpose)),
    "first_key_of_a_connection": Race(prepare=sealed, run=first_key_of_a_connection, keeps=False),
    "reseal": Race(prepare=a_key_to_reseal, run=reseal, keeps=False),
    "fact": Race(prepare=nothing, run=fact, keeps=False),
    "open_rehearsal": Race(prepare=one_rehearsal, run=open_rehearsal, keeps=False),
    "settle": Race(prepare=nothing, run=settle, keeps=False),
    "settle_and_join": Race(prepare=nothing, run=settle_and_join, keeps=False),
    "hold_domain": Race(prepare=nothing, run=hold_domain),
}


async def judge(store: Store, race: Race, heat: str, won: list[bool]) -> None:
    """Exactly one won, and what was kept is the winner's alone."""
    assert won.count(True) == 1, f"{heat}: {won}"
    if race.keeps:
        kept = [event.detail["runner"] for event in await store.events.by_reference(Reference(heat))]
        assert kept == [str(won.index(True))], f"{heat}: kept {kept}, won {won}"


async def run_in_one_loop(store: Store, name: str) -> None:
    race = RACES[name]
    for number in range(race.heats):
        heat = f"{name}-{number}"
        await race.prepare(store, heat)
        won = await asyncio.gather(*(race.run(store, heat, runner) for runner in range(RUNNERS)))
        await judge(store, race, heat, list(won))
