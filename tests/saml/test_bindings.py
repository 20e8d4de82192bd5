"""The bindings: what a browser carries, strictly read, and exactly written."""

import base64
import zlib
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import given
from hypothesis import strategies as st
from tests.builders_saml import idp_key, refusal

from vestibule.saml.bindings import decode_post, decode_redirect, post_fields, redirect_url
from vestibule.xml.signature import RSA_SHA256, sign_octets


def squeezed(octets: bytes) -> str:
    deflater = zlib.compressobj(wbits=-15)
    return base64.b64encode(deflater.compress(octets) + deflater.flush()).decode()


@given(st.binary(min_size=1, max_size=200))
def test_a_form_field_survives_the_way(octets: bytes) -> None:
    """What `post_fields` writes, `decode_post` reads; line breaks anywhere do no harm."""
    value = post_fields("SAMLResponse", octets, None)["SAMLResponse"]
    assert decode_post(value) == octets
    for line_break in ("\r\n", "\n", "\r"):
        assert decode_post(line_break.join(value)) == octets


def test_a_form_has_a_relay_state_if_there_is_one() -> None:
    """None is left out, an empty one is sent."""
    assert post_fields("SAMLRequest", b"x", "") == {"SAMLRequest": "eA==", "RelayState": ""}
    assert set(post_fields("SAMLRequest", b"x", None)) == {"SAMLRequest"}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "\r\n",
        "eA",
        "eA=",
        "eA===",
        "eA==eA==",
        "eHh4=",
        "eHh4==",
        "eHh4====",
        "eA== ",
        " eA==",
        "e A==",
        "eA==\t",
        "-_8=",
        "eA%3D%3D",
        "é",
        "eA==<",
        "=",
    ],
)
def test_base64_is_strict(value: str) -> None:
    """Spaces (a `+` decoded twice), the URL alphabet, missing or surplus padding, trailing garbage, nothing at all."""
    with refusal("saml.base64"):
        decode_post(value)
    with refusal("saml.base64"):
        decode_redirect(value)


def test_the_size_is_judged_before_decoding() -> None:
    """A message as large as the limit is read; the next octet, or padding it out with line breaks, is refused."""
    assert decode_post(base64.b64encode(b"x" * 300).decode(), limit=300) == b"x" * 300
    with refusal("saml.too_large"):
        decode_post(base64.b64encode(b"x" * 302).decode(), limit=301)
    with refusal("saml.base64"):
        decode_post("\n" * 600, limit=300)
    for value in (base64.b64encode(b"x" * 301).decode(), "!" * 404, "\n" * 601):
        with refusal("saml.too_large"):
            decode_post(value, limit=300)


def test_inflating_stops_at_the_limit() -> None:
    """A small parameter that holds a large message is refused without holding it."""
    assert decode_redirect(squeezed(b"x" * 1000), limit=1000) == b"x" * 1000
    with refusal("saml.too_large"):
        decode_redirect(squeezed(b"x" * 1001), limit=1000)
    with refusal("saml.too_large"):
        decode_redirect(squeezed(b"\0" * 50_000_000))
    with refusal("saml.too_large"):
        decode_redirect("A" * 500, limit=100)


@pytest.mark.parametrize(
    "octets",
    [b"not deflate", zlib.compress(b"with a zlib header"), base64.b64decode(squeezed(b"cut off"))[:-1], base64.b64decode(squeezed(b"x")) + b"y"],
)  # fmt: skip
def test_only_a_whole_raw_stream_is_inflated(octets: bytes) -> None:
    """Another compression, a cut-off stream, something behind it."""
    with refusal("saml.deflate"):
        decode_redirect(base64.b64encode(octets).decode())


@given(st.text(max_size=60))
def test_any_value_is_decoded_or_refused(value: str) -> None:
    """No value makes the decoders raise anything but `Refused`."""
    from contextlib import suppress

    from vestibule.ground.errors import Refused

    with suppress(Refused):
        decode_post(value)
    with suppress(Refused):
        decode_redirect(value)


def test_the_redirect_keeps_what_the_address_had() -> None:
    """Its query stays in front, its fragment behind."""
    url = redirect_url(
        "https://idp.example/sso?tenant=7#top", parameter="SAMLRequest", message=b"<x/>", relay_state="a b&c", sign=None, algorithm=None
    )  # fmt: skip
    parts = urlsplit(url)
    query = parse_qsl(parts.query)
    assert [name for name, _ in query] == ["tenant", "SAMLRequest", "RelayState"]
    assert (query[0][1], query[2][1], parts.fragment) == ("7", "a b&c", "top")
    assert decode_redirect(query[1][1]) == b"<x/>"


@pytest.mark.parametrize("relay_state", [None, "", "a b/ü&="])
def test_the_signature_is_over_the_octets_that_are_sent(relay_state: str | None) -> None:
    """`SAMLRequest=…&RelayState=…&SigAlg=…` in this order, without a RelayState where there is none [SAMLBind 3.4.4.1]."""
    url = redirect_url(
        "https://idp.example/sso?tenant=7",
        parameter="SAMLRequest",
        message=b"<x/>",
        relay_state=relay_state,
        sign=lambda octets: sign_octets(octets, key=idp_key()),
        algorithm=RSA_SHA256,
    )
    signed, _, _ = urlsplit(url).query.removeprefix("tenant=7&").partition("&Signature=")
    fields = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    assert [pair.partition("=")[0] for pair in signed.split("&")] == [
        name for name in ("SAMLRequest", "RelayState", "SigAlg") if name != "RelayState" or relay_state is not None
    ]
    assert (fields.get("RelayState"), fields["SigAlg"]) == (relay_state, RSA_SHA256)
    value = base64.b64decode(fields["Signature"])
    idp_key().public_key().verify(value, signed.encode(), padding.PKCS1v15(), hashes.SHA256())


def test_a_signature_without_the_name_of_its_algorithm_is_a_mistake() -> None:
    """Ours, not a peer's."""
    with pytest.raises(ValueError, match="algorithm"):
        redirect_url(
            "https://idp.example", parameter="SAMLRequest", message=b"x", relay_state=None, sign=bytes, algorithm=None
        )
