"""Keys: what is shown of them, and what is not."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from vestibule.jose import keys

PRIVATE_PARTS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@pytest.mark.parametrize(("alg", "kind"), [("RS256", "RSA"), ("ES256", "EC")])
def test_a_published_key_has_a_name_one_algorithm_and_no_private_part(alg: str, kind: str) -> None:
    public = keys.public_pem(keys.generate(alg))
    kid = keys.thumbprint(alg, public)
    jwk = keys.public_jwk(kid, alg, public)
    assert (jwk["kid"], jwk["alg"], jwk["use"], jwk["kty"]) == (kid, alg, "sig", kind)
    assert not PRIVATE_PARTS & jwk.keys()


def test_a_name_follows_from_the_key() -> None:
    """Equal keys have equal names, others not [RFC 7638]."""
    one, other = keys.public_pem(keys.generate("ES256")), keys.public_pem(keys.generate("ES256"))
    assert keys.thumbprint("ES256", one) == keys.thumbprint("ES256", one)
    assert keys.thumbprint("ES256", one) != keys.thumbprint("ES256", other)


def test_a_key_of_the_wrong_kind_is_not_taken_for_another_algorithm() -> None:
    with pytest.raises(ValueError, match="not a key for RS256"):
        keys.signing_key("k", "RS256", keys.generate("ES256"))


def test_a_signing_key_shows_nothing() -> None:
    assert repr(keys.signing_key("k", "ES256", keys.generate("ES256"))) == "SigningKey(kid='k', alg='ES256')"


def test_an_unknown_kind_of_key_verifies_nothing() -> None:
    assert keys.verifying_key({"kty": "oct", "k": "c2VjcmV0"}) is None
    assert keys.verifying_key({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"}) is None


@pytest.mark.parametrize(("kind", "alg"), [("RS256", "ES256"), ("ES256", "RS256"), ("RS256", "PS256")])
def test_a_key_signs_with_the_algorithm_of_its_kind_and_no_other(kind: str, alg: str) -> None:
    with pytest.raises(ValueError, match=alg):
        keys.signing_key("k", alg, keys.generate(kind))


def test_an_es256_key_lies_on_the_curve_of_the_algorithm() -> None:
    """ES256 is P-256 by definition [RFC 7518 3.4]: a signature by another curve would not fit its 64 octets."""
    other = ec.generate_private_key(ec.SECP384R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="ES256"):
        keys.signing_key("k", "ES256", other.decode())
