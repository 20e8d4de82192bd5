"""What surrounds every door: one host name, bodies in time, and headers that say no to framing, sniffing and the rest."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Message, Receive

from vestibule.ground.errors import Refused
from vestibule.ground.url import plain_host
from vestibule.web import headers

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
"""What every answer carries, whatever the address it is served under; one that says something itself keeps its own."""
HTTPS_ONLY = ((b"strict-transport-security", b"max-age=31536000"),)
"""And where browsers come by https [RFC 6797]."""


class OneHost:
    """GET requests under another host name than the issuer's are redirected to the issuer before a login starts."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._secure = issuer.startswith("https:")
        self._host = plain_host(urlsplit(issuer).netloc, secure=self._secure)

    def redirect(self, request: Request) -> Response | None:
        """Where the browser has to go first, if it has to."""
        scope = request.scope
        if scope["method"] not in ("GET", "HEAD") or not scope["path"].startswith(LOGIN_STARTS):
            return None
        host = plain_host(headers.first(request, b"host") or "", secure=self._secure)
        if host == self._host:
            return None
        log.info("other host", host=host[:200], want=self._host, path=scope["path"])
        query = scope["query_string"].decode("latin-1")
        url = self._issuer + scope["path"].lstrip("/") + (f"?{query}" if query else "")
        return RedirectResponse(url, status_code=303)


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


class Bodies:
    """A request whose body does not come in time, or is one of too many large ones at once, is refused, whoever reads it."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.held = 0

    def of(self, receive: Receive) -> "Body":
        return Body(self, receive)


class Body:
    """The body of one request, as it comes. `late`: it did not come in time, so that nothing more is read from this connection."""

    __slots__ = ("_began", "_bodies", "_came", "_receive", "_whole", "late")

    def __init__(self, bodies: Bodies, receive: Receive) -> None:
        self._bodies = bodies
        self._receive = receive
        self._began = asyncio.get_running_loop().time()
        self._came = 0
        self._whole = False
        self.late = False

    async def receive(self) -> Message:
        """The next message. Raises `Refused("request.too_slow")` and `Refused("request.busy")`."""
        if self._whole:  # nothing but the end of the connection is waited for now
            return await self._receive()
        patience = self._bodies.patience
        allowed = min(patience.seconds + self._came / patience.rate, patience.longest)
        try:
            async with asyncio.timeout_at(self._began + allowed):
                message = await self._receive()
        except TimeoutError:
            self.late = True
            raise Refused(
                "request.too_slow",
                "The body did not come in time; send it faster, or look for what holds it up on the way.",
                want=f"{patience.seconds:g} s, and 1 s for each {patience.rate} bytes, {patience.longest:g} s in all",
                got=f"{self._came} bytes",
            ) from None
        size = len(message.get("body", b""))
        self._came += size
        self._bodies.held += size
        if self._bodies.held > patience.held and self._came > patience.small:
            raise Refused(
                "request.busy",
                "Too many large requests are being read at once; try again. A reverse proxy that reads requests whole before it "
                "passes them on keeps slow ones away.",
                want=f"<= {patience.held} bytes in all",
            )
        self._whole = not message.get("more_body", False)
        return message

    def forget(self) -> None:
        """The request is answered: its body is held no more."""
        self._bodies.held -= self._came
        self._came = 0
