"""One login after another, as identity provider, browser and application: every mode, every hop by way of the balancer, and
what attackers and impatient people add to it."""

import asyncio
import base64
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx2
from bench.responses import ENTITY_ID, IDP, SSO
from tests.nodes.book import Assertion, Book, Login, Once, Refusal
from tests.nodes.provider import Provider
from tests.wire.attacker import CHALLENGE, VERIFIER
from tests.wire.test_road import claims_of
from tests.wire.world import WireBrowser, fields, moved_to, parameters

from vestibule.saml.bindings import decode_redirect
from vestibule.saml.request import read_request

APP = "https://crm.nodes.example"
CALLBACK, DIRECT, LOGIN, OUT = f"{APP}/callback", f"{APP}/direct", f"{APP}/login", f"{APP}/"
SECRET = "a-secret-that-guards-nothing-but-a-test"
BASIC = "Basic " + base64.b64encode(f"crm:{SECRET}".encode()).decode()
LATE = 8.0
"""Seconds after which the second use of a refresh token, at the same moment as the first, may come to be taken for theft."""
BOUND = 45.0
"""Seconds after which a hop counts as hanging: the balancer waits for fifteen, at most three nodes one after another."""

MODES: Mapping[str, Mapping[str, Any]] = {
    "solicited": {},
    "restart-client": {"unsolicited": "restart"},
    "restart-direct": {"unsolicited": "restart", "delivery": "direct"},
    "confirm-client": {"unsolicited": "confirm"},
    "confirm-direct": {"unsolicited": "confirm", "delivery": "direct"},
    "accept-client": {"unsolicited": "accept"},
    "accept-direct": {"unsolicited": "accept", "delivery": "direct"},
}
"""Each is a connection of its own, with this policy."""


def configuration(idp: Provider, *more: str) -> dict[str, Any]:
    """One application, a connection for each mode, and `more` connections."""
    application = {
        "client_id": "crm",
        "name": "CRM",
        "type": "web",
        "client_secret": SECRET,
        "redirect_uris": [CALLBACK, DIRECT],
        "post_logout_redirect_uris": [OUT],
        "initiate_login_uri": LOGIN,
    }
    policies: dict[str, Mapping[str, Any]] = {**MODES, **{name: {} for name in more}}
    return {"applications": [application], "connections": [_connection(idp, *named) for named in policies.items()]}


def _connection(idp: Provider, name: str, policy: Mapping[str, Any]) -> dict[str, Any]:
    tiles: dict[str, Any] = {}
    if policy:
        tiles = {"enabled": True, "default_application": "crm", **policy}
        if policy.get("delivery") == "direct":
            scope = "openid profile email offline_access"
            tiles |= {
                "parameters": {"redirect_uri": DIRECT, "scope": scope},
                "accept_application_login_csrf_risk": True,
            }
        if policy["unsolicited"] == "accept":
            tiles |= {"accept_login_csrf_risk": True}
    return {
        "name": name,
        "idp": {"entity_id": ENTITY_ID, "sso_url": SSO, "certificates": [idp.certificate]},
        "applications": ["crm"],
        "idp_initiated": tiles,
    }


@dataclass
class Street:
    """Where the visitors come from: one identity provider, any number of browsers, one application."""

    issuer: str
    idp: Provider
    book: Book
    transport: httpx2.AsyncBaseTransport
    dice: random.Random
    modes: Sequence[str] = tuple(MODES)
    mischief: bool = True
    """Whether anything is done twice: responses posted again, codes and tokens used again."""

    def visit(self) -> "Visit":
        return Visit(self, self.book.begin(self.dice.choice(self.modes)))


@dataclass
class Visit:
    """One login and what is done with it; every answer goes into the book."""

    street: Street
    login: Login
    browser: WireBrowser = field(init=False)
    machine: WireBrowser = field(init=False)

    def __post_init__(self) -> None:
        self.browser, self.machine = self._browser(), self._browser()

    def _browser(self) -> WireBrowser:
        street = self.street
        client = httpx2.AsyncClient(
            transport=street.transport, base_url=street.issuer, timeout=BOUND, trust_env=False, follow_redirects=False
        )
        return WireBrowser(client)

    async def happen(self) -> None:
        """The whole login, and perhaps more. A refusal ends it."""
        try:
            await self._redeem(await self._sign_in())
            await self._afterwards()
        except Refusal as refusal:
            self.login.failed = refusal
        self.login.jar = dict(self.browser.jar)

    # -- hops ---------------------------------------------------------------------------------------------------------

    async def _hop(self, name: str, wanted: int, ask: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
        began = time.monotonic()
        try:
            answer = await ask()
        except httpx2.HTTPError as error:
            raise self.street.book.unanswered(self.login, name, error) from error
        return self.street.book.judged(self.login, name, wanted, answer, time.monotonic() - began)

    async def _patient(self, name: str, wanted: int, ask: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
        """A hop that people try once more when it fails, as often as not."""
        try:
            return await self._hop(name, wanted, ask)
        except Refusal as refusal:
            if not refusal.unknown or self.street.dice.random() < 0.5:
                raise
        await asyncio.sleep(0.3)
        return await self._hop(f"{name} again", wanted, ask)

    async def _get(self, name: str, url: str, wanted: int = 303) -> httpx2.Response:
        return await self._patient(name, wanted, lambda: self.browser.get(url, cross_site=True))

    # -- the browser and the identity provider ----------------------------------------------------------------------------

    async def _sign_in(self) -> str:
        """The address at the application that the browser ends up at, with a code."""
        mode = self.login.mode
        if mode == "solicited":
            return await self._asked((await self._get("authorize", self._request())).headers["location"])
        rung = (await self._respond(None)).headers["location"]
        if mode == "accept-direct":
            return str(rung)
        if mode.startswith("confirm"):
            at = await self._confirmed(await self._get("continue", rung, 200))
        else:
            at = (await self._get("continue", rung)).headers["location"]
        if mode.endswith("client"):
            self._expect(at, LOGIN)
            at = (await self._get("authorize", self._request())).headers["location"]
        return await self._asked(at) if mode.startswith("restart") else str(at)

    def _request(self) -> str:
        asked = {
            "client_id": "crm",
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid profile email offline_access",
            "state": "a-state",
            "nonce": "a-nonce",
            "connection": self.login.mode,
            **CHALLENGE,
        }
        return f"/authorize?{urlencode(asked)}"

    async def _asked(self, at: str) -> str:
        """The identity provider answers the AuthnRequest that the browser brings."""
        self._expect(at, SSO)
        request = read_request(decode_redirect(parameters(at)["SAMLRequest"]))
        landed = (await self._respond(request.id)).headers["location"]
        return str((await self._get("continue", landed)).headers["location"])

    async def _confirmed(self, page: httpx2.Response) -> str:
        form = {**fields(page), "decision": "yes"}
        origin = self.street.issuer.rstrip("/")
        answer = await self._hop("confirm", 200, lambda: self.browser.post("/login/confirm", form, origin=origin))
        return moved_to(answer)

    async def _respond(self, request: str | None) -> httpx2.Response:
        """A fresh response is posted; now and then twice at once, or once more when it has been taken."""
        street = self.street
        octets = street.idp.response(self.login.number, connection=self.login.mode, in_response_to=request)
        form = {"SAMLResponse": base64.b64encode(octets).decode(), "RelayState": "whatever"}
        assertion = Assertion()
        self.login.assertions.append(assertion)
        if street.mischief and street.dice.random() < 0.2:
            return await self._race(assertion, form)
        try:
            answer = await self._post(assertion, form)
        except Refusal as refusal:
            if not refusal.unknown or street.dice.random() < 0.5:
                raise
            await asyncio.sleep(0.3)
            return await self._post(assertion, form)
        if street.mischief and street.dice.random() < 0.2:
            with suppress(Refusal):
                await self._post(assertion, form, self._stranger())
        return answer

    def _stranger(self) -> WireBrowser:
        """Somebody who has the response and all cookies of this browser."""
        other = self._browser()
        other.jar = dict(self.browser.jar)
        return other

    async def _race(self, assertion: Assertion, form: Mapping[str, str]) -> httpx2.Response:
        """The same response twice at the same moment: the answer that leads on, if any does."""
        found = await asyncio.gather(self._post(assertion, form), self._post(assertion, form), return_exceptions=True)
        for one in found:
            if isinstance(one, httpx2.Response):
                return one
        raise found[0] if isinstance(found[0], BaseException) else AssertionError(found)

    async def _post(
        self, assertion: Assertion, form: Mapping[str, str], browser: WireBrowser | None = None
    ) -> httpx2.Response:
        path = f"/login/callback?connection={self.login.mode}"
        by = browser or self.browser
        try:
            answer = await self._hop("response", 303, lambda: by.post(path, form, origin=IDP, cross_site=True))
        except Refusal as refusal:
            if refusal.by == "page" and not refusal.unknown:
                assertion.refused.append(refusal.said)
            else:
                assertion.unknown += 1
            raise
        assertion.accepted += 1
        return answer

    def _expect(self, at: str, where: str) -> None:
        if not at.startswith(f"{where}?"):
            self.street.book.unclear.append(f"{self.login.mode} led to {at} instead of {where}")
            raise Refusal("redirect", 303, "nobody", "astray")

    # -- the application --------------------------------------------------------------------------------------------------

    async def _redeem(self, at: str) -> None:
        self._expect(at, DIRECT if self.login.mode.endswith("direct") else CALLBACK)
        code = parameters(at)["code"]
        if self.login.mode in ("solicited", "restart-client", "restart-direct", "confirm-client", "confirm-direct"):
            self.login.session = "live"
        once = self.login.codes.setdefault(code, Once())
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": at.partition("?")[0]}
        if self.login.mode.endswith("client") or self.login.mode == "solicited":
            form["code_verifier"] = VERIFIER
        twice = self.street.mischief and self.street.dice.random() < 0.15
        for answer in await self._shown("code", once, form, times=2 if twice else 1):
            self.login.completed += 1
            self._received(answer)
        if not once.granted:
            raise Refusal("code", 400, "json", "nothing was granted")
        if once.refused:
            self.login.revoked = True

    async def _shown(self, what: str, once: Once, form: Mapping[str, str], *, times: int = 1) -> list[httpx2.Response]:
        """The answers that grant something, of showing a code or token so many times at once; all are noted."""
        began = time.monotonic()
        found = await asyncio.gather(*(self._token(what, once, form) for _ in range(times)), return_exceptions=True)
        granted = [one for one in found if isinstance(one, httpx2.Response)]
        others = [one for one in found if isinstance(one, BaseException)]
        for one in others:
            if not isinstance(one, Refusal):
                raise one
        late = time.monotonic() - began > LATE
        if times > 1 and (late or any(isinstance(one, Refusal) and one.unknown for one in others)):
            self.login.doubt = True
        if others and not granted:
            raise others[0]
        return granted

    async def _token(self, what: str, once: Once, form: Mapping[str, str]) -> httpx2.Response:
        try:
            answer = await self._hop(
                what, 200, lambda: self.machine.post("/oauth/token", form, origin=None, authorization=BASIC)
            )
        except Refusal as refusal:
            if refusal.unknown:
                once.unknown += 1
            else:
                once.refused += 1
            raise
        once.granted += 1
        return answer

    def _received(self, answer: httpx2.Response) -> None:
        got = answer.json()
        self.login.access = got["access_token"]
        self.login.refresh = got.get("refresh_token", "")
        if "id_token" in got:
            self.login.person = claims_of(got["id_token"])["sub"]

    async def _afterwards(self) -> None:
        """What an application does with its tokens, and a person with the session."""
        dice = self.street.dice
        if self.login.revoked or self.login.doubt:
            return
        bearer = {"authorization": f"Bearer {self.login.access}"}
        with suppress(Refusal):
            await self._hop("userinfo", 200, lambda: self.machine.get("/userinfo", **bearer))
        for _ in range(dice.choice((0, 0, 1, 2))):
            if self.login.refresh:
                with suppress(Refusal):
                    await self._refresh(times=2 if self.street.mischief and dice.random() < 0.3 else 1)
        if self.login.session == "live" and dice.random() < 0.15:
            await self._sign_out()

    async def _refresh(self, *, times: int) -> None:
        """One rotation, or two of the same token at once: of those one is refused, and nothing more comes of it."""
        shown, self.login.refresh = self.login.refresh, ""
        once = self.login.refreshes.setdefault(shown, Once())
        form = {"grant_type": "refresh_token", "refresh_token": shown}
        for answer in await self._shown("refresh", once, form, times=times):
            self._received(answer)

    async def _sign_out(self) -> None:
        self.login.session = "unknown"
        url = "/v2/logout?" + urlencode({"client_id": "crm", "returnTo": OUT})
        before = dict(self.browser.jar)
        with suppress(Refusal):
            await self._hop("sign-out", 303, lambda: self.browser.get(url, cross_site=True))
            self.login.session = "ended"
            self.browser.jar = before  # who kept the cookie gets nothing with it
