"""The table of all routes, on one page."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from vestibule.ground.errors import Refused
from vestibule.web import errors, health, limits, login, oidc, pages, rates, respond, saml

Endpoint = Callable[[Request], Awaitable[Response]]


async def static(request: Request) -> Response:
    """A file of the pages'. Its address carries a version, so it may be kept for ever."""
    file = pages.STATIC.get(request.path_params["name"])
    if file is None:
        raise HTTPException(404)
    return Response(
        file.content, media_type=file.media_type, headers={"Cache-Control": "public, max-age=31536000, immutable"}
    )


async def front(request: Request) -> Response:
    """The bare address."""
    return respond.page(pages.front(await errors.branding(request)))


PEOPLE: tuple[tuple[str, str, Endpoint], ...] = (
    ("POST", "/login/callback", saml.acs),
    ("GET", "/", front),
    ("POST", "/saml/acs/{name}", saml.acs),
    ("POST", "/api/authn/single-sign-on/saml/{id}", saml.acs),
    ("GET", "/samlp/metadata", saml.metadata),
    ("GET", "/saml/metadata/{name}", saml.metadata),
    ("GET POST", "/authorize", login.authorize),
    ("GET", "/login/continue", login.proceed),
    ("POST", "/login/confirm", login.confirm),
    ("POST", "/login/realm", login.realm),
    ("GET", "/login/test/{id}", login.rehearse),
    ("GET", "/launch/{client_id}", login.launch),
    ("GET", "/static/{name}", static),
    ("GET", "/healthz", health.alive),
    ("GET", "/readyz", health.ready),
)
"""Doors whose refusals are pages. Those of OAuth clients are in `web.oidc.ROUTES`."""


def _routes() -> list[BaseRoute]:
    routes = [Route(path, endpoint, methods=methods.split()) for methods, path, endpoint in PEOPLE]
    for route in routes:
        if route.methods is not None and route.path.startswith(limits.LOGIN_STARTS):
            route.methods.discard("HEAD")  # a look at the headers must not finish a login
    return [*routes, *oidc.ROUTES]


async def _refused(request: Request, refused: Exception) -> Response:
    if not isinstance(refused, Refused):
        raise refused
    return await errors.page(request, refused)


async def _http(request: Request, error: Exception) -> Response:
    """No such address, or not by this method: the same page as every refusal."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        refused = Refused("request.method", "This address is not to be called by this method.", got=request.method)
    else:
        refused = Refused("request.not_found", "There is nothing at this address.", got=request.url.path[:200])
    response = await errors.page(request, refused)
    if isinstance(error, HTTPException) and error.headers:
        response.headers.update(error.headers)
    return response


def build(house: Any, *, patience: limits.Patience = limits.PATIENCE) -> Starlette:
    """The ASGI application over an open house (see `vestibule.assembly`)."""
    app = Starlette(
        routes=_routes(),
        middleware=[
            Middleware(limits.SafeHeaders, secure=urlsplit(house.issuer).scheme == "https"),
            Middleware(rates.RateLimits, guarding=house.guarding, answer=oidc.turned_away),
            Middleware(limits.OneHost, issuer=house.issuer),
            Middleware(limits.NoBugShown, answer=errors.bug),
            Middleware(limits.SlowBodies, patience=patience),
        ],
        exception_handlers={Refused: _refused, HTTPException: _http},
    )
    # A redirect to the path with or without its last slash would name the host of the request's own header.
    app.router.redirect_slashes = False
    app.state.house = house
    return app
