"""XML encryption, the part that SAML needs [XMLEnc 1.1, SAMLCore 6]: opening what was encrypted for one of our keys.

What fails for a reason that only the holder of a key can know is one refusal, after the same work: which of the steps it
was would tell a stranger, post by post, what somebody else's message says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from vestibule.ground.errors import Refused
from vestibule.xml.parse import base64_octets
from vestibule.xml.signature import DS

XENC: Final = "http://www.w3.org/2001/04/xmlenc#"
XENC11: Final = "http://www.w3.org/2009/xmlenc11#"
RSA_OAEP_MGF1P: Final = XENC + "rsa-oaep-mgf1p"
RSA_OAEP: Final = XENC11 + "rsa-oaep"
AES128_GCM: Final = XENC11 + "aes128-gcm"
AES256_GCM: Final = XENC11 + "aes256-gcm"
ENCRYPTED_DATA: Final = f"{{{XENC}}}EncryptedData"
_ENCRYPTED_KEY: Final = f"{{{XENC}}}EncryptedKey"
_ELEMENT: Final = XENC + "Element"
_CONTENT: Final = XENC + "Content"


class _Content(NamedTuple):
    """An AES mode and the length of its key in octets."""

    mode: str
    size: int


CONTENT: Final[Mapping[str, _Content]] = MappingProxyType(
    {
        AES128_GCM: _Content("gcm", 16),
        XENC11 + "aes192-gcm": _Content("gcm", 24),
        AES256_GCM: _Content("gcm", 32),
        XENC + "aes128-cbc": _Content("cbc", 16),
        XENC + "aes192-cbc": _Content("cbc", 24),
        XENC + "aes256-cbc": _Content("cbc", 32),
    }
)
_DIGESTS: Final[Mapping[str, hashes.HashAlgorithm]] = MappingProxyType(
    {
        DS + "sha1": hashes.SHA1(),  # noqa: S303 within OAEP nothing rests on collisions [RFC 8017 B.1]
        XENC + "sha256": hashes.SHA256(),
        "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384(),
        XENC + "sha512": hashes.SHA512(),
    }
)
_MASKS: Final[Mapping[str, hashes.HashAlgorithm]] = MappingProxyType(
    {
        XENC11 + "mgf1sha1": hashes.SHA1(),  # noqa: S303 as above
        XENC11 + "mgf1sha256": hashes.SHA256(),
        XENC11 + "mgf1sha384": hashes.SHA384(),
        XENC11 + "mgf1sha512": hashes.SHA512(),
    }
)
_SHA1: Final = DS + "sha1"
_MGF1_SHA1: Final = XENC11 + "mgf1sha1"
_GCM_NONCE: Final = 12
_GCM_TAG: Final = 16
_BLOCK: Final = 16


def methods(*, allow_cbc: bool) -> tuple[str, ...]:
    """The names of the algorithms that are opened, the best of each kind first, as metadata tells them."""
    content = sorted(CONTENT, key=lambda name: (CONTENT[name].mode != "gcm", -CONTENT[name].size))
    return (*(name for name in content if allow_cbc or CONTENT[name].mode == "gcm"), RSA_OAEP, RSA_OAEP_MGF1P)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decryption:
    """What one connection's messages are opened with: its keys, and whether AES-CBC is accepted. Shows no key."""

    keys: tuple[RSAPrivateKey, ...] = field(repr=False)
    allow_cbc: bool = False


NO_DECRYPTION: Final = Decryption(keys=())
"""Nothing is opened: whatever is encrypted is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What came out. `octets` are None if nothing did, for whichever reason; `how` names the algorithms, which are no secret."""

    octets: bytes | None = field(repr=False)
    how: str
    size: int
    """Octets of what was encrypted, as far as anybody can tell."""


def decrypt(encrypted: etree._Element, decryption: Decryption) -> Opened:
    """Opens the EncryptedData of an EncryptedAssertion, EncryptedID or EncryptedAttribute [SAMLCore 2.2.4, 2.3.4, 2.7.3.2].

    Stricter than [XMLEnc]: one EncryptedKey, inside or beside EncryptedData; AES-GCM, or AES-CBC where the connection says
    so; RSA-OAEP; nothing is fetched, no reference followed, and KeyInfo never chooses a key. What is visible to anybody
    (shape, names of algorithms) is refused by its own code. The rest comes back as `octets=None`, never earlier.
    """
    data, key = _data_and_key(encrypted)
    content, content_name = _content(_only(data, "EncryptionMethod"), decryption.allow_cbc)
    oaep, key_name = _key_transport(_only(key, "EncryptionMethod"))
    wrapped, sealed = _cipher_value(key), _cipher_value(data)
    how = f"{content_name} with {key_name}"
    if not decryption.keys:
        raise Refused(
            "xml.encryption_no_key",
            "The message is encrypted, but no key of ours was ever handed out for this connection. Let the identity provider "
            "read this connection's metadata, or switch encryption off there.",
        )
    session_keys = [_unwrapped(wrapped, oaep, private) for private in decryption.keys]
    fitting = [session for session in session_keys if session is not None and len(session) == content.size]
    # Without a key the work goes on with another one, and its result is thrown away.
    octets = _decrypted(sealed, content, fitting[0] if fitting else bytes(content.size))
    return Opened(octets=octets if fitting else None, how=how, size=len(sealed))


def refused() -> Refused:
    """The one refusal of all that does not open: a wrong key, a changed message, bad padding, and no XML inside."""
    return Refused(
        "xml.decryption",
        "The encrypted part could not be opened with any key of this connection, or what came out is not what belongs there. "
        "If our encryption key was rotated, give the identity provider the new certificate (it is in this connection's metadata).",
    )


# -- the visible parts, each read from its own place -------------------------------------------------------------------


def _data_and_key(encrypted: etree._Element) -> tuple[etree._Element, etree._Element]:
    """EncryptedData, and the one EncryptedKey: in its KeyInfo, or beside it [SAMLCore 2.2.4]."""
    names = [child.tag for child in encrypted]
    if names not in ([ENCRYPTED_DATA], [ENCRYPTED_DATA, _ENCRYPTED_KEY]):
        raise _misshapen(encrypted, "one EncryptedData and at most one EncryptedKey")
    _only_attributes(encrypted)
    data = encrypted[0]
    _only_attributes(data, "Id", "Type")
    if data.get("Type", _ELEMENT) != _ELEMENT:
        raise _misshapen(data, f"Type {_ELEMENT}")
    _only_children(data, _xenc("EncryptionMethod"), _ds("KeyInfo"), _xenc("CipherData"))
    info = data.find(_ds("KeyInfo"))
    inside = [] if info is None else list(info)
    beside = list(encrypted)[1:]
    if len(beside) == 1:
        key = beside[0]
        # A pointer to the key beside it is passed over, not followed: there is no other that could be meant.
        if inside and not (len(inside) == 1 and _points_at(inside[0], key)):
            raise _misshapen(data, "nothing in KeyInfo but a RetrievalMethod for the EncryptedKey beside it")
    elif len(inside) == 1 and inside[0].tag == _ENCRYPTED_KEY:
        key = inside[0]
    else:
        raise _misshapen(data, "exactly one EncryptedKey, in its KeyInfo or beside it")
    _judge_key(key, data)
    if [*encrypted.iter(ENCRYPTED_DATA, _ENCRYPTED_KEY)] != [data, key]:
        raise _misshapen(encrypted, "no other EncryptedData or EncryptedKey, wherever it hides")
    return data, key


def _judge_key(key: etree._Element, data: etree._Element) -> None:
    """Who it is for, which certificate it names and what it says to be about choose nothing, and must not lead elsewhere."""
    _only_attributes(key, "Id", "Recipient", "Type")
    if key.get("Type") in (_ELEMENT, _CONTENT):
        # Readers that heed it parse the key as XML, and open nothing.
        raise _misshapen(key, "no Type of XML: a key is octets")
    _only_children(key, _xenc("EncryptionMethod"), _ds("KeyInfo"), _xenc("CipherData"), _xenc("ReferenceList"))
    info = key.find(_ds("KeyInfo"))
    allowed = {_ds("X509Data"), _ds("KeyName"), _ds("KeyValue")}
    if info is not None and not {child.tag for child in info} <= allowed:
        raise _misshapen(info, "nothing but X509Data, KeyName or KeyValue about an EncryptedKey")
    references = key.find(_xenc("ReferenceList"))
    if references is not None:
        about = [(child.tag, child.get("URI")) for child in references]
        if about != [(_xenc("DataReference"), f"#{data.get('Id', '')}")]:
            raise _misshapen(references, "one DataReference, to the EncryptedData")


def _points_at(method: etree._Element, key: etree._Element) -> bool:
    return method.tag == _ds("RetrievalMethod") and not len(method) and method.get("URI") == f"#{key.get('Id', '')}"


def _content(method: etree._Element, allow_cbc: bool) -> tuple[_Content, str]:
    name = _algorithm(method)
    if len(method):
        raise _misshapen(method, "no parameters")
    content = CONTENT.get(name)
    if content is None:
        raise _unwelcome(name, "AES-GCM (aes256-gcm or aes128-gcm)")
    if content.mode == "cbc" and not allow_cbc:
        raise Refused(
            "xml.encryption_algorithm",
            "The message is encrypted with AES-CBC, which does not protect it from being changed. Set AES-GCM at the identity "
            "provider; where it has no other, allow_cbc_encryption accepts this weaker choice.",
            want=AES256_GCM,
            got=name,
        )
    return content, _short(name)


def _key_transport(method: etree._Element) -> tuple[padding.OAEP, str]:
    """RSA-OAEP in both spellings: MGF1 with SHA-1 always [XMLEnc 5.5.2], or the MGF that is named [XMLEnc 1.1 5.5.2]."""
    name = _algorithm(method)
    if name not in (RSA_OAEP_MGF1P, RSA_OAEP):
        raise _unwelcome(name, "RSA-OAEP for the key (rsa-oaep-mgf1p)")
    allowed = [_ds("DigestMethod"), f"{{{XENC11}}}MGF"] if name == RSA_OAEP else [_ds("DigestMethod")]
    parameters = [child.tag for child in method]
    if len(set(parameters)) != len(parameters) or not set(parameters) <= set(allowed):
        raise _misshapen(method, "at most a DigestMethod and, for rsa-oaep, an MGF")
    digest_name, mask_name = _SHA1, _MGF1_SHA1
    for child in method:
        if len(child):
            raise _misshapen(child, "no parameters")
        if child.tag == _ds("DigestMethod"):
            digest_name = _algorithm(child)
        else:
            mask_name = _algorithm(child)
    digest, mask = _DIGESTS.get(digest_name), _MASKS.get(mask_name)
    if digest is None or mask is None:
        raise _unwelcome(digest_name if digest is None else mask_name, "SHA-1, SHA-256, SHA-384 or SHA-512 in RSA-OAEP")
    said = f"{_short(name)} ({_short(digest_name)}, {_short(mask_name)})"
    return padding.OAEP(mgf=padding.MGF1(mask), algorithm=digest, label=None), said


def _cipher_value(element: etree._Element) -> bytes:
    """The octets of the one CipherValue. A CipherReference would have us fetch something: it is refused."""
    data = _only(element, "CipherData")
    if [child.tag for child in data] != [_xenc("CipherValue")]:
        raise _misshapen(data, "one CipherValue")
    _only_attributes(data)
    _only_attributes(data[0])
    octets = base64_octets(data[0])
    if not octets:
        raise _misshapen(data[0], "base64")
    return octets


# -- what only the holder of a key can know ------------------------------------------------------------------------------


def _unwrapped(wrapped: bytes, oaep: padding.OAEP, private: RSAPrivateKey) -> bytes | None:
    try:
        return private.decrypt(wrapped, oaep)
    except ValueError:
        return None


def _decrypted(sealed: bytes, content: _Content, key: bytes) -> bytes | None:
    if content.mode == "gcm":
        if len(sealed) < _GCM_NONCE + _GCM_TAG:
            return None
        try:
            return AESGCM(key).decrypt(sealed[:_GCM_NONCE], sealed[_GCM_NONCE:], None)
        except InvalidTag:
            return None
    if len(sealed) < 2 * _BLOCK or len(sealed) % _BLOCK:
        return None
    decryptor = Cipher(algorithms.AES(key), modes.CBC(sealed[:_BLOCK])).decryptor()
    padded = decryptor.update(sealed[_BLOCK:]) + decryptor.finalize()
    # Only the last octet of the padding means something [XMLEnc 5.2]; the others are anything.
    return padded[: -padded[-1]] if 1 <= padded[-1] <= _BLOCK else None


# -- reading -------------------------------------------------------------------------------------------------------------


def _only(element: etree._Element, name: str) -> etree._Element:
    found = element.findall(_xenc(name))
    if len(found) != 1:
        raise _misshapen(element, f"one {name}")
    return found[0]


def _only_children(element: etree._Element, *names: str) -> None:
    """These, each at most once, in the order of the schema: readers that go by it do not open any other."""
    tags = [child.tag for child in element]
    if tags != [name for name in names if name in tags]:
        wanted = ", ".join(etree.QName(name).localname for name in names)
        raise _misshapen(element, f"{wanted}, each at most once and in this order")


def _only_attributes(element: etree._Element, *names: str) -> None:
    if not set(element.keys()) <= set(names):
        raise _misshapen(element, f"no attributes but {', '.join(names) or 'none'}")


def _algorithm(method: etree._Element) -> str:
    _only_attributes(method, "Algorithm")
    return method.get("Algorithm", "")


def _misshapen(element: etree._Element, want: str) -> Refused:
    return Refused(
        "xml.encryption_shape",
        f"<{etree.QName(element).localname}> is not as [XMLEnc] and this profile want it.",
        want=want,
    )


def _unwelcome(name: str, wanted: str) -> Refused:
    return Refused(
        "xml.encryption_algorithm",
        f"The message is encrypted in a way that is never accepted ({_short(name) or 'no algorithm is named'}). At the identity "
        f"provider, set for this service provider: {wanted}.",
        want=wanted,
        got=name,
    )


def _short(name: str) -> str:
    return name.rpartition("#")[2][:40]


def _xenc(name: str) -> str:
    return f"{{{XENC}}}{name}"


def _ds(name: str) -> str:
    return f"{{{DS}}}{name}"
