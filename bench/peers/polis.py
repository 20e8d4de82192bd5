"""Ory Polis: its library `@boxyhq/saml-jackson`, in memory or on PostgreSQL."""

import base64
import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bench import server
from bench.load import Failed, Script
from bench.peers.install import Node
from bench.responses import IDP, SSO, IdentityProvider, certificate, email, form
from bench.subject import CALLBACK, SECRET, Kind, Login, Site, Subject, Up, asked, redeem, requested, verified

CLIENT = "tenant=bench&product=crm"
AUDIENCE = "https://saml.boxyhq.com"
UNSOLICITED, SOLICITED = "unsolicited, no ID token", "SP-initiated"
IN_MEMORY, ON_POSTGRES = "Polis, memory", "Polis, PostgreSQL"
_TOKEN, _ACS = "/api/oauth/token", "/api/oauth/saml"


class _Scene:
    def __init__(self, site: Site, idp: IdentityProvider) -> None:
        self.site, self.idp = site, idp

    def posted(self, login: Login, *, in_response_to: str | None = None, relay_state: str = "") -> bytes:
        acs = f"http://{self.site.host}{_ACS}"
        response = self.idp.response(login.person, acs=acs, audience=AUDIENCE, in_response_to=in_response_to)
        return self.site.post(login, acs, form(response, relay_state), origin=IDP)

    def unsolicited(self, login: Login) -> Script:
        posted = self.posted(login)

        def part() -> Script:
            login.at = (yield posted).location(302)
            yield from redeem(self.site, login, _TOKEN, CLIENT, basic=False, signed=False)

        return part()

    def ask(self, login: Login) -> Script:
        query = asked(login, {"client_id": CLIENT, "scope": "openid"}, pkce=False)
        asking = self.site.get(login, f"/api/oauth/authorize?{query}")

        def part() -> Script:
            login.at = (yield asking).location(302)

        return part()

    def answered(self, login: Login) -> Script:
        request, relay_state = requested(login, SSO)
        posted = self.posted(login, in_response_to=request, relay_state=relay_state or "")

        def part() -> Script:
            login.at = (yield posted).location(302)
            yield from redeem(self.site, login, _TOKEN, CLIENT, basic=False)

        return part()

    def known(self, login: Login) -> Script:
        """The access token stands for the person whom the response named."""
        answer = yield self.site.get(login, "/api/oauth/userinfo", bearer=login.token("access_token"))
        if answer.status != 200 or json.loads(answer.body).get("email") != email(login.person):
            raise Failed(f"the access token stands for somebody else: {answer.status} {answer.text()}")

    def proven(self, login: Login) -> Script:
        keys = (yield self.site.get(login, "/oauth/jwks")).body
        want = {"iss": f"http://{self.site.host}", "aud": CLIENT, "email": email(login.person)}
        verified(login, keys, "RS256", want=want, having=("sub", "exp"))
        yield from self.known(login)


def in_memory(directory: Path, node: Node, idp: IdentityProvider) -> Subject:
    return _polis(IN_MEMORY, "memory", {"engine": "mem"}, directory, node, idp, None)


def on_postgres(directory: Path, node: Node, idp: IdentityProvider, url: str, pid: int) -> Subject:
    database = {"engine": "sql", "type": "postgres", "url": url}
    return _polis(ON_POSTGRES, "PostgreSQL", database, directory, node, idp, pid)


def _polis(
    name: str,
    where: str,
    database: dict[str, Any],
    directory: Path,
    node: Node,
    idp: IdentityProvider,
    database_pid: int | None,
) -> Subject:
    """`database` as the library has it."""
    site = Site(port=server.free_port())
    scene = _Scene(site, idp)
    file = directory / f"polis-{site.port}.json"
    file.write_text(json.dumps(_settings(site, idp, database)))

    def serve(core: int) -> AbstractContextManager[Up]:
        command = node.command("polis.mjs", file)
        return server.running(command, {}, directory, site.port, core=core, ready="/ready", database_pid=database_pid)

    return Subject(
        name=name,
        version=f"@boxyhq/saml-jackson {node.version('@boxyhq/saml-jackson')} in Fastify on Node {node.release}",
        keeps=f"request (SP-initiated), code, access token with the profile: {where}",
        port=site.port,
        kinds=(
            Kind(
                name=UNSOLICITED,
                says="post of an unsolicited response -> code -> opaque access token; no ID token exists in this flow",
                requests=2,
                signs=None,
                parts=(scene.unsolicited,),
                prove=scene.known,
            ),
            Kind(
                name=SOLICITED,
                says="/authorize (state, nonce) -> AuthnRequest -> post of its answer -> code -> tokens",
                requests=3,
                signs="RS256",
                parts=(scene.ask, scene.answered),
                prove=scene.proven,
            ),
        ),
        serve=serve,
    )


def _settings(site: Site, idp: IdentityProvider, database: dict[str, Any]) -> dict[str, Any]:
    base = f"http://{site.host}"
    sp, signing = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    public = signing.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {
        "port": site.port,
        "options": {
            "externalUrl": base,
            "samlPath": _ACS,
            "oidcPath": "/api/oauth/oidc",
            "samlAudience": AUDIENCE,
            "idpEnabled": True,
            "noAnalytics": True,
            "clientSecretVerifier": SECRET,
            "db": {"ttl": 300, "cleanupLimit": 1000, **database},
            "openid": {
                "jwsAlg": "RS256",
                "jwtSigningKeys": {"private": _base64(_pem(signing)), "public": _base64(public)},
            },
            "certs": {"publicKey": _base64(certificate(sp, "polis").encode()), "privateKey": _base64(_pem(sp))},
        },
        "connection": {
            "tenant": "bench",
            "product": "crm",
            "redirectUrl": [CALLBACK],
            "defaultRedirectUrl": CALLBACK,
            "rawMetadata": idp.metadata(),
            "name": "bench",
        },
    }


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
