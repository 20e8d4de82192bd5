"""Client authentication [RFC 6749 2.3, OIDC Core 9]: one registered method, no fallback, constant time."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from vestibule.ground.errors import OAuthRefused
from vestibule.ground.hashing import digest, same
from vestibule.oidc import names


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What a client shows of itself: its name, the method it used, and the secret, if any."""

    client_id: str
    method: str
    secret: str | None = field(default=None, repr=False)


def present(authorization: str | None, parameters: Mapping[str, str]) -> Presented:
    """Reads the client's credentials; two methods at once are refused [RFC 6749 2.3].

    A `client_id` in the body beside HTTP Basic is tolerated where it is the same: widespread clients send it.
    """
    client_id = parameters.get("client_id") or None
    secret = parameters.get("client_secret") or None
    if parameters.get("client_assertion") or parameters.get("client_assertion_type"):
        raise _refused("Assertions are not a supported way for a client to authenticate.", "oidc.client_auth_method")
    if authorization is not None:
        basic = _basic(authorization)
        if secret is not None:
            raise OAuthRefused(
                "invalid_request",
                "The client authenticated in the header and in the body; one method only [RFC 6749 2.3].",
                code="oidc.client_auth_twice",
            )
        if client_id is not None and client_id != basic.client_id:
            raise _refused("The client_id in the body is not that of the Authorization header.", "oidc.client_mismatch")
        return basic
    if client_id is None:
        raise _refused("The request names no client [RFC 6749 3.2.1]; send client_id.", "oidc.client_missing")
    return Presented(client_id=client_id, method=names.NONE if secret is None else names.POST, secret=secret)


def verify(presented: Presented, *, method: str | None, secret_digests: Sequence[str]) -> None:
    """Holds what was presented against what is registered; `method` None stands for a client that does not exist.

    Every digest is compared, in constant time, so that neither length nor position of a match shows.
    """
    if method is None:
        raise _refused("The client is unknown, or is switched off.", "oidc.client_unknown")
    if presented.method != method:
        raise OAuthRefused(
            "invalid_client",
            "The client did not authenticate with the one method it is registered for [RFC 6749 2.3]; "
            "use that, or change token_endpoint_auth_method.",
            code="oidc.client_auth_method",
            want=method,
            got=presented.method,
        )
    if method == names.NONE:
        return
    shown = digest(presented.secret or "")
    matches = [same(shown, kept) for kept in secret_digests]
    if True not in matches:
        raise _refused("The client's secret is wrong.", "oidc.client_secret")


def _basic(authorization: str) -> Presented:
    """HTTP Basic, whose two parts are form-encoded before they are joined [RFC 6749 2.3.1]."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise _refused("The Authorization header is not HTTP Basic [RFC 6749 2.3.1].", "oidc.client_auth_method")
    try:
        client_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        client_id, secret = _form_decoded(client_id), _form_decoded(secret)
    except ValueError as error:
        raise _refused("The Authorization header cannot be decoded [RFC 7617 2].", "oidc.client_malformed") from error
    if not client_id or not secret:
        raise _refused("The Authorization header lacks a client id or a secret [RFC 7617 2].", "oidc.client_malformed")
    return Presented(client_id=client_id, method=names.BASIC, secret=secret)


def _form_decoded(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")


def _refused(why: str, code: str) -> OAuthRefused:
    return OAuthRefused("invalid_client", why, code=code)
