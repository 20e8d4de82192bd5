"""The plot of a comparison: bars as SVG, by hand, on a ground of its own that follows the reader's light or dark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LABELS, LINE, BAR = 900, 330, 30, 17
"""In pixels: the whole, what the names take of it, from one bar to the next, a bar."""
ROOM = 150
"""Right of the longest bar, for its figure."""
STYLE = """
  .ground { fill: #ffffff } .text { fill: #1f2328 } .soft { fill: #59636e } .line { stroke: #d1d9e0 }
  .ours { fill: #0969da } .theirs { fill: #818b98 } .floor { fill: none; stroke: #818b98; stroke-dasharray: 3 2 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } .text { fill: #f0f6fc } .soft { fill: #9198a1 } .line { stroke: #3d444d }
    .ours { fill: #4493f8 } .theirs { fill: #7d8590 } .floor { stroke: #9198a1 }
  }
  text { font: 13px system-ui, sans-serif } .title { font-size: 15px; font-weight: 600 }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: its name, how long it is, what is written at its end, and how it looks: `ours`, `theirs` or `floor`."""

    name: str
    value: float
    says: str
    look: str = "theirs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Bars on one scale that begins at nothing."""

    title: str
    bars: tuple[Bar, ...]


def svg(panels: Sequence[Panel], *, about: str) -> str:
    """The drawing; `about` is the line below it, and what a reader who sees no image is told."""
    height = 20 + sum(_height(panel) for panel in panels) + 30
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(about)}">',
        f"<style>{STYLE}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height}" rx="6"/>',
    ]
    top = 20
    for panel in panels:
        lines.extend(_panel(panel, top))
        top += _height(panel)
    lines.append(f'<text class="soft" x="20" y="{height - 18}">{escape(about)}</text>')
    return "\n".join((*lines, "</svg>")) + "\n"


def _height(panel: Panel) -> int:
    return 40 + LINE * len(panel.bars) + 20


def _panel(panel: Panel, top: int) -> Iterator[str]:
    longest = max((bar.value for bar in panel.bars), default=0) or 1
    bottom = top + 34 + LINE * len(panel.bars)
    yield f'<text class="text title" x="20" y="{top + 16}">{escape(panel.title)}</text>'
    yield f'<line class="line" x1="{LABELS}" y1="{top + 30}" x2="{LABELS}" y2="{bottom}"/>'
    for number, bar in enumerate(panel.bars):
        y = top + 36 + LINE * number
        length = max(1.0, bar.value / longest * (WIDTH - LABELS - ROOM))
        yield f'<text class="text" x="{LABELS - 10}" y="{y + 13}" text-anchor="end">{escape(bar.name)}</text>'
        yield f'<rect class="{bar.look}" x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>'
        yield f'<text class="soft" x="{LABELS + length + 8:.1f}" y="{y + 13}">{escape(bar.says)}</text>'
