"""The master key: given, found, made once, and never replaced behind an operator's back."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.doubles import CountingEntropy

from vestibule.ground.errors import Refused
from vestibule.settings import master_key
from vestibule.settings.database import PostgresUrl

KEY = bytes(range(200, 232))


def code(given: bytes | None, database: Path) -> str:
    with pytest.raises(Refused) as caught:
        master_key.unlock(given, database, CountingEntropy())
    return caught.value.code


def test_a_given_key_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    assert master_key.unlock(KEY, tmp_path / "v.db", CountingEntropy()) == master_key.MasterKey(key=KEY)
    assert list(tmp_path.iterdir()) == []


def test_a_new_database_gets_a_new_key_in_a_private_file_and_says_so(tmp_path: Path) -> None:
    made = master_key.unlock(None, tmp_path / "v.db", CountingEntropy())
    file = tmp_path / "v.db.key"
    assert made.made == file
    assert len(made.key) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file], "no draft is left behind"
    assert master_key.unlock(None, tmp_path / "v.db", CountingEntropy("other")) == master_key.MasterKey(key=made.key)


def test_an_empty_database_file_is_a_new_database(tmp_path: Path) -> None:
    (tmp_path / "v.db").touch()
    assert master_key.unlock(None, tmp_path / "v.db", CountingEntropy()).made is not None


def test_a_database_without_its_key_is_refused(tmp_path: Path) -> None:
    """A new key could not open what the old one sealed."""
    (tmp_path / "v.db").write_bytes(b"SQLite format 3\0")
    assert code(None, tmp_path / "v.db") == "settings.master_key_missing"
    assert not (tmp_path / "v.db.key").exists()


def test_many_starting_at_once_use_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = list(
            pool.map(
                lambda n: master_key.unlock(None, tmp_path / "v.db", CountingEntropy(str(n))),
                range(32),
            )
        )
    assert len({each.key for each in found}) == 1
    assert len([each for each in found if each.made]) == 1


def test_a_key_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    master_key.unlock(None, tmp_path / "v.db", CountingEntropy())
    (tmp_path / "v.db.key").chmod(0o604)
    assert code(None, tmp_path / "v.db") == "settings.master_key_exposed"


@pytest.mark.parametrize("text", ["", "short", "!" * 44, base64.b64encode(bytes(31)).decode(), "AAAA" * 20])
def test_a_damaged_key_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "v.db.key"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(Refused, match=r"no database .* delete the file") as caught:
        master_key.unlock(None, tmp_path / "v.db", CountingEntropy())
    assert caught.value.code == "settings.master_key_damaged"
    (tmp_path / "v.db").write_bytes(b"SQLite format 3\0")
    with pytest.raises(Refused, match="Restore it from your backup") as caught:
        master_key.unlock(None, tmp_path / "v.db", CountingEntropy())
    assert caught.value.code == "settings.master_key_damaged"


def test_a_file_that_is_no_database_is_called_that_and_no_key_is_missed(tmp_path: Path) -> None:
    (tmp_path / "v.db").write_bytes(b"127.0.0.1 localhost\n")
    assert code(None, tmp_path / "v.db") == "settings.database"
    assert not (tmp_path / "v.db.key").exists()


def test_a_directory_that_cannot_hold_a_key_is_refused(tmp_path: Path) -> None:
    assert code(None, tmp_path / "nowhere" / "v.db") == "settings.master_key_unusable"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_both_alphabets_of_base64_are_read_with_and_without_padding(encode: object) -> None:
    key = bytes([251, 255] * 16)
    text = encode(key).decode()  # type: ignore[operator]
    assert master_key.decoded(text) == master_key.decoded(text.rstrip("=")) == key


def test_beside_a_server_no_key_is_ever_made() -> None:
    """Every node must have the same one: a missing key is refused with how to make one, and a given one is used."""
    database = PostgresUrl("postgresql://me:hunter2@db/x")
    with pytest.raises(Refused) as caught:
        master_key.unlock(None, database, CountingEntropy())
    assert caught.value.code == "settings.master_key_missing"
    assert "openssl rand -base64 32" in caught.value.why
    assert master_key.unlock(KEY, database, CountingEntropy()) == master_key.MasterKey(key=KEY)
