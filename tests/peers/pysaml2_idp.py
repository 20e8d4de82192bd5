"""pysaml2 as an identity provider without a login page: everybody is alice, or ?user=NAME. Runs in .dev/peers-venv.

GET /start?sp=ENTITY&RelayState=… unsolicited · GET, POST /sso answers a request · GET /metadata
How it signs is the end of the service provider's entity id: …-assertion, …-response, …-both; …-encrypted-… encrypts with
AES-256-GCM, …-tripledes-… as pysaml2 does by default.
"""

import os
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import saml2.entity
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.authn_context import PASSWORDPROTECTEDTRANSPORT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAME_FORMAT_BASIC, NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.server import Server
from saml2.sigver import pre_encryption_part

BASE, RUN, PORT = os.environ["PEER_BASE"], Path(os.environ["PEER_RUN"]), int(os.environ["PORT"])
RSA_SHA256, SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256"


def configuration() -> IdPConfig:
    endpoints = [(f"{BASE}/sso", BINDING_HTTP_REDIRECT), (f"{BASE}/sso", BINDING_HTTP_POST)]
    policy = {"lifetime": {"minutes": 5}, "attribute_restrictions": None, "name_form": NAME_FORMAT_BASIC}
    return IdPConfig().load(
        {
            "entityid": f"{BASE}/metadata",
            "xmlsec_binary": "/usr/bin/xmlsec1",
            "key_file": str(RUN / "idp.key"),
            "cert_file": str(RUN / "idp.crt"),
            "service": {
                "idp": {
                    "name": "pysaml2",
                    "endpoints": {"single_sign_on_service": endpoints},
                    "policy": {"default": {**policy, "nameid_format": NAMEID_FORMAT_EMAILADDRESS}},
                    "want_authn_requests_signed": True,
                }
            },
            "metadata": {"inline": [file.read_text() for file in sorted(RUN.glob("sp/*.xml"))]},
            "allow_unknown_attributes": True,
        }
    )


AES256_GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"


def set_to_aes(idp: Server) -> None:
    """pysaml2 has no setting for the cipher: it is named in the template that it fills, and in the call that fills it."""
    saml2.entity.pre_encryption_part = partial(pre_encryption_part, msg_enc=AES256_GCM)
    encrypt = idp.sec.encrypt_assertion
    idp.sec.encrypt_assertion = partial(encrypt, key_type="aes-256")


def answer(sp: str, acs: str, in_response_to: str | None, relay_state: str, user: str) -> str:
    idp = Server(config=configuration())
    signing = sp.rpartition("-")[2]
    saml2.entity.pre_encryption_part = pre_encryption_part
    if "-encrypted-" in sp:
        set_to_aes(idp)
    response = idp.create_authn_response(
        {"uid": [user], "mail": [f"{user}@acme.test"], "sn": ["O'Neil <&> Ä"], "givenName": ["Alice"]},
        in_response_to=in_response_to,
        destination=acs,
        sp_entity_id=sp,
        userid=user,
        name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=f"{user}@acme.test", sp_name_qualifier=sp),
        authn={"class_ref": PASSWORDPROTECTEDTRANSPORT, "authn_auth": BASE},
        sign_response=signing != "assertion",
        sign_assertion=signing != "response",
        sign_alg=RSA_SHA256,
        digest_alg=SHA256,
        encrypt_assertion="-encrypted-" in sp or "-tripledes-" in sp,
        encrypt_assertion_self_contained=signing != "both",  # both ways that there are to cut it out
    )
    return str(idp.apply_binding(BINDING_HTTP_POST, str(response), acs, relay_state, response=True)["data"])


class Door(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.reply(parts.path, parts.query, BINDING_HTTP_REDIRECT)

    def do_POST(self) -> None:
        self.reply(self.path, self.rfile.read(int(self.headers["Content-Length"])).decode(), BINDING_HTTP_POST)

    def reply(self, path: str, form: str, binding: str) -> None:
        asked = {name: values[0] for name, values in parse_qs(form).items()}
        relay_state, user = asked.get("RelayState", ""), asked.get("user", "alice")
        kind, text = "text/html; charset=utf-8", ""
        if path == "/metadata":
            kind, text = "application/xml", str(entity_descriptor(configuration()))
        elif path == "/start":
            idp = Server(config=configuration())
            _, acs = idp.pick_binding("assertion_consumer_service", [BINDING_HTTP_POST], "spsso", entity_id=asked["sp"])
            text = answer(asked["sp"], acs, None, relay_state, user)
        else:
            idp = Server(config=configuration())
            signed = {k: asked[k] for k in ("SigAlg", "Signature", "RelayState") if k in asked}
            names = {"SigAlg": "sigalg", "Signature": "signature", "RelayState": "relay_state"}
            detached = {names[k]: v for k, v in signed.items()} if binding == BINDING_HTTP_REDIRECT else {}
            request = idp.parse_authn_request(asked["SAMLRequest"], binding, **detached)
            found = idp.response_args(request.message, [BINDING_HTTP_POST])
            text = answer(found["sp_entity_id"], found["destination"], found["in_response_to"], relay_state, user)
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


HTTPServer(("127.0.0.1", PORT), Door).serve_forever()
