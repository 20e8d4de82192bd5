"""What the assertion consumer service refuses, to whom it says so, and what the operator finds under the reference."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.builders_saml import idp_key
from tests.wire.world import (
    ADA,
    CRM,
    IDP,
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

from vestibule.model.ids import ClientId, Reference


async def code_behind(world: World, reference: str) -> str | None:
    """The refusal's code, as the operator finds it under the reference number."""
    events = await world.house.store.events.by_reference(Reference(reference))
    return next(event.code for event in events if event.kind == "login.refused")


async def start(world: World, **changes: Any) -> Any:
    browser = world.browser()
    return browser, await browser.get(authorization(), cross_site=True)


def test_an_answer_that_was_used_already_says_so() -> None:
    async def scene(world: World) -> None:
        browser, sent = await start(world)
        await world.answer(browser, sent)
        page = await world.answer(browser, sent)
        assert await code_behind(world, refused(page, 400)) == "login.expired_or_used"

    play(scene)


def test_an_answer_that_comes_too_late_says_so_for_a_day_and_then_is_unknown() -> None:
    async def scene(world: World) -> None:
        browser, sent = await start(world)
        world.clock.advance(timedelta(minutes=60))
        page = await world.answer(browser, sent)
        assert await code_behind(world, refused(page, 400)) == "login.expired_or_used"
        world.clock.advance(timedelta(hours=24))
        page = await world.answer(browser, sent)
        assert await code_behind(world, refused(page, 400)) == "login.unknown_request"

    play(scene)


def test_an_answer_one_second_before_the_end_is_in_time() -> None:
    async def scene(world: World) -> None:
        browser, sent = await start(world)
        world.clock.advance(timedelta(minutes=59, seconds=59))
        assert location(await world.answer(browser, sent))

    play(scene)


def test_an_answer_in_another_browser_says_so() -> None:
    async def scene(world: World) -> None:
        _, sent = await start(world)
        page = await world.answer(world.browser(), sent)
        assert await code_behind(world, refused(page, 400)) == "login.other_browser"

    play(scene)


def test_an_answer_on_another_host_name_says_so() -> None:
    async def scene(world: World) -> None:
        _, sent = await start(world)
        page = await world.answer(world.browser("https://old-name.example/"), sent)
        assert await code_behind(world, refused(page, 400)) == "login.other_host"

    play(scene)


def test_an_answer_to_no_request_of_ours_is_refused_and_never_degraded_to_unsolicited() -> None:
    async def scene(world: World) -> None:
        page = await world.tile(world.browser(), in_response_to="_somebody-elses")
        assert await code_behind(world, refused(page, 400)) == "login.unknown_request"

    play(scene)


def test_a_dummy_in_response_to_becomes_a_restart_where_the_connection_says_so() -> None:
    """The quirk; even a connection that accepts goes through restart then."""

    async def scene(world: World) -> None:
        browser = world.browser()
        rung = location(await world.tile(browser, in_response_to="_dummy"))
        assert location(await browser.get(rung, cross_site=True)).startswith(f"{CRM}/login?")
        sent = await browser.get(authorization(), cross_site=True)
        assert asked(sent)
        page = await world.answer(world.browser(), sent)
        assert await code_behind(world, refused(page, 400)) == "login.other_browser"

    document = configuration(unsolicited="accept", accept_login_csrf_risk=True)
    document["connections"][0]["ignore_unknown_in_response_to"] = True
    play(scene, document)


def test_an_empty_in_response_to_counts_as_absent() -> None:
    async def scene(world: World) -> None:
        assert location(await world.tile(world.browser(), in_response_to=""))

    play(scene)


def test_an_assertion_is_good_once() -> None:
    async def scene(world: World) -> None:
        form = {"SAMLResponse": world.saml_response()}
        for browser, expected in ((world.browser(), None), (world.browser(), "saml.replayed")):
            page = await browser.post("/login/callback?connection=acme", form, cross_site=True)
            if expected is None:
                assert location(page)
            else:
                assert await code_behind(world, refused(page, 400)) == expected
                assert not browser.jar

    play(scene)


def test_unsolicited_is_refused_where_it_is_off_and_the_audit_says_so() -> None:
    async def scene(world: World) -> None:
        page = await world.tile(world.browser())
        assert await code_behind(world, refused(page, 403)) == "idp_initiated.disabled"

    play(scene, configuration(enabled=False))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key": idp_key("other")}, "xml.signature_value"),
        ({"sign": "none"}, "saml.unsigned"),
        ({"audience": "https://other.example/"}, "saml.audience"),
        ({"recipient": f"{ISSUER}login/callback?connection=other"}, "saml.recipient"),
        ({"issuer": "https://other-idp.example/"}, "saml.response_issuer"),
    ],
)
def test_a_response_that_breaks_a_rule_is_refused_under_the_rules_code(changes: dict[str, Any], code: str) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        found = await code_behind(world, refused(await world.tile(browser, **changes), 400))
        assert found is not None
        assert found.startswith(code), found
        assert not browser.jar

    play(scene)


def test_a_disabled_connection_is_refused_at_once_and_when_the_login_is_finished() -> None:
    async def scene(world: World) -> None:
        browser, sent = await start(world)
        landed = location(await world.answer(browser, sent))
        document = configuration()
        document["connections"][0]["enabled"] = False
        await world.apply(document)
        page = await browser.get(landed, cross_site=True)
        assert await code_behind(world, refused(page, 403)) == "connection.disabled"
        page = await world.tile(world.browser())
        assert await code_behind(world, refused(page, 403)) == "connection.disabled"

    play(scene)


def test_a_response_to_another_connections_request_is_refused() -> None:
    """The request went to one identity provider, another one answers it."""

    async def scene(world: World) -> None:
        browser, sent = await start(world)
        form = {
            "SAMLResponse": world.saml_response(
                connection="globex", issuer="https://idp.globex.example/saml", in_response_to=asked(sent).id
            )
        }
        page = await browser.post("/login/callback?connection=globex", form, cross_site=True)
        assert await code_behind(world, refused(page, 400)) == "login.other_connection"

    document = configuration()
    acme = document["connections"][0]
    globex = {
        **acme,
        "name": "globex",
        "id": "con_globex",
        "domains": [],
        "idp": {**acme["idp"], "entity_id": "https://idp.globex.example/saml"},
    }
    document["connections"].append(globex)
    play(scene, document)


def test_three_restarts_in_a_minute_are_a_loop_and_an_ordinary_login_is_offered() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        for _ in range(2):
            world.clock.advance(1)
            rung = location(await world.tile(browser))
            assert location(await browser.get(rung, cross_site=True)).startswith(f"{CRM}/login?")
            assert asked(await browser.get(authorization(), cross_site=True))
        world.clock.advance(1)
        page = await browser.get(location(await world.tile(browser)), cross_site=True)
        assert page.status_code == 200
        assert "again=1" in page.text
        world.clock.advance(61)
        rung = location(await world.tile(browser))
        assert location(await browser.get(rung, cross_site=True)).startswith(f"{CRM}/login?")

    play(scene)


def test_a_solicited_answer_resets_the_loop_guard() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        for _ in range(4):
            rung = location(await world.tile(browser))
            assert location(await browser.get(rung, cross_site=True)).startswith(f"{CRM}/login?")
            sent = await browser.get(authorization(), cross_site=True)
            landed = location(await world.answer(browser, sent))
            assert code_of(await browser.get(landed, cross_site=True))

    play(scene)


def test_an_expired_arrival_goes_on_as_an_ordinary_login() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        location(await world.tile(browser))
        world.clock.advance(121)
        assert asked(await browser.get(authorization(prompt="login"), cross_site=True)).force_authn

    play(scene, configuration(unsolicited="accept", accept_login_csrf_risk=True))


def test_a_person_who_is_not_provisioned_is_refused_in_plain_words() -> None:
    async def scene(world: World) -> None:
        browser, sent = await start(world)
        page = await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        assert await code_behind(world, refused(page, 403)) == "person.not_provisioned"

    document = configuration()
    document["connections"][0]["provision"] = False
    play(scene, document)


def test_a_forced_login_that_was_not_fresh_is_login_required_for_the_application() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(prompt="login"), cross_site=True)
        stale = world.clock.now() - timedelta(seconds=61)
        landed = location(await world.answer(browser, sent, authn_instant=stale))
        got = parameters(location(await browser.get(landed, cross_site=True)))
        assert (got["error"], got["state"]) == ("login_required", "the-state")

    play(scene)


def test_max_age_asks_again_with_force_authn_only_when_the_answer_is_too_old() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(max_age="600"), cross_site=True)
        assert not asked(sent).force_authn
        old = world.clock.now() - timedelta(seconds=661)
        landed = location(await world.answer(browser, sent, authn_instant=old))
        again = await browser.get(landed, cross_site=True)
        assert asked(again).force_authn
        landed = location(await world.answer(browser, again, authn_instant=world.clock.now()))
        assert code_of(await browser.get(landed, cross_site=True))

    play(scene)


def test_relay_state_routes_reach_their_application_and_unknown_ones_the_default() -> None:
    async def scene(world: World) -> None:
        for relay_state, where in ((None, "crm"), ("board", "board"), ("nonsense", "crm"), ("x" * 5000, "crm")):
            browser = world.browser()
            landed = location(await world.tile(browser, relay_state=relay_state))
            assert location(await browser.get(landed, cross_site=True)).startswith(f"https://{where}.example/")

    play(scene, configuration(routes={"board": {"application": "board"}}))


def test_an_unknown_relay_state_can_be_refused() -> None:
    async def scene(world: World) -> None:
        page = await world.tile(world.browser(), relay_state="nonsense")
        assert await code_behind(world, refused(page, 400)) == "idp_initiated.unknown_relay_state"

    play(scene, configuration(routes={"board": {"application": "board"}}, unknown_relay_state="refuse"))


def test_a_deep_link_is_followed_inside_the_prefixes_only() -> None:
    async def scene(world: World) -> None:
        for link, kept in (
            (f"{CRM}/app/orders/7", True),
            ("https://evil.example/app/", False),
            (f"{CRM}/other", False),
        ):
            browser = world.browser()
            landed = location(await world.tile(browser, relay_state=link))
            told = parameters(location(await browser.get(landed, cross_site=True)))
            assert told.get("target_link_uri") == (link if kept else None)

    play(scene, configuration(relay_state="target_link_uri"))


def test_the_trace_holds_every_rule_for_a_success_and_no_attribute_value() -> None:
    async def scene(world: World) -> None:
        browser, sent = await start(world)
        await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        answered = next(e for e in await world.house.store.events.latest(limit=50) if e.kind == "login.answered")
        assert len(answered.trace) > 15
        assert {finding.verdict for finding in answered.trace} <= {"pass", "note"}
        assert ADA not in repr(answered.trace)
        both = await world.house.store.events.by_reference(answered.reference)
        assert {"login.answered", "login.succeeded"} <= {event.kind for event in both}

    play(scene)


def test_a_tile_without_saml_leads_to_the_application_and_refuses_a_foreign_connection() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        url = location(
            await browser.get("/launch/crm?connection=acme&target_link_uri=https%3A%2F%2Fcrm.example%2Fapp%2Fx")
        )
        told = parameters(url)
        assert url.startswith(f"{CRM}/login?")
        assert told["target_link_uri"] == f"{CRM}/app/x"
        assert told["login_hint"] == "connection:acme"
        refused(await browser.get("/launch/crm?connection=nobody"), 404)
        refused(await browser.get("/launch/crm"), 400)
        refused(await browser.get("/launch/nothing?connection=acme"), 400)

    play(scene)


def test_get_requests_under_another_host_are_sent_to_the_issuer_first() -> None:
    async def scene(world: World) -> None:
        stray = world.browser("https://old-name.example/")
        sent = await stray.get(authorization())
        assert location(sent).startswith(f"{ISSUER}authorize?client_id=crm")

    play(scene)


def test_our_metadata_names_the_three_addresses_and_the_signing_certificate() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        one = await browser.get("/samlp/metadata?connection=acme")
        other = await browser.get("/saml/metadata/acme")
        assert one.text == other.text
        assert one.headers["content-type"].startswith("application/samlmetadata+xml")
        assert f'entityID="{ISSUER}saml/metadata/acme"' in one.text
        assert "X509Certificate" in one.text
        assert "PRIVATE" not in one.text
        for path in ("login/callback?connection=acme", "saml/acs/acme", "api/authn/single-sign-on/saml/con_acme"):
            assert f'Location="{ISSUER}{path}"' in one.text
        refused(await browser.get("/saml/metadata/nobody"), 404)

    play(scene)


def test_the_issuer_of_the_idp_is_compared_byte_for_byte() -> None:
    async def scene(world: World) -> None:
        page = await world.tile(world.browser(), issuer=IDP + "/")
        assert await code_behind(world, refused(page, 400)) == "saml.response_issuer"

    play(scene)


def test_a_route_to_an_application_that_is_not_there_is_refused() -> None:
    """Saving refuses it; a database that was changed behind our back is judged all the same."""

    async def scene(world: World) -> None:
        configured = world.house.store.configured
        connection = await configured.connection("acme")
        assert connection is not None
        policy = replace(connection.idp_initiated, default_application=ClientId("gone"))
        await configured.apply(
            installation=await configured.installation(),
            applications=[],
            connections=[replace(connection, idp_initiated=policy)],
        )
        browser = world.browser()
        assert await code_behind(world, refused(await world.tile(browser), 400)) == "application.unknown"
        assert not browser.jar

    play(scene)
