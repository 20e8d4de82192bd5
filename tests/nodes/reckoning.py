"""The reckoning, once all is calm again: every entry of the book is held against the running nodes and the audit."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.nodes.book import Book, Login
from tests.nodes.cluster import Cluster
from tests.nodes.visits import BASIC, CALLBACK, Street, Visit
from tests.wire.world import authorization, parameters

from vestibule.model.event import Event
from vestibule.store.port import Store

AT_ONCE = 12
"""How many logins are reckoned at a time."""
REPLAYS = frozenset(("saml.replayed", "login.expired_or_used"))
"""What becomes of a response that was posted before."""


@dataclass
class Reckoning:
    """What was counted, and every promise that was not kept."""

    counts: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def check(self, kept: bool, promise: str, found: str) -> None:
        """Counts a promise that was looked at; notes it if it was not kept."""
        self.counts[promise] += 1
        if not kept:
            self.broken.append(f"{promise}: {found}")


async def reckon(street: Street, cluster: Cluster, store: Store) -> Reckoning:
    """Everything in the book, against nodes that are all up."""
    book, found = street.book, Reckoning()
    events = await store.events.latest(limit=10_000_000)
    _answers(book, cluster, found)
    _once(book, found)
    _audited(book, events, cluster.not_kept(), found)
    await _standing(street, found)
    await _applied(cluster, book, found)
    return found


def _answers(book: Book, cluster: Cluster, found: Reckoning) -> None:
    """Every request was answered, and clearly; no node had a bug."""
    found.check(not book.unclear, "every answer was clear", "\n".join(book.unclear[:5]))
    for status, count in cluster.replaced().items():
        found.counts[f"workers replaced that had ended with {status}"] = count
    tracebacks = cluster.tracebacks()
    found.check(not tracebacks, "no node had a bug", "\n".join(tracebacks[:3]))
    for login in book.logins:
        if login.completed == 0:
            found.check(login.failed is not None, "who did not get in was told", f"login {login.number}")


def _once(book: Book, found: Reckoning) -> None:
    """What may happen once happened once, as those outside saw it."""
    for login in book.logins:
        found.check(login.completed <= 1, "a login completes once", f"login {login.number}: {login.completed}")
        for assertion in login.assertions:
            found.check(
                assertion.accepted <= 1, "an assertion is accepted once", f"login {login.number}: {assertion.accepted}"
            )
        for code in login.codes.values():
            found.check(code.granted <= 1, "a code is redeemed once", f"login {login.number}: {code.granted}")
        for token in login.refreshes.values():
            found.check(token.granted <= 1, "a refresh token rotates once", f"login {login.number}: {token.granted}")


def _audited(book: Book, events: Sequence[Event], logged: Mapping[str, str], found: Reckoning) -> None:
    """Every reference that somebody was shown leads to its event, and every login to the events of its success.

    `logged`: the codes of refusals whose events could not be kept, by reference.
    """
    by_reference: dict[str, set[str]] = defaultdict(set)
    by_person: dict[str, Counter[str]] = defaultdict(Counter)
    for event in events:
        by_reference[event.reference].add(event.code or "")
        if event.person is not None:
            by_person[event.person][event.kind] += 1
    for reference, code in logged.items():
        by_reference[reference].add(code)
    found.counts["references of which the log alone knows"] = len(logged)
    for reference, status in book.references:
        if status < 500:  # where the store cannot answer, the log alone has the reason
            found.check(reference in by_reference, "a reference leads to its event", f"{reference} ({status})")
    for login in book.logins:
        for reference in (one for assertion in login.assertions if assertion.accepted for one in assertion.refused):
            codes = by_reference.get(reference, set())
            found.check(bool(codes & REPLAYS), "a response that was posted again was refused as a replay", f"{codes}")
        if login.completed:
            kinds = by_person[login.person]
            told = f"login {login.number} ({login.mode}): {dict(kinds)}"
            found.check(kinds["code.redeemed"] == 1, "a completed login has one code.redeemed", told)
            # A request that was sent again may be given another code; of all of them one is redeemed.
            succeeded = kinds["login.succeeded"]
            found.check(
                succeeded == 1 or (login.resent and succeeded > 1), "a completed login has its login.succeeded", told
            )
            rotations = sum(token.granted for token in login.refreshes.values())
            found.check(
                kinds["token.refreshed"] >= rotations, "a rotation has its event", f"login {login.number}: {kinds}"
            )
            if login.session == "ended":
                found.check(kinds["session.ended"] == 1, "a sign-out has its event", f"login {login.number}: {kinds}")
    found.counts["events"] = len(events)


async def _standing(street: Street, found: Reckoning) -> None:
    """What each login left with browser and application still stands, or is gone if it was said to be."""
    ready = asyncio.Semaphore(AT_ONCE)

    async def one(login: Login) -> None:
        async with ready:
            visit = Visit(street, login)
            await _session(visit, found)
            await _tokens(visit, found)

    await asyncio.gather(*(one(login) for login in street.book.logins if login.completed))


async def _session(visit: Visit, found: Reckoning) -> None:
    login = visit.login
    if login.session not in ("live", "ended"):
        return
    visit.browser.jar = dict(login.jar)
    silent = authorization(
        redirect_uri=CALLBACK, connection=login.mode, prompt="none", scope="openid", state="s", nonce="n"
    )
    answer = await visit.browser.get(silent, cross_site=True)
    told = parameters(answer.headers.get("location", ""))
    where = f"login {login.number} ({login.mode}): {answer.status_code} {told}"
    if login.session == "live":
        found.check("code" in told, "an acknowledged session stands", where)
    else:
        found.check(told.get("error") == "login_required", "a session that was ended is over", where)


async def _tokens(visit: Visit, found: Reckoning) -> None:
    login = visit.login
    if login.doubt:
        found.counts["logins whose tokens may have been revoked, unheard"] += 1
        return
    bearer = {"authorization": f"Bearer {login.access}"}
    told = await visit.machine.get("/userinfo", **bearer)
    where = f"login {login.number} ({login.mode}): {told.status_code} {told.text[:300]}"
    if login.revoked:
        found.check(told.status_code == 401, "tokens of a code that was used twice are dead", where)
        return
    found.check(told.status_code == 200, "an acknowledged access token stands", where)
    if told.status_code == 200:
        found.check(told.json()["sub"] == login.person, "a person stays the same", where)
    if login.refresh:
        form = {"grant_type": "refresh_token", "refresh_token": login.refresh}
        again = await visit.machine.post("/oauth/token", form, origin=None, authorization=BASIC)
        where = f"login {login.number} ({login.mode}): {again.status_code} {again.text[:300]}"
        found.check(again.status_code == 200, "an acknowledged refresh token stands", where)


async def _applied(cluster: Cluster, book: Book, found: Reckoning) -> None:
    """Connections that were said to be in place are, at every node."""
    status, exported = await cluster.nodes[0].command("export")
    found.check(status == 0, "the configuration can be exported", exported[-500:])
    for name in book.applied:
        found.check(f"name: {name}\n" in exported, "an acknowledged connection is exported", name)
