"""SAML's doors: the assertion consumer service under its three paths, and our metadata for each connection."""

from starlette.requests import Request
from starlette.responses import Response

from vestibule.flows.captured import ACS_LIMIT
from vestibule.flows.receive import Posted
from vestibule.ground.errors import Refused
from vestibule.model.connection import AcsStyle
from vestibule.web import cookies, forms, respond


async def acs(request: Request) -> Response:
    """A SAML response is posted: by the connection's name in the query, in the path, or by its id (Logto's path)."""
    receiving = request.app.state.house.receiving
    reference = ""
    try:
        reference, style = _named(request)
        form = await forms.read(request, limit=ACS_LIMIT)
    except Refused as refused:
        await receiving.unreadable(reference, refused)
        raise
    posted = Posted(connection=reference, style=style, form=form, browser=cookies.browser(request))
    return await respond.reply(request, await receiving.receive(posted))


async def metadata(request: Request) -> Response:
    """Our metadata for one connection [SAMLMeta 2.4.4]."""
    reference = request.path_params.get("name") or forms.query(request).get("connection", "")
    octets = await request.app.state.house.describing.metadata(reference)
    return Response(octets, media_type="application/samlmetadata+xml")


def _named(request: Request) -> tuple[str, str]:
    if "name" in request.path_params:
        return request.path_params["name"], AcsStyle.PATH
    if "id" in request.path_params:
        return request.path_params["id"], AcsStyle.LOGTO
    reference = forms.query(request).get("connection", "")
    if not reference:
        raise Refused(
            "connection.unknown",
            "The address names no connection; post to /login/callback?connection=NAME.",
            want="connection",
        )
    return reference, AcsStyle.CALLBACK
