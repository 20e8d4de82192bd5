"""Colours: whatever a brand chooses, its pages can be read."""

import re
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.web import colour

HEX = st.from_regex(r"#[0-9a-fA-F]{6}|#[0-9a-fA-F]{3}", fullmatch=True)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [("#000", "#fff", 21.0), ("#ffffff", "#fff", 1.0), ("#767676", "#fff", 4.54), ("#ff0000", "#ffffff", 4.0)],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert colour.contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert colour.contrast(other, one) == colour.contrast(one, other)


@given(HEX)
def test_a_button_is_legible_in_any_colour(chosen: str) -> None:
    found = colour.palette(chosen)
    assert colour.contrast(found.fill, found.on_fill) >= colour.AA


@given(HEX)
def test_links_and_outlines_are_legible_in_both_schemes(chosen: str) -> None:
    found = colour.palette(chosen)
    assert all(colour.contrast(found.light, surface) >= colour.AA for surface in colour.LIGHT_SURFACES)
    assert all(colour.contrast(found.dark, surface) >= colour.AA for surface in colour.DARK_SURFACES)


@given(HEX)
def test_the_brands_own_colour_is_kept(chosen: str) -> None:
    assert colour.parse(colour.palette(chosen).fill) == colour.parse(chosen)


def test_a_colour_that_is_legible_already_is_not_changed() -> None:
    assert colour.palette("#2f5fd0").light == "#2f5fd0"


@pytest.mark.parametrize(
    "text", ["", "red", "#12", "#1234", "#12345g", "#123456;}", "#123456\n", "#\uff12f5fd0", "#fff/*"]
)
def test_nothing_but_hex_digits_reaches_the_style_sheet(text: str) -> None:
    assert colour.parse(text) is None
    assert colour.palette(text) == colour.palette(colour.FALLBACK)


def _scheme(text: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", text))


def test_the_style_sheet_keeps_to_the_contrast_of_wcag() -> None:
    """Text reaches 4.5 on what it stands on, edges of controls 3, in both schemes; the surfaces are those of the code."""
    css = resources.files("vestibule.web").joinpath("static", "pages.css").read_text()
    light, dark = (_scheme(part) for part in css.split("@media (prefers-color-scheme: dark)")[:2])
    assert (light["page"], light["card"]) == colour.LIGHT_SURFACES
    assert (dark["page"], dark["card"]) == colour.DARK_SURFACES
    for scheme in (light, dark):
        for ink, surface in [
            *(("ink", surface) for surface in ("page", "card", "well")),
            *(("quiet", surface) for surface in ("page", "card", "well")),
            ("good", "good-well"),
            ("bad", "bad-well"),
            ("bad", "card"),
            ("note", "note-well"),
        ]:
            assert colour.contrast(scheme[ink], scheme[surface]) >= colour.AA, (ink, surface)
        assert colour.contrast(scheme["edge"], scheme["card"]) >= 3
