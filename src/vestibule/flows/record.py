"""Recording what happens: events for the operator, each under the reference number that the person sees."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from vestibule.ground.entropy import Entropy
from vestibule.ground.errors import Finding, Refused
from vestibule.model.event import Event
from vestibule.model.ids import ClientId, ConnectionId, PersonId, Reference
from vestibule.store.port import Store, StoreUnavailable

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
"""[RFC 4648 6]"""

log = structlog.get_logger("vestibule.flows")


def new_reference(entropy: Entropy) -> Reference:
    """Ten characters without look-alikes' harm (base32), in two groups: easy to read out on a telephone."""
    drawn = int.from_bytes(entropy.bytes(7), "big")
    text = "".join([_BASE32[drawn >> shift & 31] for shift in range(51, 1, -5)])
    return Reference(f"{text[:5]}-{text[5:]}")


@dataclass(slots=True)
class Record:
    """What one request has come to so far; becomes an event, of success or of refusal."""

    entropy: Entropy
    now: datetime
    reference: Reference
    connection: ConnectionId | None = None
    application: ClientId | None = None
    findings: list[Finding] = field(default_factory=list)
    hushed: bool = False
    """A refusal must not tell by its time how far the message came."""

    def note(self, rule: str, why: str) -> None:
        self.findings.append(Finding(rule=rule, verdict="note", why=why))

    def claimed(self) -> "Record":
        """With the finding that the assertion was claimed. It is kept with the claim, or not at all."""
        why = "The assertion was used for the first time, here, and cannot be used again [SAMLProf 4.1.4.5]."
        self.findings.append(Finding(rule="saml.replayed", verdict="pass", why=why))
        return self

    def event(
        self,
        kind: str,
        *,
        code: str | None = None,
        person: PersonId | None = None,
        detail: Mapping[str, str] | None = None,
    ) -> Event:
        return Event(
            id=self.entropy.token(16),
            at=self.now,
            kind=kind,
            reference=self.reference,
            code=code,
            connection=self.connection,
            application=self.application,
            person=person,
            detail=detail or {},
            trace=tuple(self.findings),
        )

    def refusal(self, refused: Refused, kind: str = "login.refused") -> Event:
        """The event of a login (or another thing) that was refused, with every check that was made."""
        self.findings.extend(refused.findings)
        if not refused.findings:
            self.findings.append(
                Finding(rule=refused.code, verdict="fail", why=refused.why, want=refused.want, got=refused.got)
            )
        return self.event(kind, code=refused.code, detail={"why": refused.why})


@asynccontextmanager
async def audited(store: Store, record: Record) -> AsyncIterator[None]:
    """Whatever is refused inside is audited, and carries its reference and a way back when it rises."""
    try:
        yield
    except Refused as refused:
        await keep_refusal(store, record, refused)
        raise


async def keep_refusal(store: Store, record: Record, refused: Refused, kind: str = "login.refused") -> None:
    """Audits a refusal and gives it its reference. A store that cannot answer changes nothing about the refusal.

    The log alone has it then.
    """
    refused.reference = record.reference
    if isinstance(refused, StoreUnavailable) or isinstance(refused.__cause__, StoreUnavailable):
        return  # what cannot be asked cannot be told either, and the person has waited once; the log has the reason
    try:
        await store.keep(record.refusal(refused, kind))
        application = await store.configured.application(record.application) if record.application else None
    except StoreUnavailable as unavailable:
        log.error("event not kept", kind=kind, code=refused.code, reference=record.reference, why=unavailable.why)
        return
    refused.back = None if application is None else application.initiate_login_uri
