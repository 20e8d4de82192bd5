"""A store, a directory and a web of documents to apply configuration files to and from."""

import asyncio
import re
from pathlib import Path
from textwrap import dedent

import pytest
from tests import builders_saml
from tests.doubles import CountingEntropy, FixedClock

from vestibule.flows.configuration import Applied, Configuring
from vestibule.ground.errors import ConfigurationRefused, Refused
from vestibule.model.application import Application
from vestibule.model.connection import Connection
from vestibule.model.installation import Installation
from vestibule.settings import reading
from vestibule.store.memory import MemoryStore

SECRET = "crm-secret-of-enough-length"
ENVIRON = {"CRM_SECRET": SECRET}

EXAMPLE = """\
branding: {product_name: Acme CRM, logo_url: https://crm.example/logo.svg, colour: "#0b5", support: help@crm.example}
applications:
  - client_id: crm
    name: CRM
    type: web                       # web | spa | native | machine | saml
    client_secret_env: CRM_SECRET   # or client_secret: …; left out: generated, printed once
    redirect_uris: [https://crm.example/callback]
    post_logout_redirect_uris: [https://crm.example/]
    initiate_login_uri: https://crm.example/login
    target_link_uris: [https://crm.example/app/]
  - client_id: wiki
    name: Wiki
    type: saml
    saml: {acs_url: https://wiki.example/saml/acs, entity_id: https://wiki.example/saml, login_url: https://wiki.example/login}
connections:
  - name: acme                      # letters, digits, hyphens; never changes
    id: con_acme                    # optional at creation (moving over from Logto keeps ids); else generated; never changes
    display_name: Acme Corp
    idp:                            # one of metadata_url, metadata_file, metadata_xml, or the parts by hand
      entity_id: https://idp.acme.example/saml
      sso_url: https://idp.acme.example/sso
      certificates: [acme-idp.pem]  # paths relative to this file, or PEM text
    applications: [crm, wiki]
    domains: [{name: acme.example, verified: true}]
    attribute_mapping: {email: [mail, email], name: displayName, groups: memberOf}
    idp_initiated:
      enabled: true
      default_application: crm
      routes: {wiki: {application: wiki}}
"""
"""The example of the documentation, word for word."""

WITHOUT_SAML = (
    re.sub(r"  - client_id: wiki\n(?:    .*\n)+", "", EXAMPLE)
    .replace("applications: [crm, wiki]", "applications: [crm]")
    .replace("      routes: {wiki: {application: wiki}}\n", "")
)
"""The same without its SAML application, which comes with a later version."""


class Web:
    """A web of documents, by URL."""

    def __init__(self, **documents: bytes) -> None:
        self.documents = {f"https://{name}.example/metadata": body for name, body in documents.items()}
        self.asked: list[str] = []

    async def get(self, url: str, *, limit: int) -> bytes:
        self.asked.append(url)
        if url not in self.documents:
            raise Refused("fetch.status", "It did not answer with 200.")
        return self.documents[url]


class Bench:
    """A store and a directory to apply files to and from."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.web = Web()
        self.store = MemoryStore()
        self.entropy = CountingEntropy()
        (base / "acme-idp.pem").write_text(builders_saml.idp_certificate())

    def apply(self, text: str, *, dry_run: bool = False) -> Applied:
        configuring = Configuring(
            store=self.store,
            clock=FixedClock(),
            entropy=self.entropy,
            fetch=self.web,
            issuer="https://login.example/",
        )
        return asyncio.run(configuring.apply(reading.read(dedent(text), ENVIRON), self.base, dry_run=dry_run))

    def faults(self, text: str) -> dict[str, str]:
        """The faults of a text by path; that nothing was applied is checked at the same time."""
        before = self.everything()
        with pytest.raises(ConfigurationRefused) as caught:
            self.apply(text)
        assert self.everything() == before, "a refused file changes nothing"
        return {fault.path: fault.code for fault in caught.value.faults}

    def everything(self) -> object:
        async def read() -> object:
            configured = self.store.configured
            return (
                await configured.installation(),
                await configured.applications(),
                await configured.connections(),
                await self.store.events.latest(),
            )

        return asyncio.run(read())

    def application(self, client_id: str) -> Application:
        found = asyncio.run(self.store.configured.application(client_id))
        assert found is not None
        return found

    def connection(self, name: str) -> Connection:
        found = asyncio.run(self.store.configured.connection(name))
        assert found is not None
        return found

    def installation(self) -> Installation:
        return asyncio.run(self.store.configured.installation())

    def events(self, kind: str) -> list[dict[str, str]]:
        return [dict(event.detail) for event in asyncio.run(self.store.events.latest(kind=kind))]


def by_hand(name: str, keys: str = "") -> str:
    """One connection, described by hand, with these further keys."""
    idp = f"{{entity_id: https://{name}.example/, sso_url: https://{name}.example/sso, certificates: [acme-idp.pem]}}"
    return f"connections:\n  - name: {name}\n    idp: {idp}\n    {keys}\n"
