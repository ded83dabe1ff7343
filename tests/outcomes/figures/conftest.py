"""Layout checks, and an invented cohort whose every number is known."""

import datetime
from collections.abc import Callable
from itertools import combinations

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from abstractor.model.fact import Fact
from abstractor.outcomes.record import NoteContact, PatientRecord

START = datetime.date(2021, 1, 10)
TOUCHING = 0.5
"""Pixels by which two boxes may reach into each other: rounding."""


def _boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    found = []
    for one in figure.findobj(Text):
        assert isinstance(one, Text)
        if one.get_visible() and one.get_text().strip():
            found.append((one.get_text(), one.get_window_extent(renderer)))
    return found


def _meet(one: Bbox, other: Bbox) -> bool:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    return bool(min(across, down) > TOUCHING)


def _faults(figure: Figure) -> list[str]:
    boxes = _boxes(figure)
    width, height = figure.canvas.get_width_height()
    outside = [
        f"outside: {text}" for text, box in boxes if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height
    ]
    return outside + [f"{one} / {other}" for (one, a), (other, b) in combinations(boxes, 2) if _meet(a, b)]


@pytest.fixture
def layout_faults() -> Callable[[Figure], list[str]]:
    """Texts that lie on each other or leave the figure, as the renderer measures them."""
    return _faults


@pytest.fixture
def words_of() -> Callable[[Figure], list[str]]:
    """Every text of a figure."""
    return lambda figure: [text for text, _ in _boxes(figure)]


def _day(number: int) -> str:
    return (START + datetime.timedelta(days=number)).isoformat()


def _patient(
    name: str,
    stage: str | None,
    lines: str,
    scans: str,
    last: int,
    dead: bool,
    variants: tuple[str, ...] = (),
    **extra: str,
) -> PatientRecord:
    """Lines as `0-70 carboplatin+etoposide | 100-130 topotecan`, scans as `43PR 85PD`."""
    facts = [Fact(name, "histology", "small_cell")]
    if stage:
        facts.append(Fact(name, "stage.valg", stage))
    for number, one in enumerate(filter(None, (part.strip() for part in lines.split("|"))), start=1):
        span, drugs = one.split(" ", 1)
        start, stop = map(int, span.split("-"))
        facts.append(
            Fact(name, "therapy_line", str(number), date=_day(start), end_date=_day(stop), attributes={"drugs": drugs})
        )
    for scan in scans.split():
        value, _, percent = scan.lstrip("0123456789").partition(":")
        attributes = {"change_percent": percent} if percent else {}
        day = _day(int(scan[: len(scan) - len(scan.lstrip("0123456789"))]))
        facts.append(Fact(name, "response", value, date=day, attributes=attributes))
    facts += [Fact(name, "visit", _day(one), date=_day(one)) for one in {*range(0, last, 42), last}]
    if dead:
        facts.append(Fact(name, "death_date", _day(last)))
    facts += [
        Fact(name, "variant", one.removesuffix(" (VUS)"), attributes={"vus": True} if one.endswith("(VUS)") else {})
        for one in variants
    ]
    facts += [Fact(name, field, value, date=_day(-3)) for field, value in extra.items()]
    return PatientRecord(name, tuple(facts), (NoteContact(START, "clinic"),))


@pytest.fixture(scope="session")
def make_patient() -> Callable[..., PatientRecord]:
    """One patient of the invented cohort."""
    return _patient


@pytest.fixture(scope="session")
def cohort() -> list[PatientRecord]:
    """Six patients: four analysed (two limited, one extensive, one of unknown stage), one untreated, one not small cell."""
    chemo = "carboplatin + etoposide"
    return [
        _patient("A1", "limited", f"0-70 {chemo} | 200-240 topotecan", "43PR:-40 85PR:-55 190PD:10", 300, True,
                 ("TP53 p.R175H", "RB1 p.R213*"), sex="male"),
        _patient("A2", "limited", f"0-70 {chemo}", "43CR 85CR", 500, False, ("TP53 mutation (VUS)",), sex="female"),
        _patient("B1", "extensive", f"0-60 {chemo} | 80-100 topotecan | 120-130 paclitaxel", "43SD 75PD", 150, True,
                 sex="male"),
        _patient("C1", None, f"0-20 {chemo}", "", 40, True, ("MYC amplification", "TP53 c.375+1G>A")),
        _patient("D1", "limited", "", "", 90, False),
        PatientRecord("E1", (Fact("E1", "visit", _day(3), date=_day(3)),)),
    ]  # fmt: skip
