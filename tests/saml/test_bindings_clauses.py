"""The bindings' last clauses: how large a message may be, to the octet, and an address that had no query."""

import base64

import pytest
from tests.builders_saml import refusal
from tests.saml.test_bindings import squeezed

from vestibule.saml.bindings import decode_post, decode_redirect, redirect_url


def test_a_posted_message_has_a_mebibyte_at_most() -> None:
    """1,048,576 octets unless somebody says otherwise."""
    assert len(decode_post(base64.b64encode(b"x" * 1_048_576).decode())) == 1_048_576
    with refusal("saml.too_large"):
        decode_post(base64.b64encode(b"x" * 1_048_577).decode())


def test_a_redirected_message_has_a_quarter_of_that() -> None:
    """262,144 octets once it is inflated, unless somebody says otherwise."""
    assert len(decode_redirect(squeezed(b"x" * 262_144))) == 262_144
    with refusal("saml.too_large"):
        decode_redirect(squeezed(b"x" * 262_145))


@pytest.mark.parametrize("limit", [299, 300, 301])
def test_a_message_as_large_as_the_limit_is_read_whatever_its_padding(limit: int) -> None:
    """None, one and two signs of padding; an octet more is refused."""
    assert decode_post(base64.b64encode(b"x" * limit).decode(), limit=limit) == b"x" * limit
    with refusal("saml.too_large"):
        decode_post(base64.b64encode(b"x" * (limit + 1)).decode(), limit=limit)


def test_an_address_without_a_query_gets_one() -> None:
    """And nothing before it."""
    url = redirect_url(
        "https://idp.example/sso", parameter="SAMLRequest", message=b"x", relay_state=None, sign=None, algorithm=None
    )
    assert url.startswith("https://idp.example/sso?SAMLRequest=")
