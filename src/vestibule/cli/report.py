"""An inspection on a terminal: the road from top to bottom, then what it came to, a closer look, and how it is mended."""

import re
import textwrap
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import click

from vestibule.cli import show
from vestibule.flows import explain
from vestibule.flows.inspection import (
    Advice,
    AtIssue,
    Claim,
    Comparison,
    Hidden,
    Inspection,
    Inspections,
    Message,
    Stage,
    Verified,
)
from vestibule.ground.errors import Finding
from vestibule.saml.checks import RULES

_MARKS: Final = {"pass": "pass", "fail": "FAIL", "note": "note", "unreached": " ·· "}
_COLOURS: Final = {"pass": "green", "fail": "red", "note": "cyan", "unreached": "bright_black"}
_HELD: Final = {
    "connection": "The connection is enabled.",
    "encoding": "The form field is base64.",
    "XML": "Plain UTF-8 without DOCTYPE or comments, within bounds.",
    "shape": "One Response with one Assertion, and nothing hidden beside it.",
    "encryption": "What is encrypted was opened.",
    "signature": "Signed, and by a key of this connection.",
    "rules": "Every rule holds.",
    "classification": "It is known what it answers.",
    "policy": "The connection's policy takes it.",
    "identity": "It names a person.",
    "use": "It has not been used before. (Looked up; this used nothing up.)",
}
_UNREACHED: Final = "not reached"
_LABEL: Final = 16
_SMALL_PRINT: Final = re.compile(r" \(Stricter: [^)]*\)| \[[^\]]*\]$")


def whole(result: Inspections, *, width: int) -> str:
    """Every inspection, one below the other."""
    several = len(result.inspections) > 1
    parts = []
    for number, one in enumerate(result.inspections, 1):
        title = f"Response {number} of {len(result.inspections)}" if several else None
        parts.append("\n".join(_lines(one, width, title)))
    return "\n\n\n".join(parts)


def _lines(it: Inspection, width: int, title: str | None) -> Iterator[str]:
    if title:
        yield _bold(f"== {title} ==")
    yield from _head(it, width)
    yield ""
    for stage in it.stages:
        yield from _stage(stage, it, width)
    if it.message is not None:
        yield ""
        yield from _message(it.message, it, width)
    if it.accepted:
        yield ""
        yield from _outcome(it, width)
    yield ""
    yield from _verdict(it, width)
    if it.evidence or it.comparisons:
        yield ""
        yield from _closer(it, width)
    for advice in it.advice:
        yield ""
        yield from mending(advice, width, named=len(it.advice) > 1)


# -- top -------------------------------------------------------------------------------------------------------------------


def _head(it: Inspection, width: int) -> Iterator[str]:
    source = it.source
    yield from _field("connection", f"{it.connection} ({it.connection_id})", width)
    if source.request is None:
        yield from _field("found as", source.kind, width)
    else:
        yield from _field("found as", f"{source.kind} file, request {source.request}", width)
    if source.url is not None:
        yield from _field("was posted to", source.url, width)
    if source.at is not None and source.at != it.at:
        yield from _field("was posted at", _moment(source.at), width)
    if source.url != it.acs_url:
        yield from _field("judged for", it.acs_url, width)
    yield from _field("judged at", _moment(it.at), width)


# -- the road --------------------------------------------------------------------------------------------------------------


def _stage(stage: Stage, it: Inspection, width: int) -> Iterator[str]:
    own = [one for one in stage.findings if one.why or one.verdict == "fail"]
    if stage.name == "rules":
        yield from _rules(stage, width)
        return
    first = _UNREACHED if stage.verdict == "unreached" else "" if stage.verdict == "fail" else _HELD[stage.name]
    if stage.name == "policy" and stage.verdict == "pass" and it.way is not None and it.way.delivery is None:
        first = "The request that waits decides where the person goes."
    if stage.verdict == "pass" and stage.name in ("encryption", "signature", "classification", "use") and own:
        first, own = explain.why(own[0]), own[1:]
    if stage.verdict == "fail" and own:
        failed = next(one for one in own if one.verdict == "fail")
        own = [one for one in own if one is not failed]
        yield from _line(stage.verdict, stage.name, explain.why(failed), width)
        yield from _values(failed)
    else:
        yield from _line(stage.verdict, stage.name, first, width)
    for one in own:
        yield from _wrapped(explain.why(one), width, " " * (8 + _LABEL))
    if stage.name == "signature":
        for signed in it.signatures:
            yield from (f"{' ' * (8 + _LABEL)}{row}" for row in _signed(signed))


def _rules(stage: Stage, width: int) -> Iterator[str]:
    judged = [one for one in stage.findings if one.verdict in ("pass", "fail")]
    if not judged:
        yield from _line(stage.verdict, stage.name, _HELD["rules"] if stage.verdict == "pass" else _UNREACHED, width)
        return
    words = f"{sum(one.verdict == 'pass' for one in judged)} of {len(judged)} hold."
    if len(judged) < len(RULES):
        words = "Refused before the others could be judged."
    elif stage.verdict == "unreached":
        words = f"{_UNREACHED}. Supposing that the signature were as it should be: {words}"
    yield from _line(stage.verdict, stage.name, words, width)
    for one in judged:
        mark = click.style(_MARKS[one.verdict], fg=_COLOURS[one.verdict], bold=True if one.verdict == "fail" else None)
        yield from _row(f"        {mark}  {show.plain(one.rule):<35}", _said(one), width, 49)
        if one.verdict == "fail":
            yield from _values(one)


def _said(finding: Finding) -> str:
    """A rule that holds in short, without where it is written; one that fails in full."""
    why = explain.why(finding)
    return _SMALL_PRINT.sub("", why) if finding.verdict == "pass" else why


def _line(verdict: str, name: str, words: str, width: int) -> Iterator[str]:
    mark = click.style(_MARKS[verdict], fg=_COLOURS[verdict], bold=True if verdict == "fail" else None)
    yield from _row(f"  {mark}  {click.style(f'{name:<{_LABEL}}', bold=True)}", words, width, 8 + _LABEL)


def _row(head: str, words: str, width: int, indent: int) -> Iterator[str]:
    rows = _cut(words, width - indent) or [""]
    yield f"{head}{rows[0]}".rstrip()
    yield from (f"{' ' * indent}{row}" for row in rows[1:])


def _values(finding: Finding) -> Iterator[str]:
    for word, value in (("expected", finding.want), ("found", finding.got)):
        if value is not None:
            yield f"{' ' * (8 + _LABEL)}{word + ':':<10}{show.plain(value)}"


def _signed(signed: Verified) -> Iterator[str]:
    made = f"{show.plain(signed.where)}: {show.plain(signed.method)} over {show.plain(signed.digest)}"
    if signed.position is None or signed.certificate is None:
        yield f"{made}, by none of the connection's certificates"
        return
    yield made
    start, end = signed.certificate.not_before.date(), signed.certificate.not_after.date()
    yield f"by certificate {signed.position}: {show.plain(signed.certificate.subject)}, {signed.certificate.key}, valid {start} to {end}"
    yield f"SHA-256 {signed.certificate.fingerprint}"


# -- what it says ----------------------------------------------------------------------------------------------------------


def _message(message: Message, it: Inspection, width: int) -> Iterator[str]:
    yield _bold("What it says" if it.believed else "What it says (nothing of it is verified)")
    for label, value in (
        ("issuer", message.issuer),
        ("issued", message.issue_instant),
        ("audience", ", ".join(message.audiences)),
        ("recipient", message.recipient),
        ("destination", message.destination),
        ("in response to", message.in_response_to),
        ("status", ", ".join(one.rpartition(":")[2] for one in message.status)),
    ):
        if value:
            yield from _field(label, value, width)
    if message.status_message is not None:
        yield from _field("status message", _hidden(message.status_message), width)
    if message.name_id is not None:
        yield from _field("NameID", f"{_hidden(message.name_id)}  {message.name_id_format or 'no format'}", width)
    for attribute in message.attributes:
        values = ", ".join(map(_hidden, attribute.values)) if len(attribute.values) < 4 else _many(attribute.values)
        yield from _field("attribute", f"{attribute.name} = {values or 'no value'}", width)


def _many(values: tuple[Hidden, ...]) -> str:
    if values[0].value is None:
        return f"{len(values)} values, hidden"
    return ", ".join(map(_hidden, values))


def _outcome(it: Inspection, width: int) -> Iterator[str]:
    yield _bold("What would come of it")
    if it.way is not None:
        yield from _field("application", it.way.application, width)
        if it.way.delivery is not None:
            yield from _field("delivery", it.way.delivery, width)
    for claim in it.claims:
        yield from _field("claim", _claim(claim), width)


def _claim(claim: Claim) -> str:
    source = f"  from {claim.attribute}" if claim.attribute else "  said by Vestibule"
    return f"{claim.name} = {_hidden(claim.value)}{source}"


def _hidden(value: Hidden) -> str:
    return f"hidden ({value.characters} characters)" if value.value is None else value.value


# -- what it comes to ------------------------------------------------------------------------------------------------------


def _verdict(it: Inspection, width: int) -> Iterator[str]:
    colour = "green" if it.accepted else "red"
    rest = it.verdict.partition(": ")[2]
    yield click.style("ACCEPTED" if it.accepted else f"REFUSED  {show.plain(it.code)}", fg=colour, bold=True)
    yield from _wrapped(rest[:1].upper() + rest[1:], width, "  ")
    if it.at_issue is not None:
        yield from _wrapped(_then(it.at_issue), width, "  ")


def _then(then: AtIssue) -> str:
    at = f"When it was issued, at {_moment(then.at)},"
    return (
        f"{at} it would have passed every rule. {then.why}".rstrip()
        if then.code is None
        else f"{at} it would have been refused all the same, by {then.code}: {then.why}"
    )


def _closer(it: Inspection, width: int) -> Iterator[str]:
    yield _bold("A closer look")
    for comparison in it.comparisons:
        yield from _compared(comparison, width)
    for sentence in it.evidence:
        yield from _wrapped(sentence, width, "  ")


def _compared(it: Comparison, width: int) -> Iterator[str]:
    """Both values below one another, and a mark under the first character that differs."""
    yield f"  {show.plain(it.what)}"
    yield f"    expected  {click.style(show.plain(it.want), fg='green')}"
    yield f"    found     {click.style(show.plain(it.got), fg='red')}"
    mark = len(show.plain(it.got[: it.at]))
    yield f"    {' ' * 10}{' ' * mark}{click.style('^', fg='red', bold=True)}"
    if it.difference:
        yield from _wrapped(it.difference, width, "    ")


def mending(advice: Advice, width: int, *, named: bool = False) -> Iterator[str]:
    """What is usually wrong, and how it is mended; `named`: with the code that it is about."""
    yield _bold(f"What is usually wrong ({show.plain(advice.code)})" if named else "What is usually wrong")
    yield from _wrapped(advice.usual, width, "  ")
    if advice.there or advice.paste:
        yield _bold("At the identity provider")
        yield from _wrapped(advice.there, width, "  ")
        for value in advice.paste:
            yield f"    {show.plain(value.name)}:"
            yield f"      {click.style(show.plain(value.value), bold=True)}"
    if advice.here:
        yield _bold("Here")
        yield from _wrapped(advice.here, width, "  ")


# -- lines -----------------------------------------------------------------------------------------------------------------


def _field(label: str, value: str, width: int) -> Iterator[str]:
    yield from _row(f"  {label:<{_LABEL}}", value, width, 2 + _LABEL)


def _wrapped(text: str, width: int, indent: str) -> Iterator[str]:
    return (f"{indent}{row}" for row in _cut(text, width - len(indent)))


def _cut(text: str, width: int) -> list[str]:
    """At spaces only, so that what is to be pasted stays in one piece."""
    return textwrap.wrap(show.plain(text), max(20, width), break_long_words=False, break_on_hyphens=False)


def _bold(text: str) -> str:
    return click.style(text, bold=True)


def _moment(at: datetime) -> str:
    return show.moment(at)
