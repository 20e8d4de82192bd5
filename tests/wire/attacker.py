"""What an attacker, or a careless application, does at the doors, and what comes of it: the answer, and the refusal's own code."""

import base64
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import httpx2
from tests.wire.world import (
    ADA,
    CRM,
    SPA,
    WireBrowser,
    World,
    authorization,
    code_of,
    location,
    parameters,
    refused,
)

from vestibule.ground.errors import OAuthRefused
from vestibule.jose import jwt
from vestibule.model.ids import Reference
from vestibule.oidc.pkce import challenge_of

CALLBACK = f"{CRM}/callback"
BOARD = f"{SPA}/callback"
SECRET = "crm-secret-crm-secret-crm-secret"
VERIFIER = "v" * 43
CHALLENGE = {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}


def basic(client_id: str = "crm", secret: str = SECRET) -> str:
    """The Authorization header of HTTP Basic."""
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


class Told(NamedTuple):
    """What a client was told: the HTTP status, the `error` of the RFC, and the refusal's own code (which only we know)."""

    status: int
    error: str
    code: str


@dataclass
class Overheard:
    """A flow of the house, through which the codes of what it refuses are heard."""

    flow: Any
    codes: list[str] = field(default_factory=list)

    async def redeem(self, form: Mapping[str, str], authorization: str | None) -> Any:
        return await self._heard(self.flow.redeem(form, authorization))

    async def revoke(self, form: Mapping[str, str], authorization: str | None) -> Any:
        return await self._heard(self.flow.revoke(form, authorization))

    async def inform(self, authorization: str | None, form: Mapping[str, str]) -> Any:
        return await self._heard(self.flow.inform(authorization, form))

    async def _heard(self, asked: Any) -> Any:
        try:
            return await asked
        except OAuthRefused as heard:
            self.codes.append(heard.code)
            raise


def overhear(world: World) -> list[str]:
    """From here on: the codes that the back channel refuses with, in order."""
    codes: list[str] = []
    house = world.house
    world._app.state.house = replace(
        house,
        redeeming=Overheard(house.redeeming, codes),
        revoking=Overheard(house.revoking, codes),
        informing=Overheard(house.informing, codes),
    )
    return codes


async def ask(
    world: World, path: str, form: Mapping[str, str] | str, authorization: str | None = None, **headers: str
) -> Told:
    """A post to the back channel that must be refused."""
    codes = overhear(world)
    if authorization is not None:
        headers["authorization"] = authorization
    answer = await world.browser().post(path, form, origin=None, **headers)
    assert answer.status_code >= 400, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return Told(answer.status_code, answer.json()["error"], codes[-1] if codes else "")


async def redeeming(world: World, code: str, authorization: str | None = None, **changes: str | None) -> Told:
    """CRM redeems a code, with these changes, and is refused; with `authorization` "" it shows no secret."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **changes}
    sent = {name: value for name, value in form.items() if value is not None}
    shown = basic() if authorization is None else authorization or None
    return await ask(world, "/oauth/token", sent, shown)


async def refreshing(world: World, token: str, authorization: str | None = None, **changes: str) -> Told:
    form = {"grant_type": "refresh_token", "refresh_token": token, **changes}
    return await ask(world, "/oauth/token", form, basic() if authorization is None else authorization or None)


async def refreshed(world: World, token: str) -> dict[str, Any]:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    answer = await world.browser().post("/oauth/token", form, origin=None, authorization=basic())
    assert answer.status_code == 200, answer.text
    got: dict[str, Any] = answer.json()
    return got


async def userinfo(world: World, token: str) -> httpx2.Response:
    return await world.browser().get("/userinfo", authorization=f"Bearer {token}")


async def sign_in(
    world: World,
    browser: WireBrowser | None = None,
    who: str = ADA,
    *,
    client: str = "crm",
    connection: str = "acme",
    said: Mapping[str, Any] | None = None,
    **changes: str | None,
) -> str:
    """A whole ordinary login; the code that the application gets. `said` changes what the identity provider says."""
    browser = browser or world.browser()
    if client == "board":
        changes = {**CHALLENGE, **changes}
    sent = await browser.get(authorization(client, connection=connection, **changes), cross_site=True)
    landed = location(await world.answer(browser, sent, who, connection=connection, **(said or {})))
    answered = await browser.get(landed, cross_site=True)
    return code_of(answered, changes.get("redirect_uri") or (CALLBACK if client == "crm" else BOARD))


async def tokens(world: World, browser: WireBrowser | None = None, who: str = ADA, **changes: Any) -> dict[str, Any]:
    """What CRM has after a login of this person, a refresh token among it."""
    changes = {"scope": "openid profile email offline_access", **changes}
    answer = await world.redeem(await sign_in(world, browser, who, **changes))
    assert answer.status_code == 200, answer.text
    got: dict[str, Any] = answer.json()
    return got


async def claims(world: World, token: str) -> dict[str, object]:
    """What an ID token says, verified with the published keys."""
    return jwt.read(token, await world.house.keyring.published())


async def page_code(world: World, page: httpx2.Response, status: int = 400) -> str | None:
    """The code of the refusal whose page this is, as the operator finds it under the page's reference number."""
    assert "location" not in page.headers
    assert 'http-equiv="refresh"' not in page.text
    events = await world.house.store.events.by_reference(Reference(refused(page, status)))
    return next(event.code for event in events if event.kind in ("login.refused", "request.refused"))


async def last_code(world: World) -> str | None:
    """The code of the newest refusal that was audited."""
    events = await world.house.store.events.latest(limit=20)
    return next(event.code for event in events if event.code is not None)


async def error_code(world: World, answer: httpx2.Response, redirect_uri: str = CALLBACK) -> tuple[str, str | None]:
    """The `error` that the application was sent at its own address, and the refusal's code."""
    url = location(answer)
    assert url.startswith(redirect_uri), url
    got = parameters(url)
    assert "code" not in got
    assert got["iss"] == world.house.issuer
    return got["error"], await last_code(world)


def count(codes: list[str]) -> dict[str, int]:
    return dict(Counter(codes))
