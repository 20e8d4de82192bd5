"""A web site in a thread: what the practice identity provider, the practice application and the attacker's page stand on."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    host: str
    path: str
    asked: Mapping[str, str]
    cookies: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    body: str = ""
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = field(default_factory=tuple)


def see_other(location: str, *headers: tuple[str, str]) -> Reply:
    return Reply(status=303, headers=(("Location", location), *headers))


def page(title: str, body: str) -> Reply:
    return Reply(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title><body>{body}</body></html>"
    )


def self_posting(action: str, fields: Mapping[str, str]) -> Reply:
    """A form that posts itself as soon as the page is there, as identity providers and attackers send it."""
    hidden = "".join(f'<input type=hidden name="{escape(k)}" value="{escape(v)}">' for k, v in fields.items())
    form = f'<form method=post action="{escape(action)}">{hidden}</form>'
    return page("One moment", f"{form}<script>document.forms[0].submit()</script>")


@contextmanager
def small_site(port: int, answer: Callable[[Request], Reply]) -> Iterator[None]:
    """Serve `answer` on loopback until the block ends."""

    class Door(BaseHTTPRequestHandler):
        timeout = 5  # browsers open connections in advance and say nothing

        def do_GET(self) -> None:
            self.reply(urlsplit(self.path).query)

        def do_POST(self) -> None:
            self.reply(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def reply(self, form: str) -> None:
            asked = {name: values[0] for name, values in parse_qs(form, keep_blank_values=True).items()}
            cookies = {name: morsel.value for name, morsel in SimpleCookie(self.headers["Cookie"] or "").items()}
            host, path = (self.headers["Host"] or "").partition(":")[0], urlsplit(self.path).path
            reply = answer(Request(self.command, host, path, asked, cookies))
            self.send_response(reply.status)
            for name, value in (("Content-Type", reply.kind), ("Cache-Control", "no-store"), *reply.headers):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the tests read the browser's history instead."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Door)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
