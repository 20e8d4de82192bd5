"""What surrounds every door: one host name, bodies in time, and headers that say no to framing, sniffing and the rest."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vestibule.ground.errors import Refused
from vestibule.ground.url import plain_host

log = structlog.get_logger("vestibule.web")

LOGIN_STARTS = ("/authorize", "/launch/", "/login/continue", "/login/test/")
"""Where a login starts or goes on by GET: its cookies must live on the issuer's host, and on no other."""
_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


STATIC_HEADERS = tuple((name.encode(), value.encode()) for name, value in _HEADERS.items())
"""What every answer carries, whatever the address it is served under."""


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
        except ClientDisconnect:
            return  # whoever went away in the middle of a body is told nothing, and is no fault of ours
        except Exception as error:  # whatever it is, a person or a client is waiting for an answer
            if scope["type"] != "http" or started:
                raise
            response = await self._answer(Request(scope, receive), error)
            await response(scope, receive, send)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a body may take: `seconds` at least, one more for every `rate` bytes that have come, `longest` in all.

    `held`: bytes of bodies that one process holds at a time. Beyond that, requests with more than `small` bytes are refused.
    """

    seconds: float
    rate: int
    longest: float = 60.0
    held: int = 67_108_864
    small: int = 65_536


PATIENCE = Patience(seconds=10.0, rate=8_000)
"""A telephone on a bad line sends faster; a body that drips is not waited for."""


class SlowBodies:
    """A request whose body does not come in time, or is one of too many large ones at once, is refused, whoever reads it."""

    def __init__(self, app: ASGIApp, *, patience: Patience) -> None:
        self._app = app
        self._patience = patience
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        clock = asyncio.get_running_loop()
        began = clock.time()
        came = 0
        whole = False
        late = False

        async def in_time() -> Message:
            nonlocal came, whole, late
            if whole:  # nothing but the end of the connection is waited for now
                return await receive()
            try:
                async with asyncio.timeout_at(began + self._allowed(came)):
                    message = await receive()
            except TimeoutError:
                late = True
                raise Refused(
                    "request.too_slow",
                    "The body did not come in time; send it faster, or look for what holds it up on the way.",
                    want=f"{self._patience.seconds:g} s, and 1 s for each {self._patience.rate} bytes, {self._patience.longest:g} s in all",
                    got=f"{came} bytes",
                ) from None
            size = len(message.get("body", b""))
            came += size
            self._held += size
            if self._held > self._patience.held and came > self._patience.small:
                raise Refused(
                    "request.busy",
                    "Too many large requests are being read at once; try again. A reverse proxy that reads requests whole before it "
                    "passes them on keeps slow ones away.",
                    want=f"<= {self._patience.held} bytes in all",
                )
            whole = not message.get("more_body", False)
            return message

        async def answer(message: Message) -> None:
            if late and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        try:
            await self._app(scope, in_time, answer)
        finally:
            self._held -= came

    def _allowed(self, came: int) -> float:
        return min(self._patience.seconds + came / self._patience.rate, self._patience.longest)


class SafeHeaders:
    """Adds what every answer carries; an answer that says something itself keeps its own."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._headers = [*STATIC_HEADERS, *([(b"strict-transport-security", b"max-age=31536000")] if secure else [])]

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
