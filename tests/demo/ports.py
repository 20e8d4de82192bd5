"""Ports for a tour of a test's own: beside those that the system hands out, and not the same in two runs at once."""

import random
import socket

_FROM, _TO = 10_000, 32_000
"""Below the ports that the system gives to whoever asks for any: none of those is taken by chance in between."""


def free_ports(count: int = 5) -> int:
    """The first of `count` ports in a row that nobody uses; drawn, since whoever counts up meets everybody who does."""
    draw = random.SystemRandom()
    for _ in range(1_000):
        base = draw.randrange(_FROM, _TO)
        if all(map(_is_free, range(base, base + count))):
            return base
    raise AssertionError(f"no {count} free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
