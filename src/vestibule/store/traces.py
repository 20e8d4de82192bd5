"""Events as documents: a run of rules that held is kept as one list of their names, and read back as the findings it was."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

import msgspec

from vestibule.ground.errors import Finding
from vestibule.model.event import Event
from vestibule.store.codec import decode, encode

HELD: Final = "trace.held"
"""The finding that stands for several: its `got` are the names of rules that held and left no evidence, in their order.

To a version that does not know it, it is one finding more of a trace; whatever else an event says is read by all.
"""


class _Check(msgspec.Struct, omit_defaults=True):
    """A finding without what it does not say."""

    rule: str
    verdict: str
    why: str = ""
    want: str | None = None
    got: str | None = None


class _Document(msgspec.Struct, omit_defaults=True):
    """An event without what it does not say."""

    id: str
    at: datetime
    kind: str
    reference: str
    code: str | None = None
    connection: str | None = None
    application: str | None = None
    person: str | None = None
    detail: dict[str, str] = {}
    trace: list[_Check] = []


def document(event: Event) -> str:
    """A good login is judged by thirty rules: their names take a third of the room that findings would."""
    return encode(
        _Document(
            event.id,
            event.at,
            event.kind,
            event.reference,
            event.code,
            event.connection,
            event.application,
            event.person,
            dict(event.detail),
            _folded(event.trace),
        )
    )


def event(document: str) -> Event:
    """The event of a document, whichever version wrote it."""
    found = decode(Event, document)
    if all(finding.rule != HELD for finding in found.trace):
        return found
    return replace(found, trace=tuple(_unfolded(found.trace)))


def _folded(trace: Iterable[Finding]) -> list[_Check]:
    kept: list[_Check] = []
    held: list[str] = []
    for one in trace:
        if one.verdict == "pass" and not one.why and one.want is None and one.got is None:
            held.append(one.rule)
            continue
        if held:
            kept.append(_Check(HELD, "pass", got=" ".join(held)))
            held.clear()
        kept.append(_Check(one.rule, one.verdict, one.why, one.want, one.got))
    if held:
        kept.append(_Check(HELD, "pass", got=" ".join(held)))
    return kept


def _unfolded(trace: Iterable[Finding]) -> Iterator[Finding]:
    for one in trace:
        if one.rule == HELD:
            yield from (Finding(rule=rule, verdict="pass") for rule in (one.got or "").split(" "))
        else:
            yield one
