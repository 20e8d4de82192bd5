"""Attack table O11: an ID token of ours is the one JWT that we read, as a hint; nothing that its header says chooses key or algorithm."""

import ast
import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from tests.wire.attacker import CALLBACK, claims, sign_in, tokens
from tests.wire.world import ISSUER, World, authorization, fields, location, parameters, play

from vestibule.ground.errors import Refused
from vestibule.ground.hashing import b64url
from vestibule.jose import jwt, keys

EC_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

SIGNATURE, CRITICAL, MALFORMED = "jose.signature", "jose.critical", "jose.malformed"


@cache
def foreign(alg: str) -> str:
    """The attacker's own private key."""
    return keys.generate(alg)


def encoded(value: object) -> str:
    return b64url(value if isinstance(value, bytes) else json.dumps(value).encode())


def signed_by_attacker(header: Mapping[str, Any], said: Mapping[str, object], alg: str = "RS256") -> str:
    key = {"RS256": RSAKey, "ES256": ECKey}[alg].import_key(foreign(alg))
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jws.serialize_compact({"alg": alg, **header}, json.dumps(said).encode(), key, registry=registry)


def own_key(kid: str) -> dict[str, str]:
    return keys.public_jwk(kid, "RS256", keys.public_pem(foreign("RS256")))


def hmac_with(secret: bytes, kid: str, said: Mapping[str, object], bits: int = 256) -> str:
    text = f"{encoded({'alg': f'HS{bits}', 'kid': kid})}.{encoded(said)}"
    return f"{text}.{b64url(hmac.digest(secret, text.encode(), getattr(hashlib, f'sha{bits}')))}"


@cache
def forgeries(good: str, told: str, key_set: str) -> dict[str, tuple[str, str]]:
    """Forged tokens that say what a good one says (`told`, as JSON), with the code that `jwt.read` refuses each by."""
    said, published = json.loads(told), json.loads(key_set)
    rsa = next(key for key in published if key["alg"] == "RS256")
    ec = next(key for key in published if key["alg"] == "ES256")
    head, body, signature = good.split(".")
    kid = rsa["kid"]

    def bare(header: Mapping[str, Any], last: bytes = b"") -> str:
        return f"{encoded({'kid': kid, **header})}.{encoded(said)}.{b64url(last)}"

    made: dict[str, tuple[str, str]] = {
        f"alg {alg or 'empty'}": (bare({"alg": alg}), SIGNATURE)
        for alg in ("none", "None", "nOnE", "NONE", " none", "none ", "", "null", "RS256", "rs256", "HS256")
    }
    for name, alg in (("null", None), ("a number", 0), ("a list", ["RS256"]), ("an object", {}), ("true", True)):
        made[f"alg is {name}"] = (bare({"alg": alg}), SIGNATURE)
    made["no alg"] = (bare({}), SIGNATURE)
    made["none with the good signature"] = (f"{encoded({'alg': 'none', 'kid': kid})}.{body}.{signature}", SIGNATURE)
    twice = json.dumps({"kid": kid}).encode()[:-1] + b',"alg":"RS256","alg":"none"}'
    made["RS256, and none behind it"] = (f"{b64url(twice)}.{body}.", SIGNATURE)
    pem = keys.public_pem(foreign("RS256")).encode()
    modulus = base64.urlsafe_b64decode(rsa["n"] + "==")
    for name, secret in (
        ("modulus", modulus),
        ("jwk", json.dumps(rsa).encode()),
        ("n as text", rsa["n"].encode()),
        ("empty", b""),
        ("pem of another", pem),
    ):
        for bits in (256, 384, 512):
            made[f"HS{bits} with the public key: {name}"] = (hmac_with(secret, kid, said, bits), SIGNATURE)
    made["jwk"] = (signed_by_attacker({"kid": kid, "jwk": own_key(kid)}, said), SIGNATURE)
    made["jwk without kid"] = (signed_by_attacker({"jwk": own_key("x")}, said), SIGNATURE)
    made["jku"] = (signed_by_attacker({"kid": kid, "jku": "https://evil.example/jwks.json"}, said), SIGNATURE)
    made["x5u"] = (signed_by_attacker({"kid": kid, "x5u": "https://evil.example/cert.pem"}, said), SIGNATURE)
    made["x5c"] = (signed_by_attacker({"kid": kid, "x5c": ["MIIB"]}, said), SIGNATURE)
    for name, wrong in {
        "a path": "../../../../dev/null",
        "SQL": "' OR '1'='1",
        "empty": "",
        "long": "x" * 2000,
        "NUL": "\x00",
        "with a space": f"{kid} ",
        "in capitals": kid.upper() + "X",
        "a file": "file:///etc/passwd",
    }.items():
        made[f"kid {name}"] = (signed_by_attacker({"kid": wrong}, said), SIGNATURE)
    for name, wrong_kid in (("a number", 7), ("a list", [kid]), ("null", None), ("an object", {"kid": kid})):
        made[f"kid is {name}"] = (bare({"alg": "RS256", "kid": wrong_kid}, b"x"), SIGNATURE)
    made["kid of the other algorithm"] = (
        f"{encoded({'alg': 'RS256', 'kid': ec['kid']})}.{body}.{signature}",
        SIGNATURE,
    )
    made["ES256 with the RSA key's kid"] = (signed_by_attacker({"kid": kid}, said, "ES256"), SIGNATURE)
    made["PS256"] = (f"{encoded({'alg': 'PS256', 'kid': kid})}.{body}.{signature}", SIGNATURE)
    made["RS512"] = (f"{encoded({'alg': 'RS512', 'kid': kid})}.{body}.{signature}", SIGNATURE)
    for name, pair in (
        ("0, 0", (0, 0)),
        ("0, 1", (0, 1)),
        ("1, 0", (1, 0)),
        ("n, n", (EC_ORDER, EC_ORDER)),
        ("0, n", (0, EC_ORDER)),
        ("n, 0", (EC_ORDER, 0)),
        ("2^256-1", (2**256 - 1, 2**256 - 1)),
    ):
        raw = pair[0].to_bytes(32, "big") + pair[1].to_bytes(32, "big")
        made[f"ECDSA ({name})"] = (bare({"alg": "ES256", "kid": ec["kid"]}, raw), SIGNATURE)
    made["ECDSA, DER"] = (bare({"alg": "ES256", "kid": ec["kid"]}, encode_dss_signature(1, 1)), SIGNATURE)
    made["ECDSA, empty"] = (bare({"alg": "ES256", "kid": ec["kid"]}), SIGNATURE)
    for name, extra in (
        ("crit", {"crit": ["exp"], "exp": 1}),
        ("crit unknown", {"crit": ["http://evil.example/"]}),
        ("crit empty", {"crit": []}),
        ("crit null", {"crit": None}),
        ("crit bork", {"crit": "alg"}),
        ("b64 false", {"b64": False, "crit": ["b64"]}),
        ("b64 false alone", {"b64": False}),
        ("b64 true", {"b64": True}),
    ):
        made[name] = (bare({"alg": "RS256", **extra}, b"x"), CRITICAL)
        made[f"{name}, good signature"] = (
            f"{encoded({'alg': 'RS256', 'kid': kid, **extra})}.{body}.{signature}",
            CRITICAL,
        )
    made["zip"] = (
        f"{encoded({'alg': 'RS256', 'kid': kid, 'zip': 'DEF'})}.{encoded(zlib.compress(b'0' * 10**6))}.{signature}",
        SIGNATURE,
    )
    made["JWE, p2c"] = (f"{encoded({'alg': 'PBES2-HS256+A128KW', 'enc': 'A128GCM', 'p2c': 2**31})}.a.b.c.d", MALFORMED)
    made["JWE, dir"] = (f"{encoded({'alg': 'dir', 'enc': 'A128GCM', 'zip': 'DEF'})}..b.c.d", MALFORMED)
    made["JSON serialisation"] = (json.dumps({"payload": body, "protected": head, "signature": signature}), MALFORMED)
    made["another payload"] = (f"{head}.{encoded({**said, 'sub': 'mallory'})}.{signature}", SIGNATURE)
    made["no signature"] = (f"{head}.{body}.", SIGNATURE)
    made["half a signature"] = (f"{head}.{body}.{signature[: len(signature) // 2]}", SIGNATURE)
    made["signature twice"] = (f"{head}.{body}.{signature}.{signature}", MALFORMED)
    made["two parts"] = (f"{head}.{body}", MALFORMED)
    made["space before"] = (f" {good}", MALFORMED)
    made["header is a list"] = (f"{encoded(['RS256'])}.{body}.{signature}", MALFORMED)
    made["header is deep"] = (f"{b64url(b'[' * 9000)}.{body}.{signature}", MALFORMED)
    made["empty"] = ("..", MALFORMED)
    made["signed by another, kid ours"] = (signed_by_attacker({"kid": kid}, said), SIGNATURE)
    made["signed by another, no kid"] = (signed_by_attacker({}, said), SIGNATURE)
    return made


NAMES = tuple(
    forgeries(
        "e30.e30.e30",
        "{}",
        json.dumps([keys.public_jwk(alg, alg, keys.public_pem(foreign(alg))) for alg in keys.ALGORITHMS]),
    )
)


@pytest.mark.parametrize("name", NAMES)
def test_o11_a_forged_token_is_refused_by_its_code_and_is_no_hint_at_any_door(name: str) -> None:
    """Where a JWT is read: `id_token_hint` of the authorization endpoint, of a finished login, and of sign-out."""

    async def scene(world: World) -> None:
        browser = world.browser()
        good = (await tokens(world, browser))["id_token"]
        published = await world.house.keyring.published()
        token, code = forgeries(good, json.dumps(await claims(world, good)), json.dumps(published))[name]
        with pytest.raises(Refused) as caught:
            jwt.read(token, published)
        assert caught.value.code == code
        silent = await browser.get(authorization(prompt="none", id_token_hint=token), cross_site=True)
        assert parameters(location(silent))["error"] == "login_required"
        page = await browser.get("/oidc/logout?" + _query(id_token_hint=token))
        assert fields(page)["id_token_hint"] == token
        assert browser.names("__Host-vst-sid")
        sent = await browser.get(authorization(prompt="login", id_token_hint=token), cross_site=True)
        landed = location(await world.answer(browser, sent, authn_instant=world.clock.now()))
        done = await browser.get(landed, cross_site=True)
        assert parameters(location(done))["error"] == "login_required"

    play(scene)


def _query(**values: str) -> str:
    return urlencode(values)


def test_o11_the_good_token_is_a_hint_at_all_three() -> None:
    """Else the rows above could be refused for any reason."""

    async def scene(world: World) -> None:
        browser = world.browser()
        good = (await tokens(world, browser))["id_token"]
        silent = await browser.get(authorization(prompt="none", id_token_hint=good), cross_site=True)
        assert location(silent).startswith(f"{CALLBACK}?code=")
        assert await sign_in(
            world, browser, prompt="login", id_token_hint=good, said={"authn_instant": world.clock.now()}
        )
        good = (await tokens(world, browser, prompt="login", said={"authn_instant": world.clock.now()}))["id_token"]
        gone = await browser.get("/oidc/logout?" + _query(id_token_hint=good))
        assert location(gone) == f"{ISSUER}oidc/signed-out"
        assert not browser.names("__Host-vst-sid")

    play(scene)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example/"},
        {"iss": ISSUER.rstrip("/")},
        {"iss": None},
        {"aud": None},
        {"aud": ["crm"]},
        {"aud": {"crm": 1}},
        {"sub": None},
        {"sub": 7},
    ],
)
def test_o11_a_token_that_is_ours_by_its_signature_but_no_id_token_is_no_hint(changes: dict[str, object]) -> None:
    async def scene(world: World) -> None:
        browser = world.browser()
        said = {**await claims(world, (await tokens(world, browser))["id_token"]), **changes}
        signer = await world.house.keyring.token_signer("RS256")
        token = jwt.sign({name: value for name, value in said.items() if value is not None}, signer)
        silent = await browser.get(authorization(prompt="none", id_token_hint=token), cross_site=True)
        assert parameters(location(silent))["error"] == "login_required"
        page = await browser.get("/oidc/logout?" + _query(id_token_hint=token, client_id="crm"))
        assert fields(page)["id_token_hint"] == token
        assert browser.names("__Host-vst-sid")

    play(scene)


def test_o11_signatures_are_of_the_form_that_the_standard_says() -> None:
    """ES256 as two fixed halves [RFC 7518 3.4]; the DER of the same signature is none of it."""
    pem = foreign("ES256")
    public = [keys.public_jwk("k", "ES256", keys.public_pem(pem))]
    token = jwt.sign({"sub": "x"}, keys.signing_key("k", "ES256", pem))
    assert jwt.read(token, public) == {"sub": "x"}
    head, body, signature = token.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    assert decode_dss_signature(der)
    with pytest.raises(Refused) as caught:
        jwt.read(f"{head}.{body}.{b64url(der)}", public)
    assert caught.value.code == SIGNATURE


def test_o11_one_room_reads_tokens_and_two_flows_call_it() -> None:
    """Whoever adds a place that reads a JWT adds it to the rows above."""
    callers = set()
    root = Path(jwt.__file__).parents[1]
    for file in root.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "read" and getattr(node.value, "id", "") == "jwt":
                callers.add(str(file.relative_to(root)))
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
                if any(name.startswith("joserfc") for name in names):
                    assert file.parent.name == "jose", file
    assert callers - {"demo/crm.py"} == {"flows/answering.py", "flows/logout.py"}
