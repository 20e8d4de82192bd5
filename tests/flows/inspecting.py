"""A desk to inspect responses at: two connections on a memory store, and the practice identity provider's messages."""

import asyncio
import base64
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from tests.builders_saml import response_xml
from tests.cli.house import ISSUER, CommandLine
from tests.doubles import START
from tests.xml.encrypter import How, encrypt

from vestibule.flows.captured import Captured
from vestibule.flows.inspect import Request
from vestibule.flows.inspection import Inspection
from vestibule.model.ids import ConnectionId
from vestibule.saml.names import saml
from vestibule.saml.response import ENCRYPTED_ASSERTION

ACS = f"{ISSUER}login/callback?connection=acme"
SP = f"{ISSUER}saml/metadata/acme"
NAMES = ("ada@acme.example", "Ada Lovelace", "staff", "engineering")
"""What the practice identity provider says of Ada, and must not be seen."""

CONFIGURATION = """\
applications:
  - client_id: crm
    name: CRM
    type: web
    client_secret: crm-secret-of-enough-length
    redirect_uris: [https://crm.example/callback]
    initiate_login_uri: https://crm.example/login
connections:
  - name: acme
    id: con_acme
    idp: {{entity_id: https://idp.acme.example/saml, sso_url: https://idp.acme.example/sso, certificates: [acme-idp.pem]}}
    applications: [crm]
    domains: [{{name: acme.example, verified: true}}]
    idp_initiated: {{enabled: true, default_application: crm}}
    {keys}
  - name: globex
    id: con_globex
    idp: {{entity_id: https://idp.globex.example/saml, sso_url: https://idp.globex.example/sso, certificates: [acme-idp.pem]}}
    applications: [crm]
"""


def octets(**how: Any) -> bytes:
    """A Response for connection acme, valid at `START` unless told otherwise."""
    said = {"now": START, "audience": SP, "recipient": ACS, "destination": ACS}
    return response_xml(**{**said, **how})


def value(**how: Any) -> str:
    """The same as the form field's value."""
    return base64.b64encode(octets(**how)).decode()


@dataclass
class Desk:
    """`keys` are further keys of connection acme, as YAML."""

    directory: Path
    keys: str = ""

    def __post_init__(self) -> None:
        self.line = CommandLine(self.directory)
        self.line.bench.apply(CONFIGURATION.format(keys=self.keys))

    def inspect(self, response: bytes | str, *, at: datetime = START, **more: Any) -> Inspection:
        text = response if isinstance(response, str) else base64.b64encode(response).decode()
        request = Request(
            captured=more.pop("captured", None) or Captured(kind="base64", form={"SAMLResponse": text}),
            connection=more.pop("connection", "acme"),
            at=at,
            **more,
        )
        return asyncio.run(self.line.house.inspecting.inspect(request))

    def encrypted(self, how: How | None = None, **made: Any) -> bytes:
        """A response whose assertion is encrypted for connection acme's key."""
        pem = asyncio.run(self.line.house.keyring.encryption_certificate(ConnectionId("con_acme")))
        key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        root = etree.fromstring(octets(**made))
        encrypt(root.find(saml("Assertion")), key, ENCRYPTED_ASSERTION, how)
        return etree.tostring(root)


def advised(found: Inspection) -> str:
    """All that is said about how to mend it, the values to paste among it."""
    return " ".join(
        f"{one.usual} {one.there} {one.here} " + " ".join(value.value for value in one.paste) for one in found.advice
    )


def looked(found: Inspection) -> str:
    """All that a closer look says."""
    return " ".join((*found.evidence, *(one.difference for one in found.comparisons)))
