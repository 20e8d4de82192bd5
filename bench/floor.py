"""The floor: what no login on this stack can go below, part by part, measured in the same run on the server's core.

It holds what every login with `accept` and `direct` must do, each thing once and in the fewest steps that this stack has
for it; docs/guide/speed.md says of each part why it is in, and what is left out.
"""

import base64
import itertools
import json
import sqlite3
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from lxml import etree

from bench import load
from bench.load import Failed, Script
from bench.machine import cpu_of
from bench.ours import ACCEPT, CLIENT, DIRECT, Scene
from bench.responses import IdentityProvider
from bench.subject import CALLBACK, Login
from vestibule.saml.names import ds, saml

PARSE = "base64 and one XML parse"
CANONICAL = "exc-C14N of assertion and SignedInfo, SHA-256"
VERIFY = "RSA-2048 verification"
READ = "NameID, times, audience and attributes read"
WRITE = "the ID token and the answer as JSON and base64url"
SIGN = {"RS256": "one RS256 signature", "ES256": "one ES256 signature"}
STORE = "two SQLite transactions, FULL, eight to a commit"
"""As under load, where several logins share a commit."""
ALONE = "two SQLite transactions, FULL, each its own commit"
"""As when one login comes at a time."""
POST = "bare ASGI: form post of the response"
EXCHANGE = "bare ASGI: form post for the tokens"
LOG_PAGES = 1000
"""After so many pages SQLite copies its log into the database and writes it from its start again."""
SHARED = (PARSE, CANONICAL, VERIFY, READ, WRITE, STORE, POST, EXCHANGE)
"""The parts of every direct login; its signature comes to them."""


def total(parts: dict[str, float], alg: str) -> float:
    """Microseconds of CPU for a direct login with an ID token of this algorithm."""
    return sum(parts[name] for name in SHARED) + parts[SIGN[alg]]


def computed(idp: IdentityProvider, directory: Path) -> dict[str, float]:
    """Microseconds of CPU for each part that needs no server. To be called on the server's core."""
    octets = idp.response(1, acs=f"http://127.0.0.1:8000/login/callback?connection={DIRECT}", audience="a")
    encoded = base64.b64encode(octets)
    assertion = etree.fromstring(octets).find(saml("Assertion"))
    signature = None if assertion is None else assertion.find(ds("Signature"))
    if assertion is None or signature is None:
        raise Failed("the response has no signed assertion")
    value = base64.b64decode(signature[1].text or "")
    assertion.remove(signature)
    signed_info = _canonical(signature[0])
    public, algorithm, padded = idp.key.public_key(), hashes.SHA256(), padding.PKCS1v15()
    curve, ecdsa = ec.generate_private_key(ec.SECP256R1()), ec.ECDSA(hashes.SHA256())
    claims = _claims(_read(assertion))
    return {
        PARSE: _each(lambda: etree.fromstring(base64.b64decode(encoded)), 2000),
        CANONICAL: _each(lambda: (sha256(_canonical(assertion)).digest(), _canonical(signature[0])), 2000),
        VERIFY: _each(lambda: public.verify(value, signed_info, padded, algorithm), 2000),
        READ: _each(lambda: _read(assertion), 2000),
        WRITE: _each(lambda: _written(claims), 2000),
        SIGN["RS256"]: _each(lambda: idp.key.sign(signed_info, padded, algorithm), 500),
        SIGN["ES256"]: _each(lambda: curve.sign(signed_info, ecdsa), 2000),
        STORE: _transactions(directory, group=8),
        ALONE: _transactions(directory, group=1),
    }


def served(scene: Scene, pid: int, count: int) -> dict[str, float]:
    """Microseconds of CPU for the two posts of a direct login, taken by a server that does nothing with them."""
    post = scene.posted(Login(0), DIRECT)
    exchange = scene.site.exchange(Login(0, at=f"{CALLBACK}?code=" + "c" * 43), "/oauth/token", CLIENT)
    port = scene.site.port
    return {POST: _posts(post, 303, pid, port, count), EXCHANGE: _posts(exchange, 200, pid, port, count)}


def _each(work: Callable[[], object], count: int) -> float:
    work()
    began = time.process_time_ns()
    for _ in range(count):
        work()
    return (time.process_time_ns() - began) / count / 1000


# -- the law ------------------------------------------------------------------------------------------------------------


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


def _read(assertion: etree._Element) -> dict[str, object]:
    """What a login must know of its assertion, looked up and compared with nothing."""
    data = next(assertion.iter(saml("SubjectConfirmationData")))
    conditions = next(assertion.iter(saml("Conditions")))
    statement = next(assertion.iter(saml("AuthnStatement")))
    return {
        "id": assertion.get("ID"),
        "name": next(assertion.iter(saml("NameID"))).text,
        "recipient": data.get("Recipient"),
        "times": (data.get("NotOnOrAfter"), conditions.get("NotBefore"), conditions.get("NotOnOrAfter")),
        "audience": next(assertion.iter(saml("Audience"))).text,
        "authenticated": statement.get("AuthnInstant"),
        "attributes": {
            attribute.get("Name"): [value.text for value in attribute]
            for attribute in assertion.iter(saml("Attribute"))
        },
    }


def _claims(read: dict[str, object]) -> dict[str, object]:
    return {
        "iss": "http://127.0.0.1:8000/",
        "sub": "p" * 22,
        "aud": CLIENT,
        "exp": 1_800_003_600,
        "iat": 1_800_000_000,
        "auth_time": 1_799_999_700,
        "connection": DIRECT,
        "connection_id": "c" * 22,
        "email": "first1.last1@bench.example",
        "email_verified": True,
        **{f"claim{number}": value for number, value in enumerate(dict(read["attributes"]).values())},  # type: ignore[call-overload]
    }


def _written(claims: dict[str, object]) -> bytes:
    """The octets that are signed, with a signature's place filled, and the answer around them."""
    header = json.dumps({"alg": "RS256", "kid": "k" * 43, "typ": "JWT"}).encode()
    body = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
    token = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, body, b"s" * 256)).decode()
    return json.dumps(
        {"access_token": "a" * 43, "token_type": "Bearer", "expires_in": 3600, "id_token": token}
    ).encode()


# -- the store ----------------------------------------------------------------------------------------------------------


def _transactions(directory: Path, *, group: int) -> float:
    """A login's two transactions, each row by its only key; `group` transactions share a commit.

    The first: the assertion's name and the code, and an event; before it the person is read. The second: the code is
    taken, the access token is kept, and an event; before it the code is read. The log has been written through once
    before: a file that still grows costs the file system far more.
    """
    file = directory / "floor.db"
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE kept (key TEXT PRIMARY KEY, doc TEXT, taken INTEGER) WITHOUT ROWID")
        connection.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, doc TEXT)")
        numbers = itertools.count()

        def logins() -> None:
            mine = [sha256(b"%d" % number).hexdigest() for number in itertools.islice(numbers, group)]
            for work in (_first, _second):
                connection.execute("BEGIN IMMEDIATE")
                for key in mine:
                    work(connection, key)
                connection.execute("COMMIT")

        for _ in range(LOG_PAGES // (6 * group)):
            logins()
        return _each(logins, max(40, 320 // group)) / group
    finally:
        connection.close()
        for path in directory.glob("floor.db*"):
            path.unlink()


_READ = "SELECT doc FROM kept WHERE key = ?"
_KEEP = "INSERT INTO kept VALUES (?, ?, NULL)"
_NOTE = "INSERT INTO events (doc) VALUES (?)"
_CODE, _TOKEN, _EVENT = "c" * 1000, "t" * 200, "e" * 300
"""Documents of the size of a code's (with the identity in it), an access token's and an event's."""


def _first(connection: sqlite3.Connection, key: str) -> None:
    connection.execute(_READ, ("p" + key,)).fetchone()
    connection.execute(_KEEP, ("a" + key, None))
    connection.execute(_KEEP, ("c" + key, _CODE))
    connection.execute(_NOTE, (_EVENT,))


def _second(connection: sqlite3.Connection, key: str) -> None:
    connection.execute(_READ, ("c" + key,)).fetchone()
    connection.execute("UPDATE kept SET taken = 1 WHERE key = ? AND taken IS NULL", ("c" + key,))
    connection.execute(_KEEP, ("t" + key, _TOKEN))
    connection.execute(_NOTE, (_EVENT,))


# -- the web ------------------------------------------------------------------------------------------------------------


def _posts(request: bytes, status: int, pid: int, port: int, count: int) -> float:
    def script() -> Script:
        answer = yield request
        if answer.status != status:
            raise Failed(f"the bare server answered {answer.status}")

    load.run([script() for _ in range(200)], port=port, concurrency=32)
    before = cpu_of(pid)
    load.run([script() for _ in range(count)], port=port, concurrency=32)
    return (cpu_of(pid) - before) / count * 1e6


MEASURED_BY = {"RS256": ACCEPT, "ES256": f"{ACCEPT} ES256"}
"""Which kind of login stands beside the floor of which algorithm."""
