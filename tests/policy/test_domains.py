"""Which domain an address lies in, and what a connection holds of it."""

import pytest
from tests.policy.nouns import connection

from vestibule.model.connection import Domain
from vestibule.policy.domains import connection_for, domain_of, held, is_domain, is_verified


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("ada@acme.example", "acme.example"),
        ("Ada.Lovelace+x@ACME.Example", "acme.example"),
        ("o'hara@acme.example", "acme.example"),
        ("a" * 64 + "@acme.example", "acme.example"),
    ],
)
def test_a_plain_address_lies_in_the_domain_behind_its_at_sign(email: str, domain: str) -> None:
    assert domain_of(email) == domain


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ada",
        "@acme.example",
        "ada@",
        "ada@localhost",
        "ada@acme.example.",
        "ada@acme..example",
        "ada@-acme.example",
        "ada@acme_.example",
        "ada@[127.0.0.1]",
        "ada@evil.example@acme.example",
        '"ada@evil.example"@acme.example',
        "ada@evil.example,bob@acme.example",
        "ada@evil.example bob@acme.example",
        "<ada@acme.example>",
        "ada (comment)@acme.example",
        "ada@acme.example\n",
        " ada@acme.example",
        "ada\x00@acme.example",
        "ada@\uff41cme.example",
        "ada@acm\u0435.example",
        "\u212aelvin@acme.example",
        "müller@acme.example",
        "a" * 65 + "@acme.example",
        "ada@" + "a" * 64 + ".example",
        "ada@" + "a." * 127 + "example",
    ],
)
def test_an_address_that_can_be_read_two_ways_lies_in_no_domain(email: str) -> None:
    assert domain_of(email) is None


def test_a_domain_is_configured_in_lower_case_with_two_labels_at_least() -> None:
    assert is_domain("acme.example")
    assert is_domain("xn--mller-kva.example")
    for name in (
        "",
        "acme",
        "Acme.example",
        "acme.example.",
        ".example",
        "müller.example",
        "acme.example/",
        "*.acme.example",
    ):
        assert not is_domain(name)


def test_a_domain_has_at_most_253_characters() -> None:
    labels = ".".join(["a" * 49] * 5)
    assert is_domain(f"{labels}.abc")
    assert not is_domain(f"{labels}.abcd")


def test_a_subdomain_is_another_domain() -> None:
    assert held(connection(), "acme.example") == Domain(name="acme.example", verified=True)
    assert held(connection(), "mail.acme.example") is None
    assert held(connection(), "example") is None
    assert held(connection(), None) is None


def test_only_an_address_in_a_verified_domain_is_verified() -> None:
    assert is_verified(connection(), "ada@ACME.example")
    assert not is_verified(connection(domains=(Domain(name="acme.example"),)), "ada@acme.example")
    assert not is_verified(connection(), "ada@other.example")
    assert not is_verified(connection(), "x@acme.example@other.example")
    assert not is_verified(connection(), None)


def test_a_verified_listing_outranks_and_then_the_name_decides() -> None:
    listed, verified = Domain(name="acme.example"), Domain(name="acme.example", verified=True)
    a, b, c = (connection(name=name, domains=(listed,)) for name in "abc")
    holder = connection(name="z", domains=(verified,))
    assert connection_for([c, holder, a], "ada@acme.example") == holder
    assert connection_for([c, b, a], " Ada@Acme.example ") == a
    assert connection_for([a], "ada@other.example") is None
    assert connection_for([a], "ada") is None
