"""Mallory's site: explains each attack, and plays it against the visitor's own browser, on this machine alone."""

import httpx2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from vestibule.demo.configuration import excerpt
from vestibule.demo.idp import PracticeIdp
from vestibule.demo.journey import Journey
from vestibule.demo.mallory import MalloryBrowser
from vestibule.demo.people import MALLORY
from vestibule.demo.places import Places
from vestibule.demo.scenarios import ATTACKS, ATTACKS_BY_KEY, Attack, Loot
from vestibule.demo.site import build, renderer
from vestibule.demo.stage import Stage
from vestibule.ground.errors import Refused


class Evil:
    """`http` is Mallory's own line to Vestibule and CRM; the visitor's browser is never used for that part."""

    def __init__(
        self, *, places: Places, journey: Journey, idp: PracticeIdp, stage: Stage, http: httpx2.AsyncClient
    ) -> None:
        self._places = places
        self._journey = journey
        self._idp = idp
        self._stage = stage
        self._http = http
        self._render = renderer(places, places.evil, journey)

    def app(self) -> ASGIApp:
        routes = [
            Route("/", self.home),
            Route("/attack/{key}", self.explain),
            Route("/bait/{key}", self.bait, methods=["POST"]),
        ]
        return build(routes, place=self._places.evil, places=self._places, journey=self._journey)

    async def home(self, request: Request) -> Response:
        return self._render("evil_home.html", attacks=ATTACKS)

    async def explain(self, request: Request) -> Response:
        attack = ATTACKS_BY_KEY.get(request.path_params["key"])
        if attack is None:
            return self._unknown()
        return self._render(
            "evil_attack.html",
            attack=attack,
            following=_following(attack),
            excerpt=excerpt(self._places, attack.policy),
        )

    async def bait(self, request: Request) -> Response:
        """The page that the victim is lured to. Its loot is fresh: made when the page is."""
        attack = ATTACKS_BY_KEY.get(request.path_params["key"])
        if attack is None:
            return self._unknown()
        await self._stage.play(attack.policy)
        self._journey.start(f"Attack: {attack.title}")
        if attack.loot is Loot.RESPONSE:
            fields = self._idp.announce(MALLORY, relay_state=None)
            return self._render("evil_bait.html", mallory=MALLORY, action=self._idp.acs_url, fields=fields)
        browser = MalloryBrowser(places=self._places, idp=self._idp, http=self._http)
        try:
            address = await browser.code_address()
        except Refused as refused:
            return self._render("problem.html", status=502, heading="The attack could not be prepared", why=refused.why)
        return self._render("evil_bait.html", mallory=MALLORY, action=address, fields=None)

    def _unknown(self) -> Response:
        return self._render(
            "problem.html", status=404, heading="There is no such attack", why="Mallory's front page lists them all."
        )


def _following(attack: Attack) -> Attack | None:
    after = ATTACKS.index(attack) + 1
    return ATTACKS[after] if after < len(ATTACKS) else None
