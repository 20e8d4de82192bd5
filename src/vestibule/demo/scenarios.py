"""What can be played: the tiles and the attacks, each with the policy it is played under and what there is to see.

Rules are data here too: a page of the tour is one of these values, shown. The text of a hop says who does what and why.
"""

from dataclasses import dataclass
from enum import StrEnum

from vestibule.model.connection import Delivery, Unsolicited


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the practice connection is set while a scenario is played. `to` is the default application."""

    unsolicited: Unsolicited = Unsolicited.RESTART
    delivery: Delivery = Delivery.CLIENT
    to: str = "crm"
    post_origins: tuple[str, ...] = ()
    confirm_identity_switch: bool = True


class Door(StrEnum):
    """How a tile opens: with a SAML response, with one that carries a RelayState, or as a bookmark without SAML."""

    RESPONSE = "response"
    RELAY_STATE = "relay_state"
    BOOKMARK = "bookmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """`hops` are told in the order in which they happen; `protects` says against what, `costs` what it asks for it."""

    key: str
    title: str
    line: str
    policy: Policy
    hops: tuple[str, ...]
    protects: str
    costs: str
    door: Door = Door.RESPONSE
    rings_another: bool = False
    """The response announces the other colleague, not the one who has the portal's session."""


class Verdict(StrEnum):
    FAILS = "fails"
    ASKED = "becomes a question"
    SUCCEEDS = "succeeds"


class Loot(StrEnum):
    """What the attacker's page carries to the victim's browser."""

    RESPONSE = "a SAML response"
    CODE = "an authorization code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """`see` is told before, `why` after."""

    key: str
    title: str
    line: str
    policy: Policy
    loot: Loot
    verdict: Verdict
    see: str
    why: tuple[str, ...]


DEEP_LINK = "/app/deals/42"
ROUTE_ALIAS = "deals"

_POSTED = "Portal → Vestibule: your browser posts the portal's signed response. Vestibule validates it in full."
_BELL = "Vestibule throws the identity away. It keeps a doorbell: this connection rang, for this application."
_ASKED_AFRESH = (
    "Vestibule → portal → Vestibule: a fresh request, bound to this browser, and an answer that names it. The portal "
    "knows you, so you see nothing but a redirect."
)
_CLIENT_CRM = (
    "Vestibule → CRM: the browser goes to CRM's login address. CRM starts its own request, with state, nonce and PKCE."
)
_CLIENT_BOARD = (
    "Vestibule → Board: the browser goes to Board with ssoConnectorId in the address. Board, plain JavaScript, starts its "
    "own request, with state, nonce and PKCE."
)
_OWN_CODE = "Vestibule → application: a code for the request that the application itself made in this browser."
_DIRECT_CODE = (
    "Vestibule → CRM: Vestibule made the authorization request itself, from its configuration. CRM gets a code that it never "
    "asked for, at a callback of its own for the purpose."
)
_DIRECT_COST = (
    "CRM cannot tell who started the login: an attacker can carry his own code to your browser. Saving this takes "
    "accept_application_login_csrf_risk: true."
)

TILES: tuple[Tile, ...] = (
    Tile(
        key="restart-client",
        title="restart + client",
        line="The default. The response is a doorbell; the login is then asked for again, bound to this browser.",
        policy=Policy(unsolicited=Unsolicited.RESTART, delivery=Delivery.CLIENT, to="board"),
        hops=(_POSTED, _BELL, _CLIENT_BOARD, _ASKED_AFRESH, _OWN_CODE),
        protects="Login CSRF, at Vestibule and at the application. A response that somebody else put into your browser "
        "can ring, but it cannot sign you in as him.",
        costs="One more round trip to the portal. Nothing to see.",
    ),
    Tile(
        key="restart-direct",
        title="restart + direct",
        line="A doorbell at Vestibule; but the application is reached the old way, with a code it did not ask for.",
        policy=Policy(unsolicited=Unsolicited.RESTART, delivery=Delivery.DIRECT),
        hops=(_POSTED, _BELL, _ASKED_AFRESH, _DIRECT_CODE),
        protects="Login CSRF at Vestibule. Not at CRM.",
        costs=_DIRECT_COST,
    ),
    Tile(
        key="confirm-client",
        title="confirm + client",
        line="For portals that cannot be asked: the response is kept, and a page asks you by name before it counts.",
        policy=Policy(unsolicited=Unsolicited.CONFIRM, delivery=Delivery.CLIENT),
        hops=(
            _POSTED,
            "Vestibule keeps the identity, waiting. It answers nothing until you have said yes.",
            "Vestibule asks: is this you, from Acme, on your way to CRM? It shows the account, never a display name.",
            _CLIENT_CRM,
            "Vestibule → CRM: a code, from the identity that you confirmed. The portal is not asked again.",
        ),
        protects="Login CSRF, as long as you read the account name before you click.",
        costs="One click, and your attention.",
    ),
    Tile(
        key="confirm-direct",
        title="confirm + direct",
        line="You are asked by name; then the application gets a code it did not ask for.",
        policy=Policy(unsolicited=Unsolicited.CONFIRM, delivery=Delivery.DIRECT),
        hops=(
            _POSTED,
            "Vestibule keeps the identity, waiting, and asks: is this you?",
            _DIRECT_CODE,
        ),
        protects="Login CSRF at Vestibule, by your click. Not at CRM.",
        costs=_DIRECT_COST,
    ),
    Tile(
        key="accept-client",
        title="accept + client",
        line="The response is believed at once, if it was posted from the portal's own pages.",
        policy=Policy(unsolicited=Unsolicited.ACCEPT, delivery=Delivery.CLIENT, to="board"),
        hops=(
            "Portal → Vestibule: your browser posts the response. Its Origin header names the portal's own origin, so it "
            "is believed; from anywhere else it would become a question.",
            _CLIENT_BOARD,
            "Vestibule → Board: a code, straight from the response. No session begins at Vestibule: this login is Board's "
            "alone.",
        ),
        protects="The Origin check stops pages elsewhere, in browsers that send it truthfully; nothing else does.",
        costs="Login CSRF stays open towards everyone who can post from a listed origin. Saving this takes "
        "accept_login_csrf_risk: true.",
    ),
    Tile(
        key="accept-direct",
        title="accept + direct",
        line="One post, one redirect, signed in. The shortest way, and the weakest.",
        policy=Policy(unsolicited=Unsolicited.ACCEPT, delivery=Delivery.DIRECT),
        hops=(
            "Portal → Vestibule: your browser posts the response, from the portal's own origin; it is believed.",
            _DIRECT_CODE,
        ),
        protects="Only what the Origin check stops. It is here because some products can be moved over in no other way.",
        costs="Both risks, each accepted by name: at Vestibule and at CRM.",
    ),
    Tile(
        key="launch",
        title="A bookmark",
        line="No SAML in the tile at all: a link to /launch, with a deep link into CRM.",
        policy=Policy(),
        door=Door.BOOKMARK,
        hops=(
            "Portal → Vestibule: an ordinary link, /launch/crm, with the connection and a deep link in it.",
            "Vestibule → CRM: the link lies within CRM's registered prefixes, so CRM's login address gets it.",
            "CRM → Vestibule → portal → Vestibule → CRM: an ordinary login that CRM started, and on to deal 42.",
        ),
        protects="Login CSRF: there is no response to steal or plant. Where the portal can hold a link, this is the best tile.",
        costs="Nothing.",
    ),
    Tile(
        key="relay-state",
        title="A deep link",
        line="The response carries RelayState “deals”. It is an alias for a route, never an address.",
        policy=Policy(to="board"),
        door=Door.RELAY_STATE,
        hops=(
            "Portal → Vestibule: the response, with RelayState=deals beside it. RelayState is not signed, so it is "
            "treated as a wish: it can only pick one of the routes that the operator wrote down.",
            "The route says: CRM, at deal 42. Without it this tile would have opened Board.",
            _BELL,
            _CLIENT_CRM,
            _ASKED_AFRESH,
            "CRM checks the link against its own prefix as well, and opens deal 42.",
        ),
        protects="Open redirects: no address is ever taken from RelayState here.",
        costs="Nothing.",
    ),
    Tile(
        key="mismatch",
        title="Two colleagues, one computer",
        line="The tile announces one of them, but the portal's session is the other's.",
        policy=Policy(),
        rings_another=True,
        hops=(
            "Portal → Vestibule: a response about your colleague (say, from a tab left open).",
            _BELL + " And a keyed hash of whom it announced, only to compare.",
            _CLIENT_CRM,
            "Vestibule → portal → Vestibule: the fresh answer names you.",
            "Vestibule asks before it goes on: the portal announced somebody else.",
        ),
        protects="Ending up in the wrong account without noticing.",
        costs="One click, only when the two differ.",
    ),
)

_OPEN_TO_ALL = Policy(
    unsolicited=Unsolicited.ACCEPT, delivery=Delivery.CLIENT, post_origins=("*",), confirm_identity_switch=False
)

ATTACKS: tuple[Attack, ...] = (
    Attack(
        key="restart",
        title="Planted response, under restart",
        line="Mallory's fresh response is posted by your browser. Vestibule treats it as a doorbell.",
        policy=Policy(unsolicited=Unsolicited.RESTART, delivery=Delivery.CLIENT),
        loot=Loot.RESPONSE,
        verdict=Verdict.FAILS,
        see="Vestibule asks the portal who is at this browser. The portal names you, and Vestibule tells you that "
        "another account was announced. Go on, and you are in CRM as yourself; say no, and nothing has happened.",
        why=(
            "Mallory's response was genuine: signed by Acme, fresh, for the right audience. It proves that Acme made a "
            "statement about Mallory. It does not prove that the person at this browser asked for it.",
            "So its identity was thrown away. The login was asked for again, in a request bound to this browser, and only the "
            "answer that names this request is believed. That answer comes from your session at the portal, which Mallory "
            "does not have.",
            "Since the fresh answer named another person than the doorbell, you were asked before going on.",
        ),
    ),
    Attack(
        key="confirm",
        title="Planted response, under confirm",
        line="The same response; this time its identity is kept, and you are asked by name.",
        policy=Policy(unsolicited=Unsolicited.CONFIRM, delivery=Delivery.CLIENT),
        loot=Loot.RESPONSE,
        verdict=Verdict.FAILS,
        see="A page names mallory@acme.example and asks whether that is you. It is not: say no.",
        why=(
            "The response waits. Until somebody clicks yes it answers no request, so steering the browser straight to CRM's login "
            "address would not help Mallory either: CRM's request meets the same question. (Leave without an answer, sign in to CRM "
            "within two minutes, and you will see it.)",
            "The page shows the account, not a display name that Mallory could have chosen to be yours.",
            "It rests on you: a person who clicks yes without reading is signed in as Mallory. That is why restart is the default.",
        ),
    ),
    Attack(
        key="accept",
        title="Planted response, under accept",
        line="Responses are believed at once. But this one was posted from a foreign origin.",
        policy=Policy(unsolicited=Unsolicited.ACCEPT, delivery=Delivery.CLIENT),
        loot=Loot.RESPONSE,
        verdict=Verdict.ASKED,
        see="The browser says truthfully where the post came from, and Vestibule asks instead of believing. The same page as under confirm.",
        why=(
            "Browsers send the Origin of the page that holds the form. It said evil.localhost, not the portal; scripts "
            "cannot change it.",
            "A post from elsewhere, or with no Origin at all, is treated as under confirm.",
            "It is a net, not a wall: it does not help where the identity provider's own pages can be made to post, and it "
            "rests on the browser. Saving accept takes accept_login_csrf_risk: true.",
        ),
    ),
    Attack(
        key="accept-any",
        title="Planted response, all nets removed",
        line="accept, posts believed from every origin, and no question when another person takes over the browser.",
        policy=_OPEN_TO_ALL,
        loot=Loot.RESPONSE,
        verdict=Verdict.SUCCEEDS,
        see="You click once on Mallory's page, and CRM greets you as Mallory.",
        why=(
            "Everything about the response was in order, and nobody asked who had sent it. From now on what you type into "
            "CRM, a customer's address, a card number, a draft, is kept in Mallory's account, for Mallory to read at leisure.",
            "CRM did nothing wrong. It made its own request, and its state, nonce and PKCE all held: the planted response was "
            "waiting in this browser before CRM asked. No check at the application can notice that.",
            "With confirm_identity_switch left on, Vestibule would still have asked, but only in a browser that was somebody "
            "else's before. In a fresh one, accept from every origin is enough. It was not saved without "
            "accept_login_csrf_risk: true.",
        ),
    ),
    Attack(
        key="code",
        title="Planted code, under direct delivery",
        line="Mallory logs in himself, stops at the last redirect, and gives that address to your browser.",
        policy=Policy(unsolicited=Unsolicited.RESTART, delivery=Delivery.DIRECT),
        loot=Loot.CODE,
        verdict=Verdict.SUCCEEDS,
        see="Vestibule stands on restart, its strongest setting, and still CRM greets you as Mallory.",
        why=(
            "Vestibule did everything right: it asked the portal afresh, in Mallory's own browser, and the portal said "
            "Mallory. The code it issued is honest.",
            "But CRM is reached by direct delivery: it accepts codes for which it made no request. Its state is the same "
            "for everybody, so it cannot tell Mallory's browser from yours.",
            "No setting at Vestibule can close this; only an application that starts its own request can. So saving "
            "direct takes accept_application_login_csrf_risk: true, and the risk is named in the audit log.",
        ),
    ),
    Attack(
        key="code-client",
        title="Planted code, under client delivery",
        line="The same trick against an application that makes its own request.",
        policy=Policy(unsolicited=Unsolicited.RESTART, delivery=Delivery.CLIENT),
        loot=Loot.CODE,
        verdict=Verdict.FAILS,
        see="CRM refuses at the door: the login was not started in this browser.",
        why=(
            "In Mallory's browser CRM made a request of its own, and kept its state beside a cookie there. Your browser has no "
            "such cookie, so CRM never even looked at the code.",
            "Had it looked, PKCE would have stopped it: the verifier is in Mallory's browser session, not in yours.",
            "That is the difference between the two deliveries, and why client is the default.",
        ),
    ),
)

TILES_BY_KEY = {tile.key: tile for tile in TILES}
ATTACKS_BY_KEY = {attack.key: attack for attack in ATTACKS}
