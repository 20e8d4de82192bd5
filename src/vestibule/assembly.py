"""The one place where concrete things are chosen and joined; it reads from top to bottom as a parts list."""

import asyncio
import contextlib
import errno
import gc
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
import uvicorn

from vestibule.downstream.lifetimes import Lifetimes
from vestibule.flows import restored
from vestibule.flows.answering import Answering
from vestibule.flows.authorize import Authorizing
from vestibule.flows.configuration import Configuring
from vestibule.flows.describe import Describing
from vestibule.flows.guard import Guarding, Limits
from vestibule.flows.inspect import Inspecting
from vestibule.flows.judge import Deciding
from vestibule.flows.landing import Landing
from vestibule.flows.launch import Launching
from vestibule.flows.logout import Leaving
from vestibule.flows.open_rehearsal import Opening
from vestibule.flows.publish import Publishing
from vestibule.flows.receive import Receiving
from vestibule.flows.rehearse import Rehearsing
from vestibule.flows.revoke import Revoking
from vestibule.flows.session import Sessions
from vestibule.flows.start import Starting
from vestibule.flows.token import Redeeming
from vestibule.flows.userinfo import Informing
from vestibule.ground.clock import Clock, Pause
from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.ground.url import plain_host
from vestibule.keys.keyring import Keyring
from vestibule.outside import logs
from vestibule.outside.clock import SystemClock
from vestibule.outside.entropy import SystemEntropy
from vestibule.outside.fetch import HttpFetch
from vestibule.settings import database, master_key, process
from vestibule.settings.master_key import MasterKey
from vestibule.settings.process import Settings
from vestibule.store.port import Store
from vestibule.store.remembering import RememberingStore
from vestibule.store.sqlite import SqliteStore
from vestibule.store.sweeping import sweep_all
from vestibule.web import app as doors
from vestibule.web.doorway import Doorway
from vestibule.web.protocol import BoundedHttp
from vestibule.web.serving import serve

SWEEP_EVERY = 60.0
"""Seconds between two sweeps of what is past all use."""

BACKLOG = 2048
"""How many connections may wait to be accepted."""
CONNECTIONS = 2048
"""How many connections one process takes at a time; the next is answered with 503."""
FILES = 8192
"""Descriptors that a process asks for: connections, the database, and room."""

log = structlog.get_logger("vestibule.assembly")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything, joined. The doors find their flows here by name."""

    settings: Settings
    issuer: str
    store: Store
    keyring: Keyring
    clock: Clock
    entropy: Entropy
    receiving: Receiving
    landing: Landing
    authorizing: Authorizing
    launching: Launching
    opening: Opening
    describing: Describing
    redeeming: Redeeming
    informing: Informing
    revoking: Revoking
    leaving: Leaving
    publishing: Publishing
    configuring: Configuring
    rehearsing: Rehearsing
    guarding: Guarding
    inspecting: Inspecting


def join(
    settings: Settings,
    *,
    store: Store,
    keyring: Keyring,
    clock: Clock,
    entropy: Entropy,
    pause: Pause = asyncio.sleep,
    restored_at: datetime | None = None,
) -> House:
    """The flows over these parts; what an engine, a clock or a source of randomness is does not matter here."""
    store = RememberingStore(store, clock)
    issuer = settings.issuer
    host = plain_host(urlsplit(issuer).netloc, secure=issuer.startswith("https:"))
    lifetimes = Lifetimes()
    fetch = HttpFetch(
        private=settings.fetch_private, loopback=settings.on_loopback, hosts=frozenset(settings.fetch_hosts)
    )
    starting = Starting(
        store=store,
        keyring=keyring,
        clock=clock,
        entropy=entropy,
        issuer=issuer,
        login_ttl=timedelta(seconds=settings.login_ttl),
    )
    answering = Answering(
        store=store, keyring=keyring, clock=clock, entropy=entropy, issuer=issuer, lifetimes=lifetimes
    )
    sessions = Sessions(store=store, keyring=keyring, clock=clock, entropy=entropy)
    landing = Landing(
        store=store,
        keyring=keyring,
        clock=clock,
        entropy=entropy,
        issuer=issuer,
        starting=starting,
        answering=answering,
        sessions=sessions,
    )
    return House(
        settings=settings,
        issuer=issuer,
        store=store,
        keyring=keyring,
        clock=clock,
        entropy=entropy,
        receiving=Receiving(
            store=store,
            keyring=keyring,
            clock=clock,
            pause=pause,
            entropy=entropy,
            issuer=issuer,
            deciding=Deciding(
                store=store,
                keyring=keyring,
                issuer=issuer,
                host=host,
                answering=answering,
                restored_at=restored_at,
            ),
            answering=answering,
            sessions=sessions,
        ),
        landing=landing,
        authorizing=Authorizing(
            store=store,
            clock=clock,
            entropy=entropy,
            starting=starting,
            answering=answering,
            landing=landing,
            sessions=sessions,
        ),
        launching=Launching(store=store, clock=clock, entropy=entropy, answering=answering, issuer=issuer),
        opening=Opening(store=store, clock=clock, entropy=entropy, starting=starting),
        describing=Describing(store=store, keyring=keyring, issuer=issuer),
        redeeming=Redeeming(
            store=store, keyring=keyring, clock=clock, entropy=entropy, issuer=issuer, lifetimes=lifetimes
        ),
        informing=Informing(store=store, clock=clock),
        revoking=Revoking(store=store, clock=clock, entropy=entropy),
        leaving=Leaving(store=store, keyring=keyring, clock=clock, entropy=entropy, issuer=issuer),
        publishing=Publishing(keyring=keyring, issuer=issuer),
        configuring=Configuring(store=store, clock=clock, entropy=entropy, fetch=fetch, issuer=issuer),
        rehearsing=Rehearsing(store=store, clock=clock, entropy=entropy, issuer=issuer),
        guarding=Guarding(
            Limits(
                refusals=settings.limit_refusals,
                connection_refusals=settings.limit_connection_refusals,
                requests=settings.limit_requests,
            ),
            store=store,
            clock=clock,
            entropy=entropy,
        ),
        inspecting=Inspecting(
            store=store,
            keyring=keyring,
            entropy=entropy,
            issuer=issuer,
            host=host,
            answering=answering,
            restored_at=restored_at,
        ),
    )


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """Opens store and keys, and closes them behind whoever came in."""
    clock, entropy = SystemClock(), SystemEntropy()
    if isinstance(settings.database, Path):
        database.check(settings.database)

    def unlock() -> MasterKey:
        former = settings.master_key_previous
        return master_key.unlock(settings.master_key, settings.database, entropy, previous=former)

    unlocked = unlock()
    if unlocked.made is not None:
        log.warning(
            "master key made",
            file=str(unlocked.made),
            what_to_do="Back it up apart from the database: without it, sealed keys cannot be opened.",
        )
    store = _engine(settings)
    await store.open()
    try:
        keyring = Keyring(
            store=store,
            clock=clock,
            entropy=entropy,
            master_key=unlocked.key,
            previous=unlocked.previous,
            unlock=lambda: unlock().all,
        )
        await keyring.prepare()
        if not await keyring.is_resealed():
            log.warning(
                "sealed under the former master key", what_to_do="Run `vestibule keys reseal` once every node has both."
            )
        await _same_issuer(store, settings.issuer)
        since = await restored.restored_at(store)
        yield join(settings, store=store, keyring=keyring, clock=clock, entropy=entropy, restored_at=since)
    finally:
        await store.close()


def _engine(settings: Settings) -> Store:
    if isinstance(settings.database, Path):
        return SqliteStore(settings.database)
    from vestibule.store.postgres import (
        PostgresStore,
    )  # the driver costs a tenth of a second, which SQLite need not pay

    return PostgresStore(settings.database.url, connections=settings.database_connections)


async def _same_issuer(store: Store, issuer: str) -> None:
    """The issuer of a database is that of its first start: everything that others keep of us names it."""
    kept = await store.keys.fact("issuer", issuer)
    if kept != issuer:
        raise Refused(
            "settings.issuer_changed",
            "VESTIBULE_ISSUER is not the one that this database was started with. Applications refuse tokens of another "
            "issuer, and identity providers refuse requests of another entity id. Set it back; or, to move, export the "
            "configuration under the former issuer and apply it to a new database (VESTIBULE_DATABASE_URL), then set "
            "up the new addresses at every application and identity provider.",
            want=kept,
            got=issuer,
        )


async def sweep_forever(house: House, *, every: float = SWEEP_EVERY) -> None:
    """Deletes what is past all use, in small batches, as long as the process lives."""
    while True:
        try:
            events = timedelta(days=house.settings.events_days)
            await sweep_all(house.store, house.clock, events=events, pause=asyncio.sleep)
        except Refused as refused:
            log.warning("sweep failed", code=refused.code, why=refused.why)
        except Exception as error:  # one bad batch must not end all sweeping
            log.error("sweep failed", exc_info=error)
        await asyncio.sleep(every)


def build_app(house: House) -> Doorway:
    """The web application over an open house."""
    return doors.build(house)


def load_settings() -> Settings:
    """The settings in this process's environment."""
    return process.load(os.environ)


def worker() -> "LazyApp":
    """The application of one worker process, which reads its settings from the environment it was started with."""
    logs.configure()
    return LazyApp(load_settings())


class LazyApp:
    """An ASGI application that opens its house when the server starts, inside the server's own event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app: Doorway | None = None
        self._stack = contextlib.AsyncExitStack()

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)

    async def _lifespan(self, receive, send) -> None:  # type: ignore[no-untyped-def]
        await receive()
        try:
            house = await self._stack.enter_async_context(open_house(self._settings))
            self._app = build_app(house)
            sweeping = asyncio.create_task(sweep_forever(house))
            _collect_seldom()
        except Refused as refused:
            await send({"type": "lifespan.startup.failed", "message": str(refused)})
            return
        except Exception as error:  # a worker that cannot start must say so and end
            log.error("start failed", exc_info=error)
            await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}; the log says where"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        sweeping.cancel()
        await self._stack.aclose()
        await send({"type": "lifespan.shutdown.complete"})


def _collect_seldom() -> None:
    """What the start left behind lives as long as the process, and a login's own leavings are freed without the collector:
    looking through all of them every 700 objects cost a tenth of a login."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(25_000, 20, 20)


def run_server(settings: Settings, *, announce: Callable[[], None]) -> None:
    """Serves until told to stop; requests in flight are answered first (`web.serving`).

    Before `announce` the store was opened once and the port is taken, so that what stands in the way of either is one
    sentence here and not one in every worker.
    """
    asyncio.run(_opens(settings))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    with contextlib.ExitStack() as stack:
        sockets = _listening(settings.host, settings.port, stack)
        config = uvicorn.Config(
            "vestibule.assembly:worker",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            loop="uvloop",
            http=BoundedHttp,
            ws="none",
            lifespan="on",
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=",".join(settings.trusted_proxies) or None,
            access_log=False,
            server_header=False,
            date_header=True,
            timeout_keep_alive=30,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=20,
            log_level="warning",
        )
        announce()
        with contextlib.suppress(KeyboardInterrupt):
            if not serve(config, sockets, drain=settings.drain_seconds):
                raise Refused("serve.start", "The server did not start; the lines above say why.")


async def _opens(settings: Settings) -> None:
    async with open_house(settings):
        pass


def _listening(host: str, port: int, stack: contextlib.ExitStack) -> list[socket.socket]:
    """Sockets on every address of the host, which are closed with the stack; early visitors wait in line.

    An address that this machine does not have is passed over where the host has others: `localhost` without IPv6.
    """
    sockets: list[socket.socket] = []
    absent: OSError | None = None
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((answer[0], answer[4]) for answer in answers):
            try:
                sockets.append(_bound(family, address, stack))
            except OSError as error:
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    raise
                absent = error
        if absent is not None and not sockets:
            raise absent
    except (OSError, UnicodeError) as error:
        raise Refused(
            "serve.port",
            f"Port {port} on {host} is not to be had. Stop what uses it, or choose others with VESTIBULE_PORT and "
            "VESTIBULE_HOST.",
            got=getattr(error, "strerror", None) or error,
        ) from None
    return sockets


def _bound(family: int, address: tuple[Any, ...], stack: contextlib.ExitStack) -> socket.socket:
    listening = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a socket of its own
    listening.bind(address)
    listening.listen(BACKLOG)
    return listening
