"""The counts of a run, as a table."""

from collections import Counter
from collections.abc import Iterator

from tests.nodes.run import Run


def table(run: Run) -> str:
    """Logins by mode and outcome, disasters, what was refused and by whom, and the promises that were looked at."""
    return "\n".join(_lines(run))


def _lines(run: Run) -> Iterator[str]:
    book, found = run.book, run.reckoning
    outcomes = Counter(book.outcomes())
    modes = sorted({mode for mode, _ in outcomes})
    yield f"{'logins':>16} {'completed':>10} {'refused':>8}"
    for mode in modes:
        yield f"{mode:>16} {outcomes[mode, 'completed']:>10} {outcomes[mode, 'refused']:>8}"
    whole = [
        sum(count for (_, outcome), count in outcomes.items() if outcome == one) for one in ("completed", "refused")
    ]
    yield f"{'together':>16} {whole[0]:>10} {whole[1]:>8}   in {run.seconds:.0f} s"
    nodes = Counter(len(login.nodes) for login in book.logins if login.completed)
    yield "completed logins by the number of nodes they used: " + ", ".join(
        f"{count} on {number}" for number, count in sorted(nodes.items())
    )
    yield f"the slowest answer took {book.slowest:.1f} s"
    yield ""
    yield from (f"{count:>6} times {name}" for name, count in sorted(book.disasters.items()))
    yield from (f"       {said}" for said in book.evidence)
    yield ""
    yield from (f"{count:>6} {hop}" for hop, count in sorted(book.hops.items()) if hop.startswith("refused"))
    posted = [assertion for login in book.logins for assertion in login.assertions]
    yield f"{len(posted):>6} assertions, {sum(one.accepted for one in posted)} accepted, {sum(len(one.refused) for one in posted)} posts refused, {sum(one.unknown for one in posted)} not answered"
    for what, shown in (("codes", "codes"), ("refresh tokens", "refreshes")):
        all_of = [once for login in book.logins for once in getattr(login, shown).values()]
        yield f"{len(all_of):>6} {what} shown, {sum(one.granted for one in all_of)} granted, {sum(one.refused for one in all_of)} refused, {sum(one.unknown for one in all_of)} not answered"
    yield f"{len(book.applied):>6} connections added, {len(book.not_applied)} not"
    yield ""
    yield from (f"{count:>6} {promise}" for promise, count in sorted(found.counts.items()))
    yield f"{len(found.broken):>6} PROMISES BROKEN" if found.broken else "     0 promises broken"
    yield from (f"       {one}" for one in found.broken[:20])
