"""A lean HTTP/1.1 client [RFC 9112]: many scripts at once over kept connections, in one process, without a library.

It speaks to the servers of this benchmark and to no other: on loopback, one request at a time on a connection. Answers
come with a Content-Length or in chunks; a connection that the server closes after an answer is made anew.
"""

import select
import socket
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

Script = Generator[bytes, "Answer", None]
"""Yields requests, is sent their answers, and ends when its part is done."""

SILENCE = 20.0
"""Seconds without a word from the server, after which it is given up."""


class Failed(Exception):
    """The server did not do what a login needs: figures would mean nothing."""


@dataclass(slots=True)
class Answer:
    """An answer: the head as it came (lower-cased, too, for finding names in it) and the body."""

    status: int
    head: bytes
    lower: bytes
    body: bytes

    def values(self, name: bytes) -> Iterator[str]:
        """The values of a header, by its name in lower case."""
        mark = b"\r\n" + name + b": "
        at = self.lower.find(mark)
        while at >= 0:
            start = at + len(mark)
            end = self.head.index(b"\r\n", start)
            yield self.head[start:end].decode("latin-1")
            at = self.lower.find(mark, end)

    def location(self, *statuses: int) -> str:
        """Where the answer sends the browser; anything but a redirect (303, or one of these) ends the run."""
        if self.status not in (statuses or (303,)):
            raise Failed(f"expected a redirect, got {self.status}: {self.text()}")
        return next(self.values(b"location"))

    def text(self) -> str:
        """The beginning of the body, for saying what came instead of what was expected."""
        return self.body[:2000].decode("utf-8", "replace")


@dataclass(slots=True)
class Timing:
    """What a round of scripts took: `seconds` from first request to last answer, `latencies` in the scripts' order."""

    seconds: float
    latencies: list[float]


@dataclass(slots=True)
class _Line:
    """A connection, and the script that has it now. `over`: the server closes it behind the answer that came."""

    wire: socket.socket
    over: bool = False
    script: Script | None = None
    index: int = 0
    began: float = 0.0
    heard: bytes = b""


def run(scripts: Sequence[Script], *, port: int, concurrency: int) -> Timing:
    """Runs all scripts, `concurrency` at a time. The first failure ends the run."""
    lines = {
        line.wire.fileno(): line for line in (_Line(_connect(port)) for _ in range(min(concurrency, len(scripts))))
    }
    poll = select.epoll()
    for number in lines:
        poll.register(number, select.EPOLLIN)
    latencies = [0.0] * len(scripts)
    waiting = enumerate(scripts)
    clock = time.perf_counter
    try:
        began = clock()
        live = sum(_begin(line, waiting, clock()) for line in lines.values())
        while live:
            events = poll.poll(SILENCE)
            if not events:
                raise Failed(f"the server has been silent for {SILENCE:.0f} s")
            for number, _ in events:
                line = lines[number]
                answer = _hear(line)
                if answer is None or line.script is None:
                    continue
                if line.over:
                    _renew(line, lines, poll, port)
                try:
                    line.wire.sendall(line.script.send(answer))
                except StopIteration:
                    now = clock()
                    latencies[line.index] = now - line.began
                    live -= not _begin(line, waiting, now)
        return Timing(seconds=clock() - began, latencies=latencies)
    except OSError as error:
        raise Failed(f"the connection to the server broke: {error}") from error
    finally:
        poll.close()
        for line in lines.values():
            line.wire.close()


def ask(script: Script, *, port: int) -> None:
    """Runs one script by itself."""
    run([script], port=port, concurrency=1)


def _connect(port: int) -> socket.socket:
    wire = socket.create_connection(("127.0.0.1", port))
    wire.settimeout(None)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire


def _renew(line: _Line, lines: dict[int, _Line], poll: select.epoll, port: int) -> None:
    """A new connection in the place of one that is over."""
    del lines[line.wire.fileno()]
    poll.unregister(line.wire)
    line.wire.close()
    line.wire, line.over = _connect(port), False
    lines[line.wire.fileno()] = line
    poll.register(line.wire, select.EPOLLIN)


def _begin(line: _Line, waiting: Iterator[tuple[int, Script]], now: float) -> bool:
    """Gives the connection its next script; false when there is none left."""
    for line.index, line.script in waiting:
        line.began = now
        line.wire.sendall(next(line.script))
        return True
    line.script = None
    return False


def _hear(line: _Line) -> Answer | None:
    """What has come, as an answer once it is whole."""
    got = line.wire.recv(65_536)
    if not got:
        raise Failed("the server closed the connection")
    heard = line.heard + got if line.heard else got
    end = heard.find(b"\r\n\r\n")
    if end >= 0:
        head = heard[: end + 2]
        lower = head.lower()
        body = _body(head, lower, heard, end + 4)
        if body is not None:
            line.heard = b""
            line.over = b"\r\nconnection: close\r\n" in lower
            return Answer(status=int(head[9:12]), head=head, lower=lower, body=body)
    line.heard = heard
    return None


def _body(head: bytes, lower: bytes, heard: bytes, start: int) -> bytes | None:
    """The body, once it is whole [RFC 9112 6.3]."""
    at = lower.find(b"\r\ncontent-length: ")
    if at >= 0:
        whole = start + int(head[at + 18 : head.index(b"\r\n", at + 18)])
        return heard[start:whole] if len(heard) >= whole else None
    if b"\r\ntransfer-encoding: chunked\r\n" not in lower:
        raise Failed(f"an answer without length: {head!r}")
    chunks: list[bytes] = []
    while True:
        end = heard.find(b"\r\n", start)
        if end < 0:
            return None
        size = int(heard[start:end], 16)
        if len(heard) < end + size + 4:
            return None
        if not size:
            return b"".join(chunks)
        chunks.append(heard[end + 2 : end + 2 + size])
        start = end + size + 4
