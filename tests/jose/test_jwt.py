"""Signed tokens: read only with keys and algorithms that we chose."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

from vestibule.ground.errors import Refused
from vestibule.ground.hashing import b64url
from vestibule.jose import jwt, keys

PEM = {alg: keys.generate(alg) for alg in keys.ALGORITHMS}
PUBLIC = {alg: keys.public_pem(pem) for alg, pem in PEM.items()}
SIGNERS = {alg: keys.signing_key(f"k-{alg}", alg, pem) for alg, pem in PEM.items()}
SET = [keys.public_jwk(f"k-{alg}", alg, pem) for alg, pem in PUBLIC.items()]
CLAIMS: dict[str, object] = {"sub": "p1", "name": "Ærø \u2028"}


def part(value: Mapping[str, object] | bytes) -> str:
    return b64url(value if isinstance(value, bytes) else json.dumps(value).encode())


def header_of(token: str) -> dict[str, object]:
    text = token.split(".")[0]
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


@pytest.mark.parametrize("alg", keys.ALGORITHMS)
def test_what_is_signed_can_be_read(alg: str) -> None:
    token = jwt.sign(CLAIMS, SIGNERS[alg])
    assert header_of(token) == {"alg": alg, "kid": f"k-{alg}", "typ": "JWT"}
    assert jwt.read(token, SET) == CLAIMS


@pytest.mark.parametrize("alg", keys.ALGORITHMS)
def test_what_is_signed_another_implementation_can_read(alg: str) -> None:
    """Many times, for an ES256 value whose first octets are zero comes seldom, and must have its 32 octets all the same."""
    kind = {"RS256": RSAKey, "ES256": ECKey}[alg]
    for number in range({"RS256": 3, "ES256": 600}[alg]):
        read = jws.deserialize_compact(
            jwt.sign({**CLAIMS, "n": number}, SIGNERS[alg]), kind.import_key(PUBLIC[alg]), [alg]
        )
        assert json.loads(read.payload or b"") == {**CLAIMS, "n": number}


def test_the_payload_is_plain_utf8_json_in_the_order_of_the_claims() -> None:
    payload = jwt.sign({"b": ["x"], "a": True, "n": 1, "u": 'Æ\u2028"\\\n'}, SIGNERS["ES256"]).split(".")[1]
    assert base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)) == (
        '{"b":["x"],"a":true,"n":1,"u":"Æ\u2028\\"\\\\\\n"}'.encode()
    )


def test_a_token_without_kid_is_tried_with_every_key() -> None:
    signed = jws.serialize_compact(
        {"alg": "ES256"}, json.dumps(CLAIMS).encode(), ECKey.import_key(PEM["ES256"]), ["ES256"]
    )
    assert jwt.read(signed, SET) == CLAIMS


def test_a_foreign_key_set_needs_no_alg() -> None:
    bare = [{name: value for name, value in key.items() if name not in ("alg", "use")} for key in SET]
    assert jwt.read(jwt.sign(CLAIMS, SIGNERS["RS256"]), bare) == CLAIMS


def _forged(header: Mapping[str, object], signature: bytes) -> str:
    return f"{part(header)}.{part(CLAIMS)}.{b64url(signature)}"


def _hmac_with_public_key() -> str:
    head = f"{part({'alg': 'HS256', 'kid': 'k-RS256'})}.{part(CLAIMS)}"
    return f"{head}.{b64url(hmac.digest(PUBLIC['RS256'].encode(), head.encode(), hashlib.sha256))}"


def _with_own_key() -> str:
    """A token that brings its key along, signed with it."""
    mine = keys.generate("RS256")
    header = {"alg": "RS256", "kid": "k-RS256", "jwk": keys.public_jwk("k-RS256", "RS256", keys.public_pem(mine))}
    return jws.serialize_compact(header, json.dumps(CLAIMS).encode(), RSAKey.import_key(mine), ["RS256"])


@pytest.mark.parametrize(
    "token",
    [
        _forged({"alg": "none", "kid": "k-RS256"}, b""),
        _forged({"alg": "nOnE"}, b""),
        _forged({"alg": "RS256", "kid": "k-RS256"}, b""),
        _forged({"alg": "ES256", "kid": "k-ES256"}, bytes(64)),
        _forged({"alg": "RS256", "kid": "../../dev/null"}, b"x"),
        _hmac_with_public_key(),
        _with_own_key(),
        jwt.sign(CLAIMS, replace(SIGNERS["RS256"], kid="k-ES256")),
        jwt.sign(CLAIMS, SIGNERS["RS256"])[:-8] + "AAAAAAAA",
        jwt.sign(CLAIMS, keys.signing_key("k-ES256", "ES256", keys.generate("ES256"))),
    ],
)
def test_a_token_that_none_of_our_keys_signed_is_refused(token: str) -> None:
    with pytest.raises(Refused) as refused:
        jwt.read(token, SET)
    assert refused.value.code == "jose.signature"


def test_the_algorithm_must_be_one_that_is_expected() -> None:
    with pytest.raises(Refused) as refused:
        jwt.read(jwt.sign(CLAIMS, SIGNERS["RS256"]), SET, algs=("ES256",))
    assert refused.value.code == "jose.signature"


def test_the_algorithm_must_be_the_keys_own() -> None:
    relabelled = [{**key, "alg": "PS256"} for key in SET]
    with pytest.raises(Refused) as refused:
        jwt.read(jwt.sign(CLAIMS, SIGNERS["RS256"]), relabelled)
    assert refused.value.code == "jose.signature"


@pytest.mark.parametrize(
    "extra", [{"crit": ["exp"], "exp": 1}, {"b64": False, "crit": ["b64"]}, {"crit": []}, {"b64": False}]
)
def test_demands_that_we_do_not_know_are_refused(extra: Mapping[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        jwt.read(_forged({"alg": "RS256", **extra}, b"x"), SET)
    assert refused.value.code == "jose.critical"


@pytest.mark.parametrize(
    "token", ["", "a.b", "a.b.c.d.e", "ä.b.c", "e30.e30", "W10.e30.e30", "!!.!!.!!", "..", "a" * 17_000 + ".b.c"]
)
def test_what_is_no_token_is_malformed(token: str) -> None:
    with pytest.raises(Refused) as refused:
        jwt.read(token, SET)
    assert refused.value.code == "jose.malformed"


def test_claims_must_be_an_object() -> None:
    signed = jws.serialize_compact({"alg": "ES256"}, b"[1]", ECKey.import_key(PEM["ES256"]), ["ES256"])
    with pytest.raises(Refused) as refused:
        jwt.read(signed, SET)
    assert refused.value.code == "jose.signature"


def test_a_token_too_long_to_be_ours_is_not_even_decoded() -> None:
    with pytest.raises(Refused) as refused:
        jwt.read(jwt.sign({"sub": "p" * jwt.MAX_LENGTH}, SIGNERS["ES256"]), SET)
    assert refused.value.code == "jose.malformed"


def test_keys_of_unknown_kinds_are_passed_over() -> None:
    others: list[Mapping[str, object]] = [{"kty": "oct", "k": "c2VjcmV0", "kid": "k-ES256"}, *SET]
    assert jwt.read(jwt.sign(CLAIMS, SIGNERS["ES256"]), others) == CLAIMS
