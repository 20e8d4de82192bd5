"""Signing keys [RFC 7517, RFC 7518]: what signs with them, and the public halves as everyone may see them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from joserfc.jwk import ECKey, RSAKey

ALGORITHMS = ("RS256", "ES256")
RSA_BITS = 2048
_P256_OCTETS = 32
_DIGEST = SHA256()
_PKCS1 = padding.PKCS1v15()
_ECDSA = ec.ECDSA(_DIGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key with its name and its one algorithm. Shows nothing of itself."""

    kid: str
    alg: str
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = field(repr=False)

    def sign(self, octets: bytes) -> bytes:
        """The signature as a JWS carries it [RFC 7518 3.3, 3.4]: PKCS#1 v1.5, or `r || s`, with SHA-256."""
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(octets, _PKCS1, _DIGEST)
        r, s = decode_dss_signature(self.private.sign(octets, _ECDSA))
        return r.to_bytes(_P256_OCTETS, "big") + s.to_bytes(_P256_OCTETS, "big")


def generate(alg: str) -> str:
    """A new private key as PKCS#8 PEM. Its randomness is OpenSSL's own, as the library takes no other."""
    key = rsa.generate_private_key(65537, RSA_BITS) if alg == "RS256" else ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def signing_key(kid: str, alg: str, private_pem: str) -> SigningKey:
    """A private key from PEM, ready to sign. The PEM is one that we made: an RSA key is not proved prime again."""
    private = load_pem_private_key(private_pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    match private, alg:
        case (rsa.RSAPrivateKey(), "RS256"):
            return SigningKey(kid=kid, alg=alg, private=private)
        case (ec.EllipticCurvePrivateKey(curve=ec.SECP256R1()), "ES256"):
            return SigningKey(kid=kid, alg=alg, private=private)
        case _:
            raise _wrong(alg)


def public_pem(private_pem: str) -> str:
    """The public half of a private key."""
    public = load_pem_private_key(private_pem.encode(), None).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def thumbprint(alg: str, public_pem: str) -> str:
    """A name for a key that follows from the key [RFC 7638]."""
    return _library_key(load_pem_public_key(public_pem.encode()), alg).thumbprint()


def public_jwk(kid: str, alg: str, public_pem: str) -> dict[str, str]:
    """The public half for a key set: made from a public key, so that no private part can be in it [RFC 7517 4]."""
    jwk = _library_key(load_pem_public_key(public_pem.encode()), alg).as_dict(private=False)
    return {name: str(value) for name, value in jwk.items() if name != "kid"} | {"kid": kid, "alg": alg, "use": "sig"}


def verifying_key(jwk: Mapping[str, object]) -> tuple[str, RSAKey | ECKey] | None:
    """The algorithm and key of a public JWK; None for a kind that we do not know."""
    match jwk.get("kty"), jwk.get("crv"):
        case "RSA", _:
            return "RS256", RSAKey.import_key({name: str(jwk[name]) for name in ("kty", "n", "e")})
        case "EC", "P-256":
            return "ES256", ECKey.import_key({name: str(jwk[name]) for name in ("kty", "crv", "x", "y")})
        case _:
            return None


def _library_key(key: object, alg: str) -> RSAKey | ECKey:
    match key, alg:
        case (rsa.RSAPublicKey(), "RS256"):
            return RSAKey.import_key(key)
        case (ec.EllipticCurvePublicKey(), "ES256"):
            return ECKey.import_key(key)
        case _:
            raise _wrong(alg)


def _wrong(alg: str) -> ValueError:
    return ValueError(f"not a key for {alg}")
