"""`vestibule trace`: what happened behind a reference number that a person read out."""

import click

from vestibule.cli import show
from vestibule.cli.parts import House, Parts
from vestibule.ground.errors import Refused
from vestibule.model.event import Event
from vestibule.model.ids import Reference


def trace_command(parts: Parts) -> click.Command:
    @click.command(name="trace")
    @click.argument("reference")
    def trace(reference: str) -> None:
        """Show what happened under REFERENCE, check by check, with the evidence of what failed."""

        async def work(house: House) -> tuple[Event, ...]:
            return await house.store.events.by_reference(Reference(reference.strip().upper()))

        events = show.inside(parts, work)
        if not events:
            raise Refused(
                "trace.unknown",
                "Nothing is known under this reference number. Compare it with the person's page; events are kept for "
                "90 days.",
                got=reference[:80],
            )
        click.echo("\n\n".join(_event(event) for event in sorted(events, key=lambda event: event.at)))

    return trace


def _event(event: Event) -> str:
    lines = [f"{show.moment(event.at)}  {event.kind}{f'  {event.code}' if event.code else ''}"]
    for word, value in (
        ("connection", event.connection),
        ("application", event.application),
        ("person", event.person),
        *sorted(event.detail.items()),
    ):
        if value:
            lines.append(f"  {word}: {value}")
    if event.trace:
        lines.append(show.findings(event.trace))
    return "\n".join(lines)
