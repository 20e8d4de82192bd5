"""`vestibule demo`: the whole tour in one process, on five ports, until somebody presses Ctrl-C."""

import asyncio
import contextlib
import signal
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
import uvicorn
from starlette.types import ASGIApp

from vestibule import assembly
from vestibule.demo import board, configuration
from vestibule.demo.crm import Crm
from vestibule.demo.evil import Evil
from vestibule.demo.idp import PracticeIdp
from vestibule.demo.journey import Journey, Recorder
from vestibule.demo.places import Place, Places, back_channel, lay_out
from vestibule.demo.portal import Portal
from vestibule.demo.scenarios import Policy
from vestibule.demo.stage import Stage
from vestibule.ground.errors import Refused
from vestibule.outside.entropy import SystemEntropy
from vestibule.settings.process import Settings

SHUTDOWN_SECONDS = 2


def run(*, host: str = "127.0.0.1", port_base: int = 8000, directory: Path | None = None) -> None:
    """Runs the tour; returns when it was stopped. Without `directory`, what it kept is thrown away."""
    places = lay_out(port_base)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(_listen(host, place)) for place in places.all]
        if directory is None:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vestibule-demo-")))
            key = SystemEntropy().bytes(32)
        else:
            with _keeping(directory):
                directory.mkdir(parents=True, exist_ok=True)
            key = None
        settings = Settings(
            issuer=places.issuer,
            database=directory / "vestibule.db",
            master_key=key,
            host=host,
            port=places.broker.port,
        )
        try:
            asyncio.run(_tour(settings, places, sockets, directory))
        except Refused as refused:
            if refused.code != "settings.issuer_changed":
                raise
            raise Refused(
                "demo.keep",
                f"{directory} keeps a tour on other ports. Start with the --port-base it was made with, or keep this one "
                "in another directory.",
                want=refused.want,
                got=refused.got,
            ) from None
    click.echo("Stopped.")


@contextlib.contextmanager
def _keeping(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refused(
            "demo.keep",
            f"Nothing can be kept in {directory}: {error.strerror}. Choose another directory with --keep.",
        ) from None


@contextlib.contextmanager
def _listen(host: str, place: Place) -> Iterator[socket.socket]:
    """The port, taken before anything is made: a port in use is one sentence, and early visitors wait in line."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, place.port))
            listening.listen()
        except (OSError, OverflowError) as error:
            raise Refused(
                "demo.port",
                f"The tour needs five ports in a row, and port {place.port} on {host} is not to be had. Stop what uses it, or "
                "choose others with --port-base.",
                got=error,
            ) from error
        yield listening


async def _tour(settings: Settings, places: Places, sockets: Sequence[socket.socket], directory: Path) -> None:
    calls = _reachable(settings.host)
    async with (
        assembly.open_house(settings) as house,
        back_channel(calls, {"User-Agent": "vestibule-demo-crm"}) as crm_line,
        back_channel(calls, {"User-Agent": "vestibule-demo-mallory"}) as mallory_line,
    ):
        journey = Journey()
        idp = PracticeIdp.make(places, clock=house.clock, entropy=house.entropy)
        with _keeping(directory):
            (directory / configuration.CERTIFICATE_FILE).write_text(idp.certificate_pem, encoding="ascii")
        secret = house.entropy.token()
        stage = Stage(places=places, directory=directory, configuring=house.configuring, secret=secret)
        await stage.play(Policy())
        crm = Crm(
            places=places, journey=journey, secret=secret, http=crm_line, clock=house.clock, entropy=house.entropy
        )
        evil = Evil(places=places, journey=journey, idp=idp, stage=stage, http=mallory_line)
        apps: Mapping[str, ASGIApp] = {
            "broker": Recorder(place=places.broker, app=assembly.build_app(house), journey=journey),
            "portal": Portal(places=places, journey=journey, idp=idp, stage=stage).app(),
            "crm": crm.app(),
            "board": board.app(places, journey),
            "evil": evil.app(),
        }
        servers = [_Server(apps[place.key]) for place in places.all]
        await _serve(servers, sockets, places)


class _Server(uvicorn.Server):
    """One of several servers in one process: the signals are handled once, for all of them."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(servers: Sequence[_Server], sockets: Sequence[socket.socket], places: Places) -> None:
    """All of them until SIGINT or SIGTERM; then all of them end, finishing what they are at."""

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    async with asyncio.TaskGroup() as group:
        for server, listening in zip(servers, sockets, strict=True):
            group.create_task(server.serve([listening]))
        click.echo(_greeting(places))


def _reachable(host: str) -> str:
    """Where the tour's own calls go: the address listened on, or this machine where that is every address."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104  compared, not bound


def _greeting(places: Places) -> str:
    others = "\n".join(f"  {place.title:<15} {place.origin}/" for place in (places.crm, places.board, places.evil))
    return (
        "\nThe tour is ready. Open this in a browser on this machine:\n\n"
        f"  {places.portal.origin}/\n\n"
        f"It leads you everywhere else:\n\n{others}\n\n"
        f"Vestibule itself answers at {places.issuer}\n"
        "Ctrl-C stops everything.\n"
    )
