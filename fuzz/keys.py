"""Practice keys that follow from their names, so that a document of a seed is the same on every machine."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from random import Random

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from vestibule.xml.signature import PrivateKey, PublicKey

CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
RSA_NAMES = ("rsa-1", "rsa-2")
NAMES = (*RSA_NAMES, *CURVES)
ATTACKER = "rsa-attacker"
"""A key that nobody has configured."""
OURS = "rsa-vestibule"
"""What identity providers encrypt for: the service provider's own key, which signs nothing."""
_SMALL_PRIMES = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A key pair in each form that one of the three implementations reads."""

    name: str
    private: PrivateKey = field(repr=False)
    public: PublicKey
    private_pem: bytes = field(repr=False)
    public_pem: bytes
    certificate: x509.Certificate
    certificate_pem: str


@cache
def pair(name: str) -> Pair:
    """The key pair of that name; worth nothing but practice, since everybody can make it."""
    private = _rsa(name) if name.startswith("rsa") else ec.derive_private_key(_number(name, 250), CURVES[name])
    certificate = _certificate(private)
    public = private.public_key()
    return Pair(
        name=name,
        private=private,
        public=public,
        private_pem=private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        public_pem=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        certificate=certificate,
        certificate_pem=certificate.public_bytes(Encoding.PEM).decode(),
    )


def steady_signature(key: PrivateKey, octets: bytes, digest: hashes.HashAlgorithm, *, pss: bool) -> bytes:
    """The signature that depends on nothing but key and octets [RFC 6979; RFC 8017 9.1.1 with a salt that is a hash]."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(octets, ec.ECDSA(digest, deterministic_signing=True)))
        size = (key.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if not pss:
        return key.sign(octets, padding.PKCS1v15(), digest)
    return _steady_pss(key, octets, digest.name)


def verify(key: PublicKey, value: bytes, octets: bytes, digest: hashes.HashAlgorithm, *, pss: bool) -> None:
    """Raises `InvalidSignature` if `value` is not a signature of `octets`."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        half = len(value) // 2
        r, s = int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big")
        key.verify(encode_dss_signature(r, s), octets, ec.ECDSA(digest))
    elif pss:
        key.verify(value, octets, padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH), digest)
    else:
        key.verify(value, octets, padding.PKCS1v15(), digest)


def _steady_pss(key: rsa.RSAPrivateKey, octets: bytes, hash_name: str) -> bytes:
    def hashed(data: bytes) -> bytes:
        return hashlib.new(hash_name, data).digest()

    numbers = key.private_numbers()
    size = key.key_size // 8
    message = hashed(octets)
    salt = hashed(b"salt" + octets)
    proof = hashed(bytes(8) + message + salt)
    block = bytes(size - 2 - len(salt) - len(proof)) + b"\x01" + salt
    mask = b"".join(hashed(proof + n.to_bytes(4, "big")) for n in range(-(-len(block) // len(proof))))[: len(block)]
    masked = bytearray(a ^ b for a, b in zip(block, mask, strict=True))
    masked[0] &= 0x7F
    number = int.from_bytes(bytes(masked) + proof + b"\xbc", "big")
    by_p = pow(number, numbers.dmp1, numbers.p)
    by_q = pow(number, numbers.dmq1, numbers.q)
    return (by_q + (by_p - by_q) * numbers.iqmp % numbers.p * numbers.q).to_bytes(size, "big")


def _number(name: str, bits: int) -> int:
    return Random(f"practice key {name}").getrandbits(bits) | 1 << (bits - 1)


def _rsa(name: str) -> rsa.RSAPrivateKey:
    rng = Random(f"practice key {name}")
    p, q = sorted((_prime(rng), _prime(rng)), reverse=True)
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key()


def _prime(rng: Random) -> int:
    """1024 bits, the two highest set, so that two of them make 2048; `p - 1` has no factor 65537."""
    while True:
        n = rng.getrandbits(1024) | 3 << 1022 | 1
        if all(n % small for small in _SMALL_PRIMES) and n % 65537 != 1 and _passes(n, rng):
            return n


def _passes(n: int, rng: Random) -> bool:
    """Miller and Rabin; a composite number of this size passes eight rounds never."""
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(8):
        x = pow(rng.randrange(2, n - 1), odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def _certificate(key: PrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Practice identity provider")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).serial_number(1000)
    return builder.not_valid_after(datetime(2120, 1, 1, tzinfo=UTC)).sign(key, hashes.SHA256())
