"""Writing answers: redirects, pages and forms, with the headers that all of them carry."""

import re

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from vestibule.flows.browser import (
    Declined,
    Loop,
    Question,
    Realm,
    RehearsalDone,
    RehearsalWaiting,
    Reply,
    Show,
)
from vestibule.model.answer import FormPost, Redirect, Send
from vestibule.model.installation import Branding
from vestibule.web import cookies, pages

_PLAIN_URL = re.compile(r"[A-Za-z0-9:/%#?=@\[\]!$&'()*+,._~-]+")
"""What the encoding of a redirect would leave as it is."""


class Json(Response):
    """A JSON document [RFC 8259], in UTF-8."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        return msgspec.json.encode(content)


def page(shown: pages.Page) -> Response:
    return HTMLResponse(shown.html, status_code=shown.status, headers={"Content-Security-Policy": shown.csp})


def send(what: Send, branding: Branding, *, after_post: bool = False) -> Response:
    """A redirect (303, so that no body is ever posted on [RFC 9700 4.12]) or a page that posts a form.

    `after_post`: Chromium holds the redirects of a form post to the page's `form-action`, so a page that navigates on
    answers instead.
    """
    if isinstance(what, FormPost):
        return page(pages.form_post(branding, url=what.url, fields=what.fields))
    if after_post:
        return page(pages.moving_on(branding, url=what.url))
    return redirect(what.url)


def redirect(url: str) -> Response:
    """To an address; one that has to be encoded still is."""
    if _PLAIN_URL.fullmatch(url):
        return Response(status_code=303, headers={"Location": url})
    return RedirectResponse(url, status_code=303)


async def reply(request: Request, what: Reply, *, after_post: bool = False) -> Response:
    """The whole answer of a flow: what is sent or shown, and the cookies."""
    house = request.app.state.house
    if isinstance(what.send, Redirect) and not after_post:
        response = redirect(what.send.url)
    else:
        face: Branding = (await house.store.configured.installation()).branding
        if isinstance(what.send, Redirect | FormPost):
            response = send(what.send, face, after_post=after_post)
        else:
            response = page(show(what.send, face))
    cookies.write(response, request, what, now=int(house.clock.now().timestamp()), login_ttl=house.settings.login_ttl)
    return response


def show(what: Show, branding: Branding) -> pages.Page:
    """The page for something that a flow wants the person to see."""
    match what:
        case Question():
            return _question(what, branding)
        case Realm():
            return pages.home_realm(
                branding,
                application_name=what.application,
                action="/login/realm",
                fields=what.parameters,
                email=what.email,
                problem=None if what.problem is None else _REALM_PROBLEMS[what.problem],
            )
        case Loop():
            return pages.loop(
                branding,
                connection_name=what.connection,
                application_name=what.application,
                action_url=what.again,
                reference=what.reference,
            )
        case Declined():
            return pages.declined(branding, back=what.back, application_name=what.application)
        case RehearsalWaiting():
            return pages.rehearsal_waiting(branding, connection_name=what.connection)
        case RehearsalDone():
            return pages.rehearsal_done(branding, ok=what.ok, reference=what.reference)


_REALM_PROBLEMS = {
    "unknown": "No company sign-in is set up for this address. Check it for typing errors, or ask your company's IT.",
    "malformed": "This is not an email address. It looks like name@company.example.",
}


def _question(asked: Question, branding: Branding) -> pages.Page:
    if asked.kind == "confirm":
        return pages.confirm(
            branding,
            application_name=asked.application,
            connection_name=asked.connection,
            account=asked.account,
            csrf=asked.token,
            action="/login/confirm",
            arrival=asked.handle,
            switching_from=asked.switching,
            fields={} if asked.resume is None else {"resume": asked.resume},
        )
    draw = pages.mismatch if asked.kind == "mismatch" else pages.switch
    return draw(
        branding,
        application_name=asked.application,
        connection_name=asked.connection,
        account=asked.account,
        csrf=asked.token,
        action="/login/confirm",
        handle=asked.handle,
    )
