"""Three `vestibule serve` processes over one database, while keys are rotated and the master key is replaced: no login notices."""

import asyncio
import base64
import contextlib
import http.client
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from tests.builders_saml import idp_key
from tests.doubles import FixedClock
from tests.peers.broker import new_broker
from tests.peers.machine import ROOT
from tests.wire.world import IDP, configuration

from vestibule.jose import jwt
from vestibule.keys.keyring import Keyring
from vestibule.keys.rotation import PUBLISHED_AHEAD
from vestibule.model.key import KeyPurpose
from vestibule.outside.clock import SystemClock
from vestibule.outside.entropy import SystemEntropy
from vestibule.saml import issue
from vestibule.saml.names import FORMAT_EMAIL
from vestibule.settings import master_key
from vestibule.store.port import Store
from vestibule.store.postgres import PostgresStore
from vestibule.store.sqlite import SqliteStore

NODES = 3
LEAD = timedelta(seconds=25)
"""How long after the keys are laid ready the next one signs: enough for three processes to start."""
REDIRECT = "https://crm.example/direct"
SECRET = "crm-secret-crm-secret-crm-secret"


OLD_MASTER, NEW_MASTER = bytes(range(32)), bytes(range(32, 64))


@dataclass(frozen=True)
class Place:
    """Where everything is kept, and how the master key is: in a file beside it, or given to every node with the one to come."""

    settings: dict[str, str]
    make: Callable[[], Store]
    master: Callable[[], bytes]


def sqlite_place(folder: Path) -> Place:
    database = folder / "vestibule.db"
    return Place(
        settings={"VESTIBULE_DATABASE_URL": str(database)},
        make=lambda: SqliteStore(database),
        master=lambda: master_key.unlock(None, database, SystemEntropy()).key,
    )


def postgres_place(url: str) -> Place:
    given = {"VESTIBULE_MASTER_KEY": NEW_MASTER, "VESTIBULE_MASTER_KEY_PREVIOUS": OLD_MASTER}
    return Place(
        settings={
            "VESTIBULE_DATABASE_URL": url,
            **{name: base64.b64encode(key).decode("ascii") for name, key in given.items()},
        },
        make=lambda: PostgresStore(url),
        master=lambda: OLD_MASTER,
    )


def laid_ready(place: Place) -> tuple[str, str]:
    """The database as it is a day after a rotation, but for the last seconds: the key that signs, and the one that is about to."""

    async def story() -> tuple[str, str]:
        entropy, master = SystemEntropy(), place.master()
        store = place.make()
        await store.open()
        first = Keyring(store=store, clock=SystemClock(), entropy=entropy, master_key=master)
        await first.prepare()
        old = await first.token_signer("RS256")
        yesterday = FixedClock(datetime.now(UTC) - PUBLISHED_AHEAD + LEAD)
        fresh = await Keyring(store=store, clock=yesterday, entropy=entropy, master_key=master).rotate(
            KeyPurpose.TOKEN_RS256
        )
        await store.close()
        return old.kid, fresh.kid

    return asyncio.run(story())


@dataclass
class Fleet:
    """The processes, and what applications know of them: each took the key set once, from one of them, and keeps it."""

    issuer: str
    ports: list[int]
    key_sets: list[list[dict[str, str]]] = field(default_factory=list)
    signed: list[tuple[int, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def ask(self, port: int, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str, bytes]:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            sent = {"Host": urlsplit(self.issuer).netloc, **headers}
            if body:
                sent["Content-Type"] = "application/x-www-form-urlencoded"
            line.request(method, path, body or None, sent)
            answer = line.getresponse()
            return answer.status, answer.getheader("Location") or "", answer.read()
        finally:
            line.close()

    def take_key_sets(self) -> None:
        for port in self.ports:
            self.key_sets.append(json.loads(self.ask(port, "GET", "/.well-known/jwks.json")[2])["keys"])

    def response(self) -> str:
        number, now = next(self.numbers), datetime.now(UTC)
        acs = f"{self.issuer}login/callback?connection=acme"
        statement = issue.Statement(
            issuer=IDP,
            audience=f"{self.issuer}saml/metadata/acme",
            recipient=acs,
            destination=acs,
            name_id="ada@acme.example",
            name_id_format=FORMAT_EMAIL,
            attributes={"mail": ("ada@acme.example",)},
            issue_instant=now,
            authn_instant=now - timedelta(seconds=10),
            not_before=now - timedelta(seconds=30),
            not_on_or_after=now + timedelta(minutes=5),
            session_index="_session-1",
        )
        octets = issue.response(
            statement,
            response_id=f"_response-{number}",
            assertion_id=f"_assertion-{number}",
            key=idp_key(),
            certificate_pem=None,
            sign="assertion",
        )
        return urlencode({"SAMLResponse": base64.b64encode(octets).decode("ascii")})

    def login(self, turn: int) -> None:
        """Each hop on another node: the post, the code; and an application that had the key set from the third one long ago."""
        one, other, third = ((turn + n) % NODES for n in range(NODES))
        origin = "https://idp.acme.example"
        status, location, _ = self.ask(
            self.ports[one], "POST", "/login/callback?connection=acme", self.response(), Origin=origin
        )
        code = parse_qs(urlsplit(location).query).get("code")
        if status != 303 or not code:
            self.faults.append(f"post: {status} {location[:200]}")
            return
        form = {"grant_type": "authorization_code", "code": code[0], "redirect_uri": REDIRECT}
        proof = base64.b64encode(f"crm:{SECRET}".encode()).decode()
        status, _, body = self.ask(
            self.ports[other], "POST", "/oauth/token", urlencode(form), Authorization=f"Basic {proof}"
        )
        if status != 200:
            self.faults.append(f"token: {status} {body[:200]!r}")
            return
        token = json.loads(body)["id_token"]
        kid = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["kid"]
        jwt.read(token, self.key_sets[third])  # raises where it does not verify
        self.signed.append((other, kid))


def ran(fleet: Fleet, turn: int, until: threading.Event) -> None:
    for number in itertools.count(turn):
        if until.is_set():
            return
        try:
            fleet.login(number)
        except Exception as error:  # noqa: BLE001 - told to the test, which fails
            fleet.faults.append(repr(error))
            return


@dataclass(frozen=True)
class Scene:
    fleet: Fleet
    place: Place
    old: str
    fresh: str

    def told(self, *arguments: str) -> str:
        """What an operator's command prints, beside the running nodes."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "VESTIBULE_ISSUER": self.fleet.issuer}
        command = (sys.executable, "-m", "vestibule", *arguments)
        done = subprocess.run(
            command,
            env=environment | self.place.settings,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(params=["sqlite", "postgresql"])
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    nodes = [new_broker(tmp_path / f"node-{number}") for number in range(NODES)]
    if request.param == "sqlite":
        place = sqlite_place(tmp_path)
    else:
        place = postgres_place(request.getfixturevalue("postgres_url"))
    old, fresh = laid_ready(place)
    document = configuration(
        unsolicited="accept",
        accept_login_csrf_risk=True,
        delivery="direct",
        accept_application_login_csrf_risk=True,
        parameters={"redirect_uri": REDIRECT},
    )
    settings = {**place.settings, "VESTIBULE_ISSUER": nodes[0].issuer, "VESTIBULE_LIMIT_REQUESTS": "0"}
    with contextlib.ExitStack() as stack:
        for node in nodes:
            stack.enter_context(node.serving(document, **settings))
        fleet = Fleet(issuer=nodes[0].issuer, ports=[node.port for node in nodes])
        yield Scene(fleet=fleet, place=place, old=old, fresh=fresh)


def test_keys_are_rotated_and_resealed_while_people_sign_in(scene: Scene) -> None:
    """Every ID token verifies for an application that took the key set from another node before the new key signed.

    Meanwhile an operator rotates that key once more, and the other one at once, and replaces the master key.
    """
    fleet, old, fresh = scene.fleet, scene.old, scene.fresh
    fleet.take_key_sets()
    assert all({old, fresh} <= {key["kid"] for key in keys} for keys in fleet.key_sets)
    done = threading.Event()
    people = [threading.Thread(target=ran, args=(fleet, turn, done)) for turn in range(2)]
    for person in people:
        person.start()
    try:
        scene.told("keys", "rotate", "token-rs256")
        assert "Sealed anew: 5 keys" in scene.told("keys", "reseal")
        scene.told("keys", "rotate", "token-es256", "--now")
        deadline = time.monotonic() + 120
        while not {(number, fresh) for number in range(NODES)} <= set(fleet.signed) and not fleet.faults:
            assert time.monotonic() < deadline, "the new key never signed on every node"
            done.wait(0.1)
    finally:
        done.set()
        for person in people:
            person.join()
    assert fleet.faults == []
    assert {kid for _, kid in fleet.signed} <= {old, fresh}  # on a slow machine the old one may have had no turn
    assert all(fleet.ask(port, "GET", "/readyz")[0] == 200 for port in fleet.ports)
    assert scene.told("keys", "list").count("token-rs256") == 3
