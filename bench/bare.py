"""The least that a web server of this stack can do for a login: read the same form, send an answer of the same size."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

Message = MutableMapping[str, Any]

CODE = b"https://crm.bench.example/callback?code=" + b"c" * 43 + b"&iss=http%3A%2F%2F127.0.0.1%3A8000%2F"
TOKENS = b'{"access_token":"' + b"a" * 43 + b'","id_token":"' + b"i" * 1000 + b'"}'


async def app(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """A bare ASGI application: no router, no middleware, no cookies, no checks."""
    if scope["type"] != "http":
        return
    chunks, more = [], True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    form = dict(parse_qsl(b"".join(chunks).decode("ascii")))
    if "SAMLResponse" in form:
        status, headers, body = 303, [(b"location", CODE), (b"content-length", b"0")], b""
    else:
        body = TOKENS
        status, headers = 200, [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
