"""`vestibule keys`: what an operator reads before, while and after a key is rotated."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.cli.house import ISSUER, CommandLine
from tests.flows.configuring import WITHOUT_SAML

from vestibule.keys.keyring import Keyring
from vestibule.settings.process import Settings


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    """The first keys are a day old, so that the order of age is certain."""
    made = CommandLine(tmp_path, with_keys=True)
    made.clock.advance(timedelta(days=-1))
    made.run("keys", "list")
    made.clock.advance(timedelta(days=1))
    return made


def listed(line: CommandLine, purpose: str) -> list[tuple[str, str]]:
    """(kid, what it does) of the keys of one purpose."""
    rows = [row.split(None, 2) for row in line.run("keys", "list").stdout.splitlines()]
    return [(kid, does) for kind, kid, does in rows if kind == purpose]


def test_list_shows_every_key_and_what_it_does(line: CommandLine) -> None:
    for purpose in ("token-rs256", "token-es256", "saml-request"):
        assert [does for _, does in listed(line, purpose)] == ["signs"]


def test_rotate_says_when_the_next_key_signs(line: CommandLine) -> None:
    """Published at once, signing a day later; the last one then retires by itself."""
    result = line.run("keys", "rotate", "token-es256")
    assert result.exit_code == 0
    assert "It is published now and signs from 2026-03-03 09:00:00 UTC." in result.stdout
    (_, old), (_, new) = listed(line, "token-es256")
    assert old == "signs until 2026-03-04 09:00:00 UTC"
    assert new == "published, signs from 2026-03-03 09:00:00 UTC"
    line.clock.advance(timedelta(days=1))
    assert [does for _, does in listed(line, "token-es256")] == ["published until 2026-03-04 09:00:00 UTC", "signs"]
    line.clock.advance(timedelta(days=1))
    assert listed(line, "token-es256")[0][1] == "retired 2026-03-04 09:00:00 UTC"


def test_rotate_at_once_says_what_breaks(line: CommandLine) -> None:
    result = line.run("keys", "rotate", "token-es256", "--now")
    assert "signs from 2026-03-02 09:03:00 UTC" in result.stdout
    assert "refuse new tokens until they fetch it again" in result.stdout
    assert "retire it from 2026-03-02 09:04:30 UTC on" in result.stdout
    line.clock.advance(timedelta(minutes=3))
    assert [does.split()[0] for _, does in listed(line, "token-es256")] == ["published", "signs"]


def test_rotating_the_saml_key_names_those_who_need_the_certificate(line: CommandLine) -> None:
    result = line.run("keys", "rotate", "saml-request")
    assert "Identity providers that imported our certificate by hand need the new one" in result.stdout


def test_retire_takes_a_key_out(line: CommandLine) -> None:
    line.run("keys", "rotate", "token-es256", "--now")
    old = listed(line, "token-es256")[0][0]
    line.clock.advance(timedelta(seconds=269))
    early = line.run("keys", "retire", old)
    assert (early.exit_code, "rule: keys.last" in early.stderr) == (1, True)
    assert "expected: not before 2026-03-02T09:04:30+00:00" in early.stderr
    line.clock.advance(timedelta(seconds=1))
    result = line.run("keys", "retire", old)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Retired {old} (token-es256).")
    assert listed(line, "token-es256")[0][1] == "retired 2026-03-02 09:04:30 UTC"


def test_the_last_key_is_not_retired(line: CommandLine) -> None:
    result = line.run("keys", "retire", listed(line, "token-es256")[0][0])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "rule: keys.last" in result.stderr


@pytest.mark.parametrize("kid", ["-x", "--x", "-"])
def test_a_name_that_begins_with_a_hyphen_is_a_name(line: CommandLine, kid: str) -> None:
    """Key names are thumbprints, and one in 64 begins so."""
    result = line.run("keys", "retire", kid)
    assert (result.exit_code, "rule: keys.unknown" in result.stderr) == (1, True)


def test_an_unknown_key_or_purpose_is_refused(line: CommandLine) -> None:
    unknown = line.run("keys", "retire", "nobody")
    assert (unknown.exit_code, "rule: keys.unknown" in unknown.stderr) == (1, True)
    assert line.run("keys", "rotate", "nonsense").exit_code == 2


def with_acme(line: CommandLine) -> CommandLine:
    assert line.run("apply", line.file(WITHOUT_SAML)).exit_code == 0
    return line


def test_a_connections_key_is_made_rotated_and_retired_by_its_name(line: CommandLine) -> None:
    """The newest is what the metadata names; the older ones open until they are retired; the newest stays."""
    with_acme(line)
    none = line.run("keys", "list", "--connection", "acme")
    assert none.stdout.startswith("No key yet")
    first = line.run("keys", "rotate", "saml-encryption", "--connection", "acme")
    assert "The connection's metadata shows its certificate already." in first.stdout
    line.clock.advance(timedelta(seconds=1))
    line.run("keys", "rotate", "saml-encryption", "--connection", "acme")
    rows = [row.split(None, 2) for row in line.run("keys", "list", "--connection", "acme").stdout.splitlines()]
    assert [does for _, _, does in rows] == ["opens", "opens, in the metadata"]
    assert line.run("keys", "retire", rows[0][1], "--connection", "acme").exit_code == 0
    newest = line.run("keys", "retire", rows[1][1], "--connection", "acme")
    assert (newest.exit_code, "rule: keys.last" in newest.stderr) == (1, True)
    shown = line.run("keys", "list", "--connection", "acme").stdout
    assert "retired 2026-03-02 09:00:01 UTC" in shown
    assert "saml-encryption" not in line.run("keys", "list").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("rotate", "saml-encryption"),
        ("rotate", "token-es256", "--connection", "acme"),
    ],
)
def test_a_key_to_encrypt_for_goes_with_a_connection_and_only_that(line: CommandLine, words: tuple[str, ...]) -> None:
    result = with_acme(line).run("keys", *words)
    assert result.exit_code == 2
    assert "saml-encryption goes with --connection NAME" in result.stderr


@pytest.mark.parametrize("words", [("list",), ("rotate", "saml-encryption"), ("retire", "kid")])
def test_keys_of_an_unknown_connection_are_refused(line: CommandLine, words: tuple[str, ...]) -> None:
    result = line.run("keys", *words, "--connection", "nobody")
    assert (result.exit_code, "rule: connection.unknown" in result.stderr) == (1, True)


def test_reseal_says_how_a_master_key_is_replaced_where_there_is_nothing_to_do(tmp_path: Path) -> None:
    settings = Settings(issuer=ISSUER, master_key=bytes(32))
    result = CommandLine(tmp_path, with_keys=True, settings=settings).run("keys", "reseal")
    assert result.exit_code == 0
    assert result.stdout.startswith("Everything is sealed under VESTIBULE_MASTER_KEY already; nothing was changed.")
    assert "VESTIBULE_MASTER_KEY_PREVIOUS" in result.stdout


def test_reseal_says_what_was_done_and_what_is_left_to_do(tmp_path: Path) -> None:
    """A node under the former key made the keys; then every node was started with both."""
    former = CommandLine(tmp_path, with_keys=True)
    former.run("keys", "list")
    settings = Settings(issuer=ISSUER, master_key=b"n" * 32)
    line = CommandLine(tmp_path, with_keys=True, settings=settings)
    store = former.house.store
    keyring = Keyring(
        store=store, clock=line.clock, entropy=line.bench.entropy, master_key=b"n" * 32, previous=(bytes(32),)
    )
    line.house = replace(line.house, store=store, keyring=keyring)
    result = line.run("keys", "reseal")
    assert "Sealed anew: 3 keys, and what else is secret in the database." in result.stdout
    assert "Backups that were made before need it" in result.stdout
    assert "Start every node without VESTIBULE_MASTER_KEY_PREVIOUS now." in result.stdout
