"""The corpus of attacks, judged by the law alone: each refused by its own code, each honest message believed to the letter."""

import base64
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.builders_saml import NOW, expectation, refusal
from tests.vectors.saml import make
from tests.vectors.saml.corpus import HERE, OPENER, Vector, certificate, private_key, read_vectors
from tests.xml.other_signer import xmlsec_accepts

from vestibule.saml.bindings import decode_post
from vestibule.saml.checks import ValidAssertion, classify, validate
from vestibule.saml.response import read
from vestibule.saml.trust import verify
from vestibule.xml.encryption import Decryption
from vestibule.xml.signature import load_certificates

VECTORS = read_vectors()
DOCUMENTS = [vector for vector in VECTORS if vector.form != "http"]
REFUSED = [vector for vector in DOCUMENTS if vector.refused is not None]
ACCEPTED = [vector for vector in DOCUMENTS if vector.refused is None]
SPEAK_FOR_THEMSELVES = {f"S{number}" for number in (*range(57, 61), *range(64, 69), 70, 71, 72, 73, 74, 78)}
"""Rows about what a message says: there the signature is good, so that nothing else can be what is objected to."""


def judged(vector: Vector) -> tuple[ValidAssertion, str | None]:
    """Along the main road: decoded, read, verified, validated, classified."""
    value = vector.octets if vector.form == "base64" else base64.b64encode(vector.octets)
    opener = private_key(OPENER)
    assert isinstance(opener, RSAPrivateKey)
    verified = verify(
        read(decode_post(value.decode("utf-8"))),
        keys=load_certificates([certificate(name) for name in vector.keys]),
        allow_sha1=vector.allow_sha1,
        decryption=Decryption(keys=(opener,), allow_cbc=vector.allow_cbc),
    )
    valid = validate(verified, expect=expectation(), now=NOW)
    return valid, classify(valid)


@pytest.mark.parametrize("vector", REFUSED, ids=lambda vector: vector.path)
def test_an_attack_is_refused_by_its_own_code(vector: Vector) -> None:
    """Not just refused: for the reason that it is an attack."""
    assert vector.refused is not None
    with refusal(vector.refused):
        judged(vector)


@pytest.mark.parametrize("vector", ACCEPTED, ids=lambda vector: vector.path)
def test_an_honest_message_says_what_it_says(vector: Vector) -> None:
    """Issuer, name with all that qualifies it, attributes and the request that it answers."""
    valid, request = judged(vector)
    assert vector.believed is not None
    said = {
        "issuer": valid.issuer,
        "name_id": valid.name_id,
        "name_id_format": valid.name_id_format,
        "in_response_to": request,
        "attributes": {name: list(values) for name, values in valid.attributes.items()},
    }
    qualifiers = {"name_qualifier": valid.name_qualifier, "sp_name_qualifier": valid.sp_name_qualifier}
    assert said | {name: value for name, value in qualifiers.items() if value} == vector.believed


def _whole(vector: Vector) -> bool:
    """Signed by the default key, and nothing that a parser stumbles over."""
    about_shape = vector.refused in ("saml.shape", "saml.one_assertion", "xml.malformed", "xml.encoding")
    unsigned = b"SignatureValue" not in vector.octets
    return not about_shape and not unsigned and vector.form == "xml"


@pytest.mark.parametrize(
    "vector",
    [one for one in DOCUMENTS if one.place.rpartition("/")[2] in SPEAK_FOR_THEMSELVES and _whole(one)],
    ids=lambda vector: vector.path,
)
def test_what_is_wrong_with_a_message_is_not_its_signature(vector: Vector) -> None:
    """Another implementation believes the signatures of these; so the refusal is about what they say."""
    (key,) = load_certificates([certificate()])
    assert xmlsec_accepts(vector.octets, key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def test_the_corpus_is_what_its_generator_makes() -> None:
    """Octet for octet, nothing missing, nothing left over: `python -m tests.vectors.saml.make` writes it."""
    made = make.files()
    assert make.on_disk() == made.keys()
    assert [path for path, octets in made.items() if (HERE / path).read_bytes() != octets] == []


def test_every_family_has_an_honest_message_and_every_vector_a_sentence() -> None:
    """A corpus that refuses everything would be refused by nobody."""
    families = {vector.place for vector in ACCEPTED}
    assert families == {
        "accepted/signature-scope",
        "accepted/keys-and-algorithms",
        "accepted/encryption",
        "accepted/content-binding-time",
        "accepted/transport",
    }
    assert all(vector.about.endswith(".") for vector in VECTORS)
    assert expectation().clock_skew == timedelta(seconds=60)
