"""`vestibule keys`: what signs, what will sign, what opens, and what is no longer believed."""

from datetime import datetime, timedelta
from pathlib import Path

import click

from vestibule.cli import show
from vestibule.cli.parts import House, Parts
from vestibule.ground.errors import Refused
from vestibule.keys import rotation
from vestibule.keys.rotation import HANDED_OVER, PUBLISHED_AHEAD
from vestibule.model.ids import ConnectionId
from vestibule.model.key import KeyPurpose, StoredKey
from vestibule.settings import master_key


def keys_group(parts: Parts) -> click.Group:
    @click.group(name="keys")
    def keys() -> None:
        """List, rotate and retire keys: those that sign, and those that identity providers encrypt for; and reseal them all."""

    keys.add_command(_list(parts))
    keys.add_command(_rotate(parts))
    keys.add_command(_retire(parts))
    keys.add_command(_reseal(parts))
    return keys


_connection = click.option(
    "--connection", metavar="NAME", help="The keys of this connection, which its identity provider encrypts for."
)


async def _id(house: House, name: str) -> ConnectionId:
    connection = await house.store.configured.connection(name)
    if connection is None:
        raise Refused(
            "connection.unknown", "No connection has this name or id; `vestibule export` shows them.", got=name[:80]
        )
    return connection.id


def _list(parts: Parts) -> click.Command:
    @click.command(name="list")
    @_connection
    def list_keys(connection: str | None) -> None:
        """Every key of the installation, or of a connection, oldest first: its purpose, its name and what it does now."""

        async def work(house: House) -> list[str]:
            now = house.clock.now()
            if connection is not None:
                own = await house.keyring.of(await _id(house, connection))
                return [f"{key.purpose:<15} {key.kid}  {_opening(key, own, now)}" for key in own] or [
                    "No key yet: the first one is made when this connection's metadata is read."
                ]
            known = await house.keyring.all()
            return [f"{key.purpose:<15} {key.kid}  {_state(key, known, now)}" for key in known]

        for line in show.inside(parts, work):
            show.printed(line)

    return list_keys


def _rotate(parts: Parts) -> click.Command:
    @click.command()
    @click.argument("purpose", type=click.Choice([purpose.value for purpose in KeyPurpose]))
    @click.option(
        "--now",
        "at_once",
        is_flag=True,
        help="Sign with the new key as soon as every node publishes it, in three minutes: for when the old one leaked.",
    )
    @_connection
    def rotate(purpose: str, at_once: bool, connection: str | None) -> None:
        """Make the next key for PURPOSE: published now, signing later, so that applications know it in time.

        `saml-encryption` needs --connection: its new key is published at once, and the older ones go on opening.
        """
        if (purpose == KeyPurpose.SAML_ENCRYPTION) is not (connection is not None):
            raise click.UsageError("saml-encryption goes with --connection NAME, and only that.")

        async def work(house: House) -> StoredKey:
            if connection is not None:
                return await house.keyring.replace_encryption(await _id(house, connection))
            delay = timedelta(0) if at_once else PUBLISHED_AHEAD
            return await house.keyring.rotate(KeyPurpose(purpose), delay=delay)

        key = show.inside(parts, work)
        if key.purpose is KeyPurpose.SAML_ENCRYPTION:
            show.printed(
                f"Made {key.kid} for {key.purpose} of {connection}. The connection's metadata shows its certificate already. Give it "
                "to the identity provider; what is still encrypted for an older key is opened until you retire that one: "
                f"vestibule keys retire KID --connection {connection}."
            )
            return
        show.printed(
            f"Made {key.kid} for {key.purpose}. It is published now and signs from {show.moment(key.signs_from)}."
        )
        if key.purpose is KeyPurpose.SAML_REQUEST:
            show.printed(
                "Our metadata shows its certificate already. Identity providers that imported our certificate by hand "
                "need the new one before that time. Retire the old key when they all have it."
            )
        elif at_once:
            show.printed(
                "By then every node publishes it; applications that keep a copy of the key set for longer than it says refuse new "
                "tokens until they fetch it again. To stop what the old key signed from being believed, retire it from "
                f"{show.moment(key.signs_from + HANDED_OVER)} on: vestibule keys retire KID."
            )
        else:
            show.printed(
                "Until then the present key signs; it stays published for a day longer, then retires by itself."
            )

    return rotate


def _retire(parts: Parts) -> click.Command:
    @click.command(context_settings={"ignore_unknown_options": True})  # a key's name may begin with a hyphen
    @click.argument("kid")
    @_connection
    def retire(kid: str, connection: str | None) -> None:
        """Take the key KID out of use and out of sight now; what it signed is believed no longer, nor opened what it was to open."""

        async def work(house: House) -> StoredKey:
            if connection is not None:
                return await house.keyring.retire_encryption(await _id(house, connection), kid)
            return await house.keyring.retire(kid)

        key = show.inside(parts, work)
        show.printed(
            f"Retired {key.kid} ({key.purpose}). Other processes follow within 30 seconds, by their own clocks."
        )

    return retire


def _reseal(parts: Parts) -> click.Command:
    @click.command()
    def reseal() -> None:
        """Replace the master key: seal everything that is sealed in the database under the new one.

        Where the master key is in a file beside the database, a new one is made and put there; copy the file first, for backups
        that were made before need the former key. Where it is in
        VESTIBULE_MASTER_KEY, start every node with the new one there and the former one in
        VESTIBULE_MASTER_KEY_PREVIOUS first. If it is interrupted, run it again.
        """

        async def work(house: House) -> int | None:
            database = house.settings.database
            if house.settings.master_key is None and isinstance(database, Path):
                with master_key.replacing(database, house.entropy):
                    return await house.keyring.reseal()
            done = await house.keyring.is_resealed()
            changed = await house.keyring.reseal()
            return None if done and not changed else changed

        count = show.inside(parts, work)
        if count is None:
            show.printed(
                "Everything is sealed under VESTIBULE_MASTER_KEY already; nothing was changed. To replace it, make a key (openssl "
                "rand -base64 32), start every node with that one in VESTIBULE_MASTER_KEY and the former one in "
                "VESTIBULE_MASTER_KEY_PREVIOUS, and run this again with both."
            )
            return
        show.printed(
            f"Sealed anew: {count} {'key' if count == 1 else 'keys'}, and what else is secret in the database."
        )
        show.printed(
            "The former master key opens nothing in it any more. Backups that were made before need it: keep it as long as them."
        )
        if parts.load_settings().master_key is not None:
            show.printed("Start every node without VESTIBULE_MASTER_KEY_PREVIOUS now.")

    return reseal


def _opening(key: StoredKey, known: tuple[StoredKey, ...], now: datetime) -> str:
    """What a key for encryption does now: the newest is in the metadata, the others open what is still encrypted for them."""
    if key.retired_at is not None and key.retired_at <= now:
        return f"retired {show.moment(key.retired_at)}"
    return "opens, in the metadata" if key is known[-1] else "opens"


def _state(key: StoredKey, known: tuple[StoredKey, ...], now: datetime) -> str:
    """What a key does now, next to the others of its purpose."""
    if key.retired_at is not None and key.retired_at <= now:
        return f"retired {show.moment(key.retired_at)}"
    if key.signs_from > now:
        return f"published, signs from {show.moment(key.signs_from)}"
    signs = rotation.signer(known, key.purpose, now) == key
    until = "" if key.retired_at is None else f" until {show.moment(key.retired_at)}"
    return f"signs{until}" if signs else f"published{until}"
