"""What holds a login together between its hops: the browser, the request, the address, the moment, the order."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree
from tests.builders_saml import idp_key
from tests.wire.test_refusals import code_behind
from tests.wire.world import (
    CRM,
    MALLORY,
    World,
    asked,
    authorization,
    code_of,
    configuration,
    fields,
    location,
    moved_to,
    play,
    refused,
)

from vestibule.saml.names import saml
from vestibule.xml import signature


def test_a_fresh_answer_goes_on_only_in_the_browser_that_asked() -> None:
    """An attacker who stops at his own continue hop cannot hand it to somebody else."""

    async def scene(world: World) -> None:
        attacker, victim = world.browser(), world.browser()
        sent = await attacker.get(authorization(), cross_site=True)
        landed = location(await world.answer(attacker, sent, MALLORY))
        page = await victim.get(landed, cross_site=True)
        assert await code_behind(world, refused(page, 400)) == "login.expired_or_used"
        assert not victim.jar
        assert code_of(await attacker.get(landed, cross_site=True))

    play(scene)


def test_a_question_is_answered_only_in_the_browser_that_was_asked() -> None:
    async def scene(world: World) -> None:
        asked_one, other = world.browser(), world.browser()
        await asked_one.get(location(await world.tile(asked_one, MALLORY)), cross_site=True)
        sent = await asked_one.get(authorization(), cross_site=True)
        question = await asked_one.get(location(await world.answer(asked_one, sent)), cross_site=True)
        form = {**fields(question), "decision": "yes"}
        refused(await other.post("/login/confirm", form), 400)
        assert not other.jar
        assert moved_to(await asked_one.post("/login/confirm", form)).startswith(f"{CRM}/callback?code=")

    play(scene)


def test_the_issuer_that_was_asked_must_answer_whatever_is_configured_meanwhile() -> None:
    """The connection was pointed at another identity provider while the login was on its way."""

    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        document = configuration()
        document["connections"][0]["idp"]["entity_id"] = "https://new-idp.acme.example/"
        await world.apply(document)
        page = await world.answer(browser, sent, issuer="https://new-idp.acme.example/")
        assert await code_behind(world, refused(page, 400)) == "login.other_connection"

    play(scene)


def test_an_answer_must_come_to_the_address_that_was_asked_for() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        form = {"SAMLResponse": world.saml_response(style="path", in_response_to=asked(sent).id)}
        page = await browser.post("/saml/acs/acme", form, cross_site=True)
        assert await code_behind(world, refused(page, 400)) == "login.other_connection"

    play(scene)


def test_the_oldest_logins_go_and_the_newest_stay() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = []
        for _ in range(7):
            world.clock.advance(1)
            sent.append(await browser.get(authorization(), cross_site=True))
        for early in sent[:2]:
            page = await world.answer(browser, early)
            assert await code_behind(world, refused(page, 400)) == "login.other_browser"
        assert location(await world.answer(browser, sent[2]))
        assert location(await world.answer(browser, sent[6]))

    play(scene)


def test_a_bell_ends_at_the_first_success() -> None:
    """Then the session answers, and no further request is sent upstream for it."""

    async def scene(world: World) -> None:
        browser = world.browser()
        await browser.get(location(await world.tile(browser)), cross_site=True)
        sent = await browser.get(authorization(), cross_site=True)
        assert code_of(await browser.get(location(await world.answer(browser, sent)), cross_site=True))
        assert code_of(await browser.get(authorization(), cross_site=True))
        assert asked(await browser.get(authorization(prompt="login"), cross_site=True)).force_authn

    play(scene)


@pytest.mark.parametrize(
    ("early", "code"), [(timedelta(microseconds=1), None), (timedelta(0), "login.expired_or_used")]
)
def test_a_login_ends_at_its_end_and_not_before(early: timedelta, code: str | None) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        world.clock.advance(timedelta(minutes=60) - early)
        answered = await world.answer(browser, sent)
        if code is None:
            assert location(answered)
        else:
            assert await code_behind(world, refused(answered, 400)) == code

    play(scene)


def test_the_loop_page_has_a_reference_that_leads_to_its_event() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        page: Any = None
        for _ in range(3):
            world.clock.advance(1)
            page = await browser.get(location(await world.tile(browser)), cross_site=True)
            if page.status_code == 303:
                assert asked(await browser.get(authorization(), cross_site=True))
        refused(page, 200)
        assert (await world.kinds())[-1] == "login.loop"

    play(scene)


@pytest.mark.parametrize("email", ["ada@@acme.example", "@acme.example", "ada", "ädä@acme.example", ""])
def test_what_is_no_email_address_is_told_so_and_kept(email: str) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        page = await browser.get(authorization(connection=None), cross_site=True)
        again = await browser.post("/login/realm", {**fields(page), "email": email})
        assert "This is not an email address" in again.text
        assert f'value="{email}"' in again.text
        assert fields(again)["state"] == "the-state"

    document = configuration()
    second = {**document["connections"][0], "name": "globex", "id": "con_globex", "domains": []}
    second["idp"] = {**second["idp"], "entity_id": "https://idp.globex.example/"}
    document["connections"].append(second)
    play(scene, document)


@pytest.mark.parametrize("shape", [b'xmlns="urn:oasis:names:tc:SAML:2.0:protocol"'])
def test_a_response_in_the_default_namespace_is_read(shape: bytes) -> None:
    """ADFS and .NET write no prefix; signed as they write it."""

    async def scene(world: World) -> None:
        octets = base64.b64decode(world.saml_response(sign="none"))
        plain = octets.replace(b"samlp:", b"").replace(b"xmlns:samlp=", b"xmlns=")
        assert shape in plain
        root = etree.fromstring(plain)
        signature.sign(root.find(saml("Assertion")), key=idp_key(), after=saml("Issuer"))
        form = {"SAMLResponse": base64.b64encode(etree.tostring(root)).decode()}
        origin = "https://idp.acme.example"
        rung = await world.browser().post("/login/callback?connection=acme", form, origin=origin, cross_site=True)
        assert location(rung)

    play(scene)
