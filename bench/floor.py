"""The floor: what no login on this stack can go below, part by part, measured in the same run on the server's core."""

import base64
import itertools
import sqlite3
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from bench import load
from bench.load import Failed, Script
from bench.logins import DIRECT, Login, Scene
from bench.machine import cpu_of
from bench.responses import form
from vestibule.saml.names import ds, saml

VERIFY = "RSA-2048 verification"
CANONICAL = "exc-C14N and SHA-256 of the assertion"
PARSE = "base64 and one XML parse"
SIGN = "one RS256 signature"
POST = "bare ASGI: form post of the response"
EXCHANGE = "bare ASGI: form post for the tokens"
COMMITS = "two SQLite rows, FULL, eight to a commit"
"""As under load, where several logins share a commit."""
ALONE = "two SQLite rows, FULL, each its own commit"
"""As when one login comes at a time."""
LOG_PAGES = 1000
"""After so many pages SQLite copies its log into the database and writes it from its start again."""
PARTS = (PARSE, CANONICAL, VERIFY, SIGN, COMMITS, POST, EXCHANGE)


def computed(scene: Scene, directory: Path) -> dict[str, float]:
    """Microseconds of CPU for each part that needs no server. To be called on the server's core."""
    octets = scene.idp.response(1, connection=DIRECT)
    encoded = base64.b64encode(octets)
    assertion = etree.fromstring(octets).find(saml("Assertion"))
    if assertion is None:
        raise Failed("the response has no assertion")
    signature = assertion.find(ds("Signature"))
    if signature is None:
        raise Failed("the assertion has no signature")
    signed_info = etree.tostring(signature[0], method="c14n", exclusive=True)
    value = base64.b64decode(signature[1].text or "")
    assertion.remove(signature)
    public, scheme, algorithm = scene.idp.key.public_key(), padding.PKCS1v15(), hashes.SHA256()
    return {
        PARSE: _each(lambda: etree.fromstring(base64.b64decode(encoded)), 2000),
        CANONICAL: _each(lambda: sha256(etree.tostring(assertion, method="c14n", exclusive=True)).digest(), 2000),
        VERIFY: _each(lambda: public.verify(value, signed_info, scheme, algorithm), 2000),
        SIGN: _each(lambda: scene.idp.key.sign(signed_info, scheme, algorithm), 500),
        COMMITS: 2 * _commits(directory, group=8),
        ALONE: 2 * _commits(directory, group=1),
    }


def served(scene: Scene, pid: int, port: int, count: int) -> dict[str, float]:
    """Microseconds of CPU for the two posts of a direct login, taken by a server that does nothing with them."""
    post = scene.acs(Login(0), DIRECT, form(scene.idp.response(1, connection=DIRECT), None))
    exchange = scene.token(Login(0, at="https://crm.bench.example/callback?code=" + "c" * 43))
    return {POST: _posts(post, 303, pid, port, count), EXCHANGE: _posts(exchange, 200, pid, port, count)}


def _each(work: Callable[[], object], count: int) -> float:
    work()
    began = time.process_time_ns()
    for _ in range(count):
        work()
    return (time.process_time_ns() - began) / count / 1000


def _commits(directory: Path, *, group: int) -> float:
    """One durable row, keyed by a digest, with a document of the size of a code's; `group` of them share a commit.

    The log has been written through once before: a file that still grows costs the file system far more.
    """
    file = directory / "floor.db"
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE kept (digest TEXT PRIMARY KEY, doc TEXT) WITHOUT ROWID")
        doc, numbers = "d" * 1000, itertools.count()

        def commit() -> None:
            connection.execute("BEGIN IMMEDIATE")
            for number in itertools.islice(numbers, group):
                digest = sha256(b"%d" % number).hexdigest()
                connection.execute("INSERT INTO kept VALUES (?, ?)", (digest, doc))
            connection.execute("COMMIT")

        for _ in range(LOG_PAGES // (2 * group)):
            commit()
        return _each(commit, 300) / group
    finally:
        connection.close()
        for path in directory.glob("floor.db*"):
            path.unlink()


def _posts(request: bytes, status: int, pid: int, port: int, count: int) -> float:
    def script() -> Script:
        answer = yield request
        if answer.status != status:
            raise Failed(f"the bare server answered {answer.status}")

    load.run([script() for _ in range(200)], port=port, concurrency=32)
    before = cpu_of(pid)
    load.run([script() for _ in range(count)], port=port, concurrency=32)
    return (cpu_of(pid) - before) / count * 1e6
