"""Attack table, platform and B17: the server in front of the house, and the proxies in front of the server."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.store.processes import ENVIRONMENT, ROOT
from tests.wire.attacker import page_code
from tests.wire.world import ISSUER, World, authorization, location, play

from vestibule.settings import process as settings

SPOOFS = [
    {"x-forwarded-for": "203.0.113.7"},
    {"x-forwarded-for": "203.0.113.7, 10.0.0.1, 127.0.0.1"},
    {"x-real-ip": "203.0.113.7"},
    {"forwarded": "for=203.0.113.7;proto=http;host=evil.example"},
    {"x-forwarded-proto": "http", "x-forwarded-port": "81"},
    {"x-forwarded-host": "evil.example"},
    {"true-client-ip": "203.0.113.7", "cf-connecting-ip": "203.0.113.7"},
]


@pytest.mark.parametrize("headers", SPOOFS, ids=lambda headers: " ".join(headers))
def test_b17_what_a_stranger_says_of_its_way_here_changes_nothing_and_is_written_nowhere(
    headers: dict[str, str],
) -> None:
    """No address, scheme or host is taken from a header: not for redirects, not for cookies, not for the audit."""

    async def scene(world: World) -> None:
        browser = world.browser()
        sent = await browser.get(authorization(), cross_site=True, **headers)
        assert location(sent).startswith("https://idp.acme.example/sso?")
        assert "; Secure" in sent.headers["set-cookie"]
        assert sent.headers["strict-transport-security"]
        page = await browser.get(authorization(client_id="nobody"), cross_site=True, **headers)
        assert await page_code(world, page) == "application.unknown"
        events = await world.house.store.events.latest(limit=50)
        for told in ("203.0.113.7", "evil.example"):
            assert told not in repr(events)
            assert told not in page.text
        assert world.house.issuer == ISSUER

    play(scene)


# -- a real server on a real socket ----------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(folder: Path, **more: str) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    """`vestibule serve` on a port of this machine, with a database of its own."""
    port = free_port()
    environment = ENVIRONMENT | {
        "VESTIBULE_ISSUER": f"http://localhost:{port}/",
        "VESTIBULE_DATABASE_URL": str(folder / "vestibule.db"),
        "VESTIBULE_PORT": str(port),
        **more,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "vestibule", "serve"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    try:
        # Once it says so the port is taken: whoever comes now waits in line until the house is open.
        assert process.stderr is not None
        assert any(line.startswith("Serving") for line in process.stderr)
        yield port, process
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close()


def said(port: int, octets: bytes) -> bytes:
    """What a raw request is answered until the server closes: because it was asked to, or because it had to."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as asking:
        asking.sendall(octets)
        heard = b""
        while chunk := asking.recv(65536):
            heard += chunk
        return heard


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving(tmp_path_factory.mktemp("served")) as (port, _):
        yield port


HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
SMUGGLED = b"GET /nothing-here HTTP/1.1\r\nHost: localhost\r\n\r\n"

CONFUSED = {
    "length and chunked": b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "two lengths": b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 50\r\n\r\n"
    + SMUGGLED,
    "a negative length": b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "a length with a sign": b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: +4\r\n\r\nabcd",
    "a length in hex": b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0x4\r\n\r\nabcd",
    "an unknown coding": b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "a bad chunk": b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n"
    + SMUGGLED,
    "a space before the colon": b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"
    + SMUGGLED,
    "a header without a name": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n",
    "a NUL in a header": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: a\x00b\r\n\r\n",
    "no HTTP at all": b"\x16\x03\x01\x00\xa5\x01\x00\x00",
    "an old version": b"GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "a method of its own": b"SMUGGLE /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("name", CONFUSED)
def test_p_a_request_that_two_servers_could_read_differently_is_refused_and_nothing_behind_it_is_read(
    server: int, name: str
) -> None:
    """Request smuggling: where the body ends is no matter of opinion [RFC 9112 6.3]. And the server goes on."""
    heard = said(server, CONFUSED[name])
    # What breaks off inside a body may also be answered by closing the connection: nobody is left to read an answer.
    assert heard == b"" or heard.startswith((b"HTTP/1.1 400", b"HTTP/1.1 405")), heard[:200]
    assert heard.count(b"HTTP/1.1 ") <= 1
    assert b"There is nothing here" not in heard
    assert said(server, HEALTHZ).startswith(b"HTTP/1.1 200")


def test_p_the_server_says_neither_its_name_nor_its_version(server: int) -> None:
    head = said(server, HEALTHZ).lower()
    assert b"\r\nserver:" not in head
    assert b"uvicorn" not in head
    assert b"x-powered-by" not in head


def test_p_told_to_stop_it_answers_what_it_has_begun_and_ends(tmp_path: Path) -> None:
    """SIGTERM: the request whose body is still on its way is answered; then the process ends, by itself and in order."""
    with serving(tmp_path) as (port, process), socket.create_connection(("127.0.0.1", port), timeout=30) as asking:
        body = b"grant_type=password&client_id=nobody"
        head = f"POST /oauth/token HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        asking.sendall(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
        said(port, HEALTHZ)  # by now the first request has been taken up
        process.terminate()
        asking.sendall(body[10:])
        heard = b""
        while chunk := asking.recv(65536):
            heard += chunk
        assert heard.startswith(b"HTTP/1.1 401"), heard[:100]
        assert b"invalid_client" in heard
        assert process.wait(30) in (0, -15)


def test_p_a_log_that_cannot_be_written_hinders_nobody(tmp_path: Path) -> None:
    """A full volume, or a reader that has gone: refusals are answered as ever, and so is everything after them."""
    with serving(tmp_path) as (port, process):
        assert process.stderr is not None
        process.stderr.close()
        for path, status in (("/authorize?client_id=nobody", 400), ("/nothing", 404), ("/healthz", 200)):
            heard = said(port, f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
            assert heard.startswith(f"HTTP/1.1 {status} ".encode()), (path, heard[:100])
        form = "grant_type=password&client_id=nobody"
        head = f"POST /oauth/token HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        heard = said(port, f"{head}Connection: close\r\nContent-Length: {len(form)}\r\n\r\n{form}".encode())
        assert heard.startswith(b"HTTP/1.1 401 ")
        assert b"invalid_client" in heard


def test_b17_a_proxys_headers_are_believed_from_the_listed_addresses_alone() -> None:
    """What the server is told of its proxies; none listed, none believed."""
    environment = {"VESTIBULE_ISSUER": "https://login.example/"}
    assert settings.load(environment).trusted_proxies == ()
    listed = settings.load({**environment, "VESTIBULE_TRUSTED_PROXIES": "10.0.0.1, 10.1.0.0/16"})
    assert listed.trusted_proxies == ("10.0.0.1/32", "10.1.0.0/16")
