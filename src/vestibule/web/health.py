"""Doors for machines: whether this process lives, and whether it can finish a login now."""

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from vestibule.ground.errors import Refused
from vestibule.web.protocol import DRAINING

log = structlog.get_logger("vestibule.web")


async def alive(request: Request) -> Response:
    """The process answers. Says nothing of the store."""
    return PlainTextResponse("ok\n")


async def ready(request: Request) -> Response:
    """Whether a login could be finished here; a balancer sends people elsewhere on 503.

    A process that is about to end says so first, while it still answers.
    """
    if request.scope.get("state", {}).get(DRAINING):
        return PlainTextResponse("not ready: ending\n", status_code=503)
    try:
        await request.app.state.house.store.ready()
        await request.app.state.house.keyring.ready()
    except Refused as refused:
        log.error("not ready", code=refused.code, why=refused.why)
        return PlainTextResponse(f"not ready: {refused.code}\n", status_code=503)
    return PlainTextResponse("ready\n")
