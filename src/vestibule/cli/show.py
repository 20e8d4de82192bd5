"""How the command line shows what came of a command: refusals on stderr with what to do, results on stdout."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any, TypeVar

import click

from vestibule.cli.parts import House, Parts
from vestibule.flows.configuration import Applied
from vestibule.ground.errors import ConfigurationRefused, Finding, Refused

Result = TypeVar("Result")

_MARKS = {"pass": "pass", "fail": "FAIL", "note": "note"}


class Commands(click.Group):
    """A group whose commands end with exit code 1 and a sentence where something is refused; never with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refused as refused:
            click.echo(refusal(refused), err=True)
            ctx.exit(1)


def inside(parts: Parts, work: Callable[[House], Coroutine[Any, Any, Result]]) -> Result:
    """What `work` makes of an open house, which is closed behind it."""

    async def opened() -> Result:
        async with parts.open_house(parts.load_settings()) as house:
            return await work(house)

    return asyncio.run(opened())


def refusal(refused: Refused) -> str:
    """What happened, which rule, what to do."""
    if isinstance(refused, ConfigurationRefused):
        faults = "\n".join(f"  {fault.path}: {fault.message}\n      rule: {fault.code}" for fault in refused.faults)
        count = "1 fault" if len(refused.faults) == 1 else f"{len(refused.faults)} faults"
        return f"Refused, and nothing was changed: {count}.\n{faults}"
    lines = [f"Refused: {refused.why}", f"  rule: {refused.code}"]
    if refused.want is not None:
        lines.append(f"  expected: {refused.want}")
    if refused.got is not None:
        lines.append(f"  found: {refused.got}")
    return "\n".join(lines)


def applied(result: Applied, *, dry_run: bool) -> str:
    """What a file changed, the secrets that were made, and the risks that it accepts."""
    lines = [f"created    {name}" for name in result.created]
    lines += [f"changed    {name}" for name in result.changed]
    lines += [f"unchanged  {name}" for name in result.unchanged]
    for client_id, secret in result.secrets.items():
        shown = "would be generated" if dry_run else f"{secret}  (shown this once; only a digest is kept)"
        lines.append(f"client_secret of {client_id}: {shown}")
    lines += [f"risk accepted: {risk}" for risk in result.risks]
    if dry_run:
        lines.append("Dry run: nothing was changed.")
    return "\n".join(lines) or "The file names nothing; nothing was changed."


def findings(trace: Iterable[Finding]) -> str:
    """The checks in their order, each with its verdict, and the evidence of those that did not pass."""
    lines: list[str] = []
    for finding in trace:
        lines.append(f"  {_MARKS.get(finding.verdict, finding.verdict)}  {finding.rule}  {finding.why}".rstrip())
        if finding.verdict == "fail":
            lines += [
                f"          {word}: {value}"
                for word, value in (("expected", finding.want), ("found", finding.got))
                if value is not None
            ]
    return "\n".join(lines)


def moment(at: datetime) -> str:
    """A time as operators read it, in UTC."""
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
