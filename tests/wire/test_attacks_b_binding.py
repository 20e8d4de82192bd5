"""Attack table B, what belongs together: code, client, browser, person, connection and tenant; a part that was exchanged is refused."""

import base64
from datetime import timedelta
from typing import Any

import pytest
from tests.wire.attacker import (
    BOARD,
    CHALLENGE,
    VERIFIER,
    claims,
    error_code,
    page_code,
    redeeming,
    refreshing,
    sign_in,
    tokens,
)
from tests.wire.world import (
    ADA,
    CRM,
    ISSUER,
    MALLORY,
    WireBrowser,
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
)

from vestibule.ground.hashing import digest
from vestibule.model.ids import Digest
from vestibule.outside.entropy import SystemEntropy

ACCEPT: dict[str, Any] = {"unsolicited": "accept", "accept_login_csrf_risk": True}


def tenants(**globex: Any) -> dict[str, Any]:
    """Two connections of two customers with one identity provider: the same entity id, address and key."""
    document = configuration()
    acme = document["connections"][0]
    more = {"name": "globex", "id": "con_globex", "display_name": "Globex", "domains": []}
    document["connections"].append({**acme, **more, **globex})
    return document


# -- B1: a code is for one client, one browser's login, one person ---------------------------------------------------


@pytest.mark.parametrize(
    ("authorization", "changes", "code"),
    [
        ("", {"client_id": "board", "code_verifier": VERIFIER}, "oidc.code_client"),
        ("", {"client_id": "board", "code_verifier": VERIFIER, "redirect_uri": BOARD}, "oidc.code_client"),
        (None, {"code_verifier": VERIFIER, "redirect_uri": f"{CRM}/direct"}, "oidc.code_redirect_uri"),
        (None, {"code_verifier": "w" * 43}, "oidc.pkce_mismatch"),
        (None, {}, "oidc.pkce_missing"),
    ],
)
def test_b1_a_code_is_retargeted_to_nothing(authorization: str | None, changes: dict[str, str], code: str) -> None:
    """Client, redirect URI, challenge: each by its own code, none burns it; then one redemption, and no second."""

    async def scene(world: World) -> None:
        given = await sign_in(world, **CHALLENGE)
        assert await redeeming(world, given, authorization, **changes) == (400, "invalid_grant", code)
        assert (await world.redeem(given, code_verifier=VERIFIER)).status_code == 200
        told = await redeeming(world, given, code_verifier=VERIFIER)
        assert told == (400, "invalid_grant", "oidc.code_reused")

    play(scene)


def test_b1_what_a_code_stands_for_was_fixed_when_it_was_given() -> None:
    """Person, connection, session and nonce are those of its own login, whoever signs in meanwhile in the same browser."""

    async def scene(world: World) -> None:
        browser = world.browser()
        first = await sign_in(world, browser, ADA, nonce="first")
        sent = await browser.get(authorization(nonce="second", prompt="login"), cross_site=True)
        answered = await world.answer(browser, sent, MALLORY, authn_instant=world.clock.now())
        question = await browser.get(location(answered), cross_site=True)
        second = parameters(moved_to(await browser.post("/login/confirm", {**fields(question), "decision": "yes"})))
        one = await claims(world, (await world.redeem(first)).json()["id_token"])
        two = await claims(world, (await world.redeem(second["code"])).json()["id_token"])
        assert (one["nonce"], one["email"]) == ("first", ADA)
        assert (two["nonce"], two["email"]) == ("second", MALLORY)
        assert one["sub"] != two["sub"]
        assert one["sid"] != two["sid"]

    play(scene)


# -- B2: handles are random, and each is good for one thing ----------------------------------------------------------


async def handles(world: World) -> dict[str, str]:
    browser, tile = world.browser(), world.browser()
    got = await tokens(world, browser)
    sent = await browser.get(authorization(prompt="login"), cross_site=True)
    landed = location(await world.answer(browser, sent, authn_instant=world.clock.now()))
    rung = location(await world.tile(tile))
    invitation = await world.house.rehearsing.invite("acme", idp_initiated=False)
    return {
        "code": await sign_in(world),
        "access_token": got["access_token"],
        "refresh_token": got["refresh_token"],
        "outcome": parameters(landed)["login"],
        "arrival": parameters(rung)["arrival"],
        "request": parameters(location(sent))["RelayState"],
        "rehearsal": invitation.id,
        "session": browser.jar["__Host-vst-sid"][0],
    }


HANDLES = ("code", "access_token", "refresh_token", "outcome", "arrival", "request", "rehearsal", "session")


@pytest.mark.parametrize("kind", HANDLES)
def test_b2_a_handle_of_one_kind_opens_no_other_door(kind: str) -> None:
    """Each kind has a table of its own: what is a code here is unknown everywhere else."""

    async def scene(world: World) -> None:
        value = (await handles(world))[kind]
        browser = world.browser()
        if kind != "code":
            assert await redeeming(world, value) == (400, "invalid_grant", "oidc.code_unknown")
        if kind != "refresh_token":
            assert await refreshing(world, value) == (400, "invalid_grant", "oidc.refresh_unknown")
        page = await browser.get(f"/login/continue?login={value}")
        assert await page_code(world, page) == "login.expired_or_used"
        page = await browser.get(f"/login/continue?arrival={value}")
        assert await page_code(world, page) == "login.arrival_gone"
        for name, code in (("arrival", "login.arrival_gone"), ("outcome", "login.expired_or_used")):
            page = await browser.post("/login/confirm", {name: value, "decision": "yes", "csrf": value})
            assert await page_code(world, page) == code
        if kind != "rehearsal":
            assert await page_code(world, await browser.get(f"/login/test/{value}")) == "rehearsal.gone"
        if kind != "session":
            thief = world.browser()
            thief.jar["__Host-vst-sid"] = (value, "lax")
            silent = await thief.get(authorization(prompt="none"), cross_site=True)
            assert parameters(location(silent))["error"] == "login_required"
        if kind != "request":
            page = await world.tile(browser, in_response_to=value)
            assert await page_code(world, page) == "login.unknown_request"

    play(scene)


@pytest.mark.parametrize("kind", HANDLES)
def test_b2_a_handle_says_nothing_of_what_it_stands_for(kind: str) -> None:
    """It is drawn, not made: nothing of client, person or time is in it, as text or under base64."""

    async def scene(world: World) -> None:
        value = (await handles(world))[kind]
        raw = base64.urlsafe_b64decode(value.strip("_.") + "=" * (-len(value.strip("_.")) % 4))
        assert len(raw) >= 16
        for told in ("crm", "acme", "ada", "board", "{", "openid"):
            assert told not in value.lower() or len(told) < 4
            assert told.encode() not in raw.lower() or len(told) < 4
        assert "." not in value

    play(scene)


def test_b2_every_login_draws_new_handles() -> None:
    async def scene(world: World) -> None:
        seen: set[str] = set()
        for _ in range(20):
            found = await handles(world)
            assert not seen & set(found.values())
            seen |= set(found.values())

    play(scene)


def test_b2_a_digest_from_a_stolen_database_is_no_handle() -> None:
    async def scene(world: World) -> None:
        found = await handles(world)
        assert await world.house.store.codes.find(Digest(digest(found["code"]))) is not None
        told = await redeeming(world, digest(found["code"]))
        assert told == (400, "invalid_grant", "oidc.code_unknown")
        told = await refreshing(world, digest(found["refresh_token"]))
        assert told == (400, "invalid_grant", "oidc.refresh_unknown")
        thief = world.browser()
        thief.jar["__Host-vst-sid"] = (digest(found["session"]), "lax")
        silent = await thief.get(authorization(prompt="none"), cross_site=True)
        assert parameters(location(silent))["error"] == "login_required"

    play(scene)


def test_b2_the_systems_own_randomness_has_at_least_128_bits_and_does_not_repeat() -> None:
    entropy = SystemEntropy()
    drawn = {entropy.bytes(20) for _ in range(100_000)} | {entropy.token(16).encode() for _ in range(100_000)}
    assert len(drawn) == 200_000
    assert len(entropy.token()) == 43


# -- B4: one account's proof is not another's ------------------------------------------------------------------------


def test_b4_the_answer_to_one_question_is_no_answer_to_another() -> None:
    """Ada's token for Ada's arrival does not confirm Mallory's, in the same browser or in another one."""

    async def scene(world: World) -> None:
        browser, other = world.browser(), world.browser()
        hers = fields(await browser.get(location(await world.tile(browser, ADA)), cross_site=True))
        theirs = fields(await browser.get(location(await world.tile(browser, MALLORY)), cross_site=True))
        foreign = fields(await other.get(location(await world.tile(other, MALLORY)), cross_site=True))
        for csrf in (theirs["csrf"], foreign["csrf"]):
            form = {"arrival": hers["arrival"], "csrf": csrf, "decision": "yes"}
            assert await page_code(world, await browser.post("/login/confirm", form)) == "login.stale_question"
        form = {"arrival": foreign["arrival"], "csrf": foreign["csrf"], "decision": "yes"}
        assert await page_code(world, await browser.post("/login/confirm", form)) == "login.arrival_gone"

    play(scene, configuration(unsolicited="confirm"))


def test_b4_a_proof_at_one_connection_is_none_at_another() -> None:
    """The same NameID of the same identity provider, through another customer's connection, is another person."""

    async def scene(world: World) -> None:
        here = await claims(world, (await tokens(world))["id_token"])
        there = await claims(world, (await tokens(world, connection="globex"))["id_token"])
        assert here["sub"] != there["sub"]
        assert (here["connection"], there["connection"]) == ("acme", "globex")

    play(scene, tenants())


# -- B7: one path that forgot a check --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"enabled": False}, 403, "connection.disabled"),
        ({"idp_initiated": {"enabled": False}}, 403, "idp_initiated.disabled"),
        ({"idp_initiated": {}}, 403, "idp_initiated.disabled"),
    ],
)
@pytest.mark.parametrize("style", ["callback", "path", "logto"])
def test_b7_a_connection_that_is_off_is_off_on_the_tiles_road_too(
    change: dict[str, Any], status: int, code: str, style: str
) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        path = {"callback": "login/callback?connection=acme", "path": "saml/acs/acme"}.get(
            style, "api/authn/single-sign-on/saml/con_acme"
        )
        form = {"SAMLResponse": world.saml_response(style=style)}
        page = await browser.post(f"/{path}", form, cross_site=True, origin="https://idp.acme.example")
        assert await page_code(world, page, status) == code
        assert not browser.jar

    document = configuration()
    document["connections"][0] |= change
    play(scene, document)


@pytest.mark.parametrize("when", ["before the answer", "after the answer"])
@pytest.mark.parametrize("road", ["asked", "tile"])
def test_b7_a_connection_that_is_switched_off_during_a_login_ends_it(when: str, road: str) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        off = configuration(unsolicited="confirm")
        off["connections"][0]["enabled"] = False
        sent = await browser.get(authorization(), cross_site=True)

        async def answer() -> Any:
            return await (world.answer(browser, sent) if road == "asked" else world.tile(browser))

        if when == "before the answer":
            await world.apply(off)
            page = await answer()
        else:
            landed = location(await answer())
            await world.apply(off)
            page = await browser.get(landed, cross_site=True)
        assert await page_code(world, page, 403) == "connection.disabled"
        assert not browser.names("__Host-vst-sid")

    play(scene, configuration(unsolicited="confirm"))


@pytest.mark.parametrize("change", [{"enabled": False}, {"applications": ["board"], "idp_initiated": {}}])
def test_b7_a_session_of_a_connection_that_is_off_answers_nothing(change: dict[str, Any]) -> None:
    """Though the request names none, and another customer's connection could serve it."""

    async def scene(world: World) -> None:
        browser = world.browser()
        await sign_in(world, browser)
        silent = authorization(prompt="none", connection=None)
        assert code_of(await browser.get(silent, cross_site=True))
        document = tenants()
        document["connections"][0] |= change
        await world.apply(document)
        answer = await browser.get(silent, cross_site=True)
        assert parameters(location(answer))["error"] == "login_required"

    play(scene, tenants())


# -- B8: a login goes on as it began ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "extra", ["client_id=board", "redirect_uri=https://evil.example/", "response_type=token", "state=x"]
)
def test_b8_a_restart_goes_on_with_what_we_have_kept_and_not_with_what_comes_along(extra: str) -> None:
    """At the tile's own hop, at the fresh answer's post and at its hop."""

    async def scene(world: World) -> None:
        browser = world.browser()
        rung = location(await world.tile(browser))
        sent = await browser.get(f"{rung}&{extra}", cross_site=True)
        request = asked(sent).id
        form = f"SAMLResponse={_quoted(world.saml_response(in_response_to=request))}&RelayState=x&{extra}"
        landed = location(await browser.post("/login/callback?connection=acme", form, cross_site=True))
        answer = await browser.get(f"{landed}&{extra}", cross_site=True)
        got = parameters(location(answer))
        assert location(answer).startswith(f"{CRM}/callback?code=")
        assert "state" not in got

    play(scene, configuration(delivery="direct", accept_application_login_csrf_risk=True))


def _quoted(text: str) -> str:
    return text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


def test_b8_the_request_behind_a_question_is_the_one_that_was_asked() -> None:
    """`resume` is the browser's, so it is bound to the question's token; another one is refused."""

    async def scene(world: World) -> None:
        browser = world.browser()
        location(await world.tile(browser))
        question = fields(await browser.get(authorization(), cross_site=True))
        for resume in (
            question["resume"].replace("crm", "board"),
            question["resume"].replace("response_type=code", "response_type=token"),
            question["resume"] + "&x=1",
            "",
        ):
            form = {**question, "resume": resume, "decision": "yes"}
            assert await page_code(world, await browser.post("/login/confirm", form)) == "login.stale_question"

    play(scene, configuration(unsolicited="confirm"))


def test_b8_a_request_is_judged_again_when_its_login_comes_back() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        landed = location(await world.answer(browser, sent))
        document = configuration()
        document["applications"][0]["require_pkce"] = True
        await world.apply(document)
        answer = await browser.get(landed, cross_site=True)
        assert await error_code(world, answer) == ("invalid_request", "oidc.pkce_required")

    play(scene)


# -- B9: an approval is this browser's -------------------------------------------------------------------------------


async def confirm_question(world: World, browser: WireBrowser) -> dict[str, str]:
    return fields(await browser.get(location(await world.tile(browser, MALLORY)), cross_site=True))


@pytest.mark.parametrize(
    ("change", "origin", "cross_site", "code"),
    [
        ({"csrf": "guess"}, ISSUER.rstrip("/"), False, "login.stale_question"),
        ({"csrf": ""}, ISSUER.rstrip("/"), False, "login.stale_question"),
        ({"csrf": None}, ISSUER.rstrip("/"), False, "login.stale_question"),
        ({"arrival": "guess"}, ISSUER.rstrip("/"), False, "login.arrival_gone"),
        ({"resume": "client_id=crm"}, ISSUER.rstrip("/"), False, "login.stale_question"),
        ({}, "https://evil.example", False, "request.foreign_origin"),
        ({}, "null", False, "request.foreign_origin"),
        ({}, "https://login.crm.example.evil.example", False, "request.foreign_origin"),
        ({}, "https://evil.example", True, "request.foreign_origin"),
        ({}, None, True, "login.arrival_gone"),
    ],
)
def test_b9_an_approval_needs_the_browsers_cookie_its_question_and_our_own_page(
    change: dict[str, str | None], origin: str | None, cross_site: bool, code: str
) -> None:
    """And whatever was refused, the person can still say yes."""

    async def scene(world: World) -> None:
        browser = world.browser()
        question = await confirm_question(world, browser)
        form = {name: v for name, v in {**question, "decision": "yes", **change}.items() if v is not None}
        page = await browser.post("/login/confirm", form, origin=origin, cross_site=cross_site)
        assert await page_code(world, page) == code
        assert not browser.names("__Host-vst-sid")
        assert moved_to(await browser.post("/login/confirm", {**question, "decision": "yes"}))

    play(scene, configuration(unsolicited="confirm"))


def test_b9_an_attacker_does_not_approve_in_his_browser_what_was_asked_in_the_victims() -> None:
    """With every value that stands in the page; neither for an arrival nor for a fresh answer."""

    async def scene(world: World) -> None:
        victim, attacker = world.browser(), world.browser()
        question = await confirm_question(world, victim)
        page = await attacker.post("/login/confirm", {**question, "decision": "yes"})
        assert await page_code(world, page) == "login.arrival_gone"
        victim = world.browser()
        await sign_in(world, victim)
        sent = await victim.get(authorization(prompt="login"), cross_site=True)
        answered = await world.answer(victim, sent, MALLORY, authn_instant=world.clock.now())
        question = fields(await victim.get(location(answered), cross_site=True))
        page = await attacker.post("/login/confirm", {**question, "decision": "yes"})
        assert await page_code(world, page) == "login.expired_or_used"
        assert not attacker.jar

    document = configuration(unsolicited="confirm")
    play(scene, document)


@pytest.mark.parametrize("road", ["switch", "mismatch"])
@pytest.mark.parametrize(
    ("change", "origin", "cross_site", "code"),
    [
        ({"csrf": "guess"}, ISSUER.rstrip("/"), False, "login.stale_question"),
        ({"csrf": ""}, ISSUER.rstrip("/"), False, "login.stale_question"),
        ({"csrf": None}, None, True, "login.stale_question"),
        ({"outcome": "guess"}, ISSUER.rstrip("/"), False, "login.expired_or_used"),
        ({}, "https://evil.example", True, "request.foreign_origin"),
        ({}, "null", True, "request.foreign_origin"),
    ],
)
def test_b9_a_fresh_answer_is_agreed_to_with_its_own_questions_token_alone(
    road: str, change: dict[str, str | None], origin: str | None, cross_site: bool, code: str
) -> None:
    """Its cookie is SameSite=None, so it comes along from other sites too: the token and the origin must hold."""

    async def scene(world: World) -> None:
        browser = world.browser()
        if road == "switch":
            await sign_in(world, browser)
            sent = await browser.get(authorization(prompt="login"), cross_site=True)
        else:
            await browser.get(location(await world.tile(browser, ADA)), cross_site=True)
            sent = await browser.get(authorization(), cross_site=True)
        answered = await world.answer(browser, sent, MALLORY, authn_instant=world.clock.now())
        question = fields(await browser.get(location(answered), cross_site=True))
        before = browser.jar.get("__Host-vst-sid")
        form = {name: v for name, v in {**question, "decision": "yes", **change}.items() if v is not None}
        page = await browser.post("/login/confirm", form, origin=origin, cross_site=cross_site)
        assert await page_code(world, page) == code
        assert browser.jar.get("__Host-vst-sid") == before
        assert moved_to(await browser.post("/login/confirm", {**question, "decision": "yes"}))

    play(scene)


# -- B10: one look at a session --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "answers"), [(7.99, True), (8, False), (24, False)], ids=["in use", "idle", "long gone"]
)
def test_b10_a_session_that_has_ended_answers_on_no_path(hours: float, answers: bool) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        await sign_in(world, browser)
        world.clock.advance(timedelta(hours=hours))
        for changes in ({"prompt": "none"}, {}, {"connection": None}, {"max_age": "999999"}):
            answer = await browser.get(authorization(**changes), cross_site=True)
            assert ("code" in parameters(location(answer))) is answers
            silent = await browser.get(
                authorization(prompt="none", **{k: v for k, v in changes.items() if k != "prompt"})
            )
            assert ("code" in parameters(location(silent))) is answers

    play(scene)


def test_b10_a_session_that_has_ended_does_not_lend_its_name_to_the_next() -> None:
    """`sid` names one session: what was given under it must not come to life, or end, with another one."""

    async def scene(world: World) -> None:
        browser = world.browser()
        sids = []
        for pause in (timedelta(0), timedelta(hours=1), timedelta(hours=8)):
            world.clock.advance(pause)
            code = await sign_in(world, browser, prompt="login", said={"authn_instant": world.clock.now()})
            sids.append((await claims(world, (await world.redeem(code)).json()["id_token"]))["sid"])
        assert sids[0] == sids[1] != sids[2]

    play(scene)


def test_b10_use_does_not_carry_a_session_past_its_absolute_end() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        await sign_in(world, browser)
        for _ in range(23):
            world.clock.advance(timedelta(hours=1))
            assert code_of(await browser.get(authorization(prompt="none"), cross_site=True))
        world.clock.advance(timedelta(hours=1))
        silent = await browser.get(authorization(prompt="none"), cross_site=True)
        assert parameters(location(silent))["error"] == "login_required"

    play(scene)


def test_b10_the_cookie_of_before_a_login_is_worth_nothing_after_it() -> None:
    """Each login draws a new one: whoever fixed or stole the old one is out, and it refreshes nothing."""

    async def scene(world: World) -> None:
        browser, thief = world.browser(), world.browser()
        await sign_in(world, browser)
        thief.jar["__Host-vst-sid"] = browser.jar["__Host-vst-sid"]
        assert code_of(await thief.get(authorization(prompt="none"), cross_site=True))
        await sign_in(world, browser, prompt="login", said={"authn_instant": world.clock.now()})
        silent = await thief.get(authorization(prompt="none"), cross_site=True)
        assert parameters(location(silent))["error"] == "login_required"
        assert code_of(await browser.get(authorization(prompt="none"), cross_site=True))

    play(scene)


@pytest.mark.parametrize("value", ["", "x", "guess-guess-guess-guess-guess-guess-guess-g", "a.b", '"x"', "%00", "../x"])
def test_b10_a_cookie_that_we_never_set_is_no_session(value: str) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        browser.jar["__Host-vst-sid"] = (value, "lax")
        sent = await browser.get(authorization(), cross_site=True)
        landed = location(await world.answer(browser, sent))
        assert code_of(await browser.get(landed, cross_site=True))
        assert browser.jar["__Host-vst-sid"][0] != value

    play(scene)


# -- B11: tenants ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, "saml.destination"),
        ({"destination": None}, "saml.audience"),
        ({"destination": f"{ISSUER}login/callback?connection=globex"}, "saml.audience"),
        (
            {
                "destination": f"{ISSUER}login/callback?connection=globex",
                "audience": f"{ISSUER}saml/metadata/globex",
            },
            "saml.recipient",
        ),
        (
            {
                "destination": f"{ISSUER}login/callback?connection=globex",
                "recipient": f"{ISSUER}login/callback?connection=globex",
            },
            "saml.audience",
        ),
    ],
)
@pytest.mark.parametrize("solicited", [False, True])
def test_b11_a_response_for_one_customer_is_refused_at_the_others_of_the_same_identity_provider(
    said: dict[str, Any], code: str, solicited: bool
) -> None:
    """Same issuer and key: what tells them apart is audience, recipient and the request that was asked."""

    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True)
        mine = {"in_response_to": asked(sent).id} if solicited else {}
        form = {"SAMLResponse": world.saml_response(**mine, **said)}
        page = await browser.post("/login/callback?connection=globex", form, cross_site=True)
        assert await page_code(world, page) == code
        assert not browser.names("__Host-vst-arrival")

    play(scene, tenants())


def test_b11_a_whole_response_for_one_customer_does_not_answer_the_others_request() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(connection="acme"), cross_site=True)
        form = {"SAMLResponse": world.saml_response(connection="globex", in_response_to=asked(sent).id)}
        page = await browser.post("/login/callback?connection=globex", form, cross_site=True)
        assert await page_code(world, page) == "login.other_connection"

    play(scene, tenants())


def test_b11_one_assertion_is_remembered_for_each_connection_and_good_at_one() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        here = world.saml_response(assertion_id="_same")
        assert location(await browser.post("/login/callback?connection=acme", {"SAMLResponse": here}, cross_site=True))
        page = await browser.post("/login/callback?connection=acme", {"SAMLResponse": here}, cross_site=True)
        assert await page_code(world, page) == "saml.replayed"
        page = await browser.post("/login/callback?connection=globex", {"SAMLResponse": here}, cross_site=True)
        assert await page_code(world, page) == "saml.destination"

    play(scene, tenants())


@pytest.mark.parametrize(
    "named", [{"connection": "globex"}, {"direct_sign_in": "sso:con_globex"}, {"login_hint": "connection:globex"}]
)
def test_b11_one_customers_application_is_not_entered_through_the_others_connection(named: dict[str, str]) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        answer = await browser.get(authorization(**{"connection": None, **named}), cross_site=True)
        assert await error_code(world, answer) == ("invalid_request", "connection.not_enabled_for_application")
        page = await browser.get("/launch/crm?connection=globex")
        assert await page_code(world, page, 403) == "connection.not_enabled_for_application"

    play(scene, tenants(applications=["board"], idp_initiated={}))


def test_b11_a_tile_of_one_customer_does_not_lead_to_an_application_that_was_taken_from_it() -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        rung = location(await world.tile(browser, connection="globex"))
        await world.apply(tenants(applications=["board"], idp_initiated={}))
        page = await browser.get(rung, cross_site=True)
        assert await page_code(world, page, 403) == "connection.not_enabled_for_application"

    play(scene, tenants())
