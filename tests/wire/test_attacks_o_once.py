"""Attack table O, what may happen once: fifty at once on a real database, among tasks, nodes and threads; one wins."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from tests.doubles import FixedClock
from tests.wire.attacker import basic, overhear, refreshed, refreshing, sign_in, userinfo
from tests.wire.nodes import node, play_nodes, race_threads
from tests.wire.world import World, authorization, configuration, location

OFFLINE = {"scope": "openid offline_access"}


async def redeem(world: World, code: str) -> tuple[int, str | None]:
    answer = await world.redeem(code)
    return answer.status_code, answer.json().get("error")


async def refresh(world: World, token: str) -> tuple[int, str | None, str]:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    answer = await world.browser().post("/oauth/token", form, origin=None, authorization=basic())
    return answer.status_code, answer.json().get("error"), answer.json().get("refresh_token", "")


def test_o4_of_fifty_redemptions_on_two_nodes_exactly_one_succeeds(place: str) -> None:
    """Every other one is a reuse: what the one got is revoked, on both nodes [RFC 6749 4.1.2]."""

    async def scene(worlds: Sequence[World]) -> None:
        code = await sign_in(worlds[0], **OFFLINE)
        heard = [overhear(world) for world in worlds]
        answers = await asyncio.gather(*(worlds[n % 2].redeem(code) for n in range(50)))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 49}
        assert {code for codes in heard for code in codes} == {"oidc.code_reused"}
        won = next(answer.json() for answer in answers if answer.status_code == 200)
        for world in worlds:
            assert (await userinfo(world, won["access_token"])).status_code == 401
            told = await refreshing(world, won["refresh_token"])
            assert told == (400, "invalid_grant", "oidc.refresh_unknown")

    play_nodes(scene, place)


def test_o4_of_fifty_redemptions_on_five_threads_exactly_one_succeeds(place: str) -> None:
    clock = FixedClock()

    async def prepare() -> str:
        world = await node(place, clock, "first")
        await world.apply(configuration())
        code = await sign_in(world, **OFFLINE)
        await world.house.store.close()
        return code

    code = asyncio.run(prepare())
    results = race_threads(lambda world, _: redeem(world, code), place, clock, threads=5, each=10)
    assert Counter(results) == {(200, None): 1, (400, "invalid_grant"): 49}


def test_o13_of_fifty_refreshes_on_two_nodes_exactly_one_succeeds_and_the_family_lives(place: str) -> None:
    """At one moment: within the ten seconds in which a second use is refused and nothing more."""

    async def scene(worlds: Sequence[World]) -> None:
        first = (await worlds[0].redeem(await sign_in(worlds[0], **OFFLINE))).json()
        heard = [overhear(world) for world in worlds]
        results = await asyncio.gather(*(refresh(worlds[n % 2], first["refresh_token"]) for n in range(50)))
        assert Counter(result[:2] for result in results) == {(200, None): 1, (400, "invalid_grant"): 49}
        assert {code for codes in heard for code in codes} == {"oidc.refresh_used"}
        successor = next(token for _, _, token in results if token)
        assert await refreshed(worlds[1], successor)

    play_nodes(scene, place)


def test_o13_of_fifty_refreshes_on_five_threads_exactly_one_succeeds(place: str) -> None:
    clock = FixedClock()

    async def prepare() -> str:
        world = await node(place, clock, "first")
        await world.apply(configuration())
        token = (await world.redeem(await sign_in(world, **OFFLINE))).json()["refresh_token"]
        await world.house.store.close()
        return str(token)

    token = asyncio.run(prepare())
    results = race_threads(lambda world, _: refresh(world, token), place, clock, threads=5, each=10)
    assert Counter(result[:2] for result in results) == {(200, None): 1, (400, "invalid_grant"): 49}


def test_o13_a_reuse_on_one_node_ends_the_family_on_the_other(place: str) -> None:
    async def scene(worlds: Sequence[World]) -> None:
        one, other = worlds
        first = (await one.redeem(await sign_in(one, **OFFLINE))).json()
        second = await refreshed(other, first["refresh_token"])
        one.clock.advance(10)
        told = await refreshing(one, first["refresh_token"])
        assert told == (400, "invalid_grant", "oidc.refresh_reused")
        told = await refreshing(other, second["refresh_token"])
        assert told == (400, "invalid_grant", "oidc.refresh_unknown")
        assert (await userinfo(other, second["access_token"])).status_code == 401

    play_nodes(scene, place)


@pytest.mark.parametrize("hops", [1, 2, 5])
def test_o13_a_family_stays_ended_when_the_file_is_opened_again(place: str, hops: int) -> None:
    """Every token of it, the oldest and the newest; and a family that was not touched goes on."""
    clock = FixedClock()
    family: list[str] = []
    other: list[str] = []

    async def before(worlds: Sequence[World]) -> None:
        world = worlds[0]
        other.append((await world.redeem(await sign_in(world, **OFFLINE))).json()["refresh_token"])
        family.append((await world.redeem(await sign_in(world, **OFFLINE))).json()["refresh_token"])
        for _ in range(hops):
            family.append((await refreshed(world, family[-1]))["refresh_token"])
        world.clock.advance(10)
        told = await refreshing(world, family[0])
        assert told == (400, "invalid_grant", "oidc.refresh_reused")

    async def after(worlds: Sequence[World]) -> None:
        for token in family:
            told = await refreshing(worlds[0], token)
            assert told == (400, "invalid_grant", "oidc.refresh_unknown")
        assert await refreshed(worlds[0], other[0])

    play_nodes(before, place, count=1, clock=clock)
    play_nodes(after, place, count=1, clock=clock)


def test_o4_one_fresh_answer_gives_one_code_however_often_the_hop_is_loaded(place: str) -> None:
    """Fifty loads of `/login/continue` on two nodes: one session, one code; the others are told that it is finished."""

    async def scene(worlds: Sequence[World]) -> None:
        browser = worlds[0].browser()
        sent = await browser.get(authorization(), cross_site=True)
        landed = location(await worlds[0].answer(browser, sent))
        browsers = [worlds[n % 2].browser() for n in range(50)]
        for one in browsers:
            one.jar = dict(browser.jar)
        answers = await asyncio.gather(*(one.get(landed, cross_site=True) for one in browsers))
        assert Counter(answer.status_code for answer in answers) == {303: 1, 400: 49}
        assert (await worlds[0].kinds()).count("login.succeeded") == 1
        codes = {event.code for event in await worlds[0].house.store.events.latest(limit=100, kind="login.refused")}
        assert codes == {"login.expired_or_used"}

    play_nodes(scene, place)
