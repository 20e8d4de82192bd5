"""Caddy, as deploy/Caddyfile has it, before two nodes."""

from tests.peers.behind import caddy
from tests.peers.proxied import ProxyContract


class TestCaddy(ProxyContract):
    start = staticmethod(caddy)
