"""A server that answers from a can and does nothing else: against it the load client shows its own ceiling."""

import select
import socket
import sys

from bench.bare import CODE, TOKENS

_MOVED = b"HTTP/1.1 303 See Other\r\nlocation: " + CODE + b"\r\ncontent-length: 0\r\n\r\n"
_GIVEN = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(TOKENS) + TOKENS


class Wire:
    """A connection, what is missing of the request on it, and what it will be answered."""

    def __init__(self, accepted: socket.socket) -> None:
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = accepted
        self.missing = 0
        self.answer = b""

    def serve(self) -> bool:
        """Reads on, and answers a request that is whole; false when the client has gone."""
        got = self.socket.recv(65_536)
        if not self.missing and got:
            end = got.index(b"\r\n\r\n") + 4
            at = got.index(b"\r\nContent-Length: ") + 18
            self.missing = end + int(got[at : got.index(b"\r\n", at)])
            self.answer = _MOVED if got.startswith(b"POST /login/") else _GIVEN
        self.missing -= len(got)
        if got and not self.missing:
            self.socket.sendall(self.answer)
        return bool(got)


def serve(port: int) -> None:
    """Answers the two posts of a direct login, on kept connections, until it is ended."""
    listener = socket.create_server(("127.0.0.1", port), backlog=128)
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    wires: dict[int, Wire] = {}
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                accepted = listener.accept()[0]
                wires[accepted.fileno()] = Wire(accepted)
                poll.register(accepted.fileno(), select.EPOLLIN)
            elif not wires[number].serve():
                poll.unregister(number)
                wires.pop(number).socket.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
