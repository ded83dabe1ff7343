"""Competing events, response over time, genes, subgroups, restricted means: against hand calculations, and refused where they must be."""

import datetime
import random
from collections.abc import Callable

import pytest

from abstractor.model.errors import InputError
from abstractor.model.fact import Fact
from abstractor.model.finding import Assertion
from abstractor.outcomes.cause_results import DEATH, PROGRESSION, cause_results
from abstractor.outcomes.cohort import Analysis, analyse
from abstractor.outcomes.gene_results import gene_results
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.response_results import NOT_RESPONDED, RESPONDED, response_results
from abstractor.outcomes.subgroup_results import subgroup_results
from abstractor.outcomes.survival import log_rank, sample

MakePatient = Callable[..., PatientRecord]
Day = Callable[[int], str]


def small(**more: object) -> Protocol:
    """With limits that let few patients be tested."""
    limits = {"min_group_patients": 2, "min_group_events": 1, "gene_min_altered": 2, "start_at_risk": 1}
    return Protocol.model_validate(limits | more)


def at_day(curve, day: int) -> float:  # type: ignore[no-untyped-def]
    return float(curve.incidence[list(curve.time).index(day)])


def test_progression_and_death_compete_as_worked_out_by_hand(make_patient: MakePatient, cutoff: datetime.date) -> None:
    """Four patients: PD on day 100, death on 150, PD on 200, one without either: 1/4, then 1/4 dead, then 1/4 + 1/2 * 1/2."""
    records = [
        make_patient("a", "43SD 100PD", seen=120),
        make_patient("b", "43SD 130SD", death=150),
        make_patient("c", "43SD 200PD", seen=220),
        make_patient("d", "43SD 300SD", seen=300),
    ]
    first, cns = cause_results(analyse(records, Protocol(), cutoff, by=None))
    progression, death = first.curves
    assert (progression.cause, death.cause) == (PROGRESSION, DEATH)
    assert (progression.events, death.events) == (2, 1)
    assert at_day(progression.curve, 100) == pytest.approx(0.25)
    assert at_day(progression.curve, 200) == pytest.approx(0.5)
    assert at_day(death.curve, 200) == pytest.approx(0.25)
    assert not cns.curves
    assert "no confirmed progression names" in cns.why_not


def test_the_first_progression_in_the_brain_is_told_apart(
    make_patient: MakePatient, day: Day, cutoff: datetime.date
) -> None:
    brain = Fact("a", "response", "PD", date=day(100), attributes={"site": "brain"})
    records = [make_patient("a", "43SD", seen=120, more=(brain,)), make_patient("b", "43SD 90PD", seen=120)]
    _, cns = cause_results(analyse(records, Protocol(), cutoff, by=None))
    assert [(one.events, one.patients) for one in cns.curves] == [(1, ("a", "b")), (1, ("a", "b"))]
    assert cns.curves[0].ended_by == (True, False)


def test_the_worked_landmark_example_comes_out(make_patient: MakePatient, cutoff: datetime.date) -> None:
    """Landmark on day 90: second and sixth are out, the fourth responded only later."""
    course = [
        ("1", "43PR", 300), ("2", "", 60), ("3", "85PR", 200), ("4", "80SD 130PR", 400),
        ("5", "", 150), ("7", "43PR", None), ("8", "", 95),
    ]  # fmt: skip
    records = [make_patient(name, scans, death=death, seen=500) for name, scans, death in course]
    records.append(make_patient("6", "", seen=80))
    protocol = small(response_landmark_days=90)
    survival, _ = response_results(analyse(records, protocol, cutoff, by=None))
    times = {
        group.group: sorted(zip(group.patients, group.sample.time.tolist(), group.sample.event.tolist(), strict=True))
        for group in survival.groups
    }
    assert times[RESPONDED] == [("1", 210.0, True), ("3", 110.0, True), ("7", 410.0, False)]
    assert times[NOT_RESPONDED] == [("4", 310.0, True), ("5", 60.0, True), ("8", 5.0, True)]
    assert survival.left_before == ("2", "6")
    assert survival.later == ("4",)
    assert survival.test is not None
    # whenever somebody died without a response responders were alive, and after that only responders are left: no maximum
    assert (survival.time_dependent, survival.why_not) == (None, "no hazard ratio: the model did not converge")


def test_below_the_limits_response_is_not_tested(make_patient: MakePatient, cutoff: datetime.date) -> None:
    records = [make_patient("a", "43PR", death=300), make_patient("b", "43SD", death=200)]
    survival, _ = response_results(analyse(records, Protocol(), cutoff, by=None))
    assert survival.test is None
    assert survival.ratio is None
    assert "at least 10" in survival.no_test
    assert survival.time_dependent is None


def test_with_another_time_zero_there_is_no_landmark_from_line_1(
    make_patient: MakePatient, cutoff: datetime.date
) -> None:
    diagnosed = Fact("a", "diagnosis_date", "2021-01-01")
    analysis = analyse([make_patient("a", "43PR", more=(diagnosed,))], Protocol(time_zero="diagnosis"), cutoff, by=None)
    assert response_results(analysis) == ()


def sequenced(
    make_patient: MakePatient, day: Day, name: str, death: int, report: int | None, *, altered: bool
) -> PatientRecord:
    assertion = Assertion.PRESENT if altered else Assertion.ABSENT
    more = [Fact(name, "variant", "TP53 p.R175H" if altered else "TP53", assertion=assertion)]
    if report is not None:
        more.append(Fact(name, "molecular_report_date", day(report), date=day(report)))
    return make_patient(name, "43PR", death=death, more=tuple(more))


@pytest.fixture
def with_genes(make_patient: MakePatient, day: Day) -> list[PatientRecord]:
    rows = [
        ("a", 150, 30, True), ("b", 200, 100, True), ("c", 320, 10, True), ("d", 260, 60, False),
        ("e", 400, 20, False), ("f", 500, 50, False), ("g", 90, 120, True), ("h", 300, None, False),
    ]  # fmt: skip
    return [sequenced(make_patient, day, name, death, report, altered=altered) for name, death, report, altered in rows]


def test_genes_are_compared_from_the_molecular_report_on(
    with_genes: list[PatientRecord], cutoff: datetime.date
) -> None:
    analysis = analyse(with_genes, small(), cutoff, by=None)
    survival, _ = gene_results(analysis)
    (tp53,) = [one for one in survival.genes if one.marker == "TP53"]
    # g died before the report and h has none: neither was ever at risk
    assert survival.never_at_risk == ("g", "h")
    data = sample([150, 200, 320, 260, 400, 500], [1] * 6, [30, 100, 10, 60, 20, 50])
    by_hand = log_rank(data, ["altered"] * 3 + ["not"] * 3)
    assert by_hand is not None
    assert tp53.test is not None
    assert tp53.test.p == pytest.approx(by_hand.p)
    assert (tp53.known, tp53.altered) == (6, 3)


def test_a_gene_as_grouping_brings_delayed_entry_and_says_who_is_out(
    with_genes: list[PatientRecord], cutoff: datetime.date
) -> None:
    analysis = analyse(with_genes, small(), cutoff, by="TP53")
    result = analysis.endpoint("os")
    assert result.groups_delayed
    assert result.never_at_risk == ("g", "h")
    assert {group.group: group.sample.entry.tolist() for group in result.groups} == {
        "altered": [30.0, 100.0, 10.0],
        "wild_type": [60.0, 20.0, 50.0],
    }
    assert [one.group for one in result.groups] == ["wild_type", "altered"]  # ratios are those of the altered
    assert not result.overall.sample.delayed
    assert result.overall.sample.n == 8


def test_rare_genes_are_listed_and_not_tested(with_genes: list[PatientRecord], cutoff: datetime.date) -> None:
    survival, _ = gene_results(analyse(with_genes, Protocol(), cutoff, by=None))
    assert survival.tested == 0
    assert all(one.why_not and one.test is None and one.ratio is None for one in survival.genes)
    assert next(one for one in survival.genes if one.marker == "TP53").why_not == "altered in 3 (at least 10)"


def test_a_curve_with_delayed_entry_starts_when_enough_are_at_risk(
    with_genes: list[PatientRecord], cutoff: datetime.date
) -> None:
    result = analyse(with_genes, small(start_at_risk=3), cutoff, by="TP53").endpoint("os")
    assert {group.group: group.start for group in result.groups} == {"altered": 100.0, "wild_type": 60.0}


@pytest.fixture(scope="module")
def large(make_patient: MakePatient) -> list[PatientRecord]:
    chance = random.Random(7)  # noqa: S311  (simulated patients)
    found = []
    for place in range(160):
        stage = ("limited", "extensive")[place % 2]
        name = f"p{place:03d}"
        sex = Fact(name, "sex", ("female", "male")[place % 4 > 1])
        death = 40 + int(chance.expovariate(1 / (420 if stage == "limited" else 260)))
        found.append(make_patient(name, "43PR 85PR", death=death, stage=stage, more=(sex,)))
    return found


@pytest.fixture(scope="module")
def large_analysis(large: list[PatientRecord], cutoff: datetime.date) -> Analysis:
    return analyse(large, Protocol(), cutoff)


def test_the_subgroups_of_a_factor_hold_everybody_once(large_analysis: Analysis) -> None:
    survival, _ = subgroup_results(large_analysis)
    assert (survival.group, survival.reference) == ("extensive", "limited")
    assert survival.overall is not None
    for factor in survival.factors:
        patients = [one for level in factor.levels for one in level.patients] + list(factor.missing)
        assert sorted(patients) == sorted(survival.patients), factor.name


def test_the_whole_of_a_forest_is_the_hazard_ratio_of_the_groups(large_analysis: Analysis) -> None:
    survival, _ = subgroup_results(large_analysis)
    (ratio,) = large_analysis.endpoint("os").hazard_ratios
    assert survival.overall is not None
    assert survival.overall.hazard_ratio == pytest.approx(ratio.estimate, rel=1e-9)


def test_interaction_is_tested_only_where_every_level_has_a_ratio(large_analysis: Analysis) -> None:
    survival, _ = subgroup_results(large_analysis)
    factors = {one.name: one for one in survival.factors}
    p = factors["sex"].interaction_p
    assert p is not None
    assert 0.0 < p <= 1.0
    assert factors["histology"].interaction_p is None
    assert factors["histology"].why_not == "fewer than two levels"


@pytest.mark.parametrize(
    ("name", "says"), [("colour", "there is no column colour; choose among"), ("best_response", "immortal time")]
)
def test_a_subgroup_that_cannot_be_is_refused(
    large: list[PatientRecord], cutoff: datetime.date, name: str, says: str
) -> None:
    analysis = analyse(large[:4], Protocol(subgroups=("sex", name)), cutoff)
    with pytest.raises(InputError, match=says):
        subgroup_results(analysis)


def test_without_two_groups_there_is_no_forest(make_patient: MakePatient, cutoff: datetime.date) -> None:
    (one, _) = subgroup_results(analyse([make_patient("a", "43PR")], Protocol(), cutoff, by=None))
    assert (one.factors, one.why_not) == ((), "no groups were asked for")


def test_restricted_means_are_compared_only_where_both_curves_reach_the_limit(
    large_analysis: Analysis, large: list[PatientRecord], cutoff: datetime.date
) -> None:
    result = large_analysis.endpoint("os")
    first, second = (group.restricted for group in result.groups)
    assert result.mean_difference is not None
    assert result.mean_difference.estimate == pytest.approx(second.estimate - first.estimate)
    late = analyse(large, Protocol(rmst_months=200.0), cutoff).endpoint("os")
    assert late.mean_difference is None
    assert late.overall.restricted.extrapolated


def test_restricted_mean_of_three_deaths_by_hand(make_patient: MakePatient, cutoff: datetime.date) -> None:
    """Deaths on days 100, 200, 300 of three: 100 + 2/3 * 100 + 1/3 * 50 up to day 250."""
    records = [make_patient(str(place), "43PR", death=100 * place) for place in (1, 2, 3)]
    analysis = analyse(records, Protocol(rmst_months=250 / 30.4375), cutoff, by=None)
    assert analysis.endpoint("os").overall.restricted.estimate == pytest.approx(100 + 200 / 3 + 50 / 3)
