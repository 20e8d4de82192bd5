"""The flight recorder: every hop of the last journey, over all five places, and a sentence for each.

It sees paths, parameter *names*, the Origin header, statuses and where a redirect leads; never a value. One visitor
tours at a time, so there is one recorder, and a click on a tile starts it anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
    """One request and its answer. `status` is None until it is answered; `to` is where a redirect leads."""

    place: str
    title: str
    who: str
    method: str
    path: str
    names: tuple[str, ...]
    origin: str | None
    status: int | None
    to: str | None

    @property
    def request(self) -> str:
        return _with_names(f"{self.method} {self.path}", self.names)

    @property
    def facts(self) -> str:
        origin = f"Origin: {self.origin} · " if self.origin else ""
        leads = f", on to {self.to.partition(' ')[0]}" if self.to else ""
        return f"{origin}{self.status or 'under way'}{leads}"

    @property
    def sentence(self) -> str:
        return explain(self)

    def as_json(self) -> dict[str, object]:
        return {
            "place": self.place,
            "title": self.title,
            "who": self.who,
            "visitor": self.who == VISITOR,
            "request": self.request,
            "facts": self.facts,
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

    def complete(self, begun: Hop, done: Hop) -> None:
        """The hop was answered. One that began the journey itself was forgotten with the last, and is added."""
        for index, hop in enumerate(self.hops):
            if hop is begun:
                self.hops[index] = done
                return
        self.add(done)

    def as_json(self) -> dict[str, object]:
        return {"number": self.number, "title": self.title, "hops": [hop.as_json() for hop in self.hops]}


SENTENCES: tuple[tuple[str, str, str, str, str], ...] = (
    # place, method, path prefix, a part of where it leads ("" = anywhere, "page" = it is no redirect), sentence
    (
        "portal",
        "POST",
        "/tile",
        "page",
        "You clicked. The portal made a signed SAML response that nobody had asked for, and put it into a form "
        "that your browser posts on.",
    ),
    ("portal", "POST", "/tile", "/launch/", "You clicked. The tile is a plain bookmark: no SAML response was made."),
    (
        "portal",
        "GET",
        "/sso",
        "page",
        "The portal was asked, in a request whose ID is bound to this browser. It knows this browser, and made a "
        "response that names the request.",
    ),
    ("portal", "POST", "/sso", "page", "The portal was told to authenticate anew, asked for a click, and answered."),
    (
        "evil",
        "POST",
        "/bait/code",
        "page",
        "A foreign page. Behind the picture was an address with Mallory's own code in it, and your browser went there.",
    ),
    (
        "evil",
        "POST",
        "/bait/",
        "page",
        "A foreign page. Behind the picture was a form, filled in by Mallory, and your browser posted it.",
    ),
    (
        "broker",
        "POST",
        "/login/callback",
        "?arrival",
        "An unsolicited response arrived. Its signature, issuer, audience, recipient and times were checked, and it was "
        "claimed, once. A cross-site post carries no Lax cookies, so nothing is decided about the browser here.",
    ),
    (
        "broker",
        "POST",
        "/login/callback",
        "?login",
        "The answer arrived. It was checked like the first, and it names a request that this browser started.",
    ),
    (
        "broker",
        "POST",
        "/login/callback",
        "/direct/callback",
        "An unsolicited response arrived, was checked, and was believed at once: a code goes straight to CRM.",
    ),
    ("broker", "POST", "/login/callback", "page", "A SAML response arrived, and the browser was given a page."),
    (
        "broker",
        "GET",
        "/login/continue",
        "/sso ?SAMLRequest",
        "Now the browser's own cookies are there. Vestibule made the application's request itself, and asks the portal afresh.",
    ),
    (
        "broker",
        "GET",
        "/login/continue",
        "?code",
        "Now the browser's own cookies are there: the login is finished, and the application gets its code.",
    ),
    (
        "broker",
        "GET",
        "/login/continue",
        "?",
        "Now the browser's own cookies are there. Vestibule remembers, for a short while, that a response came, and sends "
        "the browser to the application, which is to start its own request.",
    ),
    (
        "broker",
        "GET",
        "/login/continue",
        "page",
        "Vestibule asks the person at this browser before going on. Until the click there is no session and no code.",
    ),
    ("broker", "POST", "/login/", "", "The person answered Vestibule's question."),
    ("broker", "GET", "/launch", "?", "Vestibule sends the browser to the application's own login address."),
    (
        "broker",
        "GET",
        "/authorize",
        "?SAMLRequest",
        "The application asks, with an ordinary OpenID Connect request. Vestibule wants a fresh answer, and asks the portal.",
    ),
    (
        "broker",
        "GET",
        "/authorize",
        "?code",
        "The application asks, with an ordinary OpenID Connect request. Vestibule knows the answer already.",
    ),
    ("broker", "GET", "/authorize", "page", "The application asks, and Vestibule asks the person first."),
    ("broker", "POST", "/oauth/token", "page", "The code is exchanged for tokens. It works once."),
    ("broker", "GET", "/userinfo", "page", "The application asks who has signed in."),
    ("broker", "GET", "/oidc/logout", "", "Signing out at Vestibule."),
    (
        "crm",
        "GET",
        "/login",
        "/authorize",
        "CRM starts a request of its own, with a state, a nonce and a PKCE challenge that it keeps beside a cookie of "
        "this browser.",
    ),
    (
        "crm",
        "GET",
        "/callback",
        "",
        "A code comes back. CRM compares its state with this browser's cookie before it touches the code.",
    ),
    (
        "crm",
        "GET",
        "/direct/callback",
        "",
        "A code comes that CRM never asked for. Its state is the same for everybody: CRM cannot tell who started this.",
    ),
    ("crm", "GET", "/app", "page", "CRM, signed in."),
    (
        "board",
        "GET",
        "/sso",
        "page",
        "Board, a page of JavaScript, is told which connection rang (ssoConnectorId), and starts a request of its own.",
    ),
    ("board", "GET", "/callback", "page", "A code comes back. Board compares its state with what this tab remembers."),
)


def explain(hop: Hop) -> str:
    """The first sentence whose row fits the hop; the empty text where none does."""
    for place, method, prefix, leads, sentence in SENTENCES:
        if hop.place != place or hop.method != method or not hop.path.startswith(prefix):
            continue
        if (hop.to is None and hop.status is not None) if leads == "page" else leads in (hop.to or ""):
            return sentence
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    """Wraps the application of one place. A hop is written down when it arrives, and completed when it is answered."""

    place: Place
    app: ASGIApp
    journey: Journey

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(SILENT) or scope["method"] == "OPTIONS":
            await self.app(scope, receive, send)
            return
        begun = _hop(self.place, scope)
        self.journey.add(begun)

        async def note_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                location = _headers(message.get("headers", ())).get("location")
                self.journey.complete(begun, replace(begun, status=message["status"], to=_nameless(location)))
            await send(message)

        await self.app(scope, receive, note_and_send)


def _hop(place: Place, scope: Scope) -> Hop:
    asked = _headers(scope["headers"])
    return Hop(
        place=place.key,
        title=place.title,
        who=TRAVELLERS.get(asked.get("user-agent", ""), VISITOR),
        method=scope["method"],
        path=scope["path"][:120],
        names=_names(scope["query_string"].decode("latin-1")),
        origin=asked.get("origin"),
        status=None,
        to=None,
    )


def _names(query: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name[:40] for name, _ in parse_qsl(query, keep_blank_values=True)))[:12]


def _with_names(path: str, names: tuple[str, ...]) -> str:
    return f"{path} ?{' &'.join(names)}" if names else path


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}


def _nameless(location: str | None) -> str | None:
    """Where a redirect leads: the names of its parameters, and none of their values."""
    if location is None:
        return None
    parts = urlsplit(location)
    path = f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.netloc else parts.path
    return _with_names(path, _names(parts.query))
