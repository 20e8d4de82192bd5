"""Reading parameters strictly: one value a name, UTF-8 only, within bounds [HTML form-urlencoded, RFC 6749 3.1]."""

import re
from collections.abc import Collection, Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from vestibule.ground.errors import Refused

FORM_TYPE = "application/x-www-form-urlencoded"
QUERY_LIMIT = 16_384
"""Bytes of a query string: four times what browsers and balancers reliably pass."""
FIELD_LIMIT = 100
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def parse(raw: bytes, *, repeatable: Collection[str] = ()) -> dict[str, str]:
    """Parameters of a query or a form body.

    A name that comes twice is refused [RFC 6749 3.1] (two parsers that disagree on which one counts are a hole),
    except for `repeatable` ones, of which the first counts.
    """
    if _BAD_PERCENT.search(raw):
        raise Refused(
            "request.encoding", "A '%' that starts no escape was sent; parameters must be percent-encoded UTF-8."
        )
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=FIELD_LIMIT
        )
    except UnicodeError:
        raise Refused("request.encoding", "The parameters are not percent-encoded UTF-8; encode them so.") from None
    except ValueError:
        raise Refused("request.too_many_fields", f"More than {FIELD_LIMIT} parameters were sent; send fewer.") from None
    found: dict[str, str] = {}
    for name, value in pairs:
        if "\x00" in name or "\x00" in value:
            raise Refused("request.encoding", "A parameter holds a NUL character; no parameter of ours may.")
        if name in found:
            if name in repeatable:
                continue
            raise Refused("request.duplicate_parameter", "A parameter was sent twice; send each once.", got=name[:80])
        found[name] = value
    return found


def query(request: Request, *, repeatable: Collection[str] = ()) -> Mapping[str, str]:
    """The parameters of the query string."""
    raw: bytes = request.scope["query_string"]
    if len(raw) > QUERY_LIMIT:
        raise Refused(
            "request.too_large",
            "The query string is too long; send these parameters by POST.",
            want=QUERY_LIMIT,
            got=len(raw),
        )
    return parse(raw, repeatable=repeatable)


async def body(request: Request, *, limit: int) -> bytes:
    """The whole body, of at most `limit` bytes; a longer one is refused before it is read to the end."""
    declared = request.headers.get("content-length")
    if declared is not None and declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit, int(declared))
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit, size)
        chunks.append(chunk)
    return b"".join(chunks)


async def read(request: Request, *, limit: int = 65_536, repeatable: Collection[str] = ()) -> Mapping[str, str]:
    """The parameters of a form body; nothing but `application/x-www-form-urlencoded` is read."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != FORM_TYPE:
        raise Refused(
            "request.content_type", "The body must be a form; send it URL-encoded.", want=FORM_TYPE, got=media[:80]
        )
    return parse(await body(request, limit=limit), repeatable=repeatable)


def _too_large(limit: int, size: int) -> Refused:
    return Refused("request.too_large", "The body is larger than this address takes.", want=limit, got=size)
