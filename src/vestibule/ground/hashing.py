"""Digests and comparisons: secrets are stored as digests, and compared in constant time."""

import binascii
import hashlib
import hmac

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def b64url(data: bytes) -> str:
    """Unpadded base64url text [RFC 7515 2]."""
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def digest(secret: str) -> str:
    """What the store keeps of a generated secret: base64url(SHA-256). Good only for secrets of 128 bits or more."""
    return b64url(hashlib.sha256(secret.encode()).digest())


def keyed(key: bytes, *parts: str) -> str:
    """A keyed digest of several values, each with its length in front, so that no two lists of parts collide."""
    raw = [part.encode() for part in parts]
    return b64url(hmac.digest(key, b"".join([len(part).to_bytes(8, "big") + part for part in raw]), "sha256"))


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
