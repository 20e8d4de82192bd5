"""Colours that stay legible: the brand's one colour, and what may be written on it and drawn beside it [WCAG 2.2 1.4.3, 1.4.11]."""

import re
from dataclasses import dataclass

AA = 4.5
"""The contrast that text of any size needs [WCAG 2.2 1.4.3]."""

LIGHT_SURFACES = ("#f3f4f7", "#ffffff")
DARK_SURFACES = ("#111318", "#1b1e25")
"""What the pages are painted on, page and card, as in static/pages.css."""

FALLBACK = "#2f5fd0"

_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """`fill` is the brand's colour, `on_fill` the text upon it, `light` and `dark` its legible kin for either scheme."""

    fill: str
    on_fill: str
    light: str
    dark: str


def parse(colour: str) -> tuple[int, int, int] | None:
    """The three channels of `#rgb` or `#rrggbb`, or None for anything else: what comes out is safe inside a style sheet."""
    if _HEX.fullmatch(colour) is None:
        return None
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def _channels(colour: str) -> tuple[int, int, int]:
    channels = parse(colour)
    if channels is None:
        raise ValueError("not a CSS hex colour")
    return channels


def luminance(colour: str) -> float:
    """Relative luminance [WCAG 2.2, definition]."""

    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(channel) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21 [WCAG 2.2, definition]."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(fill: str) -> str:
    """Black or white, whichever reads better on `fill`: the better of the two always reaches 4.58."""
    return max("#ffffff", "#000000", key=lambda ink: contrast(ink, fill))


def _towards(colour: str, target: str, share: float) -> str:
    mixed = (round(a + (b - a) * share) for a, b in zip(_channels(colour), _channels(target), strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def legible(colour: str, surfaces: tuple[str, ...], ink: str) -> str:
    """The colour nearest to `colour`, on its way to `ink`, that reads as text on every one of `surfaces`."""
    for step in range(21):
        candidate = _towards(colour, ink, step / 20)
        if all(contrast(candidate, surface) >= AA for surface in surfaces):
            return candidate
    return ink


def palette(colour: str) -> Palette:
    """All that the pages need to know of the brand's colour; what is no hex colour gives the house's own."""
    fill = _towards(colour if parse(colour) else FALLBACK, "#000000", 0)
    return Palette(
        fill=fill,
        on_fill=text_on(fill),
        light=legible(fill, LIGHT_SURFACES, "#000000"),
        dark=legible(fill, DARK_SURFACES, "#ffffff"),
    )
