"""Which addresses we may connect to on somebody's word: the guard against server-side request forgery."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from vestibule.ground.errors import Refused

_V6_GLOBAL = IPv6Network("2000::/3")
_V6_PRIVATE = IPv6Network("fc00::/7")
_V4_PRIVATE = tuple(
    IPv4Network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
)
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
# Special purposes [RFC 6890 and its registries] that `is_global` lets through, or an older Python does not know.
_RESERVED: tuple[IPv4Network | IPv6Network, ...] = (
    *map(IPv4Network, ("192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.175.48.0/24")),
    *map(IPv6Network, ("2001::/23", "2620:4f:8000::/48", "3fff::/20")),
)
# Services of clouds that hand out credentials or orders to the machine, inside ranges that are public or may be opened.
_METADATA_SERVICES = tuple(map(ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far outgoing requests may go: the public internet always, and what is opened here.

    `private` opens private networks (RFC 1918, RFC 6598, RFC 4193) and loopback; `loopback` only this machine; `hosts`
    private networks alone, and to these names alone, which are in lower case and compared whole. Nothing opens
    link-local, multicast, reserved and translated addresses: metadata services live there.
    """

    private: bool = False
    loopback: bool = False
    hosts: frozenset[str] = frozenset()

    def allows(self, address: IPv4Address | IPv6Address, *, host: str = "") -> bool:
        """Whether one address may be connected to under the name `host`."""
        if address in _METADATA_SERVICES or _hides_another(address):
            return False
        if address.is_loopback:
            return self.loopback or self.private
        if _is_private(address):
            return self.private or host.lower().rstrip(".") in self.hosts
        if isinstance(address, IPv6Address) and address not in _V6_GLOBAL:
            return False
        if any(address in network for network in _RESERVED):
            return False
        return address.is_global and not address.is_multicast and not address.is_reserved

    def checked(self, host: str, answers: tuple[str, ...]) -> tuple[str, ...]:
        """The addresses of `host`, all of them allowed; refused if one is not, since the next lookup may pick that one."""
        for answer in answers:
            address = ip_address(answer)
            if not self.allows(address, host=host):
                raise Refused(
                    "fetch.address",
                    f"{host} leads to an address that Vestibule does not connect to. {_remedy(host, address)}",
                    got=answer,
                )
        return answers


def _remedy(host: str, address: IPv4Address | IPv6Address) -> str:
    """What opens such an address, if anything does."""
    if address.is_loopback:
        return "It is this machine. VESTIBULE_FETCH_PRIVATE=true opens it, together with all private networks."
    if address in _METADATA_SERVICES or not _is_private(address):
        return "Only public addresses are fetched from."
    if host == str(address):
        return "It is private. Give a host name, and let VESTIBULE_FETCH_HOSTS name it."
    return f"It is private. VESTIBULE_FETCH_HOSTS={host} lets Vestibule fetch from this host there."


def _hides_another(address: IPv4Address | IPv6Address) -> bool:
    """IPv4-mapped, 6to4, Teredo and NAT64 addresses lead to an IPv4 address that the other rules would not see."""
    if isinstance(address, IPv4Address):
        return False
    return (
        address.ipv4_mapped is not None
        or address.sixtofour is not None
        or address.teredo is not None
        or address.scope_id is not None
        or any(address in network for network in _TRANSLATED)
    )


def _is_private(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return any(address in network for network in _V4_PRIVATE)
    return address in _V6_PRIVATE
