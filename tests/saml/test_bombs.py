"""Compressed messages that are larger than they look: inflating stops at its cap, and memory stays within it."""

import base64
import tracemalloc
import zlib

import pytest
from tests.builders_saml import refusal

from vestibule.saml.bindings import decode_redirect
from vestibule.saml.request import read_request

LIMIT = 262_144


def raw(octets: bytes, *, level: int = 9) -> bytes:
    deflater = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    return deflater.compress(octets) + deflater.flush()


def parameter(squeezed: bytes) -> str:
    return base64.b64encode(squeezed).decode("ascii")


def bomb(size: int) -> bytes:
    """A raw DEFLATE stream of `size` zeros, made piece by piece: about a thousandth of that."""
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = bytes(1_000_000)
    pieces = [deflater.compress(block) for _ in range(size // len(block))]
    return b"".join(pieces) + deflater.flush()


BOMB = parameter(bomb(200_000_000))


def test_a_bomb_is_refused_without_being_inflated() -> None:
    """200 MB in 200 KB: what is held at any moment stays below a few times the cap."""
    assert len(BOMB) < 4 * LIMIT // 3, "it is small enough to be looked at"
    tracemalloc.start()
    try:
        with refusal("saml.too_large"):
            decode_redirect(BOMB)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * LIMIT


def test_a_message_may_be_as_large_as_the_cap_and_no_larger() -> None:
    assert decode_redirect(parameter(raw(bytes(LIMIT)))) == bytes(LIMIT)
    with refusal("saml.too_large"):
        decode_redirect(parameter(raw(bytes(LIMIT + 1))))


def test_a_compressed_message_that_is_itself_too_large_is_not_even_decoded() -> None:
    """Incompressible octets, or a stream of empty blocks: nothing need come out of it for it to cost something."""
    empty_blocks = b"\x00\x00\x00\xff\xff" * 100_000 + b"\x01\x00\x00\xff\xff"
    with refusal("saml.too_large"):
        decode_redirect(parameter(empty_blocks))


@pytest.mark.parametrize("cut", [1, 2, 10, 50])
def test_a_truncated_stream_is_refused(cut: int) -> None:
    """What came out of it so far is not read."""
    whole = raw(b"<AuthnRequest/>" * 40, level=0)
    with refusal("saml.deflate"):
        decode_redirect(parameter(whole[:-cut]))


@pytest.mark.parametrize("tail", [b"\x00", b"<x/>", raw(b"<x/>"), b"\x03\x00"])
def test_nothing_may_follow_the_stream(tail: bytes) -> None:
    """A second stream behind the first is one message for one reader and two for another."""
    with refusal("saml.deflate"):
        decode_redirect(parameter(raw(b"<AuthnRequest/>") + tail))


def test_a_stream_in_a_stream_is_inflated_once() -> None:
    """What is inside is then no XML, and is refused as that: nobody inflates it again."""
    nested = parameter(raw(raw(bytes(50_000_000))))
    octets = decode_redirect(nested)
    assert len(octets) < LIMIT
    with refusal("xml.encoding"):
        read_request(octets)


@pytest.mark.parametrize("wrap", [zlib.compress, lambda octets: zlib.compress(octets, wbits=31)])
def test_other_wrappings_are_not_guessed_at(wrap: object) -> None:
    """zlib's and gzip's own headers are not what the binding says [SAMLBind 3.4.4.1]."""
    with refusal("saml.deflate"):
        decode_redirect(parameter(wrap(b"<AuthnRequest/>")))  # type: ignore[operator]
