"""CRM, a traditional web application: a confidential OpenID Connect client [OIDC Core 3.1, 4], in its own few lines.

It does what a careful application does, and says so on its pages; and it has one callback that accepts codes it never
asked for, because `direct` delivery needs such a thing.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import httpx2
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from vestibule.demo.configuration import DIRECT_STATE
from vestibule.demo.journey import Hop, Journey
from vestibule.demo.people import MALLORY
from vestibule.demo.places import Places
from vestibule.demo.scenarios import DEEP_LINK
from vestibule.demo.site import Render, build, cookie, plain, renderer
from vestibule.ground.clock import Clock
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.ground.hashing import b64url, same
from vestibule.jose import jwt

CLIENT_ID = "crm"
SCOPE = "openid profile email"
SESSION_COOKIE, STARTED_COOKIE = "crm-session", "crm-started"
T = TypeVar("T")
MOST = 200
"""How many sessions and started logins are remembered; the oldest goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A login that CRM started in one browser, and what must come back with it."""

    state: str
    nonce: str
    verifier: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who is signed in, and how they got here: `hops` are filled in when the first page of theirs is shown."""

    claims: Mapping[str, Any]
    delivery: str
    title: str
    hops: tuple[Hop, ...] = ()

    @property
    def name(self) -> str:
        return str(self.claims.get("name") or self.claims.get("email") or self.claims["sub"])

    @property
    def is_the_attacker(self) -> bool:
        return self.claims.get("email") == MALLORY.email


class Turned(Exception):
    """CRM turns a login down: `heading` and `why` are for the person."""

    def __init__(self, heading: str, why: str) -> None:
        super().__init__(heading)
        self.heading = heading
        self.why = why


class Crm:
    """The application. `http` reaches Vestibule's back channel on this machine."""

    def __init__(
        self,
        *,
        places: Places,
        journey: Journey,
        secret: str,
        http: httpx2.AsyncClient,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._places = places
        self._journey = journey
        self._secret = secret
        self._http = http
        self._clock = clock
        self._entropy = entropy
        self._render: Render = renderer(places, places.crm, journey)
        self._sessions: dict[str, Account] = {}
        self._started: dict[str, Started] = {}

    def app(self) -> ASGIApp:
        routes = [
            Route("/", self.home),
            Route("/login", self.login),
            Route("/callback", self.callback),
            Route("/direct/callback", self.direct_callback),
            Route("/app/{rest:path}", self.account),
            Route("/logout", self.logout, methods=["POST"]),
        ]
        return build(routes, place=self._places.crm, places=self._places, journey=self._journey)

    async def home(self, request: Request) -> Response:
        return self._render("crm_home.html", account=self._account(request))

    async def login(self, request: Request) -> Response:
        """Third-party-initiated login [OIDC Core 4]: whoever sends the browser here, the request is CRM's own."""
        asked = plain(request)
        if asked.get("iss", self._places.issuer) != self._places.issuer:
            return self._turned("That is not our sign-in service", "CRM was sent here with the name of another issuer.")
        if "iss" not in asked:
            self._journey.start("You opened CRM by yourself")
        started = Started(
            state=self._entropy.token(),
            nonce=self._entropy.token(),
            verifier=self._entropy.token(48),
            target=self._own_link(asked.get("target_link_uri")),
        )
        handle = self._entropy.token()
        _remember(self._started, handle, started)
        response = RedirectResponse(self._authorization_url(started, asked.get("login_hint")), 303)
        cookie(response, STARTED_COOKIE, handle)
        return response

    async def callback(self, request: Request) -> Response:
        """The answer to CRM's own request: state first [RFC 6749 10.12], then issuer [RFC 9207], then the code."""
        answer = plain(request)
        started = self._started.pop(request.cookies.get(STARTED_COOKIE, ""), None)
        try:
            if started is None or not same(started.state, answer.get("state", "")):
                raise Turned(
                    "This login was not started in this browser",
                    "A code arrived whose state does not belong to this browser. Somebody else may have started that login, so "
                    "CRM did not touch the code. Nobody was signed in.",
                )
            account = await self._redeem(answer, "/callback", started)
        except Turned as turned:
            return self._turned(turned.heading, turned.why)
        return self._welcome(account, started.target)

    async def direct_callback(self, request: Request) -> Response:
        """For `direct` delivery. The state is the same for everybody: it keeps strays out, and no attacker."""
        answer = plain(request)
        try:
            if not same(DIRECT_STATE, answer.get("state", "")):
                raise Turned("This is not a login of ours", "The state is not the one agreed with Vestibule.")
            account = await self._redeem(answer, "/direct/callback", None)
        except Turned as turned:
            return self._turned(turned.heading, turned.why)
        return self._welcome(account, "/app/")

    async def account(self, request: Request) -> Response:
        account = self._account(request)
        if account is None:
            target = f"{self._places.crm.origin}{request.url.path}"
            return RedirectResponse(f"/login?{urlencode({'target_link_uri': target})}", 303)
        if not account.hops:
            account = replace(account, hops=tuple(hop for hop in self._journey.hops if hop.status is not None))
            self._sessions[request.cookies[SESSION_COOKIE]] = account
        return self._render(
            "crm_account.html",
            account=account,
            deal=request.url.path == DEEP_LINK,
            mallory=MALLORY,
            victim=account.is_the_attacker,
        )

    async def logout(self, request: Request) -> Response:
        """Ends CRM's session, then Vestibule's [OIDC RP-Initiated Logout 2]."""
        self._sessions.pop(request.cookies.get(SESSION_COOKIE, ""), None)
        asked = {"client_id": CLIENT_ID, "post_logout_redirect_uri": f"{self._places.crm.origin}/"}
        response = RedirectResponse(f"{self._places.issuer}oidc/logout?{urlencode(asked)}", 303)
        response.delete_cookie(SESSION_COOKIE, path="/")
        return response

    # -- the steps ---------------------------------------------------------------------------------------------------

    def _authorization_url(self, started: Started, login_hint: str | None) -> str:
        asked = {
            "client_id": CLIENT_ID,
            "redirect_uri": f"{self._places.crm.origin}/callback",
            "response_type": "code",
            "scope": SCOPE,
            "state": started.state,
            "nonce": started.nonce,
            "code_challenge": b64url(hashlib.sha256(started.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        if login_hint:
            asked["login_hint"] = login_hint
        return f"{self._places.issuer}authorize?{urlencode(asked)}"

    def _own_link(self, target: str | None) -> str:
        """A deep link, only below /app/ of this very origin; CRM does not leave that to others."""
        below = f"{self._places.crm.origin}/app/"
        if target is None or not target.startswith(below) or ".." in target or "\\" in target:
            return "/app/"
        return quote(target.removeprefix(self._places.crm.origin), safe="/?&=%")

    async def _redeem(self, answer: Mapping[str, str], path: str, started: Started | None) -> Account:
        """The code for an ID token [RFC 6749 4.1.3], and the ID token for an account [OIDC Core 3.1.3.7]."""
        if "error" in answer:
            raise Turned("The login did not go through", answer.get("error_description") or answer["error"])
        if answer.get("iss") != self._places.issuer:
            raise Turned("That is not our sign-in service", "The answer names another issuer [RFC 9207].")
        form = {
            "grant_type": "authorization_code",
            "code": answer.get("code", ""),
            "redirect_uri": f"{self._places.crm.origin}{path}",
        }
        if started is not None:
            form["code_verifier"] = started.verifier
        response = await self._http.post(
            f"{self._places.issuer}oauth/token", data=form, headers={"Authorization": self._basic()}
        )
        if response.status_code != 200:
            raise Turned(
                "The code is no longer good",
                "Vestibule did not take it: a code works once, for a minute. Go back to the portal and click the tile again.",
            )
        claims = await self._verified(str(response.json()["id_token"]), started)
        return Account(claims=claims, delivery="client" if started else "direct", title=self._journey.title)

    async def _verified(self, id_token: str, started: Started | None) -> Mapping[str, Any]:
        keys = (await self._http.get(f"{self._places.issuer}.well-known/jwks.json")).json()["keys"]
        try:
            claims: Mapping[str, Any] = jwt.read(id_token, keys, ("RS256",))
        except Refused as refused:
            raise Turned("The ID token is not genuine", refused.why) from refused
        now = self._clock.now().timestamp()
        nonce = started.nonce if started else None
        if (
            claims.get("iss") != self._places.issuer
            or claims.get("aud") != CLIENT_ID
            or claims.get("nonce") != nonce
            or not claims["iat"] - 60 <= now < claims["exp"]
        ):
            raise Turned("The ID token is not for this login", "Issuer, audience, nonce or time do not fit.")
        return claims

    def _basic(self) -> str:
        """client_secret_basic; both halves form-encoded first [RFC 6749 2.3.1]."""
        pair = f"{quote(CLIENT_ID, safe='')}:{quote(self._secret, safe='')}"
        return "Basic " + base64.b64encode(pair.encode()).decode("ascii")

    def _welcome(self, account: Account, target: str) -> Response:
        handle = self._entropy.token()
        _remember(self._sessions, handle, account)
        response = RedirectResponse(target, 303)
        cookie(response, SESSION_COOKIE, handle)
        response.delete_cookie(STARTED_COOKIE, path="/")
        return response

    def _account(self, request: Request) -> Account | None:
        return self._sessions.get(request.cookies.get(SESSION_COOKIE, ""))

    def _turned(self, heading: str, why: str) -> Response:
        return self._render(
            "crm_turned.html", status=400, heading=heading, why=why, hops_so_far=tuple(self._journey.hops)
        )


def _remember(things: dict[str, T], handle: str, thing: T) -> None:
    things[handle] = thing
    while len(things) > MOST:
        del things[next(iter(things))]
