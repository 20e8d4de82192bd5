"""The doors of a login in flight: the continue hop, the questions, home realm discovery, tiles and test sign-ins."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from vestibule.ground.errors import Refused
from vestibule.model.answer import Redirect
from vestibule.model.installation import Branding
from vestibule.web import cookies, errors, forms, respond

REPEATABLE = ("resource", "audience")
"""OAuth parameters that may come several times [RFC 8707 2]."""


async def authorize(request: Request) -> Response:
    """The authorization endpoint, by GET and by POST [OIDC Core 3.1.2.1]."""
    if request.method == "POST":
        # A cross-site post comes without Lax cookies, blind to session and arrival: it is sent round as a GET.
        posted = await forms.read(request, limit=forms.QUERY_LIMIT, repeatable=REPEATABLE)
        return respond.send(Redirect(url=f"{request.app.state.house.issuer}authorize?{urlencode(posted)}"), Branding())
    try:
        parameters = forms.query(request, repeatable=REPEATABLE)
        reply = await request.app.state.house.authorizing.authorize(parameters, cookies.browser(request))
    except Refused as refused:
        return await errors.answer(request, refused)
    return await respond.reply(request, reply)


async def proceed(request: Request) -> Response:
    """`/login/continue`: an arrival or a fresh answer goes on, now that Lax cookies are here."""
    query = forms.query(request)
    browser = cookies.browser(request)
    landing = request.app.state.house.landing
    try:
        if query.get("arrival"):
            reply = await landing.arrive(query["arrival"], browser, again="again" in query)
        elif query.get("login"):
            reply = await landing.answered(query["login"], browser)
        else:
            raise Refused("request.missing", "The address names no login to go on with; start the sign-in again.")
    except Refused as refused:
        return await errors.answer(request, refused)
    return await respond.reply(request, reply)


async def confirm(request: Request) -> Response:
    """The person answers a question. Only our own pages may post here."""
    form = await forms.read(request)
    of = "arrival" if form.get("arrival") else "outcome"
    handle, decision = form.get(of, ""), form.get("decision", "")
    if not handle or decision not in ("yes", "no"):
        raise Refused("request.missing", "The form is incomplete; go back and answer with one of its two buttons.")
    try:
        reply = await request.app.state.house.landing.confirm(
            handle=handle,
            of=of,
            token=form.get("csrf", ""),
            yes=decision == "yes",
            resume=form.get("resume"),
            browser=cookies.browser(request),
        )
    except Refused as refused:
        return await errors.answer(request, refused)
    return await respond.reply(request, reply, after_post=True)


async def realm(request: Request) -> Response:
    """The email address of home realm discovery: back to the authorization endpoint, with it as `login_hint`."""
    form = dict(await forms.read(request))
    email = form.pop("email", "").strip()
    return await respond.reply(request, await request.app.state.house.authorizing.realm(form, email), after_post=True)


async def launch(request: Request) -> Response:
    """A tile that is a plain bookmark."""
    query = forms.query(request)
    reply = await request.app.state.house.launching.launch(
        request.path_params["client_id"], query.get("connection"), query.get("target_link_uri")
    )
    return await respond.reply(request, reply)


async def rehearse(request: Request) -> Response:
    """The link of a test sign-in, opened in the operator's browser."""
    return await respond.reply(request, await request.app.state.house.opening.open(request.path_params["id"]))
