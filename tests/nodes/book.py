"""The book: what was answered to whom, hop by hop. Everything in it was acknowledged, and must be true afterwards."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx2
from tests.nodes.cluster import BALANCER

REFERENCE = re.compile(r"\b[A-Z2-7]{5}-[A-Z2-7]{5}\b")


@dataclass(frozen=True)
class Refusal(Exception):
    """A hop did not lead on, and whoever asked was told so clearly.

    `by`: "page" of ours with a reference, "json" of ours, the "application" (an error at its redirect URI), or "balancer".
    """

    hop: str
    status: int
    by: str
    said: str

    @property
    def unknown(self) -> bool:
        """Whether the request may have been carried out all the same: whoever did it is not heard from, or cannot say."""
        return self.by == "balancer" or self.status >= 500 or self.said in ("temporarily_unavailable", "server_error")


@dataclass
class Assertion:
    """One response of the identity provider, and what came of each time that it was posted."""

    accepted: int = 0
    refused: list[str] = field(default_factory=list)
    """References of our refusals."""
    unknown: int = 0


@dataclass
class Once:
    """A code or refresh token, and what came of each time that it was shown."""

    granted: int = 0
    refused: int = 0
    unknown: int = 0


@dataclass
class Login:
    """One login, and all that the browser, the application and the identity provider have of it."""

    number: int
    mode: str
    nodes: set[str] = field(default_factory=set)
    assertions: list[Assertion] = field(default_factory=list)
    codes: dict[str, Once] = field(default_factory=dict)
    refreshes: dict[str, Once] = field(default_factory=dict)
    completed: int = 0
    """How many times tokens were given for it."""
    failed: Refusal | None = None
    person: str = ""
    access: str = ""
    refresh: str = ""
    """The newest refresh token that was received; empty if it was used and its answer was lost."""
    jar: dict[str, tuple[str, str]] = field(default_factory=dict)
    session: str = "none"
    """"none", "live" or "ended": acknowledged so; "unknown": a sign-out was not answered."""
    revoked: bool = False
    """A code or token of it was used twice, and the refusal of the second use was received: its tokens are dead."""
    doubt: bool = False
    """A request that may have revoked its tokens was not answered."""
    resent: bool = False
    """A hop was asked for more than once, by the person or by the balancer."""


@dataclass
class Book:
    """Everything that happened, as those outside saw it."""

    logins: list[Login] = field(default_factory=list)
    hops: Counter[str] = field(default_factory=Counter)
    """Answers by who gave them and with what."""
    unclear: list[str] = field(default_factory=list)
    """Answers that nobody can make sense of: these alone fail the run."""
    references: list[tuple[str, int]] = field(default_factory=list)
    """Every reference that a refusal's page showed, and the page's status."""
    slowest: float = 0.0
    applied: list[str] = field(default_factory=list)
    """Connections whose application was acknowledged."""
    not_applied: list[str] = field(default_factory=list)
    disasters: Counter[str] = field(default_factory=Counter)
    evidence: list[str] = field(default_factory=list)

    def begin(self, mode: str) -> Login:
        login = Login(number=len(self.logins) + 1, mode=mode)
        self.logins.append(login)
        return login

    def outcomes(self) -> Iterator[tuple[str, str]]:
        """Mode and outcome of every login."""
        for login in self.logins:
            yield login.mode, "completed" if login.completed else "refused"

    def judged(self, login: Login, hop: str, wanted: int, answer: httpx2.Response, took: float) -> httpx2.Response:
        """The answer, if it is the one that was wanted; else the refusal that it is. Anything else is unclear."""
        self.slowest = max(self.slowest, took)
        *before, by = answer.headers.get("x-node", "?").split(", ")
        login.nodes.add(by)
        login.resent |= bool(before) or hop.endswith(" again")
        location = answer.headers.get("location", "")
        told = re.search(r"[?#&]error=([a-z_]+)", location)
        if answer.status_code == wanted and not told:
            self.hops[f"{hop} {wanted}"] += 1
            return answer
        refusal = self._refusal(hop, answer, told[1] if told else "")
        if refusal is None:
            said = (
                f"{hop} of {login.mode} was answered with {answer.status_code} by {by}: {location} {answer.text[:1500]}"
            )
            self.unclear.append(said)
            refusal = Refusal(hop, answer.status_code, "nobody", "unclear")
        self.hops[f"refused by {refusal.by} {refusal.status}"] += 1
        raise refusal

    def _refusal(self, hop: str, answer: httpx2.Response, told: str) -> Refusal | None:
        status, kind = answer.status_code, answer.headers.get("content-type", "")
        if told:
            return Refusal(hop, status, "application", told)
        if answer.headers.get("x-answered-by") == BALANCER:
            return Refusal(hop, status, "balancer", "")
        if status < 400 or "Traceback" in answer.text or status == 500:
            return None
        if kind.startswith("application/json"):
            return Refusal(hop, status, "json", str(answer.json()["error"]))
        found = REFERENCE.search(answer.text)
        if kind.startswith("text/html") and found:
            self.references.append((found[0], status))
            return Refusal(hop, status, "page", found[0])
        return None

    def unanswered(self, login: Login, hop: str, error: Exception) -> Refusal:
        """The balancer itself did not answer: it never may."""
        self.unclear.append(f"{hop} of {login.mode} had no answer: {error!r}")
        return Refusal(hop, 0, "nobody", "unanswered")
