"""What is wrong with an application as it is configured [house rule]."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from vestibule.ground.errors import Fault
from vestibule.ground.url import is_plain_web_url, is_prefix, is_web_url, origin
from vestibule.model.application import Application, ApplicationType, ClientAuth

_CLIENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}")
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")
_ALGORITHMS = ("RS256", "ES256")
_RESPONSE_TYPES = ({"code"}, {"token"}, {"id_token"}, {"id_token", "token"})
_GRANT_TYPES = frozenset({"authorization_code", "refresh_token", "implicit", "client_credentials"})
_PUBLIC = (ApplicationType.SPA, ApplicationType.NATIVE)
_PEOPLE = (ApplicationType.WEB, ApplicationType.SPA, ApplicationType.NATIVE)


def application_faults(application: Application) -> Iterator[Fault]:
    """Everything wrong with this application by itself."""
    at = f"applications.{application.client_id}"
    if not _CLIENT_ID.fullmatch(application.client_id):
        yield Fault(
            path=f"{at}.client_id",
            code="application.client_id",
            message="1 to 128 letters, digits, `.`, `_`, `~` or `-`, beginning with a letter or digit: it stands in URLs",
        )
    if not application.name.strip():
        yield Fault(path=f"{at}.name", code="application.name", message="people read it: give it a name")
    if application.type is ApplicationType.SAML:
        yield Fault(
            path=f"{at}.type",
            code="application.saml_not_supported",
            message="applications that speak SAML come with a later version of Vestibule: leave this one out for now",
        )
        return
    yield from _redirect_faults(application, at)
    yield from _link_faults(application, at)
    yield from _authentication_faults(application, at)
    yield from _token_faults(application, at)


def _redirect_faults(application: Application, at: str) -> Iterator[Fault]:
    asks_for_code = "authorization_code" in application.grant_types
    if application.type in _PEOPLE and asks_for_code and not application.redirect_uris:
        yield Fault(
            path=f"{at}.redirect_uris",
            code="application.no_redirect_uri",
            message="nobody can be sent back to this application: register at least one redirect URI",
        )
    if application.type is ApplicationType.MACHINE and application.redirect_uris:
        yield Fault(
            path=f"{at}.redirect_uris",
            code="application.machine_redirect_uri",
            message="nobody signs in to a `machine` application: remove its redirect URIs, or choose another type",
        )
    for name, uris in (
        ("redirect_uris", application.redirect_uris),
        ("post_logout_redirect_uris", application.post_logout_redirect_uris),
    ):
        yield from _uri_faults(application, f"{at}.{name}", uris)


def _uri_faults(application: Application, at: str, uris: Sequence[str]) -> Iterator[Fault]:
    """Absolute, without fragment [RFC 6749 3.1.2]; https, http on loopback, or a native application's private scheme."""
    for index, uri in enumerate(uris):
        if "#" in uri:
            message = "must have no fragment: remove `#` and what follows"
        elif "*" in uri:
            message = "is compared character for character: write every redirect URI out, without `*`"
        elif not (_is_private(uri, application) or (is_web_url(uri) and is_plain_web_url(uri))):
            message = (
                "must be an absolute https URL (http only on a loopback host), without userinfo or dot segments; a `native`"
                " application may use a private scheme with a dot in it, such as com.example.app:/callback"
            )
        elif uri in uris[:index]:
            message = "is listed twice: remove one"
        else:
            continue
        yield Fault(path=f"{at}[{index}]", code="application.redirect_uri", message=message)


def _is_private(uri: str, application: Application) -> bool:
    """A private-use scheme [RFC 8252 7.1]: a reversed domain name, so that `javascript:` and `data:` are none."""
    if application.type is not ApplicationType.NATIVE or not uri.isprintable() or " " in uri or "\\" in uri:
        return False
    try:
        return _PRIVATE_SCHEME.fullmatch(urlsplit(uri).scheme) is not None
    except ValueError:
        return False


def _link_faults(application: Application, at: str) -> Iterator[Fault]:
    entrance = application.initiate_login_uri
    if entrance is not None and not (is_web_url(entrance) and is_plain_web_url(entrance) and "#" not in entrance):
        yield Fault(
            path=f"{at}.initiate_login_uri",
            code="application.initiate_login_uri",
            message="must be an absolute https URL (http only on a loopback host) without fragment [OIDC Core 4]",
        )
    for index, prefix in enumerate(application.target_link_uris):
        if not (is_web_url(prefix) and is_prefix(prefix)):
            yield Fault(
                path=f"{at}.target_link_uris[{index}]",
                code="application.target_link_uri",
                message="must be an https URL (http only on a loopback host) that ends with its path: no query, fragment,"
                " userinfo or dot segments",
            )
    for index, allowed in enumerate(application.web_origins):
        if origin(allowed) != allowed:
            yield Fault(
                path=f"{at}.web_origins[{index}]",
                code="application.web_origin",
                message=f"must be an origin and nothing else, such as {origin(allowed) or 'https://crm.example'}",
            )


def _authentication_faults(application: Application, at: str) -> Iterator[Fault]:
    method = application.token_endpoint_auth_method
    if application.type in _PUBLIC and method is not ClientAuth.NONE:
        yield Fault(
            path=f"{at}.token_endpoint_auth_method",
            code="application.public_with_secret",
            message=f"a `{application.type}` application cannot keep a secret: use `none`",
        )
    elif application.type in _PUBLIC and application.secret_digests:
        yield Fault(
            path=f"{at}.client_secret",
            code="application.public_with_secret",
            message=f"a `{application.type}` application cannot keep a secret: leave `client_secret` out",
        )
    elif application.type is ApplicationType.MACHINE and method is ClientAuth.NONE:
        yield Fault(
            path=f"{at}.token_endpoint_auth_method",
            code="application.machine_without_secret",
            message="a `machine` application is known by its secret alone: use `client_secret_basic` or `client_secret_post`",
        )
    elif method is not ClientAuth.NONE and not application.secret_digests:
        yield Fault(
            path=f"{at}.client_secret",
            code="application.no_secret",
            message=f"`{method}` needs a secret: set `client_secret` or `client_secret_env`",
        )


def _token_faults(application: Application, at: str) -> Iterator[Fault]:
    if application.allow_unsolicited_tokens and application.type is not ApplicationType.SPA:
        yield Fault(
            path=f"{at}.allow_unsolicited_tokens",
            code="application.unsolicited_tokens",
            message="has a meaning for a `spa` only: remove it",
        )
    if application.id_token_signed_response_alg not in _ALGORITHMS:
        yield Fault(
            path=f"{at}.id_token_signed_response_alg",
            code="application.algorithm",
            message=f"must be one of {', '.join(_ALGORITHMS)}",
        )
    for index, asked in enumerate(application.response_types):
        if set(asked.split()) not in _RESPONSE_TYPES:
            yield Fault(
                path=f"{at}.response_types[{index}]",
                code="application.response_type",
                message="must be `code`, `token`, `id_token` or `id_token token`",
            )
    for index, grant in enumerate(application.grant_types):
        if grant not in _GRANT_TYPES:
            yield Fault(
                path=f"{at}.grant_types[{index}]",
                code="application.grant_type",
                message=f"must be one of {', '.join(sorted(_GRANT_TYPES))}",
            )
