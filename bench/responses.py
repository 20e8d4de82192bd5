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
from vestibule.saml.names import FORMAT_PERSISTENT

IDP = "https://idp.bench.example"
ENTITY_ID = f"{IDP}/saml"
SSO = f"{IDP}/sso"
DOMAIN = "bench.example"
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_TEAMS = ("users", "sales", "emea", "vpn", "travel", "reports")
GROUPS = tuple(f"CN=crm-{team},OU=Groups,DC=corp,DC=bench,DC=example" for team in _TEAMS)


class IdentityProvider:
    """A practice identity provider: RSA-2048, signed assertion, certificate in KeyInfo, nine attributes, six groups."""

    def __init__(self, issuer: str) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate = _certificate(self.key)
        self._issuer = issuer

    def response(self, person: int, *, connection: str, in_response_to: str | None = None) -> bytes:
        """A response about the person of this number, for the ACS of this connection, issued now."""
        now = datetime.now(UTC)
        acs = f"{self._issuer}login/callback?connection={connection}"
        statement = issue.Statement(
            issuer=ENTITY_ID,
            audience=f"{self._issuer}saml/metadata/{connection}",
            recipient=acs,
            destination=acs,
            name_id=f"person-{person:06d}",
            name_id_format=FORMAT_PERSISTENT,
            attributes=_attributes(person),
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


def form(response: bytes, relay_state: str | None) -> bytes:
    """The body of the browser's post."""
    body = "SAMLResponse=" + quote_plus(base64.b64encode(response).decode())
    return (body if relay_state is None else f"{body}&RelayState={quote_plus(relay_state)}").encode()


def _attributes(person: int) -> dict[str, tuple[str, ...]]:
    email = f"first{person}.last{person}@{DOMAIN}"
    return {
        f"{CLAIMS}nameidentifier": (f"person-{person:06d}",),
        f"{CLAIMS}emailaddress": (email,),
        f"{CLAIMS}name": (f"First{person} Last{person}",),
        f"{CLAIMS}givenname": (f"First{person}",),
        f"{CLAIMS}surname": (f"Last{person}",),
        f"{CLAIMS}upn": (email,),
        "department": ("Platform Engineering",),
        "employeeId": (f"E{person:06d}",),
        "groups": GROUPS,
    }


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.bench.example")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
