"""Signed JSON web tokens [RFC 7515, RFC 7519]: written with our key, read only with keys and algorithms we chose."""

import base64
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from vestibule.ground.errors import Refused
from vestibule.ground.hashing import b64url
from vestibule.jose.keys import SigningKey, verifying_key

MAX_LENGTH = 16_384
"""No ID token of ours comes near it, and no longer text is decoded."""
_MALFORMED = "This is not a compact signed token [RFC 7515 7.1]."


def sign(claims: Mapping[str, object], key: SigningKey, *, typ: str = "JWT") -> str:
    """A compact JWS of `claims` [RFC 7515 7.1], with the key's own algorithm and name in its header.

    Written here and not by the library: what it looks up about an algorithm takes as long as an ES256 signature does.
    """
    signed = f"{_protected(key.alg, key.kid, typ)}.{b64url(msgspec.json.encode(claims))}"
    return f"{signed}.{b64url(key.sign(signed.encode('ascii')))}"


@lru_cache(maxsize=64)
def _protected(alg: str, kid: str, typ: str) -> str:
    return b64url(msgspec.json.encode({"alg": alg, "kid": kid, "typ": typ}))


def read(
    token: str, keys: Sequence[Mapping[str, object]], algs: Sequence[str] = ("RS256", "ES256")
) -> dict[str, object]:
    """The claims of a token that one of `keys` (public JWKs) signed. Times and audience are the caller's to judge.

    The header names a key among ours and nothing more: keys or addresses in it are never read, its `alg` must be
    the key's own, and `crit` is refused [RFC 7515 4.1.11, RFC 8725 3.1].
    """
    header = _header(token)
    kid = header.get("kid")
    candidates = [key for key in keys if key.get("kid") == kid] if kid is not None else list(keys)
    for jwk in candidates:
        found = verifying_key(jwk)
        if found is None or found[0] not in algs or jwk.get("alg", found[0]) != found[0]:
            continue
        if header.get("alg") != found[0]:
            continue
        try:
            return _claims(jws.deserialize_compact(token, found[1], [found[0]]).payload)
        except (JoseError, ValueError):
            continue
    raise Refused(
        "jose.signature",
        "The token carries no valid signature of a key and algorithm that are expected here [RFC 8725 3.1].",
    )


def _header(token: str) -> dict[str, object]:
    if len(token) > MAX_LENGTH or token.count(".") != 2:
        raise Refused("jose.malformed", _MALFORMED)
    text = token.partition(".")[0]
    try:
        header = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True))
    except (ValueError, RecursionError) as error:
        raise Refused("jose.malformed", _MALFORMED) from error
    if not isinstance(header, dict):
        raise Refused("jose.malformed", _MALFORMED)
    if "crit" in header or "b64" in header:
        raise Refused("jose.critical", "The token demands an extension that is not understood here [RFC 7515 4.1.11].")
    return header


def _claims(payload: bytes | None) -> dict[str, object]:
    claims = json.loads(payload or b"")
    if not isinstance(claims, dict):
        raise ValueError("not an object")
    return claims
