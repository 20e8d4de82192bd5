"""A SAML response as somebody saved it: base64, a form, XML, a HAR file, or what a browser's tools put on the clipboard.

What it is, is told by its content. What comes out is the form that the assertion consumer service would have been sent.
"""

import base64
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from vestibule.ground import form as strict
from vestibule.ground.errors import Refused

MAX_FILE: Final = 64 * 1024 * 1024
"""Bytes. A HAR file holds everything that a browser loaded meanwhile."""
ACS_LIMIT: Final = 1_600_000
"""Bytes of a form that can hold a message of 1 MiB in base64 [SAMLBind 3.5.4]; percent-encoding of a few characters included."""
_FIELDS: Final = ("SAMLResponse", "RelayState")
_DEEPEST: Final = 40

_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/=_\- \t\r\n]{40,}")
_BEGIN = re.compile(r"<(?:[\w.\-]{1,64}:)?Response[\s>]")
_END = re.compile(r"</(?:[\w.\-]{1,64}:)?Response\s{0,16}>")
_IN_FORM = re.compile(r"(?:^|['\"\s])((?:(?:[^'\"\s<>\\&=?/:]*=[^'\"\s<>\\&]*)?&)*SAMLResponse=[^'\"\s<>\\]+)")
"""A whole form, alone or in quotes."""
_IN_URL = re.compile(r"[?&](SAMLResponse=[^'\"\s<>\\]+)")
_POSTED = re.compile(r"(?:^|&)SAMLResponse=")
_LABELLED = re.compile(
    r"SAMLResponse[\"'`]?\s{0,16}(?:[:=]|\t|\n)\s{0,16}[\"'`]?\s{0,16}"
    # Further lines are more of it, but for the one of the next field.
    r"([A-Za-z0-9+/%]{20,}(?:\r?\n[ \t]{0,64}(?!RelayState)[A-Za-z0-9+/%]+(?=[\r\n=\"'`]|$))*={0,2})"
)
_INPUT = re.compile(r"<input\b[^<>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""(?<![\w\-])(name|value)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>`]+))""", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """`kind` says how it was found. The rest is known from a HAR file alone: which request, where to, when, and from which page.

    `form` holds the fields as the assertion consumer service reads them; never shown. `unread` is why it would not even
    read them, and then there are none.
    """

    kind: str
    form: Mapping[str, str] = field(repr=False)
    unread: Refused | None = None
    request: int | None = None
    url: str | None = None
    at: datetime | None = None
    has_headers: bool = False
    origin: str | None = None

    def with_relay_state(self, value: str) -> "Captured":
        """The same, posted with this RelayState."""
        return replace(self, form={**self.form, "RelayState": value})


def read(octets: bytes) -> tuple[Captured, ...]:
    """Every response in a file, in its order: one, but for HAR files. `Refused("inspect.…")` where there is none."""
    if len(octets) > MAX_FILE:
        raise Refused(
            "inspect.too_large",
            "The file is larger than one that a browser saves.",
            want=f"<= {MAX_FILE}",
            got=len(octets),
        )
    written = _text(octets).strip().strip("\ufeff").strip()
    if not written:
        raise Refused("inspect.empty", "The file is empty. Copy the value of the form field SAMLResponse into it.")
    found = _found(octets, written)
    if found:
        return found
    if "SAMLResponse" in written:
        raise Refused(
            "inspect.not_posted",
            "SAMLResponse is mentioned in it, but no value of it was posted. Responses come by POST; save a HAR file with its "
            "content, or copy the value of the form field.",
        )
    if "SAMLRequest" in written:
        raise Refused(
            "inspect.only_a_request",
            "There is a SAMLRequest in it, which is what was asked, and no SAMLResponse. Look for the request that posts "
            "to the assertion consumer service, after the sign-in.",
        )
    raise Refused(
        "inspect.nothing_found",
        "There is no SAML response in it. It takes the value of the form field SAMLResponse, a form that holds it, the XML, or "
        "a HAR file that was recorded while signing in (the browser's network panel, with its log preserved).",
    )


def _found(octets: bytes, written: str) -> tuple[Captured, ...]:
    if written[0] in "{[\"'" and (document := _json(written)) is not None:
        return tuple(_in_json(document))
    if written[0] == "<":
        fields = _inputs(written)
        if fields:
            return (Captured(kind="HTML form", form=fields),)
        return (_xml(octets if octets.lstrip()[:1] == b"<" else written.encode()),)
    if (form := _IN_FORM.search(written) or _IN_URL.search(written)) is not None:
        return (_form(form[1]),)
    if (labelled := _LABELLED.search(written)) is not None:
        return (Captured(kind="labelled value", form={"SAMLResponse": _unescaped(labelled[1])}),)
    begin, ends = _BEGIN.search(written), list(_END.finditer(written))
    if begin is not None and ends and ends[-1].end() > begin.start():
        return (_xml(written[begin.start() : ends[-1].end()].encode()),)
    value = _unescaped(written.strip("\"'`,; \r\n\t"))
    if _BASE64.fullmatch(value) and "SAMLRequest" not in written:
        return (Captured(kind="base64", form={"SAMLResponse": _lines(value)}),)
    return ()


def _text(octets: bytes) -> str:
    """As text; editors and shells on Windows write UTF-16. What is no text is looked at as if it were Latin-1."""
    if octets[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return octets.decode("utf-16", "replace")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _xml(octets: bytes) -> Captured:
    return Captured(kind="XML", form={"SAMLResponse": base64.b64encode(octets.strip()).decode("ascii")})


def _unescaped(value: str) -> str:
    """A value that is percent-encoded, decoded once. A `+` stands for itself: as a space it would not be base64."""
    return _lines(unquote(value) if _PERCENT.search(value) else value)


def _lines(value: str) -> str:
    """Without the margins of its lines, which are whoever's who copied it. A space within a line stays: it is a fault."""
    return "\n".join(line.strip() for line in value.splitlines() if line.strip())


def _form(body: str) -> Captured:
    """A form as it was sent. One that was copied decoded has a `+` and no `%`, and is encoded again first."""
    if not _PERCENT.search(body) and "+" in body:
        body = quote(body, safe="=&", errors="surrogatepass")
    return _read_strictly(Captured(kind="form", form={}), body)


def _read_strictly(found: Captured, body: str, media: str = strict.TYPE) -> Captured:
    """With the whole form, as the assertion consumer service reads it, or refuses to."""
    try:
        strict.of_type(media)
        octets = body.encode("utf-8", "surrogatepass")
        if len(octets) > ACS_LIMIT:
            raise strict.too_large(ACS_LIMIT, len(octets))
        return replace(found, form=strict.parse(octets))
    except Refused as refused:
        return replace(found, unread=refused)


def _inputs(page: str) -> Mapping[str, str]:
    """The hidden fields of a saved page that posts itself."""
    fields = {}
    for tag in _INPUT.findall(page):
        said = {name.lower(): html.unescape("".join(value)) for name, *value in _ATTRIBUTE.findall(tag)}
        if said.get("name") in _FIELDS:
            fields[said["name"]] = said.get("value", "")
    return fields if "SAMLResponse" in fields else {}


# -- JSON ------------------------------------------------------------------------------------------------------------------


def _json(written: str) -> Any:
    """None where it is no JSON. Floods of brackets and digits are no JSON either."""
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None


def _in_json(document: Any) -> Iterator[Captured]:
    if isinstance(document, str):
        yield from _found(document.encode("utf-8", "replace"), document.strip()) if document.strip() else ()
        return
    log = document.get("log") if isinstance(document, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if isinstance(entries, list):
        yield from _in_har(entries)
        return
    value = _member(document, 0)
    if value is not None:
        yield Captured(kind="JSON", form={"SAMLResponse": _unescaped(value)})


def _member(document: Any, depth: int) -> str | None:
    """The first value that goes by the name SAMLResponse, wherever it is: a member, a pair, or an object of name and value."""
    if depth > _DEEPEST:
        return None
    match document:
        case (
            {"SAMLResponse": str(value)} | {"name": "SAMLResponse", "value": str(value)} | ["SAMLResponse", str(value)]
        ):
            return value
        case dict():
            children = list(document.values())
        case list():
            children = document
        case _:
            return None
    return next((found for child in children if (found := _member(child, depth + 1)) is not None), None)


def _in_har(entries: list[Any]) -> Iterator[Captured]:
    """Each POST with a SAMLResponse [HAR 1.2]."""
    for number, entry in enumerate(entries, 1):
        request = entry.get("request") if isinstance(entry, dict) else None
        if not isinstance(request, dict) or request.get("method") != "POST":
            continue
        media, body = _posted(request.get("postData"))
        if not _POSTED.search(body):
            continue
        headers = _headers(request.get("headers"))
        found = Captured(
            kind="HAR",
            form={},
            request=number,
            url=str(request.get("url", "")).encode("utf-8", "replace").decode("utf-8"),
            at=_instant(entry.get("startedDateTime")),
            has_headers=bool(headers),
            origin=headers.get("origin"),
        )
        yield _read_strictly(found, body, media)


def _posted(data: Any) -> tuple[str, str]:
    """Its media type, and the body as it was sent; else written anew from the parameters, which some browsers percent-encode."""
    if not isinstance(data, dict):
        return "", ""
    media, body, parameters = data.get("mimeType"), data.get("text"), data.get("params")
    media = media if isinstance(media, str) and media else strict.TYPE
    if isinstance(body, str) and _POSTED.search(body):
        return media, body
    given = [one for one in parameters if isinstance(one, dict)] if isinstance(parameters, list) else []
    pairs = [(str(one.get("name")), str(one.get("value", ""))) for one in given]
    decoded = [(name, unquote(value) if _PERCENT.search(value) else value) for name, value in pairs]
    return media, urlencode(decoded, errors="surrogatepass")


def _headers(headers: Any) -> Mapping[str, str]:
    pairs = [one for one in headers if isinstance(one, dict)] if isinstance(headers, list) else []
    return {str(one.get("name", "")).lower(): str(one.get("value", "")) for one in pairs}


def _instant(value: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def place(url: str) -> str:
    """Where a URL leads, without what its query may carry besides the connection's name."""
    try:
        parts = urlsplit(url)
        named = dict(parse_qsl(parts.query)).get("connection")
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    return f"{parts.scheme}://{host}{port}{parts.path}{f'?connection={named}' if named else ''}"
