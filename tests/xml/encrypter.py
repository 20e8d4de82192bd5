"""Encrypting as an identity provider does, in every way that there is and some that there must not be [XMLEnc 1.1]."""

import base64
import hashlib
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from vestibule.xml.encryption import AES256_GCM, CONTENT, RSA_OAEP, RSA_OAEP_MGF1P, XENC, XENC11
from vestibule.xml.signature import DS

DIGEST_NAMES = {
    "sha1": DS + "sha1",
    "sha256": XENC + "sha256",
    "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha512": XENC + "sha512",
}


@dataclass(frozen=True, kw_only=True)
class How:
    """One way to encrypt. `digest` or `mask` None: not written, so that SHA-1 is meant."""

    content: str = AES256_GCM
    transport: str = RSA_OAEP_MGF1P
    digest: str | None = None
    mask: str | None = None
    beside: bool = False
    plain: Callable[[bytes], bytes] = lambda octets: octets
    seal: Callable[[bytes], bytes] = lambda octets: octets
    wrap: Callable[[bytes], bytes] = lambda octets: octets
    session: bytes | None = None
    random: Callable[[int], bytes] = os.urandom


def counted(word: str) -> Callable[[int], bytes]:
    """Octets that look random and are the same in every run: for vectors that are made anew, octet for octet."""
    count = itertools.count()

    def draw(length: int) -> bytes:
        return b"".join(hashlib.sha256(f"{word} {next(count)}".encode()).digest() for _ in range(-(-length // 32)))[
            :length
        ]

    return draw


def encrypt(element: etree._Element, key: RSAPublicKey, name: str, how: How | None = None) -> etree._Element:
    """Puts a `name` (in Clark notation) that holds `element`, encrypted for `key`, into its place."""
    how = how or How()
    octets = etree.tostring(element, with_tail=False)
    holder = holding(octets, key, name, how)
    parent = element.getparent()
    assert parent is not None
    holder.tail = element.tail
    parent.replace(element, holder)
    return holder


def holding(octets: bytes, key: RSAPublicKey, name: str, how: How) -> etree._Element:
    mode = CONTENT.get(how.content)
    session = how.session or how.random(mode.size if mode else 24)
    sealed = how.seal(_sealed(how.plain(octets), session, mode.mode if mode else "cbc", how.random))
    wrapped = how.wrap(_wrapped(session, key, how))
    holder = etree.Element(name, nsmap={"xenc": XENC, "ds": DS})
    data = _add(holder, XENC, "EncryptedData", Type=XENC + "Element")
    _add(data, XENC, "EncryptionMethod", Algorithm=how.content)
    info = _add(data, DS, "KeyInfo")
    _value(data, sealed)
    if how.beside:
        data.set("Id", "_data")
        _add(info, DS, "RetrievalMethod", URI="#_key", Type=XENC + "EncryptedKey")
    encrypted_key = _add(holder if how.beside else info, XENC, "EncryptedKey", Recipient="us")
    method = _add(encrypted_key, XENC, "EncryptionMethod", Algorithm=how.transport)
    if how.digest is not None:
        _add(method, DS, "DigestMethod", Algorithm=DIGEST_NAMES[how.digest])
    if how.mask is not None:
        _add(method, XENC11, "MGF", Algorithm=f"{XENC11}mgf1{how.mask}")
    _value(encrypted_key, wrapped)
    if how.beside:
        encrypted_key.set("Id", "_key")
        _add(_add(encrypted_key, XENC, "ReferenceList"), XENC, "DataReference", URI="#_data")
    return holder


def _sealed(octets: bytes, session: bytes, mode: str, random: Callable[[int], bytes]) -> bytes:
    if mode == "gcm":
        nonce = random(12)
        return nonce + AESGCM(session).encrypt(nonce, octets, None)
    length = 16 - len(octets) % 16
    vector = random(16)
    encryptor = Cipher(algorithms.AES(session), modes.CBC(vector)).encryptor()
    return vector + encryptor.update(octets + random(length - 1) + bytes([length])) + encryptor.finalize()


def _wrapped(session: bytes, key: RSAPublicKey, how: How) -> bytes:
    """RSAES-OAEP by hand [RFC 8017 7.1.1], since libraries take no seed; or, for those who must refuse it, PKCS#1 v1.5."""
    size = key.key_size // 8
    if how.transport not in (RSA_OAEP, RSA_OAEP_MGF1P):
        filler = bytes(octet % 255 + 1 for octet in how.random(size - 3 - len(session)))
        return _raised(b"\0\x02" + filler + b"\0" + session, key)
    digest, mask = how.digest or "sha1", how.mask or "sha1"
    empty = hashlib.new(digest, b"").digest()
    block = empty + bytes(size - len(session) - 2 * len(empty) - 2) + b"\x01" + session
    seed = how.random(len(empty))
    masked = _xor(block, _mgf1(seed, len(block), mask))
    return _raised(b"\0" + _xor(seed, _mgf1(masked, len(seed), mask)) + masked, key)


def _raised(block: bytes, key: RSAPublicKey) -> bytes:
    numbers = key.public_numbers()
    return pow(int.from_bytes(block), numbers.e, numbers.n).to_bytes(key.key_size // 8)


def _mgf1(seed: bytes, length: int, digest: str) -> bytes:
    """[RFC 8017 B.2.1]"""
    blocks = (hashlib.new(digest, seed + count.to_bytes(4)).digest() for count in itertools.count())
    mask = b""
    while len(mask) < length:
        mask += next(blocks)
    return mask[:length]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _value(parent: etree._Element, octets: bytes) -> None:
    _add(_add(parent, XENC, "CipherData"), XENC, "CipherValue").text = base64.b64encode(octets).decode("ascii")


def _add(parent: etree._Element, namespace: str, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{namespace}}}{name}", attributes)
