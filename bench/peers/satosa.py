"""SATOSA under gunicorn, one worker: a SAML backend, an OpenID Connect frontend, its state in a cookie."""

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench import server
from bench.load import Script
from bench.responses import CLAIMS, IDP, SSO, IdentityProvider, certificate, email, form
from bench.subject import CALLBACK, SECRET, Kind, Login, Site, Subject, Up, asked, redeem, requested, verified

CLIENT = "crm"
_ACS = "/Saml2/acs/post"
_RELEASED = {
    "mail": ("email", f"{CLAIMS}emailaddress"),
    "displayname": ("name", f"{CLAIMS}name"),
    "givenname": ("given_name", f"{CLAIMS}givenname"),
    "surname": ("family_name", f"{CLAIMS}surname"),
    "ou": ("department", "department"),
    "employeenumber": ("employee_id", "employeeId"),
    "entitlement": ("groups", "groups"),
}
"""SATOSA's own name: the claim, and the attribute that it comes from."""


class _Scene:
    def __init__(self, site: Site, idp: IdentityProvider) -> None:
        self.site, self.idp = site, idp

    @property
    def base(self) -> str:
        """It insists on https for its own address; the load client takes paths from it."""
        return f"https://{self.site.host}"

    def ask(self, login: Login) -> Script:
        query = asked(login, {"client_id": CLIENT, "scope": "openid email profile"}, pkce=False)
        asking = self.site.get(login, f"/Saml2/OIDC/authorization?{query}")

        def part() -> Script:
            answer = yield asking
            login.keep(answer.values(b"set-cookie"))
            login.at = answer.location(302, 303)

        return part()

    def answered(self, login: Login) -> Script:
        request, relay_state = requested(login, SSO)
        response = self.idp.response(
            login.person,
            acs=f"{self.base}{_ACS}",
            audience=f"{self.base}/Saml2/proxy_saml2_backend.xml",
            in_response_to=request,
        )
        posted = self.site.post(login, _ACS, form(response, relay_state), origin=IDP)

        def part() -> Script:
            login.at = (yield posted).location(302, 303)
            yield from redeem(self.site, login, "/OIDC/token", CLIENT)

        return part()

    def proven(self, login: Login) -> Script:
        keys = (yield self.site.get(login, "/OIDC/jwks")).body
        want = {"iss": self.base, "aud": CLIENT, "email": email(login.person)}
        verified(login, keys, "RS256", want=want, having=("sub", "groups"))


def satosa(directory: Path, python: Path, version: str, idp: IdentityProvider) -> Subject:
    """`python`: that of the virtual environment which holds it."""
    site = Site(port=server.free_port())
    scene = _Scene(site, idp)
    home = directory / f"satosa-{site.port}"
    home.mkdir()
    _settings(home, scene)

    def serve(core: int) -> AbstractContextManager[Up]:
        command = [str(python), "-m", "gunicorn", "--bind", site.host, "--workers", "1", "satosa.wsgi:app"]
        environment = {"SATOSA_CONFIG": "proxy_conf.yaml"}
        ready = "/.well-known/openid-configuration"
        return server.running(command, environment, home, site.port, core=core, ready=ready)

    return Subject(
        name="SATOSA, memory",
        version=f"SATOSA {version} under gunicorn, one worker",
        keeps="code and access token: memory; the login in flight: a cookie",
        port=site.port,
        kinds=(
            Kind(
                name="SP-initiated",
                says="authorization (state, nonce) -> AuthnRequest -> post of its answer -> code -> tokens; "
                "signatures are checked by the program xmlsec1",
                requests=3,
                signs="RS256",
                parts=(scene.ask, scene.answered),
                prove=scene.proven,
                warm=32,
            ),
        ),
        serve=serve,
    )


def _settings(home: Path, scene: _Scene) -> None:
    """Its files; JSON is YAML."""
    sp, signing = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    (home / "sp.key").write_bytes(sp.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (home / "sp.crt").write_text(certificate(sp, "satosa"))
    (home / "signing.key").write_bytes(
        signing.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    (home / "idp.xml").write_text(scene.idp.metadata())
    for name, what in {
        "proxy_conf.yaml": _proxy(scene.base),
        "internal_attributes.yaml": _attributes(),
        "backend.yaml": _backend(home, scene.base),
        "frontend.yaml": _frontend(home),
        "clients.json": _clients(),
    }.items():
        (home / name).write_text(json.dumps(what))


def _proxy(base: str) -> dict[str, Any]:
    return {
        "BASE": base,
        "COOKIE_STATE_NAME": "SATOSA_STATE",
        "CONTEXT_STATE_DELETE": True,
        "STATE_ENCRYPTION_KEY": "guards nothing but a benchmark",
        "INTERNAL_ATTRIBUTES": "internal_attributes.yaml",
        "BACKEND_MODULES": ["backend.yaml"],
        "FRONTEND_MODULES": ["frontend.yaml"],
        "MICRO_SERVICES": [],
        "LOGGING": {"version": 1, "root": {"level": "ERROR"}},
    }


def _attributes() -> dict[str, Any]:
    named = {ours: {"openid": [claim], "saml": [attribute]} for ours, (claim, attribute) in _RELEASED.items()}
    return {"attributes": named, "user_id_from_attrs": ["mail"]}


def _backend(home: Path, base: str) -> dict[str, Any]:
    acs = [[f"{base}{_ACS}", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"]]
    sp = {
        "authn_requests_signed": True,
        "want_response_signed": False,
        "want_assertions_signed": True,
        "allow_unsolicited": False,
        "endpoints": {"assertion_consumer_service": acs},
        "name_id_format_allow_create": True,
    }
    return {
        "module": "satosa.backends.saml2.SAMLBackend",
        "name": "Saml2",
        "config": {
            "entityid_endpoint": True,
            "acs_selection_strategy": "use_first_acs",
            "sp_config": {
                "name": "bench",
                "entityid": f"{base}/Saml2/proxy_saml2_backend.xml",
                "key_file": str(home / "sp.key"),
                "cert_file": str(home / "sp.crt"),
                "metadata": {"local": [str(home / "idp.xml")]},
                "accepted_time_diff": 60,
                "allow_unknown_attributes": True,
                "service": {"sp": sp},
            },
        },
    }


def _frontend(home: Path) -> dict[str, Any]:
    claims = [claim for claim, _ in _RELEASED.values()]
    return {
        "module": "satosa.frontends.openid_connect.OpenIDConnectFrontend",
        "name": "OIDC",
        "config": {
            "signing_key_path": str(home / "signing.key"),
            "signing_key_id": "bench",
            "client_db_path": str(home / "clients.json"),
            "sub_hash_salt": "guards nothing but a benchmark",
            "provider": {
                "client_registration_supported": False,
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "scopes_supported": ["openid", "email", "profile"],
                "id_token_lifetime": 3600,
                "extra_id_token_claims": {CLIENT: claims},
            },
        },
    }


def _clients() -> dict[str, Any]:
    client = {
        "client_id": CLIENT,
        "client_secret": SECRET,
        "client_name": "CRM",
        "response_types": ["code"],
        "redirect_uris": [CALLBACK],
        "subject_type": "public",
        "token_endpoint_auth_method": "client_secret_basic",
    }
    return {CLIENT: client}
