"""Opening what was encrypted for us: every allowed way opens, every other is refused, and no failure looks like another."""

import base64
import copy
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import xmlsec
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from tests.builders_saml import idp_key, refusal
from tests.xml.encrypter import How, encrypt, holding
from tests.xml.other_signer import pem

from vestibule.ground.errors import Refused
from vestibule.xml.encryption import (
    AES128_GCM,
    AES256_GCM,
    CONTENT,
    RSA_OAEP,
    RSA_OAEP_MGF1P,
    XENC,
    XENC11,
    Decryption,
    decrypt,
    methods,
)
from vestibule.xml.parse import parse_within
from vestibule.xml.signature import DS

OURS = idp_key("ours")
PUBLIC = OURS.public_key()
SECRET = b'<a xmlns="urn:x">Ada &amp; Grace</a>'
CBC = XENC + "aes128-cbc"
HOLDER = "{urn:x}EncryptedThing"


def made(how: How | None = None, secret: bytes = SECRET) -> etree._Element:
    return holding(secret, PUBLIC, HOLDER, how or How())


def opened(element: etree._Element, *keys: rsa.RSAPrivateKey, allow_cbc: bool = True) -> bytes | None:
    return decrypt(element, Decryption(keys=keys or (OURS,), allow_cbc=allow_cbc)).octets


@pytest.mark.parametrize("content", CONTENT)
@pytest.mark.parametrize("beside", [False, True])
def test_every_content_algorithm_opens(content: str, beside: bool) -> None:
    """With the key inside EncryptedData, and beside it with a pointer."""
    assert opened(made(How(content=content, beside=beside))) == SECRET


@pytest.mark.parametrize("digest", [None, "sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("mask", [None, "sha1", "sha256", "sha384", "sha512"])
def test_every_oaep_opens(digest: str | None, mask: str | None) -> None:
    """Digest and mask are two choices; what is not written is SHA-1 [XMLEnc 1.1 5.5.2]."""
    assert opened(made(How(transport=RSA_OAEP, digest=digest, mask=mask))) == SECRET


@pytest.mark.parametrize("digest", [None, "sha1", "sha256", "sha512"])
def test_the_older_oaep_opens_with_the_digest_it_names_and_mgf1_of_sha_1(digest: str | None) -> None:
    assert opened(made(How(transport=RSA_OAEP_MGF1P, digest=digest))) == SECRET


@pytest.mark.parametrize("content", ["aes128-gcm", "aes256-gcm", "aes128-cbc", "aes256-cbc"])
def test_what_another_implementation_encrypted_opens(content: str) -> None:
    """python-xmlsec, with its own session key, padding and layout."""
    transforms = {
        "aes128-gcm": (xmlsec.Transform.AES128_GCM, xmlsec.KeyData.AES, 128),
        "aes256-gcm": (xmlsec.Transform.AES256_GCM, xmlsec.KeyData.AES, 256),
        "aes128-cbc": (xmlsec.Transform.AES128, xmlsec.KeyData.AES, 128),
        "aes256-cbc": (xmlsec.Transform.AES256, xmlsec.KeyData.AES, 256),
    }
    transform, data, bits = transforms[content]
    holder = etree.Element(HOLDER)
    secret = etree.SubElement(holder, "{urn:x}a")
    secret.text = "Ada & Grace"
    template = xmlsec.template.encrypted_data_create(holder, transform, type=xmlsec.constants.TypeEncElement, ns="xenc")
    xmlsec.template.encrypted_data_ensure_cipher_value(template)
    info = xmlsec.template.encrypted_data_ensure_key_info(template, ns="ds")
    key = xmlsec.template.add_encrypted_key(info, xmlsec.Transform.RSA_OAEP)
    xmlsec.template.encrypted_data_ensure_cipher_value(key)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(pem(OURS), xmlsec.KeyFormat.PEM))
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(data, bits, xmlsec.KeyDataType.SESSION)
    context.encrypt_xml(template, secret)
    octets = opened(etree.fromstring(etree.tostring(holder)))
    assert octets is not None
    assert b"xmlns" not in octets, "it counts on the prefixes of where it stood"
    assert parse_within(octets, {"ns0": "urn:x"})[0].text == "Ada & Grace"


def test_another_implementation_opens_what_the_tests_encrypt() -> None:
    """So the builder of these tests does not merely agree with the code that it tests."""
    root = etree.fromstring(b"<r xmlns='urn:x'><a>Ada</a></r>")
    holder = encrypt(root[0], PUBLIC, HOLDER)
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(pem(OURS), xmlsec.KeyFormat.PEM))
    assert xmlsec.EncryptionContext(manager).decrypt(holder[0]).text == "Ada"


def test_any_of_our_keys_opens() -> None:
    """The one before a rotation too; and the metadata's list is what opens."""
    assert opened(made(), idp_key("newer"), OURS) == SECRET
    assert opened(made(), OURS, idp_key("older")) == SECRET
    assert methods(allow_cbc=False) == (AES256_GCM, XENC11 + "aes192-gcm", AES128_GCM, RSA_OAEP, RSA_OAEP_MGF1P)
    assert set(methods(allow_cbc=True)) == {*CONTENT, RSA_OAEP, RSA_OAEP_MGF1P}


def test_a_prefix_of_any_letters_is_known_to_what_came_out() -> None:
    """What was encrypted may count on it where it stood, as on any other [XML-Names 3]; or merely stand where one is declared."""
    around = {"ünï": "urn:x", None: "urn:y"}
    assert parse_within("<ünï:a/>".encode(), around)[0].tag == "{urn:x}a"
    assert parse_within(b"<a/>", around)[0].tag == "{urn:y}a"


# -- what only the key's holder can know ---------------------------------------------------------------------------------


def flipped(at: int) -> Callable[[bytes], bytes]:
    def flip(octets: bytes) -> bytes:
        changed = bytearray(octets)
        changed[at] ^= 1
        return bytes(changed)

    return flip


def _no_padding(last: int) -> bytes:
    return b"x" * 15 + bytes([last])


FAILURES: dict[str, How] = {
    "gcm tag": How(seal=flipped(-1)),
    "gcm text": How(seal=flipped(20)),
    "gcm nonce": How(seal=flipped(0)),
    "gcm too short": How(seal=lambda octets: octets[:27]),
    "wrapped key changed": How(wrap=flipped(5)),
    "wrapped key too short": How(wrap=lambda octets: octets[:-1]),
    "wrapped key empty of meaning": How(wrap=lambda octets: b"\0"),
    "session key of another length": How(session=bytes(16)),
    "session key of another length, cbc": How(content=CBC, session=bytes(32)),
    "cbc cut": How(content=CBC, seal=lambda octets: octets[:-1]),
    "cbc one block": How(content=CBC, seal=lambda octets: octets[:16]),
    "cbc with another mask": How(content=CBC, transport=RSA_OAEP, mask="sha256", wrap=flipped(100)),
}


@pytest.mark.parametrize("why", FAILURES)
def test_what_does_not_open_comes_back_as_nothing(why: str) -> None:
    """No exception tells which step it was."""
    assert opened(made(FAILURES[why])) is None


def test_a_key_of_somebody_else_opens_nothing() -> None:
    assert opened(made(), idp_key("somebody else")) is None


@pytest.mark.parametrize(("last", "octets"), [(0, None), (17, None), (255, None), (16, b""), (1, b"x" * 15)])
def test_the_last_octet_of_cbc_padding_is_1_to_16(last: int, octets: bytes | None) -> None:
    """At both bounds; what stands before it means nothing [XMLEnc 5.2]."""
    session = os.urandom(16)

    def seal(_: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        vector = os.urandom(16)
        encryptor = Cipher(algorithms.AES(session), modes.CBC(vector)).encryptor()
        return vector + encryptor.update(_no_padding(last)) + encryptor.finalize()

    assert opened(made(How(content=CBC, session=session, seal=seal))) == octets


def test_a_gcm_of_nothing_is_nothing_and_not_a_failure() -> None:
    """The shortest that there is: a nonce and a tag."""
    assert opened(made(secret=b"")) == b""


# -- what anybody can see ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (How(content=XENC + "tripledes-cbc"), "AES-GCM"),
        (How(content=XENC + "kw-aes128"), "AES-GCM"),
        (How(content=""), "AES-GCM"),
        (How(transport=XENC + "rsa-1_5"), "RSA-OAEP"),
        (How(transport=XENC + "kw-aes256"), "RSA-OAEP"),
        (How(content=CBC), "allow_cbc_encryption"),
    ],
)
def test_an_algorithm_that_is_not_allowed_is_refused_with_what_to_set(how: How, told: str) -> None:
    """Before any key is used; Triple DES and RSA 1.5 never, CBC only where the connection says so."""
    with pytest.raises(Refused) as caught:
        opened(made(how), allow_cbc=False)
    assert caught.value.code == "xml.encryption_algorithm"
    assert told in caught.value.why


@pytest.mark.parametrize("content", [XENC + "tripledes-cbc", "urn:none"])
def test_the_quirk_for_cbc_allows_nothing_else(content: str) -> None:
    with refusal("xml.encryption_algorithm"):
        opened(made(How(content=content)), allow_cbc=True)


def test_without_a_key_of_ours_it_says_so() -> None:
    with refusal("xml.encryption_no_key"):
        decrypt(made(), Decryption(keys=()))


def xenc(name: str) -> str:
    return f"{{{XENC}}}{name}"


def ds(name: str) -> str:
    return f"{{{DS}}}{name}"


def at(path: str) -> Callable[[etree._Element], etree._Element]:
    def find(holder: etree._Element) -> etree._Element:
        names = {"data": xenc("EncryptedData"), "info": ds("KeyInfo"), "key": xenc("EncryptedKey")}
        names |= {"method": xenc("EncryptionMethod"), "cipher": xenc("CipherData"), "value": xenc("CipherValue")}
        found = holder.find("/".join(names[step] for step in path.split("/")))
        assert found is not None, path
        return found

    return find


def add(path: str, name: str, **attributes: str) -> Callable[[etree._Element], Any]:
    def edit(holder: etree._Element) -> None:
        etree.SubElement(at(path)(holder) if path else holder, name, attributes)

    return edit


def again(path: str) -> Callable[[etree._Element], Any]:
    def edit(holder: etree._Element) -> None:
        one = at(path)(holder)
        one.addnext(copy.deepcopy(one))

    return edit


def gone(path: str) -> Callable[[etree._Element], Any]:
    def edit(holder: etree._Element) -> None:
        one = at(path)(holder)
        parent = one.getparent()
        assert parent is not None
        parent.remove(one)

    return edit


def last(path: str) -> Callable[[etree._Element], Any]:
    def edit(holder: etree._Element) -> None:
        one = at(path)(holder)
        parent = one.getparent()
        assert parent is not None
        parent.append(one)

    return edit


def put(path: str, name: str, value: str) -> Callable[[etree._Element], Any]:
    def edit(holder: etree._Element) -> None:
        (at(path)(holder) if path else holder).set(name, value)

    return edit


def text(path: str, value: str) -> Callable[[etree._Element], Any]:
    def edit(holder: etree._Element) -> None:
        at(path)(holder).text = value

    return edit


def reference(holder: etree._Element) -> None:
    cipher = at("data/cipher")(holder)
    cipher.remove(cipher[0])
    etree.SubElement(cipher, xenc("CipherReference"), URI="http://127.0.0.1:1/x")


def about_key(holder: etree._Element) -> etree._Element:
    """A KeyInfo of the EncryptedKey, in its place."""
    info = etree.Element(ds("KeyInfo"))
    at("data/info/key/method")(holder).addnext(info)
    return info


INSIDE: dict[str, Callable[[etree._Element], Any]] = {
    "two data": again("data"),
    "no data": gone("data"),
    "two keys": again("data/info/key"),
    "no key": gone("data/info/key"),
    "no key info": gone("data/info"),
    "key inside and beside": lambda holder: holder.append(copy.deepcopy(at("data/info/key")(holder))),
    "content only": put("data", "Type", XENC + "Content"),
    "another type": put("data", "MimeType", "text/xml"),
    "an attribute on the holder": put("", "Id", "x"),
    "an attribute on the method": put("data/method", "Id", "x"),
    "an attribute on the cipher": put("data/cipher", "Id", "x"),
    "an attribute on the value": put("data/cipher/value", "Id", "x"),
    "an attribute on the key": put("data/info/key", "MimeType", "x"),
    "a key that is content": put("data/info/key", "Type", XENC + "Content"),
    "a key that is an element": put("data/info/key", "Type", XENC + "Element"),
    "the method last": last("data/method"),
    "the key info last": last("data/info"),
    "the key's method last": last("data/info/key/method"),
    "two methods": again("data/method"),
    "no method": gone("data/method"),
    "parameters": add("data/method", xenc("KeySize")),
    "two ciphers": again("data/cipher"),
    "two values": again("data/cipher/value"),
    "no cipher": gone("data/cipher"),
    "a cipher reference": reference,
    "properties": add("data", xenc("EncryptionProperties")),
    "no base64": text("data/cipher/value", "!!!!"),
    "nothing": text("data/cipher/value", ""),
    "an element in the value": add("data/cipher/value", "{urn:x}b"),
    "no key method": gone("data/info/key/method"),
    "no key cipher": gone("data/info/key/cipher"),
    "two key ciphers": again("data/info/key/cipher"),
    "a name for the key": add("data/info/key", xenc("CarriedKeyName")),
    "OAEP parameters": add("data/info/key/method", xenc("OAEPparams")),
    "a mask in the older OAEP": add("data/info/key/method", f"{{{XENC11}}}MGF", Algorithm=XENC11 + "mgf1sha256"),
    "a key in what is said of the key": lambda holder: etree.SubElement(
        etree.SubElement(about_key(holder), ds("X509Data")), xenc("EncryptedKey")
    ),
    "a key in the digest": lambda holder: etree.SubElement(
        etree.SubElement(at("data/info/key/method")(holder), ds("DigestMethod"), Algorithm=DS + "sha1"),
        xenc("EncryptedKey"),
    ),
    "a digest with something in it": lambda holder: etree.SubElement(
        etree.SubElement(at("data/info/key/method")(holder), ds("DigestMethod"), Algorithm=DS + "sha1"), "{urn:x}y"
    ),
    "two digests": lambda holder: [add("data/info/key/method", ds("DigestMethod"))(holder) for _ in "12"],
    "about another": lambda holder: etree.SubElement(
        etree.SubElement(at("data/info/key")(holder), xenc("ReferenceList")), xenc("DataReference"), URI="#other"
    ),
    "about nothing": add("data/info/key", xenc("ReferenceList")),
    "a pointer only": lambda holder: [gone("data/info/key")(holder), add("data/info", ds("RetrievalMethod"))(holder)],
}


@pytest.mark.parametrize("edit", INSIDE)
def test_any_other_shape_is_refused(edit: str) -> None:
    """What is there once is there once, nothing is fetched, nothing stands where it has no business."""
    holder = made()
    INSIDE[edit](holder)
    code = "xml.element_in_text" if edit == "an element in the value" else "xml.encryption_shape"
    with refusal(code):
        opened(holder)


@pytest.mark.parametrize(
    "inside",
    ["EncryptedKey", "RetrievalMethod", "KeyInfoReference", "AgreementMethod"],
)
def test_the_keys_own_key_info_leads_nowhere(inside: str) -> None:
    """A key in a key in a key, a pointer, an agreement: none of them is looked at, all are refused."""
    holder = made()
    namespace = XENC if inside in ("EncryptedKey", "AgreementMethod") else DS
    etree.SubElement(about_key(holder), f"{{{namespace}}}{inside}")
    with refusal("xml.encryption_shape"):
        opened(holder)


def test_what_the_key_info_says_of_our_certificate_is_passed_over() -> None:
    """Identity providers name it there; it chooses no key."""
    holder = made()
    info = about_key(holder)
    for name in ("X509Data", "KeyName", "KeyValue"):
        etree.SubElement(info, ds(name))
    assert opened(holder) == SECRET


@pytest.mark.parametrize(
    "edit",
    [
        lambda info: info[0].set("URI", "#other"),
        lambda info: info[0].set("URI", "http://127.0.0.1:1/key"),
        lambda info: info.append(copy.deepcopy(info[0])),
        lambda info: etree.SubElement(info[0], ds("Transforms")),
        lambda info: setattr(info[0], "tag", ds("KeyName")),
    ],
)
def test_beside_a_key_only_a_pointer_to_it_may_stand(edit: Callable[[etree._Element], Any]) -> None:
    holder = made(How(beside=True))
    edit(at("data/info")(holder))
    with refusal("xml.encryption_shape"):
        opened(holder)


def test_a_key_beside_needs_no_pointer() -> None:
    holder = made(How(beside=True))
    gone("data/info")(holder)
    assert opened(holder) == SECRET


@pytest.mark.parametrize("which", ["digest", "mask"])
def test_an_oaep_of_unknown_parts_is_refused(which: str) -> None:
    holder = made(replace(How(transport=RSA_OAEP), digest="sha256", mask="sha256"))
    at("data/info/key/method")(holder)[0 if which == "digest" else 1].set("Algorithm", DS + "md5")
    with refusal("xml.encryption_algorithm"):
        opened(holder)


def test_white_space_in_base64_is_what_it_always_was() -> None:
    holder = made()
    value = at("data/cipher/value")(holder)
    value.text = "\n".join(
        base64.b64encode(base64.b64decode(value.text or "")).decode()[i : i + 16] for i in range(0, 400, 16)
    )
    assert opened(holder) == SECRET
