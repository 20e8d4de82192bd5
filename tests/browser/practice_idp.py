"""A practice identity provider with a portal at idp.localhost, built on our own `saml.issue`; people sign in by asking.

/tile/CONNECTION[?relay_state=…]   an unsolicited response for the person whose session this browser holds (ada at first)
/sso/CONNECTION                    answers an AuthnRequest for that person, in silence
/be/PERSON                         become another person
"""

import base64
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import rsa
from tests.browser.small_site import Reply, Request, page, self_posting, small_site
from tests.peers.broker import Broker
from tests.peers.machine import free_port, self_signed

from vestibule.saml import bindings, issue, request

PEOPLE = {"ada": "Ada Lovelace", "grace": "Grace Hopper", "mallory": "Mallory"}


@dataclass(frozen=True)
class PracticeIdp:
    broker: Broker
    port: int
    key: rsa.RSAPrivateKey
    certificate: str

    @classmethod
    @contextmanager
    def serving(cls, broker: Broker) -> Iterator["PracticeIdp"]:
        key, certificate = self_signed("practice identity provider")
        idp = cls(broker, free_port(), key, certificate)
        with small_site(idp.port, idp.answer):
            yield idp

    @property
    def base(self) -> str:
        return f"http://idp.localhost:{self.port}"

    def sso_url(self, connection: str) -> str:
        return f"{self.base}/sso/{connection}"

    def tile(self, connection: str, *, relay_state: str | None = None) -> str:
        query = f"?{urlencode({'relay_state': relay_state})}" if relay_state else ""
        return f"{self.base}/tile/{connection}{query}"

    def connection(self, name: str, application: str, **idp_initiated: Any) -> dict[str, Any]:
        """A connection to this IdP as the configuration file has it."""
        idp = {"entity_id": f"{self.base}/{name}", "sso_url": self.sso_url(name), "certificates": [self.certificate]}
        policy = {"enabled": True, "default_application": application, **idp_initiated}
        return {
            "name": name,
            "display_name": f"Acme ({name})",
            "idp": idp,
            "applications": [application],
            "domains": [],
            "idp_initiated": policy,
        }

    def response(
        self, connection: str, person: str, *, acs: str | None = None, in_response_to: str | None = None
    ) -> str:
        """A fresh, properly signed SAMLResponse for a person: what the IdP sends, and what an attacker can get for himself."""
        now = datetime.now(UTC).replace(microsecond=0)
        acs = acs or self.broker.acs(connection)
        statement = issue.Statement(
            issuer=f"{self.base}/{connection}",
            audience=self.broker.sp_entity_id(connection),
            recipient=acs,
            destination=acs,
            name_id=f"{person}@acme.test",
            name_id_format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            attributes={"mail": (f"{person}@acme.test",), "displayName": (PEOPLE[person],)},
            issue_instant=now,
            not_before=now,
            not_on_or_after=now + timedelta(minutes=5),
            authn_instant=now,
            in_response_to=in_response_to,
            session_index=f"_{secrets.token_hex(8)}",
        )
        octets = issue.response(
            statement,
            response_id=f"_{secrets.token_hex(16)}",
            assertion_id=f"_{secrets.token_hex(16)}",
            key=self.key,
            certificate_pem=self.certificate,
            sign="assertion",
        )
        return base64.b64encode(octets).decode()

    def answer(self, asked: Request) -> Reply:
        person = asked.cookies.get("person", "ada")
        door, _, name = asked.path.removeprefix("/").partition("/")
        if door == "be" and name in PEOPLE:
            reply = page("Portal", f"<h1>You are {PEOPLE[name]} now</h1>")
            return Reply(reply.body, headers=(("Set-Cookie", f"person={name}; Path=/; HttpOnly; SameSite=Lax"),))
        if door == "tile":
            relay = {"RelayState": asked.asked["relay_state"]} if "relay_state" in asked.asked else {}
            return self_posting(self.broker.acs(name), {"SAMLResponse": self.response(name, person), **relay})
        if door == "sso" and "SAMLRequest" in asked.asked:
            return self.solicited(name, person, asked)
        return Reply("nothing here", status=404)

    def solicited(self, connection: str, person: str, asked: Request) -> Reply:
        decode = bindings.decode_post if asked.method == "POST" else bindings.decode_redirect
        received = request.read_request(decode(asked.asked["SAMLRequest"]))
        acs = received.acs_url or self.broker.acs(connection)
        answer = self.response(connection, person, acs=acs, in_response_to=received.id)
        relay: Mapping[str, str] = {key: asked.asked[key] for key in ("RelayState",) if key in asked.asked}
        return self_posting(acs, {"SAMLResponse": answer, **relay})
