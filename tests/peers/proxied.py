"""What a reverse proxy before Vestibule must do, whichever it is: one class of promises, and a subclass for each example."""

import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.browser.practice_idp import PracticeIdp
from tests.peers.behind import Proxy, Site, certify, new_site
from tests.peers.machine import CURL, free_port, need
from tests.peers.plain_browser import Page, PlainBrowser, fetch
from tests.peers.web_application import WebApplication, new_web_application, signed_in

Start = Callable[..., AbstractContextManager[Proxy]]
REFUSALS = 6
"""What an address may have refused at each of the two nodes."""
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Premises:
    """A practice identity provider, two nodes behind the proxy, and an application that trusts the proxy's certificate."""

    site: Site
    idp: PracticeIdp
    application: WebApplication
    proxy: Proxy

    def browser(self, source: str) -> PlainBrowser:
        return PlainBrowser(trust=self.site.trust.context, source=source)


@contextmanager
def premises(run: Path, start: Start) -> Iterator[Premises]:
    site, application = new_site(run / "site", nodes=2), new_web_application()
    proxy = start(run / "proxy", host=site.host, port=site.port, nodes=site.nodes, tls=site.trust.directory)
    with ExitStack() as stack:
        idp = stack.enter_context(PracticeIdp.serving(site))
        connections = [
            idp.connection("acme", application.client_id),
            idp.connection("trusting", application.client_id, unsolicited="accept", accept_login_csrf_risk=True),
        ]
        document = {"applications": [application.settings()], "connections": connections}
        stack.enter_context(site.serving(document, VESTIBULE_LIMIT_REFUSALS=str(REFUSALS)))
        running = stack.enter_context(proxy)
        trusted = {"NODE_EXTRA_CA_CERTS": str(site.trust.ca)}
        stack.enter_context(application.serving(site, run, **trusted))
        yield Premises(site, idp, application, running)


@dataclass
class Stub:
    """A node that is none: counts what reaches it, and answers in one line, or reads a request and breaks off."""

    port: int
    breaks: bool
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def stub(*, breaks: bool) -> Iterator[Stub]:
    node = Stub(free_port(), breaks)

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path != "/readyz":
                node.asked.append((self.command, self.path))
                if node.breaks:
                    self.close_connection = True
                    return
            self.send_response(200)
            self.send_header("Cache-Control", "public, max-age=300")
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"ok\n")

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """What was asked is in `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", node.port), Door)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield node
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Before:
    """A proxy before stubs."""

    proxy: Proxy
    ask: Callable[..., Page]


@contextmanager
def before(run: Path, start: Start, *nodes: int) -> Iterator[Before]:
    host, port = "broker.localhost", free_port()
    trust = certify(run / "tls", host)
    with start(run / "proxy", host=host, port=port, nodes=nodes, tls=trust.directory) as proxy:
        yield Before(proxy, lambda path, **asked: fetch(f"https://{host}:{port}/{path}", trust=trust.context, **asked))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class ProxyContract:
    """The promises. A subclass says with `start` which proxy it is; `house` is shared by all tests of a class."""

    start: Start

    @pytest.fixture(scope="class")
    @classmethod
    def house(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Premises]:
        with premises(tmp_path_factory.mktemp("behind"), cls.start) as house:
            yield house

    def test_a_tile_signs_in_over_https_at_whichever_node(self, house: Premises) -> None:
        """No hop but the identity provider's and the application's own left https, and the cookies came back each time."""
        browser = house.browser("127.0.1.1")
        person = signed_in(browser.open(house.idp.tile("acme")))
        assert person["claims"]["iss"] == house.site.issuer
        assert person["claims"]["connection"] == "acme"
        assert person["userinfo"]["email"] == "ada@acme.test"
        assert len(browser.visited(house.site.acs("acme"))) == 2
        kept = [cookie.name for cookie in browser.cookies if cookie.host == house.site.host]
        assert "__Host-vst-sid" in kept

    def test_the_origin_of_a_post_arrives(self, house: Premises) -> None:
        """`accept` believes a post from the identity provider's own origin, and asks about any other."""
        trusting = house.idp.tile("trusting")
        browser = house.browser("127.0.1.2")
        person = signed_in(browser.open(trusting))
        assert person["claims"]["connection"] == "trusting"
        assert len(browser.visited(house.site.acs("trusting"))) == 1
        foreign = house.browser("127.0.1.2")
        answer = {"SAMLResponse": house.idp.response("trusting", "ada")}
        page = foreign.post(house.site.acs("trusting"), answer, initiator="http://evil.localhost/")
        assert page.url.startswith(house.site.url("login/continue")), page
        assert "ada@acme.test" in page.words

    @pytest.mark.parametrize("killed", [0, 1])
    def test_a_login_goes_on_when_a_node_is_killed_in_its_middle(self, house: Premises, killed: int) -> None:
        """Sent to the identity provider by two nodes, finished by the one that is left; no request failed."""
        browser = house.browser(f"127.0.2.{killed + 1}")
        at_the_idp = house.idp.sso_url("acme")
        page = browser.open(house.idp.tile("acme"), stop=lambda page: page.url.startswith(at_the_idp))
        node = house.site.nodes[killed]
        house.site.kill(node)
        try:
            person = signed_in(browser.submit(page))
        finally:
            house.site.start(node, VESTIBULE_LIMIT_REFUSALS=str(REFUSALS))
            until(lambda: house.proxy.knows_it_is_up(node))
        assert person["claims"]["connection"] == "acme"
        assert [page for page in browser.history if page.status >= 500] == []

    @pytest.mark.parametrize("client", ["127.0.3.1", "127.0.0.1"])
    def test_a_client_cannot_choose_its_address(self, house: Premises, client: str) -> None:
        """Neither a stranger nor a client that has the proxy's own address, which would be believed if it were passed on."""
        statuses = []
        for count in range(3 * REFUSALS):
            forged = f"203.0.113.{count}"
            headers = {**FORM, "X-Forwarded-For": forged, "X-Real-IP": forged, "Forwarded": f"for={forged}"}
            page = house.site.fetch("login/callback", method="POST", body=b"x=1", headers=headers, source=client)
            statuses.append(page.status)
        assert statuses[:REFUSALS].count(429) == 0
        assert statuses[-1] == 429
        other = house.site.fetch("login/callback", method="POST", body=b"x=1", headers=FORM, source="127.0.3.2")
        assert 400 <= other.status < 429
        floods = [line for line in house.site.log().splitlines() if "flood" in line]
        assert any(client in line for line in floods), floods
        assert not any("203.0.113." in line for line in floods)

    def test_a_message_may_be_as_large_as_vestibule_takes_it(self, house: Premises) -> None:
        """At the limit and one byte beyond, it is Vestibule that answers: 404 as there is no such connection, then 413."""
        for size, status in ((1_600_000, 404), (1_600_001, 413)):
            body = b"SAMLResponse=".ljust(size, b"A")
            path = "login/callback?connection=nobody"
            page = house.site.fetch(path, method="POST", body=body, headers=FORM, source="127.0.4.1")
            assert page.status == status
            assert re.search(r"\b[A-Z2-7]{5}-[A-Z2-7]{5}\b", page.words), page

    def test_more_than_that_is_refused_in_plain_words_and_harms_no_node(self, house: Premises) -> None:
        """Whoever posts too much is told so; everybody else is served at once, by each node."""
        body = b"SAMLResponse=".ljust(1_800_000, b"A")
        for _ in house.site.nodes * 2:
            path = "login/callback?connection=nobody"
            page = house.site.fetch(path, method="POST", body=body, headers=FORM, source="127.0.4.2")
            assert page.status == 413
            assert "That was too much at once" in page.words
            assert house.site.fetch("", source="127.0.4.3").status == 200

    def test_headers_may_be_as_large_as_vestibule_takes_them(self, house: Premises) -> None:
        """30,000 bytes of cookies reach a node; what is more than it takes is told in words, by whomever."""
        assert house.site.fetch("", headers={"Cookie": "a=" + "b" * 30_000}, source="127.0.5.1").status == 200
        page = house.site.fetch("", headers={"Cookie": "a=" + "b" * 34_000}, source="127.0.5.1")
        assert page.status == 431
        assert "Delete the cookies of this site" in page.words

    def test_an_answer_may_name_a_long_state(self, house: Premises) -> None:
        """An application's state of 12,000 characters comes back whole, in a header."""
        state = "s" * 12_000
        query = {
            "client_id": house.application.client_id,
            "redirect_uri": f"{house.application.base}/callback",
            "response_type": "code",
            "scope": "openid",
            "prompt": "none",
            "state": state,
        }
        page = house.site.fetch(f"authorize?{urlencode(query)}", source="127.0.5.2")
        assert page.status in (302, 303), page
        assert f"state={state}" in (page.header("location") or "")

    def test_http_2_is_spoken(self, house: Premises) -> None:
        """A page and a post of a megabyte, with the same headers once each."""
        need(CURL)
        for arguments in ([], ["--data-binary", f"@{_megabyte(house)}"]):
            answer = _curl(house, "--http2", *arguments)
            assert answer.startswith("HTTP/2 "), answer
            assert answer.lower().count("strict-transport-security:") == 1
            assert answer.lower().count("\ncontent-security-policy:") == 1
            assert "cache-control: no-store" in answer.lower()

    def test_what_is_in_clear_is_sent_to_https(self, house: Premises) -> None:
        """Under the name that the request was for, with its path and query. (The port is an operator's 443: it may be left out.)"""
        page = fetch(f"http://{house.site.host}:{house.proxy.plain}/launch/crm?connection=acme")
        assert page.status in (301, 308)
        location = (page.header("location") or "").replace(f":{house.site.port}/", "/")
        assert location == f"https://{house.site.host}/launch/crm?connection=acme"

    def test_whether_a_node_is_ready_is_not_told_outside(self, house: Premises) -> None:
        assert house.site.fetch("readyz", source="127.0.5.3").status == 404
        assert house.site.fetch("healthz", source="127.0.5.3").text == "ok\n"

    def test_no_log_of_the_proxy_says_what_a_query_said(self, house: Premises) -> None:
        """Not in the line of a request that was served, and none of its Referer, cookies or where it was sent."""
        headers = {"Referer": "https://x.example/?code=mark-4711", "Cookie": "a=mark-4711"}
        query = urlencode({"client_id": "crm", "state": "mark-4711", "login_hint": "mark-4711@acme.test"})
        house.site.fetch(f"authorize?{query}", headers=headers, source="127.0.6.1")
        signed_in(house.browser("127.0.6.2").open(house.idp.tile("acme")))
        assert "/authorize" in house.proxy.access_log()
        assert "127.0.6.2" in house.proxy.access_log()
        written = house.proxy.everything_written()
        for secret in ("mark-4711", "?", "state=", "connection=", "code="):
            assert secret not in written.replace("\\?", ""), secret

    def test_a_post_that_was_sent_is_never_sent_again(self, tmp_path: Path) -> None:
        """The node broke off: perhaps it has redeemed the code. The client is told in JSON; what failed is not quoted in a log."""
        with stub(breaks=True) as one, stub(breaks=True) as two:
            with before(tmp_path, type(self).start, one.port, two.port) as here:
                page = here.ask("oauth/token?mark-4712", method="POST", body=b"code=mark-4712", headers=FORM)
                written = here.proxy.everything_written()
            assert page.status == 502
            assert '"error":"temporarily_unavailable"' in page.text
            assert one.asked + two.asked == [("POST", "/oauth/token?mark-4712")]
            assert "mark-4712" not in written

    def test_a_get_that_broke_off_is_asked_of_another_node(self, tmp_path: Path) -> None:
        with stub(breaks=True) as one, stub(breaks=False) as two:
            with before(tmp_path, type(self).start, one.port, two.port) as here:
                pages = [here.ask(f"login/continue?{count}") for count in range(4)]
            assert [page.status for page in pages] == [200] * 4
            assert one.asked
            assert len(two.asked) == 4

    def test_a_get_that_breaks_every_node_is_not_sent_round_and_round(self, tmp_path: Path) -> None:
        with stub(breaks=True) as one, stub(breaks=True) as two:
            with before(tmp_path, type(self).start, one.port, two.port) as here:
                page = here.ask("login/continue")
            assert page.status == 502
            assert 2 <= len(one.asked) + len(two.asked) <= 6

    def test_a_post_goes_to_a_node_that_takes_it(self, tmp_path: Path) -> None:
        """Nobody listens at the other: nothing was sent, so that it can be sent."""
        with stub(breaks=False) as two, before(tmp_path, type(self).start, free_port(), two.port) as here:
            pages = [here.ask("oauth/token", method="POST", body=b"a=1", headers=FORM) for _ in range(4)]
        assert [page.status for page in pages] == [200] * 4
        assert len(two.asked) == 4

    def test_nothing_is_kept_for_the_next_one(self, tmp_path: Path) -> None:
        """Even an answer that says it may be: a proxy that keeps some would one day keep the wrong one."""
        with stub(breaks=False) as one, before(tmp_path, type(self).start, one.port) as here:
            assert {here.ask("userinfo").status, here.ask("userinfo").status} == {200}
        assert len(one.asked) == 2

    def test_a_person_is_told_in_plain_words_that_no_node_answers(self, tmp_path: Path) -> None:
        with before(tmp_path, type(self).start, free_port(), free_port()) as here:
            page = here.ask("login/continue?mark-4713")
            written = here.proxy.everything_written()
        assert page.status in (502, 503)
        assert page.header("content-type") == "text/html; charset=utf-8"
        assert "Signing in is not possible at this moment" in page.words
        assert page.header("cache-control") == "no-store"
        assert page.header("retry-after") == "10"
        assert page.header("strict-transport-security") == "max-age=31536000"
        reference = re.search(r"mention this (reference: \w{32}|time: [\w/]+:[\d:]{8} [+-]\d{4})", page.words)
        assert reference, page
        assert reference[1].startswith("time") or reference[1].removeprefix("reference: ") in written
        assert "mark-4713" not in written


def _megabyte(house: Premises) -> Path:
    file = house.proxy.directory / "megabyte"
    file.write_bytes(b"SAMLResponse=".ljust(1_048_576, b"A"))
    return file


def _curl(house: Premises, *arguments: str) -> str:
    """The head of an answer of `/login/callback`, as curl got it."""
    site = house.site
    command = [CURL, "-sS", "--cacert", site.trust.ca, "--interface", "127.0.7.1", "-D", "-", "-o", "/dev/null"]
    command += ["--resolve", f"{site.host}:{site.port}:127.0.0.1", *arguments, site.url("login/callback")]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
