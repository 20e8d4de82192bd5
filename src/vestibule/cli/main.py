"""The table of all commands: each reads its arguments, calls one flow and shows what came of it."""

from pathlib import Path

import click

from vestibule import __version__
from vestibule.cli import show
from vestibule.cli.configuration import apply_command, apply_file, export_command
from vestibule.cli.copies import backup_command, restored_command
from vestibule.cli.inspection import inspect_command
from vestibule.cli.keys import keys_group
from vestibule.cli.parts import House, Parts
from vestibule.cli.rehearsal import test_command
from vestibule.cli.trace import trace_command
from vestibule.flows.configuration import Applied
from vestibule.settings import reference

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def build(parts: Parts) -> click.Group:
    """The command `vestibule`, made of these parts."""
    group = show.Commands(
        name="vestibule",
        help="A broker between enterprise SAML identity providers and the applications of one product.",
    )
    click.version_option(__version__, prog_name="vestibule")(group)
    for command in (
        _serve(parts),
        apply_command(parts),
        export_command(parts),
        backup_command(parts),
        restored_command(parts),
        keys_group(parts),
        test_command(parts),
        trace_command(parts),
        inspect_command(parts),
        _demo(parts),
        _reference(),
    ):
        group.add_command(command)
    return group


def _serve(parts: Parts) -> click.Command:
    @click.command()
    @click.option("--config", "file", type=_FILE, help="A configuration file to apply first.")
    def serve(file: Path | None) -> None:
        """Serve logins until stopped. Settings come from the environment."""
        settings = parts.load_settings()
        if file is not None:

            async def work(house: House) -> Applied:
                return await apply_file(house, file, dry_run=False)

            show.print_applied(show.inside(parts, work))

        def announce() -> None:
            click.echo(f"Serving {settings.issuer} on {settings.host} port {settings.port}. Ctrl-C stops.", err=True)

        parts.run_server(settings, announce=announce)

    return serve


def _demo(parts: Parts) -> click.Command:
    @click.command()
    @click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
    @click.option(
        "--port-base",
        type=click.IntRange(1024, 65000),
        default=8000,
        show_default=True,
        help="The first of the ports to listen on.",
    )
    @click.option(
        "--keep",
        "directory",
        type=click.Path(file_okay=False, path_type=Path),
        help="A directory to keep everything in; left out, a temporary one.",
    )
    def demo(host: str, port_base: int, directory: Path | None) -> None:
        """A tour: broker, practice identity provider with a portal, and sample applications, on this machine."""
        parts.run_demo(host=host, port_base=port_base, directory=directory)

    return demo


def _reference() -> click.Command:
    @click.command(hidden=True)
    @click.argument("page", type=click.Choice(["configuration", "environment"]), default="configuration")
    def reference_command(page: str) -> None:
        """Print a page of the settings reference, in Markdown."""
        show.printed(reference.configuration() if page == "configuration" else reference.environment(), nl=False)

    reference_command.name = "reference"
    return reference_command
