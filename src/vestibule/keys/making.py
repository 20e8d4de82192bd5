"""Making a key: both halves, its name, and the certificate that a SAML key travels in."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from vestibule.ground.entropy import Entropy
from vestibule.jose import keys as jose
from vestibule.keys.certificate import self_signed
from vestibule.model.key import KeyPurpose

ALGORITHM = {
    KeyPurpose.TOKEN_RS256: "RS256",
    KeyPurpose.TOKEN_ES256: "ES256",
    KeyPurpose.SAML_REQUEST: "RS256",
    KeyPurpose.SAML_ENCRYPTION: "RS256",  # an RSA key; it signs nothing
}
TOKEN_PURPOSE = {"RS256": KeyPurpose.TOKEN_RS256, "ES256": KeyPurpose.TOKEN_ES256}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A key that was made and is neither sealed nor kept yet."""

    purpose: KeyPurpose
    kid: str
    private_pem: str = field(repr=False)
    public_pem: str
    certificate_pem: str | None


async def drafted(purpose: KeyPurpose, *, entropy: Entropy, now: datetime) -> Draft:
    """A new key. RSA takes a moment, so it is made beside the event loop."""
    alg = ALGORITHM[purpose]
    private = await asyncio.to_thread(jose.generate, alg)
    public = jose.public_pem(private)
    certificate = None
    if purpose not in TOKEN_PURPOSE.values():
        key = load_pem_private_key(private.encode(), None)
        if isinstance(key, RSAPrivateKey):
            certificate = self_signed(key, name="Vestibule", now=now, serial=entropy.bytes(16))
    return Draft(
        purpose=purpose,
        kid=jose.thumbprint(alg, public),
        private_pem=private,
        public_pem=public,
        certificate_pem=certificate,
    )
