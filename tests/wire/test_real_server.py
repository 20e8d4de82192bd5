"""`vestibule serve` itself, over sockets: whose address counts behind proxies, and what its protocol does with hostile heads."""

import json
import socket
from collections.abc import Iterator

import pytest
from tests.peers.broker import Broker, new_broker
from tests.wire.world import configuration

PROXY = "127.0.0.1"
JUNK = b"SAMLResponse=AAAA"
LIMIT = 5


@pytest.fixture(scope="module")
def behind_a_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that believes the proxy at 127.0.0.1 and one more at 10.0.0.9, and nobody else."""
    broker = new_broker(tmp_path_factory.mktemp("proxied"))
    settings = {"VESTIBULE_TRUSTED_PROXIES": f"{PROXY}, 10.0.0.9", "VESTIBULE_LIMIT_REFUSALS": str(LIMIT)}
    with broker.serving(configuration(), **settings):
        yield broker


@pytest.fixture(scope="module")
def in_the_open(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker without any trusted proxy."""
    broker = new_broker(tmp_path_factory.mktemp("open"))
    with broker.serving(configuration(), VESTIBULE_LIMIT_REFUSALS=str(LIMIT)):
        yield broker


def say(broker: Broker, octets: bytes) -> tuple[int, dict[str, str], str]:
    """One connection, one request, and the whole answer."""
    with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as line:
        line.sendall(octets)
        whole = b""
        while piece := line.recv(65_536):
            whole += piece
    head, _, body = whole.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines)}
    return int(first.split(" ")[1]), headers, body.decode("utf-8", "replace")


def junk(broker: Broker, *headers: str) -> int:
    """The status of an anonymous junk post to the assertion consumer service."""
    lines = (
        "POST /login/callback?connection=acme HTTP/1.1",
        f"Host: {broker.host}:{broker.port}",
        "Connection: close",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(JUNK)}",
        *headers,
        "",
        "",
    )
    return say(broker, "\r\n".join(lines).encode("latin-1") + JUNK)[0]


def flood(broker: Broker, *headers: str) -> list[int]:
    return [junk(broker, *headers) for _ in range(LIMIT + 2)]


SPENT = [400] * LIMIT + [429] * 2


def test_the_proxys_word_tells_clients_apart(behind_a_proxy: Broker) -> None:
    assert flood(behind_a_proxy, "X-Forwarded-For: 203.0.113.1") == SPENT
    assert junk(behind_a_proxy, "X-Forwarded-For: 203.0.113.2") == 400


@pytest.mark.parametrize(
    ("real", "headers"),
    [
        ("198.51.100.1", "X-Forwarded-For: {spoof}, {real}"),
        ("198.51.100.2", "X-Forwarded-For: {spoof}, {spoof}, 10.9.9.9, {real}"),
        ("198.51.100.3", "X-Forwarded-For: {spoof}, {real}, 10.0.0.9"),
        ("198.51.100.4", "X-Forwarded-For: 10.0.0.9, {spoof}, {real}, 10.0.0.9"),
        ("198.51.100.5", "X-Forwarded-For: {spoof}\r\nX-Forwarded-For: {real}"),
        ("198.51.100.6", "X-Forwarded-For: {spoof}, {real}:4{n}"),
        ("198.51.100.7", "X-Real-IP: {spoof}\r\nForwarded: for={spoof}\r\nX-Forwarded-For: {real}"),
    ],
)
def test_what_a_client_writes_in_front_of_the_proxys_word_counts_for_nothing(
    behind_a_proxy: Broker, real: str, headers: str
) -> None:
    """The chain is read from its end: the last address that is no trusted proxy is the client's."""
    said = [headers.format(spoof=f"203.0.113.{100 + n}", real=real, n=n) for n in range(LIMIT + 2)]
    assert [junk(behind_a_proxy, one) for one in said] == SPENT


def test_addresses_that_are_none_share_one_budget(behind_a_proxy: Broker) -> None:
    said = ["unknown", "_hidden", "203.0.113.300", "x" * 300, "203.0.113.7.evil", "-", "for=1.2.3.4"]
    assert [junk(behind_a_proxy, f"X-Forwarded-For: {one}") for one in said] == SPENT


def test_one_ipv6_line_has_one_budget(behind_a_proxy: Broker) -> None:
    said = [f"X-Forwarded-For: 2001:db8:7:7::{n:x}" for n in range(LIMIT + 2)]
    assert [junk(behind_a_proxy, one) for one in said] == SPENT
    assert junk(behind_a_proxy, "X-Forwarded-For: 2001:db8:7:8::1") == 400


def test_a_stranger_who_claims_to_be_a_proxy_is_not_believed(in_the_open: Broker) -> None:
    """Nobody is trusted: whatever each post says of itself, all of them are of one address; and the log says so once."""
    said = [f"X-Forwarded-For: 203.0.113.{n}" for n in range(LIMIT + 2)]
    assert [junk(in_the_open, one) for one in said] == SPENT
    assert [junk(in_the_open, one) for one in said] == [429] * (LIMIT + 2)
    floods = [json.loads(line) for line in in_the_open.log().splitlines() if '"flood"' in line]
    assert [(line["address"], line["turned_away_before"]) for line in floods] == [("127.0.0.1", "0")]
    assert "VESTIBULE_TRUSTED_PROXIES" in floods[0]["what_to_do"]


def test_sixty_four_kilobytes_of_cookies_are_answered_cleanly(in_the_open: Broker) -> None:
    """A hundred cookies, set by a sibling site to lock people out: 431, and what to do about it."""
    cookies = "; ".join(f"c{n}={'x' * 650}" for n in range(100))
    lines = ("GET / HTTP/1.1", f"Host: {in_the_open.host}:{in_the_open.port}", f"Cookie: {cookies}", "", "")
    status, headers, body = say(in_the_open, "\r\n".join(lines).encode())
    assert (status, headers["connection"]) == (431, "close")
    assert "Delete the cookies of this site" in body


def test_thirty_kilobytes_of_cookies_are_taken(in_the_open: Broker) -> None:
    cookies = "; ".join(f"c{n}={'x' * 290}" for n in range(100))
    lines = ("GET /healthz HTTP/1.1", "Host: x", "Connection: close", f"Cookie: {cookies}", "", "")
    assert say(in_the_open, "\r\n".join(lines).encode())[0] == 200


def test_an_absolute_request_line_leads_nowhere_else(behind_a_proxy: Broker) -> None:
    """It is no proxy request, and the host in it is not ours to believe [RFC 9112 3.2.2]."""
    lines = (
        "GET http://evil.example/authorize?client_id=crm HTTP/1.1",
        "Host: evil.example",
        "Connection: close",
        "",
        "",
    )
    status, headers, _ = say(behind_a_proxy, "\r\n".join(lines).encode())
    assert status == 303
    assert headers["location"].startswith(behind_a_proxy.issuer)
