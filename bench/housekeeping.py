"""`python -m bench.housekeeping`: whether tables, indexes and files stay bounded while a million people sign in.

What a login keeps is kept through the store's own port, record for record as the flows keep it; only the SAML message is
left out. The clock is handed in and moves, so that months pass in minutes, and the sweeping is that of production: in
batches, until there is nothing left to sweep. Some people never come back from their identity provider, some never
redeem their code: those rows must go too.
"""

import argparse
import asyncio
import json
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from vestibule.flows.receive import OUTCOME_TTL
from vestibule.ground.errors import Finding
from vestibule.ground.hashing import digest
from vestibule.model.arrival import Arrival, ArrivalState
from vestibule.model.connection import Delivery, Unsolicited
from vestibule.model.errand import Errand, ErrandKind
from vestibule.model.event import Event
from vestibule.model.grant import AccessToken, Code, Grant, RefreshToken
from vestibule.model.identity import Identity
from vestibule.model.ids import (
    ArrivalId,
    ClientId,
    ConnectionId,
    Digest,
    GrantId,
    IdentityKey,
    PersonId,
    Reference,
    Sid,
)
from vestibule.model.outcome import Outcome
from vestibule.model.pending import PendingLogin
from vestibule.model.session import Session
from vestibule.saml.checks import RULES as CHECKS
from vestibule.store import retention
from vestibule.store.port import ArrivalEnded, AssertionClaim, RestartsAnswered, Store
from vestibule.store.sqlite import SqliteStore
from vestibule.store.sweeping import sweep_all

ACME = ConnectionId("con_acme")
CRM = ClientId("crm")
ISSUER = "https://idp.acme.example/saml"
START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TABLES = tuple(sorted({rule.table for rule in retention.RULES} | {"people", "identities"}))


class Moving:
    """The clock that is handed in."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    logins: int
    days: int
    at_once: int
    people: int
    every: int
    sweep_minutes: int
    events_days: int

    @property
    def apart(self) -> timedelta:
        """The time between two rounds of logins that come at once."""
        return timedelta(days=self.days) * self.at_once / self.logins


class Engine(Protocol):
    """What the run asks of an engine beside the port."""

    store: Store

    def sizes(self) -> dict[str, Any]: ...


# -- one login ------------------------------------------------------------------------------------------------------


def trace(*notes: str) -> tuple[Finding, ...]:
    """The trace that an event of a login carries: every rule that held, and notes."""
    told = tuple(Finding(rule="saml.note", verdict="note", why=note) for note in notes)
    return (*(rule.held for rule in CHECKS), *told)


ANSWERED = trace(
    "It answers request _0123456789abcdef0123456789abcdef01234567.",
    "Judged at 2026-01-01T00:00:00+00:00; authenticated 2026-01-01T00:00:00+00:00; usable until 2026-01-01T00:05:00+00:00.",
    "The assertion was used for the first time, here, and cannot be used again [SAMLProf 4.1.4.5].",
)


def identity(number: int, now: datetime) -> Identity:
    return Identity(
        connection=ACME,
        connection_name="acme",
        key=IdentityKey(digest(f"person {number}")),
        display=f"person-{number}@acme.example",
        claims={
            "name": f"Person {number}",
            "given_name": "Person",
            "groups": ("crm-users", "crm-sales", "emea", "vpn"),
        },
        email=f"person-{number}@acme.example",
        email_verified=True,
        authenticated_at=now,
        acr="urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        amr=(),
        ends_at=None,
        session_index=f"_{digest(str(number))[:32]}",
    )


class Login:
    """One person's login, hop by hop. `number` decides everything about it."""

    def __init__(self, store: Store, plan: Plan, number: int, now: datetime) -> None:
        self.store, self.now, self.number = store, now, number
        self.word = digest(f"login {number}")
        self.identity = identity(number % plan.people, now)
        self.errand = Errand(kind=ErrandKind.OIDC, application=CRM, parameters={"client_id": CRM, "state": self.word})
        self.cookie = Digest(digest(f"cookie {number}"))

    def name(self, kind: str) -> str:
        return digest(f"{kind} {self.number}")

    def event(self, kind: str, found: tuple[Finding, ...] = (), *, person: PersonId | None = None) -> Event:
        return Event(
            id=self.name(kind)[:22],
            at=self.now,
            kind=kind,
            reference=Reference(self.word[:11]),
            connection=ACME,
            application=CRM,
            person=person,
            detail={"how": "restart"},
            trace=found,
        )

    async def whole(self) -> None:
        """Every third begins with a tile; every fiftieth never comes back, every fiftieth never redeems its code."""
        bell = ArrivalId(self.name("bell")[:22]) if self.number % 3 == 0 else None
        if bell is not None:
            await self.ring(bell)
        await self.start(bell)
        if self.number % 50 == 1:
            return
        await self.answered(bell)
        grant = await self.landed(bell)
        if self.number % 50 != 2:
            await self.redeemed(grant)

    async def ring(self, bell: ArrivalId) -> None:
        arrival = Arrival(
            id=bell,
            cookie=Digest(self.name("arrival cookie")),
            connection=ACME,
            application=CRM,
            state=ArrivalState.BELL,
            trust=Unsolicited.RESTART,
            delivery=Delivery.CLIENT,
            created_at=self.now,
            expires_at=self.now + 2 * MINUTE,
            subject=self.identity.key,
        )
        claim = self.claim("doorbell")
        assert await self.store.assertions.claim(claim, keep=(arrival, self.event("login.arrived", ANSWERED)))

    def claim(self, kind: str) -> AssertionClaim:
        id = f"_{self.name(kind)}"
        return AssertionClaim(connection=ACME, issuer=ISSUER, assertion_id=id, remember_until=self.now + 10 * MINUTE)

    async def start(self, bell: ArrivalId | None) -> None:
        await self.store.keep(
            PendingLogin(
                id=f"_{self.word}",
                connection=ACME,
                expected_issuer=ISSUER,
                acs_url="https://login.crm.example/login/callback?connection=acme",
                cookie=self.cookie,
                created_at=self.now,
                expires_at=self.now + HOUR,
                errand=self.errand,
                bell=bell,
                bell_subject=None if bell is None else self.identity.key,
                counted=bell is not None,
            )
        )

    async def answered(self, bell: ArrivalId | None) -> None:
        outcome = Outcome(
            id=self.name("outcome")[:22],
            cookie=self.cookie,
            connection=ACME,
            identity=self.identity,
            errand=self.errand,
            created_at=self.now,
            expires_at=self.now + OUTCOME_TTL,
            bell=bell,
        )
        keep = (
            outcome,
            RestartsAnswered(connection=ACME, cookies=(self.cookie,)),
            self.event("login.answered", ANSWERED),
        )
        await self.store.pending.answer(
            f"_{self.word}", cookie=self.cookie, claim=self.claim("assertion"), now=self.now, keep=keep
        )

    async def landed(self, bell: ArrivalId | None) -> Grant:
        person = await self.store.people.settle(
            self.identity, new=PersonId(self.name("person")[:22]), provision=True, link=False, now=self.now
        )
        assert person is not None
        session = Session(
            sid=Sid(self.name("sid")[:22]),
            cookie=Digest(self.name("session cookie")),
            person=person.id,
            connection=ACME,
            identity=self.identity,
            created_at=self.now,
            expires_at=self.now + 24 * HOUR,
            idle_at=self.now + 8 * HOUR,
        )
        offline = self.number % 5 == 0
        until = self.now + timedelta(days=90) if offline else self.now
        grant = Grant(
            id=GrantId(self.name("grant")[:22]),
            application=CRM,
            person=person.id,
            connection=ACME,
            identity=self.identity,
            scope="openid profile email" + (" offline_access" if offline else ""),
            sid=session.sid,
            nonce=self.word,
            created_at=self.now,
            refresh_until=until,
            expires_at=until + HOUR + MINUTE,
        )
        code = Code(
            digest=Digest(self.name("code")),
            grant=grant,
            redirect_uri="https://crm.example/callback",
            code_challenge=self.word,
            unsolicited=False,
            arrival=None,
            expires_at=self.now + MINUTE,
        )
        ended = () if bell is None else (ArrivalEnded(id=bell),)
        keep = (session, code, *ended, self.event("login.succeeded", person=person.id))
        await self.store.outcomes.take(self.name("outcome")[:22], now=self.now, keep=keep)
        return grant

    async def redeemed(self, grant: Grant) -> None:
        access = AccessToken(
            digest=Digest(self.name("access")), grant=grant.id, scope=grant.scope, expires_at=self.now + HOUR
        )
        refresh = RefreshToken(
            digest=Digest(self.name("refresh")),
            grant=grant.id,
            created_at=self.now,
            expires_at=self.now + timedelta(days=14),
        )
        tokens = (access, refresh) if grant.refresh_until > self.now else (access,)
        event = self.event("code.redeemed", person=grant.person)
        assert await self.store.codes.take(Digest(self.name("code")), now=self.now, keep=(grant, *tokens, event))
        if self.number % 10 == 0:  # a refresh: the token is taken, and another comes
            next_one = replace(refresh, digest=Digest(self.name("refresh again")))
            kept = (next_one, replace(access, digest=Digest(self.name("access again"))), self.event("token.refreshed"))
            assert await self.store.tokens.rotate(refresh.digest, now=self.now, keep=kept)


# -- engines --------------------------------------------------------------------------------------------------------


class Sqlite:
    """The file, its log, and what each table and its indexes take of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store: Store = SqliteStore(path)

    def sizes(self) -> dict[str, Any]:
        database = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
        rows = {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
        page = database.execute("PRAGMA page_size").fetchone()[0]
        pages, free = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
        database.close()
        log = self.path.with_name(self.path.name + "-wal")
        return {
            "rows": rows,
            "file": self.path.stat().st_size,
            "in_use": (pages - free) * page,
            "free": free * page,
            "log": log.stat().st_size if log.exists() else 0,
        }


class Postgres:
    """The database, its tables with and without indexes, and rows that are dead and not yet vacuumed."""

    def __init__(self, url: str) -> None:
        # Imported here: SQLite's run needs none of it.
        from vestibule.store.postgres import PostgresStore

        self.url = url
        self.store: Store = PostgresStore(url, connections=48)

    def sizes(self) -> dict[str, Any]:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as database:
            rows = {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}
            database.execute("SELECT pg_stat_force_next_flush()")
            found = database.execute(
                "SELECT relname, pg_relation_size(relid), pg_indexes_size(relid), n_dead_tup, autovacuum_count "
                "FROM pg_stat_user_tables"
            ).fetchall()
            whole = database.execute("SELECT pg_database_size(current_database())").fetchone()[0]
        return {
            "rows": rows,
            "file": whole,
            "heap": {name: heap for name, heap, *_ in found},
            "indexes": {name: size for name, _, size, *_ in found},
            "dead": {name: dead for name, _, _, dead, _ in found},
            "vacuums": sum(count for *_, count in found),
        }


# -- the run --------------------------------------------------------------------------------------------------------


def rounds(plan: Plan) -> Iterator[range]:
    for first in range(0, plan.logins, plan.at_once):
        yield range(first, min(first + plan.at_once, plan.logins))


async def run(engine: Engine, plan: Plan) -> list[dict[str, Any]]:
    store, clock = engine.store, Moving(START)
    await store.open()
    began, spent, swept, cut = time.perf_counter(), 0.0, 0, START
    seen: list[dict[str, Any]] = []
    print(heading(), flush=True)
    for numbers in rounds(plan):
        await asyncio.gather(*(Login(store, plan, number, clock.at).whole() for number in numbers))
        clock.at += plan.apart
        if clock.at - cut >= plan.sweep_minutes * MINUTE:
            cut = clock.at
            before = time.process_time()
            swept += await sweep_all(store, clock, events=timedelta(days=plan.events_days))
            spent += time.process_time() - before
        done = numbers.stop
        if done // plan.every > numbers.start // plan.every or done == plan.logins:
            found = engine.sizes() | {
                "logins": done,
                "days": (clock.at - START).days,
                "swept": swept,
                "cpu": time.process_time(),
                "sweep_cpu": spent,
                "seconds": time.perf_counter() - began,
                "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }
            seen.append(found)
            print(line(found), flush=True)
    await store.close()
    return seen


def heading() -> str:
    return "    logins  days  file MB  in use  log MB  dead rows  rows swept  sweep CPU ms/1000  " + "  ".join(
        f"{table[:12]:>12}" for table in TABLES
    )


def line(found: dict[str, Any]) -> str:
    mega = 1_000_000
    rows = found["rows"]
    return (
        f"{found['logins']:>10,}  {found['days']:>4}  {found['file'] / mega:>7.1f}  {found.get('in_use', 0) / mega:>6.1f}"
        f"  {found.get('log', 0) / mega:>6.1f}  {sum(found.get('dead', {}).values()):>9,}  {found['swept']:>10,}"
        f"  {1000 * found['sweep_cpu'] / max(1, found['swept']) * 1000:>17.1f}  "
        + "  ".join(f"{rows[table]:>12,}" for table in TABLES)
    )


def bounded(seen: list[dict[str, Any]]) -> bool:
    """Whether the database was no larger at the end than at three fifths of the way, give or take a twentieth."""
    then = seen[len(seen) * 3 // 5]["file"]
    return bool(seen[-1]["file"] <= then * 1.05)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.housekeeping", description=__doc__.splitlines()[0])
    parser.add_argument("--logins", type=int, default=1_000_000, help="(%(default)s)")
    parser.add_argument("--days", type=int, default=365, help="the days over which they come (%(default)s)")
    parser.add_argument("--people", type=int, default=20_000, help="(%(default)s)")
    parser.add_argument("--at-once", type=int, default=100, help="(%(default)s)")
    parser.add_argument("--every", type=int, default=100_000, help="logins between two lines (%(default)s)")
    parser.add_argument("--sweep-minutes", type=int, default=60, help="of the run's own time (%(default)s)")
    parser.add_argument("--events-days", type=int, default=90, help="(%(default)s)")
    parser.add_argument(
        "--postgresql",
        metavar="URL",
        help="an empty database; left out: an SQLite file. Sizes do not hang on `fsync`: off, it is done sooner",
    )
    parser.add_argument("--directory", type=Path, default=Path(__file__).parents[1] / ".dev")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    plan = Plan(
        logins=asked.logins,
        days=asked.days,
        at_once=asked.at_once,
        people=asked.people,
        every=asked.every,
        sweep_minutes=asked.sweep_minutes,
        events_days=asked.events_days,
    )
    with tempfile.TemporaryDirectory(prefix="housekeeping-", dir=asked.directory) as scratch:
        engine: Engine = Postgres(asked.postgresql) if asked.postgresql else Sqlite(Path(scratch) / "vestibule.db")
        seen = asyncio.run(run(engine, plan))
    if asked.json is not None:
        asked.json.write_text(json.dumps(seen, indent=1))
    print("bounded" if bounded(seen) else "IT GROWS")
    return 0 if bounded(seen) else 1


if __name__ == "__main__":
    sys.exit(main())
