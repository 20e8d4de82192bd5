"""Client authentication's last clauses: what is empty is absent, and what is not base64 is not read."""

import base64

import pytest

from vestibule.ground.errors import OAuthRefused
from vestibule.ground.hashing import digest
from vestibule.oidc.client_auth import Presented, present, verify

ENCODED = base64.b64encode(b"crm:s3cret").decode()


@pytest.mark.parametrize(
    ("authorization", "parameters", "code"),
    [
        (None, {"client_id": ""}, "oidc.client_missing"),
        (None, {"client_id": "", "client_secret": "x"}, "oidc.client_missing"),
        (f"Basic {ENCODED[:4]}!{ENCODED[4:]}", {}, "oidc.client_malformed"),
        (f"Basic {ENCODED[:4]} {ENCODED[4:]}", {}, "oidc.client_malformed"),
    ],
)
def test_what_is_empty_or_garbled_presents_nobody(
    authorization: str | None, parameters: dict[str, str], code: str
) -> None:
    """One reader must not see a client where the next sees none."""
    with pytest.raises(OAuthRefused) as refused:
        present(authorization, parameters)
    assert (refused.value.error, refused.value.code) == ("invalid_client", code)


def test_no_secret_is_a_wrong_secret() -> None:
    """And no error, whatever is registered."""
    for kept in (digest("s3cret"), digest("None")):
        with pytest.raises(OAuthRefused) as refused:
            verify(
                Presented(client_id="crm", method="client_secret_post"),
                method="client_secret_post",
                secret_digests=[kept],
            )
        assert (refused.value.error, refused.value.code) == ("invalid_client", "oidc.client_secret")
