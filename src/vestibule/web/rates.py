"""The limits at the doors: who floods is turned away before anything is read, with a page or, at machines' doors, JSON."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from vestibule.flows.guard import Call, Guarding, TooMany
from vestibule.ground.errors import Refused
from vestibule.web import errors, forms

FREE = ("/static/", "/healthz", "/readyz", "/.well-known/", "/oidc/.well-known/")
"""Doors that cost next to nothing and refuse nothing: balancers, browsers and applications ask as often as they like."""
USERINFO = "/userinfo"
_ACS_PATHS = ("/saml/acs/", "/api/authn/single-sign-on/saml/")


class RateLimits:
    """Asks before every request, and counts it afterwards if it came to a refusal."""

    def __init__(
        self, app: ASGIApp, *, guarding: Guarding, answer: Callable[[Request, TooMany], Awaitable[Response]]
    ) -> None:
        self._app = app
        self._guarding = guarding
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(FREE):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        call = _call(request)
        try:
            await self._guarding.admit(call)
        except TooMany as refused:
            response = await self._answer(request, refused)
            await response(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            if errors.was_refused(request):
                self._guarding.refused(call)


def _call(request: Request) -> Call:
    path = request.url.path
    client = request.client
    return Call(
        address="" if client is None else client.host,
        machine=path if path in errors.MACHINES else None,
        many=path == USERINFO,
        embedded=_is_embedded(request),
        connection=_connection(request, path) if request.method == "POST" else None,
    )


def _is_embedded(request: Request) -> bool:
    """Whether a page had the browser ask for this, as an image, a frame, a script's doing or ahead of time [Fetch Metadata 2.1].

    What says nothing of it is no browser of today, and pays like somebody who goes there.
    """
    destination = request.headers.get("sec-fetch-dest", "document")
    return destination != "document" or "prefetch" in request.headers.get("sec-purpose", "")


def _connection(request: Request, path: str) -> str | None:
    """The connection that a SAML post's address names, as it is written there."""
    for prefix in _ACS_PATHS:
        if path.startswith(prefix):
            return path.removeprefix(prefix)[:128]
    if path != "/login/callback":
        return None
    try:
        return forms.query(request).get("connection", "")[:128] or None
    except Refused:
        return None
