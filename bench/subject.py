"""What is measured: a server, the kinds of login that it is asked for, and one login under way."""

import base64
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from bench.load import Failed, Script
from vestibule.jose import jwt
from vestibule.saml.bindings import decode_redirect
from vestibule.saml.request import read_request

APP = "https://crm.bench.example"
CALLBACK = f"{APP}/callback"
SECRET = "a-secret-that-guards-nothing-but-a-benchmark"
FORM = "Content-Type: application/x-www-form-urlencoded"


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

    def keep(self, lines: Iterable[str]) -> None:
        """The cookies that an answer sets or ends."""
        for line in lines:
            name, _, value = line.partition(";")[0].partition("=")
            if "; max-age=0" in line.lower() or "expires=thu, 01 jan 1970" in line.lower() or not value:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    def token(self, name: str) -> str:
        """One of the tokens that it ended with."""
        value = json.loads(self.tokens).get(name)
        if not isinstance(value, str) or not value:
            raise Failed(f"the answer has no {name}: {self.tokens[:500]!r}")
        return value


Part = Callable[[Login], Script]
"""Prepares a part of a login, untimed, and gives the script that is timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of login: its name, what happens in it, how many requests reach the server, its timed parts, and the proof.

    `signs` names the algorithm of the ID token; None: none is given. `prove` asks and checks, untimed, whatever shows of
    a finished login that it was a real one.
    """

    name: str
    says: str
    requests: int
    signs: str | None
    parts: tuple[Part, ...]
    prove: Callable[[Login], Script]
    warm: int = 300
    """Logins before the first that counts: every person has been here, every cache and every compiler has settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """A server that answers: its process, how long after its start it first did and what CPU that took, and its
    database's process if that is another."""

    pid: int
    start_seconds: float
    start_cpu: float
    database_pid: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A server under measurement. `version` and `keeps` say for the report what it is, and what it keeps of a login, where.

    `serve` starts it on the core that it is given; it may be called again when the server before has ended. `checks` are
    asked once, before anything is measured.
    """

    name: str
    version: str
    keeps: str
    port: int
    kinds: tuple[Kind, ...]
    serve: Callable[[int], AbstractContextManager[Up]]
    checks: tuple[Callable[[], Script], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """How a browser and an application write requests to a server."""

    port: int

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def get(self, login: Login, url: str, *, bearer: str | None = None) -> bytes:
        """`url` may be whole or a path; a whole one must be the server's own."""
        more = f"Authorization: Bearer {bearer}\r\n" if bearer else ""
        return f"GET {self.path(url)} HTTP/1.1\r\nHost: {self.host}\r\n{more}{_cookies(login)}\r\n".encode()

    def post(self, login: Login, url: str, body: bytes, *, origin: str) -> bytes:
        """A form that a page of `origin` submits."""
        head = (
            f"POST {self.path(url)} HTTP/1.1\r\nHost: {self.host}\r\nOrigin: {origin}\r\n{FORM}\r\n"
            f"{_cookies(login)}Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def exchange(self, login: Login, url: str, client: str, *, basic: bool = True) -> bytes:
        """The application's exchange of the code that the browser brought; its secret is in the header, or in the form."""
        if not login.at.startswith(f"{CALLBACK}?"):
            raise Failed(f"expected the application's callback, got {login.at}")
        got = parse_qs(urlsplit(login.at).query)
        if login.state and got.get("state") != [login.state]:
            raise Failed(f"expected the state that was sent, got {login.at}")
        body = f"grant_type=authorization_code&code={quote(got['code'][0], safe='')}&redirect_uri={quote(CALLBACK, safe='')}"
        if login.verifier:
            body += f"&code_verifier={login.verifier}"
        proof = ""
        if basic:
            pair = f"{quote(client, safe='')}:{SECRET}".encode()
            proof = f"Authorization: Basic {base64.b64encode(pair).decode()}\r\n"
        else:
            body += f"&client_id={quote(client, safe='')}&client_secret={SECRET}"
        return (
            f"POST {self.path(url)} HTTP/1.1\r\nHost: {self.host}\r\n{proof}{FORM}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def path(self, url: str) -> str:
        if url.startswith("/"):
            return url
        parts = urlsplit(url)
        if parts.netloc != self.host:
            raise Failed(f"expected an address of the server, got {url}")
        return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def redeem(site: Site, login: Login, url: str, client: str, *, basic: bool = True, signed: bool = True) -> Script:
    """The exchange, and a look at what it gave. `signed`: an ID token must be in it."""
    answer = yield site.exchange(login, url, client, basic=basic)
    wanted = (b'"access_token"', b'"id_token"') if signed else (b'"access_token"',)
    if answer.status != 200 or any(name not in answer.body for name in wanted):
        raise Failed(f"expected tokens, got {answer.status}: {answer.text()}")
    login.tokens = answer.body


def asked(login: Login, parameters: Mapping[str, str], *, pkce: bool) -> str:
    """The query of the application's authorization request, with state, nonce and perhaps a PKCE challenge of its own."""
    login.state, login.nonce = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    whole = {
        "redirect_uri": CALLBACK,
        "response_type": "code",
        **parameters,
        "state": login.state,
        "nonce": login.nonce,
    }
    if pkce:
        login.verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(sha256(login.verifier.encode()).digest()).rstrip(b"=").decode()
        whole |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    return urlencode(whole)


def requested(login: Login, sso: str) -> tuple[str, str | None]:
    """The id of the AuthnRequest that the browser carries to the identity provider, and the RelayState beside it."""
    if not login.at.startswith(f"{sso}?"):
        raise Failed(f"expected the identity provider, got {login.at}")
    sent = parse_qs(urlsplit(login.at).query)
    return read_request(decode_redirect(sent["SAMLRequest"][0])).id, sent.get("RelayState", [None])[0]


def verified(login: Login, keys: bytes, alg: str, *, want: Mapping[str, object], having: tuple[str, ...]) -> None:
    """The ID token's signature by one of these published keys, with this algorithm, and its claims."""
    claims = jwt.read(login.token("id_token"), json.loads(keys)["keys"], (alg,))
    whole = {**want, **({"nonce": login.nonce} if login.nonce else {})}
    found = {name: _plain(claims.get(name)) for name in whole}
    if found != whole or not set(having) <= set(claims):
        raise Failed(f"the ID token does not say what it must: {claims}")


def _plain(value: object) -> object:
    """A list of one is the one [RFC 7519 4.1.3]."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _cookies(login: Login) -> str:
    if not login.cookies:
        return ""
    return "Cookie: " + "; ".join(f"{name}={value}" for name, value in login.cookies.items()) + "\r\n"
