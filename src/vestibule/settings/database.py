"""The place of the database, judged before anything is made beside it."""

import stat
from pathlib import Path

from vestibule.ground.errors import Refused

_HEADER = b"SQLite format 3\0"


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
