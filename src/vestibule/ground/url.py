"""URLs as a gatekeeper reads them [RFC 3986, WHATWG URL]: parsed strictly, so that no browser can read one otherwise."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import quote, unquote_to_bytes, urlsplit

_LONGEST = 2048
_ROUNDS = 4
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_.])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Web:
    """An http(s) URL taken apart: `port` is never None, `path` is as it was written, "/" where it was empty."""

    scheme: str
    host: str
    port: int
    path: str
    query: str
    fragment: str

    @property
    def place(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)


def _is_clean(url: str) -> bool:
    """ASCII [RFC 3986 2] without control characters, white space or backslashes.

    Browsers drop the first two and read the third as a slash; what is not ASCII must come percent-encoded.
    """
    return bool(url) and "\\" not in url and all("!" <= char <= "~" for char in url)


def _host(host: str | None) -> str | None:
    """The host in lower case, or None. ASCII only: which ASCII name another one becomes is for a browser to decide."""
    if not host:
        return None
    if ":" in host:
        try:
            return f"[{ip_address(host).compressed}]"
        except ValueError:
            return None
    return host if _HOST_NAME.fullmatch(host) else None


def _read(url: str) -> _Web | None:
    """The URL taken apart, or None for what is not a plain http(s) URL with a host and without userinfo."""
    if not _is_clean(url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _host(parts.hostname)
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or host is None or "@" in parts.netloc:
        return None
    return _Web(
        scheme=parts.scheme,
        host=host,
        port=_DEFAULT_PORTS[parts.scheme] if port is None else port,
        path=parts.path or "/",
        query=parts.query,
        fragment=parts.fragment,
    )


def origin(url: str) -> str | None:
    """`scheme://host[:port]` with the default port left out [RFC 6454 6.2], or None where there is no such thing."""
    web = _read(url)
    if web is None:
        return None
    port = "" if web.port == _DEFAULT_PORTS[web.scheme] else f":{web.port}"
    return f"{web.scheme}://{web.host}{port}"


_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*")
"""[RFC 3986 2.3]"""


def _with(text: str, parameters: Mapping[str, str], mark: str) -> str:
    if not parameters:
        return text
    added = "&".join([f"{_encoded(name)}={_encoded(value)}" for name, value in parameters.items()])
    if mark not in text:
        return f"{text}{mark}{added}"
    return f"{text}{added}" if text.endswith((mark, "&")) else f"{text}&{added}"


def _encoded(text: str) -> str:
    """Most of what we add is plain already, and is asked once instead of character by character."""
    return text if _UNRESERVED.fullmatch(text) else quote(text, safe="")


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """The URL with these parameters at the end of its query; the query and fragment it has are kept [RFC 6749 4.1.2]."""
    head, mark, fragment = url.partition("#")
    return f"{_with(head, parameters, '?')}{mark}{fragment}"


def with_fragment(url: str, parameters: Mapping[str, str]) -> str:
    """The URL with these parameters in its fragment [RFC 6749 4.2.2]."""
    return _with(url, parameters, "#")


def _is_plain_path(path: str) -> bool:
    """No segment that a server or browser might take for a step up, however often it is percent-encoded.

    Refused: dot segments (also with a `;parameter`), backslashes, control characters, empty inner segments (an
    application that redirects to a path of `//host` leaves its site), and octets that are not UTF-8.
    """
    for _ in range(_ROUNDS):
        segments = path.split("/")[1:]
        if any(segment.partition(";")[0] in {".", ".."} for segment in segments) or "" in segments[:-1]:
            return False
        if "\\" in path or not path.isprintable():
            return False
        try:
            decoded = unquote_to_bytes(path).decode("utf-8")
        except UnicodeDecodeError:
            return False
        if decoded == path:
            return True
        path = decoded
    return False


def is_plain_web_url(url: str) -> bool:
    """Whether this is an http(s) URL without userinfo, backslash, dot segment or control character, encoded or not."""
    web = _read(url)
    return web is not None and len(url) <= _LONGEST and _is_plain_path(web.path)


def is_prefix(url: str) -> bool:
    """Whether a URL can serve as one of the prefixes of `is_within`: plain, and ending with its path."""
    return is_plain_web_url(url) and "?" not in url and "#" not in url


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else f"{prefix}/")


def is_within(url: str, prefixes: Sequence[str]) -> bool:
    """Where a deep link may lead: same scheme, host and port, path equal or below on a segment boundary.

    Compared after parsing, but before decoding: an encoded slash is no boundary, and an encoded letter is another
    letter. Whatever two readers could read differently is outside.
    """
    web = _read(url)
    if web is None or not is_plain_web_url(url):
        return False
    for prefix in prefixes:
        allowed = _read(prefix)
        if allowed and is_prefix(prefix) and web.place == allowed.place and _is_below(web.path, allowed.path):
            return True
    return False


def is_loopback(host: str | None) -> bool:
    """`localhost`, names under it [RFC 6761 6.3], 127.0.0.0/8 and ::1: what never leaves this machine."""
    name = (host or "").lower().removeprefix("[").removesuffix("]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def is_web_url(url: str, *, allow_http_loopback: bool = True) -> bool:
    """An https URL, or, where allowed, an http one on a loopback host."""
    web = _read(url)
    if web is None:
        return False
    return web.scheme == "https" or (allow_http_loopback and is_loopback(web.host))


def plain_host(host: str, *, secure: bool) -> str:
    """A Host header in lower case, without the scheme's own port: with it or without it is the same host [RFC 9110 4.2.3]."""
    return host.lower().removesuffix(":443" if secure else ":80")
