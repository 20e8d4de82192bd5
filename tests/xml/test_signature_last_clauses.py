"""Signatures where few tests go: prefixes in a thread that has not met them, what is only allowed by name, references to nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives import hashes
from lxml import etree
from tests.builders_saml import idp_key, keys, refusal
from tests.xml.other_signer import pem, xmlsec_sign
from tests.xml.test_signature import made, part, pkcs, setting

from vestibule.xml import dictionary
from vestibule.xml.parse import parse
from vestibule.xml.signature import DS, verify, verify_by

OUTSIDE = etree.fromstring('<a xmlns="u:d" xmlns:far="u:f"><p:b xmlns:p="u:p"/></a>')


def in_a_new_thread(do: Callable[[], bytes]) -> bytes:
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(do).result()


@pytest.mark.parametrize(("prefix", "declared"), [("#default", b'xmlns="u:d"'), ("far", b'xmlns:far="u:f"')])
def test_a_prefix_counts_where_it_was_entered(prefix: str, declared: bytes) -> None:
    """The document was parsed elsewhere; without being entered the prefix would be left out without a word."""

    def canonical(*entered: str) -> Callable[[], bytes]:
        def do() -> bytes:
            dictionary.enter(entered)
            return etree.tostring(OUTSIDE[0], method="c14n", exclusive=True, inclusive_ns_prefixes=[prefix])

        return do

    assert declared in in_a_new_thread(canonical(prefix))
    assert declared not in in_a_new_thread(canonical("another")), "so it is the entering that makes it count"


@pytest.mark.parametrize(("prefixes", "declared"), [("far", b'xmlns:far="u:far"'), ("#default", b'xmlns="u:d"')])
def test_an_honest_signature_is_believed_in_a_thread_that_did_not_parse_it(prefixes: str, declared: bytes) -> None:
    """The signer's prefixes, declared outside of what is signed, reach the digest there too."""
    root = etree.fromstring('<r xmlns="u:d" xmlns:far="u:far"><s:s xmlns:s="u:s" ID="_1"><s:i/></s:s></r>')
    xmlsec_sign(root[0], pem(idp_key()), prefixes=prefixes)
    parsed = parse(etree.tostring(root))

    def verified() -> bytes:
        octets = etree.tostring(verify(parsed, parsed[0], keys=keys()))
        assert dictionary._entered.__dict__["prefixes"] == {prefixes}
        return octets

    assert declared in in_a_new_thread(verified)


def test_sha1_is_refused_unless_it_is_allowed_by_name() -> None:
    """Of both ways to verify: whoever says nothing has not said yes."""
    sha1 = hashes.SHA1()  # noqa: S303 what is refused
    old = made(method=DS + "rsa-sha1", signer=pkcs(sha1), digest=DS + "sha1", algorithm=sha1)
    for way in (verify, verify_by):
        with refusal("xml.signature_algorithm"):
            way(old, old, keys=keys())
    assert verify_by(old, old, keys=keys(), allow_sha1=True).key in keys()


@pytest.mark.parametrize(("identifier", "uri"), [(None, "#None"), (None, "#"), ("", "#")])
def test_what_has_no_identifier_cannot_be_referred_to(identifier: str | None, uri: str) -> None:
    """Whatever the reference calls it."""
    root = made(edit=setting("Reference", "URI", uri))
    root.attrib.pop("ID")
    if identifier is not None:
        root.set("ID", identifier)
    with refusal("xml.signature_reference"):
        verify(root, root, keys=keys())


@pytest.mark.parametrize("name", ["DigestValue", "SignatureValue"])
@pytest.mark.parametrize("value", ["!!!!", "A===", "====", "AAAA====", "AAAA!", "\N{NO-BREAK SPACE}AAAA"])
def test_four_characters_that_are_no_base64_are_no_octets(name: str, value: str) -> None:
    """As many as one octet would have, or more: it is the shape that is refused, and no value is made up for it."""
    root = made()
    part(root, name).text = value
    with refusal("xml.signature_shape"):
        verify(root, root, keys=keys())
