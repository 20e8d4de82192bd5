"""The master key's work: other keys derived from it [RFC 5869], and secrets sealed under them [NIST SP 800-38D]."""

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vestibule.ground.errors import Refused
from vestibule.ground.hashing import keyed

MASTER_BYTES = 32
NONCE_BYTES = 12
_SEALING = "sealing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Seals and derives. Shows nothing of the key it holds."""

    master_key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.master_key) != MASTER_BYTES:
            raise Refused(
                "keys.master_key",
                "The master key is not 32 bytes long; set VESTIBULE_MASTER_KEY to the base64 of 32 random bytes.",
                want=MASTER_BYTES,
                got=len(self.master_key),
            )

    def derive(self, purpose: str) -> bytes:
        """A key for one purpose; from it nothing follows about the master key or the other purposes [RFC 5869 3.2]."""
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"vestibule {purpose}".encode()).derive(
            self.master_key
        )

    @property
    def check(self) -> str:
        """Tells this master key from others, and nothing about it."""
        return keyed(self.derive("seal check"), "vestibule")

    def close(self, text: str, *, about: str, nonce: bytes) -> bytes:
        """Seals a text. `about` is bound to it: a sealed value moved to another row does not open there."""
        return nonce + AESGCM(self.derive(_SEALING)).encrypt(nonce, text.encode(), about.encode())

    def open(self, sealed: bytes, *, about: str) -> str:
        """Opens what was sealed under this master key, for this very thing."""
        try:
            plain = AESGCM(self.derive(_SEALING)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
        except (InvalidTag, ValueError) as error:
            raise Refused(
                "keys.unsealable",
                "A key in the store does not open under this master key; start with the master key it was sealed with.",
                got=about,
            ) from error
        return plain.decode()
