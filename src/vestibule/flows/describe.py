"""Describing ourselves to an identity provider: the service provider's metadata of one connection [SAMLMeta 2.4.4]."""

from dataclasses import dataclass

from vestibule.ground.errors import Refused
from vestibule.keys.keyring import Keyring
from vestibule.model.connection import AcsStyle
from vestibule.saml.metadata import write_sp
from vestibule.store.port import Store
from vestibule.upstream import saml as upstream
from vestibule.xml import encryption


@dataclass(frozen=True, slots=True, kw_only=True)
class Describing:
    store: Store
    keyring: Keyring
    issuer: str

    async def metadata(self, reference: str) -> bytes:
        """The metadata document; the default ACS is the one that our requests name, the other two stand beside it."""
        connection = await self.store.configured.connection(reference)
        if connection is None:
            raise Refused("connection.unknown", "No connection has this name or id.", got=reference[:80])
        urls = upstream.acs_urls(connection, self.issuer)
        ordered = [urls[connection.acs], *(urls[style] for style in AcsStyle if style is not connection.acs)]
        return write_sp(
            entity_id=upstream.sp_entity_id(connection, self.issuer),
            acs_urls=ordered,
            certificates=await self.keyring.saml_certificates(),
            authn_requests_signed=connection.sign_requests,
            encryption_certificate=await self.keyring.encryption_certificate(connection.id),
            encryption_methods=encryption.methods(allow_cbc=connection.allow_cbc_encryption),
        )
