"""The main road over HTTP: from the portal's tile, or the application's login, to tokens."""

import base64
import json
from typing import Any

import pytest
from tests.wire.world import (
    ADA,
    CRM,
    ISSUER,
    SPA,
    World,
    asked,
    authorization,
    code_of,
    configuration,
    fields,
    location,
    moved_to,
    parameters,
    play,
    words,
)

VERIFIER = "a-verifier-that-is-long-enough-for-the-law-0123456789"
CHALLENGE = "a-qOVK0LxJVoODr3sFvFm1XwIju7FPpvA6zLmEKixFM"


def claims_of(id_token: str) -> dict[str, Any]:
    body = id_token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def test_a_solicited_login_gives_tokens_that_name_the_connection() -> None:
    """The ordinary road: /authorize, AuthnRequest, answer, code, tokens, userinfo."""

    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        request = asked(sent)
        assert request.acs_url == f"{ISSUER}login/callback?connection=acme"
        assert not request.force_authn
        landed = location(await world.answer(browser, sent))
        assert landed.startswith(f"{ISSUER}login/continue?login=")
        answered = await browser.get(landed, cross_site=True)
        got = parameters(location(answered))
        assert (got["state"], got["iss"]) == ("the-state", ISSUER)
        tokens = (await world.redeem(got["code"])).json()
        claims = claims_of(tokens["id_token"])
        assert (claims["connection"], claims["connection_id"]) == ("acme", "con_acme")
        assert (claims["aud"], claims["nonce"], claims["iss"]) == ("crm", "the-nonce", ISSUER)
        assert (claims["email"], claims["email_verified"]) == (ADA, True)
        bearer = {"authorization": f"Bearer {tokens['access_token']}"}
        info = (await world.browser().get("/userinfo", **bearer)).json()
        assert info["sub"] == claims["sub"]
        assert browser.names("__Host-vst-sid")

    play(scene)


def test_a_tile_under_restart_with_client_delivery_asks_again_and_believes_only_the_answer() -> None:
    """The doorbell: the tile leads to the application, whose own request asks the identity provider anew."""

    async def scene(world: World) -> None:
        browser = world.browser()
        rung = location(await world.tile(browser))
        assert rung.startswith(f"{ISSUER}login/continue?arrival=")
        sent_to = location(await browser.get(rung, cross_site=True))
        assert sent_to.startswith(f"{CRM}/login?")
        told = parameters(sent_to)
        assert told["iss"] == ISSUER
        assert told["login_hint"] == "connection:acme"
        assert told["ssoConnectorId"] == "con_acme"
        hinted = authorization(connection=None, login_hint=told["login_hint"], prompt="login")
        sent = await browser.get(hinted, cross_site=True)
        assert not asked(sent).force_authn, "a live arrival satisfies prompt=login with a fresh answer"
        landed = location(await world.answer(browser, sent))
        code = code_of(await browser.get(landed, cross_site=True))
        assert (await world.redeem(code)).status_code == 200

    play(scene)


def test_a_tile_under_restart_with_direct_delivery_goes_upstream_at_once() -> None:
    """Vestibule makes the authorization request itself; the code arrives without a state."""

    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(location(await world.tile(browser)), cross_site=True)
        landed = location(await world.answer(browser, sent))
        answered = location(await browser.get(landed, cross_site=True))
        assert answered.startswith(f"{CRM}/direct?")
        got = parameters(answered)
        assert "state" not in got
        redeemed = await world.redeem(got["code"], redirect_uri=f"{CRM}/direct")
        assert "nonce" not in claims_of(redeemed.json()["id_token"])

    play(scene, direct())


def direct(**more: Any) -> dict[str, Any]:
    return configuration(
        delivery="direct",
        accept_application_login_csrf_risk=True,
        parameters={"redirect_uri": f"{CRM}/direct"},
        **more,
    )


def test_confirm_with_client_delivery_answers_the_request_from_the_arrival_after_a_click() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        page = await browser.get(location(await world.tile(browser)), cross_site=True)
        assert ADA in words(page)
        assert "Acme Corp" in words(page)
        assert "CRM" in words(page)
        clicked = await browser.post("/login/confirm", {**fields(page), "decision": "yes"})
        assert moved_to(clicked).startswith(f"{CRM}/login?")
        answered = await browser.get(authorization(prompt="login"), cross_site=True)
        assert (await world.redeem(code_of(answered))).status_code == 200
        assert browser.names("__Host-vst-sid"), "the person agreed, so a session is made"

    play(scene, configuration(unsolicited="confirm"))


def test_confirm_with_direct_delivery_sends_the_code_after_the_click() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        page = await browser.get(location(await world.tile(browser)), cross_site=True)
        clicked = await browser.post("/login/confirm", {**fields(page), "decision": "yes"})
        url = moved_to(clicked)
        assert url.startswith(f"{CRM}/direct?")
        assert (await world.redeem(parameters(url)["code"], redirect_uri=f"{CRM}/direct")).status_code == 200

    play(scene, direct(unsolicited="confirm"))


def test_accept_with_client_delivery_is_silent_and_makes_no_session() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent_to = location(await browser.get(location(await world.tile(browser)), cross_site=True))
        assert sent_to.startswith(f"{CRM}/login?")
        answered = await browser.get(authorization(prompt="login"), cross_site=True)
        assert (await world.redeem(code_of(answered))).status_code == 200
        assert not browser.names("__Host-vst-sid")

    play(scene, configuration(unsolicited="accept", accept_login_csrf_risk=True))


def test_accept_with_direct_delivery_answers_in_the_post_itself() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        code = code_of(await world.tile(browser), f"{CRM}/direct")
        assert (await world.redeem(code, redirect_uri=f"{CRM}/direct")).status_code == 200
        assert list(browser.jar) == ["__Host-vst-seen"], "no session, but another one in this browser asks from now on"

    play(scene, direct(unsolicited="accept", accept_login_csrf_risk=True))


def test_one_arrival_answers_two_requests_and_redeems_one() -> None:
    """React's StrictMode asks twice: both get a code, one of them is redeemed, the other is invalid_grant."""

    async def scene(world: World) -> None:
        browser = world.browser()
        await browser.get(location(await world.tile(browser)), cross_site=True)
        codes = [code_of(await browser.get(authorization(state=f"s{n}"), cross_site=True)) for n in range(2)]
        second = await world.redeem(codes[1])
        assert second.status_code == 200
        first = await world.redeem(codes[0])
        assert (first.status_code, first.json()["error"]) == (400, "invalid_grant")

    play(scene, configuration(unsolicited="accept", accept_login_csrf_risk=True))


def test_two_requests_from_one_doorbell_are_two_logins_of_which_either_may_finish() -> None:
    """Under restart the arrival is only a hint: it never fails a solicited login."""

    async def scene(world: World) -> None:
        browser = world.browser()
        await browser.get(location(await world.tile(browser)), cross_site=True)
        sent = [await browser.get(authorization(state=f"s{n}"), cross_site=True) for n in range(2)]
        for one in reversed(sent):
            landed = location(await world.answer(browser, one))
            assert (await world.redeem(code_of(await browser.get(landed, cross_site=True)))).status_code == 200

    play(scene)


def test_a_single_page_application_redeems_with_pkce() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        asked_for = authorization(
            "board",
            nonce=None,
            connection=None,
            direct_sign_in="sso:con_acme",
            code_challenge=CHALLENGE,
            code_challenge_method="S256",
        )
        sent = await browser.get(asked_for, cross_site=True)
        landed = location(await world.answer(browser, sent))
        code = code_of(await browser.get(landed, cross_site=True), f"{SPA}/callback")
        redeemed = await world.redeem(code, client="board", redirect_uri=f"{SPA}/callback", code_verifier=VERIFIER)
        assert redeemed.status_code == 200, redeemed.text

    play(scene)


def test_a_session_answers_the_next_request_without_the_identity_provider() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        assert code_of(await browser.get(authorization(prompt="none"), cross_site=True))
        forced = await browser.get(authorization(prompt="login"), cross_site=True)
        assert asked(forced).force_authn

    play(scene)


@pytest.mark.parametrize("style", ["callback", "path", "logto"])
def test_the_response_is_taken_under_its_three_paths(style: str) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        form = {"SAMLResponse": world.saml_response(style=style)}
        path = {
            "callback": "/login/callback?connection=acme",
            "path": "/saml/acs/acme",
            "logto": "/api/authn/single-sign-on/saml/con_acme",
        }[style]
        rung = await browser.post(path, form, origin="https://idp.acme.example", cross_site=True)
        assert location(rung).startswith(f"{ISSUER}login/continue?arrival=")

    play(scene)


@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_assertion_response_or_both_may_be_signed(sign: str) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        assert location(await world.tile(browser, sign=sign)).startswith(f"{ISSUER}login/continue?arrival=")

    play(scene)
