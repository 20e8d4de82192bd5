"""`vestibule backup` and `vestibule restored`: a copy of the database while it is in use, and what to say once one was put back."""

import asyncio
from pathlib import Path

import click

from vestibule.cli import show
from vestibule.cli.parts import House, Parts
from vestibule.flows.restored import Restoring
from vestibule.ground.errors import Refused
from vestibule.settings.master_key import key_file
from vestibule.store.backup import back_up


def backup_command(parts: Parts) -> click.Command:
    @click.command(name="backup")
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
    def backup(file: Path) -> None:
        """Copy the SQLite database to FILE while it is in use: whole, of one moment, and looked over.

        The master key is not in it.
        """
        settings = parts.load_settings()
        database = settings.database
        if not isinstance(database, Path):
            raise Refused(
                "backup.postgresql",
                "A PostgreSQL database has its own: pg_dump --format=custom, or continuous archiving.",
            )

        async def work(house: House) -> int:
            return await asyncio.to_thread(back_up, database, file, draft=house.entropy.token(9))

        size = show.inside(parts, work)
        key = "VESTIBULE_MASTER_KEY" if settings.master_key is not None else str(key_file(database))
        show.printed(
            f"Copied {size:,} bytes to {file}. Nothing secret in it opens without its master key ({key}): back that up too, apart from it."
        )

    return backup


def restored_command(parts: Parts) -> click.Command:
    @click.command(name="restored")
    def restored() -> None:
        """Say that the database was put back from a copy, before it is served.

        Assertions that were issued until now are refused then: the copy does not know which of them were used after it was made.
        """

        async def work(house: House) -> str:
            marking = Restoring(store=house.store, clock=house.clock, entropy=house.entropy)
            return show.moment(await marking.mark())

        at = show.inside(parts, work)
        show.printed(
            f"Every process that starts from now on refuses assertions that were issued until {at}, and for as long after as the "
            "clock of an identity provider may be ahead (clock_skew). People who are refused sign in again."
        )
        show.printed("What was revoked, blocked, signed out or configured after the copy was made is as it was before.")

    return restored
