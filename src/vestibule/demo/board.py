"""Board, a single-page application: a public client in plain JavaScript, and a server that only hands out its files."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from vestibule.demo.journey import Journey
from vestibule.demo.places import Places
from vestibule.demo.site import build, renderer


def app(places: Places, journey: Journey) -> ASGIApp:
    """The same page for every address of the application; the script in it reads the address."""
    render = renderer(places, places.board, journey)

    async def page(request: Request) -> Response:
        if request.url.path == "/":
            journey.start("You opened Board by yourself")
        return render("board.html")

    async def settings(request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": places.issuer,
                "portal": places.portal.origin,
                "clientId": "board",
                "redirectUri": f"{places.board.origin}/callback",
                "scope": "openid profile email",
            }
        )

    routes = [Route(path, page) for path in ("/", "/sso", "/callback")]
    return build(
        [*routes, Route("/config.json", settings)],
        place=places.board,
        places=places,
        journey=journey,
        connect=(places.broker.origin,),
    )
