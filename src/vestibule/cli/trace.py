"""`vestibule trace`: what happened behind a reference number that a person read out."""

from collections.abc import Mapping

import click

from vestibule.cli import report, show
from vestibule.cli.parts import House, Parts
from vestibule.flows import hints
from vestibule.flows.inspection import Advice
from vestibule.ground.errors import Refused
from vestibule.model.event import Event
from vestibule.model.ids import Reference

_LOOK_ALIKES = str.maketrans({"0": "O", "1": "I", "8": "B"})


def trace_command(parts: Parts) -> click.Command:
    @click.command(name="trace")
    @click.argument("reference")
    def trace(reference: str) -> None:
        """Show what happened under REFERENCE, check by check, with the evidence of what failed."""

        async def work(house: House) -> tuple[tuple[Event, ...], dict[str, str], dict[str, Advice]]:
            found = await house.store.events.by_reference(_as_made(reference))
            names: dict[str, str] = {}
            advice: dict[str, Advice] = {}
            for id in {event.connection for event in found if event.connection}:
                connection = await house.store.configured.connection(id)
                names[str(id)] = id if connection is None else f"{connection.name} ({id})"
            for event in found:
                connection = await house.store.configured.connection(event.connection or "")
                if event.code and connection is not None:
                    hint = hints.advice(event.code, connection, house.settings.issuer)
                    advice |= {} if hint is None else {event.id: hint}
            return found, names, advice

        events, names, advice = show.inside(parts, work)
        if not events:
            raise Refused(
                "trace.unknown",
                "Nothing is known under this reference number. Compare it with the person's page. Events are kept for "
                "VESTIBULE_EVENTS_DAYS; of a moment when the database was away only the node's log knows.",
                got=reference[:80],
            )
        told = (_event(event, names, advice.get(event.id)) for event in sorted(events, key=lambda event: event.at))
        show.printed("\n\n".join(told), colour=show.wants_colour())

    return trace


def _as_made(reference: str) -> Reference:
    """The reference as it was made, however it was written down: spaces, hyphens and case are the writer's own.

    The alphabet is base32's [RFC 4648 6], so a digit that is not in it was read off the letter that it looks like.
    """
    text = "".join(character for character in reference.upper() if character.isalnum()).translate(_LOOK_ALIKES)
    return Reference(f"{text[:5]}-{text[5:]}")


def _event(event: Event, names: Mapping[str, str], advice: Advice | None) -> str:
    lines = [f"{show.moment(event.at)}  {show.plain(event.kind)}{f'  {show.plain(event.code)}' if event.code else ''}"]
    for word, value in (
        ("connection", event.connection and names.get(event.connection)),
        ("application", event.application),
        ("person", event.person),
        *sorted(event.detail.items()),
    ):
        if value:
            lines.append(f"  {show.plain(word)}: {show.plain(value)}")
    if event.trace:
        lines.append(show.findings(event.trace))
    if advice is not None:
        lines += ["", *report.mending(advice, show.width())]
    return "\n".join(lines)
