"""Fresh signed SAML responses, of the size that enterprise identity providers send; each is used once."""

import base64
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from vestibule.saml import issue
from vestibule.saml.names import BINDING_REDIRECT, FORMAT_PERSISTENT

IDP = "https://idp.bench.example"
ENTITY_ID = f"{IDP}/saml"
SSO = f"{IDP}/sso"
DOMAIN = "bench.example"
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_TEAMS = ("users", "sales", "emea", "vpn", "travel", "reports")
GROUPS = tuple(f"CN=crm-{team},OU=Groups,DC=corp,DC=bench,DC=example" for team in _TEAMS)


class IdentityProvider:
    """A practice identity provider: RSA-2048, signed assertion, certificate in KeyInfo, nine attributes, six groups."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate = certificate(self.key, "idp.bench.example")

    def response(
        self, person: int, *, acs: str, audience: str, in_response_to: str | None = None, entity_id: str = ENTITY_ID
    ) -> bytes:
        """A response about the person of this number, for this ACS of this service provider, issued now."""
        now = datetime.now(UTC)
        statement = issue.Statement(
            issuer=entity_id,
            audience=audience,
            recipient=acs,
            destination=acs,
            name_id=f"person-{person:06d}",
            name_id_format=FORMAT_PERSISTENT,
            attributes=attributes(person),
            issue_instant=now,
            authn_instant=now - timedelta(minutes=5),
            not_before=now - timedelta(minutes=1),
            not_on_or_after=now + timedelta(minutes=10),
            in_response_to=in_response_to,
            session_index=f"_{secrets.token_hex(16)}",
        )
        return issue.response(
            statement,
            response_id=f"_{secrets.token_hex(20)}",
            assertion_id=f"_{secrets.token_hex(20)}",
            key=self.key,
            certificate_pem=self.certificate,
            sign="assertion",
        )

    def metadata(self) -> str:
        """Its metadata [SAMLMeta 2.4.3], for those that are configured by it."""
        key = "".join(self.certificate.strip().splitlines()[1:-1])
        return (
            f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ENTITY_ID}">'
            '<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
            '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>'
            f"<X509Certificate>{key}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
            f"<NameIDFormat>{FORMAT_PERSISTENT}</NameIDFormat>"
            f'<SingleSignOnService Binding="{BINDING_REDIRECT}" Location="{SSO}"/>'
            "</IDPSSODescriptor></EntityDescriptor>"
        )


def email(person: int) -> str:
    return f"first{person}.last{person}@{DOMAIN}"


def form(response: bytes, relay_state: str | None) -> bytes:
    """The body of the browser's post."""
    body = "SAMLResponse=" + quote_plus(base64.b64encode(response).decode())
    return (body if relay_state is None else f"{body}&RelayState={quote_plus(relay_state)}").encode()


def attributes(person: int) -> dict[str, tuple[str, ...]]:
    return {
        f"{CLAIMS}nameidentifier": (f"person-{person:06d}",),
        f"{CLAIMS}emailaddress": (email(person),),
        f"{CLAIMS}name": (f"First{person} Last{person}",),
        f"{CLAIMS}givenname": (f"First{person}",),
        f"{CLAIMS}surname": (f"Last{person}",),
        f"{CLAIMS}upn": (email(person),),
        "department": ("Platform Engineering",),
        "employeeId": (f"E{person:06d}",),
        "groups": GROUPS,
    }


def certificate(key: rsa.RSAPrivateKey, common_name: str) -> str:
    """A certificate of one's own making, good for two days."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
