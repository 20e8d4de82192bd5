"""The doors of the OpenID provider but one (`/authorize` is a person's door): back channel, discovery, sign-out, CORS."""

import base64
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from urllib.parse import unquote, urlencode

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows.guard import TooMany
from vestibule.flows.logout import SIGNED_OUT, AskFirst
from vestibule.ground.errors import OAuthRefused, Refused
from vestibule.ground.hashing import same
from vestibule.ground.url import origin
from vestibule.keys.rotation import KEY_SET_KEPT
from vestibule.model.answer import Redirect
from vestibule.model.application import Application
from vestibule.oidc import logout
from vestibule.oidc.discovery import END_SESSION
from vestibule.store.port import Store
from vestibule.web import cookies, errors, forms, headers, pages, respond

REPEATABLE = ("resource", "audience")
"""OAuth parameters that may come several times [RFC 8707 2]."""
BODY_LIMIT = 65_536
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
CORS_HEADERS = "authorization, content-type, auth0-client, x-request-language, dpop"
"""What the SDKs send. Credentials are never allowed: no cookie has a say at these addresses."""
PUBLIC = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=300",
}
KEY_SET = PUBLIC | {"Cache-Control": f"public, max-age={int(KEY_SET_KEPT.total_seconds())}"}
"""Kept for less long: a key signs as soon as everybody may know it."""

log = structlog.get_logger("vestibule.web")

Endpoint = Callable[[Request, Mapping[str, str]], Awaitable[Response]]


# -- the back channel -------------------------------------------------------------------------------------------------


async def token(request: Request) -> Response:
    """`POST /oauth/token`, as a form or as JSON."""
    return await _backchannel(request, _token)


async def _token(request: Request, parameters: Mapping[str, str]) -> Response:
    answer = await request.app.state.house.redeeming.redeem(parameters, headers.first(request, b"authorization"))
    return respond.Json(answer, headers=NO_STORE)


async def revoke(request: Request) -> Response:
    """`POST /oauth/revoke`."""
    return await _backchannel(request, _revoke)


async def _revoke(request: Request, parameters: Mapping[str, str]) -> Response:
    await request.app.state.house.revoking.revoke(parameters, headers.first(request, b"authorization"))
    return respond.Json({}, headers=NO_STORE)


async def userinfo(request: Request) -> Response:
    """`GET` and `POST /userinfo`."""
    return await _backchannel(request, _userinfo)


async def _userinfo(request: Request, parameters: Mapping[str, str]) -> Response:
    answer = await request.app.state.house.informing.inform(headers.first(request, b"authorization"), parameters)
    return respond.Json(answer, headers=NO_STORE)


async def _backchannel(request: Request, endpoint: Endpoint) -> Response:
    """Reads the parameters, answers refusals as JSON, and adds the CORS headers to whatever comes of it."""
    parameters: Mapping[str, str] = {}
    try:
        if request.method != "GET":
            parameters = await _body(request)
        response = await endpoint(request, parameters)
    except Refused as refused:
        client = _client_id(request, parameters) or ""
        log.info("refused", code=refused.code, reference=refused.reference, path=request.url.path, client=client[:80])
        if not _proven(request, parameters, refused):
            errors.count(request, refused)
        response = errors.oauth(refused, headers=_challenge(request, refused))
    return await _with_cors(request, response, parameters)


def _proven(request: Request, parameters: Mapping[str, str], refused: Refused) -> bool:
    """Whether an application that proved itself was refused a code or token.

    It answers for many people whose sign-ins run out, all from one address, so that this spends no budget.
    """
    showed = "authorization" in request.headers or "client_secret" in parameters
    return showed and isinstance(refused, OAuthRefused) and refused.error == "invalid_grant"


async def turned_away(request: Request, refused: TooMany) -> Response:
    """As `errors.turned_away`; an application in a browser may read it at machines' doors."""
    response = await errors.turned_away(request, refused)
    return await _with_cors(request, response, {}) if request.url.path in errors.MACHINES else response


def _challenge(request: Request, refused: Refused) -> dict[str, str]:
    """The WWW-Authenticate header: Basic for a client that used the header [RFC 6749 5.2], Bearer for a token [RFC 6750 3].

    A request without any token is told the scheme and no error [RFC 6750 3.1].
    """
    if not isinstance(refused, OAuthRefused):
        return {}
    if refused.error == "invalid_client" and "authorization" in request.headers:
        return {"WWW-Authenticate": 'Basic realm="vestibule"'}
    if refused.code == "oidc.access_token_missing":
        return {"WWW-Authenticate": 'Bearer realm="vestibule"'}
    if refused.error in ("invalid_token", "insufficient_scope") or refused.code.startswith("oidc.access_token"):
        return {"WWW-Authenticate": f'Bearer error="{refused.error}"'}
    return {}


async def _body(request: Request) -> Mapping[str, str]:
    """A form, or one JSON object of strings (what auth0-js sends); each name once. No body at all is no parameters."""
    media = (headers.first(request, b"content-type") or "").partition(";")[0].strip().lower()
    if media == "application/json":
        return _json(await forms.body(request, limit=BODY_LIMIT))
    if not media and not await forms.body(request, limit=BODY_LIMIT):
        return {}
    return await forms.read(request, limit=BODY_LIMIT, repeatable=REPEATABLE)


def _json(raw: bytes) -> dict[str, str]:
    try:
        pairs = json.loads(raw.decode("utf-8"), object_pairs_hook=list, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused("request.encoding", "The body is not valid JSON; send one object of strings.") from error
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        raise Refused("request.encoding", "The body is not a JSON object; send one object of strings.")
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise Refused("request.duplicate_parameter", "A parameter was sent twice; send each once.", got=name[:80])
        if value is not None and not isinstance(value, str):
            raise Refused("request.encoding", "A parameter is not a string; send strings only.", got=name[:80])
        found[_clean(name)] = _clean(value or "")
    return found


def _clean(text: str) -> str:
    """JSON can spell what UTF-8 cannot (a lone surrogate), and what no parameter of ours holds (NUL)."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Refused("request.encoding", "A parameter holds a character that is not text; send UTF-8 text only.")
    return text


def _no_constant(name: str) -> object:
    raise ValueError(name)


# -- CORS -------------------------------------------------------------------------------------------------------------


async def preflight(request: Request) -> Response:
    """The browser's question before a call [Fetch 3.2.2]. The client is not known yet: any registered origin may ask."""
    return await _with_cors(request, Response(status_code=204), {})


async def _with_cors(request: Request, response: Response, parameters: Mapping[str, str]) -> Response:
    """Lets the application's own origins read the answer, errors too; never with credentials, never any origin."""
    response.headers["Vary"] = "Origin"
    asking = headers.first(request, b"origin")
    if asking is None:
        return response
    try:
        allowed = await _may_read(request.app.state.house.store, asking, _client_id(request, parameters))
    except Refused:
        return response
    if allowed:
        response.headers["Access-Control-Allow-Origin"] = asking
        response.headers["Access-Control-Expose-Headers"] = "WWW-Authenticate"
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET, POST"
            response.headers["Access-Control-Allow-Headers"] = CORS_HEADERS
            response.headers["Access-Control-Max-Age"] = "600"
    return response


async def _may_read(store: Store, asking: str, client_id: str | None) -> bool:
    """Whether an origin is one of the application's, or, where that is not known, of any application's."""
    application = None if client_id is None else await store.configured.application(client_id)
    applications = (application,) if application is not None else await store.configured.applications()
    return any(asking in _origins(one) for one in applications)


def _origins(application: Application) -> Iterable[str]:
    own = (*application.web_origins, *application.redirect_uris)
    return {found for found in map(origin, own) if found is not None}


def _client_id(request: Request, parameters: Mapping[str, str]) -> str | None:
    """The client that says it is calling; only to choose whose origins count, so it is not proved here."""
    scheme, _, encoded = (headers.first(request, b"authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return parameters.get("client_id") or None
    try:
        return unquote(base64.b64decode(encoded, validate=True).decode().partition(":")[0]) or None
    except ValueError:
        return None


# -- for everyone -----------------------------------------------------------------------------------------------------


async def discovery(request: Request) -> Response:
    """The provider's metadata, for every origin."""
    return respond.Json(request.app.state.house.publishing.discovery(), headers=PUBLIC)


async def jwks(request: Request) -> Response:
    """The public keys, for every origin."""
    try:
        return respond.Json(await request.app.state.house.publishing.jwks(), headers=KEY_SET)
    except Refused as refused:
        return errors.oauth(refused, headers={"Access-Control-Allow-Origin": "*"})


# -- sign-out ---------------------------------------------------------------------------------------------------------


async def end_session(request: Request) -> Response:
    """`GET /oidc/logout`. A POST [OIDC RP-Initiated Logout 2] comes without Lax cookies, so it is sent round as a GET."""
    if request.method == "POST":
        asked = logout.write(logout.read(await forms.read(request, repeatable=REPEATABLE)))
        url = f"{request.app.state.house.issuer}{END_SESSION}?{urlencode(asked)}"
        return respond.send(Redirect(url=url), await errors.branding(request))
    return await _leave(request, logout.read(forms.query(request)))


async def v2_logout(request: Request) -> Response:
    """`GET /v2/logout?client_id=…&returnTo=…`."""
    return await _leave(request, logout.read_v2(forms.query(request)))


async def _leave(request: Request, asked: logout.LogoutRequest) -> Response:
    house = request.app.state.house
    reply = await house.leaving.leave(asked, cookies.browser(request))
    if not isinstance(reply, AskFirst):
        return await respond.reply(request, reply)
    secret = cookies.csrf(request) or house.entropy.token()
    shown = pages.logout_confirm(
        await errors.branding(request), csrf=secret, action="/oidc/logout/confirm", fields=reply.parameters
    )
    response = respond.page(shown)
    cookies.write_csrf(response, secret)
    return response


async def confirm_end_session(request: Request) -> Response:
    """The person's answer. The form's secret must be the cookie's, which no other site can read, send or set."""
    form = await forms.read(request)
    secret = cookies.csrf(request)
    if secret is None or not same(form.get("csrf", ""), secret):
        raise Refused("request.csrf", "The form is not one that this browser was given; open the sign-out page again.")
    if form.get("decision") != "yes":
        return respond.page(pages.still_signed_in(await errors.branding(request)))
    house = request.app.state.house
    reply = await house.leaving.leave(logout.read(form), cookies.browser(request), confirmed=True)
    return await respond.reply(request, reply, after_post=True)


async def signed_out(request: Request) -> Response:
    """The page at the end, for those who have nowhere else to go."""
    return respond.page(pages.signed_out(await errors.branding(request)))


ROUTES: tuple[Route, ...] = (
    Route("/.well-known/openid-configuration", discovery, methods=["GET"]),
    Route("/oidc/.well-known/openid-configuration", discovery, methods=["GET"]),
    Route("/.well-known/jwks.json", jwks, methods=["GET"]),
    Route("/oauth/token", preflight, methods=["OPTIONS"]),
    Route("/oauth/token", token, methods=["POST"]),
    Route("/oauth/revoke", preflight, methods=["OPTIONS"]),
    Route("/oauth/revoke", revoke, methods=["POST"]),
    Route("/userinfo", preflight, methods=["OPTIONS"]),
    Route("/userinfo", userinfo, methods=["GET", "POST"]),
    Route("/oidc/logout", end_session, methods=["GET", "POST"]),
    Route("/oidc/logout/confirm", confirm_end_session, methods=["POST"]),
    Route(f"/{SIGNED_OUT}", signed_out, methods=["GET"]),
    Route("/v2/logout", v2_logout, methods=["GET"]),
)
