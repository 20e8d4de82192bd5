"""The ID token's claims, and what a hint may say."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from tests.doubles import START

from vestibule.ground.errors import Refused
from vestibule.oidc import id_token

ISSUER = "https://broker.example/"


def claims(**changes: object) -> dict[str, object]:
    given: dict[str, object] = {
        "issuer": ISSUER,
        "client_id": "crm",
        "subject": "p1",
        "now": START,
        "lifetime": timedelta(hours=1),
        "auth_time": START - timedelta(minutes=5),
        "acr": None,
        "amr": (),
        "released": {},
        **changes,
    }
    return id_token.claims(**given)  # type: ignore[arg-type]


def test_the_least_an_id_token_says() -> None:
    now = int(START.timestamp())
    assert claims() == {
        "iss": ISSUER,
        "sub": "p1",
        "aud": "crm",
        "exp": now + 3600,
        "iat": now,
        "auth_time": now - 300,
    }


def test_the_most_it_says() -> None:
    said = claims(acr="urn:x", amr=("pwd", "mfa"), nonce="n", sid="s", released={"groups": ("a", "b"), "name": "Ada"})
    assert said["acr"] == "urn:x"
    assert said["amr"] == ["pwd", "mfa"]
    assert (said["nonce"], said["sid"], said["name"], said["groups"]) == ("n", "s", "Ada", ["a", "b"])


@pytest.mark.parametrize(
    "name", ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"]
)
def test_no_released_claim_stands_in_for_one_of_ours(name: str) -> None:
    """Not even for one that this token does not have: a mapped `nonce` or `acr` must not look like ours."""
    assert claims(released={name: "forged"}).get(name) != "forged"


def test_at_hash_is_the_left_half_of_sha256() -> None:
    """[OIDC Core A.3]: the access token of the specification's own example."""
    token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
    assert claims(access_token=token)["at_hash"] == "77QmUPtjPfzWtF2AnpK9RQ"


def test_a_hint_names_client_person_and_session() -> None:
    said = {"iss": ISSUER, "aud": "crm", "sub": "p1", "sid": "s1", "exp": 1}
    assert id_token.hint(said, issuer=ISSUER) == ("crm", "p1", "s1")
    assert id_token.hint({**said, "sid": None}, issuer=ISSUER) == ("crm", "p1", None)
    assert id_token.hint({**said, "sid": 7}, issuer=ISSUER) == ("crm", "p1", None)


@pytest.mark.parametrize("change", [{"iss": "https://other.example/"}, {"aud": ["crm"]}, {"sub": None}])
def test_what_is_no_id_token_of_ours_is_no_hint(change: Mapping[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        id_token.hint({"iss": ISSUER, "aud": "crm", "sub": "p1", **change}, issuer=ISSUER)
    assert refused.value.code == "oidc.id_token_hint"
