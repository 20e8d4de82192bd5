"""A whole house in one process: memory store, fixed clock, practice identity provider, and a browser with cookie rules."""

import asyncio
import base64
import html
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from tests.builders_saml import idp_certificate, idp_key
from tests.doubles import START, CountingEntropy, FixedClock

from vestibule import assembly
from vestibule.flows import restored
from vestibule.keys.keyring import Keyring
from vestibule.model.key import StoredKey
from vestibule.saml import bindings, issue
from vestibule.saml.names import FORMAT_EMAIL
from vestibule.saml.request import ReceivedRequest, read_request
from vestibule.settings.process import Settings
from vestibule.settings.reading import read
from vestibule.store.memory import MemoryStore
from vestibule.store.port import Store
from vestibule.web import app as doors
from vestibule.web.limits import PATIENCE, Patience

MASTER = b"\x07" * 32
ISSUER = "https://login.crm.example/"
HOST = "login.crm.example"
IDP = "https://idp.acme.example/saml"
SSO = "https://idp.acme.example/sso"
CRM = "https://crm.example"
SPA = "https://board.example"
ADA = "ada@acme.example"
MALLORY = "mallory@acme.example"


def configuration(**idp_initiated: Any) -> dict[str, Any]:
    """A traditional web application, a single-page application and one connection; `idp_initiated` changes the policy."""
    return {
        "branding": {"product_name": "Acme CRM", "support": "help@crm.example"},
        "applications": [
            {
                "client_id": "crm",
                "name": "CRM",
                "type": "web",
                "client_secret": "crm-secret-crm-secret-crm-secret",
                "redirect_uris": [f"{CRM}/callback", f"{CRM}/direct"],
                "post_logout_redirect_uris": [f"{CRM}/"],
                "initiate_login_uri": f"{CRM}/login",
                "target_link_uris": [f"{CRM}/app/"],
            },
            {
                "client_id": "board",
                "name": "Board",
                "type": "spa",
                "redirect_uris": [f"{SPA}/callback"],
                "post_logout_redirect_uris": [f"{SPA}/"],
                "initiate_login_uri": f"{SPA}/sso",
            },
        ],
        "connections": [
            {
                "name": "acme",
                "id": "con_acme",
                "display_name": "Acme Corp",
                "idp": {"entity_id": IDP, "sso_url": SSO, "certificates": [idp_certificate()]},
                "applications": ["crm", "board"],
                "domains": [{"name": "acme.example", "verified": True}],
                "idp_initiated": {"enabled": True, "default_application": "crm", **idp_initiated},
            }
        ],
    }


@dataclass
class WireBrowser:
    """A browser's cookies: SameSite is honoured, Secure and HttpOnly are kept. Redirects are followed by hand."""

    client: httpx2.AsyncClient
    jar: dict[str, tuple[str, str]] = field(default_factory=dict)

    async def get(self, url: str, *, cross_site: bool = False, **headers: str) -> httpx2.Response:
        return await self._send("GET", url, cross_site=cross_site, headers=headers)

    async def post(
        self,
        url: str,
        form: Mapping[str, str] | str,
        *,
        origin: str | None = "https://login.crm.example",
        cross_site: bool = False,
        **headers: str,
    ) -> httpx2.Response:
        body = form if isinstance(form, str) else urlencode(form)
        sent = {"content-type": "application/x-www-form-urlencoded", **headers}
        if origin is not None:
            sent["origin"] = origin
        return await self._send("POST", url, cross_site=cross_site, headers=sent, content=body)

    async def _send(
        self, method: str, url: str, *, cross_site: bool, headers: dict[str, str], content: str | None = None
    ) -> httpx2.Response:
        allowed = {"none"} if cross_site and method == "POST" else {"none", "lax"} if cross_site else None
        cookies = "; ".join(
            f"{name}={value}" for name, (value, same) in self.jar.items() if allowed is None or same in allowed
        )
        sent = {**({"cookie": cookies} if cookies else {}), **headers}
        response = await self.client.request(method, url, headers=sent, content=content)
        self.client.cookies.clear()  # the client's own jar knows no SameSite
        for line in response.headers.get_list("set-cookie"):
            self._keep(line)
        return response

    def _keep(self, line: str) -> None:
        pair, *attributes = [part.strip() for part in line.split(";")]
        name, _, value = pair.partition("=")
        flags = {part.partition("=")[0].lower(): part.partition("=")[2].lower() for part in attributes}
        assert "secure" in flags, line
        assert flags.get("path") == "/", line
        assert "domain" not in flags, line
        if flags.get("max-age") == "0":
            self.jar.pop(name, None)
        else:
            self.jar[name] = (value, flags["samesite"])

    def names(self, prefix: str) -> list[str]:
        return sorted(name for name in self.jar if name.startswith(prefix))


class World:
    """The house, its clock, an identity provider and as many browsers as a test needs."""

    def __init__(self, house: assembly.House, app: Any, clock: FixedClock, pauses: list[float]) -> None:
        self.pauses = pauses
        self.house = house
        self.clock = clock
        self._app = app
        self._count = 0

    def browser(self, base: str = ISSUER, *, address: str = "127.0.0.1") -> WireBrowser:
        """A browser without cookies, at this client address."""
        transport = httpx2.ASGITransport(app=self._app, raise_app_exceptions=False, client=(address, 123))
        return WireBrowser(httpx2.AsyncClient(transport=transport, base_url=base, follow_redirects=False))

    async def apply(self, document: Mapping[str, Any]) -> None:
        await self.house.configuring.apply(read(json.dumps(document), {}), Path("."))

    # -- the identity provider ---------------------------------------------------------------------------------------

    def saml_response(
        self, who: str = ADA, *, connection: str = "acme", style: str = "callback", **changes: Any
    ) -> str:
        """A fresh signed response in base64; `changes` are fields of `saml.issue.Statement`, or `sign`."""
        self._count += 1
        now = self.clock.now()
        acs = {
            "callback": f"{ISSUER}login/callback?connection={connection}",
            "path": f"{ISSUER}saml/acs/{connection}",
            "logto": f"{ISSUER}api/authn/single-sign-on/saml/con_{connection}",
        }[style]
        sign = changes.pop("sign", "assertion")
        assertion_id = changes.pop("assertion_id", f"_assertion-{self._count}")
        key = changes.pop("key", None) or idp_key()
        said: dict[str, Any] = {
            "issuer": IDP,
            "audience": f"{ISSUER}saml/metadata/{connection}",
            "recipient": acs,
            "destination": acs,
            "name_id": who,
            "name_id_format": FORMAT_EMAIL,
            "attributes": {"mail": (who,), "displayName": (who.partition("@")[0].title(),)},
            "issue_instant": now,
            "authn_instant": now - timedelta(seconds=10),
            "not_before": now - timedelta(seconds=30),
            "not_on_or_after": now + timedelta(minutes=5),
            "session_index": "_session-1",
        }
        octets = issue.response(
            issue.Statement(**{**said, **changes}),
            response_id=f"_response-{self._count}",
            assertion_id=assertion_id,
            key=key,
            certificate_pem=None,
            sign=sign,
        )
        return base64.b64encode(octets).decode("ascii")

    async def tile(
        self,
        browser: WireBrowser,
        who: str = ADA,
        *,
        relay_state: str | None = None,
        origin: str | None = "https://idp.acme.example",
        connection: str = "acme",
        **changes: Any,
    ) -> httpx2.Response:
        """The person clicks the tile: the portal's page posts an unsolicited response, cross-site."""
        form = {"SAMLResponse": self.saml_response(who, connection=connection, **changes)}
        if relay_state is not None:
            form["RelayState"] = relay_state
        return await browser.post(f"/login/callback?connection={connection}", form, origin=origin, cross_site=True)

    async def answer(
        self, browser: WireBrowser, sent: httpx2.Response, who: str = ADA, *, connection: str = "acme", **changes: Any
    ) -> httpx2.Response:
        """The identity provider answers the AuthnRequest that `sent` carries, cross-site, by POST."""
        request = asked(sent)
        form = {
            "SAMLResponse": self.saml_response(who, connection=connection, in_response_to=request.id, **changes),
            "RelayState": "whatever",
        }
        return await browser.post(
            f"/login/callback?connection={connection}", form, origin="https://idp.acme.example", cross_site=True
        )

    # -- the application ---------------------------------------------------------------------------------------------

    async def redeem(
        self, code: str, *, client: str = "crm", redirect_uri: str = f"{CRM}/callback", **more: str
    ) -> httpx2.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, **more}
        headers = {}
        if client == "crm":
            basic = base64.b64encode(b"crm:crm-secret-crm-secret-crm-secret").decode()
            headers["authorization"] = f"Basic {basic}"
        else:
            form["client_id"] = client
        return await self.browser().post("/oauth/token", form, origin=None, **headers)

    async def kinds(self) -> list[str]:
        """The kinds of all events so far, oldest first."""
        return [event.kind for event in reversed(await self.house.store.events.latest(limit=500))]


_made_keys: dict[datetime, list[StoredKey]] = {}


UNLIMITED = Settings(issuer=ISSUER, limit_refusals=0, limit_connection_refusals=0, limit_requests=0)
"""Without the limits at the doors: most scenes knock hundreds of times, all from one address."""


async def furnished(
    store: Store,
    *,
    clock: FixedClock,
    entropy: CountingEntropy,
    settings: Settings = UNLIMITED,
    patience: Patience = PATIENCE,
) -> World:
    """A house over this store, with its doors; nothing is configured yet."""
    await store.open()
    keyring = Keyring(store=store, clock=clock, entropy=entropy, master_key=MASTER)
    began = clock.now()
    if not await store.keys.all():
        # RSA keys are slow to make: one set serves all worlds of a moment.
        await store.keep(*_made_keys.get(began, ()))
    await keyring.prepare()
    _made_keys[began] = list(await store.keys.all())
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    since = await restored.restored_at(store)
    house = assembly.join(
        settings, store=store, keyring=keyring, clock=clock, entropy=entropy, pause=pause, restored_at=since
    )
    return World(house, doors.build(house, patience=patience), clock, pauses)


def play(
    scene: Callable[[World], Awaitable[None]],
    document: Mapping[str, Any] | None = None,
    *,
    issuer: str = ISSUER,
    at: datetime = START,
    settings: Settings = UNLIMITED,
    patience: Patience = PATIENCE,
    make: Callable[[], Store] = MemoryStore,
) -> None:
    """Builds a world with this configuration and these settings, under this address and at this moment, and plays the scene in it."""

    async def whole() -> None:
        store = make()
        world = await furnished(
            store,
            clock=FixedClock(at),
            entropy=CountingEntropy(),
            settings=replace(settings, issuer=issuer),
            patience=patience,
        )
        await world.apply(document if document is not None else configuration())
        await scene(world)
        await store.close()

    asyncio.run(whole())


# -- reading answers -------------------------------------------------------------------------------------------------


def location(response: httpx2.Response) -> str:
    assert response.status_code == 303, (response.status_code, response.text[:2000])
    return response.headers["location"]


def parameters(url: str) -> dict[str, str]:
    """The parameters of a URL's query and fragment."""
    parts = urlsplit(url)
    return dict(parse_qsl(parts.query) + parse_qsl(parts.fragment))


def asked(sent: httpx2.Response) -> ReceivedRequest:
    """The AuthnRequest that a redirect to the identity provider carries."""
    url = location(sent)
    assert url.startswith(SSO + "?"), url
    return read_request(bindings.decode_redirect(parameters(url)["SAMLRequest"]))


def code_of(response: httpx2.Response, redirect_uri: str = f"{CRM}/callback") -> str:
    url = location(response)
    assert url.startswith(redirect_uri + "?"), url
    return parameters(url)["code"]


def moved_to(page: httpx2.Response) -> str:
    """Where a moving-on page leads."""
    assert page.status_code == 200, (page.status_code, page.text[:2000])
    found = re.search(r'http-equiv="refresh" content="0; ?url=([^"]+)"', page.text)
    assert found, page.text[:2000]
    return html.unescape(found[1])


def fields(page: httpx2.Response) -> dict[str, str]:
    """The hidden fields of a page's form."""
    assert page.status_code == 200, (page.status_code, page.text[:2000])
    return {
        html.unescape(name): html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
    }


def refused(page: httpx2.Response, status: int) -> str:
    """The reference number of a refusal's page."""
    assert page.status_code == status, (page.status_code, page.text[:2000])
    found = re.search(r"\b[A-Z2-7]{5}-[A-Z2-7]{5}\b", page.text)
    assert found, page.text[:3000]
    return found[0]


def words(page: httpx2.Response) -> str:
    """What a person reads: the page's text without its tags."""
    assert page.status_code == 200, (page.status_code, page.text[:2000])
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page.text)))


def authorization(client: str = "crm", **changes: str | None) -> str:
    """The address of an ordinary authorization request; None takes a parameter away."""
    asked_for: dict[str, str | None] = {
        "client_id": client,
        "redirect_uri": f"{CRM}/callback" if client == "crm" else f"{SPA}/callback",
        "response_type": "code",
        "scope": "openid profile email",
        "state": "the-state",
        "nonce": "the-nonce",
        "connection": "acme",
        **changes,
    }
    return "/authorize?" + urlencode({name: value for name, value in asked_for.items() if value is not None})
