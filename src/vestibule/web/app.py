"""The table of all routes, on one page."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vestibule.ground.errors import Refused
from vestibule.web import errors, health, limits, login, oidc, pages, respond, saml
from vestibule.web.doorway import Doors, Doorway, Endpoint, State, Translators, WrongMethod, nothing_here


async def static(request: Request) -> Response:
    """A file of the pages'. Its address carries a version, so it may be kept for ever."""
    file = pages.STATIC.get(request.path_params["name"])
    if file is None:
        raise nothing_here(request.scope["path"])
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


def _routes() -> list[Route]:
    routes = [Route(path, endpoint, methods=methods.split()) for methods, path, endpoint in PEOPLE]
    for route in routes:
        if route.methods is not None and route.path.startswith(limits.LOGIN_STARTS):
            route.methods.discard("HEAD")  # a look at the headers must not finish a login
    return [*routes, *oidc.ROUTES]


async def _refused(request: Request, refused: Refused) -> Response:
    response = await errors.page(request, refused)
    if isinstance(refused, WrongMethod):
        response.headers["Allow"] = ", ".join(refused.allowed)
    return response


def build(house: Any, *, patience: limits.Patience = limits.PATIENCE) -> Doorway:
    """The ASGI application over an open house (see `vestibule.assembly`)."""
    return Doorway(
        State(house=house),
        doors=Doors(_routes()),
        guarding=house.guarding,
        host=limits.OneHost(house.issuer),
        translators=Translators(refused=_refused, too_many=oidc.turned_away, bug=errors.bug),
        bodies=limits.Bodies(patience),
        secure=urlsplit(house.issuer).scheme == "https",
    )
