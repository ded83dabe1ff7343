"""From an analysis to what is drawn, held against a cohort of six worked out by hand."""

import datetime
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from abstractor.model.errors import InputError
from abstractor.model.fact import Fact
from abstractor.outcomes.cohort import Analysis, analyse
from abstractor.outcomes.figures import gallery
from abstractor.outcomes.figures.alteration_kinds import AlterationKinds, load_alteration_kinds
from abstractor.outcomes.figures.gallery import draw_gallery
from abstractor.outcomes.figures.inputs import (
    analysed_groups,
    best_changes,
    consort_stages,
    forest_factors,
    gene_profiles,
    line_paths,
    swimmer_lanes,
)
from abstractor.outcomes.figures.kaplan_meier import survival_figure
from abstractor.outcomes.figures.lines_flow import Path as LinePath
from abstractor.outcomes.figures.oncoprint import Alteration, Profile
from abstractor.outcomes.figures.swimmer import LineBar, Mark, swimmer_text
from abstractor.outcomes.figures.waterfall import Change
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.shared_curves import coarse
from abstractor.outcomes.subgroup_results import subgroup_results
from abstractor.outcomes.survival import kaplan_meier, sample

RULES = Path(__file__).resolve().parents[3] / "rules"
CUTOFF = datetime.date(2023, 6, 30)


@pytest.fixture(scope="module")
def analysis(cohort: list[PatientRecord]) -> Analysis:
    return analyse(cohort, Protocol(), CUTOFF)


@pytest.fixture(scope="module")
def kinds() -> AlterationKinds:
    return load_alteration_kinds(RULES)


def test_a_lane_has_the_days_of_its_patient(analysis: Analysis) -> None:
    lanes = {one.patient: one for one in swimmer_lanes(analysis)}
    assert list(lanes) == ["A1", "A2", "B1", "C1"]
    first = lanes["A1"]
    assert (first.end, first.ended, first.group) == (300, "died", "limited")
    assert first.bars == (LineBar(1, 0, 70), LineBar(2, 200, 240))
    assert first.marks == (Mark(43, "PR"), Mark(85, "PR"), Mark(190, "PD"))
    assert (lanes["A2"].end, lanes["A2"].ended) == (500, "alive")
    assert lanes["C1"].group == "stage not known"


def test_a_line_whose_end_is_not_stated_has_an_open_bar() -> None:
    facts = [
        Fact("O1", "histology", "small_cell"),
        Fact("O1", "therapy_line", "1", date="2021-01-10", attributes={"drugs": "topotecan"}),
        Fact("O1", "visit", "2021-05-10", date="2021-05-10"),
    ]
    (lane,) = swimmer_lanes(analyse([PatientRecord("O1", tuple(facts))], Protocol(), CUTOFF))
    assert lane.bars == (LineBar(1, 0, None),)
    assert "L1 0.0–?" in swimmer_text([lane], month_days=30.4375)


def test_the_best_change_is_the_lowest_of_line_1(analysis: Analysis, cohort: list[PatientRecord]) -> None:
    assert best_changes(analysis, cohort) == (
        Change("A1", -55.0, "PR"), Change("A2", None, "CR"), Change("B1", None, "SD"), Change("C1", None, "NE"),
    )  # fmt: skip


def test_profiles_hold_every_analysed_patient(
    analysis: Analysis, cohort: list[PatientRecord], kinds: AlterationKinds
) -> None:
    profiles, alterations = gene_profiles(analysis, cohort, kinds)
    assert profiles == (
        Profile("A1", frozenset({"TP53", "RB1"}), "limited"),
        Profile("A2", frozenset({"TP53"}), "limited"),
        Profile("B1", None, "extensive"),
        Profile("C1", frozenset({"MYC", "TP53"}), "stage not known"),
    )
    assert set(alterations) == {
        Alteration("A1", "TP53", "missense"), Alteration("A1", "RB1", "truncating"), Alteration("A2", "TP53", "vus"),
        Alteration("C1", "MYC", "amplification"), Alteration("C1", "TP53", "splice"),
    }  # fmt: skip


def test_a_report_without_a_finding_is_a_test_and_a_fusion_counts_for_both_genes(
    make_patient: Callable[..., PatientRecord], kinds: AlterationKinds
) -> None:
    records = [
        make_patient("F1", "limited", "0-70 EP", "", 90, True, ("KIF5B-RET fusion",)),
        make_patient("G1", "limited", "0-70 EP", "", 90, True, molecular_report_date="2021-01-05"),
    ]
    profiles, alterations = gene_profiles(analyse(records, Protocol(), CUTOFF), records, kinds)
    assert [one.tested for one in profiles] == [frozenset({"KIF5B", "RET"}), frozenset()]
    assert {one.gene for one in alterations} == {"KIF5B", "RET"}


def test_paths_are_the_drugs_of_the_lines(analysis: Analysis) -> None:
    assert line_paths(analysis) == (
        LinePath(("carboplatin + etoposide", "topotecan"), "died"),
        LinePath(("carboplatin + etoposide",), "alive"),
        LinePath(("carboplatin + etoposide", "topotecan", "paclitaxel"), "died"),
        LinePath(("carboplatin + etoposide",), "died"),
    )


def test_stages_lose_patients_for_stated_reasons(analysis: Analysis) -> None:
    stages = [(one.label, one.count, dict(one.left_out)) for one in consort_stages(analysis)]
    assert stages == [
        ("Dated notes", 5, {}),
        ("Patients in the registry", 6, {"no confirmed small-cell histology": 1}),
        ("With small cell lung cancer", 5, {"no dated line 1 of systemic therapy": 1}),
        ("With a dated line 1 of systemic therapy", 4, {}),
        ("Analysed", 4, {"no disease at the start, or no adequate assessment after it": 1}),
        ("Evaluable for response", 3, {}),
    ]
    assert analysed_groups(analysis) == (("limited", 2), ("extensive", 1), ("stage not known", 1))


def test_a_reason_names_no_date_of_a_patient(make_patient: Callable[..., PatientRecord]) -> None:
    record = make_patient("H1", "limited", "0-70 EP", "", 90, True, diagnosis_date="2021-09-01")
    stages = consort_stages(analyse([record], Protocol(), CUTOFF))
    assert [dict(one.left_out) for one in stages if one.left_out] == [{"death dated before the diagnosis": 1}]


def test_forest_rows_carry_what_was_estimated_and_why_not(analysis: Analysis) -> None:
    (forest, _) = subgroup_results(analysis)
    overall, factors = forest_factors(forest)
    assert (overall.n, overall.ratio) == (len(forest.patients), None)
    assert overall.why
    assert [one.title for one in factors][:1] == ["Sex"]


def test_the_gallery_is_whole_and_the_shared_one_shows_no_single_patient(
    analysis: Analysis, cohort: list[PatientRecord], kinds: AlterationKinds
) -> None:
    names = {one.name for one in draw_gallery(analysis, cohort, kinds, forests=subgroup_results(analysis)[:1])}
    assert {
        "consort",
        "km_os",
        "km_os_by_stage_valg",
        "lines_flow",
        "forest_os",
        "swimmer",
        "waterfall",
        "oncoprint",
    } <= names
    shared = draw_gallery(analysis, cohort, kinds, shareable=True)
    assert {one.name for one in shared} == {"consort"}
    assert not any(name in one.text for one in shared for name in ("A1", "A2", "B1", "C1"))


def test_a_registry_of_many_fills_no_book_and_says_so(
    make_patient: Callable[..., PatientRecord], monkeypatch: pytest.MonkeyPatch, kinds: AlterationKinds
) -> None:
    monkeypatch.setattr(gallery, "MOST_PAGES", 1)
    records = [make_patient(f"P{place:03d}", "limited", "0-70 EP", "", 90, True) for place in range(130)]
    drawn = draw_gallery(analyse(records, Protocol(), CUTOFF), records, kinds)
    (page,) = [one for one in drawn if one.name.startswith("swimmer")]
    assert page.title == "Course of each patient, page 1 of 4; the further 3 are not drawn"
    assert page.text.count("\nP") == 40


def test_an_empty_registry_draws_the_way_to_nobody(kinds: AlterationKinds) -> None:
    (only,) = draw_gallery(analyse([], Protocol(), CUTOFF), [], kinds)
    assert only.name == "consort"
    assert "Patients in the registry" in only.text


def test_the_words_of_a_curve_are_its_numbers(analysis: Analysis) -> None:
    picture = survival_figure(analysis.endpoint("os"), month_days=30.4375, conf_level=0.95)
    assert picture is not None
    rows = [" ".join(line.split()) for line in picture.text.splitlines()]
    # Deaths on days 40, 150, 300; one patient alive on day 500: months 0, 3, 6, ...
    assert "0 100.0 % 4 0 0" in rows
    assert "6 50.0 % 2 0 2" in rows
    assert "12 25.0 % 1 0 3" in rows


def test_a_curve_without_a_step_is_no_figure(analysis: Analysis) -> None:
    result = analysis.endpoint("os")
    curve = kaplan_meier(sample([], []))
    hollow = replace(result, overall=replace(result.overall, curve=curve))
    assert survival_figure(hollow, month_days=30.4375, conf_level=0.95, least=2) is None


def test_a_shared_curve_tells_no_small_number(
    cohort: list[PatientRecord], make_patient: Callable[..., PatientRecord]
) -> None:
    more = [make_patient(f"X{place}", "limited", "0-70 EP", "", 100 + 10 * place, place % 2 > 0) for place in range(20)]
    found = analyse([*cohort, *more], Protocol(), CUTOFF)
    picture = survival_figure(found.endpoint("os"), month_days=30.4375, conf_level=0.95, by="stage_valg", least=5)
    assert picture is not None
    assert "groups too small for a curve that tells of no fewer than 5 patients are not shown" in picture.text
    assert "extensive" not in picture.text
    assert "so far" not in picture.text
    rows = [" ".join(line.split()) for line in picture.text.splitlines()]
    # Of the limited A1, A2 and X0 to X19 ten die, on days 110, 130, ..., 290, and A1 on day 300.
    assert "0 100.0 % 22" in rows
    assert any("–" in row and "%" in row for row in rows[4:])
    assert not any(row.endswith((" 1", " 2", " 3", " 4")) for row in rows[4:])


def test_the_points_of_a_shared_curve_are_those_of_the_exact_one(make_patient: Callable[..., PatientRecord]) -> None:
    records = [make_patient(f"X{place:02d}", "limited", "0-70 EP", "", 100 + 10 * place, True) for place in range(20)]
    result = analyse(records, Protocol(), CUTOFF).endpoint("os")
    exact, shared = result.overall.curve, coarse(result.overall, 5).curve
    for day, survival in zip(shared.time, shared.survival, strict=True):
        assert survival == exact.survival[exact.time == day]
    again = coarse(coarse(result.overall, 5), 5).curve
    assert list(again.time) == list(shared.time)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("kind = 3", "kind"),
        ("[[kind]]\nkind = 'odd'\nregex = ['x']", "unknown kind odd; the kinds are amplification"),
        ("[[kind]]\nkind = 'loss'\nregex = ['(']", "kind.0.regex.0"),
        ("[[kind]]\nkind = 'loss'\nregex = ['x']\nexamples = ['y']", "y is other_mutation, not loss"),
        ("[[kind]]\nkind = 'loss'\nregexes = ['x']", "kind.0.regexes"),
        ("[[", "can't be read as TOML"),
    ],
)
def test_a_faulty_file_of_kinds_is_named_with_its_fault(content: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "alterations.toml").write_text(content)
    with pytest.raises(InputError, match=r"alterations\.toml") as error:
        load_alteration_kinds(tmp_path)
    assert told in str(error.value)
