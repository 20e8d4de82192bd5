"""Judging one SAML response of one connection: the road from octets to a valid assertion, as the ACS and `inspect` both walk it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from vestibule.ground.errors import Finding
from vestibule.model.connection import Connection
from vestibule.saml import checks, trust
from vestibule.saml.checks import ValidAssertion
from vestibule.saml.response import UnverifiedResponse
from vestibule.saml.trust import VerifiedAssertion
from vestibule.upstream import saml as upstream
from vestibule.xml.encryption import Decryption
from vestibule.xml.signature import PublicKey, load_certificates


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What a response is judged by: the connection as it is now, the address it came to, and the moment.

    `keys` open what was encrypted for this connection. Each step gives another type, so that none can be left out.
    """

    connection: Connection
    acs_url: str
    issuer: str
    now: datetime
    keys: Sequence[RSAPrivateKey] = field(default=(), repr=False)

    def verified(self, unverified: UnverifiedResponse, findings: list[Finding]) -> VerifiedAssertion:
        """The assertion, opened if it was encrypted, and believed to be the identity provider's. Findings are added as they are made."""
        connection = self.connection
        keys = load_certificates(connection.idp.certificates)
        verified = trust.verify(
            unverified,
            keys=keys,
            allow_sha1=connection.allow_sha1_signatures,
            decryption=Decryption(keys=tuple(self.keys), allow_cbc=connection.allow_cbc_encryption),
        )
        if verified.encryption is not None:
            findings.append(
                Finding(
                    rule="xml.decryption",
                    verdict="pass",
                    why="The assertion was encrypted for this connection, and opened.",
                    got=verified.encryption,
                )
            )
        kinds = (("Response", verified.response_signed), ("Assertion", verified.assertion_signed))
        findings.append(
            Finding(
                rule="saml.signature",
                verdict="pass",
                why="Every signature verifies with a key of this connection, and only what they cover is read on.",
                want=f"{len(keys)} certificate(s)",
                got=f"signed: {', '.join(name for name, is_signed in kinds if is_signed)}; "
                f"by certificate {_numbers(verified.signers, keys)}",
            )
        )
        return verified

    def valid(self, unverified: UnverifiedResponse, findings: list[Finding]) -> ValidAssertion:
        """Opened, verified, validated; `Refused` by the first rule that fails."""
        verified = self.verified(unverified, findings)
        expect = upstream.expectation(self.connection, self.acs_url, self.issuer)
        valid = checks.validate(verified, expect=expect, now=self.now)
        findings.extend(valid.findings)
        return valid


def _numbers(signers: Sequence[PublicKey], keys: Sequence[PublicKey]) -> str:
    """Which of the connection's certificates were used, counted from 1: so that an old one is seen to be needed no more."""
    return ", ".join(str(number) for number in sorted({keys.index(key) + 1 for key in signers}))
