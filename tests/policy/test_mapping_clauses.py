"""The tables of the mapping, written out: a name that is lost or misspelt there loses a claim for somebody's people."""

import pytest
from tests.policy.nouns import PEPPER, authentication, connection

from vestibule.model.identity import Claim, Identity
from vestibule.policy.mapping import RESERVED_CLAIMS, identify, subject_key

NAMES: dict[str, tuple[str, ...]] = {
    "email": (
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
        "urn:oid:0.9.2342.19200300.100.1.3",
        "email",
        "mail",
        "emailAddress",
        "urn:mace:dir:attribute-def:mail",
    ),
    "name": (
        "http://schemas.microsoft.com/identity/claims/displayname",
        "urn:oid:2.16.840.1.113730.3.1.241",
        "displayName",
        "name",
        "urn:oid:2.5.4.3",
        "cn",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
        "urn:mace:dir:attribute-def:displayName",
        "urn:mace:dir:attribute-def:cn",
    ),
    "given_name": (
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
        "urn:oid:2.5.4.42",
        "given_name",
        "givenName",
        "firstName",
        "urn:mace:dir:attribute-def:givenName",
    ),
    "family_name": (
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname",
        "urn:oid:2.5.4.4",
        "family_name",
        "sn",
        "surname",
        "lastName",
        "urn:mace:dir:attribute-def:sn",
    ),
    "preferred_username": (
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
        "urn:oid:0.9.2342.19200300.100.1.1",
        "preferred_username",
        "eduPersonPrincipalName",
        "uid",
        "urn:mace:dir:attribute-def:eduPersonPrincipalName",
        "urn:mace:dir:attribute-def:uid",
    ),
    "groups": (
        "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
        "http://schemas.xmlsoap.org/claims/Group",
        "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
        "groups",
        "memberOf",
        "isMemberOf",
        "urn:mace:dir:attribute-def:isMemberOf",
    ),
}


def known(attributes: dict[str, tuple[str, ...]], **authenticated: str) -> Identity:
    return identify(authentication(attributes=attributes, **authenticated), connection(), PEPPER)


def said(claim: str, attributes: dict[str, tuple[str, ...]]) -> Claim | None:
    """What becomes of the attributes under that claim; None if nothing does."""
    return known(attributes).claims.get(claim)


def test_each_claim_has_its_names_in_their_order() -> None:
    """Each name alone gives the claim, and of two the one further up is taken."""
    for claim, names in NAMES.items():
        for at, name in enumerate(names):
            for later in names[at:]:
                found = said(claim, {later: ("late@acme.example",), name: ("early@acme.example",)})
                assert found == (("early@acme.example",) if claim == "groups" else "early@acme.example"), (name, later)


def test_no_other_claim_comes_without_a_mapping() -> None:
    """What is not in the table gives nothing."""
    everything = {name: ("x@acme.example",) for names in NAMES.values() for name in names}
    assert set(known({**everything, "room": ("x",)}).claims) == {*NAMES, "email_verified"}


@pytest.mark.parametrize(
    "claim",
    [
        "email",
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "phone_number",
    ],
)
def test_a_claim_that_is_one_by_definition_is_the_first_of_several(claim: str) -> None:
    """[OIDC Core 5.1]: one string, however many values came."""
    mapped = connection(attribute_mapping={claim: ("a",)})
    some = authentication(attributes={"a": ("one@acme.example", "two@acme.example")})
    assert identify(some, mapped, PEPPER).claims[claim] == "one@acme.example"


def test_what_we_say_ourselves_cannot_be_mapped() -> None:
    """All of it, by name."""
    assert {
        *("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "azp", "nonce", "sid", "auth_time", "acr", "amr"),
        *("at_hash", "c_hash", "s_hash", "act", "may_act", "cnf", "client_id", "scope", "events", "sub_jwk", "typ"),
        *("connection", "connection_id", "email_verified", "phone_number_verified", "updated_at"),
    } == RESERVED_CLAIMS


@pytest.mark.parametrize(
    ("context", "methods"),
    [
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:Password", ("pwd",)),
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", ("pwd",)),
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard", ("sc",)),
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI", ("sc",)),
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken", ("otp",)),
        ("urn:federation:authentication:windows", ("wia",)),
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract", ("mfa",)),
        ("https://refeds.org/profile/mfa", ("mfa",)),
        ("http://schemas.microsoft.com/claims/multipleauthn", ("mfa",)),
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified", ()),
    ],
)
def test_each_context_class_is_the_method_of_its_registry(context: str, methods: tuple[str, ...]) -> None:
    """[RFC 8176 2]; a class that is not in the table says nothing."""
    assert known({}, context_class=context).amr == methods


@pytest.mark.parametrize(("size", "shown"), [(128, "x" * 128), (129, "x" * 127 + "…")])
def test_a_name_of_128_characters_is_shown_whole(size: int, shown: str) -> None:
    """A longer one is cut, and says so."""
    named = connection(subject_attribute="uid")
    assert identify(authentication(attributes={"uid": ("x" * size,)}), named, PEPPER).display == shown


def test_the_key_of_a_person_is_the_same_in_every_release() -> None:
    """It is kept in the store: made in another way, everybody would be somebody new. Both kinds, written out."""
    by_uid = authentication(attributes={"uid": ("7",)})
    assert subject_key(authentication(), connection(), PEPPER) == "0wWu6iBR1bpgxNQb7b9KSviKGKqrezWFHS1f1V2QGwI"
    assert (
        subject_key(by_uid, connection(subject_attribute="uid"), PEPPER)
        == "VAICj35La93UotIugp3xb6H8dNUJ9P2tye6IK_pLvVU"
    )


def test_of_no_address_nothing_is_verified() -> None:
    """Neither where none was sent, nor where what was sent is no address."""
    for attributes in ({}, {"email": ("ada",)}):
        found = identify(authentication(attributes=attributes), connection(), PEPPER)
        assert (found.email, found.email_verified) == (None, False)
