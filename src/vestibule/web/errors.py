"""Refusals, translated for their readers: a page for a person, JSON for an OAuth client, a redirect for an application."""

from collections.abc import Mapping

import structlog
from starlette.requests import Request
from starlette.responses import Response

from vestibule.downstream import oidc as downstream
from vestibule.flows.guard import TooMany
from vestibule.flows.record import Record, keep_refusal, new_reference
from vestibule.ground.errors import OAuthRefused, Refused
from vestibule.model.installation import Branding, Installation
from vestibule.oidc.authorize import AuthorizationRefused
from vestibule.store.port import StoreUnavailable
from vestibule.web import pages, respond

log = structlog.get_logger("vestibule.web")

STATUS: Mapping[str, int] = {
    "request.too_large": 413,
    "request.too_slow": 408,
    "request.too_many": 429,
    "request.busy": 503,
    "saml.too_large": 413,
    "request.content_type": 415,
    "request.method": 405,
    "request.not_found": 404,
    "connection.unknown": 404,
    "connection.disabled": 403,
    "connection.not_enabled_for_application": 403,
    "idp_initiated.disabled": 403,
    "person.not_provisioned": 403,
    "person.blocked": 403,
    "store.unavailable": 503,
    "server.error": 500,
}
"""The HTTP status of a refusal's page, by code; all others are 400, signature failures among them."""


UNREMARKABLE = frozenset(("request.not_found", "request.method"))
"""Refusals that are not worth an event, and so have no reference: strangers knock at every address."""
MACHINES = frozenset(("/oauth/token", "/oauth/revoke", "/userinfo", "/.well-known/jwks.json"))
"""Addresses that programs call: their errors are JSON."""
_REFUSED = "vestibule.refused"


CLIENT_IN_DOUBT = frozenset(("oidc.client_unknown", "oidc.client_secret", "oidc.client_auth_method"))
"""Told in one sentence, so that nobody learns which clients there are and how they authenticate; the audit has the reason."""
_COMPARE = (
    "No application that is switched on has this client_id, this secret and this method of authentication together "
    "[RFC 6749 5.2]; compare all three with what is registered."
)

_AWAY = "The service cannot answer now; try again in a moment. Nothing was changed, as far as is known."
"""Where the database is, and what it said, is for the operator: the log has it."""


def status_of(code: str) -> int:
    return STATUS.get(code, 400)


async def branding(request: Request) -> Branding:
    """The installation's branding; the plain one where the store cannot answer."""
    try:
        installation: Installation = await request.app.state.house.store.configured.installation()
        return installation.branding
    except Refused:
        return Branding()


def tell(request: Request, refused: Refused) -> None:
    """One line in the log. Where the store cannot answer it is the only place that knows why: no trace can be written."""
    said = {"code": refused.code, "reference": refused.reference, "path": request.url.path}
    cause = refused if isinstance(refused, StoreUnavailable) else refused.__cause__
    if isinstance(cause, StoreUnavailable):
        log.error("store unavailable", **said, why=cause.why)
    else:
        log.info("refused", **said)


def count(request: Request, refused: Refused) -> None:
    """Notes that this request was refused for what it was, for the limits at the doors; not if the store is to blame."""
    if not isinstance(refused, StoreUnavailable) and not isinstance(refused.__cause__, StoreUnavailable):
        request.scope[_REFUSED] = True


def was_refused(request: Request) -> bool:
    return _REFUSED in request.scope


async def page(request: Request, refused: Refused) -> Response:
    """The person's page: plain words chosen by the code, and the reference number that leads to the trace."""
    house = request.app.state.house
    if refused.code not in UNREMARKABLE:
        count(request, refused)
    if refused.reference is None and refused.code not in UNREMARKABLE:
        record = Record(entropy=house.entropy, now=house.clock.now(), reference=new_reference(house.entropy))
        await keep_refusal(house.store, record, refused, "request.refused")
    reference = refused.reference or ""
    tell(request, refused)
    shown = pages.error(
        await branding(request),
        reference=reference,
        code=refused.code,
        back=refused.back,
        status=status_of(refused.code),
    )
    return respond.page(shown)


async def answer(request: Request, refused: Refused) -> Response:
    """A refusal at the authorization endpoint: to the application where its redirect URI is trusted, else a page."""
    if isinstance(refused, AuthorizationRefused) and refused.redirect_uri is not None:
        issuer: str = request.app.state.house.issuer
        tell(request, refused)
        if refused.error != "login_required":  # the everyday answer to prompt=none
            count(request, refused)
        sent = downstream.refuse(refused, issuer)
        if sent is not None:
            return respond.send(sent, await branding(request), after_post=request.method == "POST")
    return await page(request, refused)


def oauth_status(refused: Refused) -> int:
    """The HTTP status of an OAuth error [RFC 6749 5.2, RFC 6750 3.1]."""
    if isinstance(refused, OAuthRefused):
        return {"invalid_client": 401, "invalid_token": 401, "insufficient_scope": 403}.get(refused.error, 400)
    return status_of(refused.code)


def oauth(refused: Refused, *, headers: Mapping[str, str] | None = None) -> Response:
    """An OAuth error body [RFC 6749 5.2], with `code` and `message` beside it for clients that read those."""
    error = refused.error if isinstance(refused, OAuthRefused) else _oauth_error(refused.code)
    status = oauth_status(refused)
    why = _COMPARE if refused.code in CLIENT_IN_DOUBT else _AWAY if refused.code == "store.unavailable" else refused.why
    body = {"code": f"oidc.{error}", "message": why, "error": error, "error_description": why}
    return respond.Json(
        body, status_code=status, headers={"Cache-Control": "no-store", "Pragma": "no-cache", **(headers or {})}
    )


def _oauth_error(code: str) -> str:
    return "temporarily_unavailable" if code in ("store.unavailable", "request.too_many") else "invalid_request"


async def turned_away(request: Request, refused: TooMany) -> Response:
    """Too many: nothing is read, kept or logged for it. The page has no reference, since there is no trace."""
    headers = {"Retry-After": str(refused.seconds)}
    if request.url.path in MACHINES:
        return oauth(refused, headers=headers)
    shown = pages.error(await branding(request), reference="", code=refused.code, back=None, status=429)
    response = respond.page(shown)
    response.headers.update(headers)
    return response


async def bug(request: Request, error: Exception) -> Response:
    """Something that is no refusal: logged with its reference; whoever asked learns as little as possible."""
    reference = new_reference(request.app.state.house.entropy)
    log.error("failed", reference=reference, path=request.url.path, exc_info=error)
    if request.url.path in MACHINES:
        body = {"code": "oidc.server_error", "message": f"It failed here; tell the operator {reference}."}
        body |= {"error": "server_error", "error_description": body["message"]}
        return respond.Json(body, status_code=500, headers={"Cache-Control": "no-store"})
    shown = pages.error(await branding(request), reference=reference, code="server.error", back=None, status=500)
    return respond.page(shown)
