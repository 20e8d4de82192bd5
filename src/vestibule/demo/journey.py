"""The flight recorder: every hop of the last journey, over all five places, and a sentence for each.

It sees paths, parameter *names*, the Origin header, statuses and where a redirect leads; never a value. One visitor
tours at a time, so there is one recorder, and a click on a tile starts it anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vestibule.demo.places import Place

LONGEST = 60
SILENT = ("/static/", "/favicon", "/journey.json", "/.well-known/", "/config.json")
VISITOR = "your browser"
TRAVELLERS = {"vestibule-demo-mallory": "Mallory's browser", "vestibule-demo-crm": "CRM's server"}
"""Who is travelling, by the User-Agent of the tour's own clients; anybody else is the visitor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One request and its answer. `to` is where a redirect leads, without its query."""

    place: str
    title: str
    who: str
    method: str
    path: str
    names: tuple[str, ...]
    origin: str | None
    status: int
    to: str | None

    @property
    def sentence(self) -> str:
        return explain(self)

    def as_json(self) -> dict[str, object]:
        return {
            "place": self.place,
            "title": self.title,
            "who": self.who,
            "visitor": self.who == VISITOR,
            "request": f"{self.method} {self.path}" + (f" ?{' &'.join(self.names)}" if self.names else ""),
            "origin": self.origin,
            "status": self.status,
            "to": self.to,
            "sentence": self.sentence,
        }


@dataclass(slots=True)
class Journey:
    """The recorder itself: the one thing in the tour that changes while one looks."""

    title: str = "Nothing yet: click a tile in the portal"
    hops: list[Hop] = field(default_factory=list)
    number: int = 0

    def start(self, title: str) -> None:
        """A new journey: what was recorded before is forgotten."""
        self.title = title
        self.hops = []
        self.number += 1

    def add(self, hop: Hop) -> None:
        if len(self.hops) < LONGEST:
            self.hops.append(hop)

    def as_json(self) -> dict[str, object]:
        return {"number": self.number, "title": self.title, "hops": [hop.as_json() for hop in self.hops]}


SENTENCES: tuple[tuple[str, str, str, str, str], ...] = (
    # place, method, path prefix, "redirect" | "page" | "any", sentence
    ("portal", "GET", "/launch", "any", "A plain bookmark in the portal. No SAML response was made."),
    (
        "portal",
        "POST",
        "/tile",
        "any",
        "You clicked. The portal made a signed SAML response that nobody had asked for, and put it into a form "
        "that your browser posts on.",
    ),
    (
        "portal",
        "GET",
        "/sso",
        "any",
        "Vestibule asked the portal afresh, in a request with an ID that is bound to this browser. The portal knows "
        "this browser and answered at once: same form, but the answer names the request.",
    ),
    (
        "portal",
        "POST",
        "/sso",
        "any",
        "The portal was told to authenticate anew, asked for a click, and answered.",
    ),
    (
        "evil",
        "POST",
        "/bait",
        "any",
        "A foreign page. Behind the picture was a form, filled in by the attacker, and your browser posted it.",
    ),
    (
        "broker",
        "POST",
        "/login/callback",
        "redirect",
        "The SAML response arrived. Vestibule checked signature, issuer, audience, recipient, times and replay. A "
        "cross-site post carries no Lax cookies, so nothing is decided about you here; the browser is sent on.",
    ),
    ("broker", "POST", "/login/callback", "page", "The SAML response arrived, and the browser was given a page."),
    (
        "broker",
        "GET",
        "/login/continue",
        "redirect",
        "Now the browser's own cookies are there. Vestibule decided what the response is good for, and went on.",
    ),
    (
        "broker",
        "GET",
        "/login/continue",
        "page",
        "Vestibule decided to ask the person at this browser before going on. Until the click: no session, no code.",
    ),
    ("broker", "POST", "/login/", "any", "The person answered Vestibule's question."),
    ("broker", "GET", "/launch", "redirect", "Vestibule sent the browser to the application's own login address."),
    (
        "broker",
        "GET",
        "/authorize",
        "redirect",
        "The application asked: an ordinary OpenID Connect request. Vestibule answered it or, where a fresh answer "
        "is wanted, sent the browser to the portal first.",
    ),
    ("broker", "GET", "/authorize", "page", "The application asked, and Vestibule asked the person."),
    (
        "broker",
        "POST",
        "/oauth/token",
        "any",
        "The authorization code was exchanged for tokens. A code works once and names its redirect URI.",
    ),
    ("broker", "GET", "/userinfo", "any", "The application asked who has signed in."),
    ("broker", "GET", "/oidc/logout", "any", "Signing out at Vestibule."),
    (
        "crm",
        "GET",
        "/login",
        "any",
        "CRM was asked to sign somebody in and started its own request, with its own state, nonce and PKCE challenge, "
        "kept beside a cookie of this browser.",
    ),
    (
        "crm",
        "GET",
        "/callback",
        "any",
        "A code came back. CRM compared state with this browser's cookie before it touched the code.",
    ),
    (
        "crm",
        "GET",
        "/direct/callback",
        "any",
        "A code came that CRM never asked for. Its state is the same for everybody: CRM cannot tell who started this.",
    ),
    ("crm", "GET", "/app", "any", "CRM, signed in."),
    (
        "board",
        "GET",
        "/sso",
        "any",
        "Board, a page of JavaScript, was told which connection rang (ssoConnectorId) and starts its own request.",
    ),
    ("board", "GET", "/callback", "any", "A code came back. Board compared state with its own session storage."),
)


def explain(hop: Hop) -> str:
    """The first sentence whose row fits the hop; the empty text where none does."""
    kind = "redirect" if 300 <= hop.status < 400 else "page"
    for place, method, prefix, want, sentence in SENTENCES:
        if hop.place == place and hop.method == method and hop.path.startswith(prefix) and want in (kind, "any"):
            return sentence
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Wraps the application of one place and writes each hop down before its answer leaves."""

    place: Place
    app: ASGIApp
    journey: Journey

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(SILENT) or scope["method"] == "OPTIONS":
            await self.app(scope, receive, send)
            return

        async def note_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.journey.add(_hop(self.place, scope, message))
            await send(message)

        await self.app(scope, receive, note_and_send)


def _hop(place: Place, scope: Scope, start: Message) -> Hop:
    asked, answered = _headers(scope["headers"]), _headers(start.get("headers", ()))
    query = scope["query_string"].decode("latin-1")
    return Hop(
        place=place.key,
        title=place.title,
        who=TRAVELLERS.get(asked.get("user-agent", ""), VISITOR),
        method=scope["method"],
        path=scope["path"][:120],
        names=tuple(dict.fromkeys(name[:40] for name, _ in parse_qsl(query, keep_blank_values=True)))[:12],
        origin=asked.get("origin"),
        status=start["status"],
        to=_without_query(answered.get("location")),
    )


def _headers(pairs: object) -> Mapping[str, str]:
    assert isinstance(pairs, list | tuple)  # noqa: S101  narrowing for the type checker: ASGI hands lists of pairs
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}


def _without_query(location: str | None) -> str | None:
    if location is None:
        return None
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.netloc else parts.path
