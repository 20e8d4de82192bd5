"""Attack table B18: a login breaks off at every one of its writes, before it and after it; never two sessions or codes, and a way on."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2
import pytest
from structlog.testing import capture_logs
from tests.wire.attacker import CALLBACK, basic
from tests.wire.world import (
    ADA,
    WireBrowser,
    World,
    authorization,
    code_of,
    configuration,
    fields,
    location,
    moved_to,
    parameters,
    play,
)

from vestibule.flows.browser import hold
from vestibule.store.memory import MemoryStore
from vestibule.store.port import StoreUnavailable

WRITES: dict[str, tuple[str, ...]] = {
    "": ("keep",),
    "assertions": ("claim",),
    "pending": ("answer",),
    "arrivals": ("confirm", "take"),
    "outcomes": ("take",),
    "people": ("settle",),
    "sessions": ("touch",),
    "codes": ("take",),
    "tokens": ("rotate",),
}
"""Every method of the port by which a login writes."""


class Killed(Exception):
    """The process is gone: no refusal, no answer."""


@dataclass
class Fault:
    """Breaks the `at`-th write: before it is made, or when it was made and nobody has heard of it yet."""

    at: int | None = None
    after: bool = False
    kind: type[Exception] = Killed
    writes: int = 0

    async def around(self, write: Callable[[], Awaitable[Any]]) -> Any:
        self.writes += 1
        if self.writes != self.at:
            return await write()
        if self.after:
            await write()
        raise self.kind("broken off") if self.kind is Killed else StoreUnavailable("broken off")


class _Broken:
    """One noun of the store, whose writes go through the fault."""

    def __init__(self, noun: Any, names: tuple[str, ...], fault: Fault) -> None:
        self._noun, self._names, self._fault = noun, names, fault

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._noun, name)
        if name not in self._names:
            return method

        async def write(*arguments: Any, **named: Any) -> Any:
            return await self._fault.around(lambda: method(*arguments, **named))

        return write


class BreakingStore(MemoryStore):
    """A store that breaks where it is told to; `tables` is what it really holds."""

    def __init__(self, fault: Fault) -> None:
        super().__init__()
        self.fault = fault
        self.tables = self._tables()
        for noun, names in WRITES.items():
            if noun:
                setattr(self, noun, _Broken(getattr(self, noun), names, fault))

    def _tables(self) -> Any:
        return self._t

    async def keep(self, *records: Any) -> None:
        await self.fault.around(lambda: MemoryStore.keep(self, *records))


def test_b18_every_write_of_the_port_is_broken_somewhere() -> None:
    """The list above is whole: a noun or method that writes and is not in it would never be broken off."""
    store = MemoryStore()
    reads = {
        "find",
        "held",
        "claimed",
        "restarts",
        "access",
        "refresh",
        "grants",
        "waiting",
        "connection",
        "connections",
        "revision",
    }
    reads |= {
        "connection_by_domain",
        "application",
        "applications",
        "installation",
        "all",
        "of",
        "by_reference",
        "latest",
        "known",
        "sealed_by",
        "is_resealed_whole",
    }
    operators = {"apply", "block", "seal_check", "fact", "note", "change", "reseal", "reseal_on"}
    operators |= {"open", "close", "ready", "sweep"}
    for noun in ("", *(name for name in vars(store) if not name.startswith("_"))):
        thing = getattr(store, noun) if noun else store
        methods = {name for name, _ in inspect.getmembers(thing, inspect.iscoroutinefunction)}
        assert methods - reads - operators == set(WRITES.get(noun, ())), noun


Hop = Callable[[World, WireBrowser], Awaitable[httpx2.Response]]


async def redeem(world: World, answer: httpx2.Response) -> httpx2.Response:
    """The application redeems what it was sent, by whatever page or redirect."""
    url = moved_to(answer) if answer.status_code == 200 else location(answer)
    return await world.redeem(parameters(url)["code"])


async def broken_once(world: World, once: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
    """One hop; where it broke, the browser (or the client) asks once more, as people do."""
    answer = await once()
    if answer.status_code >= 500 or "temporarily_unavailable" in answer.headers.get("location", ""):
        assert answer.status_code in (303, 500, 503)
        answer = await once()
    return answer


async def asked_login(world: World, browser: WireBrowser) -> httpx2.Response:
    """The application asks: request, answer, hop, code, tokens, a refresh."""
    wish = authorization(scope="openid offline_access")
    sent = await broken_once(world, lambda: browser.get(wish, cross_site=True))
    response = world.saml_response(ADA, in_response_to=request_of(sent))
    landed = await broken_once(world, lambda: post(browser, response))
    if landed.status_code != 303:
        return landed
    answer = await broken_once(world, lambda: browser.get(location(landed), cross_site=True))
    if answer.status_code != 303:
        return answer
    redeemed = await broken_once(world, lambda: redeem(world, answer))
    if redeemed.status_code != 200:
        return redeemed
    return await broken_once(world, lambda: refresh(world, redeemed.json()["refresh_token"]))


async def tile_login(world: World, browser: WireBrowser) -> httpx2.Response:
    """The portal's tile under `confirm`: post, question, yes, code, tokens."""
    response = world.saml_response(ADA)
    landed = await broken_once(world, lambda: post(browser, response))
    if landed.status_code != 303:
        return landed
    question = await broken_once(world, lambda: browser.get(location(landed), cross_site=True))
    form = {**fields(question), "decision": "yes"}
    answer = await broken_once(world, lambda: browser.post("/login/confirm", form))
    if answer.status_code != 200:
        return answer
    return await broken_once(world, lambda: redeem(world, answer))


async def post(browser: WireBrowser, response: str) -> httpx2.Response:
    form = {"SAMLResponse": response}
    return await browser.post(
        "/login/callback?connection=acme", form, origin="https://idp.acme.example", cross_site=True
    )


async def refresh(world: World, token: str) -> httpx2.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return await world.browser().post("/oauth/token", form, origin=None, authorization=basic())


def request_of(sent: httpx2.Response) -> str:
    return parameters(location(sent))["RelayState"]


ROADS: dict[str, tuple[Hop, dict[str, Any]]] = {
    "asked": (asked_login, {}),
    "tile": (
        tile_login,
        {"unsolicited": "confirm", "delivery": "direct", "accept_application_login_csrf_risk": True},
    ),
}


def held(tables: Any, browser: WireBrowser) -> int:
    """How many live sessions this browser has the cookie of."""
    cookie = browser.jar.get("__Host-vst-sid", ("", ""))[0]
    return len([session for session in tables.sessions.values() if session.cookie == hold(cookie)])


def broken(road: str, fault: Fault) -> tuple[int, list[int]]:
    """Plays the road with this fault, then what must hold whatever broke; how many writes were made, and the statuses."""
    login, policy = ROADS[road]
    made: list[int] = []
    statuses: list[int] = []
    store = BreakingStore(Fault())

    async def scene(world: World) -> None:
        before = len(store.tables.people)
        fault.writes = 0
        store.fault.at, store.fault.after, store.fault.kind, store.fault.writes = fault.at, fault.after, fault.kind, 0
        browser = world.browser()
        answer = await login(world, browser)
        statuses.append(answer.status_code)
        made.append(store.fault.writes)
        store.fault.at = None
        tables = store.tables
        # A session whose cookie was lost with the answer is nobody's: what counts is what the browser holds.
        assert held(tables, browser) <= 1
        assert len(tables.people) - before <= 1
        codes = list(tables.codes.values())
        assert len({code.grant.id for code in codes if code.taken_at is not None}) <= 1
        assert len(tables.assertions) <= 1
        live = [grant for grant in tables.grants.values() if grant.id not in tables.revoked]
        assert len(live) <= 1
        fresh = [token for token in tables.refresh_tokens.values() if token.taken_at is None]
        assert len([token for token in fresh if token.grant not in tables.revoked]) <= 1
        assert len(codes) <= 2
        # Nothing is stuck: the same browser starts again, and is in.
        world.clock.advance(121)
        sent = await browser.get(authorization(prompt="login"), cross_site=True)
        now = world.clock.now()
        landed = location(await world.answer(browser, sent, ADA, authn_instant=now))
        code = code_of(await browser.get(landed, cross_site=True), CALLBACK)
        assert (await world.redeem(code)).status_code == 200
        assert len(tables.people) - before == 1
        assert held(tables, browser) == 1

    with capture_logs():  # tracebacks are slow to draw
        play(scene, configuration(**policy), make=lambda: store)
    return made[0], statuses


@cache
def writes_of(road: str) -> int:
    made, statuses = broken(road, Fault())
    assert statuses == [200]
    return made


@pytest.mark.parametrize(
    ("after", "kind"), [(False, Killed), (False, StoreUnavailable), (True, Killed)], ids=["killed", "down", "unheard"]
)
@pytest.mark.parametrize("road", ROADS)
def test_b18_whichever_write_a_login_breaks_off_at_there_is_one_session_at_most_and_a_way_on(
    road: str, after: bool, kind: type[Exception]
) -> None:
    """Broken off before the write, by a kill or a store that is down, or after it, when nobody has heard of it yet.

    Before the write nothing has changed, so asking once more succeeds: no code, answer or token is burnt.
    """
    assert writes_of(road) >= 5
    for at in range(1, writes_of(road) + 1):
        made, statuses = broken(road, Fault(at=at, after=after, kind=kind))
        assert made >= at, f"write {at} was never reached"
        if kind is Killed and not after:
            assert statuses == [200], at


def test_b18_a_used_assertion_stays_used_though_nobody_heard_of_it() -> None:
    """The claim was made, the answer was lost: the reload is told that it was used, and starts again."""

    async def scene(world: World) -> None:
        store.fault.at, store.fault.after = store.fault.writes + 1, True
        browser = world.browser()
        response = world.saml_response(ADA)
        assert (await post(browser, response)).status_code == 500
        store.fault.at = None
        again = await post(browser, response)
        assert again.status_code == 400
        events = await store.events.latest(limit=5, kind="login.refused")
        assert [event.code for event in events] == ["saml.replayed"]

    store = BreakingStore(Fault())
    play(scene, make=lambda: store)
