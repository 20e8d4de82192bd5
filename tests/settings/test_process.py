"""The environment: what is accepted, what is refused, and under which name."""

from pathlib import Path

import pytest

from vestibule.ground.errors import ConfigurationRefused
from vestibule.settings import process
from vestibule.settings.database import PostgresUrl

ISSUER = {"VESTIBULE_ISSUER": "https://login.example/"}


def refused(environ: dict[str, str]) -> set[tuple[str, str]]:
    with pytest.raises(ConfigurationRefused) as caught:
        process.load(environ)
    return {(fault.path, fault.code) for fault in caught.value.faults}


def test_defaults_are_those_of_one_small_machine() -> None:
    """With nothing but an issuer, everything has the documented default."""
    settings = process.load({**ISSUER, "PATH": "/bin"})
    assert settings == process.Settings(issuer="https://login.example/")
    assert (settings.database, settings.host, settings.port) == (Path("vestibule.db"), "127.0.0.1", 8000)
    assert (settings.workers, settings.drain_seconds, settings.trusted_proxies, settings.login_ttl) == (1, 0, (), 3600)
    assert (settings.master_key, settings.fetch_private, settings.on_loopback) == (None, False, False)
    assert settings.fetch_hosts == ()
    assert (settings.limit_refusals, settings.limit_connection_refusals, settings.limit_requests) == (60, 300, 3000)


@pytest.mark.parametrize(
    ("given", "issuer"),
    [
        ("https://login.example", "https://login.example/"),
        ("https://LOGIN.example:443/", "https://login.example/"),
        ("https://login.example:8443", "https://login.example:8443/"),
        ("http://localhost:8000", "http://localhost:8000/"),
        ("http://vestibule.localhost:80/", "http://vestibule.localhost/"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/"),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
    ],
)
def test_the_issuer_is_normalised(given: str, issuer: str) -> None:
    """Whatever way it is written, the issuer is one text, ending with a slash."""
    assert process.load({"VESTIBULE_ISSUER": given}).issuer == issuer


@pytest.mark.parametrize(
    "given",
    [
        "login.example",
        "http://login.example/",
        "ftp://login.example/",
        "https:///",
        "https://login.example/path",
        "https://login.example/?a=b",
        "https://login.example/#a",
        "https://user@login.example/",
        "https://login.example:port/",
        "https://login .example/",
        "https://login.example:99999/",
        "https://login.example\\evil.example/",
    ],
)
def test_an_issuer_that_is_no_plain_https_host_is_refused(given: str) -> None:
    assert refused({"VESTIBULE_ISSUER": given}) == {("VESTIBULE_ISSUER", "settings.issuer")}


def test_a_missing_issuer_is_refused_by_name() -> None:
    assert refused({}) == {("VESTIBULE_ISSUER", "settings.issuer")}
    assert refused({"VESTIBULE_ISSUER": ""}) == {("VESTIBULE_ISSUER", "settings.issuer")}


def test_loopback_issuers_are_known_as_such() -> None:
    assert process.load({"VESTIBULE_ISSUER": "http://demo.localhost:8000"}).on_loopback
    assert process.load({"VESTIBULE_ISSUER": "https://[::1]/"}).on_loopback


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("data/vestibule.db", "data/vestibule.db"),
        ("/var/lib/vestibule.db", "/var/lib/vestibule.db"),
        ("sqlite:///data/vestibule.db", "data/vestibule.db"),
        ("sqlite:////var/lib/a%20b.db", "/var/lib/a b.db"),
    ],
)
def test_a_database_is_a_path_or_an_sqlite_url(given: str, path: str) -> None:
    assert process.load({**ISSUER, "VESTIBULE_DATABASE_URL": given}).database == Path(path)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql://db/vestibule", "postgresql://db/vestibule"),
        ("postgres://db:5433/x?sslmode=verify-full", "postgresql://db:5433/x"),
        ("postgresql://me:hunter2@db/x?connect_timeout=3", "postgresql://me@db/x"),
        ("postgresql://me:hunter%402@a:1,b:2/x", "postgresql://me@a:1,b:2/x"),
        ("postgresql:///x?host=/run/postgresql&password=hunter2", "postgresql:///x"),
    ],
)
def test_a_database_may_be_a_postgresql_url_whose_password_is_never_shown(given: str, shown: str) -> None:
    settings = process.load({**ISSUER, "VESTIBULE_DATABASE_URL": given})
    assert settings.database == PostgresUrl(given)
    assert str(settings.database) == shown
    assert "hunter" not in repr(settings)


@pytest.mark.parametrize(
    "given",
    [
        "postgresql+psycopg://me:hunter2@db/x",
        "postgresql://me:hunter2@db",
        "postgresql://me:hunter2@db/",
        "postgresql://me:hunter 2@db/x",
        "postgresql://me:hunter#2@db/x",
        "postgresql://me:hunterä2@db/x",
        "postgresql://me:hunter2@[db/x",
        "postgresql://me:hunter/2@db/x",
        "postgresql://me:hunter@2@db/x",
        "postgresql://me:hunter2@db:port/x",
        "postgresql://me:hunter2@db:99999/x",
        "postgresql://me:hunter2@db:5432,other:x/x",
    ],
)
def test_an_address_that_postgresql_would_not_understand_is_refused_and_not_repeated(given: str) -> None:
    with pytest.raises(ConfigurationRefused) as caught:
        process.load({**ISSUER, "VESTIBULE_DATABASE_URL": given})
    assert [fault.code for fault in caught.value.faults] == ["settings.database"]
    assert "postgresql://user:password@host:port/database" in str(caught.value)
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("given", ["mysql://db/x", "sqlite://host/x", "sqlite:///", "sqlite:///x.db?mode=ro"])
def test_other_databases_are_refused(given: str) -> None:
    assert refused({**ISSUER, "VESTIBULE_DATABASE_URL": given}) == {("VESTIBULE_DATABASE_URL", "settings.database")}


@pytest.mark.parametrize(
    ("name", "field", "least", "most"),
    [
        ("VESTIBULE_PORT", "port", 1, 65535),
        ("VESTIBULE_WORKERS", "workers", 1, 64),
        ("VESTIBULE_DRAIN_SECONDS", "drain_seconds", 0, 300),
        ("VESTIBULE_DATABASE_CONNECTIONS", "database_connections", 1, 1000),
        ("VESTIBULE_LOGIN_TTL", "login_ttl", 60, 86400),
        ("VESTIBULE_EVENTS_DAYS", "events_days", 1, 3650),
    ],
)
def test_numbers_have_bounds(name: str, field: str, least: int, most: int) -> None:
    """Both bounds belong to the range, and nothing that is not a plain number is read as one."""
    assert getattr(process.load({**ISSUER, name: str(least)}), field) == least
    assert getattr(process.load({**ISSUER, name: str(most)}), field) == most
    for wrong in (str(least - 1), str(most + 1), "1.5", "+70", " 70", "seventy", "\u0667\u0667", "9" * 30):
        assert refused({**ISSUER, name: wrong}) == {(name, f"settings.{field}")}


def test_proxies_are_addresses_and_networks() -> None:
    given = {**ISSUER, "VESTIBULE_TRUSTED_PROXIES": "10.0.0.1, 10.1.2.3/16,::1"}
    assert process.load(given).trusted_proxies == ("10.0.0.1/32", "10.1.0.0/16", "::1/128")
    assert refused({**ISSUER, "VESTIBULE_TRUSTED_PROXIES": "*"}) == {
        ("VESTIBULE_TRUSTED_PROXIES", "settings.trusted_proxies")
    }


def test_flags_are_true_or_false() -> None:
    assert process.load({**ISSUER, "VESTIBULE_FETCH_PRIVATE": "true"}).fetch_private
    assert refused({**ISSUER, "VESTIBULE_FETCH_PRIVATE": "1"}) == {
        ("VESTIBULE_FETCH_PRIVATE", "settings.fetch_private")
    }


def test_host_is_one_name() -> None:
    assert process.load({**ISSUER, "VESTIBULE_HOST": "0.0.0.0"}).host == "0.0.0.0"  # noqa: S104  # what operators write
    assert refused({**ISSUER, "VESTIBULE_HOST": "a b"}) == {("VESTIBULE_HOST", "settings.host")}


def test_unknown_variables_are_refused_by_name_with_the_nearest_known_one() -> None:
    with pytest.raises(ConfigurationRefused, match=r"VESTIBULE_ISUER.*Did you mean VESTIBULE_ISSUER\?"):
        process.load({**ISSUER, "VESTIBULE_ISUER": "x"})
    assert refused({**ISSUER, "VESTIBULE_XYZZY": "x"}) == {("VESTIBULE_XYZZY", "settings.unknown")}


def test_all_faults_are_named_at_once() -> None:
    assert refused({"VESTIBULE_ISSUER": "x", "VESTIBULE_PORT": "x", "VESTIBULE_FOO": "x"}) == {
        ("VESTIBULE_ISSUER", "settings.issuer"),
        ("VESTIBULE_PORT", "settings.port"),
        ("VESTIBULE_FOO", "settings.unknown"),
    }


def test_the_master_key_is_never_shown() -> None:
    """Neither the settings' repr nor a refusal repeats it."""
    settings = process.load({**ISSUER, "VESTIBULE_MASTER_KEY": "QUJD" * 10 + "QUI="})
    assert settings.master_key is not None
    assert "master_key" not in repr(settings)
    with pytest.raises(ConfigurationRefused) as caught:
        process.load({**ISSUER, "VESTIBULE_MASTER_KEY": "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert {fault.code for fault in caught.value.faults} == {"settings.master_key"}


def test_hosts_to_fetch_from_are_exact_names() -> None:
    """One text for each, however it is written."""
    given = " IDP.corp.example , wiki.corp.example., intranet"
    settings = process.load({**ISSUER, "VESTIBULE_FETCH_HOSTS": given})
    assert settings.fetch_hosts == ("idp.corp.example", "wiki.corp.example", "intranet")


@pytest.mark.parametrize(
    "given",
    [
        "*.corp.example",
        "*",
        ".corp.example",
        "https://idp.corp.example/",
        "idp.corp.example:8443",
        "10.0.0.1",
        "0x7f.1",
        "[::1]",
        "fd00::1",
        "idp corp",
        "idp.corp.example, 10.0.0.0/8",
        ",",
        "b\u00fccher.example",
    ],
)
def test_what_is_no_exact_host_name_is_not_opened(given: str) -> None:
    """A wildcard would open whatever somebody can register below it; an address has no name to hold it to."""
    assert refused({**ISSUER, "VESTIBULE_FETCH_HOSTS": given}) == {("VESTIBULE_FETCH_HOSTS", "settings.fetch_hosts")}


@pytest.mark.parametrize("name", ["REFUSALS", "CONNECTION_REFUSALS", "REQUESTS"])
def test_a_limit_is_a_number_and_none_is_no_limit(name: str) -> None:
    variable = f"VESTIBULE_LIMIT_{name}"
    assert getattr(process.load({**ISSUER, variable: "0"}), f"limit_{name.lower()}") == 0
    assert getattr(process.load({**ISSUER, variable: "120"}), f"limit_{name.lower()}") == 120
    for given in ("-1", "off", "1.5", "1000001"):
        assert refused({**ISSUER, variable: given}) == {(variable, f"settings.limit_{name.lower()}")}


def test_the_former_master_key_is_read_like_the_one_that_follows_it() -> None:
    """In base64, and shown by nothing."""
    given = {"VESTIBULE_MASTER_KEY": "A" * 43 + "=", "VESTIBULE_MASTER_KEY_PREVIOUS": "B" * 42 + "A="}
    settings = process.load({**ISSUER, **given})
    assert settings.master_key == bytes(32)
    assert settings.master_key_previous is not None
    assert len(settings.master_key_previous) == 32
    assert "previous" not in repr(settings)
    assert refused({**ISSUER, "VESTIBULE_MASTER_KEY_PREVIOUS": "short"}) == {
        ("VESTIBULE_MASTER_KEY_PREVIOUS", "settings.master_key_previous")
    }
