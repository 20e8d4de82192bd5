"""Form-encoded parameters, read strictly: one value a name, UTF-8 only, within bounds [HTML form-urlencoded, RFC 6749 3.1]."""

import binascii
import re
from collections.abc import Collection
from urllib.parse import unquote_to_bytes

from vestibule.ground.errors import Refused

TYPE = "application/x-www-form-urlencoded"
FIELD_LIMIT = 100
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def of_type(content_type: str) -> None:
    """Refuses a body that is said to be anything but a form."""
    media = content_type.partition(";")[0].strip().lower()
    if media != TYPE:
        raise Refused(
            "request.content_type", "The body must be a form; send it URL-encoded.", want=TYPE, got=media[:80]
        )


def parse(raw: bytes, *, repeatable: Collection[str] = ()) -> dict[str, str]:
    """Parameters of a query or a form body.

    A name that comes twice is refused [RFC 6749 3.1] (two parsers that disagree on which one counts are a hole),
    except for `repeatable` ones, of which the first counts.
    """
    if _BAD_PERCENT.search(raw):
        raise Refused(
            "request.encoding", "A '%' that starts no escape was sent; parameters must be percent-encoded UTF-8."
        )
    if raw.count(b"&") >= FIELD_LIMIT:
        raise Refused("request.too_many_fields", f"More than {FIELD_LIMIT} parameters were sent; send fewer.")
    found: dict[str, str] = {}
    for pair in raw.split(b"&"):
        if not pair:
            continue
        encoded = pair.partition(b"=")
        try:
            name, value = _text(encoded[0]), _text(encoded[2])
        except UnicodeError:
            raise Refused("request.encoding", "The parameters are not percent-encoded UTF-8; encode them so.") from None
        if "\x00" in name or "\x00" in value:
            raise Refused("request.encoding", "A parameter holds a NUL character; no parameter of ours may.")
        if name in found:
            if name in repeatable:
                continue
            raise Refused("request.duplicate_parameter", "A parameter was sent twice; send each once.", got=name[:80])
        found[name] = value
    return found


def _text(encoded: bytes) -> str:
    """What was encoded; raises `UnicodeError` where it is not ASCII, or not UTF-8 behind it. Every '%' is known to start an escape."""
    if b"+" in encoded:
        encoded = encoded.replace(b"+", b" ")
    if b"%" in encoded:
        if not encoded.isascii():
            raise UnicodeError
        if b"=" in encoded:
            return unquote_to_bytes(encoded).decode("utf-8")
        # Quoted-printable [RFC 2045 6.7] is the same with another sign, and is decoded in C: a fifth of the time, which
        # for a SAML response with its hundreds of escapes is time to look at.
        return binascii.a2b_qp(encoded.replace(b"%", b"=")).decode("utf-8")
    return encoded.decode("ascii")


def too_large(limit: int, size: int) -> Refused:
    """The refusal of a body of more than `limit` bytes."""
    return Refused("request.too_large", "The body is larger than this address takes.", want=limit, got=size)
