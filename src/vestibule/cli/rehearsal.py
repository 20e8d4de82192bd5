"""`vestibule test`: a test sign-in in the operator's browser, which shows what would come of it and signs nobody in."""

import asyncio

import click

from vestibule.cli import show
from vestibule.cli.parts import House, Parts
from vestibule.flows.rehearse import Invitation
from vestibule.model.rehearsal import Rehearsal

_LOOK_EVERY = 0.5


def test_command(parts: Parts) -> click.Command:
    @click.command(name="test")
    @click.argument("connection")
    @click.option("--idp-initiated", is_flag=True, help="Wait for a click on the tile in the company portal.")
    @click.option("--application", metavar="CLIENT_ID", help="Check first that the connection is enabled for it.")
    @click.pass_context
    def test(context: click.Context, connection: str, idp_initiated: bool, application: str | None) -> None:
        """Try a sign-in through CONNECTION. Ends with 0 only if it would have worked. Needs a running `serve`."""

        async def work(house: House) -> Rehearsal:
            invitation = await house.rehearsing.invite(connection, idp_initiated=idp_initiated, application=application)
            show.printed(_instructions(invitation, idp_initiated))
            return await _finished(house, invitation.id)

        rehearsal = show.inside(parts, work)
        show.printed(_report(rehearsal))
        if rehearsal.refused is not None:
            context.exit(1)

    return test


async def _finished(house: House, id: str) -> Rehearsal:
    while (rehearsal := await house.rehearsing.result(id)) is None:  # noqa: ASYNC110  # another process writes it
        await asyncio.sleep(_LOOK_EVERY)
    return rehearsal


def _instructions(invitation: Invitation, idp_initiated: bool) -> str:
    text = f"Open this in a browser, once:\n\n  {invitation.link}\n"
    if idp_initiated:
        text += (
            f"\nThen, in that same browser, click the tile for {show.plain(invitation.connection.display_name)} in the company "
            "portal.\n"
        )
    return f"{text}\nNobody is signed in by this. Waiting for the answer, ten minutes at most; Ctrl-C gives up."


def _report(rehearsal: Rehearsal) -> str:
    lines = ["", "Checks:", show.findings(rehearsal.trace)]
    if rehearsal.claims:
        lines += ["", "Claims that an application would get:"]
        lines += [f"  {show.plain(name)}: {show.plain(value)}" for name, value in sorted(rehearsal.claims.items())]
    refused = rehearsal.refused
    lines += ["", "The test sign-in passed." if refused is None else f"It failed. {show.plain(refused)}"]
    return "\n".join(lines)
