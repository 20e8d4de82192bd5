"""Attack table B, what outlives a process and reaches every node: a kill, a clock that jumps, another node's configuration and keys."""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.builders_saml import idp_certificate
from tests.doubles import FixedClock
from tests.store.processes import ENVIRONMENT, ROOT
from tests.wire.attacker import (
    error_code,
    page_code,
    redeeming,
    refreshed,
    refreshing,
    sign_in,
    tokens,
    userinfo,
)
from tests.wire.nodes import node, play_nodes
from tests.wire.world import (
    CRM,
    World,
    asked,
    authorization,
    code_of,
    configuration,
    location,
    parameters,
    play,
)

from vestibule.jose import jwt
from vestibule.keys.rotation import FRESH_FOR, HANDED_OVER
from vestibule.model.key import KeyPurpose
from vestibule.store.remembering import FRESH

# -- B3: after a kill ------------------------------------------------------------------------------------------------


def kill(place: str) -> dict[str, str]:
    """A process signs people in over this database, says what was acknowledged, and is killed: no close, no shutdown."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.wire.killed", place],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=ENVIRONMENT,
    )
    assert process.stdout is not None
    line = next(text for text in process.stdout if text.startswith("said "))
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL
    said: dict[str, str] = json.loads(line.removeprefix("said "))
    return said


def test_b3_what_was_ended_before_a_kill_stays_ended_after_it(place: str) -> None:
    """Used codes, rotated and revoked refresh tokens, a family ended by reuse, a used assertion, a session signed out."""
    said = kill(place)
    assert said["told"] == "oidc.refresh_reused"

    async def scene(worlds: Sequence[World]) -> None:
        (world,) = worlds
        for token in ("revoked", "reused", "newest"):
            told = await refreshing(world, said[token])
            assert told == (400, "invalid_grant", "oidc.refresh_unknown"), token
        assert (await userinfo(world, said["revoked_access"])).status_code == 401
        assert await refreshing(world, said["rotated"]) == (400, "invalid_grant", "oidc.refresh_used")
        assert await redeeming(world, said["used"]) == (400, "invalid_grant", "oidc.code_reused")
        form = {"SAMLResponse": said["response"]}
        page = await world.browser().post("/login/callback?connection=acme", form, cross_site=True)
        assert await page_code(world, page) == "saml.replayed"
        browser = world.browser()
        browser.jar["__Host-vst-sid"] = (said["signed_out"], "lax")
        silent = await browser.get(authorization(prompt="none"), cross_site=True)
        assert parameters(location(silent))["error"] == "login_required"

    play_nodes(scene, place, count=1, as_it_is=True)


def test_b3_what_was_given_before_a_kill_is_good_after_it(place: str) -> None:
    """Nobody is signed out by a restart: the code on its way, the newest refresh token, the session."""
    said = kill(place)

    async def scene(worlds: Sequence[World]) -> None:
        (world,) = worlds
        assert (await world.redeem(said["live"])).status_code == 200
        assert await refreshed(world, said["successor"])
        browser = world.browser()
        browser.jar["__Host-vst-sid"] = (said["session"], "lax")
        assert code_of(await browser.get(authorization(prompt="none"), cross_site=True))
        world.clock.advance(10)
        assert await refreshing(world, said["rotated"]) == (400, "invalid_grant", "oidc.refresh_reused")

    play_nodes(scene, place, count=1, as_it_is=True)


# -- B19: clocks -----------------------------------------------------------------------------------------------------

MINUTES = timedelta(minutes=5)


def test_b19_a_clock_that_jumps_ahead_and_back_makes_no_used_assertion_good_again() -> None:
    """With a sweep in between: what guards a replay outlives the window in which the response could be used."""

    async def scene(world: World) -> None:
        form = {"SAMLResponse": world.saml_response()}
        assert location(await world.browser().post("/login/callback?connection=acme", form, cross_site=True))
        for jump in (MINUTES, -MINUTES, -MINUTES, MINUTES):
            world.clock.advance(jump)
            await world.house.store.sweep(now=world.clock.now())
            page = await world.browser().post("/login/callback?connection=acme", form, cross_site=True)
            assert await page_code(world, page) is not None
        page = await world.browser().post("/login/callback?connection=acme", form, cross_site=True)
        assert await page_code(world, page) == "saml.replayed"

    play(scene)


@pytest.mark.parametrize("jump", [MINUTES, -MINUTES, timedelta(hours=1), -timedelta(hours=1)])
def test_b19_no_jump_makes_a_code_or_a_refresh_token_good_twice(jump: timedelta) -> None:
    async def scene(world: World) -> None:
        code = await sign_in(world, scope="openid offline_access")
        first = (await world.redeem(code)).json()
        second = await refreshed(world, first["refresh_token"])
        world.clock.advance(jump)
        await world.house.store.sweep(now=world.clock.now())
        told = await refreshing(world, first["refresh_token"])
        assert told == (400, "invalid_grant", "oidc.refresh_reused" if jump > MINUTES * 0 else "oidc.refresh_used")
        told = await redeeming(world, code)
        assert told == (400, "invalid_grant", "oidc.code_reused")
        told = await refreshing(world, second["refresh_token"])
        assert told == (400, "invalid_grant", "oidc.refresh_unknown")

    play(scene)


@pytest.mark.parametrize("jump", [-MINUTES, -timedelta(hours=1), -timedelta(days=1)])
def test_b19_a_clock_that_is_set_back_kills_no_login_that_is_on_its_way(jump: timedelta) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        world.clock.advance(jump)
        landed = location(await world.answer(browser, sent))
        assert (await world.redeem(code_of(await browser.get(landed, cross_site=True)))).status_code == 200
        assert code_of(await browser.get(authorization(prompt="none"), cross_site=True))

    play(scene)


@pytest.mark.parametrize(
    ("ahead", "code"),
    [
        (timedelta(minutes=59, seconds=59), None),
        (timedelta(minutes=60), "login.expired_or_used"),
        (timedelta(hours=24), "login.expired_or_used"),
    ],
)
def test_b19_a_clock_that_is_set_ahead_ends_a_login_in_plain_words(ahead: timedelta, code: str | None) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        world.clock.advance(ahead)
        answer = await world.answer(browser, sent)
        if code is None:
            assert location(answer)
        else:
            assert await page_code(world, answer) == code

    play(scene)


def test_b19_a_leap_into_the_next_second_moves_no_bound() -> None:
    """A second that comes twice: the code at its last moment, then the very same moment again."""

    async def scene(world: World) -> None:
        one, two = await sign_in(world), await sign_in(world)
        world.clock.advance(timedelta(seconds=60, microseconds=-1))
        assert (await world.redeem(one)).status_code == 200
        world.clock.advance(timedelta(microseconds=1))
        assert await redeeming(world, two) == (400, "invalid_grant", "oidc.code_expired")
        world.clock.advance(-1)
        assert (await world.redeem(two)).status_code == 200
        world.clock.advance(1)
        assert await redeeming(world, two) == (400, "invalid_grant", "oidc.code_reused")

    play(scene)


def test_b19_two_nodes_whose_clocks_differ_share_what_was_used(place: str) -> None:
    """One node is five minutes ahead; what was used at one is used at the other, whichever is right."""
    ahead = FixedClock()
    ahead.advance(MINUTES)

    async def scene(worlds: Sequence[World]) -> None:
        (one,) = worlds
        other = await node(place, ahead, "ahead")
        code = await sign_in(one, scope="openid offline_access")
        first = (await one.redeem(code)).json()
        assert await redeeming(other, code) == (400, "invalid_grant", "oidc.code_reused")
        assert await refreshing(one, first["refresh_token"]) == (400, "invalid_grant", "oidc.refresh_unknown")
        late = await sign_in(one)
        assert await redeeming(other, late) == (400, "invalid_grant", "oidc.code_expired")
        form = {"SAMLResponse": one.saml_response(not_on_or_after=one.clock.now() + timedelta(minutes=10))}
        assert location(await other.browser().post("/login/callback?connection=acme", form, cross_site=True))
        page = await one.browser().post("/login/callback?connection=acme", form, cross_site=True)
        assert await page_code(one, page) == "saml.replayed"
        await other.house.store.close()

    play_nodes(scene, place, count=1)


# -- B20: nodes ------------------------------------------------------------------------------------------------------


def without(**changes: Any) -> dict[str, Any]:
    document = configuration()
    document["connections"][0] |= changes
    return document


def test_b20_a_disabled_connection_is_disabled_on_every_node_within_a_second(place: str) -> None:
    """Warm caches everywhere: the other node has just used it, on every road."""

    async def scene(worlds: Sequence[World]) -> None:
        one, other = worlds
        browser = other.browser()
        got = await tokens(other, browser)
        sent = await other.browser().get(authorization(), cross_site=True)
        assert asked(sent)
        await one.apply(without(enabled=False))
        one.clock.advance(FRESH)  # so long may a node not have heard of it
        silent = await browser.get(authorization(prompt="none", connection=None), cross_site=True)
        assert "code" not in parameters(location(silent))
        answer = await browser.get(authorization(), cross_site=True)
        assert await error_code(other, answer) == ("invalid_request", "connection.disabled")
        assert await page_code(other, await other.tile(other.browser()), 403) == "connection.disabled"
        assert await refreshing(other, got["refresh_token"]) == (400, "invalid_grant", "oidc.grant_connection")
        assert (await userinfo(other, got["access_token"])).status_code == 401

    play_nodes(scene, place)


def test_b20_a_disabled_application_is_disabled_on_every_node_within_a_second(place: str) -> None:
    async def scene(worlds: Sequence[World]) -> None:
        one, other = worlds
        code, got = await sign_in(other), await tokens(other)
        document = without(idp_initiated={})
        document["applications"][0]["enabled"] = False
        await one.apply(document)
        one.clock.advance(FRESH)  # so long may a node not have heard of it
        assert await redeeming(other, code) == (401, "invalid_client", "oidc.client_unknown")
        assert await refreshing(other, got["refresh_token"]) == (401, "invalid_client", "oidc.client_unknown")
        page = await other.browser().get(authorization(), cross_site=True)
        assert await page_code(other, page) == "application.disabled"

    play_nodes(scene, place)


def test_b20_a_redirect_uri_that_was_taken_away_is_refused_by_every_node_within_a_second(place: str) -> None:
    async def scene(worlds: Sequence[World]) -> None:
        one, other = worlds
        browser = other.browser()
        sent = await browser.get(authorization(), cross_site=True)
        landed = location(await other.answer(browser, sent))
        document = configuration()
        document["applications"][0]["redirect_uris"] = [f"{CRM}/direct"]
        await one.apply(document)
        one.clock.advance(FRESH)  # so long may a node not have heard of it
        assert await page_code(other, await browser.get(landed, cross_site=True)) == "oidc.redirect_uri_unregistered"
        page = await other.browser().get(authorization(), cross_site=True)
        assert await page_code(other, page) == "oidc.redirect_uri_unregistered"

    play_nodes(scene, place)


def test_b20_a_secret_that_was_changed_is_refused_by_every_node_within_a_second(place: str) -> None:
    async def scene(worlds: Sequence[World]) -> None:
        one, other = worlds
        code = await sign_in(other)
        document = configuration()
        document["applications"][0]["client_secret"] = "another-secret-another-secret-12"
        await one.apply(document)
        one.clock.advance(FRESH)  # so long may a node not have heard of it
        assert await redeeming(other, code) == (401, "invalid_client", "oidc.client_secret")

    play_nodes(scene, place)


def test_b20_an_identity_providers_key_that_was_taken_away_is_believed_by_no_node_after_a_second(
    place: str,
) -> None:
    async def scene(worlds: Sequence[World]) -> None:
        one, other = worlds
        assert await sign_in(other)
        document = configuration()
        document["connections"][0]["idp"]["certificates"] = [idp_certificate("other")]
        await one.apply(document)
        one.clock.advance(FRESH)  # so long may a node not have heard of it
        browser = other.browser()
        sent = await browser.get(authorization(), cross_site=True)
        assert await page_code(other, await other.answer(browser, sent)) == "xml.signature_value"

    play_nodes(scene, place)


def test_b20_a_key_of_ours_that_was_rotated_or_retired_is_known_to_every_node_within_thirty_seconds(
    place: str,
) -> None:
    """What a node keeps in memory is stale for a bounded time, and the next key is published a day ahead."""

    async def scene(worlds: Sequence[World]) -> None:
        one, other = worlds
        await other.browser().get("/.well-known/jwks.json")
        before = {key["kid"] for key in await other.house.keyring.published()}
        fresh = await one.house.keyring.rotate(KeyPurpose.TOKEN_RS256, delay=timedelta(0))
        (old,) = before - {key["kid"] for key in await one.house.keyring.published() if key["alg"] == "ES256"}
        one.clock.advance(FRESH_FOR)
        assert fresh.kid in {key["kid"] for key in await other.house.keyring.published()}
        one.clock.set(fresh.signs_from + HANDED_OVER)
        assert old in {key["kid"] for key in await other.house.keyring.published()}
        one.clock.advance(1)
        await one.house.keyring.retire(old)
        one.clock.advance(FRESH_FOR - timedelta(seconds=1))
        seen = (await other.browser().get("/.well-known/jwks.json")).json()["keys"]
        assert fresh.kid in {key["kid"] for key in seen}
        assert old not in {key["kid"] for key in seen}
        signed = (await other.redeem(await sign_in(other))).json()["id_token"]
        assert jwt.read(signed, [key for key in seen if key["kid"] == fresh.kid])

    play_nodes(scene, place)


def test_b20_a_person_who_is_blocked_is_blocked_on_every_node_at_once(place: str) -> None:
    async def scene(worlds: Sequence[World]) -> None:
        one, other = worlds
        browser = other.browser()
        got = await tokens(other, browser)
        person = (await userinfo(other, got["access_token"])).json()["sub"]
        await one.house.store.people.block(person, blocked=True)
        assert await refreshing(other, got["refresh_token"]) == (400, "invalid_grant", "oidc.grant_person")
        silent = await browser.get(authorization(prompt="none"), cross_site=True)
        assert parameters(location(silent))["error"] == "login_required"

    play_nodes(scene, place)


def test_b20_a_login_may_take_each_of_its_hops_at_another_node(place: str) -> None:
    """Nodes share nothing but the database: no hop asks for the one that served the last."""

    async def scene(worlds: Sequence[World]) -> None:
        hops = [world.browser() for world in worlds]
        sent = await hops[0].get(authorization(scope="openid offline_access"), cross_site=True)
        hops[1].jar = dict(hops[0].jar)
        landed = location(await worlds[1].answer(hops[1], sent))
        hops[2].jar = dict(hops[1].jar)
        code = code_of(await hops[2].get(landed, cross_site=True))
        first = (await worlds[0].redeem(code)).json()
        second = await refreshed(worlds[1], first["refresh_token"])
        assert (await userinfo(worlds[2], second["access_token"])).status_code == 200

    play_nodes(scene, place, count=3)
