"""The master key: the secret that seals everything secret in the store, given by the operator or kept beside the database."""

import base64
import binascii
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Refused
from vestibule.settings.database import PostgresUrl, check_header

LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterKey:
    """The key. `made` is the file that it was just made in, None if it existed before: the operator must be told.

    `previous` are those that the store may still be sealed with, while the key is being replaced.
    """

    key: bytes = field(repr=False)
    previous: tuple[bytes, ...] = field(default=(), repr=False)
    made: Path | None = None

    @property
    def all(self) -> tuple[bytes, ...]:
        """The current one first."""
        return (self.key, *self.previous)


def unlock(
    given: bytes | None, database: Path | PostgresUrl, entropy: Entropy, *, previous: bytes | None = None
) -> MasterKey:
    """The key that is given, else the one in the file beside the database, else a new one, put there.

    Beside a server there is no such place, and nodes that each made one would not read what the others sealed.

    A database without its key is refused: a new key would not open what the old one sealed. Several processes may
    do this at once; one makes the key and all use it.
    """
    others = () if previous is None else (previous,)
    if given is not None:
        return MasterKey(key=given, previous=others)
    if isinstance(database, PostgresUrl):
        raise Refused(
            "settings.master_key_missing",
            "VESTIBULE_MASTER_KEY is not set, and with PostgreSQL every node needs the same one. If this database is in use, "
            "set it to the key that it was started with. If it is new, make a key with: openssl rand -base64 32; keep it apart "
            "from the database's backups, and set it on every node.",
        )
    file = key_file(database)
    made = None
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
            made = file
    key, *former = _read(file, database)
    return MasterKey(key=key, previous=(*former, *others), made=made)


@contextmanager
def replacing(database: Path, entropy: Entropy) -> Iterator[None]:
    """Puts a new key into the file, in front of the one that is there; once the store is resealed, that one goes.

    Meanwhile, and after a crash, the file holds both, and what is sealed under either opens. Where it does already, an
    earlier replacement goes on with the key that it had made. Raises `Refused("keys.reseal_running")`.
    """
    file = key_file(database)
    with _alone(file.parent):
        key, *former = _read(file, database)
        if not former:
            former, key = [key], entropy.bytes(LENGTH)
            _replaced(file, (key, *former), draft=entropy.token(9))
        yield
        _replaced(file, (key,), draft=entropy.token(9))


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Nobody else replaces a key in this directory meanwhile; a lock that ends with the process."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Refused(
            "keys.reseal_running", f"Another process is replacing a master key in {directory}; wait until it has ended."
        ) from None
    finally:
        os.close(descriptor)


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
    try:
        whole = _drafted(file, (key,), draft)
        try:
            os.link(whole, file)
        finally:
            whole.unlink(missing_ok=True)
    except FileExistsError:
        return False
    except OSError as error:
        raise _unusable(file, error) from None
    return True


def _replaced(file: Path, keys: tuple[bytes, ...], *, draft: str) -> None:
    """Puts these keys in the place of those in the file in one step; when it returns, they are on the disk."""
    try:
        _drafted(file, keys, draft).replace(file)
        directory = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise _unusable(file, error) from None


def _drafted(file: Path, keys: tuple[bytes, ...], draft: str) -> Path:
    """A file beside it with these keys, a line each, that only its owner can read."""
    whole = file.with_name(f"{file.name}.{draft}")
    with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.writelines(base64.b64encode(key) + b"\n" for key in keys)
        out.flush()
        os.fsync(out.fileno())
    return whole


def _in_use(database: Path) -> bool:
    return database.exists() and database.stat().st_size > 0


def _read(file: Path, database: Path) -> tuple[bytes, ...]:
    """The keys in the file, the current one first."""
    try:
        if file.stat().st_mode & 0o007:
            raise Refused(
                "settings.master_key_exposed",
                f"The master key {file} is open to every user of this machine. Close it with: chmod 600 {file}",
            )
        # An empty line is no key: so is an empty file.
        return tuple(decoded(line) for line in file.read_text(encoding="ascii").strip().split("\n"))
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
