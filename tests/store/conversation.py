"""What a version says to its database and is answered, recorded: `python -m tests.store.conversation` writes it down.

A later version's migrations must leave a database that answers all of it just so (ADR 0011): while nodes are upgraded one by
one, nodes of both versions use it. Written down once for a shape of the database, when a version with it is released.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from tests.store import nouns
from tests.store.nouns import ACME, CRM, DAY, HOUR, MINUTE, T0

from vestibule.model.application import Application
from vestibule.model.arrival import Arrival
from vestibule.model.connection import Connection
from vestibule.model.event import Event
from vestibule.model.grant import AccessToken, Code, Grant, RefreshToken
from vestibule.model.ids import ArrivalId, Digest, IdentityKey, PersonId, Reference, Sid
from vestibule.model.installation import Installation
from vestibule.model.key import KeyPurpose, StoredKey
from vestibule.model.outcome import Outcome
from vestibule.model.pending import PendingLogin
from vestibule.model.rehearsal import Rehearsal
from vestibule.model.session import Session
from vestibule.store.migrate import REVISIONS
from vestibule.store.port import ArrivalEnded, GrantRevoked, RestartsAnswered, SessionEnded, Store
from vestibule.store.sqlite import SqliteStore
from vestibule.store.steps import Alone, Finish, Steps, Together, Unread

FOLDER = Path(__file__).parent / "conversations"
DOCUMENTS = (
    *(Application, Arrival, Connection, Event, AccessToken, Code, Grant, RefreshToken, Installation, StoredKey),
    *(Outcome, PendingLogin, Rehearsal, Session),
)
"""What is kept as a document."""
SHAPES = {"unread": Unread, "together": Together, "alone": Alone}

T = TypeVar("T")
Spoken = dict[str, Any]


def written(asked: Any, came: Any) -> Spoken:
    """One thing that was asked, and what came of it."""
    if isinstance(asked, Finish):
        return {"shape": "finish", "asked": asked.chain, "then": asked.then, "came": came}
    for name, shape in SHAPES.items():
        if isinstance(asked, shape):
            return {"shape": name, "asked": asked.names if isinstance(asked, Alone) else asked.statements, "came": came}
    return {"shape": "rows", "asked": [asked], "came": came}


def spoken(said: Spoken) -> Any:
    """The same, to be asked again."""
    if said["shape"] == "alone":
        return Alone(tuple(said["asked"]))
    statements = tuple((text, tuple(parameters)) for text, parameters in said["asked"])
    if said["shape"] == "finish":
        return Finish(statements, tuple((text, tuple(parameters)) for text, parameters in said["then"]))
    return statements[0] if said["shape"] == "rows" else SHAPES[said["shape"]](statements)


class Recorder(SqliteStore):
    """Writes down what is said, a transaction at a time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.said: list[dict[str, Any]] = []

    async def read(self, steps: Callable[[], Steps[T]]) -> T:
        return await super().read(lambda: self._listening("read", steps()))

    async def write(self, steps: Callable[[], Steps[T]], *, patience: float | None = None) -> T:
        return await super().write(lambda: self._listening("write", steps()), patience=patience)

    def _listening(self, kind: str, steps: Steps[T]) -> Generator[Any, Any, T]:
        said: list[Spoken] = []
        self.said.append({"kind": kind, "said": said})
        try:
            asked = next(steps)
            while True:
                came = yield asked
                said.append(written(asked, came))
                asked = steps.send(came)
        except StopIteration as end:
            result: T = end.value
            return result


# -- the scene ------------------------------------------------------------------------------------------------------


async def scene(store: Store) -> None:
    """Everything that a node ever asks: configuration, logins in every state, tokens, keys, events, and the broom."""
    await standing(store)
    await logins(store)
    await tokens(store)
    await journal(store)
    await store.ready()
    for days in (2, 30, 200):
        await store.sweep(now=T0 + days * DAY)


async def standing(store: Store) -> None:
    acme = nouns.connection("acme", domains=nouns.listing("acme.example", verified=True))
    for apps, connections in (((), (acme,)), ((nouns.application(),), (acme, nouns.connection("other")))):
        event = nouns.event(f"applied-{len(connections)}")
        await store.configured.apply(
            installation=Installation(), applications=apps, connections=connections, events=(event,)
        )
    configured = store.configured
    await configured.connection("acme")
    await configured.connections()
    await configured.connection_by_domain("acme.example")
    await configured.application("crm")
    await configured.applications()
    await configured.installation()
    await configured.revision()


async def logins(store: Store) -> None:
    await store.keep(nouns.arrival("bell"), nouns.pending("a"), nouns.pending("b", cookie=Digest("login-a")))
    await store.assertions.claimed(nouns.claim("a"))
    await store.assertions.claim(nouns.claim("tile"), keep=(nouns.event("arrived"),))
    await store.assertions.claim(nouns.claim("tile"))
    await store.pending.find("_request-a")
    await store.pending.restarts(ACME, (Digest("login-a"),), since=T0 - MINUTE)
    kept = (
        nouns.outcome("a"),
        RestartsAnswered(connection=ACME, cookies=(Digest("login-a"),)),
        nouns.event("answered"),
    )
    for _ in range(2):
        await store.pending.answer("_request-a", cookie=Digest("login-a"), claim=nouns.claim("a"), now=T0, keep=kept)
    await store.outcomes.find("outcome-a")
    session = (
        nouns.session("a"),
        nouns.code("a"),
        ArrivalEnded(id=ArrivalId("arrival-bell")),
        nouns.event("succeeded"),
    )
    await store.outcomes.take("outcome-a", now=T0, keep=session)
    await store.keep(nouns.arrival("b"), nouns.arrival("c"))
    await store.arrivals.find(ArrivalId("arrival-b"))
    await store.arrivals.held((Digest("arrived-b"), Digest("arrived-c")))
    await store.arrivals.confirm(ArrivalId("arrival-b"), now=T0)
    await store.arrivals.take(ArrivalId("arrival-b"), now=T0)
    await store.keep(nouns.rehearsal("a"))
    await store.rehearsals.open("rehearsal-a", cookie=Digest("login-a"), now=T0)
    await store.rehearsals.waiting(ACME, (Digest("login-a"),), now=T0)
    await store.rehearsals.find("rehearsal-a")


async def tokens(store: Store) -> None:
    identity = nouns.identity()
    for link in (False, True):
        key = IdentityKey(f"key-{link}")
        await store.people.settle(
            replace(identity, key=key), new=PersonId(f"p-{link}"), provision=True, link=link, now=T0
        )
    await store.people.find(PersonId("p-False"), identity="key-False")
    await store.people.block(PersonId("p-False"), blocked=True)
    await store.sessions.find(Digest("session-a"))
    await store.sessions.touch(Sid("sid-a"), idle_at=T0 + 9 * HOUR)
    await store.keep(nouns.code("c", arrival=ArrivalId("arrival-c")))
    await store.codes.find(Digest("code-c"))
    kept = (nouns.grant("c"), nouns.access_token("c"), nouns.refresh_token("c"), nouns.event("redeemed"))
    for _ in range(2):
        await store.codes.take(Digest("code-c"), now=T0, keep=kept)
    await store.tokens.access(Digest("access-c"))
    await store.tokens.refresh(Digest("refresh-c"))
    successor = (
        nouns.refresh_token("d", grant=nouns.grant("c").id),
        nouns.access_token("d", grant=nouns.grant("c").id),
    )
    await store.tokens.rotate(Digest("refresh-c"), now=T0, keep=successor)
    await store.tokens.grants(sid=Sid("sid-a"))
    await store.tokens.grants(person=PersonId("p-1"))
    await store.keep(
        GrantRevoked(id=nouns.grant("c").id), GrantRevoked(id=nouns.grant("early").id), SessionEnded(sid=Sid("sid-a"))
    )


async def journal(store: Store) -> None:
    await store.keys.seal_check("seal")
    await store.keys.known("issuer")
    await store.keys.fact("issuer", "https://login.example/")
    await store.keys.note("restored_at", "a moment", event=nouns.event("restored"))
    await store.keys.change(None, lambda known: (nouns.key("a"),), seal="seal")
    own = nouns.key("own", purpose=KeyPurpose.SAML_ENCRYPTION, connection=ACME)
    await store.keys.change(ACME, lambda known: (own,), seal="seal")
    await store.keys.reseal(lambda key: replace(key, sealed=b"anew"), texts={"issuer": str}, seal="other")
    after: str | None = ""
    while after is not None:
        _, after = await store.keys.reseal_on(lambda key: replace(key, sealed=b"anew"), after=after)
    await store.keys.is_resealed_whole()
    await store.keys.all()
    await store.keys.of(ACME)
    await store.events.by_reference(Reference("R-1"))
    await store.events.latest(limit=5)
    await store.events.latest(kind="login.succeeded", limit=2)
    await store.events.latest(kind="login.", limit=2)
    await store.events.latest(connection=ACME, limit=2)
    await store.configured.application(CRM)


# -- written down ---------------------------------------------------------------------------------------------------


async def recorded(path: Path) -> list[dict[str, Any]]:
    store = Recorder(path)
    await store.open()
    await scene(store)
    await store.close()
    return store.said


def documents() -> dict[str, Any]:
    """The fields of every document: what each holds, and whether it must be there."""
    _, components = msgspec.json.schema_components(DOCUMENTS, ref_template="{name}")
    found: dict[str, Any] = {}
    for name, schema in sorted(components.items()):
        shown = {key: value for key, value in schema.items() if key in ("properties", "required", "enum", "type")}
        for field in shown.get("properties", {}).values():
            field.pop("default", None)
        found[name] = shown
    return found


def conversations() -> Iterator[Path]:
    return iter(sorted(FOLDER.glob("*.json")))


@dataclass(frozen=True)
class Version:
    """A version, as far as its database knows it."""

    revision: str
    said: list[dict[str, Any]]
    documents: dict[str, Any]


def version(path: Path) -> Version:
    whole = json.loads(path.read_text())
    return Version(revision=path.stem, said=whole["said"], documents=whole["documents"])


def main() -> int:
    with tempfile.TemporaryDirectory() as scratch:
        said = asyncio.run(recorded(Path(scratch) / "vestibule.db"))
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{REVISIONS[-1]}.json"
    lines = ",\n".join(msgspec.json.encode(one).decode() for one in said)
    shapes = json.dumps(documents(), indent=1, sort_keys=True)
    file.write_text(f'{{"documents": {shapes},\n"said": [\n{lines}\n]}}\n')
    sys.stdout.write(f"{file}: {len(said)} transactions\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
