"""What an application is told, by scope."""

from collections.abc import Mapping

import pytest
from tests.policy.nouns import identity

from vestibule.model.identity import Claim
from vestibule.policy.release import release

ALWAYS: Mapping[str, Claim] = {"connection": "acme", "connection_id": "con_acme"}
CLAIMS: Mapping[str, Claim] = {
    "name": "Ada",
    "team": ("a", "b"),
    "groups": ("admins",),
    "phone_number": "1",
    "address": "2",
    "email": "ada@acme.example",
    "email_verified": True,
}


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ("", set()),
        ("openid", set()),
        ("openid profile", {"name", "team"}),
        ("email", {"email", "email_verified"}),
        ("groups", {"groups"}),
        ("phone", {"phone_number"}),
        ("address", {"address"}),
        ("openid profile email groups", {"name", "team", "email", "email_verified", "groups"}),
        ("profiles", set()),
    ],
)
def test_a_scope_releases_its_claims_and_no_others(scope: str, told: set[str]) -> None:
    released = release(identity(claims=CLAIMS), scope)
    assert released == {name: CLAIMS[name] for name in told} | ALWAYS


def test_the_connection_is_always_told_and_no_claim_can_stand_in_for_it() -> None:
    forged = identity(claims={"connection": "evil", "connection_id": "evil"})
    assert release(forged, "profile") == ALWAYS


def test_the_email_told_is_the_one_that_was_judged() -> None:
    judged = identity(claims={"email": "x@other.example", "email_verified": True}, email_verified=False)
    assert release(judged, "email") == {**ALWAYS, "email": "ada@acme.example", "email_verified": False}
    assert release(identity(email=None, email_verified=False), "email") == ALWAYS
