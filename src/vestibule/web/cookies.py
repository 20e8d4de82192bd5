"""The cookie table: names, flags, and how many of each a browser may be made to hold [RFC 6265bis]."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from vestibule.flows.browser import Browser, Reply, hold
from vestibule.ground.url import plain_host
from vestibule.web import headers

LOGIN = "__Host-vst-login-"
ARRIVAL = "__Host-vst-arrival-"
SESSION = "__Host-vst-sid"
SEEN = "__Host-vst-seen"
CSRF = "__Host-vst-csrf"
MOST = 5
"""Cookies of one kind: a foreign page that starts logins must not fill the request header."""
SLOTS = 20
"""Names that they are drawn from where the browser's own are not seen; pruned to `MOST` as soon as they are."""
SEEN_SECONDS = 400 * 86_400
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""What we set is base64url; anything else is not ours, and is never echoed."""
_SLOT_OF = {str(slot): slot for slot in range(SLOTS)}
_SENT = "vestibule.cookies"
_SINCE = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A bounded cookie as the browser sent it: its slot, when it was set (seconds since 1970), its secret."""

    slot: int
    since: int
    secret: str


def sent(request: Request) -> Mapping[str, str]:
    """The cookies of the request whose names are ours to the letter, and came once [RFC 6265bis 5.8.3].

    Nothing but the space that browsers write is taken off a name: a sibling site may set a cookie named `\xa0__Host-…` for
    our host, which browsers do not hold to the prefix's rules, and a reader that strips it would take it for ours. Two of
    one name are none: a browser holds one at most, so that somebody else had a hand in it, and which one cannot be told.
    """
    known: Mapping[str, str] | None = request.scope.get(_SENT)
    if known is None:
        known = request.scope[_SENT] = _read(headers.every(request, b"cookie"))
    return known


def _read(lines: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    twice: set[str] = set()
    for line in lines:
        for pair in line.split(";"):
            name, _, value = pair.strip(" \t").partition("=")
            if not name.startswith("__Host-vst-"):
                continue
            if name in found:
                twice.add(name)
            found[name] = value
    return {name: value for name, value in found.items() if name not in twice}


def _held(request: Request, prefix: str) -> tuple[Held, ...]:
    if not sent(request):
        return ()
    found = []
    for name, value in sent(request).items():
        slot = _SLOT_OF.get(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if slot is None:
            continue
        since, _, secret = value.partition(".")
        if _SECRET.fullmatch(secret) and _SINCE.fullmatch(since):
            found.append(Held(slot=slot, since=int(since), secret=secret))
    return tuple(found)


def session(request: Request) -> str | None:
    """The secret of the SSO session, as the browser sent it."""
    return _plain(request, SESSION)


def csrf(request: Request) -> str | None:
    """The secret that binds this installation's plain forms (sign-out) to the browser."""
    return _plain(request, CSRF)


def _plain(request: Request, name: str) -> str | None:
    value = sent(request).get(name, "")
    return value if _SECRET.fullmatch(value) else None


def browser(request: Request) -> Browser:
    """What the flows may know of the browser behind this request."""
    sid = session(request)
    return Browser(
        logins=tuple(hold(held.secret) for held in _held(request, LOGIN)),
        arrivals=tuple(hold(held.secret) for held in _held(request, ARRIVAL)),
        session=None if sid is None else hold(sid),
        seen=_plain(request, SEEN),
        origin=headers.first(request, b"origin"),
        host=plain_host(
            headers.first(request, b"host") or "", secure=request.app.state.house.issuer.startswith("https:")
        ),
    )


def write(response: Response, request: Request, reply: Reply, *, now: int, login_ttl: int) -> None:
    """Sets and drops what the reply asks for. `now` in seconds since 1970, `login_ttl` in seconds."""
    _prune(response, request, reply)
    if reply.login_secret is not None:
        # The answer to our AuthnRequest is a cross-site POST: only SameSite=None arrives there.
        _slot(response, request, LOGIN, reply.login_secret, now, same_site="none", seconds=login_ttl)
    if reply.arrival_secret is not None:
        _slot(response, request, ARRIVAL, reply.arrival_secret, now, same_site="lax", seconds=900)
    if reply.session_secret is not None:
        _set(response, SESSION, reply.session_secret, same_site="lax", seconds=None)
    if reply.drop_session:
        _drop(response, SESSION)
    if reply.seen is not None:
        _set(response, SEEN, reply.seen, same_site="lax", seconds=SEEN_SECONDS)


def write_csrf(response: Response, secret: str) -> None:
    _set(response, CSRF, secret, same_site="strict", seconds=None, http_only=False)


def _slot(
    response: Response, request: Request, prefix: str, secret: str, now: int, *, same_site: str, seconds: int
) -> None:
    slot = _free_slot(_held(request, prefix), secret)
    _set(response, f"{prefix}{slot}", f"{now}.{secret}", same_site=same_site, seconds=seconds)


def _prune(response: Response, request: Request, reply: Reply) -> None:
    """Drops what is spent, and the oldest of what is too much."""
    for prefix, coming in ((LOGIN, reply.login_secret), (ARRIVAL, reply.arrival_secret)):
        held = sorted(_held(request, prefix), key=lambda one: one.since, reverse=True)
        kept = [one for one in held if not reply.spent or hold(one.secret) not in reply.spent]
        kept = kept[: MOST - (coming is not None)]
        for one in held:
            if one not in kept:
                _drop(response, f"{prefix}{one.slot}")


def _free_slot(held: Sequence[Held], secret: str) -> int:
    """A slot that is free as far as we see, drawn: a cross-site post brings no Lax cookies, so we may see none."""
    taken = {one.slot for one in held}
    free = [slot for slot in range(SLOTS) if slot not in taken]
    return free[sum(secret.encode()) % len(free)] if free else min(held, key=lambda one: one.since).slot


def _set(
    response: Response, name: str, value: str, *, same_site: str, seconds: int | None, http_only: bool = True
) -> None:
    age = "" if seconds is None else f"; Max-Age={seconds}"
    only = "; HttpOnly" if http_only else ""
    response.headers.append(
        "set-cookie", f"{name}={value}; Path=/{age}; Secure{only}; SameSite={same_site.capitalize()}"
    )


def _drop(response: Response, name: str) -> None:
    response.headers.append("set-cookie", f"{name}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
