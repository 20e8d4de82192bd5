"""The load client: it hears answers of every framing that the measured servers use, whole and in order."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from bench.load import Failed, Script

from bench import load

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"


@contextmanager
def answering(*pieces: bytes, connections: int = 1) -> Iterator[int]:
    """A server that answers each request, on so many connections in turn, with all pieces, each in a packet of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(connections):
                with listener.accept()[0] as wire:
                    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    while wire.recv(65_536):
                        for piece in pieces:
                            wire.sendall(piece)
                        if b"close" in pieces[0]:
                            break

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def heard(port: int, times: int = 1) -> list[bytes]:
    bodies: list[bytes] = []

    def script() -> Script:
        for _ in range(times):
            answer = yield b"GET / HTTP/1.1\r\n\r\n"
            bodies.append(answer.body)

    load.ask(script(), port=port)
    return bodies


def test_an_answer_in_two_packets_is_whole() -> None:
    with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc", b"def") as port:
        assert heard(port, 2) == [b"abcdef", b"abcdef"]


@pytest.mark.parametrize(
    "pieces",
    [
        (b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",),
        (b"3\r\nab", b"c\r\n3\r\ndef\r\n0\r\n\r\n"),
        (b"3\r\nabc\r\n3\r\ndef\r\n0\r\n", b"\r\n"),
        (b"6", b"\r\nabcdef\r\n0\r\n\r\n"),
    ],
)
def test_chunks_make_one_body_wherever_packets_part_them(pieces: tuple[bytes, ...]) -> None:
    with answering(CHUNKED + b"\r\n" + pieces[0], *pieces[1:]) as port:
        assert heard(port, 2) == [b"abcdef", b"abcdef"]


def test_a_connection_that_ends_with_an_answer_is_made_anew() -> None:
    said = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na"
    with answering(said, connections=3) as port:
        bodies = heard(port, 2)
        socket.create_connection(("127.0.0.1", port)).close()  # the one that the client made last is among the three
    assert bodies == [b"a", b"a"]


def test_an_answer_without_an_end_ends_the_run() -> None:
    with answering(b"HTTP/1.1 200 OK\r\n\r\n") as port, pytest.raises(Failed, match="without length"):
        heard(port)


def test_a_redirect_is_one_only_by_the_statuses_that_are_expected() -> None:
    moved = load.Answer(status=302, head=b"", lower=b"\r\nlocation: /next\r\n", body=b"")
    moved.head = moved.lower
    assert moved.location(302, 303) == "/next"
    with pytest.raises(Failed, match="expected a redirect, got 302"):
        moved.location()
