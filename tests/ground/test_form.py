"""Form-encoded parameters: what is read is what the standard library reads, and what it would guess at is refused."""

from urllib.parse import parse_qsl, quote, quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vestibule.ground.errors import Refused
from vestibule.ground.form import FIELD_LIMIT, parse

PIECES = st.sampled_from(
    [
        "a",
        "b",
        "=",
        "&",
        "+",
        "/",
        "%",
        "%4",
        "%20",
        "%2B",
        "%2b",
        "%2F",
        "%3D",
        "%25",
        "%252B",
        "%C3%A9",
        "%c3",
        "%00",
        "%0A",
        "é",
        " ",
        "\t",
        "\r\n",
        "\n",
        "=\n",
    ]
)


def said(raw: bytes) -> dict[str, str] | str:
    try:
        return parse(raw)
    except Refused as refused:
        return refused.code


def expected(raw: bytes) -> dict[str, str] | str:
    """By the standard library, with our refusals around it."""
    if any(raw[at : at + 1] == b"%" and not is_hex(raw[at + 1 : at + 3]) for at in range(len(raw))):
        return "request.encoding"
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict")
    except UnicodeError:
        return "request.encoding"
    if any("\x00" in part for pair in pairs for part in pair):
        return "request.encoding"
    return dict(pairs) if len(dict(pairs)) == len(pairs) else "request.duplicate_parameter"


def is_hex(octets: bytes) -> bool:
    return len(octets) == 2 and all(octet in b"0123456789abcdefABCDEF" for octet in octets)


@given(st.lists(PIECES, max_size=30).map("".join), st.booleans())
@example("%252B=%2525", True)
@example("SAMLResponse=%2B%2f%3D%25&RelayState=+", True)
def test_what_is_read_is_what_the_standard_library_reads(text: str, long: bool) -> None:
    """Long values take another way to the same end."""
    raw = text.encode()
    if long:
        raw = raw.replace(b"=", b"=" + b"x" * 2_000, 1)
    want, got = expected(raw), said(raw)
    if isinstance(want, str) and isinstance(got, str):  # several faults at once: whichever is met first
        assert {want, got} <= {"request.encoding", "request.duplicate_parameter"}
    else:
        assert got == want


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=3_000))
def test_what_was_encoded_comes_back(value: str) -> None:
    assert parse(urlencode({"a": value, "b": ""}).encode()) == {"a": value, "b": ""}
    assert parse(f"a={quote(value, safe='')}".encode()) == {"a": value}


def test_base64_comes_back_however_its_escapes_are_written() -> None:
    value = "+/=" * 2_000 + "%2B"
    assert parse(f"SAMLResponse={quote_plus(value)}".encode()) == {"SAMLResponse": value}
    lower = quote_plus(value).replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d")
    assert parse(f"SAMLResponse={lower}".encode()) == {"SAMLResponse": value}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"a=%", "request.encoding"),
        (b"a=%4", "request.encoding"),
        (b"a=%zz", "request.encoding"),
        (b"a=%ff", "request.encoding"),
        (b"a=\xc3\xa9", "request.encoding"),
        (b"a=%00", "request.encoding"),
        (b"a=1&a=1", "request.duplicate_parameter"),
        (b"&".join(b"a%d=" % number for number in range(FIELD_LIMIT + 1)), "request.too_many_fields"),
    ],
)
def test_what_would_be_guessed_at_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(raw)
    assert refused.value.code == code


def test_of_a_parameter_that_may_come_again_the_first_counts() -> None:
    assert parse(b"resource=1&resource=2&a=3", repeatable=("resource",)) == {"resource": "1", "a": "3"}
    assert len(parse(b"&".join(b"a%d=" % number for number in range(FIELD_LIMIT)))) == FIELD_LIMIT
