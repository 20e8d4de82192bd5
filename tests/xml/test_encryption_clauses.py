"""The opening's last clauses: names as the specification spells them, bounds in numbers, and what must never be taken for a key."""

import base64
import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from lxml import etree
from tests.builders_saml import idp_key, refusal
from tests.xml.encrypter import How
from tests.xml.test_encryption import CBC, OURS, SECRET, again, at, ds, flipped, made, opened, put, xenc

from vestibule.ground.errors import Refused
from vestibule.xml.encryption import RSA_OAEP, XENC11, Decryption, decrypt, methods, refused
from vestibule.xml.parse import parse_within

GCM = "http://www.w3.org/2009/xmlenc11#"
OLDER = "http://www.w3.org/2001/04/xmlenc#"


def test_the_algorithms_are_named_as_the_specification_names_them() -> None:
    """Letter by letter [XMLEnc 1.1 5.1], and the best of each kind first: metadata tells them in this order."""
    gcm = (GCM + "aes256-gcm", GCM + "aes192-gcm", GCM + "aes128-gcm")
    cbc = (OLDER + "aes256-cbc", OLDER + "aes192-cbc", OLDER + "aes128-cbc")
    transport = (GCM + "rsa-oaep", OLDER + "rsa-oaep-mgf1p")
    assert methods(allow_cbc=True) == (*gcm, *cbc, *transport)
    assert methods(allow_cbc=False) == (*gcm, *transport)


@pytest.mark.parametrize("size", ["128", "192", "256"])
def test_cbc_of_every_size_needs_the_connections_word(size: str) -> None:
    """None of the three slips through without it, and whoever says nothing has not said yes."""
    element = made(How(content=f"{OLDER}aes{size}-cbc"))
    for decryption in (Decryption(keys=(OURS,), allow_cbc=False), Decryption(keys=(OURS,))):
        with refusal("xml.encryption_algorithm"):
            decrypt(element, decryption)
    assert decrypt(element, Decryption(keys=(OURS,), allow_cbc=True)).octets == SECRET


def test_neither_keys_nor_what_came_out_are_shown() -> None:
    """Both may end in a log line or a traceback."""
    decryption = Decryption(keys=(OURS,))
    assert "key" not in repr(decryption).lower()
    came_out = decrypt(made(), decryption)
    assert came_out.octets == SECRET
    assert "Ada" not in repr(came_out)


# -- what only the key's holder can know ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("content", "size"), [(GCM + "aes256-gcm", 32), (GCM + "aes128-gcm", 16), (CBC, 16)])
def test_the_key_of_work_for_nothing_opens_nothing(content: str, size: int) -> None:
    """Anybody can encrypt with the key that stands in where none of ours unwraps: what it opens is thrown away."""
    how = How(content=content, session=bytes(size))
    assert opened(made(how)) == SECRET, "an honest message may have any key"
    assert opened(made(replace(how, wrap=flipped(5)))) is None


@pytest.mark.parametrize("length", [1, 7, 11, 12, 27])
def test_a_gcm_of_any_length_below_a_nonce_and_a_tag_comes_back_as_nothing(length: int) -> None:
    """Too short even for a nonce as well: no error of the library's gets out."""
    assert opened(made(How(seal=lambda octets: octets[:length]))) is None


# -- what anybody can see ------------------------------------------------------------------------------------------------


def test_it_is_told_how_it_was_encrypted() -> None:
    """By the short names: operators read them in the log, and tell an identity provider's setting by them."""

    def how(it: How) -> str:
        return decrypt(made(it), Decryption(keys=(OURS,))).how

    assert how(How()) == "aes256-gcm with rsa-oaep-mgf1p (sha1, mgf1sha1)"
    assert how(How(transport=RSA_OAEP, digest="sha256", mask="sha512")) == (
        "aes256-gcm with rsa-oaep (sha256, mgf1sha512)"
    )


def test_a_strangers_name_of_an_algorithm_is_told_in_forty_characters() -> None:
    """Enough to recognise any real one; a long one does not fill the page."""
    name = "".join(chr(ord("a") + at % 26) for at in range(60))
    with pytest.raises(Refused) as caught:
        opened(made(How(content=f"urn:x#{name}")))
    assert caught.value.code == "xml.encryption_algorithm"
    assert f"({name[:40]})" in caught.value.why


@pytest.mark.parametrize(
    ("digest", "mask", "told"),
    [
        ("urn:x#d", XENC11 + "mgf1sha256", "urn:x#d"),
        ("http://www.w3.org/2001/04/xmlenc#sha256", "urn:x#m", "urn:x#m"),
        ("urn:x#d", "urn:x#m", "urn:x#d"),
    ],
)
def test_the_part_of_an_oaep_that_is_unknown_is_told(digest: str, mask: str, told: str) -> None:
    """The digest or the mask, whichever it is: else one would mend the other at the identity provider."""
    holder = made(How(transport=RSA_OAEP, digest="sha256", mask="sha256"))
    method = at("data/info/key/method")(holder)
    method[0].set("Algorithm", digest)
    method[1].set("Algorithm", mask)
    with pytest.raises(Refused) as caught:
        opened(holder)
    assert caught.value.code == "xml.encryption_algorithm"
    assert caught.value.got == told


def renamed(name: str) -> Callable[[etree._Element], Any]:
    def edit(holder: etree._Element) -> None:
        at("data/info/key")(holder).tag = name

    return edit


def two_lists(holder: etree._Element) -> None:
    """Both about the right thing."""
    at("data")(holder).set("Id", "_data")
    key = at("data/info/key")(holder)
    for _ in "12":
        etree.SubElement(etree.SubElement(key, xenc("ReferenceList")), xenc("DataReference"), URI="#_data")


def two_infos(holder: etree._Element) -> None:
    """The second one with another key, which some other reader might take."""
    info = at("data/info")(holder)
    info.addnext(copy.deepcopy(info))


SHAPES: dict[str, Callable[[etree._Element], Any]] = {
    "a key by another name": renamed(xenc("DerivedKey")),
    "a key of another namespace": renamed(ds("EncryptedKey")),
    "two KeyInfo": two_infos,
    "two KeyInfo about the key": lambda holder: [
        etree.SubElement(at("data/info/key")(holder), ds("KeyInfo")) for _ in "12"
    ],
    "two lists of references": two_lists,
    "two ciphers of the key": again("data/info/key/cipher"),
}


@pytest.mark.parametrize("edit", SHAPES)
def test_whatever_else_carries_a_key_is_refused(edit: str) -> None:
    """Each differs in one thing from a message that opens."""
    holder = made()
    SHAPES[edit](holder)
    with refusal("xml.encryption_shape"):
        opened(holder)


@pytest.mark.parametrize("name", ["Id", "Recipient", "Type"])
def test_what_a_key_says_of_itself_is_passed_over(name: str) -> None:
    """Identity providers write these three; none of them chooses anything."""
    holder = made()
    put("data/info/key", name, "http://www.w3.org/2001/04/xmlenc#EncryptedKey")(holder)
    assert opened(holder) == SECRET


@pytest.mark.parametrize("spoil", ["!{}", "{}=", "{}====", "={}", "{}é", "{}\N{NO-BREAK SPACE}!"])
@pytest.mark.parametrize("path", ["data/cipher/value", "data/info/key/cipher/value"])
def test_a_value_is_base64_and_nothing_else(spoil: str, path: str) -> None:
    """No character is passed over: two readers might pass over different ones."""
    holder = made()
    value = at(path)(holder)
    value.text = spoil.format(value.text)
    with refusal("xml.encryption_shape"):
        opened(holder)


def test_a_value_may_be_broken_into_lines() -> None:
    """As many encoders do [XMLEnc 3.5.1]: white space alone is passed over."""
    holder = made()
    value = at("data/cipher/value")(holder)
    value.text = f"\n\t{base64.encodebytes(base64.b64decode(value.text or '')).decode()}  "
    assert opened(holder) == SECRET


def test_a_key_of_another_connection_beside_ours_changes_nothing() -> None:
    """Whichever comes first: only the one that fits is used."""
    for keys in ((OURS, OURS), (idp_key("older"), OURS, idp_key("newer"))):
        assert opened(made(), *keys) == SECRET


@pytest.mark.parametrize("octets", [b"", b"text", b"<a/><a/>", b"<a/>text", b"text<a/>", b"</within><within>"])
def test_what_came_out_is_exactly_one_element(octets: bytes) -> None:
    """Nothing beside it, before it or behind it, nor out of what is put around it to declare the prefixes."""
    with refusal("xml.malformed"):
        parse_within(octets, {})


def test_the_prefixes_are_those_of_where_it_stood() -> None:
    """Declared or not, what stands in white space is read."""
    root = parse_within(b" <p:a/>\n", {"p": "urn:x"})
    assert [child.tag for child in root] == ["{urn:x}a"]
    with refusal("xml.malformed"):
        parse_within(b" <p:a/>\n", {})


def test_the_one_refusal_has_one_code() -> None:
    """Whoever raises it, here or behind the opening, tells the same."""
    assert refused().code == "xml.decryption"
