"""Digests and comparisons: secrets are stored as digests, and compared in constant time."""

import base64
import hashlib
import hmac


def b64url(data: bytes) -> str:
    """Unpadded base64url text [RFC 7515 2]."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def digest(secret: str) -> str:
    """What the store keeps of a generated secret: base64url(SHA-256). Good only for secrets of 128 bits or more."""
    return b64url(hashlib.sha256(secret.encode()).digest())


def keyed(key: bytes, *parts: str) -> str:
    """A keyed digest of several values, each with its length in front, so that no two lists of parts collide."""
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        raw = part.encode()
        mac.update(len(raw).to_bytes(8, "big") + raw)
    return b64url(mac.digest())


def same(one: str, other: str) -> bool:
    """Whether two texts are equal, in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())
