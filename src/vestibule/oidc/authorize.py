"""The authorization request [RFC 6749 4.1.1, OIDC Core 3.1.2, RFC 7636 4.3]: parameters in, a judged request out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vestibule.ground.errors import OAuthRefused
from vestibule.oidc import names, pkce

ResponseMode = Literal["query", "fragment", "form_post"]

_LOOPBACK = re.compile(r"http://(?P<host>127\.0\.0\.1|\[::1\])(?::(?P<port>[0-9]{1,5}))?(?P<rest>[/?].*)?")
_CONNECTION_HINT = "connection:"
_SSO = "sso:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRules:
    """What an application may ask. `public`: it has no secret. `unsolicited_tokens`: it takes tokens it never asked for."""

    client_id: str
    public: bool
    native: bool = False
    redirect_uris: tuple[str, ...] = ()
    response_types: tuple[str, ...] = (names.CODE,)
    require_pkce: bool = False
    unsolicited_tokens: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A valid authorization request. `response_type` is canonical; `scope` holds only what can be granted.

    `connection` names the connection (name or id) that the application wants; `login_hint` is a person or None.
    `unsolicited`: we made the request ourselves, so no challenge and no nonce exist.
    """

    client_id: str
    redirect_uri: str
    response_type: str
    response_mode: ResponseMode
    scope: tuple[str, ...]
    state: str | None = None
    nonce: str | None = None
    code_challenge: str | None = None
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    login_hint: str | None = None
    connection: str | None = None
    id_token_hint: str | None = None
    ui_locales: tuple[str, ...] = ()
    unsolicited: bool = False

    def wants(self, artefact: str) -> bool:
        """Whether the response type names `artefact`: "code", "token" or "id_token"."""
        return artefact in self.response_type.split()


class AuthorizationRefused(OAuthRefused):
    """A refused authorization request. Without a `redirect_uri` it is a page and never a redirect [RFC 6749 4.1.2.1]."""

    def __init__(
        self,
        error: str,
        why: str,
        *,
        redirect_uri: str | None = None,
        response_mode: ResponseMode | None = None,
        state: str | None = None,
        code: str | None = None,
        want: object = None,
        got: object = None,
    ) -> None:
        super().__init__(error, why, code=code, want=want, got=got)
        self.redirect_uri = redirect_uri
        self.response_mode = response_mode
        self.state = state


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """The trusted way back to the application, from the moment its redirect URI is known to be its own."""

    redirect_uri: str
    response_mode: ResponseMode
    state: str | None

    def refuse(
        self, error: str, why: str, *, code: str | None = None, want: object = None, got: object = None
    ) -> AuthorizationRefused:
        return AuthorizationRefused(
            error,
            why,
            redirect_uri=self.redirect_uri,
            response_mode=self.response_mode,
            state=self.state,
            code=code,
            want=want,
            got=got,
        )


def validate(parameters: Mapping[str, str], client: ClientRules, *, unsolicited: bool = False) -> AuthorizationRequest:
    """Judges an authorization request for a client that the caller has found and that is enabled.

    The redirect URI comes first: before it is known to be registered nothing is ever sent there. Everything after it
    is answered to it [RFC 6749 4.1.2.1, OIDC Core 3.1.2.6]. Parameters without a value count as absent, unknown
    ones are ignored [RFC 6749 3.1]. `unsolicited` says that we made the request ourselves (`direct` delivery).
    """
    given = {name: value for name, value in parameters.items() if value != ""}
    redirect_uri = _redirect_uri(given, client)
    kind = names.canonical(given.get("response_type", ""))
    fallback: ResponseMode = "fragment" if _is_browser_token(kind) else "query"
    way = _Way(
        redirect_uri=redirect_uri, response_mode=_error_mode(given, fallback, redirect_uri), state=given.get("state")
    )
    _refuse_request_objects(given, way)
    _check_response_type(given, kind, client, way, unsolicited)
    scope = _scope(given)
    _check_scope(kind, scope, way)
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        response_type=kind,
        response_mode=_response_mode(given, kind, fallback, way),
        scope=scope,
        state=given.get("state"),
        nonce=_nonce(given, kind, way, unsolicited),
        code_challenge=_code_challenge(given, kind, client, way, unsolicited),
        prompt=_prompt(given, way),
        max_age=_max_age(given, way),
        login_hint=_login_hint(given),
        connection=_connection(given),
        id_token_hint=given.get("id_token_hint"),
        ui_locales=tuple(given.get("ui_locales", "").split()),
        unsolicited=unsolicited,
    )


def redirect_uri_is_registered(given: str, client: ClientRules) -> bool:
    """Exact string comparison [RFC 9700 2.1]; for native applications a loopback port may vary [RFC 8252 7.3].

    Stricter than RFC 8252: only the literals 127.0.0.1 and [::1], never `localhost` [RFC 8252 8.3].
    """
    if given in client.redirect_uris:
        return True
    if not client.native:
        return False
    mine = _LOOPBACK.fullmatch(given)
    if mine is None or not 1 <= int(mine["port"] or "80") <= 65535:
        return False
    return any(
        other is not None and (other["host"], other["rest"]) == (mine["host"], mine["rest"])
        for other in map(_LOOPBACK.fullmatch, client.redirect_uris)
    )


def _redirect_uri(given: Mapping[str, str], client: ClientRules) -> str:
    """The one place that an answer may go. [RFC 6749 3.1.2.3] lets it be left out where only one is registered.

    Laxer than OIDC Core 3.1.2.1, which always wants it, for plain OAuth clients; the code stays bound to the URI.
    """
    uri = given.get("redirect_uri")
    if uri is None:
        if len(client.redirect_uris) == 1:
            return client.redirect_uris[0]
        raise AuthorizationRefused(
            "invalid_request",
            "The request names no redirect_uri, and the application has not exactly one registered [RFC 6749 3.1.2.3]; "
            "send the redirect_uri.",
            code="oidc.redirect_uri_missing",
        )
    if not redirect_uri_is_registered(uri, client):
        raise AuthorizationRefused(
            "invalid_request",
            "The redirect_uri is not, character for character, one that is registered for this application "
            "[RFC 9700 2.1]; correct the request, or register it.",
            code="oidc.redirect_uri_unregistered",
            want=" ".join(client.redirect_uris),
            got=uri,
        )
    return uri


def _is_browser_token(kind: str) -> bool:
    return names.TOKEN in kind.split() or names.ID_TOKEN in kind.split()


def _error_mode(given: Mapping[str, str], fallback: ResponseMode, redirect_uri: str) -> ResponseMode:
    """How errors travel: as asked, where that is possible; an unusable wish falls back to the response type's own mode."""
    modes: Mapping[str, ResponseMode] = {"fragment": "fragment"}
    if _takes_posts(redirect_uri):
        modes = {**modes, "form_post": "form_post"}
    return modes.get(given.get("response_mode", ""), fallback)


def _takes_posts(redirect_uri: str) -> bool:
    """A form is posted over http and https; what a private-use scheme [RFC 8252 7.1] opens takes none."""
    return redirect_uri.startswith(("https://", "http://"))


def _refuse_request_objects(given: Mapping[str, str], way: _Way) -> None:
    """Request objects and registration in passing are not offered, and are refused by name [OIDC Core 3.1.2.6]."""
    for name in ("request", "request_uri", "registration"):
        if name in given:
            raise way.refuse(
                f"{name}_not_supported",
                f"The parameter {name} is not supported [OIDC Core 3.1.2.6]; send the parameters themselves.",
            )


def _check_response_type(
    given: Mapping[str, str], kind: str, client: ClientRules, way: _Way, unsolicited: bool
) -> None:
    """Only what the application is registered for [RFC 6749 3.1.1]: code by default, tokens by the browser by choice."""
    if kind == "":
        raise way.refuse(
            "invalid_request", "The request has no response_type [RFC 6749 3.1.1]; send response_type=code."
        )
    if kind not in names.RESPONSE_TYPES:
        raise way.refuse(
            "unsupported_response_type",
            "This response_type is not supported [RFC 6749 4.1.2.1].",
            want=", ".join(names.RESPONSE_TYPES),
            got=given["response_type"],
        )
    if unsolicited:
        _check_unsolicited_type(kind, client, way)
    elif kind not in {names.canonical(registered) for registered in client.response_types}:
        raise way.refuse(
            "unauthorized_client",
            "The application is not registered for this response_type [RFC 6749 4.1.2.1]; "
            "use the code flow with PKCE, or add it to the application's response_types.",
            code="oidc.response_type_not_allowed",
            want=", ".join(client.response_types),
            got=kind,
        )


def _check_unsolicited_type(kind: str, client: ClientRules, way: _Way) -> None:
    """What nobody asked for can be a code that needs the client's secret, or tokens for a client that takes them.

    A code for a public client would be redeemable by whoever holds it, for there is no challenge [RFC 9700 2.1.1].
    """
    if not client.public and kind != names.CODE:
        raise way.refuse(
            "unauthorized_client",
            "Vestibule's own request to a confidential application can only ask for a code.",
            code="oidc.unsolicited_response_type",
            want=names.CODE,
            got=kind,
        )
    if client.public and (kind == names.CODE or not client.unsolicited_tokens):
        raise way.refuse(
            "unauthorized_client",
            "Vestibule's own request to a public application can only ask for tokens in the fragment, and only where "
            "the application sets allow_unsolicited_tokens; without PKCE its code could be redeemed by anybody.",
            code="oidc.unsolicited_response_type",
            want="id_token, token",
            got=kind,
        )


def _response_mode(given: Mapping[str, str], kind: str, fallback: ResponseMode, way: _Way) -> ResponseMode:
    """[OAuth Multiple Response Types 2.1]; tokens never travel in a query, where servers and proxies log them [ibid. 3]."""
    match given.get("response_mode"):
        case None:
            return fallback
        case "form_post" if _takes_posts(way.redirect_uri):
            return "form_post"
        case "fragment":
            return "fragment"
        case "query" if not _is_browser_token(kind):
            return "query"
        case other:
            raise way.refuse(
                "invalid_request",
                "This response_mode is unknown, would put tokens into a query [OAuth Multiple Response Types 3], or "
                "would post to a redirect URI that takes no posts.",
                code="oidc.response_mode",
                want=", ".join(names.RESPONSE_MODES),
                got=other,
            )


def _scope(given: Mapping[str, str]) -> tuple[str, ...]:
    """What can be granted of what was asked, in the order asked, once each; the rest is ignored [RFC 6749 3.3]."""
    return tuple(dict.fromkeys(scope for scope in given.get("scope", "").split(" ") if scope in names.SCOPES))


def _check_scope(kind: str, scope: tuple[str, ...], way: _Way) -> None:
    """A plain OAuth request, without `openid`, gets no ID token [OIDC Core 3.1.2.1], so it cannot ask for one."""
    if names.ID_TOKEN in kind.split() and names.OPENID not in scope:
        raise way.refuse(
            "invalid_scope", "An ID token is only given where the scope contains openid [OIDC Core 3.1.2.1]."
        )


def _nonce(given: Mapping[str, str], kind: str, way: _Way, unsolicited: bool) -> str | None:
    """An ID token that comes by the browser answers a nonce [OIDC Core 3.2.2.1]; nobody sent one where we ask ourselves."""
    nonce = given.get("nonce")
    if unsolicited:
        if nonce is not None:
            raise way.refuse(
                "invalid_request",
                "A nonce cannot be configured: it would be the same for every person and prove nothing.",
                code="oidc.unsolicited_parameter",
                got="nonce",
            )
        return None
    if nonce is None and names.ID_TOKEN in kind.split():
        raise way.refuse(
            "invalid_request",
            "An ID token in the authorization response needs a nonce [OIDC Core 3.2.2.1].",
            code="oidc.nonce_missing",
        )
    return nonce


def _code_challenge(
    given: Mapping[str, str], kind: str, client: ClientRules, way: _Way, unsolicited: bool
) -> str | None:
    """The PKCE challenge: S256 only, where RFC 7636 4.3 takes a missing method for `plain` [RFC 9700 2.1.1]."""
    challenge, method = given.get("code_challenge"), given.get("code_challenge_method")
    if unsolicited:
        if challenge is not None or method is not None:
            raise way.refuse(
                "invalid_request",
                "A code_challenge cannot be configured: nobody holds its verifier.",
                code="oidc.unsolicited_parameter",
                got="code_challenge",
            )
        return None
    if kind != names.CODE:
        return None
    if challenge is None and method is None:
        if client.public or client.require_pkce:
            raise way.refuse(
                "invalid_request",
                "This application must send a code_challenge with code_challenge_method=S256 [RFC 7636 4.4.1].",
                code="oidc.pkce_required",
            )
        return None
    if method != names.S256:
        raise way.refuse(
            "invalid_request",
            "Only code_challenge_method=S256 is supported [RFC 7636 4.4.1]; a missing method means plain.",
            code="oidc.pkce_method",
            want=names.S256,
            got=method,
        )
    if challenge is None or not pkce.is_challenge(challenge):
        raise way.refuse(
            "invalid_request",
            "The code_challenge is not the base64url of a SHA-256 digest [RFC 7636 4.2].",
            code="oidc.pkce_challenge",
        )
    return challenge


def _prompt(given: Mapping[str, str], way: _Way) -> frozenset[str]:
    """`none` with any other value is refused [OIDC Core 3.1.2.1]."""
    prompt = frozenset(given.get("prompt", "").split(" ")) - {""}
    if "none" in prompt and len(prompt) > 1:
        raise way.refuse(
            "invalid_request",
            "prompt=none cannot be combined with another prompt [OIDC Core 3.1.2.1].",
            code="oidc.prompt",
            got=" ".join(sorted(prompt)),
        )
    return prompt


def _max_age(given: Mapping[str, str], way: _Way) -> int | None:
    """Seconds since the person was last asked to prove themselves [OIDC Core 3.1.2.1]."""
    text = given.get("max_age")
    if text is None:
        return None
    if re.fullmatch(r"[0-9]{1,9}", text) is None:
        raise way.refuse(
            "invalid_request",
            "max_age is not a number of seconds, zero or more [OIDC Core 3.1.2.1].",
            code="oidc.max_age",
            got=text,
        )
    return int(text)


def _connection(given: Mapping[str, str]) -> str | None:
    """The connection that the application names: `connection`, `direct_sign_in=sso:ID`, or the hint we sent it ourselves.

    `login_hint=connection:NAME` is what an initiated login carried [OIDC Core 4]; other direct sign-in methods are
    not ours to offer and are ignored.
    """
    if named := given.get("connection"):
        return named
    direct = given.get("direct_sign_in", "")
    if direct.startswith(_SSO) and direct != _SSO:
        return direct.removeprefix(_SSO)
    hint = given.get("login_hint", "")
    if hint.startswith(_CONNECTION_HINT) and hint != _CONNECTION_HINT:
        return hint.removeprefix(_CONNECTION_HINT)
    return None


def _login_hint(given: Mapping[str, str]) -> str | None:
    """A person's name at their identity provider; never the connection hint of an initiated login."""
    hint = given.get("login_hint")
    return None if hint is None or hint.startswith(_CONNECTION_HINT) else hint
