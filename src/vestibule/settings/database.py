"""The place of the database: a file, judged before anything is made beside it, or a server's address, shown without its password."""

import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from vestibule.ground.errors import Refused

_HEADER = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """The address of a PostgreSQL database, as libpq reads it [PostgreSQL, Connection URIs]. Never shown whole: it may hold a password."""

    url: str = field(repr=False)

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        user, host = (parts.username or "", parts.netloc.rpartition("@")[2])
        return f"postgresql://{user}{'@' if user else ''}{host}{parts.path}"


def postgres_url(value: str) -> PostgresUrl:
    """Raises ValueError with what to do, which repeats nothing of the value."""
    example = "Write it as postgresql://user:password@host:port/database."
    if not value.isascii() or not value.isprintable() or " " in value or "#" in value:
        raise ValueError(f"has a character in it that must be percent-encoded. {example}")
    if value.partition("://")[0] not in ("postgresql", "postgres"):
        raise ValueError(f"names a driver. {example}")
    try:
        parts = urlsplit(value)
        path = parts.path
        ports = [
            found.rpartition(":")[2]
            for found in parts.netloc.rpartition("@")[2].split(",")
            if ":" in found.rpartition("]")[2]
        ]
    except ValueError:
        raise ValueError(f"is no address. {example}") from None
    if (
        parts.netloc.count("@") > 1
        or "@" in path
        or not all(port.isdecimal() and int(port) < 65536 for port in ports if port)
    ):
        raise ValueError(
            f"has a user or password with a character in it that must be percent-encoded (@ is %40, : %3A, / %2F, ? %3F, # %23, % %25), "
            f"or a port that is no port. {example}"
        )
    if len(path) < 2:
        raise ValueError(f"names no database. {example}")
    return PostgresUrl(value)


def check(file: Path) -> None:
    """Refuses a path at which no database can be, in the words of the setting that named it.

    What is there is not opened: closing it again would drop the locks that this process may hold on it [POSIX fcntl].
    """
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        if not file.parent.is_dir():
            raise _refused(
                file, f"the directory {file.parent} does not exist. Make it, or give another path."
            ) from None
        return
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        raise _refused(file, f"it cannot be looked at: {reason}. Give the path of a file.") from None
    if stat.S_ISDIR(mode):
        raise _refused(file, f"it is a directory. Give the path of a file in it, such as {file / 'vestibule.db'}.")
    if not stat.S_ISREG(mode):
        raise _refused(file, "it is not a regular file. Give the path of a file.")


def check_header(file: Path) -> None:
    """Refuses a file that is no SQLite database [SQLite, Database File Format 1.3]. Only for a file that nobody has open."""
    try:
        with file.open("rb") as opened:
            header = opened.read(len(_HEADER))
    except OSError as error:
        raise _refused(file, f"it cannot be read: {error.strerror}. Mend its permissions.") from None
    if header != _HEADER:
        raise _refused(file, "the file there is not a SQLite database. Give another path.")


def _refused(file: Path, why: str) -> Refused:
    return Refused("settings.database", f"There can be no database at {file} (VESTIBULE_DATABASE_URL): {why}")
