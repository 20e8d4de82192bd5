"""Rows of attack table S that take more than one document: who asked whom, in which browser, how often, and what is shown."""

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from lxml import etree
from tests.builders_saml import certificate_for, idp_certificate, idp_key
from tests.doubles import CountingEntropy, FixedClock
from tests.saml.test_trust import in_advice
from tests.wire.test_refusals import code_behind
from tests.wire.world import (
    ADA,
    IDP,
    ISSUER,
    MALLORY,
    WireBrowser,
    World,
    asked,
    authorization,
    code_of,
    configuration,
    location,
    play,
    refused,
)

from vestibule import assembly
from vestibule.keys.keyring import Keyring
from vestibule.model.ids import ClientId
from vestibule.saml.names import RESPONDER, samlp
from vestibule.settings.process import Settings
from vestibule.store.sqlite import SqliteStore
from vestibule.web.errors import status_of

ACS = "/login/callback?connection=acme"
GLOBEX = "https://idp.globex.example/saml"
PATHS = {"callback": ACS, "path": "/saml/acs/acme", "logto": "/api/authn/single-sign-on/saml/con_acme"}
SCRIPT = "<script>alert(1)</script>"
ACCEPT: dict[str, Any] = {"unsolicited": "accept", "accept_login_csrf_risk": True}


async def turned_away(world: World, browser: WireBrowser, page: httpx2.Response, status: int, code: str) -> None:
    """Refused with this status and this code: no cookie, no way on, and nothing of the message on the page."""
    assert await code_behind(world, refused(page, status)) == code
    assert "set-cookie" not in page.headers
    assert "location" not in page.headers
    assert not browser.names("__Host-vst-sid")
    for told in (ADA, MALLORY, IDP, GLOBEX, "saml:", "SAML", code):
        assert told not in page.text
    assert not {"login.answered", "login.arrived", "login.succeeded"} & set(await world.kinds())


def two_connections(*, same_key: bool = False) -> dict[str, Any]:
    """Beside acme a second customer, globex, whose identity provider has a key of its own."""
    document = configuration()
    acme = document["connections"][0]
    key = idp_certificate() if same_key else idp_certificate("globex")
    document["connections"].append(
        {
            **acme,
            "name": "globex",
            "id": "con_globex",
            "domains": [],
            "idp": {**acme["idp"], "entity_id": GLOBEX, "certificates": [key]},
        }
    )
    return document


async def started(world: World) -> tuple[WireBrowser, httpx2.Response]:
    browser = world.browser()
    return browser, await browser.get(authorization(), cross_site=True)


async def posted(browser: WireBrowser, value: str, *, path: str = ACS, **more: str) -> httpx2.Response:
    return await browser.post(path, {"SAMLResponse": value, **more}, origin="https://idp.acme.example", cross_site=True)


def changed(value: str, edit: Callable[[etree._Element], object]) -> str:
    """A message in base64, changed on its way."""
    root = etree.fromstring(base64.b64decode(value))
    edit(root)
    return base64.b64encode(etree.tostring(root)).decode()


# -- the answer to a request -----------------------------------------------------------------------------------------------


def test_s60_an_answer_names_its_request_in_the_signed_part_or_answers_nothing() -> None:
    """On the unsigned Response alone, on the signed Response alone, differing: refused; and the request stays open."""

    async def scene(world: World) -> None:
        browser, sent = await started(world)
        request = asked(sent).id

        def name_it(root: etree._Element) -> None:
            root.set("InResponseTo", request)

        for value in (world.saml_response(), world.saml_response(in_response_to="_other")):
            value = changed(value, name_it)
            await turned_away(world, browser, await posted(browser, value), 400, "saml.in_response_to")
        page = await posted(browser, world.saml_response(in_response_to="_other"))
        await turned_away(world, browser, page, 400, "login.unknown_request")
        assert location(await world.answer(browser, sent)).startswith(f"{ISSUER}login/continue?login=")

    play(scene)


@pytest.mark.parametrize("changes", [{}, {"in_response_to": ""}])
def test_s60_s62_without_in_response_to_it_is_unsolicited_even_while_a_request_is_open(changes: dict[str, Any]) -> None:
    """And so refused where unsolicited responses are off, under each of the three addresses."""

    async def scene(world: World) -> None:
        browser, sent = await started(world)
        for style, path in PATHS.items():
            page = await posted(browser, world.saml_response(style=style, **changes), path=path, RelayState="whatever")
            await turned_away(world, browser, page, 403, "idp_initiated.disabled")
        assert location(await world.answer(browser, sent))

    play(scene, configuration(enabled=False))


@pytest.mark.parametrize("enabled", [True, False])
def test_s62_an_unsolicited_response_that_names_a_request_is_refused(enabled: bool) -> None:
    """Whether unsolicited responses are on or off."""

    async def scene(world: World) -> None:
        browser = world.browser()
        page = await world.tile(browser, in_response_to="_never-asked")
        await turned_away(world, browser, page, 400, "login.unknown_request")

    play(scene, configuration(enabled=enabled))


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"connection": "globex", "issuer": GLOBEX, "key": "globex"}, "login.other_connection"),
        ({"connection": "globex", "issuer": IDP, "key": "globex"}, "saml.response_issuer"),
        ({"connection": "acme", "issuer": GLOBEX, "key": "globex"}, "xml.signature_value"),
        ({"connection": "acme", "issuer": IDP, "key": "globex"}, "xml.signature_value"),
    ],
)
def test_s61_another_identity_provider_answers_and_is_refused(how: dict[str, str], code: str) -> None:
    """At its own address or at the one that was asked, in its own name or another's; then the right answer still counts."""

    async def scene(world: World) -> None:
        browser, sent = await started(world)
        value = world.saml_response(
            MALLORY,
            connection=how["connection"],
            issuer=how["issuer"],
            key=idp_key(how["key"]),
            in_response_to=asked(sent).id,
        )
        page = await posted(browser, value, path=f"/login/callback?connection={how['connection']}")
        await turned_away(world, browser, page, 400, code)
        assert location(await world.answer(browser, sent))

    play(scene, two_connections())


def test_s61_one_provider_with_two_names_is_two() -> None:
    """Both connections pin the same key: the issuer's name tells them apart."""

    async def scene(world: World) -> None:
        browser, sent = await started(world)
        value = world.saml_response(MALLORY, issuer=GLOBEX, in_response_to=asked(sent).id)
        await turned_away(world, browser, await posted(browser, value), 400, "saml.response_issuer")

    play(scene, two_connections(same_key=True))


# -- what was switched off -------------------------------------------------------------------------------------------------


def switched_off(what: str) -> dict[str, Any]:
    document = configuration()
    if what == "connection":
        document["connections"][0]["enabled"] = False
    elif what == "application":
        document["applications"][0]["enabled"] = False
    else:
        document["connections"][0]["applications"] = ["board"]
        document["connections"][0]["idp_initiated"]["default_application"] = "board"
    return document


@pytest.mark.parametrize("style", PATHS)
@pytest.mark.parametrize("solicited", [True, False])
def test_s63_a_disabled_connection_takes_nothing_under_any_address(style: str, solicited: bool) -> None:
    """Neither the answer to a request that was sent while it was enabled, nor a tile."""

    async def scene(world: World) -> None:
        browser, sent = await started(world)
        await world.apply(switched_off("connection"))
        value = world.saml_response(style=style, in_response_to=asked(sent).id if solicited else None)
        await turned_away(world, browser, await posted(browser, value, path=PATHS[style]), 403, "connection.disabled")

    play(scene)


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("connection", "connection.disabled"),
        ("application", "application.disabled"),
        ("between", "connection.not_enabled_for_application"),
    ],
)
@pytest.mark.parametrize("solicited", [True, False])
def test_s63_what_is_disabled_between_two_hops_finishes_nothing(what: str, code: str, solicited: bool) -> None:
    """The response was accepted; what it was for has been switched off before the browser comes back."""

    async def scene(world: World) -> None:
        browser, sent = await started(world)
        landed = location(await (world.answer(browser, sent) if solicited else world.tile(browser)))
        await world.apply(switched_off(what))
        page = await browser.get(landed, cross_site=True)
        assert await code_behind(world, refused(page, status_of(code))) == code
        assert "location" not in page.headers
        assert not browser.names("__Host-vst-sid")
        assert "login.succeeded" not in await world.kinds()

    play(scene)


@pytest.mark.parametrize(
    ("what", "code"),
    [("application", "application.disabled"), ("between", "connection.not_enabled_for_application")],
)
def test_s63_nothing_that_is_disabled_is_answered_at_once(what: str, code: str) -> None:
    """`accept` with `direct` has no second hop: it is judged where the response is taken."""

    async def scene(world: World) -> None:
        configured = world.house.store.configured
        connection = await configured.connection("acme")
        application = await configured.application(ClientId("crm"))
        assert connection is not None
        assert application is not None
        if what == "application":
            changed_one = {"applications": [replace(application, enabled=False)], "connections": []}
        else:
            changed_one = {"applications": [], "connections": [replace(connection, applications=())]}
        await configured.apply(installation=await configured.installation(), **changed_one)
        browser = world.browser()
        await turned_away(world, browser, await world.tile(browser), status_of(code), code)

    play(scene, configuration(**ACCEPT, delivery="direct", accept_application_login_csrf_risk=True))


# -- once ------------------------------------------------------------------------------------------------------------------


def test_s69_a_replay_is_refused_in_any_browser_in_any_wrapping_and_to_the_last_moment() -> None:
    """The same octets, another Response around the same assertion, and both as late as the assertion could be used."""

    async def scene(world: World) -> None:
        value = world.saml_response()
        first = world.browser()
        assert location(await posted(first, value))
        jar = dict(first.jar)
        wrapped = changed(value, lambda root: root.set("ID", "_another-response"))
        for _ in range(2):
            for browser in (first, world.browser()):
                for octets in (value, wrapped):
                    page = await posted(browser, octets)
                    assert await code_behind(world, refused(page, 400)) == "saml.replayed"
                    assert "set-cookie" not in page.headers
            world.clock.advance(timedelta(minutes=6) - timedelta(microseconds=1))
            await world.house.store.sweep(now=world.clock.now())
        assert first.jar == jar
        world.clock.advance(timedelta(microseconds=1))
        page = await posted(first, value)
        assert await code_behind(world, refused(page, 400)) == "saml.not_on_or_after"

    play(scene)


@pytest.mark.parametrize("policy", [{}, {"unsolicited": "confirm"}, ACCEPT])
def test_s69_of_fifty_at_once_one_is_taken(policy: dict[str, Any]) -> None:
    async def scene(world: World) -> None:
        value = world.saml_response()
        browsers = [world.browser() for _ in range(50)]
        pages = await asyncio.gather(*(posted(browser, value) for browser in browsers))
        assert sorted(page.status_code for page in pages) == [303] + [400] * 49
        assert [kind for kind in await world.kinds() if kind == "login.arrived"] == ["login.arrived"]
        codes = [await code_behind(world, refused(page, 400)) for page in pages if page.status_code == 400]
        assert set(codes) == {"saml.replayed"}
        assert sum(bool(browser.jar) for browser in browsers) == 1

    play(scene, configuration(**policy))


def test_s69_of_fifty_answers_to_one_request_one_is_taken() -> None:
    """The same assertion, and fresh ones to the same request."""

    async def scene(world: World) -> None:
        browser, sent = await started(world)
        same = world.saml_response(in_response_to=asked(sent).id)
        fresh = [world.saml_response(in_response_to=asked(sent).id) for _ in range(25)]
        pages = await asyncio.gather(*(posted(browser, value) for value in (*fresh, *(same,) * 25)))
        assert sorted(page.status_code for page in pages) == [303] + [400] * 49
        codes = {await code_behind(world, refused(page, 400)) for page in pages if page.status_code == 400}
        assert codes <= {"login.expired_or_used", "saml.replayed"}
        assert (await world.kinds()).count("login.answered") == 1

    play(scene)


async def node(path: Path, clock: FixedClock, seed: str) -> World:
    """A node of the installation whose database this is."""
    store, entropy = SqliteStore(path), CountingEntropy(seed)
    await store.open()
    keyring = Keyring(store=store, clock=clock, entropy=entropy, master_key=b"\x07" * 32)
    await keyring.prepare()
    house = assembly.join(Settings(issuer=ISSUER), store=store, keyring=keyring, clock=clock, entropy=entropy)
    return World(house, assembly.build_app(house), clock, [])


def test_s69_another_node_and_a_restart_do_not_forget(tmp_path: Path) -> None:
    """Two nodes over one database; then both end, and a third begins."""

    async def whole() -> None:
        clock, path = FixedClock(), tmp_path / "vestibule.db"
        one, two = await node(path, clock, "one"), await node(path, clock, "two")
        await one.apply(configuration())
        value = one.saml_response()
        assert location(await posted(one.browser(), value))
        page = await posted(two.browser(), value)
        assert await code_behind(two, refused(page, 400)) == "saml.replayed"
        for world in (one, two):
            await world.house.store.close()
        three = await node(path, clock, "three")
        page = await posted(three.browser(), value)
        assert await code_behind(three, refused(page, 400)) == "saml.replayed"
        await three.house.store.close()

    asyncio.run(whole())


@pytest.mark.parametrize("skew", [0, 60, 300])
def test_s69_a_node_that_sweeps_with_a_clock_ahead_makes_no_assertion_good_again(skew: int) -> None:
    """To the last moment at which the others would take it, however much skew the connection allows."""
    document = configuration()
    document["connections"][0]["clock_skew"] = skew

    async def scene(world: World) -> None:
        began, value = world.clock.now(), world.saml_response()
        assert location(await posted(world.browser(), value))
        for left in (9, 5, 1):
            world.clock.set(began + timedelta(minutes=5, seconds=skew - left))
            await world.house.store.sweep(now=world.clock.now() + timedelta(minutes=5))
            page = await posted(world.browser(), value)
            assert await code_behind(world, refused(page, 400)) == "saml.replayed"

    play(scene, document)


# -- who it is -------------------------------------------------------------------------------------------------------------


async def subject(world: World, **changes: Any) -> str:
    """The `sub` that an application gets for whom the identity provider names so."""
    browser, sent = await started(world)
    landed = location(await world.answer(browser, sent, **changes))
    tokens = (await world.redeem(code_of(await browser.get(landed, cross_site=True)))).json()
    payload = tokens["id_token"].split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"])


def test_s72_s73_names_that_look_alike_are_different_people() -> None:
    """Case, white space, composition, another script, Format, qualifiers: each is somebody else, and the same again each time."""

    async def scene(world: World) -> None:
        variants: list[dict[str, Any]] = [
            *({"name_id": name} for name in (ADA, ADA.upper(), f" {ADA}", f"{ADA}\u200b", "\u0430" + ADA[1:])),
            *({"name_id": name} for name in ("andr\u00e9", "andre\u0301", "andre")),
            {"name_id_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"},
            {"name_qualifier": "x"},
            {"sp_name_qualifier": "x"},
        ]
        subjects = [await subject(world, **changes) for changes in variants]
        assert len(set(subjects)) == len(variants)
        assert [await subject(world, **changes) for changes in variants] == subjects

    play(scene)


def test_s70_a_refusal_of_the_identity_provider_has_its_own_words_and_not_the_providers() -> None:
    """The status is told to the operator; what the provider wrote beside it is told to nobody."""

    async def scene(world: World) -> None:
        def said_no(root: etree._Element) -> None:
            root.remove(root[-1])
            status = root.find(samlp("Status"))
            status[0].set("Value", RESPONDER)
            etree.SubElement(status, samlp("StatusMessage")).text = f"{SCRIPT} call 0800 EVIL"

        browser, sent = await started(world)
        value = changed(world.saml_response(in_response_to=asked(sent).id), said_no)
        page = await posted(browser, value)
        await turned_away(world, browser, page, 400, "saml.status")
        assert "Your company did not let you in" in page.text
        assert "0800" not in page.text
        assert "<script>alert" not in page.text

    play(scene)


async def signed_by(world: World) -> str:
    """What the latest trace says of the signature."""
    (event,) = await world.house.store.events.latest(limit=1)
    (finding,) = (finding for finding in event.trace if finding.rule == "saml.signature")
    return finding.got or ""


def test_s101_while_a_key_is_rolled_over_both_are_good_and_then_one() -> None:
    """Logins that are on their way finish under whichever key the identity provider has come to use; the trace says which."""

    async def scene(world: World) -> None:
        new = idp_key("new")
        document = configuration()
        certificates = document["connections"][0]["idp"]["certificates"]
        browser, sent = await started(world)
        page = await world.answer(browser, sent, key=new)
        assert await code_behind(world, refused(page, 400)) == "xml.signature_value"
        certificates.append(certificate_for(new))
        await world.apply(document)
        assert location(await world.answer(browser, sent, key=new))
        assert (await signed_by(world)).endswith("by certificate 2")
        assert location(await world.tile(world.browser(), key=new))
        assert location(await world.tile(world.browser()))
        assert (await signed_by(world)).endswith("by certificate 1")
        browser, sent = await started(world)
        del certificates[0]
        await world.apply(document)
        page = await world.answer(browser, sent)
        assert await code_behind(world, refused(page, 400)) == "xml.signature_value"
        assert location(await world.answer(browser, sent, key=new))

    play(scene)


def test_s39_a_connection_without_a_usable_key_cannot_be_saved_and_believes_nothing() -> None:
    """Nor does it if the database is changed behind our back."""

    async def scene(world: World) -> None:
        for certificates in ([], ["not a certificate"]):
            document = configuration()
            document["connections"][0]["idp"]["certificates"] = certificates
            with pytest.raises(Exception, match="certificate"):
                await world.apply(document)
        configured = world.house.store.configured
        connection = await configured.connection("acme")
        assert connection is not None
        emptied = replace(connection, idp=replace(connection.idp, certificates=()))
        await configured.apply(installation=await configured.installation(), applications=[], connections=[emptied])
        browser = world.browser()
        await turned_away(world, browser, await world.tile(browser), 400, "xml.signature_no_keys")

    play(scene)


def test_s15_evidence_is_never_the_assertion_at_the_door_either() -> None:
    """The attacker wraps a captured assertion as evidence of his own."""

    async def scene(world: World) -> None:
        browser = world.browser()
        page = await posted(browser, changed(world.saml_response(), in_advice))
        await turned_away(world, browser, page, 400, "saml.unsigned")

    play(scene)
