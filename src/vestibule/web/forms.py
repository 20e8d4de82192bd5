"""Reading the parameters of a request strictly: of its query or its body, in one media type, within bounds."""

from collections.abc import Collection, Mapping

from starlette.requests import ClientDisconnect, Request

from vestibule.ground.errors import Refused
from vestibule.ground.form import of_type, parse, too_large
from vestibule.web import headers

QUERY_LIMIT = 16_384
"""Bytes of a query string: four times what browsers and balancers reliably pass."""
_QUERY = "vestibule.query"


def query(request: Request, *, repeatable: Collection[str] = ()) -> Mapping[str, str]:
    """The parameters of the query string."""
    if not repeatable and _QUERY in request.scope:
        known: Mapping[str, str] = request.scope[_QUERY]
        return known
    raw: bytes = request.scope["query_string"]
    if len(raw) > QUERY_LIMIT:
        raise Refused(
            "request.too_large",
            "The query string is too long; send these parameters by POST.",
            want=QUERY_LIMIT,
            got=len(raw),
        )
    found = parse(raw, repeatable=repeatable)
    if not repeatable:
        request.scope[_QUERY] = found  # the limits at the doors and the door itself both look at it
    return found


async def body(request: Request, *, limit: int) -> bytes:
    """The whole body, of at most `limit` bytes; a longer one is refused before it is read to the end."""
    declared = headers.first(request, b"content-length")
    if declared is not None and declared.isdecimal() and int(declared) > limit:
        raise too_large(limit, int(declared))
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size > limit:
            raise too_large(limit, size)
        chunks.append(chunk)
    return b"".join(chunks)


async def read(request: Request, *, limit: int = 65_536, repeatable: Collection[str] = ()) -> Mapping[str, str]:
    """The parameters of a form body; nothing but `application/x-www-form-urlencoded` is read."""
    of_type(headers.first(request, b"content-type") or "")
    return parse(await body(request, limit=limit), repeatable=repeatable)
