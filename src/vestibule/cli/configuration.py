"""`vestibule apply` and `vestibule export`: the configuration as a file."""

import os
from pathlib import Path

import click

from vestibule.cli import show
from vestibule.cli.parts import House, Parts
from vestibule.flows.configuration import Applied
from vestibule.flows.export import export
from vestibule.settings import reading


async def apply_file(house: House, file: Path, *, dry_run: bool) -> Applied:
    """Applies a file to an open house. Secrets that the file names by variable come from this process's environment."""
    document = reading.read_file(file, os.environ)
    return await house.configuring.apply(document, file.parent, dry_run=dry_run)


def apply_command(parts: Parts) -> click.Command:
    @click.command(name="apply")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--dry-run", is_flag=True, help="Judge the file, show what would change, and change nothing.")
    def apply(file: Path, dry_run: bool) -> None:
        """Put the configuration in FILE in place: all of it, or, where anything is wrong, nothing."""

        async def work(house: House) -> Applied:
            return await apply_file(house, file, dry_run=dry_run)

        show.print_applied(show.inside(parts, work), dry_run=dry_run)

    return apply


def export_command(parts: Parts) -> click.Command:
    @click.command(name="export")
    def export_all() -> None:
        """Print the configuration as a file that `apply` takes again. Secrets are not in it."""

        async def work(house: House) -> str:
            return await export(house.store)

        show.printed(show.inside(parts, work), nl=False)

    return export_all
