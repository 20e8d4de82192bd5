"""What a flow knows of the browser that asks, and what it wants the browser to hold and to see afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from vestibule.ground.hashing import digest
from vestibule.model.answer import FormPost, Redirect
from vestibule.model.ids import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """The browser's side of a request, secrets already digested.

    `logins` and `arrivals` are the digests of the pending-login and arrival cookies that it sent; `session` that of
    its SSO cookie; `seen` the keyed hash of whom it last served; `origin` the `Origin` header as sent; `host` the
    host (with port) that it believes it talks to.
    """

    logins: tuple[Digest, ...] = ()
    arrivals: tuple[Digest, ...] = ()
    session: Digest | None = None
    seen: str | None = None
    origin: str | None = None
    host: str = ""


def hold(secret: str) -> Digest:
    """The digest under which the store knows a secret that the browser holds."""
    return Digest(digest(secret))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Something to ask the person before going on. `kind` is "confirm", "switch" or "mismatch".

    `account` is the NameID or a verified-domain email. `token` is bound to this browser, `handle` and `resume`.
    """

    kind: str
    handle: str
    token: str
    account: str
    application: str
    connection: str
    switching: bool = False
    resume: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Realm:
    """Ask for an email address, to find the person's connection; then come back with these `parameters`.

    `problem` is "unknown" (its domain leads nowhere) or "malformed" (it is no address).
    """

    application: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    email: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """The identity provider keeps answering with unsolicited responses; `again` starts an ordinary login."""

    application: str
    connection: str
    again: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The person said no. `back` leads to the application, where it has an address."""

    application: str
    back: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalWaiting:
    connection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalDone:
    ok: bool
    reference: str


Show = Question | Realm | Loop | Declined | RehearsalWaiting | RehearsalDone


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes to the browser. Each secret given is set as a cookie of its kind.

    `spent` are the digests of login and arrival cookies that are of no more use; `drop_session` takes the SSO
    cookie away.
    """

    send: Redirect | FormPost | Show
    login_secret: str | None = None
    arrival_secret: str | None = None
    session_secret: str | None = None
    seen: str | None = None
    drop_session: bool = False
    spent: tuple[Digest, ...] = ()
