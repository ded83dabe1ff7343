"""Every state can be told and read on every theme, with colour and without."""

import itertools
import math

import pytest
from rich.style import Style

from abstractor.review.rows import State
from abstractor.tui.themes import ATTRIBUTES, PALETTES

ENOUGH = 4.5
"""WCAG 2, level AA."""


def linear(colour: tuple[float, float, float]) -> tuple[float, float, float]:
    """Of sRGB, the amounts of light."""
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)  # type: ignore[return-value]


def luminance(colour: tuple[float, float, float]) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


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


EYES = {
    "normal": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""What each kind of eye makes of a colour, in linear RGB at full severity: Machado, Oliveira and Fernandes, IEEE TVCG 2009."""

TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
WHITE = (0.95047, 1.0, 1.08883)
ALIKE = 15.0
"""Distance in CIELAB (1976) under which two colours of thin letters may be taken for each other; 2 to 3 are seen on areas side by side."""

Triple = tuple[float, float, float]


def weighed(matrix: tuple[Triple, Triple, Triple], colour: Triple) -> Triple:
    return tuple(sum(weight * part for weight, part in zip(row, colour, strict=True)) for row in matrix)  # type: ignore[return-value]


def lab(colour: Triple) -> Triple:
    """CIELAB of linear RGB under D65."""
    parts = [part / white for part, white in zip(weighed(TO_XYZ, colour), WHITE, strict=True)]
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in parts)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def as_seen(hexadecimal: str, eye: str) -> Triple:
    seen = weighed(EYES[eye], linear(rgb(hexadecimal)))
    return lab(tuple(min(1.0, max(0.0, part)) for part in seen))  # type: ignore[arg-type]


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("palette", COLOURED, ids=lambda palette: palette.name)
def test_states_whose_colours_look_alike_to_any_eye_differ_in_glyph_and_in_attribute(palette, eye):
    """The rule: colour may fail for a pair of states and an eye; then both the glyph and the text attribute must tell them apart."""
    alike = [
        (one, two)
        for one, two in itertools.combinations(State, 2)
        if math.dist(as_seen(palette.states[one], eye), as_seen(palette.states[two], eye)) < ALIKE
    ]
    assert all(one.value != two.value and ATTRIBUTES[one] != ATTRIBUTES[two] for one, two in alike), alike


def test_the_simulation_knows_what_each_eye_confuses():
    """Else the test above would pass for a matrix that changes nothing."""

    def distance(one: str, two: str, eye: str) -> float:
        return math.dist(as_seen(one, eye), as_seen(two, eye))

    red, green = "#a05020", "#607018"
    assert distance(red, green, "deutan") < distance(red, green, "normal") / 2
    assert distance("#4040ff", "#404040", "tritan") < distance("#4040ff", "#404040", "normal")
    assert all(math.dist(as_seen("#808080", eye), as_seen("#808080", "normal")) < 0.1 for eye in EYES)


async def test_no_color_leaves_attributes_and_takes_the_mono_theme(opened, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened() as hand:
        assert hand.app.palette.name == "mono"
        styles = [
            segment.style for strip in hand.screen._compositor.render_strips() for segment in strip if segment.style
        ]
        assert any(style.bold or style.reverse or style.underline for style in styles)
