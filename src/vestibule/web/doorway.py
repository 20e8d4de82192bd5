"""What every request comes through: one pass, in which all that holds at every door is done once and in one order.

The limits are asked first, then the host name; then the door is found and its answer awaited; refusals and bugs become
answers; and whatever the answer is, it carries the headers that say no to framing, sniffing and the rest.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from vestibule.flows.guard import Guarding, TooMany
from vestibule.ground.errors import Refused
from vestibule.web import limits, rates

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True, kw_only=True)
class State:
    """Where doors find the house."""

    house: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Translators:
    """How what is no answer becomes one: a refusal, too many requests, a bug."""

    refused: Callable[[Request, Refused], Awaitable[Response]]
    too_many: Callable[[Request, TooMany], Awaitable[Response]]
    bug: Callable[[Request, Exception], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Doors:
    """The table of routes, so that a door is found by its path at once; paths with names in them are tried in turn."""

    routes: Sequence[Route]
    _fixed: dict[str, dict[str, Endpoint]] = field(default_factory=dict, init=False)
    _named: list[Route] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        for route in self.routes:
            if "{" in route.path:
                self._named.append(route)
            else:
                self._fixed.setdefault(route.path, {}).update(dict.fromkeys(route.methods or (), route.endpoint))

    def find(self, scope: Scope) -> Endpoint:
        """The endpoint; raises `Refused` where there is none, and `WrongMethod` where it is not to be called so."""
        by_method = self._fixed.get(scope["path"])
        if by_method is None:
            by_method = self._by_name(scope)
        endpoint = by_method.get(scope["method"])
        if endpoint is None:
            raise WrongMethod(scope["method"], sorted(by_method))
        return endpoint

    def _by_name(self, scope: Scope) -> dict[str, Endpoint]:
        for route in self._named:
            match, found = route.matches(scope)
            if match is not Match.NONE:
                scope.update(found)
                return dict.fromkeys(route.methods or (), route.endpoint)
        raise nothing_here(scope["path"])


class WrongMethod(Refused):
    """The address is there, but not by this method [RFC 9110 15.5.6]. `allowed` are those it takes."""

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        super().__init__("request.method", "This address is not to be called by this method.", got=method[:20])
        self.allowed = allowed


def nothing_here(path: str) -> Refused:
    return Refused("request.not_found", "There is nothing at this address.", got=path[:200])


class Doorway:
    """The ASGI application over an open house. `doors` is the route table, `secure` whether browsers come by https."""

    def __init__(
        self,
        state: State,
        *,
        doors: Doors,
        guarding: Guarding,
        host: limits.OneHost,
        translators: Translators,
        bodies: limits.Bodies,
        secure: bool,
    ) -> None:
        self.state = state
        self.routes = doors.routes
        self._doors = doors
        self._guarding = guarding
        self._host = host
        self._translators = translators
        self._bodies = bodies
        self._headers = limits.STATIC_HEADERS + (limits.HTTPS_ONLY if secure else ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # there is nothing to set up, and no WebSocket
            return
        scope["app"] = self
        body = self._bodies.of(receive)
        request = Request(scope, body.receive)
        try:
            response = await self._within_limits(request)
        except ClientDisconnect:
            return  # whoever went away in the middle of a body is told nothing, and is no fault of ours
        finally:
            body.forget()
        said = {name for name, _ in response.raw_headers}
        response.raw_headers.extend(pair for pair in self._headers if pair[0] not in said)
        if body.late:
            response.raw_headers.append((b"connection", b"close"))
        await response(scope, receive, send)

    async def _within_limits(self, request: Request) -> Response:
        if request.scope["path"].startswith(rates.FREE):
            return await self._answered(request)
        call = rates.call(request)
        try:
            await self._guarding.admit(call)
        except TooMany as refused:
            return await self._translators.too_many(request, refused)
        try:
            return await self._answered(request)
        finally:
            if rates.was_refused(request):
                self._guarding.refused(call)

    async def _answered(self, request: Request) -> Response:
        try:
            elsewhere = self._host.redirect(request)
            if elsewhere is not None:
                return elsewhere
            try:
                return await self._doors.find(request.scope)(request)
            except Refused as refused:
                return await self._translators.refused(request, refused)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, a person or a client is waiting for an answer
            return await self._translators.bug(request, error)
