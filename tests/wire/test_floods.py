"""Floods at the doors: turned away unread and unrecorded, while honest people and applications go on."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from tests.wire.world import (
    SPA,
    UNLIMITED,
    WireBrowser,
    World,
    authorization,
    code_of,
    configuration,
    location,
    parameters,
    play,
    refused,
)

from vestibule.ground.errors import Refused
from vestibule.store.port import StoreUnavailable
from vestibule.web import errors
from vestibule.web.limits import Bodies, Patience

LIMITED = replace(UNLIMITED, limit_refusals=10, limit_connection_refusals=30, limit_requests=200)
MALLORY = "203.0.113.9"
ACS = "/login/callback?connection=acme"
JUNK = {"SAMLResponse": "AAAA"}


async def junk(world: World, address: str = MALLORY, path: str = ACS) -> int:
    return (await world.browser(address=address).post(path, JUNK, cross_site=True)).status_code


async def signs_in(world: World, address: str) -> str:
    """A whole login from the application and back; the code's user is whoever the identity provider names."""
    browser = world.browser(address=address)
    sent = await browser.get(authorization(), cross_site=True)
    code = code_of(await browser.get(location(await world.answer(browser, sent)), cross_site=True))
    tokens = await world.redeem(code)
    assert tokens.status_code == 200, tokens.text
    return str(tokens.json()["access_token"])


def test_junk_is_refused_until_the_budget_is_spent_and_then_turned_away_unrecorded() -> None:
    """A hundred posts leave ten events and one more that says that there were more."""

    async def scene(world: World) -> None:
        before = len(await world.kinds())
        assert [await junk(world) for _ in range(100)] == [400] * 10 + [429] * 90
        assert sorted((await world.kinds())[before:]) == ["login.refused"] * 10 + ["request.flood"]
        (flood,) = await world.house.store.events.latest(limit=5, kind="request.flood")
        assert (flood.code, flood.detail["address"], flood.detail["budget"]) == (
            "request.too_many",
            MALLORY,
            "refusals of one address",
        )
        world.clock.advance(6)
        assert [await junk(world) for _ in range(2)] == [400, 429]

    play(scene, settings=LIMITED)


def test_the_page_says_in_plain_words_what_to_do_and_when() -> None:
    async def scene(world: World) -> None:
        for _ in range(10):
            await junk(world)
        page = await world.browser(address=MALLORY).post(ACS, JUNK, cross_site=True)
        assert page.status_code == 429
        assert page.headers["retry-after"] == "6"
        assert "Please wait a moment" in page.text
        assert "Acme CRM" in page.text
        assert page.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert "set-cookie" not in page.headers

    play(scene, settings=LIMITED)


def test_everybody_else_signs_in_while_a_connection_is_flooded_from_many_addresses() -> None:
    """An honest person at that very connection, with a mishap of her own behind her, is judged as ever."""

    async def scene(world: World) -> None:
        flood = [f"203.0.113.{n}" for n in range(20)]
        answers = [await junk(world, address) for _ in range(10) for address in flood]
        assert answers.count(429) > 50
        assert await junk(world, "198.51.100.7") == 400
        assert await signs_in(world, "198.51.100.7")
        kinds = await world.kinds()
        assert kinds.count("request.flood") == 1

    play(scene, settings=LIMITED)


@pytest.mark.parametrize("path", ["/saml/acs/acme", "/api/authn/single-sign-on/saml/con_acme", ACS])
def test_a_connection_is_known_by_each_of_its_addresses(path: str) -> None:
    """And is named in the event, so that the operator knows which customer is attacked."""

    async def scene(world: World) -> None:
        for n in range(60):
            await junk(world, f"203.0.113.{n % 6}", path)
        assert await junk(world, "203.0.113.0", path) == 429
        (flood,) = await world.house.store.events.latest(limit=5, kind="request.flood")
        assert (flood.connection, flood.detail["budget"]) == ("con_acme", "refusals of one connection")

    play(scene, settings=LIMITED)


def test_a_company_behind_one_address_signs_in_as_it_likes() -> None:
    """Thirty logins in the same second, from one address: three requests each, and no refusal."""

    async def scene(world: World) -> None:
        for _ in range(30):
            await signs_in(world, "198.51.100.7")
        assert "request.flood" not in await world.kinds()

    play(scene, settings=LIMITED)


def test_more_requests_than_any_company_makes_are_turned_away() -> None:
    async def scene(world: World) -> None:
        browser = world.browser(address=MALLORY)
        answers = [(await browser.get(authorization(), cross_site=True)).status_code for _ in range(210)]
        assert answers == [303] * 200 + [429] * 10
        assert (await world.browser(address="198.51.100.7").get(authorization())).status_code == 303

    play(scene, settings=LIMITED)


def test_errors_that_go_to_the_application_count_and_the_everyday_one_does_not() -> None:
    """`prompt=none` is asked by every page of a single-page application; answering it `login_required` is no refusal."""

    async def scene(world: World) -> None:
        browser = world.browser(address="198.51.100.7")
        for _ in range(50):
            answer = await browser.get(authorization(prompt="none"), cross_site=True)
            assert parameters(location(answer))["error"] == "login_required"
        other = world.browser(address=MALLORY)
        answers = [
            (await other.get(authorization(response_type="token"), cross_site=True)).status_code for _ in range(12)
        ]
        assert answers == [303] * 10 + [429] * 2

    play(scene, settings=LIMITED)


def test_knocking_at_addresses_that_are_not_there_spends_no_refusals() -> None:
    """Browsers ask for icons, scanners for everything; neither leaves an event."""

    async def scene(world: World) -> None:
        browser = world.browser(address=MALLORY)
        for _ in range(15):
            assert (await browser.get("/favicon.ico")).status_code == 404
            assert (await browser.get(ACS)).status_code == 405
        assert await junk(world) == 400

    play(scene, settings=LIMITED)


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/.well-known/openid-configuration", "/.well-known/jwks.json", "/static/pages.css"]
)
def test_doors_that_refuse_nothing_stay_open_to_everybody(path: str) -> None:
    """A balancer that shares its address with a flood must not take the house for dead."""

    async def scene(world: World) -> None:
        for _ in range(12):
            await junk(world)
        browser = world.browser(address=MALLORY)
        assert {(await browser.get(path)).status_code for _ in range(250)} == {200}

    play(scene, settings=LIMITED)


# -- machines' doors --------------------------------------------------------------------------------------------------

BAD_SECRET = {"authorization": "Basic Y3JtOndyb25n"}


async def token(world: World, form: dict[str, str], *, origin: str | None = None, **headers: str) -> httpx2.Response:
    return await world.browser(address=MALLORY).post("/oauth/token", form, origin=origin, **headers)


def test_failing_clients_are_turned_away_in_their_own_language() -> None:
    async def scene(world: World) -> None:
        before = len(await world.kinds())
        for _ in range(50):
            answer = await token(world, {"grant_type": "authorization_code", "code": "x"}, **BAD_SECRET)
        assert answer.status_code == 429
        assert answer.json()["error"] == "temporarily_unavailable"
        assert {"error", "error_description", "code", "message"} <= set(answer.json())
        assert answer.headers["retry-after"] == "6"
        assert answer.headers["cache-control"] == "no-store"
        assert sorted((await world.kinds())[before:]) == ["client.refused"] * 10 + ["request.flood"]
        for path in ("/oauth/revoke", "/userinfo"):
            other = await world.browser(address=MALLORY).post(path, {}, origin=None)
            assert other.status_code in (400, 401), "each of these doors has a budget of its own"
        assert await junk(world) == 400, "and so have people's doors"

    play(scene, settings=LIMITED)


def test_an_application_in_a_browser_may_read_why_it_was_turned_away() -> None:
    async def scene(world: World) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": "junk", "client_id": "board"}
        answers = [await token(world, form, origin=SPA) for _ in range(12)]
        assert [answer.status_code for answer in answers] == [400] * 10 + [429] * 2
        assert answers[-1].headers["access-control-allow-origin"] == SPA

    play(scene, settings=LIMITED)


def test_a_proven_application_whose_peoples_codes_have_run_out_is_not_turned_away() -> None:
    """Its server is one address for everybody: a Monday morning of expired codes must not lock the others out."""

    async def scene(world: World) -> None:
        for _ in range(50):
            answer = await world.redeem("gone")
            assert answer.json()["error"] == "invalid_grant"
        assert await signs_in(world, "198.51.100.7")

    play(scene, settings=LIMITED)


def test_tokens_that_have_run_out_are_ten_times_as_many_as_other_failures() -> None:
    """At /userinfo; an application's server brings those of all its people."""

    async def scene(world: World) -> None:
        browser = world.browser(address=MALLORY)
        answers = [(await browser.get("/userinfo", authorization="Bearer gone")).status_code for _ in range(102)]
        assert answers == [401] * 100 + [429] * 2

    play(scene, settings=LIMITED)


def test_a_secret_that_was_only_shown_proves_nothing() -> None:
    async def scene(world: World) -> None:
        form = {"grant_type": "authorization_code", "code": "gone", "client_id": "crm", "client_secret": "wrong"}
        assert [(await token(world, form)).status_code for _ in range(12)] == [401] * 10 + [429] * 2

    play(scene, settings=LIMITED)


def test_what_the_store_could_not_answer_spends_nobodys_budget() -> None:
    """An outage makes everybody fail; none of them did anything."""
    down = StoreUnavailable("The store is down.")
    through = Refused("oidc.temporarily_unavailable", "The store is down.")
    through.__cause__ = down
    for what, counted in ((down, False), (through, False), (Refused("saml.unsigned", "Not signed."), True)):
        request = Request({"type": "http"})
        errors.count(request, what)
        assert errors.was_refused(request) is counted


# -- bodies -----------------------------------------------------------------------------------------------------------

Message = MutableMapping[str, Any]


async def ask(
    world: World, path: str, receive: Callable[[], Awaitable[Message]], *, address: str = MALLORY
) -> tuple[int, dict[bytes, bytes], bytes]:
    """One POST, handed to the application with a body that the test feeds; the status is 0 if nothing was answered."""
    route, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": route,
        "raw_path": route.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"login.crm.example"), (b"content-type", b"application/x-www-form-urlencoded")],
        "client": (address, 1),
        "server": ("login.crm.example", 443),
    }
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await world._app(scope, receive, send)
    if not sent:
        return 0, {}, b""
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize("path", [ACS, "/login/confirm", "/authorize"])
def test_nothing_is_read_of_whoever_is_turned_away(path: str) -> None:
    async def untouched() -> Message:
        raise AssertionError("the body was asked for")

    async def scene(world: World) -> None:
        for _ in range(10):
            await junk(world)
        status, headers, _ = await ask(world, path, untouched)
        assert status == 429
        assert headers[b"retry-after"] == b"6"

    play(scene, settings=LIMITED)


IMPATIENT = Patience(seconds=0.05, rate=1_000)


def dripping(*chunks: bytes, pause: float = 0.0) -> Callable[[], Awaitable[Message]]:
    """These chunks, then nothing any more."""
    left = list(chunks)

    async def receive() -> Message:
        if not left:
            await asyncio.sleep(3600)
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": left.pop(0), "more_body": True}

    return receive


@pytest.mark.parametrize("chunks", [(), (b"SAMLResponse=",), (b"a", b"b", b"c")])
def test_a_body_that_does_not_come_is_not_waited_for(chunks: tuple[bytes, ...]) -> None:
    """408 with a page, the connection closed, and the reason recorded once."""

    async def scene(world: World) -> None:
        status, headers, body = await ask(world, ACS, dripping(*chunks))
        assert (status, headers[b"connection"]) == (408, b"close")
        assert b"That took too long" in body
        (event,) = await world.house.store.events.latest(limit=5, kind="login.refused")
        assert (event.code, event.connection) == ("request.too_slow", "con_acme")

    play(scene, patience=IMPATIENT)


def test_a_machine_is_told_so_in_json() -> None:
    async def scene(world: World) -> None:
        status, headers, body = await ask(world, "/oauth/token", dripping(b"grant_type="))
        assert (status, headers[b"content-type"]) == (408, b"application/json")
        assert b'"error":"invalid_request"' in body

    play(scene, patience=IMPATIENT)


def test_a_body_that_keeps_coming_may_take_longer() -> None:
    """A slow line is no attack: each thousand bytes that came buy one more second here."""
    rest = [b"SAMLResponse=" + b"A" * 987, b"", b"", b"", b""]

    async def receive() -> Message:
        if len(rest) < 5:
            await asyncio.sleep(0.03)
        return {"type": "http.request", "body": rest.pop(0), "more_body": bool(rest)}

    async def scene(world: World) -> None:
        status, _, _ = await ask(world, ACS, receive)
        assert status == 400
        (event,) = await world.house.store.events.latest(limit=5, kind="login.refused")
        assert event.code != "request.too_slow"

    play(scene, patience=IMPATIENT)


def test_a_body_that_drips_without_end_is_cut_off() -> None:
    """What comes buys time by its size, and never more than the longest that there is."""

    async def drip() -> Message:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"a", "more_body": True}

    async def pour() -> Message:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"a" * 1_000, "more_body": True}

    async def scene(world: World) -> None:
        assert (await ask(world, ACS, drip))[0] == 408

    async def pouring(world: World) -> None:
        assert (await ask(world, ACS, pour))[0] == 408

    play(scene, patience=IMPATIENT)
    play(pouring, patience=replace(IMPATIENT, longest=0.2))


def test_of_many_large_bodies_at_once_those_that_are_too_much_are_refused_and_small_ones_are_not() -> None:
    """What is held goes back when a request has ended, however it ended."""
    patience = Patience(seconds=5.0, rate=1_000, held=10_000, small=2_000)

    async def post_of(world: World, size: int, go_on: asyncio.Event) -> int:
        parts = [b"SAMLResponse=" + b"A" * size]

        async def receive() -> Message:
            if parts:
                return {"type": "http.request", "body": parts.pop(), "more_body": True}
            await go_on.wait()
            return {"type": "http.request", "body": b"", "more_body": False}

        return (await ask(world, ACS, receive))[0]

    async def scene(world: World) -> None:
        go_on = asyncio.Event()
        first = asyncio.create_task(post_of(world, 8_000, go_on))
        for _ in range(20):  # until it waits for the rest of its body
            await asyncio.sleep(0)
        assert await post_of(world, 5_000, go_on) == 503
        small = asyncio.create_task(post_of(world, 500, go_on))
        go_on.set()
        assert [await first, await small] == [400, 400]
        assert await post_of(world, 9_000, go_on) == 400

    play(scene, patience=patience)


IMAGE = {"sec-fetch-dest": "image", "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}


@pytest.mark.parametrize(
    "embedded", [IMAGE, {"sec-fetch-dest": "iframe"}, {"sec-fetch-dest": "empty"}, {"sec-purpose": "prefetch"}]
)
def test_a_strangers_page_cannot_spend_what_its_visitors_company_has(embedded: dict[str, str]) -> None:
    """Its images and frames are turned away in the end; whoever goes somewhere by himself is not, nor are his colleagues."""

    async def scene(world: World) -> None:
        visitor = world.browser(address="198.51.100.4")
        statuses = [
            (await visitor.get(f"/authorize?client_id=x{number}", cross_site=True, **embedded)).status_code
            for number in range(230)
        ]
        assert statuses == [400] * 10 + [429] * 220
        assert await signs_in(world, "198.51.100.4")
        page = await visitor.get("/authorize?client_id=x", cross_site=True, **{"sec-fetch-dest": "document"})
        assert page.status_code == 400

    play(scene, settings=LIMITED)


def test_after_the_body_nothing_is_hurried() -> None:
    """What is waited for then is the end of the connection, and that may take as long as the answer does."""

    async def receive() -> Message:
        if bodies:
            return bodies.pop()
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    async def scene() -> list[str]:
        body = Bodies(Patience(seconds=0.01, rate=1_000)).of(receive)
        return [(await body.receive())["type"], (await body.receive())["type"]]

    bodies: list[Message] = [{"type": "http.request", "body": b"a", "more_body": False}]
    assert asyncio.run(scene()) == ["http.request", "http.disconnect"]


def test_whoever_leaves_in_the_middle_of_a_body_is_no_fault_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """No answer, no traceback in the log: else every aborted post would write one."""

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def scene(world: World) -> None:
        for path in (ACS, "/oauth/token", "/login/confirm"):
            assert (await ask(world, path, gone))[0] == 0

    play(scene)
    assert "failed" not in "".join(capsys.readouterr())


# -- cookies ----------------------------------------------------------------------------------------------------------

SID = "__Host-vst-sid"


async def session_of(world: World, browser: WireBrowser) -> str:
    await browser.get(
        location(await world.answer(browser, await browser.get(authorization(), cross_site=True))), cross_site=True
    )
    return browser.jar[SID][0]


async def answered_from_session(world: World, cookie: str) -> bool:
    """Whether an authorization request with this Cookie header is answered without asking the identity provider."""
    client = world.browser().client
    response = await client.get(authorization(prompt="none"), headers={b"cookie": cookie.encode("latin-1")})
    return "code" in parameters(location(response))


@pytest.mark.parametrize(
    ("template", "counts"),
    [
        ("{name}={sid}", True),
        ("a=b; {name}={sid}; c=d", True),
        (";;; {name}={sid} ;", True),
        ("{name}={sid}; {name}=tossed", False),
        ("{name}=tossed; {name}={sid}", False),
        ("{name}={sid}; {name}={sid}", False),
        ("\u00a0{name}={sid}", False),
        ("a=b;\u0085{name}={sid}", False),
        ("{name}\u00a0={sid}", False),
        ("={name}={sid}", False),
        ('{name}="{sid}"', False),
        ("__HOST-vst-sid={sid}", False),
        ("__Host-vst-sid2={sid}", False),
    ],
)
def test_a_cookie_counts_only_under_its_name_to_the_letter_and_once(template: str, counts: bool) -> None:
    """What a sibling site can toss is not called `__Host-…`, and what is called so twice was tossed by somebody."""

    async def scene(world: World) -> None:
        sid = await session_of(world, world.browser())
        cookie = template.format(name=SID, sid=sid)
        assert await answered_from_session(world, f"{SID}={sid}"), "the positive control"
        assert await answered_from_session(world, cookie) is counts

    play(scene)


def test_two_cookie_headers_are_one_list() -> None:
    """HTTP/2 splits them [RFC 9113 8.2.3]; a name that comes in both came twice."""

    async def scene(world: World) -> None:
        sid = await session_of(world, world.browser())
        client = world.browser().client
        for other, counts in (("a=b", True), (f"{SID}=tossed", False)):
            response = await client.get(
                authorization(prompt="none"), headers=[("cookie", f"{SID}={sid}"), ("cookie", other)]
            )
            assert ("code" in parameters(location(response))) is counts

    play(scene)


def test_a_hundred_cookies_of_other_sites_change_nothing() -> None:
    """Thirty kilobytes of them, as much as a head may hold."""

    async def scene(world: World) -> None:
        sid = await session_of(world, world.browser())
        others = "; ".join(f"c{n}={'x' * 290}" for n in range(100))
        assert await answered_from_session(world, f"{others}; {SID}={sid}")
        slots = "; ".join(f"__Host-vst-login-{n}={n}.{'s' * 120}" for n in range(100))
        page = await world.browser().get(authorization(), cookie=f"{slots}; {SID}={sid}")
        assert page.status_code == 303
        assert len(page.headers.get_list("set-cookie")) <= 25

    play(scene)


def test_what_we_set_stays_small_whatever_a_browser_is_made_to_start() -> None:
    """Forty logins and tiles, each by a foreign page: five cookies of a kind, two kilobytes in all."""

    async def scene(world: World) -> None:
        browser = world.browser()
        for _ in range(20):
            sent = await browser.get(authorization(), cross_site=True)
            for line in sent.headers.get_list("set-cookie"):
                assert len(line) < 256, line
            await world.tile(browser)
        await browser.get(location(await world.answer(browser, sent)), cross_site=True)
        await browser.get(authorization())
        assert len(browser.names("__Host-vst-login-")) <= 5
        assert len(browser.names("__Host-vst-arrival-")) <= 5
        assert sum(len(f"{name}={value}; ") for name, (value, _) in browser.jar.items()) < 2_048

    play(scene, configuration())


def test_a_query_that_is_too_long_is_refused_and_one_at_the_limit_is_read() -> None:
    async def scene(world: World) -> None:
        base = authorization()
        short = f"{base}&padding="
        room = 16_384 - len(short.partition("?")[2])
        assert (await world.browser().get(short + "x" * room)).status_code == 303
        assert refused(await world.browser().get(short + "x" * (room + 1)), 413)

    play(scene)
