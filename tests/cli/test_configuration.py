"""`apply`, `export` and `serve --config`: what is printed where, and how they end."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from tests.cli.house import CommandLine
from tests.flows.configuring import EXAMPLE, SECRET, WITHOUT_SAML

from vestibule.ground.errors import ConfigurationRefused, Fault, Refused
from vestibule.settings.process import Settings

GENERATED = WITHOUT_SAML.replace("    client_secret_env: CRM_SECRET", "    #")


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


def test_apply_says_what_it_did(line: CommandLine) -> None:
    result = line.run("apply", line.file(WITHOUT_SAML))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "created    application crm",
        "created    connection acme",
        "changed    installation",
    ]
    again = line.run("apply", line.file(WITHOUT_SAML))
    assert again.stdout.splitlines() == [
        "unchanged  installation",
        "unchanged  application crm",
        "unchanged  connection acme",
    ]


def test_apply_prints_a_generated_secret_once(line: CommandLine) -> None:
    result = line.run("apply", line.file(GENERATED))
    assert "client_secret of crm: " in result.stdout
    assert "shown this once" in result.stdout
    assert "client_secret" not in line.run("apply", line.file(GENERATED)).stdout


def test_a_given_secret_is_never_printed(line: CommandLine) -> None:
    assert SECRET not in line.run("apply", line.file(WITHOUT_SAML)).output


def test_a_dry_run_shows_no_secret_and_changes_nothing(line: CommandLine) -> None:
    result = line.run("apply", line.file(GENERATED), "--dry-run")
    assert result.exit_code == 0
    assert "client_secret of crm: would be generated" in result.stdout
    assert "Dry run: nothing was changed." in result.stdout
    assert line.run("apply", line.file(GENERATED)).stdout.startswith("created    application crm")


def test_a_refused_file_ends_with_1_and_names_path_rule_and_remedy_on_stderr(line: CommandLine) -> None:
    result = line.run("apply", line.file(EXAMPLE))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Refused, and nothing was changed" in result.stderr
    assert "applications[1].type: " in result.stderr
    assert "rule: application.saml_not_supported" in result.stderr
    assert "Traceback" not in result.output


def test_a_file_of_wrong_form_is_refused_with_its_lines(line: CommandLine) -> None:
    result = line.run("apply", line.file("brandin: {}\n"))
    assert result.exit_code == 1
    assert (
        "brandin: is no key here. Did you mean branding? (line 1)\n      rule: configuration.unknown_key"
        in result.stderr
    )


def test_a_file_that_is_not_text_is_refused(line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe")
    result = line.run("apply", str(tmp_path / "a.yaml"))
    assert result.exit_code == 1
    assert "rule: configuration.unreadable" in result.stderr


@pytest.mark.parametrize("arguments", [("apply",), ("apply", "/nowhere.yaml"), ("nonsense",), ("serve", "--nonsense")])
def test_wrong_usage_ends_with_2(line: CommandLine, arguments: tuple[str, ...]) -> None:
    assert line.run(*arguments).exit_code == 2


def test_accepted_risks_are_printed(line: CommandLine) -> None:
    result = line.run("apply", line.file(f"confirm_identity_switch: false\n{WITHOUT_SAML}"))
    assert "risk accepted: confirm_identity_switch: another person's login" in result.stdout


def test_export_prints_a_file_that_apply_takes(line: CommandLine) -> None:
    line.run("apply", line.file(WITHOUT_SAML))
    exported = line.run("export")
    assert exported.exit_code == 0
    again = line.run("apply", line.file(exported.stdout))
    assert all(row.startswith("unchanged") for row in again.stdout.splitlines())


def test_serve_applies_its_file_first(line: CommandLine) -> None:
    result = line.run("serve", "--config", line.file(WITHOUT_SAML))
    assert result.exit_code == 0
    assert line.bench.connection("acme").id == "con_acme"
    assert line.served == [line.settings]


def test_serve_does_not_start_with_a_refused_file(line: CommandLine) -> None:
    assert line.run("serve", "--config", line.file(EXAMPLE)).exit_code == 1
    assert line.served == []


def test_serve_without_a_file_serves_what_is_in_place(line: CommandLine) -> None:
    result = line.run("serve")
    assert (result.exit_code, line.served) == (0, [line.settings])
    assert "https://login.example/" in result.stderr


def test_serve_announces_nothing_that_did_not_happen(line: CommandLine) -> None:
    line.refuses_to_serve = Refused("serve.port", "Port 8000 is not to be had.")
    result = line.run("serve")
    assert (result.exit_code, line.served) == (1, [])
    assert "rule: serve.port" in result.stderr
    assert "Serving" not in result.output


@contextmanager
def failing_stdout(monkeypatch: pytest.MonkeyPatch, number: int) -> Iterator[None]:
    """Whatever a command writes to stdout fails; stderr goes on."""
    echo = click.echo

    def fails(*arguments: Any, err: bool = False, **options: Any) -> None:
        if not err:
            raise OSError(number, os.strerror(number))
        echo(*arguments, err=err, **options)

    with monkeypatch.context() as patch:
        patch.setattr(click, "echo", fails)
        yield


def test_a_secret_that_could_not_be_shown_is_told_as_lost(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is in place by then: applying it again shows nothing, so the way to a new secret has to be said."""
    file = line.file(GENERATED)
    with failing_stdout(monkeypatch, errno.ENOSPC):
        result = line.run("apply", file)
    assert result.exit_code == 1
    assert "rule: output.failed" in result.stderr
    assert "The file was applied. The generated secret of crm was not shown, and is lost." in result.stderr
    assert "client_secret_env" in result.stderr
    assert "unchanged  application crm" in line.run("apply", file).stdout


def test_a_reader_that_went_away_is_told_of_only_where_a_secret_is_lost(
    line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with failing_stdout(monkeypatch, errno.EPIPE):
        assert "is lost" in line.run("apply", line.file(GENERATED)).stderr
        quiet = line.run("export")
    assert (quiet.exit_code, quiet.stderr) == (1, "")


def test_an_export_that_cannot_be_written_is_a_sentence(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    with failing_stdout(monkeypatch, errno.ENOSPC):
        result = line.run("export")
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert "lost" not in result.stderr


def test_a_dry_run_that_cannot_be_written_loses_nothing(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    with failing_stdout(monkeypatch, errno.ENOSPC):
        result = line.run("apply", line.file(GENERATED), "--dry-run")
    assert "rule: output.failed" in result.stderr
    assert "lost" not in result.stderr
    assert "applied" not in result.stderr


def test_a_pipe_or_a_device_is_no_configuration_file(line: CommandLine, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file in (str(tmp_path / "pipe"), "/dev/zero"):
        result = line.run("apply", file)
        assert result.exit_code == 1
        assert "not a regular file" in result.stderr
        assert "rule: configuration.unreadable" in result.stderr


def test_settings_that_are_refused_are_a_sentence(tmp_path: Path) -> None:
    @dataclass
    class Unset(CommandLine):
        def load(self) -> Settings:
            raise ConfigurationRefused([Fault(path="VESTIBULE_ISSUER", code="settings.issuer", message="is not set.")])

    result = Unset(tmp_path).run("serve")
    assert result.exit_code == 1
    assert "VESTIBULE_ISSUER: is not set.\n      rule: settings.issuer" in result.stderr


def test_demo_hands_its_options_on(line: CommandLine, tmp_path: Path) -> None:
    assert line.run("demo").exit_code == 0
    assert line.run("demo", "--host", "::1", "--port-base", "9000", "--keep", str(tmp_path)).exit_code == 0
    assert line.demos == [("127.0.0.1", 8000, None), ("::1", 9000, tmp_path)]


@pytest.mark.parametrize(
    ("page", "title"), [("configuration", "# Configuration file"), ("environment", "# Environment")]
)
def test_reference_prints_a_page(line: CommandLine, page: str, title: str) -> None:
    """It needs no settings and no store; it is not listed among the commands."""
    assert line.run("reference", page).stdout.startswith(f"{title}\n")
    assert "reference" not in line.run("--help").stdout
