"""What the tour's own sites have in common: the skin, the headers, and one canonical host name each."""

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vestibule.demo.journey import Journey, Recorder
from vestibule.demo.places import Place, Places

ENVIRONMENT = Environment(
    loader=PackageLoader("vestibule.demo"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Render(Protocol):
    """Renders a template of the tour with what every page needs, and gives the page's answer."""

    def __call__(self, template: str, /, status: int = 200, **values: object) -> HTMLResponse: ...


def renderer(places: Places, place: Place, journey: Journey) -> Render:
    def render(template: str, /, status: int = 200, **values: object) -> HTMLResponse:
        page = ENVIRONMENT.get_template(template)
        return HTMLResponse(page.render(places=places, place=place, journey=journey, **values), status)

    return render


class FrontDoor:
    """Leads visitors who came by another name (127.0.0.1, localhost) to the place's own name, and sets the headers.

    Cookies, and the Origin that an identity provider's post is judged by, belong to a host name.
    """

    def __init__(self, app: ASGIApp, place: Place, connect: Sequence[str]) -> None:
        self._app = app
        self._place = place
        calls = " ".join(("'self'", *connect))
        policy = f"default-src 'self'; connect-src {calls}; base-uri 'none'; frame-ancestors 'none'"
        self._headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"cache-control", b"no-store"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower() != self._place.authority:
            await self._elsewhere(scope)(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, with_headers)

    def _elsewhere(self, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse(f"This site answers at {self._place.origin} only.\n", 421)
        return RedirectResponse(f"{self._place.origin}/", 307)


def build(
    routes: Sequence[BaseRoute], *, place: Place, places: Places, journey: Journey, connect: Sequence[str] = ()
) -> ASGIApp:
    """One site of the tour: its routes, the skin's files, the live journey, and pages for what is not there."""
    render = renderer(places, place, journey)

    async def live(request: Request) -> Response:
        return JSONResponse(journey.as_json())

    async def problem(request: Request, error: Exception) -> Response:
        return render(
            "problem.html",
            status=getattr(error, "status_code", 500),
            heading="There is no such page here",
            why="This address is not part of the tour, or the tour was started anew since you opened it.",
        )

    files = StaticFiles(directory=str(resources.files("vestibule.demo") / "static"))
    app = Starlette(
        routes=[*routes, Route("/journey.json", live), Mount("/static", files)],
        exception_handlers={404: problem, 405: problem},
    )
    return FrontDoor(Recorder(place=place, app=app, journey=journey), place, connect)


def cookie(response: Response, name: str, value: str) -> None:
    """A session cookie of a sample application: for its own host, unreadable for scripts, absent from foreign posts."""
    response.set_cookie(name, value, httponly=True, samesite="lax", path="/")


def plain(request: Request) -> Mapping[str, str]:
    """The query, one value a name (the last, should one be sent twice)."""
    return dict(request.query_params)
