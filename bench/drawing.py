"""Which bars the plot of a comparison has: logins a second and CPU for a login, ours, theirs and the floor."""

from statistics import median

from bench import floor
from bench.cells import CROWD, Cell
from bench.plot import Bar, Panel, svg
from bench.rounds import Measured

TOO_LONG = 40
"""Milliseconds; beside a bar of more the others would have no length."""


def draw(found: Measured, *, date: str) -> str:
    """The SVG of a run, by medians at concurrency 32."""
    pairs = dict.fromkeys((cell.subject, cell.kind) for cell in found.cells)
    groups = {pair: [cell for cell in found.cells if (cell.subject, cell.kind) == pair] for pair in pairs}
    speed = [_bar(pair, _middle(cells, "per_second"), 0) for pair, cells in groups.items()]
    costs = [_bar(pair, _middle(cells, "cpu_ms"), 2) for pair, cells in groups.items()]
    bottom = median(floor.total(parts, "RS256") for parts in found.floor) / 1000
    costs.insert(0, Bar(name="the floor of accept·direct, RS256", value=bottom, says=f"{bottom:.2f}", look="floor"))
    longest = max(costs, key=lambda bar: bar.value)
    absent = ""
    if longest.value > TOO_LONG:
        costs.remove(longest)
        absent = f" (not drawn: {longest.name}, {longest.says})"
    return svg(
        (
            Panel(title="Logins a second on one core, 32 at once", bars=tuple(speed)),
            Panel(title=f"CPU of the server for one login, milliseconds{absent}", bars=tuple(costs)),
        ),
        about=f"Whole logins, one core for the server, medians of {found.rounds} interleaved rounds, {date}",
    )


def _bar(pair: tuple[str, str], value: float, digits: int) -> Bar:
    subject, kind = pair
    return Bar(
        name=f"{subject}: {kind}",
        value=value,
        says=f"{value:.{digits}f}",
        look="ours" if subject.startswith("Vestibule") else "theirs",
    )


def _middle(cells: list[Cell], figure: str) -> float:
    return median(float(getattr(cell, figure)) for cell in cells if cell.concurrency == CROWD)
