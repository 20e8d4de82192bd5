"""URLs are read strictly: whatever a browser could read otherwise leads nowhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.ground.url import (
    is_loopback,
    is_plain_web_url,
    is_prefix,
    is_web_url,
    is_within,
    origin,
    with_fragment,
    with_query,
)

APP = "https://crm.example/app"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://crm.example", "https://crm.example"),
        ("https://crm.example/a?b#c", "https://crm.example"),
        ("HTTPS://CRM.Example:443/", "https://crm.example"),
        ("http://crm.example:80/", "http://crm.example"),
        ("https://crm.example:80/", "https://crm.example:80"),
        ("http://localhost:8000/x", "http://localhost:8000"),
        ("http://[::1]:8000/x", "http://[::1]:8000"),
        ("http://[0:0:0:0:0:0:0:1]/", "http://[::1]"),
    ],
)
def test_an_origin_is_scheme_host_and_port_that_is_not_the_default(url: str, expected: str) -> None:
    assert origin(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "null",
        "/path",
        "//crm.example/",
        "https:///path",
        "https:crm.example",
        "ftp://crm.example/",
        "javascript:alert(1)",
        "com.example.app:/callback",
        "https://user@crm.example/",
        "https://user:secret@crm.example/",
        "https://crm.example:99999/",
        "https://crm.example:x/",
        "https://[::1/",
        "https://crm.example\\@evil.example/",
        " https://crm.example/",
        "https://crm.example/\n",
        "https://crm\t.example/",
        "https://crm.example /",
        "https://crm。example/",
        "https://crm%2eexample/",
        "https://-crm.example/",
        "https://crm.example/\u200b",
    ],
)
def test_what_is_no_plain_web_url_has_no_origin(url: str) -> None:
    assert origin(url) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/cb", "https://a.example/cb?x=1%202&y=%26"),
        ("https://a.example/cb?", "https://a.example/cb?x=1%202&y=%26"),
        ("https://a.example/cb?q=1", "https://a.example/cb?q=1&x=1%202&y=%26"),
        ("https://a.example/cb?q=1&", "https://a.example/cb?q=1&x=1%202&y=%26"),
        ("https://a.example/cb?q=1#top", "https://a.example/cb?q=1&x=1%202&y=%26#top"),
        ("https://a.example/#/route?a", "https://a.example/?x=1%202&y=%26#/route?a"),
        ("com.example.app:/cb", "com.example.app:/cb?x=1%202&y=%26"),
    ],
)
def test_parameters_are_appended_to_the_query_and_everything_else_is_kept(url: str, expected: str) -> None:
    assert with_query(url, {"x": "1 2", "y": "&"}) == expected


def test_no_parameters_change_nothing() -> None:
    assert with_query("https://a.example/cb?#", {}) == "https://a.example/cb?#"
    assert with_fragment("https://a.example/cb", {}) == "https://a.example/cb"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/cb?q=1", "https://a.example/cb?q=1#token=t%23"),
        ("https://a.example/cb#", "https://a.example/cb#token=t%23"),
        ("https://a.example/cb#x=1", "https://a.example/cb#x=1&token=t%23"),
    ],
)
def test_parameters_of_a_fragment_follow_what_is_there(url: str, expected: str) -> None:
    assert with_fragment(url, {"token": "t#"}) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example/app",
        "https://crm.example/app/",
        "https://crm.example/app/orders/7",
        "https://crm.example/app?next=../x",
        "https://crm.example/app#/deep/route",
        "https://CRM.example:443/app/x",
        "https://crm.example/app/a%20b",
        "https://crm.example/app/m%C3%BCller",
        "https://crm.example/app/100%25",
        "https://crm.example/app/a..b/.well-known",
        "https://crm.example/app/!~",
        f"https://crm.example/app/{'a' * 2020}abcd",
    ],
)
def test_a_path_equal_or_below_is_within(url: str) -> None:
    assert is_within(url, [APP])


@pytest.mark.parametrize(
    "url",
    [
        "https://crm.example/",
        "https://crm.example/apple",
        "https://crm.example/App",
        "https://crm.example/ap%70/x",
        "https://crm.example/app%2Fx",
        "https://crm.example/app;x/y",
        "http://crm.example/app",
        "https://crm.example:8443/app",
        "https://evil.example/app",
        "https://crm.example.evil.example/app",
        "https://crm.example./app",
        "https://evil.example/https://crm.example/app",
        "https://crm.example@evil.example/app",
        "https://crm.example/app@evil.example/../../",
        "//crm.example/app",
        "/app/x",
        "crm.example/app",
        "javascript://crm.example/app",
        "https:\\\\crm.example\\app",
        "https://crm.example\\.evil.example/app",
        "https://crm.example/app/..",
        "https://crm.example/app/../admin",
        "https://crm.example/app/./x",
        "https://crm.example/app/%2e%2e/admin",
        "https://crm.example/app/%2E./admin",
        "https://crm.example/app/%252e%252e/admin",
        "https://crm.example/app/%25252e%25252e/admin",
        "https://crm.example/app/%2525252525252e/admin",
        "https://crm.example/app/..%2fadmin",
        "https://crm.example/app/%2e%2e%2fadmin",
        "https://crm.example/app/..;/admin",
        "https://crm.example/app/%2e%2e;a=b/admin",
        "https://crm.example/app/x\\..\\admin",
        "https://crm.example/app/%5c..%5cadmin",
        "https://crm.example/app/%255cadmin",
        "https://crm.example/app//evil.example",
        "https://crm.example/app/%2f%2fevil.example",
        "https://crm.example/app/%0d%0aSet-Cookie:a",
        "https://crm.example/app/%00",
        "https://crm.example/app/%c0%ae%c0%ae/admin",
        "https://crm.example/app/%ff",
        "https://crm.example/app\n",
        "\thttps://crm.example/app",
        "https://crm.example/app/\x7f",
        "https://crm.example/app/\u202e",
        "https://crm.example/app/müller",
        f"https://crm.example/app/{'a' * 2020}abcde",
        "https://crm.example/app?x\\y",
        "https://crm.example/app#x\\y",
        "",
    ],
)
def test_a_deep_link_that_could_be_read_otherwise_leads_nowhere(url: str) -> None:
    assert not is_within(url, [APP])


def test_a_prefix_with_a_slash_at_its_end_covers_what_is_below_it_and_not_its_name() -> None:
    assert is_within("https://crm.example/app/", [f"{APP}/"])
    assert is_within("https://crm.example/app/x", [f"{APP}/"])
    assert not is_within("https://crm.example/app", [f"{APP}/"])


def test_a_prefix_without_a_path_covers_the_whole_origin() -> None:
    assert is_within("https://crm.example/anything", ["https://crm.example"])
    assert is_within("https://crm.example", ["https://crm.example/"])


def test_any_of_several_prefixes_is_enough_and_none_covers_nothing() -> None:
    assert is_within("https://crm.example/app", ["https://other.example/", APP])
    assert not is_within("https://crm.example/app", [])


@pytest.mark.parametrize("prefix", [f"{APP}?x", f"{APP}#x", "https://u@crm.example/app", f"{APP}/../", "app", ""])
def test_a_prefix_that_is_no_plain_url_covers_nothing(prefix: str) -> None:
    assert not is_prefix(prefix)
    assert not is_within("https://crm.example/app", [prefix])


@given(st.text(max_size=40))
def test_no_text_behind_a_prefix_leads_off_its_origin(tail: str) -> None:
    """Whatever is within is on the prefix's origin, and has no dot segment however it is written."""
    url = f"{APP}{tail}"
    if is_within(url, [APP]):
        assert origin(url) == "https://crm.example"
        assert is_plain_web_url(url)
        assert tail == "" or tail[0] in "/?#"


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "broker.localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"]
)
def test_loopback_hosts_never_leave_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", [None, "", "localhost.example", "mylocalhost", "128.0.0.1", "::2", "0.0.0.0"])  # noqa: S104  not bound to
def test_other_hosts_are_not_loopback(host: str | None) -> None:
    assert not is_loopback(host)


def test_a_web_url_is_https_or_http_on_loopback() -> None:
    assert is_web_url("https://crm.example/")
    assert is_web_url("http://app.localhost:8000/")
    assert not is_web_url("http://crm.example/")
    assert not is_web_url("http://localhost/", allow_http_loopback=False)
    assert not is_web_url("com.example.app:/cb")
