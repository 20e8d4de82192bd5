"""How the command line shows what came of a command: refusals on stderr with what to do, results on stdout."""

import asyncio
import contextlib
import errno
import os
import sys
import unicodedata
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime
from typing import Any, TypeVar

import click
import structlog

from vestibule.cli.parts import House, Parts
from vestibule.flows import explain
from vestibule.flows.configuration import Applied
from vestibule.ground.errors import ConfigurationRefused, Finding, Refused

log = structlog.get_logger("vestibule.cli")
Result = TypeVar("Result")

_LONGEST = 1000
_MARKS = {"pass": "pass", "fail": "FAIL", "note": "note"}


class Commands(click.Group):
    """A group whose commands end with exit code 1 and a sentence where something is refused; never with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refused as refused:
            click.echo(refusal(refused), err=True)
            ctx.exit(1)
        except (click.ClickException, click.Abort, click.exceptions.Exit, OSError):
            raise
        except Exception as error:  # a fault of our own: the log has its frames, and no secret
            log.error("failed", exc_info=error)
            click.echo(
                f"This failed by a fault of Vestibule's own ({type(error).__name__}). The log line above says where; "
                "please report it. See with `vestibule export` what is in place.",
                err=True,
            )
            ctx.exit(1)


def inside(parts: Parts, work: Callable[[House], Coroutine[Any, Any, Result]]) -> Result:
    """What `work` makes of an open house, which is closed behind it."""

    async def opened() -> Result:
        async with parts.open_house(parts.load_settings()) as house:
            return await work(house)

    return asyncio.run(opened())


def plain(value: object) -> str:
    """A value on one line, as evidence: what it holds of controls, escapes and marks of direction is named, not obeyed.

    Anybody can put such a value into a trace; on a terminal it could otherwise write lines of its own.
    """
    text = str(value)
    shown = "".join(_named(character) for character in text[:_LONGEST])
    return shown if len(text) <= _LONGEST else f"{shown}… ({len(text)} characters)"


def _named(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cc":  # C0, DEL, C1
        return f"\\x{ord(character):02x}"
    # Formats (bidi controls among them), surrogates, private and unassigned ones, separators of lines and paragraphs.
    return f"⟨U+{ord(character):04X}⟩" if kind[0] == "C" or kind in ("Zl", "Zp") else character


def printed(text: str, *, nl: bool = True, lost: str = "", colour: bool | None = None) -> None:
    """Writes a result to stdout. `lost` says what is lost if it cannot be written, and what to do then.

    `colour`: whether the colours in it are written too; None = to a terminal only.
    """
    try:
        click.echo(text, nl=nl, color=colour)
    except OSError as error:
        if error.errno == errno.EPIPE and not lost:
            raise  # its reader has seen enough, and click ends quietly
        _abandon_stdout()
        why = f"The result could not be written to standard output: {error.strerror}. {lost}".rstrip()
        raise Refused("output.failed", why) from None


def wants_colour() -> bool:
    """On a terminal, unless somebody said NO_COLOR or the terminal says that it is dumb."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Columns to write on: a terminal's, within what is good to read; else 100."""
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return 100
    return max(72, min(columns, 120))


def _abandon_stdout() -> None:
    """What is left in the buffer goes nowhere, instead of failing once more at the end of the process."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def print_applied(result: Applied, *, dry_run: bool = False) -> None:
    """Prints what a file changed. Generated secrets that could not be shown are told as lost: they are kept nowhere."""
    lost = "" if dry_run else "The file was applied."
    if result.secrets and not dry_run:
        names = ", ".join(plain(name) for name in result.secrets)
        lost += (
            f" The generated secret of {names} was not shown, and is lost. Make a new one: write `client_secret` or "
            "`client_secret_env` into the file, and apply it again."
        )
    printed(applied(result, dry_run=dry_run), lost=lost)


def refusal(refused: Refused) -> str:
    """What happened, which rule, what to do."""
    if isinstance(refused, ConfigurationRefused):
        faults = "\n".join(
            f"  {plain(fault.path)}: {plain(fault.message)}\n      rule: {plain(fault.code)}"
            for fault in refused.faults
        )
        count = "1 fault" if len(refused.faults) == 1 else f"{len(refused.faults)} faults"
        return f"Refused, and nothing was changed: {count}.\n{faults}"
    lines = [f"Refused: {plain(refused.why)}", f"  rule: {plain(refused.code)}"]
    if refused.want is not None:
        lines.append(f"  expected: {plain(refused.want)}")
    if refused.got is not None:
        lines.append(f"  found: {plain(refused.got)}")
    return "\n".join(lines)


def applied(result: Applied, *, dry_run: bool) -> str:
    """What a file changed, the secrets that were made, and the risks that it accepts."""
    lines = [f"created    {plain(name)}" for name in result.created]
    lines += [f"changed    {plain(name)}" for name in result.changed]
    lines += [f"unchanged  {plain(name)}" for name in result.unchanged]
    for client_id, secret in result.secrets.items():
        shown = "would be generated" if dry_run else f"{secret}  (shown this once; only a digest is kept)"
        lines.append(f"client_secret of {plain(client_id)}: {shown}")
    lines += [f"no effect in this version: {plain(name)}" for name in result.idle]
    lines += [f"risk accepted: {plain(risk)}" for risk in result.risks]
    if dry_run:
        lines.append("Dry run: nothing was changed.")
    return "\n".join(lines) or "The file names nothing; nothing was changed."


def findings(trace: Iterable[Finding]) -> str:
    """The checks in their order, each with its verdict, and the evidence of those that did not pass."""
    lines: list[str] = []
    for finding in trace:
        mark = _MARKS.get(finding.verdict) or plain(finding.verdict)
        lines.append(f"  {mark}  {plain(finding.rule)}  {plain(explain.why(finding))}".rstrip())
        if finding.verdict == "fail":
            lines += [
                f"          {word}: {plain(value)}"
                for word, value in (("expected", finding.want), ("found", finding.got))
                if value is not None
            ]
    return "\n".join(lines)


def moment(at: datetime) -> str:
    """A time as operators read it, in UTC."""
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
