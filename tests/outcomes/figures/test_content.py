"""What the figures say, against cases written down by hand: who is in them, in which order, with which numbers."""

from collections.abc import Callable

import pytest
from matplotlib.figure import Figure

from abstractor.outcomes.figures.consort import Stage, consort_figure, consort_text, hide_small
from abstractor.outcomes.figures.forest import Factor, Subgroup, forest_figure, forest_text
from abstractor.outcomes.figures.lines_flow import Path, lines_flow_figure, lines_flow_text
from abstractor.outcomes.figures.oncoprint import Alteration, Profile, gene_rows, oncoprint_figures, oncoprint_text
from abstractor.outcomes.figures.swimmer import Lane, LineBar, Mark, sort_lanes, swimmer_figures, swimmer_text
from abstractor.outcomes.figures.waterfall import Change, sort_changes, waterfall_figure, waterfall_text

Words = Callable[[Figure], list[str]]


# --- Swimmer plot ---


def lane(name: str, end: int, group: str = "", ended: str = "died") -> Lane:
    return Lane(name, end, ended, (LineBar(1, 0, end // 2),), (Mark(end // 3, "PR"),), group)


def test_lanes_stand_by_group_and_the_longest_first() -> None:
    given = [lane("a", 10, "limited"), lane("b", 90, "extensive"), lane("c", 30, "limited"), lane("d", 30, "limited")]
    assert [one.patient for one in sort_lanes(given)] == ["c", "d", "a", "b"]


def test_every_patient_has_one_lane_over_all_pages(words_of: Words) -> None:
    names = [f"P{place:03d}" for place in range(23)]
    lanes = [lane(name, place + 5) for place, name in enumerate(names)]
    pages = swimmer_figures(lanes, month_days=30.4375, per_page=10)
    assert len(pages) == 3
    assert sorted(word for page in pages for word in words_of(page) if word.startswith("P0")) == names
    assert "Patients 21–23 of 23" in words_of(pages[2])


def test_a_group_that_goes_on_over_a_page_says_how_many_are_here(words_of: Words) -> None:
    pages = swimmer_figures([lane(f"{place}", 9, "limited") for place in range(5)], month_days=30.4375, per_page=3)
    assert " limited (3 of 5)" in words_of(pages[0])
    assert " limited (2 of 5)" in words_of(pages[1])


def test_a_lane_in_words_has_lines_assessments_and_the_end() -> None:
    text = swimmer_text(
        [Lane("P1", 61, "alive", (LineBar(1, 0, 30), LineBar(2, 40, 61)), (Mark(31, "PD"),))], month_days=30.4375
    )
    assert "1 patient: 0 died, 1 alive" in text
    assert "P1       2.0+    alive at last contact  L1 0.0–1.0, L2 1.3–2.0  PD 1.0" in text


def test_nobody_gives_no_page() -> None:
    assert swimmer_figures([], month_days=30.4375) == ()


@pytest.mark.parametrize("wrong", [Lane("P1", 5, "lost"), Lane("P1", 5, "died", (), (Mark(1, "mixed"),))])
def test_a_lane_is_never_drawn_without_one_of_its_marks(wrong: Lane) -> None:
    with pytest.raises(ValueError, match="patient P1: no sign for"):
        swimmer_figures([wrong], month_days=30.4375)


# --- Waterfall ---


def test_a_waterfall_falls_and_counts_who_was_not_measured() -> None:
    changes = [Change("a", -30.0, "PR"), Change("b", 40.0, "PD"), Change("c", None, "SD"), Change("d", None, "PD"),
               Change("e", -100.0, "CR"), Change("f", None, "PD")]  # fmt: skip
    assert [one.patient for one in sort_changes(changes)] == ["b", "a", "e"]
    assert (
        "3 of 6 patients have measurements. Not drawn, since nothing was measured: 3 (best response SD 1, PD 2)."
        in (waterfall_text(changes))
    )


def test_without_any_measurement_there_is_no_waterfall_but_the_words_say_so() -> None:
    changes = [Change("a", None, "PR")]
    assert waterfall_figure(changes) is None
    assert "0 of 1 patients have measurements" in waterfall_text(changes)


def test_growth_beyond_the_axis_is_told_in_numbers(words_of: Words) -> None:
    figure = waterfall_figure([Change("a", 260.0, "PD"), Change("b", -20.0, "SD")])
    assert figure is not None
    assert "+260 %" in words_of(figure)
    assert any("1 bar cut at +100 %" in word for word in words_of(figure))


def test_a_response_without_a_colour_is_refused() -> None:
    with pytest.raises(ValueError, match="patient a: no colour for best response 'mixed'"):
        waterfall_figure([Change("a", -20.0, "mixed")])


# --- Forest plot ---

GOOD = Subgroup("female", 40, 20, 0.8, 0.5, 1.28)


def test_a_subgroup_below_the_limits_is_not_estimated_whatever_it_comes_with(words_of: Words) -> None:
    small = Subgroup("male", 9, 9, 0.1, 0.05, 0.2)
    calm = Subgroup("unknown", 50, 4, 0.1, 0.05, 0.2)
    factor = Factor("Sex", (GOOD, small, calm), 0.04)
    words = words_of(forest_figure([factor], overall=None, against="a against b"))
    assert "NE: fewer than 10 patients" in words
    assert "NE: fewer than 5 events" in words
    assert "0.80 (0.50–1.28)" in words
    assert not any(word.startswith("0.10") for word in words)


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), 0.0])
def test_a_ratio_without_both_limits_is_not_estimated(bad: float | None) -> None:
    text = forest_text(
        [Factor("Sex", (Subgroup("male", 40, 20, 1.2, bad, 2.0),), None, "one level")],
        overall=None,
        against="a against b",
    )
    assert "NE: no estimate" in text
    assert "1.20" not in text


def test_a_small_count_is_withheld_and_its_neighbour_with_it() -> None:
    rows = (
        Subgroup("x", 60, 40, 1.0, 0.5, 2.0),
        Subgroup("y", 30, 20, 1.0, 0.5, 2.0),
        Subgroup("z", 3, 1, None, why="3"),
    )
    text = forest_text([Factor("F", rows, None, "")], overall=None, against="a against b", least=5)
    lines = {line.split()[0]: line.split()[1:3] for line in text.splitlines() if line.startswith("  ")}
    assert lines["x"] == ["60", "40"]
    assert lines["y"] == ["withheld", "withheld"]
    assert "3" not in lines["z"]


# --- Oncoprint ---

PROFILES = [
    Profile("a", frozenset({"TP53", "RB1"})),
    Profile("b", frozenset({"TP53"})),
    Profile("c", frozenset()),
    Profile("d", None),
]
FOUND = [
    Alteration("a", "TP53", "missense"), Alteration("a", "RB1", "truncating"), Alteration("a", "TP53", "loss"),
    Alteration("b", "TP53", "vus"),
]  # fmt: skip


def test_genes_come_by_frequency_and_an_unknown_significance_is_no_alteration() -> None:
    assert [(one.gene, one.altered, one.tested) for one in gene_rows(PROFILES, FOUND)] == [
        ("TP53", 1, 2),
        ("RB1", 1, 1),
    ]


def test_every_patient_is_in_the_oncoprint_the_untested_too(words_of: Words) -> None:
    (page,) = oncoprint_figures(PROFILES, FOUND)
    words = words_of(page)
    assert [word for word in words if word in "abcd"] == ["a", "b", "c", "d"]
    assert "4 patients: 3 with a molecular result, 1 not tested" in words
    assert {"patient not tested", "gene without a result", "unknown significance (not counted)"} <= set(words)


def test_alterations_in_words_are_counted_by_kind() -> None:
    text = oncoprint_text(PROFILES, FOUND)
    assert "TP53  1/2  50 %                       loss 1, missense 1, vus 1" in text


def test_without_any_result_there_is_no_oncoprint() -> None:
    assert oncoprint_figures([Profile("a", None)], []) == ()


@pytest.mark.parametrize(
    "wrong", [Alteration("a", "TP53", "odd"), Alteration("d", "TP53", "loss"), Alteration("x", "TP53", "loss")]
)
def test_an_alteration_that_fits_no_profile_or_kind_is_refused(wrong: Alteration) -> None:
    with pytest.raises(ValueError, match=r"no kind of alteration|does not say it was tested"):
        oncoprint_figures(PROFILES, [wrong])


# --- Flow of lines ---

PATHS = [Path(("EP", "topotecan"), "died")] * 3 + [Path(("EP",), "died")] * 2 + [Path(("EP",), "alive")] + [
    Path(("EP", "topotecan", "taxol", "more", "most"), "died")
]  # fmt: skip


def test_the_flow_counts_every_step_once() -> None:
    lines = [" ".join(line.split()) for line in lines_flow_text(PATHS).splitlines()[3:]]
    assert lines == [
        "1 EP line 2: topotecan 4",
        "1 EP alive at last contact 1",
        "1 EP died 2",
        "2 topotecan line 3: taxol 1",
        "2 topotecan died 3",
        "3 taxol further lines 1",
    ]


def test_rare_treatments_are_joined() -> None:
    text = lines_flow_text([Path((drug,), "died") for drug in "aaabbc"], most_regimens=2)
    assert [line.split()[-1] for line in text.splitlines()[3:]] == ["3", "2", "1"]
    assert "other treatment" in text


def test_the_shared_flow_joins_until_no_step_is_small() -> None:
    paths = [Path(("EP", "topotecan"), "died")] * 9 + [Path(("EP",), "died")] * 8 + [Path(("IE",), "died")] * 2
    text = lines_flow_text(paths, least=5)
    assert [int(line.split()[-1]) for line in text.splitlines()[3:]] == [9, 10, 9]
    assert "IE" not in text
    assert lines_flow_figure(paths[:3], least=5) is None
    assert "Not told" in lines_flow_text(paths[:3], least=5)


def test_who_was_not_treated_has_no_place_in_the_flow() -> None:
    with pytest.raises(ValueError, match="leave out who was not treated"):
        lines_flow_figure([*PATHS, Path((), "died")])


# --- From the notes to the analysis ---

STAGES = (
    Stage("Notes", 90, "notes"),
    Stage("Patients", 60, left_out=(("no histology", 12), ("transformed", 2))),
    Stage("Eligible", 46, left_out=(("no line 1", 3),)),
    Stage("Treated", 43, left_out=(("no time", 20),)),
    Stage("Analysed", 23),
)


def test_each_reason_stands_beside_its_step(words_of: Words) -> None:
    words = words_of(consort_figure(STAGES, split=[("limited", 8), ("extensive", 15)]))
    assert {"• 12 no histology", "• 2 transformed", "Not further: 14 patients", "23 patients", "90 notes"} <= set(words)


def test_numbers_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="Eligible: 46 less 0 left out are not the 43 of Treated"):
        consort_text([STAGES[0], Stage("Eligible", 46), STAGES[3]])
    with pytest.raises(ValueError, match="the groups have 22 of 23"):
        consort_text(STAGES, split=[("limited", 22)])


def test_the_shared_flow_of_patients_gives_no_small_number_away() -> None:
    stages, split = hide_small(STAGES, [("limited", 3), ("extensive", 14), ("not known", 6)], 5)
    assert [(one.label, one.count) for one in stages] == [
        ("Notes", 90),
        ("Patients", 60),
        ("Treated", 43),
        ("Analysed", 23),
    ]
    # Three went between Eligible and Treated: that step is joined with the one before, and the rare reasons lose their numbers.
    assert dict(stages[1].left_out) == {"no histology": 12, "no line 1": None, "transformed": None}
    assert dict(split) == {"limited": None, "extensive": 14, "not known": None}
