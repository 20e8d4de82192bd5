"""Decoders of requests: forms, cookies, tokens, authorization requests, client credentials, links, configuration."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote_plus, unquote_to_bytes

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from starlette.datastructures import State
from starlette.requests import Request

from fuzz import keys
from fuzz.targets.property import hold
from vestibule.ground.errors import ConfigurationRefused, Refused
from vestibule.ground.url import is_within
from vestibule.jose import jwt
from vestibule.jose.keys import public_jwk, signing_key
from vestibule.model.application import Application, ApplicationType
from vestibule.model.connection import Connection, IdentityProvider, IdpInitiated, RelayStateUse, Route
from vestibule.model.ids import ClientId, ConnectionId
from vestibule.oidc import authorize, client_auth, id_token, logout, pkce, userinfo
from vestibule.policy import routing
from vestibule.policy.domains import domain_of
from vestibule.settings import reading
from vestibule.web import cookies, forms
from vestibule.web.oidc import _json

ISSUER = "https://login.example/"
LINKS = (
    "https://crm.example/app/",
    "https://crm.example/exact",
    "https://crm.example:8443/",
    "http://localhost:3000/a/b",
)
KEY = keys.pair("rsa-1")
JWK = public_jwk("k1", "RS256", KEY.public_pem.decode())
SIGNER = signing_key("k1", "RS256", KEY.private_pem.decode())
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).decode().rstrip("=")


def form(data: bytes) -> bool:
    """A name comes once, whoever counts; what was read is read again from what is written."""
    try:
        found = forms.parse(data)
    except Refused:
        return False
    names = [_decoded(part.partition(b"=")[0]) for part in data.split(b"&") if part]
    hold(len(names) == len(set(names)), "no name twice")
    hold(set(found) == set(names), "each name that was sent, and no other")
    written = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in found.items())
    hold(forms.parse(written.encode()) == found, "stable")
    return True


def _decoded(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode()


def json_body(data: bytes) -> bool:
    """One object of strings, each name once, whatever JSON can spell."""
    try:
        found = _json(data)
    except Refused:
        return False
    other = json.loads(data)
    hold(set(other) == set(found), "the same names")
    hold(all(value == (other[name] or "") for name, value in found.items()), "the same values")
    "".join((*found, *found.values())).encode()
    return True


def cookie(data: bytes) -> bool:
    """Nothing is taken from a Cookie header but secrets as we set them, which stand in it as they are."""
    header = data.replace(b"\r", b"").replace(b"\n", b"")
    request = _request((b"cookie", header), (b"host", header[:40]), (b"origin", header[:40]))
    found = cookies.browser(request)
    text = header.decode("latin-1")
    singles = [one for one in (cookies.session(request), cookies.csrf(request), found.seen) if one is not None]
    for secret in singles:
        hold(re.fullmatch(r"[A-Za-z0-9_-]{1,128}", secret) is not None and secret in text, "a secret that was sent")
    hold(len(found.logins) <= cookies.SLOTS and len(found.arrivals) <= cookies.SLOTS, "no more than there are slots")
    return bool(singles or found.logins or found.arrivals)


class _App:
    """As much of the application as reading a browser needs."""

    def __init__(self) -> None:
        self.state = State({"house": State({"issuer": ISSUER})})


def _request(*headers: tuple[bytes, bytes]) -> Request:
    return Request({"type": "http", "method": "GET", "path": "/", "headers": list(headers), "app": _App()})


def token(data: bytes) -> bool:
    """A JWT that is believed carries a signature of our key over exactly what is believed."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        claims = jwt.read(text, [JWK])
    except Refused:
        return False
    signed, _, signature = text.rpartition(".")
    header, _, payload = signed.partition(".")
    try:
        KEY.public.verify(_b64url(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())  # type: ignore[call-arg,union-attr]
    except InvalidSignature:
        hold(False, "the signature is our key's")
    hold(json.loads(_b64url(header))["alg"] == "RS256", "the key's own algorithm")
    hold(json.loads(_b64url(payload)) == claims, "the claims that were signed")
    try:
        id_token.hint(claims, issuer=ISSUER)
    except Refused:
        return True
    return True


def unsigned_token(data: bytes) -> bool:
    """Any payload and any header at all, signed with our key: claims of every kind, and headers that ask for more."""
    header, _, payload = data.partition(b"\0")
    body = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, payload))
    signature = KEY.private.sign(body, padding.PKCS1v15(), hashes.SHA256())  # type: ignore[call-arg,arg-type,union-attr]
    return token(body + b"." + base64.urlsafe_b64encode(signature).rstrip(b"="))


def _b64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


CLIENTS = (
    authorize.ClientRules(client_id="crm", public=False, redirect_uris=("https://crm.example/callback",)),
    authorize.ClientRules(
        client_id="spa",
        public=True,
        redirect_uris=("https://spa.example/a", "https://spa.example/b"),
        response_types=("code", "id_token token", "id_token"),
        unsolicited_tokens=True,
    ),
    authorize.ClientRules(
        client_id="phone",
        public=True,
        native=True,
        redirect_uris=("com.example:/cb", "http://127.0.0.1/cb", "http://[::1]/cb"),
    ),
)


def authorization(data: bytes) -> bool:
    """An answer goes nowhere but to a registered address, and a public application's code has a challenge."""
    try:
        parameters = forms.parse(data)
    except Refused:
        return False
    accepted = False
    for client in CLIENTS:
        for unsolicited in (False, True):
            try:
                asked = authorize.validate(parameters, client, unsolicited=unsolicited)
            except authorize.AuthorizationRefused as refused:
                hold(refused.redirect_uri is None or _is_own(refused.redirect_uri, client), "errors stay at home")
                continue
            accepted = True
            hold(_is_own(asked.redirect_uri, client), "answers stay at home")
            hold(asked.response_mode != "query" or asked.response_type == "code", "no token in a query")
            hold(not (client.public and asked.response_type == "code") or asked.code_challenge is not None, "PKCE")
            hold(not (unsolicited and (asked.nonce or asked.code_challenge)), "nobody's nonce, nobody's challenge")
            hold(not ("none" in asked.prompt and len(asked.prompt) > 1), "none alone")
    return accepted


def _is_own(uri: str, client: authorize.ClientRules) -> bool:
    if uri in client.redirect_uris:
        return True
    loopback = re.match(r"http://(127\.0\.0\.1|\[::1\]):[0-9]+/cb\Z", uri)
    return client.native and loopback is not None and f"http://{loopback[1]}/cb" in client.redirect_uris


def client_credentials(data: bytes) -> bool:
    """The Authorization header and the body: one client, one secret, and both there."""
    header, _, body = data.partition(b"\n")
    authorization = header.decode("latin-1") or None
    try:
        parameters: Mapping[str, str] = forms.parse(body)
    except Refused:
        parameters = {}
    accepted = False
    try:
        shown = client_auth.present(authorization, parameters)
        accepted = True
        hold(shown.client_id != "" and shown.secret != "", "a name, and no empty secret")
        hold((shown.secret is None) is (shown.method == "none"), "a secret unless there is no method")
        client_auth.verify(shown, method=shown.method, secret_digests=("d",))
        hold(shown.secret is None, "no secret is that of a digest that nobody can hit")
    except Refused:
        pass
    try:
        bearer = userinfo.bearer(authorization, parameters)
        hold(bearer != "", "a token")
    except Refused:
        return accepted
    return True


def proof(data: bytes) -> bool:
    """A verifier fits a challenge if its digest is that, and not otherwise."""
    verifier, _, challenge = data.decode("utf-8", "replace").partition("\n")
    fits = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=") == challenge
    try:
        pkce.verify(verifier or None, challenge or None)
    except Refused:
        return False
    hold(fits or not (verifier or challenge), "the digest")
    return True


def deep_link(data: bytes) -> bool:
    """A link that may be followed leads, as a browser reads it, to the same place below the prefix."""
    url = data.decode("utf-8", "surrogateescape")
    for prefix in LINKS:
        if is_within(url, [prefix]):
            _hold_below(url, prefix)
            return True
    return False


def _hold_below(url: str, prefix: str) -> None:
    for reader, text in (("browser", url), ("server", _unquoted(url))):
        place, path = _as_a_browser(text)
        mine, below = _as_a_browser(prefix)
        hold(place == mine, "the same scheme, host and port")
        if reader == "browser":
            hold(path == below or path.startswith(below if below.endswith("/") else below + "/"), "below the prefix")


def _unquoted(url: str) -> str:
    """Decoded once more than it should be, as some servers do, but for what parts it."""
    return re.sub(r"%(2e|5c|09|0a|0d)", lambda found: chr(int(found[1], 16)), url, flags=re.IGNORECASE)


def _as_a_browser(url: str) -> tuple[str, str]:
    """Origin and path by the [WHATWG URL] rules for special schemes, as far as they differ from the RFC's."""
    url = re.sub(r"[\t\r\n]", "", url.strip("".join(map(chr, range(0x21)))))
    found = re.match(r"(https?):[/\\]*([^/\\?#]*)([^?#]*)", url, re.IGNORECASE | re.DOTALL)
    hold(found is not None, "an address of the web")
    scheme, authority, path = found[1].lower(), found[2], found[3]  # type: ignore[index]
    hold("@" not in authority, "no userinfo")
    host, _, digits = (
        authority.lower().rpartition(":") if re.search(r":[0-9]*\Z", authority) else (authority.lower(), "", "")
    )
    port = int(digits) if digits else 443 if scheme == "https" else 80
    kept: list[str] = []
    segments = re.split(r"[/\\]", path)[1:]
    for number, segment in enumerate(segments):
        plain = segment.lower().replace("%2e", ".")
        if plain == "..":
            kept[-1:] = []
        elif plain != ".":
            kept.append(segment)
            continue
        if number == len(segments) - 1:
            kept.append("")
    return f"{scheme}://{host}:{port}", "/" + "/".join(kept)


CRM = Application(
    client_id=ClientId("crm"),
    name="CRM",
    type=ApplicationType.WEB,
    redirect_uris=("https://crm.example/callback",),
    initiate_login_uri="https://crm.example/login",
    target_link_uris=LINKS,
)


def relay_state(data: bytes) -> bool:
    """Whatever RelayState is used for, nobody is sent anywhere but to the application, and no link leaves its prefixes."""
    value = data.decode("utf-8", "surrogateescape")
    used = False
    for use in RelayStateUse:
        connection = Connection(
            id=ConnectionId("con_acme"),
            name="acme",
            display_name="Acme",
            idp=IdentityProvider(entity_id="urn:idp", sso_url="https://idp.example/", certificates=("-----",)),
            applications=(ClientId("crm"),),
            idp_initiated=IdpInitiated(
                enabled=True,
                default_application=ClientId("crm"),
                relay_state=use,
                routes={"crm": Route(application=ClientId("crm"), target_link_uri="https://crm.example/app/x")},
            ),
        )
        try:
            client_id, route = routing.route(connection, value)
            found = routing.destination(connection, CRM, route, value)
            url = routing.client_url(found, connection, ISSUER)
        except Refused:
            continue
        hold(client_id == "crm" and url.startswith("https://crm.example/login?"), "to the application")
        if found.target_link_uri is not None:
            used = True
            hold(any(is_within(found.target_link_uri, [prefix]) for prefix in LINKS), "within the prefixes")
            _hold_below(found.target_link_uri, next(p for p in LINKS if is_within(found.target_link_uri, [p])))
    return used


def sign_out(data: bytes) -> bool:
    """A request to sign out, and where it wants to lead."""
    try:
        parameters = forms.parse(data)
    except Refused:
        return False
    asked = logout.read(parameters)
    hold(logout.read(logout.write(asked)) == asked, "stable")
    logout.read_v2(parameters)
    return asked != logout.LogoutRequest()


def email(data: bytes) -> bool:
    """The domain of an address is what stands behind its only at-sign, in lower case."""
    address = data.decode("utf-8", "replace")
    domain = domain_of(address)
    if domain is None:
        return False
    hold(address.count("@") == 1 and address.lower().endswith(f"@{domain}"), "behind the only at-sign")
    hold(domain.isascii() and not re.search(r"[\s/\\:]", domain), "a plain name")
    return True


def configuration(data: bytes) -> bool:
    """An operator's file: every fault of it is told, none of them is a crash."""
    try:
        reading.risks(reading.read(data.decode("utf-8", "replace"), {}))
    except ConfigurationRefused as refused:
        hold(len(refused.faults) > 0 and all(str(fault) for fault in refused.faults), "each fault is told")
        return False
    return True


ALL: dict[str, Callable[[bytes], bool]] = {
    "form": form,
    "json-body": json_body,
    "cookie": cookie,
    "jwt": token,
    "signed-jwt": unsigned_token,
    "authorization": authorization,
    "client-credentials": client_credentials,
    "pkce": proof,
    "deep-link": deep_link,
    "relay-state": relay_state,
    "sign-out": sign_out,
    "email": email,
    "configuration": configuration,
}
