"""People's pages: values in, HTML and its Content-Security-Policy out [WCAG 2.2 AA, CSP 3]."""

import base64
import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Literal, NotRequired, TypedDict, Unpack
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from vestibule.ground.url import origin
from vestibule.model.installation import Branding
from vestibule.web.colour import palette
from vestibule.web.sentences import sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page ready to be sent. `csp` is the whole value of its Content-Security-Policy header."""

    html: str
    status: int
    csp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Static:
    """A file that pages load from `/static/`."""

    content: bytes
    media_type: str


def _static(name: str, media_type: str) -> Static:
    return Static(content=resources.files("vestibule.web").joinpath("static", name).read_bytes(), media_type=media_type)


STATIC: Mapping[str, Static] = MappingProxyType(
    {
        "pages.css": _static("pages.css", "text/css; charset=utf-8"),
        "submit.js": _static("submit.js", "text/javascript; charset=utf-8"),
        "icon.svg": _static("icon.svg", "image/svg+xml"),
    }
)
"""All that is served under `/static/`, by name."""

STATIC_VERSION = hashlib.sha256(b"".join(file.content for file in STATIC.values())).hexdigest()[:12]
"""Every link to a static file carries it as `?v=`, so that the files may be cached for ever."""

_NEVER_FOLLOWED = frozenset(
    ("javascript", "data", "vbscript", "blob", "file", "filesystem", "about", "view-source", "mailto", "tel", "intent")
)
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*):[\x21-\x7e]+", re.IGNORECASE)
_PATH = re.compile(r"/(?![/\\])[\x21-\x7e]*")
_CSP_SOURCE = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?")
_EMAIL = re.compile(r"[^@\s<>?&%]+@[^@\s<>?&%]+\.[^@\s<>?&%]+")
_SHOWN = 320
"""Characters of an account's name that are shown; the longest email address has 320 [RFC 3696, erratum 1690]."""


def safe_url(url: str | None) -> str | None:
    """`url`, if a browser may be led there: a path of ours, http(s), or a private-use scheme [RFC 8252 7.1]; else None.

    Whether it is registered was decided long before; this is the last fence before an attribute that browsers obey.
    """
    if url is None or _PATH.fullmatch(url):
        return url
    match = _URL.fullmatch(url)
    if match is None or match["scheme"].lower() in _NEVER_FOLLOWED:
        return None
    try:
        hostless = match["scheme"].lower() in ("http", "https") and not urlsplit(url).hostname
    except ValueError:
        return None
    return None if hostless else url


def _source(url: str | None) -> str | None:
    """The origin of an http(s) URL as a CSP source, or None where a policy cannot name it (paths, IPv6, other schemes)."""
    found = origin(url) if url is not None and safe_url(url) else None
    return found if found and _CSP_SOURCE.fullmatch(found) else None


def _visible(text: str) -> str:
    """An account's name as it may be shown beside a question: nothing in it is invisible or turns the writing round.

    With U+202E a person could be shown another account's name than the one that is about to be signed in.
    """
    shown = "".join(
        f"⟨U+{ord(char):04X}⟩" if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co") else char
        for char in text[:_SHOWN]
    )
    return shown if len(text) <= _SHOWN else shown + "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Face:
    """Branding as the templates need it: every address in it may be followed, every colour may stand in a style sheet."""

    product_name: str
    initial: str
    logo_url: str | None
    logo_source: str | None
    support: str | None
    support_url: str | None
    style: str
    style_source: str


def _support_url(support: str | None) -> str | None:
    if support is None:
        return None
    if _EMAIL.fullmatch(support.removeprefix("mailto:")):
        return "mailto:" + support.removeprefix("mailto:")
    return support if support.startswith(("https://", "http://")) and safe_url(support) else None


@lru_cache(maxsize=16)
def _face(branding: Branding) -> _Face:
    """The one style element is allowed by its digest: no randomness, no further request, and the same on every node."""
    colours = palette(branding.colour)
    style = (
        f":root{{--brand:{colours.fill};--on-brand:{colours.on_fill};--accent:{colours.light}}}"
        f"@media (prefers-color-scheme:dark){{:root{{--accent:{colours.dark}}}}}"
    )
    source = _source(branding.logo_url)
    own = branding.logo_url is not None and _PATH.fullmatch(branding.logo_url) is not None
    name = branding.product_name.strip() or Branding().product_name
    return _Face(
        product_name=name,
        initial=name[0].upper(),
        logo_url=branding.logo_url if source or own else None,
        logo_source=source,
        support=branding.support.removeprefix("mailto:") if branding.support else None,
        support_url=_support_url(branding.support),
        style=style,
        style_source="'sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() + "'",
    )


def _csp(face: _Face, *, form_action: str = "'none'", script: str | None = None) -> str:
    """Nothing but what the page needs [CSP 3]; never framable, so that no click on a question can be stolen."""
    directives = [
        "default-src 'none'",
        f"style-src 'self' {face.style_source}",
        "img-src 'self'" + (f" {face.logo_source}" if face.logo_source else ""),
        *([f"script-src {script}"] if script else []),
        f"form-action {form_action}",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
    return "; ".join(directives)


_templates = Environment(
    loader=PackageLoader("vestibule.web", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_templates.filters["visible"] = _visible
_templates.globals["version"] = STATIC_VERSION


def _page(
    template: str,
    branding: Branding,
    *,
    status: int = 200,
    form_action: str = "'none'",
    script: str | None = None,
    **values: object,
) -> Page:
    face = _face(branding)
    html = _templates.get_template(template).render(brand=face, **values)
    return Page(html=html, status=status, csp=_csp(face, form_action=form_action, script=script))


def error(branding: Branding, *, reference: str, code: str, back: str | None, status: int) -> Page:
    """Something was refused: a sentence chosen by `code`, the reference number, support, and a way back."""
    return _page("error.html", branding, status=status, said=sentence(code), reference=reference, back=safe_url(back))


def home_realm(
    branding: Branding,
    *,
    application_name: str,
    action: str,
    fields: Mapping[str, str],
    email: str = "",
    problem: str | None = None,
) -> Page:
    """Home realm discovery: asks for the email address (field `email`) whose domain picks the connection.

    The form changes nothing (its answer leads back to the authorization endpoint), so it carries no token.
    """
    return _page(
        "home_realm.html",
        branding,
        form_action="'self'",
        application_name=application_name,
        action=action,
        hidden=dict(fields),
        email=email,
        problem=problem,
    )


def confirm(
    branding: Branding,
    *,
    application_name: str,
    connection_name: str,
    account: str,
    csrf: str,
    action: str,
    arrival: str,
    switching_from: bool = False,
    fields: Mapping[str, str] = MappingProxyType({}),
) -> Page:
    """A waiting arrival: names account, connection and application, and goes on only after `decision=yes`.

    `switching_from` adds that this browser was last used by somebody else, so that one question is enough.
    """
    return _page(
        "confirm.html",
        branding,
        form_action="'self'",
        application_name=application_name,
        connection_name=connection_name,
        account=account,
        action=action,
        hidden={**fields, "csrf": csrf, "arrival": arrival},
        switching_from=switching_from,
    )


Handle = Literal["outcome", "arrival"]


class Asked(TypedDict):
    """What a question about a fresh answer names, and the hidden fields that bring the person's own answer back."""

    application_name: str
    connection_name: str
    account: str
    csrf: str
    action: str
    handle: str
    handle_name: NotRequired[Handle]
    fields: NotRequired[Mapping[str, str]]


def switch(branding: Branding, **asked: Unpack[Asked]) -> Page:
    """Another person, or another connection, than the one that this browser last used is about to take its place."""
    return _account_question("switch.html", branding, asked)


def mismatch(branding: Branding, **asked: Unpack[Asked]) -> Page:
    """The portal announced another account than the one (`account`) that has now signed in."""
    return _account_question("mismatch.html", branding, asked)


def _account_question(template: str, branding: Branding, asked: Asked) -> Page:
    return _page(
        template,
        branding,
        form_action="'self'",
        application_name=asked["application_name"],
        connection_name=asked["connection_name"],
        account=asked["account"],
        action=asked["action"],
        hidden={
            **asked.get("fields", {}),
            "csrf": asked["csrf"],
            asked.get("handle_name", "outcome"): asked["handle"],
        },
    )


def declined(branding: Branding, *, back: str | None, application_name: str) -> Page:
    """Where "No" ends: nobody was signed in, and there is a way back."""
    return _page("declined.html", branding, back=safe_url(back), application_name=application_name)


def loop(
    branding: Branding, *, connection_name: str, application_name: str, action_url: str, reference: str = ""
) -> Page:
    """Instead of a third restart within a minute: a link to `action_url` starts an ordinary sign-in."""
    return _page(
        "loop.html",
        branding,
        connection_name=connection_name,
        application_name=application_name,
        action_url=_must_be_safe(action_url),
        reference=reference,
    )


def moving_on(branding: Branding, *, url: str) -> Page:
    """Answers a form post and navigates on: Chromium would hold a redirect of the post itself to `form-action`."""
    return _page("moving_on.html", branding, url=_must_be_safe(url))


def form_post(branding: Branding, *, url: str, fields: Mapping[str, str]) -> Page:
    """Lets the browser post `fields` to `url` [OAuth 2.0 Form Post Response Mode; SAMLBind 3.5.4]; a button without scripts.

    `form-action` names the scheme, not the origin: Chromium applies it to the redirects that follow the post, and an
    identity provider, or an application's callback, may well lead on to a host of which we know nothing.
    """
    scheme = urlsplit(_must_be_safe(url)).scheme
    if scheme not in ("http", "https"):
        raise ValueError("a form is posted to an http or https URL only")
    return _page(
        "form_post.html",
        branding,
        form_action="https:" if scheme == "https" else "http: https:",
        script="'self'",
        url=url,
        hidden=dict(fields),
    )


def signed_out(branding: Branding, *, back: str | None = None) -> Page:
    """The person has been signed out here."""
    return _page("signed_out.html", branding, back=safe_url(back))


def front(branding: Branding) -> Page:
    """For whoever opens the bare address."""
    return _page("front.html", branding)


def still_signed_in(branding: Branding) -> Page:
    """The person said no to signing out."""
    return _page("still_signed_in.html", branding)


def logout_confirm(branding: Branding, *, csrf: str, action: str, fields: Mapping[str, str]) -> Page:
    """Asks before signing out [OIDC RP-Initiated Logout 2]: the request named no application that we can be sure of."""
    return _page("logout_confirm.html", branding, form_action="'self'", action=action, hidden={**fields, "csrf": csrf})


_TILE_STEPS = (
    "Open your company portal in this same browser, in a new tab.",
    "Click the tile that you want to try.",
    "Come back to your terminal: the result appears there.",
)


def rehearsal_waiting(branding: Branding, *, connection_name: str, steps: Sequence[str] = _TILE_STEPS) -> Page:
    """A test sign-in was opened in this browser and waits for the tile; `steps` say what to do, in order."""
    return _page("rehearsal_waiting.html", branding, connection_name=connection_name, steps=tuple(steps))


def rehearsal_done(branding: Branding, *, ok: bool, reference: str) -> Page:
    """A test sign-in has come back, accepted or refused; the result is in the operator's terminal, nobody is signed in."""
    return _page("rehearsal_done.html", branding, ok=ok, reference=reference)


def _must_be_safe(url: str) -> str:
    if safe_url(url) is None:
        raise ValueError("a page may lead only to an http or https URL or a private-use scheme")
    return url
