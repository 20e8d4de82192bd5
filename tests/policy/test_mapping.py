"""Who somebody is: identity keys, mapped claims, and what is believed of an email."""

from typing import Any

import pytest
from tests.policy.nouns import NOW, PEPPER, authentication, connection

from vestibule.ground.errors import Refused
from vestibule.model.authentication import Subject
from vestibule.model.connection import Domain
from vestibule.model.identity import Identity
from vestibule.model.ids import ConnectionId, IdentityKey
from vestibule.policy.mapping import DEFAULT_MAPPING, RESERVED_CLAIMS, as_of_now, identify, subject_key


def known(attributes: dict[str, tuple[str, ...]] | None = None, **changes: Any) -> Identity:
    """The identity behind these attributes, at a connection changed so."""
    return identify(authentication(attributes=attributes or {}), connection(**changes), PEPPER)


def key(subject: Subject | None = None, pepper: bytes = PEPPER, **changes: Any) -> IdentityKey:
    return subject_key(authentication(subject=subject or Subject(value="ada")), connection(**changes), pepper)


# -- the key ----------------------------------------------------------------------------------------------------------


def test_the_same_subject_has_the_same_key() -> None:
    assert key() == key() == known().key


@pytest.mark.parametrize(
    "subject",
    [
        Subject(value="Ada"),
        Subject(value="ada "),
        Subject(value="ada", format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"),
        Subject(value="ada", name_qualifier="q"),
        Subject(value="ada", sp_name_qualifier="q"),
        Subject(value="a", format="da"),
    ],
)
def test_whatever_differs_in_the_name_is_somebody_else(subject: Subject) -> None:
    assert key(subject) != key()


def test_qualifiers_do_not_stand_in_for_one_another() -> None:
    assert key(Subject(value="ada", name_qualifier="q")) != key(Subject(value="ada", sp_name_qualifier="q"))


def test_the_same_name_at_another_connection_is_somebody_else() -> None:
    assert key(id=ConnectionId("con_beta")) != key()


def test_a_key_is_keyed() -> None:
    assert key(pepper=b"x" * 32) != key()
    assert "ada" not in key()


def test_a_connection_may_be_renamed_in_display_without_anybody_becoming_somebody_else() -> None:
    assert key(display_name="Other") == key()


def test_a_transient_name_is_no_key_without_a_subject_attribute() -> None:
    transient = authentication(transient=True, attributes={"uid": ("ada",)})
    for judge in (identify, subject_key):
        with pytest.raises(Refused) as caught:
            judge(transient, connection(), PEPPER)
        assert caught.value.code == "saml.transient_name_id"
    assert identify(transient, connection(subject_attribute="uid"), PEPPER).display == "ada"


def test_without_a_name_id_the_subject_attribute_is_the_key_and_the_name_that_is_shown() -> None:
    by_uid = connection(subject_attribute="uid")
    one = authentication(attributes={"uid": ("7",)}, subject=Subject(value=""))
    assert identify(one, by_uid, PEPPER).display == "7"
    assert identify(one, by_uid, PEPPER).key == subject_key(authentication(attributes={"uid": ("7",)}), by_uid, PEPPER)


def test_a_subject_attribute_is_the_key_whatever_the_name_id_says() -> None:
    by_uid = connection(subject_attribute="uid")
    one = authentication(attributes={"uid": ("7",)})
    other = authentication(attributes={"uid": ("7", "  ")}, subject=Subject(value="bob"), transient=True)
    assert subject_key(one, by_uid, PEPPER) == subject_key(other, by_uid, PEPPER)
    assert subject_key(one, by_uid, PEPPER) != subject_key(one, connection(subject_attribute="uid", id="con_b"), PEPPER)


def test_the_same_value_of_another_attribute_is_somebody_else() -> None:
    both = authentication(attributes={"uid": ("7",), "room": ("7",)})
    by_uid, by_room = connection(subject_attribute="uid"), connection(subject_attribute="room")
    assert subject_key(both, by_uid, PEPPER) != subject_key(both, by_room, PEPPER)


def test_a_subject_attribute_is_not_mistaken_for_a_name_id() -> None:
    by_uid = authentication(attributes={"uid": ("ada",)})
    assert subject_key(by_uid, connection(subject_attribute="uid"), PEPPER) != key()


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (None, "identity.subject_attribute_missing"),
        ((), "identity.subject_attribute_missing"),
        (("", " "), "identity.subject_attribute_missing"),
        (("7", "8"), "identity.subject_attribute_many"),
        (("7", "7"), "identity.subject_attribute_many"),
    ],
)
def test_a_subject_attribute_has_one_value(values: tuple[str, ...] | None, code: str) -> None:
    attributes = {} if values is None else {"uid": values}
    with pytest.raises(Refused) as caught:
        known(attributes, subject_attribute="uid")
    assert caught.value.code == code


# -- claims -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "name"), [(claim, name) for claim, names in DEFAULT_MAPPING.items() for name in names]
)
def test_every_usual_schema_is_understood_without_configuration(claim: str, name: str) -> None:
    value = "ada@acme.example" if claim == "email" else "v"
    told = known({name: (value,)}).claims
    assert told[claim] == ((value,) if claim == "groups" else value)


def test_the_first_attribute_that_is_present_wins() -> None:
    both = {"mail": ("b@acme.example",), "email": ("a@acme.example",)}
    assert known(both, attribute_mapping={"email": ("mail", "email")}).email == "b@acme.example"
    assert known(both, attribute_mapping={"email": ("email", "mail")}).email == "a@acme.example"
    assert known({**both, "mail": (" ",)}, attribute_mapping={"email": ("mail", "email")}).email == "a@acme.example"


def test_a_configured_mapping_replaces_the_default_of_its_claim_alone() -> None:
    told = known({"displayName": ("Ada",), "sn": ("L",), "nick": ("a",)}, attribute_mapping={"name": ("nick",)}).claims
    assert told == {"name": "a", "family_name": "L"}


def test_attribute_names_are_compared_byte_for_byte() -> None:
    assert known({"DISPLAYNAME": ("Ada",)}).claims == {}


def test_attributes_that_are_not_mapped_are_not_told() -> None:
    assert known({"salary": ("1",)}).claims == {}


def test_one_value_is_a_text_and_several_stay_a_list() -> None:
    mapping = {"team": ("team",)}
    assert known({"team": ("a",)}, attribute_mapping=mapping).claims["team"] == "a"
    assert known({"team": ("a", "", "b")}, attribute_mapping=mapping).claims["team"] == ("a", "b")


def test_groups_are_a_list_even_of_one() -> None:
    assert known({"groups": ("admins",)}).claims["groups"] == ("admins",)


def test_a_claim_that_is_one_text_by_definition_takes_the_first_value() -> None:
    assert known({"name": ("Ada", "Countess")}).claims["name"] == "Ada"


@pytest.mark.parametrize("claim", sorted(RESERVED_CLAIMS))
def test_a_reserved_claim_can_never_be_mapped(claim: str) -> None:
    assert claim not in known({"x": ("true",)}, attribute_mapping={claim: ("x",)}).claims


def test_every_claim_that_is_ours_is_reserved() -> None:
    ours = {"iss", "sub", "aud", "amr", "acr", "auth_time", "nonce", "sid", "connection", "connection_id"}
    assert ours | {"email_verified", "exp", "iat", "act"} <= RESERVED_CLAIMS


# -- email ------------------------------------------------------------------------------------------------------------

LISTED, VERIFIED = Domain(name="acme.example"), Domain(name="acme.example", verified=True)


@pytest.mark.parametrize(
    ("domains", "foreign", "asserted", "email", "verified"),
    [
        ((VERIFIED,), False, "Ada@Acme.Example", "Ada@Acme.Example", True),
        ((LISTED,), False, "ada@acme.example", "ada@acme.example", False),
        ((), False, "ada@acme.example", "ada@acme.example", False),
        ((VERIFIED,), False, "ada@other.example", None, False),
        ((VERIFIED,), False, "ada@sub.acme.example", None, False),
        ((VERIFIED,), True, "ada@other.example", "ada@other.example", False),
        ((LISTED,), False, "ada@other.example", None, False),
        ((), False, "not an address", None, False),
        ((VERIFIED,), True, "x@other.example@acme.example", None, False),
        ((VERIFIED,), True, "\u212aay@acme.example", None, False),
    ],
)
def test_what_is_believed_of_an_email(
    domains: tuple[Domain, ...], foreign: bool, asserted: str, email: str | None, verified: bool
) -> None:
    told = known({"mail": (asserted,)}, domains=domains, allow_foreign_emails=foreign)
    assert (told.email, told.email_verified) == (email, verified)
    claimed = {name: told.claims[name] for name in told.claims if name.startswith("email")}
    assert claimed == ({} if email is None else {"email": email, "email_verified": verified})


def test_a_kept_identity_is_verified_no_longer_than_its_connection_holds_the_domain() -> None:
    kept = known({"mail": ("ada@acme.example",)})
    assert as_of_now(kept, connection()) == kept
    now = as_of_now(kept, connection(domains=(LISTED,)))
    assert (now.email, now.email_verified) == ("ada@acme.example", False)
    unverified = known({"mail": ("ada@acme.example",)}, domains=())
    assert as_of_now(unverified, connection()) == unverified


# -- the rest ---------------------------------------------------------------------------------------------------------


def test_the_name_shown_is_the_verified_email_else_the_name_id_and_never_an_asserted_name() -> None:
    asserted = {"displayName": ("Your Boss",), "mail": ("boss@other.example",)}
    assert known(asserted).display == "ada"
    assert known({**asserted, "mail": ("ada@acme.example",)}).display == "ada@acme.example"
    assert known({"mail": ("ada@acme.example",)}, domains=(LISTED,)).display == "ada"
    assert known({"uid": ("7",), **asserted}, subject_attribute="uid").display == "7"


def test_the_name_shown_cannot_turn_a_line_around_or_run_off_it() -> None:
    def shown(name: str) -> str:
        return identify(authentication(subject=Subject(value=name)), connection(), PEPPER).display

    assert shown("a\u202eda\n\u200b") == "a\ufffdda\ufffd\ufffd"
    assert shown("a" * 128) == "a" * 128
    assert shown("a" * 129) == "a" * 127 + "…"


@pytest.mark.parametrize(
    ("context", "methods"),
    [
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport", ("pwd",)),
        ("https://refeds.org/profile/mfa", ("mfa",)),
        ("urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified", ()),
        (None, ()),
    ],
)
def test_the_context_class_is_told_as_it_came_and_as_methods(context: str | None, methods: tuple[str, ...]) -> None:
    told = identify(authentication(context_class=context), connection(), PEPPER)
    assert (told.acr, told.amr) == (context, methods)


def test_an_identity_carries_its_connection_and_when_it_was_authenticated_and_ends() -> None:
    told = identify(authentication(ends_at=NOW), connection(), PEPPER)
    assert (told.connection, told.connection_name) == ("con_acme", "acme")
    assert (told.authenticated_at, told.ends_at, told.session_index) == (NOW, NOW, "_s")
