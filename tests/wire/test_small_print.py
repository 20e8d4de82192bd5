"""Smaller promises, each once: ids, cookies, ends of arrivals, and a store that cannot answer."""

from datetime import timedelta
from typing import Any

import pytest
from lxml import etree
from tests.wire.world import (
    ADA,
    CRM,
    ISSUER,
    World,
    asked,
    authorization,
    code_of,
    configuration,
    location,
    parameters,
    play,
    refused,
)

from vestibule.saml import bindings
from vestibule.store.port import StoreUnavailable

ACCEPT: dict[str, Any] = {"unsolicited": "accept", "accept_login_csrf_risk": True}


async def unavailable(*_: object, **__: object) -> Any:
    raise StoreUnavailable("the disk is full")


def test_a_request_has_a_random_id_a_short_relay_state_and_a_subject_without_confirmation() -> None:
    async def scene(world: World) -> None:
        ids = set()
        for _ in range(20):
            sent = await world.browser().get(authorization(login_hint=ADA), cross_site=True)
            got = parameters(location(sent))
            root = etree.fromstring(bindings.decode_redirect(got["SAMLRequest"]))
            ids.add(root.get("ID"))
            assert len(root.get("ID")) == 41
            assert len(got["RelayState"].encode()) <= 80
            assert root.find(".//{*}Subject/{*}NameID").text == ADA
            assert root.find(".//{*}SubjectConfirmation") is None
        assert len(ids) == 20

    play(scene)


def test_if_the_store_cannot_say_whether_an_assertion_was_used_it_is_refused() -> None:
    async def scene(world: World) -> None:
        world.house.store.assertions.claim = unavailable  # type: ignore[method-assign]
        browser = world.browser()
        refused(await world.tile(browser), 503)
        assert not browser.jar

    play(scene)


def test_a_store_that_cannot_answer_is_temporarily_unavailable_for_the_application() -> None:
    async def scene(world: World) -> None:
        world.house.store.keep = unavailable  # type: ignore[method-assign]
        url = location(await world.browser().get(authorization(), cross_site=True))
        assert parameters(url)["error"] == "temporarily_unavailable"
        assert (await world.browser().get("/healthz")).status_code == 200

    play(scene)


def test_readyz_says_no_when_a_login_could_not_be_finished() -> None:
    async def scene(world: World) -> None:
        assert (await world.browser().get("/readyz")).status_code == 200
        world.house.store.ready = unavailable  # type: ignore[method-assign]
        assert (await world.browser().get("/readyz")).status_code == 503

    play(scene)


def test_an_arrival_answers_only_its_own_application_and_others_go_on_as_ordinary_logins() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        location(await world.tile(browser))
        other = authorization("board", code_challenge="a" * 43, code_challenge_method="S256")
        assert asked(await browser.get(other, cross_site=True))
        assert code_of(await browser.get(authorization(), cross_site=True))

    play(scene, configuration(**ACCEPT))


def test_an_arrival_never_ends_later_than_its_response() -> None:
    """`arrival_ttl` is 600 s, but the response is good for 30 s and a minute of skew."""

    async def scene(world: World) -> None:
        browser = world.browser()
        location(await world.tile(browser, not_on_or_after=world.clock.now() + timedelta(seconds=30)))
        world.clock.advance(89)
        assert code_of(await browser.get(authorization(), cross_site=True))
        world.clock.advance(1)
        assert asked(await browser.get(authorization(), cross_site=True))

    play(scene, configuration(**ACCEPT, arrival_ttl=600))


def test_max_age_is_held_against_an_arrival_that_is_believed() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        location(await world.tile(browser, authn_instant=world.clock.now() - timedelta(minutes=10)))
        assert code_of(await browser.get(authorization(max_age="600"), cross_site=True))
        assert asked(await browser.get(authorization(max_age="60"), cross_site=True)).force_authn

    play(scene, configuration(**ACCEPT))


def test_a_login_hint_of_another_person_is_not_answered_by_the_session() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        assert code_of(await browser.get(authorization(prompt="none", login_hint=ADA.upper()), cross_site=True))
        other = await browser.get(authorization(prompt="none", login_hint="bob@acme.example"), cross_site=True)
        assert parameters(location(other))["error"] == "login_required"

    play(scene)


def test_cookies_are_http_only_secure_and_of_this_host_alone() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        lines = []
        rung = await world.tile(browser)
        lines += rung.headers.get_list("set-cookie")
        await browser.get(location(rung), cross_site=True)
        sent = await browser.get(authorization(), cross_site=True)
        lines += sent.headers.get_list("set-cookie")
        done = await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        lines += done.headers.get_list("set-cookie")
        names = {line.partition("=")[0].rstrip("0123456789") for line in lines}
        assert names == {"__Host-vst-arrival-", "__Host-vst-login-", "__Host-vst-sid", "__Host-vst-seen"}
        for line in lines:
            assert "; Path=/" in line
            assert "; Secure" in line
            assert "; HttpOnly" in line
            assert "Domain" not in line
            same_site = "None" if "vst-login" in line and "Max-Age=0" not in line else "Lax"
            assert f"SameSite={same_site}" in line

    play(scene)


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_cors_is_not_offered_where_people_go(method: str) -> None:
    async def scene(world: World) -> None:
        for path in (authorization(), "/login/continue?login=x", "/oidc/logout"):
            answer = await world.browser()._send(method, path, cross_site=True, headers={"origin": CRM})
            assert "access-control-allow-origin" not in answer.headers

    play(scene)


def test_the_login_cookie_lives_as_long_as_the_login() -> None:
    async def scene(world: World) -> None:
        sent = await world.browser().get(authorization(), cross_site=True)
        assert f"Max-Age={world.house.settings.login_ttl};" in sent.headers["set-cookie"]
        assert location(sent)
        assert world.house.issuer == ISSUER

    play(scene)
