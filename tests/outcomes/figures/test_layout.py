"""No text on another and none outside, measured by the renderer, at the sizes that occur."""

import datetime
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from abstractor.outcomes.cohort import GroupSurvival, HazardRatio, survive
from abstractor.outcomes.figures.consort import Stage, consort_figure
from abstractor.outcomes.figures.forest import Factor, Subgroup, forest_figure
from abstractor.outcomes.figures.kaplan_meier import kaplan_meier_figure
from abstractor.outcomes.figures.lines_flow import Path, lines_flow_figure
from abstractor.outcomes.figures.oncoprint import KINDS, Alteration, Profile, oncoprint_figures
from abstractor.outcomes.figures.swimmer import Lane, LineBar, Mark, swimmer_figures
from abstractor.outcomes.figures.waterfall import Change, waterfall_figure
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.shared_curves import coarse
from abstractor.outcomes.survival import kaplan_meier, sample
from abstractor.outcomes.timing import TimeToEvent

Faults = Callable[[Figure], list[str]]
RESPONSES = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE")
LONG = "a group whose name goes on"


def chance_of(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - it invents patients


def arms(number: int, patients: int, mean: float) -> list[GroupSurvival]:
    chance = chance_of(number)
    day = datetime.date(2020, 1, 1)
    found = []
    for place in range(number):
        rows = {}
        for one in range(patients):
            days = int(chance.expovariate(1 / mean))
            stop = day + datetime.timedelta(days=days)
            rows[f"{place}-{one}"] = TimeToEvent("os", day, stop, days, chance.random() < 0.7, "")
        found.append(survive(f"group {place}", rows, Protocol()))
    return found


@pytest.mark.parametrize("mean", [20, 2500])
@pytest.mark.parametrize(("number", "patients"), [(1, 1200), (2, 12), (4, 30), (6, 100)])
def test_curves_of_one_to_six_arms_have_room(number: int, patients: int, mean: int, layout_faults: Faults) -> None:
    groups = arms(number, patients, mean)
    ratios = {one.group: HazardRatio(one.group, groups[0].group, 1.2, 0.85, 11.64, 0.2, 0.1, 0.1) for one in groups[1:]}
    figure = kaplan_meier_figure(
        groups,
        labels=[f"{LONG[:24]} {place}" for place in range(number)],
        y_title="Progression-free survival, trial style",
        month_days=30.4375,
        conf_level=0.95,
        ratios=ratios,
        notes=["log-rank p < 0.001", "a note that is far too long for one line " * 5],
    )
    assert layout_faults(figure) == []


def test_counts_of_a_million_patients_have_room(layout_faults: Faults) -> None:
    times = np.random.default_rng(3).exponential(400.0, 1_000_000).round()
    many = sample(times, times % 3 > 0)
    groups = [replace(one, sample=many, curve=kaplan_meier(many)) for one in arms(2, 12, 400)]
    labels = [f"{LONG[:24]} {place}" for place in range(2)]
    figure = kaplan_meier_figure(groups, labels=labels, y_title="Overall survival", month_days=30.4375, conf_level=0.95)
    assert layout_faults(figure) == []


def test_coarse_curves_for_others_have_room(layout_faults: Faults) -> None:
    groups = [coarse(one, 5) for one in arms(3, 60, 400)]
    figure = kaplan_meier_figure(
        groups, labels=["a", "b", LONG[:24]], y_title="Survival", month_days=30.4375, conf_level=0.95, least=5
    )
    assert layout_faults(figure) == []


def lanes(number: int, groups: Sequence[str]) -> list[Lane]:
    chance = chance_of(number)
    found = []
    for place in range(number):
        end = int(chance.expovariate(1 / 400)) + 15
        starts = range(0, end, 90)
        found.append(
            Lane(
                patient=f"SCLC-{place:04d}" if place % 7 else f"a-very-long-name-of-a-patient-{place}",
                end=end,
                ended=("died", "alive")[place % 2],
                bars=tuple(LineBar(line, day, min(day + 60, end)) for line, day in enumerate(starts, start=1)),
                marks=tuple(Mark(day, chance.choice(RESPONSES)) for day in range(42, end, 42)),
                group=groups[place % len(groups)],
            )
        )
    return found


@pytest.mark.parametrize(
    ("number", "groups"), [(1, [""]), (3, ["limited", "extensive"]), (50, ["limited", "extensive", "not known"])]
)
def test_lanes_have_room(number: int, groups: Sequence[str], layout_faults: Faults) -> None:
    pages = swimmer_figures(lanes(number, groups), month_days=30.4375)
    assert [layout_faults(page) for page in pages] == [[]] * -(-number // 40)


@pytest.mark.parametrize("number", [1, 5, 40, 250])
def test_bars_of_a_waterfall_have_room(number: int, layout_faults: Faults) -> None:
    chance = chance_of(number)
    changes = [
        Change(f"SCLC-{place:04d}", chance.uniform(-100, 180), chance.choice(RESPONSES)) for place in range(number)
    ]
    figure = waterfall_figure([*changes, Change("unmeasured", None, "PD")])
    assert figure is not None
    assert layout_faults(figure) == []


def test_rows_of_a_forest_have_room(layout_faults: Faults) -> None:
    wide = Subgroup(LONG * 3, 12345, 12000, 0.01, 0.0001, 400.0)
    factors = [
        Factor(LONG * 4, (wide, Subgroup("small", 3, 1, None, why="the model did not converge")), None, "a level is too small"),
        *[Factor(f"Factor {place}", (wide, wide, wide), 0.0001) for place in range(8)],
    ]  # fmt: skip
    for least in (0, 5):
        assert layout_faults(forest_figure(factors, overall=wide, against="one against another", least=least)) == []


def test_a_forest_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="no row"):
        forest_figure([], overall=None, against="one against another")


@pytest.mark.parametrize(("patients", "genes"), [(1, 1), (2, 60), (25, 9), (130, 12)])
def test_cells_of_an_oncoprint_have_room(patients: int, genes: int, layout_faults: Faults) -> None:
    chance = chance_of(patients)
    names = ["TP53", "RB1", *[f"VERYLONGGENENAME{place}" for place in range(genes - 2)]][:genes]
    profiles = [
        Profile(f"SCLC-{place:04d}", frozenset(names) if place % 5 else None, ("limited", "extensive", LONG)[place % 3])
        for place in range(patients)
    ]
    alterations = [
        Alteration(one.patient, gene, chance.choice(KINDS))
        for one in profiles
        for gene in names
        if one.tested and chance.random() < 0.3
    ]
    pages = oncoprint_figures(profiles, alterations, genes=names)
    assert pages
    assert all(layout_faults(page) == [] for page in pages)


@pytest.mark.parametrize(("patients", "least"), [(1, 0), (4, 0), (40, 0), (300, 0), (300, 5)])
def test_bars_of_the_flow_have_room(patients: int, least: int, layout_faults: Faults) -> None:
    chance = chance_of(patients)
    drugs = ("carboplatin + etoposide + atezolizumab", "topotecan", "cyclophosphamide + doxorubicin + vincristine",
             "lurbinectedin", "paclitaxel", "irinotecan", "nivolumab", "temozolomide")  # fmt: skip
    paths = [
        Path(tuple(chance.choices(drugs, k=chance.randint(1, 6))), chance.choice(["died", "alive"]))
        for _ in range(patients)
    ]
    for most in (1, 4):
        figure = lines_flow_figure(paths, most_lines=most, least=least)
        assert figure is not None
        assert layout_faults(figure) == []


@pytest.mark.parametrize("groups", [0, 1, 6, 15])
def test_boxes_of_the_way_to_the_analysis_have_room(groups: int, layout_faults: Faults) -> None:
    stages = [
        Stage("Dated notes", 1234567, "notes"),
        Stage("Patients", 300, left_out=tuple((f"{LONG} {place} " * 4, 10) for place in range(10))),
        Stage(LONG * 5, 200, left_out=(("one reason", 50),)),
        Stage("Analysed", 150),
    ]
    split = [(f"{LONG} {place}", 150 // groups) for place in range(groups)]
    assert layout_faults(consort_figure(stages, split=split)) == []


def test_the_check_itself_sees_what_overlaps_and_what_is_outside(layout_faults: Faults) -> None:
    figure = consort_figure([Stage("Analysed", 3)])
    figure.text(0.1, 0.5, "one over the other")
    figure.text(0.12, 0.5, "the other under one")
    figure.text(0.9, 0.1, "out at the right end of the figure")
    assert layout_faults(figure)[0] == "outside: out at the right end of the figure"
    assert "one over the other / the other under one" in layout_faults(figure)
