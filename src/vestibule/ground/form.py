"""Form-encoded parameters, read strictly: one value a name, UTF-8 only, within bounds [HTML form-urlencoded, RFC 6749 3.1]."""

import re
from collections.abc import Collection
from urllib.parse import parse_qsl

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


def too_large(limit: int, size: int) -> Refused:
    """The refusal of a body of more than `limit` bytes."""
    return Refused("request.too_large", "The body is larger than this address takes.", want=limit, got=size)
