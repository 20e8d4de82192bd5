"""Responses as people save them: every way is recognised by its content, and the form in it is the one that was posted."""

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders_saml import ACS, response_xml

from vestibule.flows import captured
from vestibule.flows.captured import place, read
from vestibule.ground.errors import Refused

XML = response_xml()
VALUE = base64.b64encode(XML).decode()
LINES = "\n".join(VALUE[at : at + 76] for at in range(0, len(VALUE), 76))
FORM = urlencode({"SAMLResponse": VALUE, "RelayState": "crm & more"})


def entry(form: str | None = FORM, url: str = ACS, method: str = "POST", **more: Any) -> dict[str, Any]:
    """A request in a HAR file."""
    data = {} if form is None else {"postData": {"mimeType": "application/x-www-form-urlencoded", "text": form}}
    headers = [{"name": "Origin", "value": "https://idp.acme.example"}]
    request = {"method": method, "url": url, "headers": headers, **data}
    return {"startedDateTime": "2026-03-04T13:00:03.250+01:00", "request": request, **more}


def har(*entries: Any) -> bytes:
    return json.dumps({"log": {"version": "1.2", "entries": list(entries)}}).encode()


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (VALUE, "base64"),
        (f"\n  {VALUE}\r\n", "base64"),
        (LINES, "base64"),
        (LINES.replace("\n", "\r\n    "), "base64"),
        (f'"{VALUE}"', "base64"),
        (f"'{VALUE}',", "base64"),
        (quote(VALUE, safe=""), "base64"),
        (FORM, "form"),
        (f"RelayState=x&{FORM.partition('&')[0]}", "form"),
        (f"SAMLResponse={VALUE}", "form"),
        (f"SAMLResponse={VALUE}&RelayState=crm", "form"),
        (f"SAMLResponse: {VALUE}", "labelled value"),
        (f"SAMLResponse:\n{LINES}\n", "labelled value"),
        (f"SAMLResponse\t{VALUE}\nRelayState\tcrm", "labelled value"),
        (f"RelayState: a\nSAMLResponse: {VALUE}\nRelayState\nabc", "labelled value"),
        (f'Form Data\nSAMLResponse: "{VALUE}"\nRelayState: crm', "labelled value"),
        (f"curl 'https://x.example/acs' --data-raw '{FORM}' --compressed", "form"),
        (f'fetch("https://x.example/acs", {{"body": "{FORM}", "method": "POST"}});', "form"),
        (json.dumps({"a": [{"SAMLResponse": VALUE}]}), "JSON"),
        (json.dumps({"requests": [{"post": [["RelayState", "x"], ["SAMLResponse", VALUE]]}]}), "JSON"),
        (json.dumps([{"name": "SAMLResponse", "value": VALUE}]), "JSON"),
        (json.dumps(f"SAMLResponse={VALUE}"), "form"),
        (f'<html><form><input name="RelayState" value="a"/><INPUT type=hidden value="{VALUE}" name="SAMLResponse"></form>', "HTML form"),
        (f'<form method=post><input type=hidden name=SAMLResponse value="{VALUE}"></form>', "HTML form"),
        (f"<form method=post><input name=RelayState value=a><input type=hidden name='SAMLResponse' value={VALUE}></form>", "HTML form"),
        (f'<input name=SAMLResponse value={VALUE} data-value=x data-name="other">', "HTML form"),
    ],
)  # fmt: skip
def test_every_way_to_save_it_gives_the_value_back(written: str, kind: str) -> None:
    for octets in (written.encode(), written.encode("utf-16"), b"\xef\xbb\xbf" + written.encode()):
        (found,) = read(octets)
        assert found.kind == kind
        assert found.form["SAMLResponse"].replace("\n", "") == VALUE
        assert (found.url, found.at, found.request) == (None, None, None)


def test_relay_state_is_read_with_it() -> None:
    (found,) = read(FORM.encode())
    assert found.form["RelayState"] == "crm & more"


@pytest.mark.parametrize(
    "octets",
    [XML, b"\n" + XML + b"\n", b'<?xml version="1.0"?>' + XML, b"The response was:\n" + XML + b"\nThanks, Ada"],
)
def test_xml_is_taken_as_it_stands(octets: bytes) -> None:
    """To the last octet: its signature covers them."""
    (found,) = read(octets)
    assert found.kind == "XML"
    assert XML in base64.b64decode(found.form["SAMLResponse"])


def test_xml_with_faults_is_passed_on_to_be_refused_by_their_names() -> None:
    """A comment or a DOCTYPE is not taken out by reading the file."""
    for octets in (b"<!DOCTYPE a>" + XML, XML.replace(b"<saml:Subject>", b"<!-- --><saml:Subject>")):
        (found,) = read(octets)
        assert base64.b64decode(found.form["SAMLResponse"]) == octets


def test_a_space_within_a_line_is_left_for_the_consumer_to_refuse() -> None:
    """It was a plus: guessing would judge what was not sent."""
    damaged = VALUE[:100] + " " + VALUE[101:]
    (found,) = read(damaged.encode())
    assert found.form["SAMLResponse"] == damaged


def test_a_har_file_tells_every_response_with_its_place_and_time() -> None:
    other = urlencode({"SAMLResponse": base64.b64encode(b"<a/>").decode()})
    octets = har(
        entry(form=None, method="GET", url="https://idp.acme.example/login"),
        entry(),
        entry(form="email=ada"),
        entry(form=other, url="https://login.vestibule.example/saml/acs/acme"),
    )
    first, second = read(octets)
    assert (first.request, second.request) == (2, 4)
    assert first.form == {"SAMLResponse": VALUE, "RelayState": "crm & more"}
    assert first.at == datetime(2026, 3, 4, 12, 0, 3, 250_000, tzinfo=UTC)
    assert (first.url, first.origin, first.has_headers) == (ACS, "https://idp.acme.example", True)
    assert second.url == "https://login.vestibule.example/saml/acs/acme"


def test_half_a_character_in_an_address_is_replaced() -> None:
    """JSON can write one, UTF-8 cannot."""
    (found,) = read(har(entry(url="https://a.example/\ud800")))
    assert found.url == "https://a.example/?"


@pytest.mark.parametrize("encode", [str, lambda value: quote(value, safe="")])
def test_a_har_file_with_parameters_alone_is_read(encode: Any) -> None:
    """One browser writes them decoded, another percent-encoded."""
    made = entry(form=None)
    made["request"]["postData"] = {"params": [{"name": "SAMLResponse", "value": encode(VALUE)}]}
    (found,) = read(har(made))
    assert found.form == {"SAMLResponse": VALUE}


GOOD = quote(VALUE, safe="")
UNREAD = {
    f"SAMLResponse={GOOD}&SAMLResponse={GOOD}": "request.duplicate_parameter",
    f"SAMLResponse=AAAA&SAMLResponse={GOOD}": "request.duplicate_parameter",
    f"RelayState=a&SAMLResponse={GOOD}&RelayState=a": "request.duplicate_parameter",
    f"SAMLResponse={GOOD}&x=%zz": "request.encoding",
    f"SAMLResponse={GOOD}&x=%00": "request.encoding",
    f"SAMLResponse={GOOD}&RelayState=%ff": "request.encoding",
    f"SAMLResponse={GOOD}" + "".join(f"&f{at}=1" for at in range(100)): "request.too_many_fields",
    "".join(f"f{at}=1&" for at in range(100)) + f"SAMLResponse={GOOD}": "request.too_many_fields",
}
"""Forms that the assertion consumer service does not even read."""


@pytest.mark.parametrize("form", UNREAD)
@pytest.mark.parametrize("saved", ["a HAR file", "a form", "a command line"])
def test_a_form_that_would_not_be_read_says_so_and_has_no_fields(form: str, saved: str) -> None:
    """Neither the first nor the last of two responses is judged in its stead."""
    written = {"a HAR file": har(entry(form)), "a form": form.encode(), "a command line": f"curl -d '{form}'".encode()}
    (found,) = read(written[saved])
    assert found.unread is not None
    assert (found.unread.code, found.form) == (UNREAD[form], {})


@pytest.mark.parametrize("other", ["SAMLRequest", "SAMLart", "x"])
def test_the_form_is_given_on_whole(other: str) -> None:
    """What else stands in it decides too; and in a HAR file a `+` that was not escaped is a space, as it is for the consumer."""
    form = f"{other}=1&SAMLResponse={GOOD}"
    for written in (har(entry(form)), form.encode(), f"curl -d '{form}'".encode()):
        (found,) = read(written)
        assert found.form == {other: "1", "SAMLResponse": VALUE}
    (found,) = read(har(entry(f"SAMLResponse={VALUE}")))
    assert found.form == {"SAMLResponse": VALUE.replace("+", " ")}


def test_parameters_alone_are_held_to_the_same() -> None:
    made = entry(form=None)
    made["request"]["postData"] = {"params": [{"name": "SAMLResponse", "value": VALUE}] * 2}
    (found,) = read(har(made))
    assert found.unread is not None
    assert found.unread.code == "request.duplicate_parameter"


def test_a_form_has_the_bound_of_the_consumer() -> None:
    """Whichever of its fields is the large one; at the bound it is read."""
    room = captured.ACS_LIMIT - len(f"SAMLResponse={GOOD}&x=")
    for size, code in ((room, None), (room + 1, "request.too_large")):
        (found,) = read(har(entry(f"SAMLResponse={GOOD}&x=" + "1" * size)))
        assert (found.unread and found.unread.code) == code


def test_a_post_of_another_media_type_is_not_read() -> None:
    made = entry()
    made["request"]["postData"]["mimeType"] = "text/plain; charset=utf-8"
    (found,) = read(har(made))
    assert found.unread is not None
    assert (found.unread.code, found.form) == ("request.content_type", {})


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"", "inspect.empty"),
        (b" \n", "inspect.empty"),
        (b"\xff\xfe", "inspect.empty"),
        (b"hello", "inspect.nothing_found"),
        (b"{}", "inspect.nothing_found"),
        (b'"', "inspect.nothing_found"),
        (har(), "inspect.nothing_found"),
        (har(None, 7, {"request": 7}, {"request": {"method": "POST", "postData": []}}), "inspect.nothing_found"),
        (b"SAMLRequest=fVLLT&RelayState=x", "inspect.only_a_request"),
        (b"SAMLRequest: " + b"A" * 60, "inspect.only_a_request"),
        (har(entry(form=None, method="GET", url="https://x.example/acs?SAMLResponse=fVLL")), "inspect.not_posted"),
        (bytes(100), "inspect.nothing_found"),
        (b"[" * 200_000, "inspect.nothing_found"),
        (b"1" * 10_000, None),
    ],
)
def test_where_there_is_none_it_is_said_which_way(octets: bytes, code: str | None) -> None:
    """A row of digits may be base64: the consumer judges it."""
    if code is None:
        assert read(octets)
        return
    with pytest.raises(Refused) as caught:
        read(octets)
    assert caught.value.code == code


def test_a_file_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captured, "MAX_FILE", 1000)
    with pytest.raises(Refused) as caught:
        read(b"A" * 1001)
    assert caught.value.code == "inspect.too_large"


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_anything_at_all_is_read_or_refused(octets: bytes) -> None:
    with suppress(Refused):
        assert all(("SAMLResponse" in found.form) != (found.unread is not None) for found in read(octets))


@pytest.mark.parametrize(
    "flood",
    [
        b"SAMLResponse" * 100_000,
        b"a=&" * 400_000,
        b"'a=b&" * 300_000,
        b"&" * 1_000_000,
        b" SAMLRespons=a&" * 100_000,
        b"<Response " * 200_000,
        b"<input " * 200_000,
        b"SAMLResponse" + b"\n" * 2_000_000,
    ],
)
@pytest.mark.timeout(20)
def test_floods_are_read_in_a_moment(flood: bytes) -> None:
    with suppress(Refused):
        read(b"x " + flood)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "https://a.example/login/callback?connection=acme&code=secret",
            "https://a.example/login/callback?connection=acme",
        ),
        ("https://user:pass@a.example:8443/x?token=secret#frag", "https://a.example:8443/x"),
        ("http://[", ""),
        ("https://a.example:99999/", ""),
    ],
)
def test_of_an_address_only_the_place_is_shown(url: str, shown: str) -> None:
    assert place(url) == shown
