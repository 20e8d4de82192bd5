"""The limits at the doors: who knocks, at which door, and whether it came to a refusal."""

from starlette.requests import Request

from vestibule.flows.guard import Call
from vestibule.ground.errors import Refused
from vestibule.web import errors, forms, headers

FREE = ("/static/", "/healthz", "/readyz", "/.well-known/", "/oidc/.well-known/")
"""Doors that cost next to nothing and refuse nothing: balancers, browsers and applications ask as often as they like."""
USERINFO = "/userinfo"
_ACS_PATHS = ("/saml/acs/", "/api/authn/single-sign-on/saml/")


def call(request: Request) -> Call:
    """Who knocks at which door."""
    path: str = request.scope["path"]
    client = request.scope.get("client")
    return Call(
        address="" if client is None else client[0],
        machine=path if path in errors.MACHINES else None,
        many=path == USERINFO,
        embedded=_is_embedded(request),
        connection=_connection(request, path) if request.method == "POST" else None,
    )


def was_refused(request: Request) -> bool:
    """Whether the request came to a refusal that counts against whoever sent it."""
    return errors.was_refused(request)


def _is_embedded(request: Request) -> bool:
    """Whether a page had the browser ask for this, as an image, a frame, a script's doing or ahead of time [Fetch Metadata 2.1].

    What says nothing of it is no browser of today, and pays like somebody who goes there.
    """
    destination = headers.first(request, b"sec-fetch-dest")
    return destination not in (None, "document") or "prefetch" in (headers.first(request, b"sec-purpose") or "")


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
