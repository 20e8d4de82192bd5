"""The three logins that are measured, step by step, as identity provider, browser and application take them."""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from bench.load import Failed, Script
from bench.responses import DOMAIN, ENTITY_ID, IDP, SSO, IdentityProvider, form
from vestibule.jose import jwt
from vestibule.saml.bindings import decode_redirect
from vestibule.saml.request import read_request

APP = "https://crm.bench.example"
CALLBACK = f"{APP}/callback"
LOGIN = f"{APP}/login"
CLIENT = "crm"
SECRET = "a-secret-that-guards-nothing-but-a-benchmark"
BASIC = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
SCOPE = "openid profile email"
FORM = "Content-Type: application/x-www-form-urlencoded"

DIRECT, DESK, PORTAL = "accept-direct", "solicited", "restart-client"
"""The connections, one for each kind of login."""


@dataclass(slots=True)
class Login:
    """One login under way: a browser with its cookies, and what the application remembers."""

    person: int
    cookies: dict[str, str] = field(default_factory=dict)
    at: str = ""
    """Where the browser was sent last."""
    state: str = ""
    nonce: str = ""
    verifier: str = ""
    tokens: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of login: its name, what happens in it, and its timed parts, each of which prepares itself untimed."""

    name: str
    says: str
    requests: int
    parts: tuple[Callable[["Scene", Login], Script], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The server, and the identity provider that it trusts."""

    issuer: str
    idp: IdentityProvider

    @property
    def host(self) -> str:
        return urlsplit(self.issuer).netloc

    # -- requests ----------------------------------------------------------------------------------------------------

    def get(self, login: Login, url: str) -> bytes:
        return f"GET {self._path(url)} HTTP/1.1\r\nHost: {self.host}\r\n{_cookies(login)}\r\n".encode()

    def acs(self, login: Login, connection: str, body: bytes) -> bytes:
        """The auto-submitted form of the identity provider's page."""
        head = (
            f"POST /login/callback?connection={connection} HTTP/1.1\r\nHost: {self.host}\r\nOrigin: {IDP}\r\n{FORM}\r\n"
            f"{_cookies(login)}Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def token(self, login: Login) -> bytes:
        """The application's exchange of the code that the browser brought."""
        if not login.at.startswith(f"{CALLBACK}?"):
            raise Failed(f"expected the application's callback, got {login.at}")
        got = parse_qs(urlsplit(login.at).query)
        if login.state and got.get("state") != [login.state]:
            raise Failed(f"expected the state that was sent, got {login.at}")
        verifier = f"&code_verifier={login.verifier}" if login.verifier else ""
        code = got["code"][0]
        body = f"grant_type=authorization_code&code={code}&redirect_uri={quote(CALLBACK, safe='')}{verifier}"
        return (
            f"POST /oauth/token HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Basic {BASIC}\r\n{FORM}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def _path(self, url: str) -> str:
        if not url.startswith(self.issuer):
            raise Failed(f"expected an address of the server, got {url}")
        return url[len(self.issuer) - 1 :]

    # -- parts of logins, each timed as a whole; what stands before the inner function is not ----------------------------

    def direct(self, login: Login) -> Script:
        """`accept` with `direct`: the response is posted, the answer brings the code, the application redeems it."""
        posted = self.acs(login, DIRECT, form(self.idp.response(login.person, connection=DIRECT), None))

        def part() -> Script:
            login.at = (yield posted).location()
            yield from _redeem(self, login)

        return part()

    def ring(self, login: Login) -> Script:
        """`restart` with `client`: the doorbell, the hop to the application, its request, and on to the provider."""
        posted = self.acs(login, PORTAL, form(self.idp.response(login.person, connection=PORTAL), None))
        asking = _authorize(self, login, PORTAL)

        def part() -> Script:
            answer = yield posted
            _keep(login, answer.values(b"set-cookie"))
            answer = yield self.get(login, answer.location())
            _keep(login, answer.values(b"set-cookie"))
            if not answer.location().startswith(f"{LOGIN}?"):
                raise Failed(f"expected the application's login address, got {answer.location()}")
            answer = yield self.get(login, asking)
            _keep(login, answer.values(b"set-cookie"))
            login.at = answer.location()

        return part()

    def ask(self, login: Login) -> Script:
        """The application's request, answered by a redirect to the identity provider."""
        asking = self.get(login, _authorize(self, login, DESK))

        def part() -> Script:
            answer = yield asking
            _keep(login, answer.values(b"set-cookie"))
            login.at = answer.location()

        return part()

    def answered(self, login: Login, connection: str) -> Script:
        """The fresh answer is posted, the hop where cookies are whole, the code, the exchange."""
        if not login.at.startswith(f"{SSO}?"):
            raise Failed(f"expected the identity provider, got {login.at}")
        sent = parse_qs(urlsplit(login.at).query)
        request = read_request(decode_redirect(sent["SAMLRequest"][0]))
        response = self.idp.response(login.person, connection=connection, in_response_to=request.id)
        posted = self.acs(login, connection, form(response, sent["RelayState"][0]))

        def part() -> Script:
            answer = yield posted
            _keep(login, answer.values(b"set-cookie"))
            login.at = (yield self.get(login, answer.location())).location()
            yield from _redeem(self, login)

        return part()


KINDS: tuple[Kind, ...] = (
    Kind(
        name="accept, direct",
        says="post of an unsolicited response -> code -> tokens",
        requests=2,
        parts=(Scene.direct,),
    ),
    Kind(
        name="solicited",
        says="/authorize -> AuthnRequest -> post of its answer -> continue -> code -> tokens (PKCE, state, nonce)",
        requests=4,
        parts=(Scene.ask, lambda scene, login: scene.answered(login, DESK)),
    ),
    Kind(
        name="restart, client",
        says="post of an unsolicited response -> continue -> application -> all of a solicited login",
        requests=6,
        parts=(Scene.ring, lambda scene, login: scene.answered(login, PORTAL)),
    ),
)


def configuration(idp: IdentityProvider) -> dict[str, Any]:
    """What `vestibule serve --config` applies: one application, and a connection for each kind of login."""
    tiles = {"enabled": True, "default_application": CLIENT}
    accepting = {
        **tiles,
        "unsolicited": "accept",
        "delivery": "direct",
        "accept_login_csrf_risk": True,
        "accept_application_login_csrf_risk": True,
        "parameters": {"redirect_uri": CALLBACK, "scope": SCOPE},
    }
    return {
        "applications": [
            {
                "client_id": CLIENT,
                "name": "CRM",
                "type": "web",
                "client_secret": SECRET,
                "redirect_uris": [CALLBACK],
                "initiate_login_uri": LOGIN,
            }
        ],
        "connections": [
            _connection(idp, DIRECT, accepting, [{"name": DOMAIN, "verified": True}]),
            _connection(idp, DESK, {}, []),
            _connection(idp, PORTAL, tiles, []),
        ],
    }


def _connection(
    idp: IdentityProvider, name: str, idp_initiated: Mapping[str, Any], domains: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "name": name,
        "idp": {"entity_id": ENTITY_ID, "sso_url": SSO, "certificates": [idp.certificate]},
        "applications": [CLIENT],
        "domains": domains,
        "idp_initiated": dict(idp_initiated),
    }


def check(login: Login, scene: Scene, keys: bytes) -> None:
    """Proves on one finished login that it was a real one: the ID token's signature and claims."""
    claims = jwt.read(json.loads(login.tokens)["id_token"], json.loads(keys)["keys"], ("RS256",))
    want = {"iss": scene.issuer, "aud": CLIENT, **({"nonce": login.nonce} if login.nonce else {})}
    if {name: claims.get(name) for name in want} != want or "email" not in claims or "connection" not in claims:
        raise Failed(f"the ID token does not say what it must: {claims}")


def _redeem(scene: Scene, login: Login) -> Script:
    answer = yield scene.token(login)
    if answer.status != 200 or b'"id_token"' not in answer.body or b'"access_token"' not in answer.body:
        raise Failed(f"expected tokens, got {answer.status}: {answer.body[:2000].decode('utf-8', 'replace')}")
    login.tokens = answer.body


def _authorize(scene: Scene, login: Login, connection: str) -> str:
    """The address of the application's authorization request, which names the connection."""
    login.state, login.nonce = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    login.verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(sha256(login.verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": CLIENT,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": SCOPE,
        "state": login.state,
        "nonce": login.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "connection": connection,
    }
    return f"{scene.issuer}authorize?{urlencode(asked)}"


def _cookies(login: Login) -> str:
    if not login.cookies:
        return ""
    return "Cookie: " + "; ".join(f"{name}={value}" for name, value in login.cookies.items()) + "\r\n"


def _keep(login: Login, lines: Any) -> None:
    for line in lines:
        name, _, value = line.partition(";")[0].partition("=")
        if "; Max-Age=0" in line:
            login.cookies.pop(name, None)
        else:
            login.cookies[name] = value
