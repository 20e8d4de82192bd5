"""`vestibule inspect`: a response that somebody saved, judged rule by rule as if it were posted, and why."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from vestibule.cli import report, show
from vestibule.cli.parts import House, Parts
from vestibule.flows import captured
from vestibule.flows.captured import Captured
from vestibule.flows.inspect import Request
from vestibule.flows.inspection import Inspections
from vestibule.ground.errors import Refused
from vestibule.model.connection import AcsStyle
from vestibule.settings import regular_file

MISUSED: Final = frozenset(("inspect.unreadable", "inspect.no_such_request", "connection.unknown"))
"""What says nothing of a response: the command was called with a name that there is not. Ends with 2, as wrong usage does."""
AT_ONCE: Final = 50
"""Responses of one file. Whoever records a login has one or two."""


def _instant(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """A time as ISO 8601; without an offset it is UTC."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            "that is no time; write it as 2026-03-02T09:00:00Z, or with another offset.", context, parameter
        ) from None


def inspect_command(parts: Parts) -> click.Command:
    @click.command(name="inspect")
    @click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
    @click.option("--connection", required=True, metavar="NAME", help="The connection that it was posted to.")
    @click.option(
        "--at",
        callback=_instant,
        metavar="TIME",
        help="When it came, as 2026-03-02T09:00:00Z. Left out: as the HAR file says, else now.",
    )
    @click.option(
        "--acs",
        type=click.Choice([style.value for style in AcsStyle]),
        help="Which of the three addresses it was posted to. Left out: as the HAR file says, else the connection's own.",
    )
    @click.option("--relay-state", metavar="TEXT", help="The RelayState that came with it, if the file does not say.")
    @click.option("--request", "number", type=click.IntRange(1), help="Only this request of a HAR file.")
    @click.option("--json", "as_json", is_flag=True, help="For machines; docs/reference/inspect.md names every field.")
    @click.option(
        "--show-values", is_flag=True, help="Show the NameID, attribute values and claims, which name a person."
    )
    @click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
    @click.pass_context
    def inspect(
        context: click.Context,
        file: str,
        connection: str,
        at: datetime | None,
        acs: str | None,
        relay_state: str | None,
        number: int | None,
        as_json: bool,
        show_values: bool,
        color: str,
    ) -> None:
        """Judge the SAML response in FILE (`-`: standard input) as if it were posted, rule by rule, and say what to mend.

        FILE holds the value of the form field SAMLResponse, a form with it, the XML, a HAR file, or what a browser's tools
        copied. Ends with 0 if it would be accepted, with 1 if not, with 2 if there is no such file or connection. Nothing is used
        up or kept by it.
        """

        async def work(house: House) -> Inspections:
            return await _inspected(house, found, connection=connection, at=at, style=acs, reveal=show_values)

        try:
            found = _chosen(captured.read(_octets(file)), number, relay_state)
            result = show.inside(parts, work)
        except Refused as refused:
            if refused.code not in MISUSED:
                raise
            click.echo(show.refusal(refused), err=True)
            context.exit(2)
        if as_json:
            show.printed(_json(result))
        else:
            coloured = color == "always" or (color == "auto" and show.wants_colour())
            show.printed(report.whole(result, width=show.width()), colour=coloured)
        if not all(one.accepted for one in result.inspections):
            context.exit(1)

    return inspect


async def _inspected(
    house: House, found: tuple[Captured, ...], *, connection: str, at: datetime | None, style: str | None, reveal: bool
) -> Inspections:
    made = []
    for one in found:
        when = at or one.at or house.clock.now()
        request = Request(captured=one, connection=connection, at=when, style=style, reveal=reveal)
        made.append(await house.inspecting.inspect(request))
    return Inspections(inspections=tuple(made))


def _octets(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read(captured.MAX_FILE + 1)
    try:
        return regular_file.octets(Path(file), captured.MAX_FILE)
    except OSError as error:
        raise Refused(
            "inspect.unreadable", f"{file} cannot be read: {error.strerror}. `-` reads standard input."
        ) from None


def _chosen(found: tuple[Captured, ...], number: int | None, relay_state: str | None) -> tuple[Captured, ...]:
    if relay_state is not None:
        found = tuple(one.with_relay_state(relay_state) for one in found)
    if number is None:
        if len(found) > AT_ONCE:
            raise Refused(
                "inspect.too_many",
                "The file holds more responses than are judged at once; choose one of its requests by --request.",
                want=f"<= {AT_ONCE}",
                got=f"{len(found)}, the last of them in request {found[-1].request}",
            )
        return found
    chosen = tuple(one for one in found if one.request == number)
    if not chosen:
        known = ", ".join(str(one.request) for one in found if one.request is not None)
        raise Refused(
            "inspect.no_such_request",
            "The file has no response in the request of this number.",
            want=known or "no number: it is no HAR file",
            got=number,
        )
    return chosen


def _json(result: Inspections) -> str:
    """Everything but ASCII is escaped, so that no value reaches a terminal as it is."""
    octets = msgspec.json.format(msgspec.json.encode(result), indent=2)
    return "".join(
        character if character.isascii() and character != "\x7f" else _escaped(character)
        for character in octets.decode("utf-8")
    )


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
