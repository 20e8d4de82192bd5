"""The company portal: the tour's front page, and the pages of the practice identity provider behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from vestibule.demo.configuration import CONNECTION, excerpt
from vestibule.demo.idp import PracticeIdp
from vestibule.demo.journey import Journey
from vestibule.demo.people import ADA, COLLEAGUES, GRACE, PracticePerson
from vestibule.demo.places import Places
from vestibule.demo.scenarios import ATTACKS, DEEP_LINK, ROUTE_ALIAS, TILES_BY_KEY, Door, Policy, Tile
from vestibule.demo.site import Render, build, cookie, renderer
from vestibule.demo.stage import Stage
from vestibule.ground.errors import Refused
from vestibule.web import forms

PERSON_COOKIE = "portal-person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """Everybody who comes without a cookie is Ada: the portal's session is there before the tour begins."""

    places: Places
    journey: Journey
    idp: PracticeIdp
    stage: Stage
    render: Render = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "render", renderer(self.places, self.places.portal, self.journey))

    def app(self) -> ASGIApp:
        routes = [
            Route("/", self.home),
            Route("/tile/{key}", self.explain, methods=["GET"]),
            Route("/tile/{key}", self.open, methods=["POST"]),
            Route("/people", self.people, methods=["GET"]),
            Route("/people", self.become, methods=["POST"]),
            Route("/configuration", self.configuration),
            Route("/journey", self.recorder),
            Route("/sso", self.sign_on, methods=["GET"]),
            Route("/sso", self.sign_on_again, methods=["POST"]),
        ]
        return build(routes, place=self.places.portal, places=self.places, journey=self.journey)

    # -- pages -------------------------------------------------------------------------------------------------------

    async def home(self, request: Request) -> Response:
        return self.render("portal_home.html", person=_person(request), tiles=TILES_BY_KEY, attacks=ATTACKS)

    async def explain(self, request: Request) -> Response:
        tile = TILES_BY_KEY.get(request.path_params["key"])
        if tile is None:
            return self._problem("There is no such tile", "The portal's front page shows all there are.", 404)
        lines = excerpt(self.places, tile.policy, routes=tile.door is Door.RELAY_STATE)
        return self.render("portal_tile.html", person=_person(request), tile=tile, excerpt=lines)

    async def people(self, request: Request) -> Response:
        return self.render("portal_people.html", person=_person(request), colleagues=COLLEAGUES.values())

    async def become(self, request: Request) -> Response:
        form = await forms.read(request)
        person = COLLEAGUES.get(form.get("person", ""), ADA)
        response = RedirectResponse("/people", 303)
        cookie(response, PERSON_COOKIE, person.key)
        return response

    async def configuration(self, request: Request) -> Response:
        text = self.stage.text(self.stage.policy or Policy())
        return self.render(
            "portal_configuration.html", person=_person(request), text=text, directory=str(self.stage.directory)
        )

    async def recorder(self, request: Request) -> Response:
        return self.render("portal_journey.html", person=_person(request))

    # -- the tiles ---------------------------------------------------------------------------------------------------

    async def open(self, request: Request) -> Response:
        """The click on a tile: the scenario's policy is put in force, then the tile does what tiles do."""
        tile = TILES_BY_KEY.get(request.path_params["key"])
        if tile is None:
            return self._problem("There is no such tile", "The portal's front page shows all there are.", 404)
        await self.stage.play(tile.policy)
        self.journey.start(f"You clicked the tile “{tile.title}”")
        if tile.door is Door.BOOKMARK:
            return RedirectResponse(self._bookmark(), 303)
        person = _colleague(_person(request)) if tile.rings_another else _person(request)
        return self._pass_on(self.idp.announce(person, relay_state=_relay_state(tile)))

    def _bookmark(self) -> str:
        link = {"connection": CONNECTION, "target_link_uri": f"{self.places.crm.origin}{DEEP_LINK}"}
        return f"{self.places.issuer}launch/crm?{urlencode(link)}"

    # -- the identity provider ---------------------------------------------------------------------------------------

    async def sign_on(self, request: Request) -> Response:
        """An AuthnRequest by the Redirect binding: answered silently for whoever has the portal's session."""
        query = request.query_params
        return self._answer(request, query.get("SAMLRequest", ""), query.get("RelayState"), asked_person=False)

    async def sign_on_again(self, request: Request) -> Response:
        """The person clicked on the page that ForceAuthn brings."""
        form = await forms.read(request)
        return self._answer(request, form.get("SAMLRequest", ""), form.get("RelayState") or None, asked_person=True)

    def _answer(self, request: Request, message: str, relay_state: str | None, *, asked_person: bool) -> Response:
        person = _person(request)
        try:
            asked = self.idp.read(message)
        except Refused as refused:
            return self._problem("The portal does not understand this request", refused.why, 400)
        if asked.force_authn and not asked_person:
            return self.render("portal_again.html", person=person, saml_request=message, relay_state=relay_state or "")
        return self._pass_on(self.idp.answer(asked, person, relay_state=relay_state))

    def _pass_on(self, fields: Mapping[str, str]) -> Response:
        return self.render("portal_post.html", action=self.idp.acs_url, fields=fields)

    def _problem(self, heading: str, why: str, status: int) -> Response:
        return self.render("problem.html", status=status, heading=heading, why=why)


def _person(request: Request) -> PracticePerson:
    return COLLEAGUES.get(request.cookies.get(PERSON_COOKIE, ""), ADA)


def _colleague(person: PracticePerson) -> PracticePerson:
    """The other one of the two who share this computer."""
    return ADA if person is GRACE else GRACE


def _relay_state(tile: Tile) -> str | None:
    return ROUTE_ALIAS if tile.door is Door.RELAY_STATE else None
