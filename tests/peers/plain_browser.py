"""A browser without JavaScript, as far as logins need one [RFC 6265bis 5]: cookies with SameSite and `__Host-`, redirects,
meta refresh, forms that post themselves, and a person who types a password. Names under `.localhost` are this machine."""

import http.client
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urljoin, urlsplit

import lxml.html

SELF_POSTING = {"SAMLResponse", "SAMLRequest", "code", "id_token"}


@dataclass(frozen=True)
class Page:
    """What came back, and what was asked."""

    method: str
    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def is_html(self) -> bool:
        return "text/html" in (self.header("content-type") or "") and bool(self.text.strip())

    @property
    def document(self) -> lxml.html.HtmlElement:
        return lxml.html.document_fromstring(self.body, base_url=self.url)

    @property
    def words(self) -> str:
        """What a person reads."""
        return " ".join(self.document.text_content().split()) if self.is_html else self.text

    def __repr__(self) -> str:
        return f"<{self.method} {self.url} -> {self.status} {self.words[:800]!r}>"


@dataclass(frozen=True)
class Cookie:
    name: str
    value: str
    host: str
    path: str
    same_site: str


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def site_of(url: str) -> str:
    """Scheme and registrable domain: `a.localhost` and `b.localhost` are different sites, their ports do not matter."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{parts.scheme}://{host if host.replace('.', '').isdigit() else '.'.join(host.split('.')[-2:])}"


def fetch(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    trust: ssl.SSLContext | None = None,
    source: str = "127.0.0.1",
) -> Page:
    """One request to this machine, whatever the resolver thinks of `*.localhost`.

    `trust` says whose certificates are believed under https; `source` is the address that the request comes from.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host not in ("127.0.0.1", "localhost") and not host.endswith(".localhost"):
        raise ValueError(f"{url} leads away from this machine")
    connection = http.client.HTTPConnection("127.0.0.1", parts.port or 80, timeout=30, source_address=(source, 0))
    try:
        if parts.scheme == "https":
            connection.connect()
            context = trust or ssl.create_default_context()
            connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, body=body, headers={"Host": parts.netloc, **(headers or {})})
        answer = connection.getresponse()
        return Page(method, url, answer.status, tuple(answer.getheaders()), answer.read())
    finally:
        connection.close()


@dataclass
class PlainBrowser:
    """`history` is every page that was navigated to; `person` types name and password where a page asks for them.

    `trust` and `source` as in `fetch`.
    """

    person: tuple[str, str] = ("alice", "alicepass")
    trust: ssl.SSLContext | None = None
    source: str = "127.0.0.1"
    cookies: list[Cookie] = field(default_factory=list)
    history: list[Page] = field(default_factory=list)

    def open(self, url: str, *, initiator: str | None = None, stop: Callable[[Page], bool] | None = None) -> Page:
        """Go to `url` and on from there until a page stays; `initiator` is the page the link was on (None: typed)."""
        return self._settle(self._navigate("GET", url, None, initiator), stop)

    def post(
        self, url: str, fields: Mapping[str, str], *, initiator: str, stop: Callable[[Page], bool] | None = None
    ) -> Page:
        """Post a form that stands on the page `initiator`."""
        return self._settle(self._navigate("POST", url, fields, initiator), stop)

    def submit(self, page: Page, button: tuple[str, str] | None = None) -> Page:
        """Press a button (name, value) of the first form of a page."""
        form = next(f for f in page.document.forms if button is None or button in self._buttons(f))
        fields = {name: value for name, value in form.form_values() if name}
        fields.update([button] if button else [])
        action = urljoin(page.url, form.get("action") or page.url)
        if (form.get("method") or "get").lower() == "post":
            return self.post(action, fields, initiator=page.url)
        return self.open(f"{action}?{urlencode(fields)}", initiator=page.url)

    def visited(self, prefix: str) -> list[Page]:
        return [page for page in self.history if page.url.startswith(prefix)]

    @staticmethod
    def _buttons(form: lxml.html.FormElement) -> list[tuple[str, str]]:
        return [(b.get("name", ""), b.get("value", "")) for b in form.xpath(".//button | .//input[@type='submit']")]

    def _settle(self, page: Page, stop: Callable[[Page], bool] | None) -> Page:
        for _ in range(30):
            following = None if stop and stop(page) else self._onward(page)
            if following is None:
                return page
            page = following
        raise AssertionError(f"the login went round in circles: {[f'{p.method} {p.url}' for p in self.history[-30:]]}")

    def _onward(self, page: Page) -> Page | None:
        """The page that this one leads to by itself, if it does."""
        if not page.is_html or page.status >= 400:
            return None
        for form in page.document.forms:
            names = {name for name in form.fields if name}
            password = form.xpath(".//input[@type='password']")
            if not names & SELF_POSTING and not password:
                continue
            fields = {name: value for name, value in form.form_values() if name}
            if password:
                fields.update(zip(("username", "password"), self.person, strict=True))
            action = urljoin(page.url, form.get("action") or page.url)
            return self._navigate((form.get("method") or "get").upper(), action, fields, page.url)
        for content in page.document.xpath("//meta[translate(@http-equiv,'REFSH','refsh')='refresh']/@content"):
            if target := re.search(r"url\s*=\s*['\"]?([^'\"]+)", content, re.IGNORECASE):
                return self._navigate("GET", urljoin(page.url, target[1]), None, page.url)
        return None

    def _navigate(self, method: str, url: str, fields: Mapping[str, str] | None, initiator: str | None) -> Page:
        """One navigation and its redirects; the initiator of the first request stays that of all."""
        for _ in range(20):
            headers = {"Accept": "text/html", "Cookie": self._cookie_header(method, url, initiator)}
            body = None
            if method == "POST":
                body = urlencode(fields or {}).encode()
                headers["Content-Type"] = "application/x-www-form-urlencoded"
                headers["Origin"] = origin_of(initiator) if initiator else "null"
            elif fields:
                url = f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(fields)}"
            sent = {key: value for key, value in headers.items() if value}
            page = fetch(url, method=method, body=body, headers=sent, trust=self.trust, source=self.source)
            self.history.append(page)
            for key, value in page.headers:
                if key.lower() == "set-cookie":
                    self._keep(value, url)
            location = page.header("location")
            if page.status not in (301, 302, 303, 307, 308) or location is None:
                return page
            assert page.status not in (307, 308) or method == "GET", f"a form would be posted again: {page}"
            method, url, fields = "GET", urljoin(url, location), None
        raise AssertionError(f"too many redirects: {[p.url for p in self.history[-20:]]}")

    def _cookie_header(self, method: str, url: str, initiator: str | None) -> str:
        parts = urlsplit(url)
        same_site = initiator is None or site_of(initiator) == site_of(url)
        allowed = {"none"} | ({"lax"} if same_site or method == "GET" else set()) | ({"strict"} if same_site else set())
        sent = [
            cookie
            for cookie in self.cookies
            if cookie.host == parts.hostname
            and cookie.same_site in allowed
            and ((parts.path or "/") + "/").startswith(cookie.path.rstrip("/") + "/")
        ]
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in sent)

    def _keep(self, header: str, url: str) -> None:
        """[RFC 6265bis 5.6]: a cookie without SameSite counts as Lax; `__Host-` without its conditions is a mistake."""
        pair, *attributes = (part.strip() for part in header.split(";"))
        name, _, value = pair.partition("=")
        named = {key.lower(): text for key, _, text in (attribute.partition("=") for attribute in attributes)}
        if name.startswith("__Host-"):
            assert ("secure" in named, named.get("path"), "domain" in named) == (True, "/", False), header
        host = urlsplit(url).hostname or ""
        path = named.get("path") or "/"
        self.cookies = [c for c in self.cookies if (c.name, c.host, c.path) != (name, host, path)]
        gone = named.get("max-age", "").startswith(("0", "-")) or "1970" in named.get("expires", "")
        if not gone:
            self.cookies.append(Cookie(name, value, host, path, named.get("samesite", "lax").lower()))
