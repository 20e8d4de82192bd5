"""Where state changes between two hops: the policy, the person in the browser, the clock, the method of the request."""

from datetime import timedelta
from typing import Any

import pytest
from tests.wire.world import (
    ADA,
    CRM,
    ISSUER,
    MALLORY,
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
    refused,
    words,
)

from vestibule.model.ids import Reference

ACCEPT: dict[str, Any] = {"unsolicited": "accept", "accept_login_csrf_risk": True}
DIRECT: dict[str, Any] = {"delivery": "direct", "accept_application_login_csrf_risk": True}


@pytest.mark.parametrize("stricter", [{"enabled": False}, {"unsolicited": "restart"}, {"unsolicited": "confirm"}])
def test_an_arrival_is_not_believed_under_a_policy_that_became_stricter(stricter: dict[str, Any]) -> None:
    """What was let in under `accept` answers nothing once the operator has withdrawn it: an ordinary login follows."""

    async def scene(world: World) -> None:
        browser = world.browser()
        location(await world.tile(browser))
        await world.apply(configuration(**stricter))
        assert asked(await browser.get(authorization(prompt="login"), cross_site=True)).force_authn

    play(scene, configuration(**ACCEPT))


def test_a_yes_after_the_policy_was_withdrawn_issues_nothing() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        landed = location(await world.tile(browser))
        page = await browser.get(landed, cross_site=True)
        steered = await browser.get(authorization(), cross_site=True)
        await world.apply(configuration(enabled=False))
        refused(await browser.post("/login/confirm", {**fields(page), "decision": "yes"}), 403)
        refused(await browser.post("/login/confirm", {**fields(steered), "decision": "yes"}), 403)
        assert asked(await browser.get(authorization(), cross_site=True))

    play(scene, configuration(unsolicited="confirm"))


@pytest.mark.parametrize("policy", [{"unsolicited": "confirm"}, ACCEPT])
def test_an_expired_arrival_becomes_a_restart_with_its_guards(policy: dict[str, Any]) -> None:
    """The fresh answer names another person than the tile did: the person is asked, as under restart."""

    async def scene(world: World) -> None:
        browser = world.browser()
        landed = location(await world.tile(browser, MALLORY, origin="https://evil.example"))
        world.clock.advance(130)
        sent = await browser.get(landed, cross_site=True)
        question = await browser.get(location(await world.answer(browser, sent, ADA)), cross_site=True)
        assert ADA in words(question)
        assert not browser.names("__Host-vst-sid")

    play(scene, configuration(**policy, **DIRECT))


def test_expired_arrivals_count_in_the_loop_guard() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        seen = []
        for _ in range(4):
            landed = location(await world.tile(browser))
            world.clock.advance(11)
            seen.append((await browser.get(landed, cross_site=True)).status_code)
        assert seen == [303, 303, 200, 200]

    play(scene, configuration(unsolicited="confirm", arrival_ttl=10, **DIRECT))


def test_a_forced_second_round_still_asks_when_the_person_changes() -> None:
    """The bell rang for Ada, the first answer was Ada but stale, the forced one is Mallory."""

    async def scene(world: World) -> None:
        browser = world.browser()
        await browser.get(location(await world.tile(browser, ADA)), cross_site=True)
        sent = await browser.get(authorization(max_age="60"), cross_site=True)
        stale = world.clock.now() - timedelta(minutes=10)
        again = await browser.get(location(await world.answer(browser, sent, authn_instant=stale)), cross_site=True)
        assert asked(again).force_authn
        now = world.clock.now()
        answered = await world.answer(browser, again, MALLORY, authn_instant=now)
        assert MALLORY in words(await browser.get(location(answered), cross_site=True))

    play(scene)


def test_a_posted_authorization_request_is_sent_round_as_a_get_so_that_its_cookies_are_whole() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        form = parameters(authorization(prompt="none"))
        round_trip = location(await browser.post("/authorize", form, origin=CRM, cross_site=True))
        assert round_trip.startswith(f"{ISSUER}authorize?")
        assert code_of(await browser.get(round_trip, cross_site=True))

    play(scene)


def test_a_session_does_not_answer_after_somebody_else_was_let_in() -> None:
    """Ada's session; Mallory's tile under accept, agreed to: from then on Ada's session answers only after the question."""

    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        page = await browser.get(location(await world.tile(browser, MALLORY)), cross_site=True)
        moved_to(await browser.post("/login/confirm", {**fields(page), "decision": "yes"}))
        assert code_of(await browser.get(authorization(), cross_site=True))
        world.clock.advance(200)
        silent = parameters(location(await browser.get(authorization(prompt="none"), cross_site=True)))
        assert silent["error"] == "login_required"
        sent = await browser.get(authorization(), cross_site=True)
        question = await browser.get(location(await world.answer(browser, sent, ADA)), cross_site=True)
        assert ADA in words(question)

    play(scene, configuration(**ACCEPT))


def test_a_session_asks_too_after_a_direct_answer_for_somebody_else() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        assert code_of(await world.tile(browser, MALLORY))
        silent = parameters(location(await browser.get(authorization(prompt="none"), cross_site=True)))
        assert silent["error"] == "login_required"

    play(scene, configuration(**ACCEPT, **DIRECT))


def test_an_id_token_hint_of_somebody_else_is_not_answered() -> None:
    async def scene(world: World) -> None:
        hints = {}
        for who in (ADA, MALLORY):
            browser = world.browser()
            sent = await browser.get(authorization(), cross_site=True)
            landed = location(await world.answer(browser, sent, who))
            code = code_of(await browser.get(landed, cross_site=True))
            hints[who] = (browser, (await world.redeem(code)).json()["id_token"])
        browser, own = hints[ADA]
        assert code_of(await browser.get(authorization(prompt="none", id_token_hint=own), cross_site=True))
        for hint in (hints[MALLORY][1], "no-token", own[:-4] + "AAAA"):
            got = await browser.get(authorization(prompt="none", id_token_hint=hint), cross_site=True)
            assert parameters(location(got))["error"] == "login_required"

    play(scene)


def test_a_login_hint_of_another_connections_domain_goes_to_that_connection() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        answered = await world.answer(browser, sent, attributes={}, name_id="opaque-1")
        await browser.get(location(answered), cross_site=True)
        hinted = authorization(connection=None, login_hint="bob@globex.example", prompt="none")
        got = parameters(location(await browser.get(hinted, cross_site=True)))
        assert got["error"] == "login_required"

    document = configuration()
    globex = {
        **document["connections"][0],
        "name": "globex",
        "id": "con_globex",
        "domains": [{"name": "globex.example"}],
    }
    globex["idp"] = {**globex["idp"], "entity_id": "https://idp.globex.example/"}
    document["connections"].append(globex)
    play(scene, document)


def test_a_look_at_the_headers_finishes_no_login() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        landed = location(await world.answer(browser, sent))
        assert (await browser._send("HEAD", landed, cross_site=True, headers={})).status_code == 405
        assert code_of(await browser.get(landed, cross_site=True))

    play(scene)


def test_a_double_click_on_yes_signs_in_once_and_loses_nothing() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        page = await browser.get(location(await world.tile(browser)), cross_site=True)
        form = {**fields(page), "decision": "yes"}
        first, second = [parameters(moved_to(await browser.post("/login/confirm", form)))["code"] for _ in range(2)]
        assert (await world.redeem(second)).status_code == 200
        assert (await world.redeem(first)).json()["error"] == "invalid_grant"

    play(scene, configuration(unsolicited="confirm", **DIRECT))


def test_a_path_with_a_slash_too_many_is_never_redirected_to_the_requests_own_host() -> None:
    async def scene(world: World) -> None:
        browser = world.browser("https://evil.example/")
        for path in ("/oauth/token/", "/login/callback/?connection=acme"):
            answer = await browser.post(path, {"SAMLResponse": "AAAA"})
            assert answer.status_code == 404
            assert "location" not in answer.headers

    play(scene)


@pytest.mark.parametrize("field", ["code", "client_id", "refresh_token", "grant_type"])
def test_json_that_is_no_text_is_refused(field: str) -> None:
    async def scene(world: World) -> None:
        for text in (r"\ud800", r"\u0000"):
            body = (
                '{"grant_type":"authorization_code","client_id":"board","'
                + field
                + 'x":"","'
                + field
                + '":"'
                + text
                + '"}'
            )
            for path in ("/oauth/token", "/oauth/revoke", "/userinfo"):
                answer = await world.browser().post(path, body, **{"content-type": "application/json"})
                assert 400 <= answer.status_code < 500, (path, answer.text)

    play(scene)


def test_a_cookie_that_is_not_ours_is_never_echoed() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        browser.jar["__Host-vst-csrf"] = (r'"a\015\012X: y"', "strict")
        page = await browser.get("/oidc/logout")
        assert page.status_code == 200
        assert not any("\r" in value or "\n" in value for value in page.headers.values())

    play(scene)


def test_a_native_application_cannot_ask_for_a_form_post_to_its_own_scheme() -> None:
    async def scene(world: World) -> None:
        url = "com.example.app:/cb"
        wish = authorization("native", redirect_uri=url, response_mode="form_post", prompt="none")
        assert parameters(location(await world.browser().get(wish)))["error"] == "invalid_request"

    document = configuration()
    native = {"client_id": "native", "name": "Native", "type": "native", "redirect_uris": ["com.example.app:/cb"]}
    document["applications"].append(native)
    document["connections"][0]["applications"].append("native")
    play(scene, document)


def test_every_reference_on_a_page_leads_to_an_event() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        pages = [
            await browser.get(authorization(redirect_uri="https://evil.example/")),
            await browser.get(authorization(client_id="nobody")),
            await browser.get("/launch/crm?connection=nobody"),
            await browser.post("/login/callback", {"SAMLResponse": world.saml_response()}, cross_site=True),
            await browser.post("/login/confirm", {"arrival": "x", "decision": "yes"}, origin="https://evil.example"),
            await browser.post("/login/confirm", {"x": "1"}),
            await browser.get("/authorize?a=1&a=2"),
            await browser.get("/launch/crm?connection=acme&connection=b"),
            await browser.get("/login/continue"),
            await browser.get("/login/test/xx"),
            await browser.get("/samlp/metadata?connection=nope"),
        ]
        for page in pages:
            events = await world.house.store.events.by_reference(Reference(refused(page, page.status_code)))
            assert [event.kind for event in events] in (["login.refused"], ["request.refused"])

    play(scene)


def test_a_known_application_that_cannot_prove_itself_is_audited() -> None:
    async def scene(world: World) -> None:
        wrong = await world.browser().post(
            "/oauth/token",
            {"grant_type": "authorization_code", "code": "x", "client_id": "crm", "client_secret": "wrong"},
        )
        assert wrong.status_code == 401
        refusals = await world.house.store.events.latest(limit=10, kind="client.refused")
        assert [event.application for event in refusals] == ["crm"]

    play(scene)


def test_a_session_that_answers_is_an_event_too() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        await browser.get(authorization(prompt="none"), cross_site=True)
        how = [e.detail["how"] for e in await world.house.store.events.latest(limit=5) if e.kind == "login.succeeded"]
        assert how == ["session", "solicited"]

    play(scene)


def test_a_direct_request_that_the_endpoint_would_refuse_is_refused_when_it_is_saved() -> None:
    async def scene(world: World) -> None:
        for bad in ({"max_age": "soon"}, {"prompt": "none login"}, {"registration": "{}"}):
            with pytest.raises(Exception, match=r"connections\[0\].idp_initiated.parameters"):
                await world.apply(configuration(**DIRECT, parameters=bad))

    play(scene)


def test_a_post_from_the_only_sign_on_address_is_the_identity_providers_own() -> None:
    async def scene(world: World) -> None:
        assert code_of(await world.tile(world.browser()))

    document = configuration(**ACCEPT, **DIRECT)
    idp = document["connections"][0]["idp"]
    idp["sso_post_url"] = idp.pop("sso_url")
    play(scene, document)


def test_tokens_in_the_fragment_take_the_arrival_when_they_leave() -> None:
    """auth0-js's way: an implicit answer to a single-page application that allows it, without nonce, once."""

    async def scene(world: World) -> None:
        browser = world.browser()
        page = await browser.get(location(await world.tile(browser)), cross_site=True)
        form = {**fields(page), "decision": "yes"}
        got = moved_to(await browser.post("/login/confirm", form))
        assert got.startswith(f"{SPA}/callback#")
        assert {"access_token", "id_token", "iss"} <= set(parameters(got))
        assert "state" not in parameters(got)
        refused(await browser.post("/login/confirm", form), 400)

    document = configuration(unsolicited="confirm", **DIRECT, parameters={"response_type": "token id_token"})
    document["applications"][1]["allow_unsolicited_tokens"] = True
    document["connections"][0]["idp_initiated"]["default_application"] = "board"
    play(scene, document)
