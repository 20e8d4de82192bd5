"""The guard against server-side request forgery: which addresses are open, by default and when opened."""

from ipaddress import ip_address

import pytest

from vestibule.ground.errors import Refused
from vestibule.outside.addresses import Reach

PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"]
LOOPBACK = ["127.0.0.1", "127.8.8.8", "::1"]
PRIVATE = ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255", "fd00::1"]
NEVER = [
    "0.0.0.0",  # noqa: S104  # nothing listens here
    "0.1.2.3",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.0.192",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.175.48.1",
    "198.51.100.1",
    "203.0.113.1",
    "239.255.255.255",
    "168.63.129.16",
    "::ffff:0:8.8.8.8",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:20::1",
    "2001:1ff::1",
    "2002:808:808::1",
    "2620:4f:8000::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "169.254.169.254",
    "fe80::1",
    "fe80::1%1",
    "224.0.0.1",
    "ff02::1",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "::",
    "fec0::1",
    "::ffff:8.8.8.8",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2001:db8::1",
    "fd00:ec2::254",
    "100.100.100.200",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_open(address: str) -> None:
    assert Reach().allows(ip_address(address))


@pytest.mark.parametrize("address", [*LOOPBACK, *PRIVATE, *NEVER])
def test_nothing_else_is_open_by_default(address: str) -> None:
    assert not Reach().allows(ip_address(address))


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_is_opened_alone(address: str) -> None:
    assert Reach(loopback=True).allows(ip_address(address))
    assert not any(Reach(loopback=True).allows(ip_address(private)) for private in PRIVATE)


@pytest.mark.parametrize("address", [*LOOPBACK, *PRIVATE])
def test_private_networks_are_opened_with_this_machine(address: str) -> None:
    assert Reach(private=True).allows(ip_address(address))


@pytest.mark.parametrize("address", PRIVATE)
def test_named_hosts_are_reached_in_private_networks_and_no_others(address: str) -> None:
    """To the letter: no parent, no child, no look-alike of the name."""
    reach = Reach(hosts=frozenset({"idp.corp.example"}))
    for host in ("idp.corp.example", "IDP.Corp.Example", "idp.corp.example."):
        assert reach.allows(ip_address(address), host=host)
    for host in (
        "corp.example",
        "a.idp.corp.example",
        "idp.corp.example.evil.example",
        "xidp.corp.example",
        "",
        address,
    ):
        assert not reach.allows(ip_address(address), host=host)


@pytest.mark.parametrize("address", [*LOOPBACK, *NEVER])
def test_a_name_opens_neither_this_machine_nor_metadata_services(address: str) -> None:
    """Whoever answers for the name in DNS must not get at these."""
    assert not Reach(hosts=frozenset({"idp.corp.example"})).allows(ip_address(address), host="idp.corp.example")


@pytest.mark.parametrize(
    ("host", "answer", "remedy"),
    [
        ("idp.corp.example", "10.0.0.1", "VESTIBULE_FETCH_HOSTS=idp.corp.example lets"),
        ("10.0.0.1", "10.0.0.1", "Give a host name"),
        ("localhost", "127.0.0.1", "VESTIBULE_FETCH_PRIVATE=true opens"),
        ("idp.corp.example", "169.254.169.254", "Only public addresses"),
        ("idp.corp.example", "100.100.100.200", "Only public addresses"),
    ],
)
def test_the_refusal_says_what_would_open_the_address(host: str, answer: str, remedy: str) -> None:
    """The narrowest setting, and none where none does."""
    with pytest.raises(Refused) as caught:
        Reach().checked(host, (answer,))
    assert caught.value.code == "fetch.address"
    assert remedy in caught.value.why


@pytest.mark.parametrize("address", NEVER)
def test_metadata_services_and_addresses_in_disguise_are_never_open(address: str) -> None:
    """Not even where private networks are: no identity provider lives there, and credentials do."""
    assert not Reach(private=True, loopback=True).allows(ip_address(address))


def test_one_closed_address_closes_the_name() -> None:
    """The next lookup could pick that one."""
    assert Reach().checked("idp.example", ("8.8.8.8", "1.1.1.1")) == ("8.8.8.8", "1.1.1.1")
    with pytest.raises(Refused) as caught:
        Reach().checked("idp.example", ("8.8.8.8", "10.0.0.1"))
    assert (caught.value.code, caught.value.got) == ("fetch.address", "10.0.0.1")
