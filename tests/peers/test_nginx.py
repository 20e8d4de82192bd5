"""nginx, as deploy/nginx.conf has it, before two nodes."""

from tests.peers.behind import nginx
from tests.peers.proxied import ProxyContract


class TestNginx(ProxyContract):
    start = staticmethod(nginx)
