"""The operating system's randomness."""

import os

from vestibule.ground.hashing import b64url


class SystemEntropy:
    """Draws from the operating system's cryptographically strong source."""

    def bytes(self, count: int) -> bytes:
        return os.urandom(count)

    def token(self, count: int = 32) -> str:
        return b64url(os.urandom(count))
