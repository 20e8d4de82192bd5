"""Rows S51 to S56: what is encrypted for us, by whom it was signed, what stands around it and what comes out."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from lxml import etree
from tests.builders_saml import Edit, response_xml
from tests.saml.test_trust import EVIL, forged
from tests.vectors.saml.corpus import OPENER, Vector, accepted, message, private_key, refused
from tests.xml.encrypter import How, counted, encrypt, holding

from vestibule.saml.names import ds, saml, samlp
from vestibule.saml.response import ENCRYPTED_ASSERTION
from vestibule.xml import signature
from vestibule.xml.encryption import AES128_GCM, RSA_OAEP, XENC

FAMILY = "encryption"
CLOSED = "xml.decryption"
SHAPE = "xml.encryption_shape"
ALGORITHM = "xml.encryption_algorithm"
CBC = How(content=XENC + "aes256-cbc")
ENCRYPTED_ID, ENCRYPTED_ATTRIBUTE = saml("EncryptedID"), saml("EncryptedAttribute")


def vectors() -> Iterator[Vector]:
    """This family, row by row."""
    yield from _honest()
    yield from _not_signed()
    yield from _oracles()
    yield from _confusion()
    yield from _inside()
    yield from _wrapping()
    yield from _names_and_attributes()


def public() -> Any:
    return private_key(OPENER).public_key()


def fixed(how: How | None, word: str) -> How:
    return replace(how or How(), random=counted(word))


def encrypted(
    how: How | None = None,
    *,
    around: Edit | None = None,
    sign: str = "assertion",
    within: bytes | None = None,
    **made: Any,
) -> bytes:
    """The plain message with its assertion encrypted; `around` is done to it afterwards, and then the Response is signed if it is to be."""
    inner = "assertion" if sign in ("assertion", "both") else "none"
    root = etree.fromstring(within or response_xml(key=private_key(), sign=inner, **made))
    encrypt(root.find(saml("Assertion")), public(), ENCRYPTED_ASSERTION, fixed(how, "assertion"))
    if around is not None:
        around(root)
    if sign in ("response", "both"):
        signature.sign(root, key=private_key(), after=saml("Issuer"))
    return etree.tostring(root)


def plain(change: Callable[[bytes], bytes]) -> bytes:
    """Encrypted, after this was done to the assertion's octets."""
    return encrypted(How(plain=change))


def other(*, signed: bool = False, hidden: bool = False) -> etree._Element:
    """A forged assertion."""
    root = etree.fromstring(response_xml(sign="none", name_id=EVIL, assertion_id="_evil"))
    assertion = root.find(saml("Assertion"))
    if signed:
        signature.sign(assertion, key=private_key("attacker"), after=saml("Issuer"))
    if not hidden:
        return assertion
    return holding(etree.tostring(assertion), public(), ENCRYPTED_ASSERTION, fixed(None, "other"))


def held(root: etree._Element) -> etree._Element:
    return root.find(ENCRYPTED_ASSERTION)


def part(root: etree._Element, *names: str) -> etree._Element:
    """A part of the EncryptedAssertion, by the local names of xenc and ds on the way."""
    at = held(root)
    for name in names:
        at = at.find(ds(name) if name in ("KeyInfo", "RetrievalMethod") else f"{{{XENC}}}{name}")
    return at


# One vector a line:
# fmt: off


def _honest() -> Iterator[Vector]:
    yield accepted(FAMILY, "aes256-gcm", "AES-256-GCM and RSA-OAEP with MGF1 of SHA-1; the assertion is signed inside.", encrypted())
    yield accepted(FAMILY, "aes128-gcm-oaep-sha-256", "AES-128-GCM and RSA-OAEP with SHA-256 in digest and mask, the key beside the data.", encrypted(How(content=AES128_GCM, transport=RSA_OAEP, digest="sha256", mask="sha256", beside=True)))
    yield accepted(FAMILY, "aes256-cbc-where-it-is-allowed", "AES-256-CBC of a connection whose operator said so.", encrypted(CBC), allow_cbc=True)
    yield accepted(FAMILY, "signed-around", "The Response is signed, the assertion in it is not.", encrypted(sign="response"))
    yield accepted(FAMILY, "signed-twice", "Both are signed.", encrypted(sign="both"))
    yield accepted(FAMILY, "encrypted-name", "The NameID alone is encrypted.", with_encrypted("NameID"))
    yield accepted(FAMILY, "encrypted-attributes", "Every attribute is encrypted, each by itself.", with_encrypted("Attribute"))


def _not_signed() -> Iterator[Vector]:
    yield refused("S51", "unsigned", "saml.unsigned", "Encrypted for us, and signed by nobody: anybody can do that.", encrypted(sign="none"))
    yield refused("S51", "another-signer-within", "xml.signature_value", "Encrypted for us, and signed by a key that is not the connection's.", encrypted(within=message(key=private_key("attacker"))))
    yield refused("S51", "unsigned-before-signed", "saml.one_assertion", "An unsigned encrypted assertion before the signed plain one.", _beside(message(), "before", hidden=True))
    yield refused("S51", "unsigned-after-signed", "saml.one_assertion", "An unsigned encrypted assertion after the signed plain one.", _beside(message(), "after", hidden=True))
    yield refused("S51", "unsigned-before-encrypted", "saml.one_assertion", "An unsigned plain assertion before the signed encrypted one.", _beside(encrypted(), "before", hidden=False))
    yield refused("S51", "two-encrypted", "saml.one_assertion", "Two encrypted assertions, of which one is signed.", _beside(encrypted(), "after", hidden=True))


def _oracles() -> Iterator[Vector]:
    flip = lambda octets: octets[:-1] + bytes([octets[-1] ^ 1])  # noqa: E731
    yield refused("S52", "cbc", ALGORITHM, "AES-CBC, where the connection does not allow it.", encrypted(CBC))
    yield refused("S52", "tripledes", ALGORITHM, "Triple DES, which nobody may use.", encrypted(How(content=XENC + "tripledes-cbc")), allow_cbc=True)
    yield refused("S52", "rsa-1-5", ALGORITHM, "The key travels under RSA PKCS#1 v1.5.", encrypted(How(transport=XENC + "rsa-1_5")), allow_cbc=True)
    yield refused("S52", "cbc-padding", CLOSED, "AES-CBC with a padding that says more octets than a block has.", encrypted(replace(CBC, seal=lambda octets: octets[:-17] + bytes([octets[-17] ^ 0xFF]) + octets[-16:])), allow_cbc=True)
    yield refused("S52", "cbc-cut", CLOSED, "AES-CBC without its last block.", encrypted(replace(CBC, seal=lambda octets: octets[:-16])), allow_cbc=True)
    yield refused("S52", "cbc-changed", CLOSED, "AES-CBC with one bit changed in its first block.", encrypted(replace(CBC, seal=lambda octets: bytes([octets[0] ^ 1]) + octets[1:])), allow_cbc=True)
    yield refused("S52", "gcm-changed", CLOSED, "AES-GCM with one bit of its tag changed.", encrypted(How(seal=flip)))
    yield refused("S52", "key-changed", CLOSED, "One bit of the encrypted key changed.", encrypted(How(wrap=flip)))
    yield refused("S52", "key-of-another-length", CLOSED, "A session key that is too short for its algorithm.", encrypted(How(session=bytes(16))))
    yield refused("S52", "signed-and-changed", "xml.signature_digest", "The Response is signed and the encrypted text changed: that is seen before anything is opened.", _changed_after_signing())


def _confusion() -> Iterator[Vector]:
    yield refused("S53", "two-keys", SHAPE, "Two EncryptedKeys, for two recipients.", encrypted(around=lambda root: part(root, "EncryptedData", "KeyInfo", "EncryptedKey").addnext(copy.deepcopy(part(root, "EncryptedData", "KeyInfo", "EncryptedKey")))))
    yield refused("S53", "two-data", SHAPE, "Two EncryptedData in one EncryptedAssertion.", encrypted(around=lambda root: part(root, "EncryptedData").addnext(copy.deepcopy(part(root, "EncryptedData")))))
    yield refused("S53", "no-key", SHAPE, "No EncryptedKey anywhere.", encrypted(around=lambda root: part(root, "EncryptedData", "KeyInfo").remove(part(root, "EncryptedData", "KeyInfo", "EncryptedKey"))))
    yield refused("S53", "no-key-info", SHAPE, "No KeyInfo, and no key beside.", encrypted(around=lambda root: part(root, "EncryptedData").remove(part(root, "EncryptedData", "KeyInfo"))))
    yield refused("S53", "key-in-the-wrong-place", SHAPE, "The EncryptedKey stands in CipherData.", encrypted(around=lambda root: part(root, "EncryptedData", "CipherData").append(part(root, "EncryptedData", "KeyInfo", "EncryptedKey"))))
    yield refused("S53", "key-in-a-key", SHAPE, "An EncryptedKey in the KeyInfo of the EncryptedKey, without end.", encrypted(around=_nested))
    yield refused("S53", "pointer-elsewhere", SHAPE, "A RetrievalMethod that leads to a file.", encrypted(How(beside=True), around=lambda root: part(root, "EncryptedData", "KeyInfo", "RetrievalMethod").set("URI", "file:///etc/passwd")))
    yield refused("S53", "cipher-reference", SHAPE, "A CipherReference: the text is to be fetched.", encrypted(around=_referring))
    yield refused("S53", "swapped", CLOSED, "The encrypted key and the encrypted text have changed places.", encrypted(around=_swapped))
    yield refused("S53", "content-only", SHAPE, "Of Type Content, not Element.", encrypted(around=lambda root: part(root, "EncryptedData").set("Type", XENC + "Content")))


def _inside() -> Iterator[Vector]:
    doctype = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    yield refused("S54", "doctype", CLOSED, "A DOCTYPE in the decrypted text.", plain(lambda octets: b"<!DOCTYPE x>" + octets))
    yield refused("S54", "entity-bomb", CLOSED, "Entities that multiply in the decrypted text.", plain(lambda octets: doctype + octets.replace(b">ada@", b">&b;ada@")))
    yield refused("S54", "external-entity", CLOSED, "An external entity in the decrypted text.", plain(lambda octets: b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + octets))
    yield refused("S54", "comment", CLOSED, "A comment in the decrypted text.", plain(lambda octets: octets.replace(b"ada@acme", b"ada@<!-- -->acme", 1)))
    yield refused("S54", "processing-instruction", CLOSED, "A processing instruction in the decrypted text.", plain(lambda octets: octets.replace(b"ada@acme", b"ada@<?x?>acme", 1)))
    yield refused("S54", "deep", CLOSED, "Elements nested 40 deep in the decrypted text.", plain(lambda octets: b"<a>" * 40 + b"</a>" * 40))
    yield refused("S54", "utf-16", CLOSED, "The decrypted text is UTF-16.", plain(lambda octets: octets.decode().encode("utf-16")))
    yield refused("S54", "two-elements", CLOSED, "Two assertions in the decrypted text.", plain(lambda octets: octets + octets))
    yield refused("S54", "text-beside", CLOSED, "Text beside the assertion in the decrypted text.", plain(lambda octets: octets + b"text"))
    yield refused("S54", "out-of-its-place", CLOSED, "End tags that would lead out of where the text is put.", plain(lambda octets: b"</saml:EncryptedAssertion></samlp:Response><a>" + octets))


def _wrapping() -> Iterator[Vector]:
    yield refused("S55", "signed-within-forged", "saml.one_assertion", "The forged assertion is encrypted, and holds the signed one.", encrypted(within=_forged(lambda evil, original: evil.append(original))))
    yield refused("S55", "forged-with-the-signature", "xml.signature_reference", "The forged assertion is encrypted, and has the Signature of another.", encrypted(within=_forged(lambda evil, original: evil[0].addnext(original.find(ds("Signature"))))))
    yield refused("S55", "signed-in-the-signature", "saml.one_assertion", "The forged assertion is encrypted; the signed one is an Object of its Signature.", encrypted(within=_forged(_object)))
    yield refused("S55", "encrypted-in-a-forged-one", "saml.one_assertion", "A plain forged assertion holds the encrypted signed one.", _within_forged())
    yield refused("S55", "in-extensions", "saml.one_assertion", "The encrypted assertion stands in the Response's Extensions, a forged one in its place.", _in_extensions())
    yield refused("S55", "a-response", CLOSED, "What comes out is a whole Response.", plain(lambda octets: message()))
    yield refused("S55", "encrypted-again", CLOSED, "What comes out is an EncryptedAssertion.", plain(lambda octets: etree.tostring(held(etree.fromstring(encrypted())))))


def _names_and_attributes() -> Iterator[Vector]:
    yield refused("S56", "name-that-does-not-open", CLOSED, "An EncryptedID whose text was changed before it was signed.", with_encrypted("NameID", seal=lambda octets: octets[:-1] + bytes([octets[-1] ^ 1])))
    yield refused("S56", "name-of-another-kind", CLOSED, "An EncryptedID that holds a BaseID.", with_encrypted("NameID", plain=lambda octets: f'<saml:BaseID xmlns:saml="{saml("")[1:-1]}"/>'.encode()))
    yield refused("S56", "name-twice", "saml.shape", "An EncryptedID beside a NameID: two subjects.", message(edit=_both_names))
    yield refused("S56", "name-by-cbc", ALGORITHM, "An EncryptedID by AES-CBC, where the connection does not allow it.", with_encrypted("NameID", content=XENC + "aes128-cbc"))
    yield refused("S56", "attribute-that-does-not-open", CLOSED, "An EncryptedAttribute whose text was changed before it was signed.", with_encrypted("Attribute", seal=lambda octets: octets[:-1] + bytes([octets[-1] ^ 1])))
    yield refused("S56", "attribute-of-another-kind", CLOSED, "An EncryptedAttribute that holds a NameID.", with_encrypted("Attribute", plain=lambda octets: f'<saml:NameID xmlns:saml="{saml("")[1:-1]}">x</saml:NameID>'.encode()))


# fmt: on


def with_encrypted(name: str, **how: Any) -> bytes:
    """The plain message with every NameID or Attribute encrypted before it was signed."""
    holder = ENCRYPTED_ID if name == "NameID" else ENCRYPTED_ATTRIBUTE

    def edit(root: etree._Element) -> None:
        for number, element in enumerate(list(root.iter(saml(name)))):
            encrypt(element, public(), holder, fixed(How(**how), f"{name} {number}"))

    return message(edit=edit)


def _beside(octets: bytes, place: str, *, hidden: bool) -> bytes:
    root = etree.fromstring(octets)
    there = next(root.iterchildren(saml("Assertion"), ENCRYPTED_ASSERTION))
    (there.addprevious if place == "before" else there.addnext)(other(hidden=hidden))
    return etree.tostring(root)


def _changed_after_signing() -> bytes:
    root = etree.fromstring(encrypted(sign="response"))
    value = part(root, "EncryptedData", "CipherData", "CipherValue")
    value.text = ("B" if (value.text or "")[0] != "B" else "C") + (value.text or "")[1:]
    return etree.tostring(root)


def _nested(root: etree._Element) -> None:
    key = part(root, "EncryptedData", "KeyInfo", "EncryptedKey")
    etree.SubElement(key, ds("KeyInfo")).append(copy.deepcopy(key))


def _referring(root: etree._Element) -> None:
    cipher = part(root, "EncryptedData", "CipherData")
    cipher.remove(cipher[0])
    etree.SubElement(cipher, f"{{{XENC}}}CipherReference", URI="http://evil.example/text")


def _swapped(root: etree._Element) -> None:
    one = part(root, "EncryptedData", "CipherData", "CipherValue")
    two = part(root, "EncryptedData", "KeyInfo", "EncryptedKey", "CipherData", "CipherValue")
    one.text, two.text = two.text, one.text


def _forged(combine: Callable[[etree._Element, etree._Element], Any]) -> bytes:
    """A Response with the forged assertion in the place of the signed one, which is put where `combine` puts it."""
    root = etree.fromstring(message())
    original, evil = root.find(saml("Assertion")), forged(root)
    root.replace(original, evil)
    combine(evil, original)
    return etree.tostring(root)


def _object(evil: etree._Element, original: etree._Element) -> None:
    mark = original.find(ds("Signature"))
    evil[0].addnext(mark)
    etree.SubElement(mark, ds("Object")).append(original)


def _within_forged() -> bytes:
    root = etree.fromstring(encrypted())
    evil, inner = other(), held(root)
    root.replace(inner, evil)
    evil.append(inner)
    return etree.tostring(root)


def _in_extensions() -> bytes:
    root = etree.fromstring(encrypted())
    inner = held(root)
    root.replace(inner, other())
    extensions = etree.Element(samlp("Extensions"))
    extensions.append(inner)
    root[0].addnext(extensions)
    return etree.tostring(root)


def _both_names(root: etree._Element) -> None:
    name = next(root.iter(saml("NameID")))
    name.addprevious(copy.deepcopy(name))
    encrypt(name, public(), ENCRYPTED_ID, fixed(None, "both names"))
