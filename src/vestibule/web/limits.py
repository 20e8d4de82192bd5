"""What surrounds every door: one host name, and headers that say no to framing, sniffing, caching and referrers."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vestibule.ground.url import plain_host

log = structlog.get_logger("vestibule.web")

LOGIN_STARTS = ("/authorize", "/launch/", "/login/continue", "/login/test/")
"""Where a login starts or goes on by GET: its cookies must live on the issuer's host, and on no other."""
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


class OneHost:
    """GET requests under another host name than the issuer's are redirected to the issuer before a login starts."""

    def __init__(self, app: ASGIApp, *, issuer: str) -> None:
        self._app = app
        self._issuer = issuer
        self._host = plain_host(urlsplit(issuer).netloc, secure=issuer.startswith("https:"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and scope["path"].startswith(LOGIN_STARTS):
            host = plain_host(Headers(scope=scope).get("host", ""), secure=self._issuer.startswith("https:"))
            if host != self._host:
                log.info("other host", host=host[:200], want=self._host, path=scope["path"])
                query = scope["query_string"].decode("latin-1")
                url = self._issuer + scope["path"].lstrip("/") + (f"?{query}" if query else "")
                await RedirectResponse(url, status_code=303)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class NoBugShown:
    """A bug is answered like a refusal, inside the headers that every answer carries; it never ends the connection."""

    def __init__(self, app: ASGIApp, *, answer: Callable[[Request, Exception], Awaitable[Response]]) -> None:
        self._app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:  # whatever it is, a person or a client is waiting for an answer
            if scope["type"] != "http" or started:
                raise
            response = await self._answer(Request(scope, receive), error)
            await response(scope, receive, send)


class SafeHeaders:
    """Adds what every answer carries; an answer that says something itself keeps its own."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        said = {**_HEADERS, **({"strict-transport-security": "max-age=31536000"} if secure else {})}
        self._headers = [(name.encode(), value.encode()) for name, value in said.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in self._headers if pair[0] not in said)]
            await send(message)

        await self._app(scope, receive, with_headers)
