"""The master key: the secret that seals everything secret in the store, given by the operator or kept beside the database."""

import base64
import binascii
import os
from dataclasses import dataclass, field
from pathlib import Path

from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.settings.database import PostgresUrl, check_header

LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKey:
    """The key. `made` is the file that it was just made in, None if it existed before: the operator must be told."""

    key: bytes = field(repr=False)
    made: Path | None = None


def unlock(given: bytes | None, database: Path | PostgresUrl, entropy: Entropy) -> MasterKey:
    """The key that is given, else the one in the file beside the database, else a new one, put there.

    Beside a server there is no such place, and nodes that each made one would not read what the others sealed.

    A database without its key is refused: a new key would not open what the old one sealed. Several processes may
    do this at once; one makes the key and all use it.
    """
    if given is not None:
        return MasterKey(key=given)
    if isinstance(database, PostgresUrl):
        raise Refused(
            "settings.master_key_missing",
            "VESTIBULE_MASTER_KEY is not set, and with PostgreSQL every node needs the same one. If this database is in use, "
            "set it to the key that it was started with. If it is new, make a key with: openssl rand -base64 32; keep it apart "
            "from the database's backups, and set it on every node.",
        )
    file = key_file(database)
    if not file.exists():
        if _in_use(database) and not file.exists():
            check_header(database)
            raise Refused(
                "settings.master_key_missing",
                f"The database {database} exists, but its master key {file} does not, and VESTIBULE_MASTER_KEY is not "
                "set. Restore the file from your backup, or set the variable; a new key could not open what the old "
                "one sealed. If the database belongs to another program, give Vestibule another path "
                "(VESTIBULE_DATABASE_URL).",
            )
        if _made(file, entropy.bytes(LENGTH), draft=entropy.token(9)):
            return MasterKey(key=_read(file, database), made=file)
    return MasterKey(key=_read(file, database))


def key_file(database: Path) -> Path:
    """Where the key of this database is kept when it is not given: `<database>.key`."""
    return database.with_name(database.name + ".key")


def decoded(text: str) -> bytes:
    """32 bytes from base64, in either alphabet, padded or not. Raises ValueError with what to do."""
    plain = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != LENGTH:
        raise ValueError("must be 32 random bytes in base64. Make one with: openssl rand -base64 32")
    return key


def _made(file: Path, key: bytes, *, draft: str) -> bool:
    """Puts the key there in one step, whole and private; false if another process was first."""
    whole = file.with_name(f"{file.name}.{draft}")
    try:
        descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise _unusable(file, error) from None
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(base64.b64encode(key) + b"\n")
            out.flush()
            os.fsync(out.fileno())
        os.link(whole, file)
    except FileExistsError:
        return False
    except OSError as error:
        raise _unusable(file, error) from None
    finally:
        whole.unlink(missing_ok=True)
    return True


def _in_use(database: Path) -> bool:
    return database.exists() and database.stat().st_size > 0


def _read(file: Path, database: Path) -> bytes:
    try:
        if file.stat().st_mode & 0o007:
            raise Refused(
                "settings.master_key_exposed",
                f"The master key {file} is open to every user of this machine. Close it with: chmod 600 {file}",
            )
        return decoded(file.read_text(encoding="ascii"))
    except OSError as error:
        raise _unusable(file, error) from None
    except ValueError:
        remedy = (
            f"Restore it from your backup: the database {database} holds what it sealed, and no new key could open that."
            if _in_use(database)
            else "There is no database beside it yet: delete the file, and a new key is made."
        )
        raise Refused("settings.master_key_damaged", f"The master key {file} is damaged. {remedy}") from None


def _unusable(file: Path, error: OSError) -> Refused:
    return Refused(
        "settings.master_key_unusable",
        f"The master key {file} cannot be read or made: {error.strerror}. Mend the directory's permissions, or set "
        "VESTIBULE_MASTER_KEY.",
    )
