"""A copy of a SQLite database while it is in use: whole, of one moment, looked over, and its owner's alone."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from vestibule.ground.errors import Refused
from vestibule.store.files import unavailable


def back_up(database: Path, copy: Path, *, draft: str) -> int:
    """Copies the database to a file that is not there yet, and returns its size in bytes.

    Logins go on meanwhile. The copy appears under its name when it is whole, was found undamaged and is on the disk; until
    then it has the name of a `draft` beside it. Raises `Refused("backup.exists")`, `("backup.failed")`, `("backup.damaged")`.
    """
    if copy.exists():
        raise _exists(copy)
    whole = copy.with_name(f"{copy.name}.{draft}")
    try:
        os.close(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            _copied(database, whole)
            _undamaged(whole, database)
            _on_disk(whole)
            os.link(whole, copy)
            _on_disk(copy.parent)
        finally:
            whole.unlink(missing_ok=True)
    except FileExistsError:
        raise _exists(copy) from None
    except OSError as error:
        raise Refused(
            "backup.failed", f"The copy {copy} could not be made: {error.strerror}. Nothing was left there."
        ) from None
    return copy.stat().st_size


def _copied(database: Path, whole: Path) -> None:
    source = sqlite3.connect(f"file:{quote(str(database.absolute()))}?mode=rw", uri=True, isolation_level=None)
    try:
        # One statement is one moment, however long it takes; and what was deleted is not in the copy.
        source.execute("VACUUM INTO ?", (str(whole),))
    except sqlite3.Error as error:
        raise unavailable(error, database) from error
    finally:
        source.close()


def _undamaged(whole: Path, database: Path) -> None:
    found = sqlite3.connect(f"file:{quote(str(whole.absolute()))}?mode=ro&immutable=1", uri=True)
    try:
        said = [row[0] for row in found.execute("PRAGMA integrity_check(1)")]
        said += [f"table {row[0]}: a reference is broken" for row in found.execute("PRAGMA foreign_key_check")][:1]
    finally:
        found.close()
    if said != ["ok"]:
        raise Refused(
            "backup.damaged",
            f"The database {database} is damaged, and no copy was left. Stop Vestibule and restore an earlier copy.",
            got=said[-1],
        )


def _on_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exists(copy: Path) -> Refused:
    return Refused(
        "backup.exists",
        f"There is something at {copy} already, and nothing was written. Give the copy a name of its own.",
    )
