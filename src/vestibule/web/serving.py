"""Serving on sockets until told to stop; and then nothing that reached us is lost: the balancer is told, what waits is
answered, and only then are the doors closed."""

import asyncio
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess

import structlog
import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Process

from vestibule.web.protocol import DRAINING

TICK = 0.2
"""Seconds between two looks: at whether to end, at workers that may have died."""
SILENCE = 15
"""Seconds within which a worker must say that it lives: long enough for one that starts on a busy machine."""
AGAIN = 1.0
"""Seconds until a worker that could not start is tried again: its database may be away."""
CLOSING = 10.0
"""Seconds beyond draining and answering within which a worker must have closed its store."""

log = structlog.get_logger("vestibule.web")


def serve(config: uvicorn.Config, sockets: Sequence[socket.socket], *, drain: float) -> bool:
    """Serves until SIGTERM or Ctrl-C; false if it could not begin.

    `drain`: for how many seconds after SIGTERM requests are still taken, while `/readyz` says that this node is leaving.
    """
    if config.workers > 1:
        return Workers(config, list(sockets), drain=drain).run()
    signal.signal(signal.SIGTERM, _nothing)  # uvicorn raises it again when all is done; that is no failure
    server = DrainingServer(config, drain=drain)
    server.run(sockets=list(sockets))
    return server.started


def _nothing(*_: object) -> None:
    """The signal has been obeyed."""


class DrainingServer(uvicorn.Server):
    """uvicorn's server, which by itself resets the connections that wait to be accepted, or whose first request is on its way."""

    def __init__(self, config: uvicorn.Config, *, drain: float) -> None:
        super().__init__(config)
        self.drain = drain

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.lifespan.state[DRAINING] = True
        await self._drain()
        waiting = _taken(sockets or [])
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        for connection in waiting:
            await self._welcome(connection)
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        """Goes on as before for a while. Ctrl-C cuts it short, and so does a second one the answers."""
        until = time.monotonic() + (self.drain if signal.SIGTERM in self._captured_signals else 0)
        while time.monotonic() < until and signal.SIGINT not in self._captured_signals:
            await asyncio.sleep(min(TICK, max(0.0, until - time.monotonic())))
            await self.on_tick(0)  # keeps the Date header right

    async def _welcome(self, connection: socket.socket) -> None:
        def protocol() -> asyncio.Protocol:
            made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state
            )
            return made

        await asyncio.get_running_loop().connect_accepted_socket(protocol, connection)


def _taken(sockets: Sequence[socket.socket]) -> list[socket.socket]:
    """Every connection that waits to be accepted: closing the sockets would reset it, with the request on it."""
    taken: list[socket.socket] = []
    for listening in sockets:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # nobody is left, or nobody who can be taken
                break
            connection.setblocking(False)
            taken.append(connection)
    return taken


class Worker(Process):
    """One process that serves, and ends with the one that started it: orphans would hold the port, and nobody could stop them."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], *, drain: float) -> None:
        self._drain = drain
        super().__init__(config, sockets)

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = DrainingServer(self.config, drain=self._drain)
        return self._server

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            threading.Thread(target=self._end_with, args=(parent,), daemon=True).start()
        super().target(sockets)

    def _end_with(self, parent: BaseProcess) -> None:
        parent.join()
        if isinstance(self.server, DrainingServer):
            self.server.drain = 0.0
        os.kill(os.getpid(), signal.SIGTERM)


class Workers:
    """Looks after several workers on the same sockets: one that dies or falls silent is replaced; all end together."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], *, drain: float) -> None:
        self._config = config
        self._sockets = sockets
        self._drain = drain
        self._told = self._failed = False
        self._served = False
        self._workers: list[Worker] = []

    def run(self) -> bool:
        """Returns when all workers have ended; false if that is because they could not start."""
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, self._tell)
        self._workers = [self._begun() for _ in range(self._config.workers)]
        while not self._told:
            time.sleep(TICK)
            self._serves()
            self._look()
        # First our own copies: connections to a socket that no worker accepts from would wait for nothing.
        for listening in self._sockets:
            listening.close()
        for worker in self._workers:
            worker.terminate()
        self._wait()
        return not self._failed

    def _tell(self, *_: object) -> None:
        self._told = True

    def _begun(self) -> Worker:
        worker = Worker(self._config, self._sockets, drain=self._drain)
        worker.start()
        return worker

    def _look(self) -> None:
        for number, worker in enumerate(self._workers):
            if self._told:
                return
            if worker.is_alive(SILENCE):
                continue
            worker.kill()
            worker.join()
            if worker.exitcode == STARTUP_FAILURE:
                if not self._serves():
                    self._told = self._failed = True
                    return
                time.sleep(AGAIN)
            if not self._told:
                log.error("worker replaced", ended_with=worker.exitcode)
                self._workers[number] = self._begun()

    def _serves(self) -> bool:
        """Whether any worker ever came to serve: then it is not for ever that one cannot start."""
        self._served = self._served or any(worker.is_ready(SILENCE) for worker in self._workers)
        return self._served

    def _wait(self) -> None:
        """Each worker bounds its own end; one that does not keep to it is ended."""
        bound = time.monotonic() + self._drain + (self._config.timeout_graceful_shutdown or 0) + CLOSING
        for worker in self._workers:
            worker.process.join(max(0.0, bound - time.monotonic()))
            if worker.process.is_alive():
                log.error("worker killed", why="It did not end in time.")
                worker.process.kill()
                worker.process.join()
