"""The place of the database: what cannot be one is said in the words of the setting."""

import os
from pathlib import Path

import pytest

from vestibule.ground.errors import Refused
from vestibule.settings import database


def test_a_database_and_a_place_for_one_pass(tmp_path: Path) -> None:
    database.check(tmp_path / "new.db")
    (tmp_path / "old.db").touch()
    database.check(tmp_path / "old.db")
    database.check(Path("new.db"))


def test_a_place_where_no_database_can_be_is_refused_with_its_reason(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    for place, reason in (
        (tmp_path / "missing" / "v.db", "the directory .*missing does not exist"),
        (tmp_path, "it is a directory"),
        (tmp_path / "pipe", "not a regular file"),
        (tmp_path / "file" / "v.db", "Not a directory"),
        (Path("a\0b"), "it is no path"),
    ):
        with pytest.raises(Refused, match=reason) as caught:
            database.check(place)
        assert caught.value.code == "settings.database"
        assert "VESTIBULE_DATABASE_URL" in caught.value.why
