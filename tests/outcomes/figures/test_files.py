"""The files of a figure: the same bytes everywhere, nothing from outside, glyphs inside, words for screen readers, no need of colour."""

import io
import os
import re
import subprocess
import sys
from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from abstractor.outcomes.figures import key, oncoprint, style, swimmer, waterfall
from abstractor.outcomes.figures.consort import Stage, consort_figure
from abstractor.outcomes.figures.style import COLOURS, STYLES, fit, make_picture, measure, printable, wrap

DRAW = """
import hashlib, sys
from abstractor.outcomes.figures.lines_flow import Path, lines_flow_figure
from abstractor.outcomes.figures.oncoprint import KINDS, Alteration, Profile, oncoprint_figures
from abstractor.outcomes.figures.style import make_picture
from abstractor.outcomes.figures.swimmer import Lane, LineBar, Mark, swimmer_figures

genes = frozenset({"TP53", "RB1", "MYC", "PTEN"})
profiles = [Profile(name, genes, group) for name, group in (("a", "x"), ("b", "y"), ("c", "z"))]
found = [Alteration(name, gene, kind) for name in "abc" for gene in sorted(genes) for kind in KINDS]
figures = [
    *oncoprint_figures(profiles, found),
    *swimmer_figures([Lane("a", 90, "died", (LineBar(1, 0, 30),), (Mark(40, "PD"),), "x")], month_days=30.0),
    lines_flow_figure([Path(("one", "two"), "died"), Path(("two",), "alive"), Path(("three",), "died")]),
]
for figure in figures:
    picture = make_picture("name", "title", figure, "words")
    sys.stdout.write(hashlib.sha256(picture.svg + picture.png).hexdigest())
"""


def picture() -> style.Picture:
    return make_picture("consort", "A & B", consort_figure([Stage("Analysed", 3)]), "3 patients < 5")


def test_two_processes_draw_the_same_bytes() -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", DRAW], env={**os.environ, "PYTHONHASHSEED": seed}, stdout=subprocess.PIPE, text=True
        )
        for seed in ("1", "2")
    ]
    first, second = (one.communicate()[0] for one in running)
    assert first == second
    assert len(first) == 3 * 64


def test_an_svg_has_its_glyphs_no_date_and_nothing_from_outside() -> None:
    svg = picture().svg.decode()
    assert "<text" not in svg
    assert "dc:date" not in svg
    assert "<path id=" in svg
    links = set(re.findall(r"https?://[^\s\"<>]+", svg))
    assert all(
        one.startswith(("http://www.w3.org/", "http://purl.org/", "http://creativecommons.org/")) for one in links
    )
    assert not re.search(r"(?:href|src)=\"(?!#)", svg)


def test_an_svg_says_what_it_shows() -> None:
    svg = picture().svg.decode()
    assert 'role="img" aria-label="A &amp; B"' in svg
    assert "<title>A &amp; B</title>" in svg
    assert "<desc>3 patients &lt; 5</desc>" in svg


def test_a_png_opens_at_the_size_of_print() -> None:
    image = Image.open(io.BytesIO(picture().png))
    assert image.width == round(style.PAGE * style.DPI)
    assert "date" not in " ".join(map(str, image.info)).lower()


def test_settings_of_the_process_change_nothing() -> None:
    plain = picture()
    with mpl.rc_context({"font.size": 30, "axes.grid": True, "text.usetex": False, "svg.fonttype": "none"}):
        assert picture() == plain


def grey(colour: str) -> float:
    """Luminance between 0 and 1, as a copier sees it."""
    return float(np.dot(to_rgb(colour), (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize(
    "looks",
    [
        {name: (colour, hatch) for name, colour, hatch in swimmer._LINES},
        dict(waterfall._RESPONSES),
    ],
    ids=["lines of therapy", "responses"],
)
def test_fillings_are_told_apart_without_colour(looks: Mapping[str, tuple[str, str]]) -> None:
    seen = [(hatch, grey(colour)) for colour, hatch in looks.values()]
    for place, (hatch, light) in enumerate(seen):
        for other_hatch, other_light in seen[place + 1 :]:
            assert hatch != other_hatch or abs(light - other_light) > 0.08


def test_curves_marks_and_alterations_differ_in_more_than_colour() -> None:
    assert len(set(STYLES)) == len(COLOURS)
    assert len({shape for shape, _, _ in swimmer._MARKS.values()}) == len(swimmer._MARKS)
    drawn = [(one.boxes, round(grey(one.face), 1)) for one in oncoprint._KINDS.values()]
    assert len(set(drawn)) == len(drawn)


def test_many_groups_of_an_oncoprint_have_looks_of_their_own() -> None:
    looks = oncoprint._looks([oncoprint.Profile(str(place), None, f"group {place}") for place in range(20)])
    assert len(set(looks.values())) == 20


def test_no_text_is_small() -> None:
    assert min(style.SIZE, style.SMALL) >= 8


def test_text_is_cut_and_broken_by_its_measured_width() -> None:
    assert fit("short", 2.0) == "short"
    cut = fit("a text that is much too long for so little room", 1.0)
    assert cut.endswith("…")
    assert measure(cut) <= 1.0
    assert all(
        measure(line) <= 1.0 for line in wrap("carboplatin + etoposide + atezolizumabatezolizumabatezolizumab", 1.0)
    )


def test_what_the_font_lacks_becomes_a_square_and_a_dollar_stays_a_dollar() -> None:
    assert printable("Żółć\n肺 $x^2$") == "Żółć □ $x^2$"
    svg = make_picture("n", "t", consort_figure([Stage("50$ and $x$", 1)]), "").svg
    assert svg


def test_a_key_breaks_into_rows_that_fit() -> None:
    entries = [(f"entry number {place}", key.box_sign("white")) for place in range(20)]
    assert key.key_height(entries, 3.0) > key.key_height(entries, 7.0) > style.ROW
