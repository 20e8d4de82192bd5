"""`vestibule test`: all of the road in the operator's browser, and nobody is signed in."""

from tests.wire.world import ADA, World, asked, configuration, location, play, refused


def test_a_solicited_test_sign_in_shows_the_claims_and_signs_nobody_in() -> None:
    async def scene(world: World) -> None:
        invitation = await world.house.rehearsing.invite("acme", idp_initiated=False)
        browser = world.browser()
        path = "/" + invitation.link.partition("example/")[2]
        sent = await browser.get(path)
        done = await world.answer(browser, sent)
        assert done.status_code == 200
        result = await world.house.rehearsing.result(invitation.id)
        assert result is not None
        assert (result.refused, result.claims["email"]) == (None, ADA)
        assert (result.claims["connection"], result.claims["connection_id"]) == ("acme", "con_acme")
        assert result.claims["email_verified"] == "true"
        rules = [finding.rule for finding in result.trace]
        assert rules[0] == "saml.signature"
        assert {"saml.classified", "saml.instants"} <= set(rules)
        assert len(result.trace) > 15
        assert not browser.names("__Host-vst-sid")
        assert await world.kinds() == [
            "configuration.domain_verified",
            "configuration.applied",
            "rehearsal.passed",
        ] or ("login.succeeded" not in await world.kinds())
        refused(await browser.get(path), 400)

    play(scene)


def test_an_idp_initiated_test_works_before_it_is_switched_on_and_only_in_its_own_browser() -> None:
    async def scene(world: World) -> None:
        invitation = await world.house.rehearsing.invite("acme", idp_initiated=True)
        browser = world.browser()
        assert (await browser.get("/" + invitation.link.partition("example/")[2])).status_code == 200
        refused(await world.tile(world.browser()), 403)
        assert await world.house.rehearsing.result(invitation.id) is None
        assert (await world.tile(browser)).status_code == 200
        result = await world.house.rehearsing.result(invitation.id)
        assert result is not None
        assert result.refused is None

    play(scene, configuration(enabled=False))


def test_a_refused_test_sign_in_tells_the_operator_which_rule() -> None:
    async def scene(world: World) -> None:
        invitation = await world.house.rehearsing.invite("acme", idp_initiated=False)
        browser = world.browser()
        sent = await browser.get("/" + invitation.link.partition("example/")[2])
        refused(await world.answer(browser, sent, audience="https://other.example/"), 400)
        result = await world.house.rehearsing.result(invitation.id)
        assert result is not None
        assert result.refused is not None
        assert result.refused.startswith("saml.audience:")
        assert any(finding.verdict == "fail" for finding in result.trace)

    play(scene)


def test_a_test_sign_in_ends_after_ten_minutes() -> None:
    async def scene(world: World) -> None:
        invitation = await world.house.rehearsing.invite("acme", idp_initiated=False)
        world.clock.advance(601)
        refused(await world.browser().get("/" + invitation.link.partition("example/")[2]), 400)

    play(scene)


def test_an_answer_to_a_test_sign_in_is_good_once() -> None:
    async def scene(world: World) -> None:
        invitation = await world.house.rehearsing.invite("acme", idp_initiated=False)
        browser = world.browser()
        sent = await browser.get("/" + invitation.link.partition("example/")[2])
        assert asked(sent)
        assert (await world.answer(browser, sent)).status_code == 200
        refused(await world.answer(browser, sent), 400)
        assert location(await world.tile(browser))

    play(scene)
