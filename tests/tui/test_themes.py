"""Every state can be told and read on every theme, with colour and without."""

import itertools

import pytest
from rich.style import Style

from abstractor.review.rows import State
from abstractor.tui.themes import ATTRIBUTES, PALETTES

ENOUGH = 4.5
"""WCAG 2, level AA."""


def luminance(colour: tuple[float, float, float]) -> float:
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def rgb(hexadecimal: str) -> tuple[float, float, float]:
    return tuple(int(hexadecimal[at : at + 2], 16) / 255 for at in (1, 3, 5))  # type: ignore[return-value]


def contrast(one: str, two: str) -> float:
    light, dark = sorted((luminance(rgb(one)), luminance(rgb(two))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


COLOURED = [palette for palette in PALETTES.values() if palette.background]


@pytest.mark.parametrize("palette", COLOURED, ids=lambda palette: palette.name)
@pytest.mark.parametrize("state", State)
def test_every_state_is_legible(palette, state):
    assert contrast(palette.states[state], palette.background) >= ENOUGH


@pytest.mark.parametrize("palette", COLOURED, ids=lambda palette: palette.name)
def test_everything_else_is_legible(palette):
    for front, back in [
        (palette.foreground, palette.background),
        (palette.muted, palette.background),
        (palette.foreground, palette.panel),
        (palette.accent, palette.panel),
        (palette.background, palette.match_back),
        (palette.background, palette.select_back),
        (palette.background, palette.states[State.CONFLICT]),
    ]:
        assert contrast(front, back) >= ENOUGH, (front, back)


def test_every_state_has_a_glyph_of_its_own_in_ascii():
    glyphs = [state.value for state in State]
    assert len(set(glyphs)) == len(glyphs)
    assert all(glyph.isascii() and len(glyph) == 1 for glyph in glyphs)


def test_states_differ_without_colour_in_glyph_and_most_in_attribute():
    mono = PALETTES["mono"]
    assert all(mono.state(state).color is None for state in State)
    for one, two in itertools.combinations(State, 2):
        if {one, two} != {State.ACCEPTED, State.CONFLICT}:
            assert ATTRIBUTES[one] != ATTRIBUTES[two], (one, two)


@pytest.mark.parametrize("name", PALETTES)
def test_a_theme_has_a_style_for_everything(name):
    palette = PALETTES[name]
    for style in (palette.bar, palette.alarm, palette.match, palette.selection, palette.evidence, palette.heading):
        assert isinstance(style, Style)
        assert style
    assert palette.theme.name == f"abstractor-{name}"


MACHADO = {
    "protan": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "deutan": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "tritan": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}
"""Simulation matrices at full severity: Machado, Oliveira and Fernandes, IEEE TVCG 2009."""

CLOSE = (State.SUGGESTED, State.ACCEPTED, State.CONFLICT)
"""The states that fill a list; they must differ in colour too, for every eye."""


@pytest.mark.parametrize("kind", MACHADO)
@pytest.mark.parametrize("palette", COLOURED, ids=lambda palette: palette.name)
def test_the_common_states_differ_for_every_colour_vision(palette, kind):
    seen = {}
    for state in CLOSE:
        colour = rgb(palette.states[state])
        seen[state] = tuple(
            sum(weight * part for weight, part in zip(row, colour, strict=True)) for row in MACHADO[kind]
        )
    for one, two in itertools.combinations(CLOSE, 2):
        assert sum((a - b) ** 2 for a, b in zip(seen[one], seen[two], strict=True)) ** 0.5 > 0.12, (one, two)


async def test_no_color_leaves_attributes_and_takes_the_mono_theme(opened, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened() as hand:
        assert hand.app.palette.name == "mono"
        styles = [
            segment.style for strip in hand.screen._compositor.render_strips() for segment in strip if segment.style
        ]
        assert any(style.bold or style.reverse or style.underline for style in styles)
