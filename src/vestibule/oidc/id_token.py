"""The ID token [OIDC Core 2, 3.1.3.6, 3.2.2.10]: its claims, before they are signed."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from vestibule.ground.errors import Refused
from vestibule.ground.hashing import b64url


def claims(
    *,
    issuer: str,
    client_id: str,
    subject: str,
    now: datetime,
    lifetime: timedelta,
    auth_time: datetime,
    acr: str | None,
    amr: Sequence[str],
    nonce: str | None = None,
    sid: str | None = None,
    access_token: str | None = None,
    released: Mapping[str, object],
) -> dict[str, object]:
    """The claims of an ID token. `released` is what the application may know; no name of it can replace one of ours.

    `aud` is one string [OIDC Core 2 allows it]: widespread clients cannot read a list.
    """
    own = {
        "iss": issuer,
        "sub": subject,
        "aud": client_id,
        "exp": int((now + lifetime).timestamp()),
        "iat": int(now.timestamp()),
        "auth_time": int(auth_time.timestamp()),
        "nonce": nonce,
        "acr": acr,
        "amr": list(amr) or None,
        "sid": sid,
        "at_hash": None if access_token is None else token_hash(access_token),
    }
    mine = {name: value for name, value in own.items() if value is not None}
    return {name: value for name, value in plain(released).items() if name not in own} | mine


def plain(released: Mapping[str, object]) -> dict[str, object]:
    """Released claims as JSON knows them: tuples become lists."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in released.items()}


def token_hash(token: str) -> str:
    """at_hash: the left half of SHA-256, which is the hash of both RS256 and ES256 [OIDC Core 3.1.3.6]."""
    return b64url(hashlib.sha256(token.encode("ascii")).digest()[:16])


def hint(claims: Mapping[str, object], *, issuer: str) -> tuple[str, str, str | None]:
    """Client, subject and session that a *verified* id_token_hint names; it may have expired [OIDC Core 3.1.2.1].

    A hint is only compared with what is known already, never believed.
    """
    client_id, subject, sid = claims.get("aud"), claims.get("sub"), claims.get("sid")
    if claims.get("iss") != issuer or not isinstance(client_id, str) or not isinstance(subject, str):
        raise Refused("oidc.id_token_hint", "The id_token_hint is not an ID token of this issuer [OIDC Core 3.1.2.1].")
    return client_id, subject, sid if isinstance(sid, str) else None
