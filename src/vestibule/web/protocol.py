"""HTTP's first line of defence: a request's head within bounds of size and time, and no waiting for what is not read."""

import logging
from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from vestibule.web.limits import STATIC_HEADERS

DRAINING = "vestibule.draining"
"""In the state of the lifespan, and so of every request: this process is about to end."""

_TOO_LARGE = (
    "Your browser sends more than this site takes with one request. "
    "Delete the cookies of this site in your browser, then try again."
)


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for ever for a head of any size.

    `HEAD_LIMIT` bytes of request line and headers are taken (else 431), and they must be there within `HEAD_SECONDS` of
    the connection or of their first byte. What comes after an answer that did not wait for the body is thrown away for
    `LINGER_SECONDS`: time enough to read the answer. When the server ends, a request that is on its way, or may be, has
    `LAST_SECONDS` to arrive, and is answered. What comes beside a body (sizes and extensions of chunks, trailers) may be as
    much as the body, and `SURPLUS_LIMIT` bytes.
    """

    HEAD_LIMIT = 32_768
    HEAD_SECONDS = 10.0
    LINGER_SECONDS = 5.0
    LAST_SECONDS = 2.0
    SURPLUS_LIMIT = 16_384

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # What strangers write is no warning: it would fill the log at their will.
        self.logger = logging.getLogger("uvicorn.error.requests")
        self.logger.setLevel(logging.ERROR)
        self._in_head = True
        self._in_message = False
        self._head_bytes = 0
        self._message_bytes = 0
        self._body_bytes = 0
        self._refused = False
        self._deadline: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._within(self.HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._no_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feeds the parser in pieces of what a head may still have, so that none grows beyond that unseen."""
        if self._in_head and self._deadline is None:
            self._within(self.HEAD_SECONDS)
        while data and not self._refused and not self.transport.is_closing():
            room = self.HEAD_LIMIT - self._head_bytes if self._in_head else self.HEAD_LIMIT
            piece, data = data[:room], data[room:]
            if self._in_head:
                self._head_bytes += len(piece)
            else:
                self._message_bytes += len(piece)
            super().data_received(piece)
            if self._message_bytes > self.SURPLUS_LIMIT + 2 * self._body_bytes:
                self.transport.close()  # sizes, extensions and trailers of chunks, which nobody reads, without end
            if self._in_head and self._head_bytes >= self.HEAD_LIMIT and not self._refused:
                self._answer(431, _TOO_LARGE)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Trailers are dropped: they must not be merged with what stood in the head [RFC 9110 6.5.1]."""
        if self._in_head:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_headers_complete(self) -> None:
        self._in_head, self._in_message = False, True
        self._no_deadline()
        super().on_headers_complete()
        if self.app_state.get(DRAINING):
            self.cycle.keep_alive = False  # a proxy that keeps connections must not send its next request here

    def on_message_complete(self) -> None:
        self._in_head, self._in_message = True, False
        self._head_bytes = self._message_bytes = self._body_bytes = 0
        self._no_deadline()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_message and not self.transport.is_closing():
            self._within(self.LINGER_SECONDS)

    def shutdown(self) -> None:
        """The server ends. A connection that is reset with a request on it would lose that request, and a proxy that keeps
        connections may be sending one on any of them."""
        if self._answering():
            super().shutdown()
        else:
            self._within(self.LAST_SECONDS)

    def send_400_response(self, msg: str) -> None:
        self._answer(400, msg)

    def _unsupported_upgrade_warning(self) -> None:
        """No WebSockets here; the request is answered as if it had not asked for one [RFC 9110 7.8]."""

    def _within(self, seconds: float) -> None:
        self._no_deadline()
        self._deadline = self.loop.call_later(seconds, self._too_late)

    def _no_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _too_late(self) -> None:
        self._deadline = None
        if self._answering():
            self._within(self.HEAD_SECONDS)  # the request before this one is still being answered
        else:
            self.transport.close()

    def _answer(self, status: int, text: str) -> None:
        """An answer of the protocol's own, to somebody whom the application never sees.

        What still comes is thrown away for a while: a connection that is closed with octets unread is reset, and its last
        answer is lost on the way.
        """
        if self._answering():  # an answer now would be taken for that of the request before
            self.transport.close()
            return
        self._refused = True
        body = text.encode("ascii")
        headers = [
            *STATIC_HEADERS,
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode("ascii")),
            (b"connection", b"close"),
        ]
        head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self.transport.write(STATUS_LINE[status] + head + b"\r\n" + body)
        self.transport.write_eof()
        self._within(self.LINGER_SECONDS)
