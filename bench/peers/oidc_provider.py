"""npm `oidc-provider`: the OpenID Connect half of a login and no SAML, in memory."""

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, RSAKey

from bench import server
from bench.load import Script
from bench.peers.install import Node
from bench.subject import CALLBACK, SECRET, Kind, Login, Site, Subject, Up, asked, redeem, verified

ALGORITHMS = ("RS256", "ES256")


class _Scene:
    def __init__(self, site: Site) -> None:
        self.site = site

    def whole(self, login: Login, alg: str) -> Script:
        query = asked(login, {"client_id": alg, "scope": "openid email profile"}, pkce=True)
        asking = self.site.get(login, f"/auth?{query}")

        def part() -> Script:
            answer = yield asking
            for _ in range(2):  # to the interaction, and back to where it began
                login.keep(answer.values(b"set-cookie"))
                answer = yield self.site.get(login, answer.location(302, 303))
            login.at = answer.location(302, 303)
            yield from redeem(self.site, login, "/token", alg)

        return part()

    def proven(self, login: Login, alg: str) -> Script:
        keys = (yield self.site.get(login, "/jwks")).body
        want = {"iss": f"http://{self.site.host}", "aud": alg}
        verified(login, keys, alg, want=want, having=("sub", "email", "groups"))


def oidc_provider(directory: Path, node: Node) -> Subject:
    site = Site(port=server.free_port())
    scene = _Scene(site)
    file = directory / f"oidc-provider-{site.port}.json"
    file.write_text(json.dumps(_settings(site)))

    def serve(core: int) -> AbstractContextManager[Up]:
        command = node.command("oidc_provider.mjs", file)
        environment = {"NODE_ENV": "production"}
        return server.running(command, environment, directory, site.port, core=core, ready="/ready")

    return Subject(
        name="oidc-provider, memory",
        version=f"oidc-provider {node.version('oidc-provider')} on Node {node.release}",
        keeps="session, interaction, grant, code, access token: memory",
        port=site.port,
        kinds=tuple(_kind(scene, alg) for alg in ALGORITHMS),
        serve=serve,
    )


def _kind(scene: _Scene, alg: str) -> Kind:
    return Kind(
        name=f"OIDC half, {alg}",
        says="/auth (state, nonce, PKCE) -> sign-in without a page -> code -> tokens; no SAML",
        requests=4,
        signs=alg,
        parts=(lambda login: scene.whole(login, alg),),
        prove=lambda login: scene.proven(login, alg),
    )


def _settings(site: Site) -> dict[str, Any]:
    keys: dict[str, RSAKey | ECKey] = {"RS256": RSAKey.generate_key(2048), "ES256": ECKey.generate_key("P-256")}
    clients = [
        {
            "client_id": alg,
            "client_secret": SECRET,
            "redirect_uris": [CALLBACK],
            "response_types": ["code"],
            "grant_types": ["authorization_code"],
            "id_token_signed_response_alg": alg,
            "token_endpoint_auth_method": "client_secret_basic",
        }
        for alg in ALGORITHMS
    ]
    made = [{**key.as_dict(private=True), "alg": alg, "use": "sig", "kid": alg} for alg, key in keys.items()]
    return {"port": site.port, "clients": clients, "keys": made}
