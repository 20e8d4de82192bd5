"""Outgoing HTTP against hostile servers, names and networks: real sockets on this machine, bounded in time and size."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.outside.test_fetch import answer, refused, unreached

from vestibule.ground.errors import Refused
from vestibule.outside.fetch import HttpFetch, system_resolve

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
METADATA = b"<metadata/>"


@asynccontextmanager
async def serving(talk: Talk, *, tls: ssl.SSLContext | None = None, waits: bool = True) -> AsyncIterator[int]:
    """A server on loopback that reads one request a connection, if it `waits`, and then does as `talk` says."""
    talks: set[asyncio.Task[None]] = set()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            if waits:
                await reader.readuntil(b"\r\n\r\n")
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


def saying(*parts: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return talk


def for_ever(start: bytes, again: bytes, *, pause: float = 0.0) -> tuple[Talk, list[int]]:
    """Says `start`, then `again` without end; the list holds how many bytes were taken."""
    taken = [0]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while taken[0] < 50_000_000:
            writer.write(again)
            await writer.drain()
            taken[0] += len(again)
            await asyncio.sleep(pause)

    return talk, taken


def fetched(talk: Talk, *, timeout: float = 5.0, limit: int = 1000) -> bytes:
    async def whole() -> bytes:
        async with serving(talk) as port:
            return await HttpFetch(loopback=True, timeout=timeout).get(f"http://idp.localhost:{port}/m", limit=limit)

    return asyncio.run(whole())


def refusal(talk: Talk, *, timeout: float = 5.0, limit: int = 1000) -> Refused:
    with pytest.raises(Refused) as caught:
        fetched(talk, timeout=timeout, limit=limit)
    return caught.value


OK = b"HTTP/1.1 200 OK\r\n"


def test_an_honest_server_is_understood() -> None:
    """The positive control of all that follows."""
    whole = OK + b"Content-Length: %d\r\n\r\n" % len(METADATA) + METADATA
    assert fetched(saying(whole)) == METADATA
    assert fetched(saying(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"b\r\n", METADATA, b"\r\n0\r\n\r\n")) == METADATA


# -- what servers send ------------------------------------------------------------------------------------------------


def test_a_body_that_drips_is_given_up_in_time() -> None:
    """The time allowed is for the whole answer; a byte now and then does not buy more."""
    talk, taken = for_ever(OK + b"Content-Length: 900\r\n\r\n", b"x", pause=0.02)
    assert refusal(talk, timeout=0.4).code == "fetch.timeout"
    assert taken[0] < 900


def test_a_head_that_drips_is_given_up_in_time() -> None:
    talk, _ = for_ever(OK, b"X: y\r\n", pause=0.02)
    assert refusal(talk, timeout=0.4).code == "fetch.timeout"


def test_hints_without_an_answer_are_given_up_in_time() -> None:
    """Interim answers may come in any number [RFC 9110 15.2]; the time allowed is for all of them."""
    talk, _ = for_ever(b"", b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n", pause=0.02)
    assert refusal(talk, timeout=0.4).code == "fetch.timeout"


@pytest.mark.parametrize(
    ("start", "again"),
    [
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"),
        (OK + b"\r\n", b"x" * 4096),
        (OK + b"Content-Length: 9000000000\r\n\r\n", b"x" * 4096),
    ],
)
def test_a_body_without_end_is_given_up_at_the_limit(start: bytes, again: bytes) -> None:
    talk, taken = for_ever(start, again)
    assert refusal(talk, limit=100_000).code == "fetch.too_large"
    assert taken[0] < 20_000_000, "what lies in buffers between the two, and no more"


@pytest.mark.parametrize("again", [b"X-Header: " + b"y" * 4000 + b"\r\n", b"y" * 4096])
def test_a_head_without_end_is_given_up(again: bytes) -> None:
    talk, taken = for_ever(OK + b"X-First: ", again)
    assert refusal(talk).code == "fetch.unreachable"
    assert taken[0] < 20_000_000


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd", b"gzip, identity", b"x-gzip"])
def test_a_compressed_body_is_refused_unread(coding: bytes) -> None:
    """Ten kilobytes can hold ten megabytes, and none was asked for."""
    talk, taken = for_ever(
        OK + b"Content-Encoding: " + coding + b"\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", pause=0.01
    )
    assert refusal(talk).code == "fetch.encoding"
    assert taken[0] < 1_000_000


@pytest.mark.parametrize(
    "whole",
    [
        OK + b"Content-Length: 100\r\n\r\ncut off",
        OK + b"Transfer-Encoding: chunked\r\n\r\n64\r\ncut off",
        OK + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"",
    ],
)
def test_what_is_not_one_whole_http_answer_is_refused(whole: bytes) -> None:
    assert refusal(saying(whole)).code == "fetch.unreachable"


# -- where names lead -------------------------------------------------------------------------------------------------


def test_a_second_dns_answer_is_never_asked_for() -> None:
    """DNS rebinding: the name is looked up once a hop, and the connection goes to what was checked."""
    looked_up: list[str] = []
    hosts: list[str] = []

    async def resolve(host: str, port: int) -> tuple[str, ...]:
        looked_up.append(host)
        return ("8.8.8.8",) if len(looked_up) == 1 else ("169.254.169.254",)

    def handler(request: httpx2.Request) -> httpx2.Response:
        hosts.append(request.url.host)
        return answer(302, location="/again")(request) if request.url.path == "/" else answer()(request)

    fetch = HttpFetch(transport=httpx2.MockTransport(handler), resolve=resolve)
    with pytest.raises(Refused) as caught:
        asyncio.run(fetch.get("https://idp.example/", limit=10))
    assert (caught.value.code, caught.value.got) == ("fetch.address", "169.254.169.254")
    assert (looked_up, hosts) == (["idp.example"] * 2, ["8.8.8.8"]), "the second hop was judged anew and not made"


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("2130706433", "fetch.address"),
        ("0x7f000001", "fetch.address"),
        ("0X7F.0.0.1", "fetch.address"),
        ("017700000001", "fetch.address"),
        ("0177.0.0.1", "fetch.url"),
        ("127.1", "fetch.address"),
        ("127.0.1", "fetch.address"),
        ("127.0.0.1", "fetch.address"),
        ("2852039166", "fetch.address"),  # 169.254.169.254
        ("0xa9fea9fe", "fetch.address"),
        ("0251.0376.0251.0376", "fetch.url"),
        ("[::1]", "fetch.address"),
        ("[::ffff:127.0.0.1]", "fetch.address"),
        ("[::ffff:7f00:1]", "fetch.address"),
        ("[0:0:0:0:0:ffff:a9fe:a9fe]", "fetch.address"),
        ("[::127.0.0.1]", "fetch.address"),
        ("[64:ff9b::7f00:1]", "fetch.address"),
        ("[64:ff9b:1::a9fe:a9fe]", "fetch.address"),
        ("[2002:7f00:1::]", "fetch.address"),
        ("[fe80::1]", "fetch.address"),
        ("0", "fetch.address"),
        ("localhost", "fetch.address"),
        ("LOCALHOST", "fetch.address"),
        ("anything.localhost", "fetch.address"),
    ],
)
def test_an_address_in_disguise_is_judged_by_where_it_leads(host: str, code: str) -> None:
    """Decimal, octal, hexadecimal, short, mapped and translated: the machine's resolver reads them, so the guard does."""
    assert refused(f"https://{host}/latest/meta-data/", unreached, resolve=system_resolve) == code


@pytest.mark.parametrize(
    "host", ["[::1%25lo]", "[fe80::1%25eth0]", "127.0.0.1%00.idp.example", "idp.example%2f@127.0.0.1", "[127.0.0.1]"]
)
def test_a_host_that_readers_may_differ_on_is_never_connected_to(host: str) -> None:
    assert refused(f"https://{host}/", unreached, resolve=system_resolve) in (
        "fetch.url",
        "fetch.address",
        "fetch.unreachable",
    )


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("https://127.0.0.1/", "fetch.address"),
        ("https://[::1]/", "fetch.address"),
        ("https://169.254.169.254/latest/meta-data/", "fetch.address"),
        ("https://2852039166/", "fetch.address"),
        ("//10.0.0.1/", "fetch.address"),
        ("https://localhost:6379/", "fetch.address"),
        ("https://user:sesame@idp.example/", "fetch.url"),
        ("https://idp.example@10.0.0.1/", "fetch.url"),
        ("http://idp.example/", "fetch.redirect"),
        ("http://127.0.0.1/", "fetch.redirect"),
        ("javascript:alert(1)", "fetch.redirect"),
        ("file:///etc/passwd", "fetch.redirect"),
        ("gopher://10.0.0.1:6379/_SET", "fetch.redirect"),
        ("https://[::1/", "fetch.redirect"),
        ("", "fetch.redirect"),
    ],
)
def test_a_redirect_is_judged_like_a_url_that_somebody_typed(location: str, code: str) -> None:
    """And no refusal repeats a password that stood in one."""

    async def resolve(host: str, port: int) -> tuple[str, ...]:
        return ("8.8.8.8",) if host == "idp.example" else await system_resolve(host, port)

    fetch = HttpFetch(transport=httpx2.MockTransport(answer(302, location=location)), resolve=resolve)
    with pytest.raises(Refused) as caught:
        asyncio.run(fetch.get("https://idp.example/", limit=10))
    assert caught.value.code == code
    assert "sesame" not in f"{caught.value}{caught.value.got}"


@pytest.mark.parametrize("status", [300, 304, 305, 306, 309])
def test_only_redirects_proper_are_followed(status: int) -> None:
    """305 would name a proxy [RFC 9110 15.4.6]."""
    assert refused("https://idp.example/", answer(status, location="https://other.example/")) == "fetch.status"


def test_a_named_host_is_fetched_from_a_private_network_and_nothing_beside_it() -> None:
    """Its redirect to a neighbour is judged by the neighbour's name."""

    async def resolve(host: str, port: int) -> tuple[str, ...]:
        return ("10.0.0.5",)

    def fetch(handler: Callable[[httpx2.Request], httpx2.Response]) -> bytes:
        named = HttpFetch(
            hosts=frozenset({"idp.corp.example"}), transport=httpx2.MockTransport(handler), resolve=resolve
        )
        return asyncio.run(named.get("https://IDP.corp.example/m", limit=10))

    assert fetch(answer()) == b"ok"
    with pytest.raises(Refused) as caught:
        fetch(answer(302, location="https://wiki.corp.example/"))
    assert (caught.value.code, caught.value.got) == ("fetch.address", "10.0.0.5")
    assert "VESTIBULE_FETCH_HOSTS=wiki.corp.example" in caught.value.why


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """They would look the name up once more, behind the guard's back."""
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(100))

    async def whole() -> bytes:
        direct = saying(OK + b"Content-Length: %d\r\n\r\n" % len(METADATA) + METADATA)
        async with serving(proxy) as other, serving(direct) as port:
            for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
                monkeypatch.setenv(name, f"http://127.0.0.1:{other}")
            monkeypatch.delenv("NO_PROXY", raising=False)
            monkeypatch.delenv("no_proxy", raising=False)
            return await HttpFetch(loopback=True).get(f"http://localhost:{port}/", limit=100)

    assert asyncio.run(whole()) == METADATA
    assert asked == []


# -- TLS --------------------------------------------------------------------------------------------------------------


class Authority:
    """A certificate authority of the test's own, and servers with certificates that it issued."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Practice authority")])
        self.certificate = self._issue(self._name, self._key, days=30, authority=True)

    def _issue(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        days: int,
        authority: bool = False,
        names: tuple[str, ...] = (),
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            alternatives = [
                x509.DNSName(name) if name[-1].isalpha() else x509.IPAddress(ip_address(name)) for name in names
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def server(self, *names: str, days: int = 30) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = self._issue(subject, key, days=days, names=names)
        file = self._directory / "server.pem"
        form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(certificate.public_bytes(Encoding.PEM) + key.private_bytes(*form))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.certificate.public_bytes(Encoding.PEM).decode())


def over_tls(server: ssl.SSLContext, trust: ssl.SSLContext | None, *, host: str = "idp.example") -> bytes:
    async def resolve(name: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1",)

    async def whole() -> bytes:
        talk = saying(OK + b"Content-Length: %d\r\n\r\n" % len(METADATA) + METADATA)
        async with serving(talk, tls=server) as port:
            fetch = HttpFetch(loopback=True, resolve=resolve, trust=trust)
            return await fetch.get(f"https://{host}:{port}/m", limit=100)

    return asyncio.run(whole())


def test_a_certificate_for_the_name_is_accepted_although_the_connection_goes_to_an_address(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    assert over_tls(authority.server("idp.example"), authority.trusted()) == METADATA


@pytest.mark.parametrize(
    ("names", "days", "sentence"),
    [
        (("other.example",), 30, "Hostname mismatch"),
        (("127.0.0.1",), 30, "Hostname mismatch"),
        (("example", "*.idp.example"), 30, "Hostname mismatch"),
        (("idp.example",), -1, "certificate has expired"),
    ],
)
def test_a_certificate_for_another_name_or_time_is_refused(
    tmp_path: Path, names: tuple[str, ...], days: int, sentence: str
) -> None:
    """One for the address proves nothing of the name; that is what a rebound name would lead to."""
    authority = Authority(tmp_path)
    with pytest.raises(Refused) as caught:
        over_tls(authority.server(*names, days=days), authority.trusted())
    assert caught.value.code == "fetch.unreachable"
    assert "its TLS certificate was not accepted" in caught.value.why
    assert sentence in caught.value.why


def test_an_authority_that_nobody_trusts_is_refused(tmp_path: Path) -> None:
    """Without a word, only the authorities that come with the product are trusted."""
    with pytest.raises(Refused) as caught:
        over_tls(Authority(tmp_path).server("idp.example"), None)
    assert caught.value.code == "fetch.unreachable"
    assert "its TLS certificate was not accepted" in caught.value.why


def test_a_server_without_tls_is_refused_over_https() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK + b"\r\n")
        await reader.read()

    async def resolve(name: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1",)

    async def whole() -> bytes:
        async with serving(talk, waits=False) as port:
            return await HttpFetch(loopback=True, resolve=resolve).get(f"https://idp.example:{port}/", limit=100)

    with pytest.raises(Refused) as caught:
        asyncio.run(whole())
    assert caught.value.code == "fetch.unreachable"
    assert "no TLS connection could be made" in caught.value.why
