"""Our numbers against lifelines inside the product: agreement, explained differences, and what happens when one is wrong."""

import ast
import csv
import dataclasses
import datetime
import warnings
from pathlib import Path

import lifelines
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abstractor.model.fact import Fact
from abstractor.outcomes import second_opinion
from abstractor.outcomes.cohort import Analysis, EndpointResult, GroupSurvival, HazardRatio, analyse
from abstractor.outcomes.cox import dummies, fit_cox
from abstractor.outcomes.further import compute_further
from abstractor.outcomes.numbers import number_all
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.report.html import render_html
from abstractor.outcomes.report.page import report_page
from abstractor.outcomes.report.shown import Results
from abstractor.outcomes.run import run_outcomes
from abstractor.outcomes.second_opinion import (
    AGREE,
    BY_DEFINITION,
    DIFFERS,
    NOT_COMPARED,
    Check,
    SecondOpinion,
    ask_lifelines,
    check_endpoint,
)
from abstractor.outcomes.survival import (
    ConfType,
    Sample,
    follow_up,
    kaplan_meier,
    landmark,
    log_rank,
    quantile,
    restricted_mean,
    sample,
)

PACKAGE = Path(second_opinion.__file__).parent
REFERENCE = Path(__file__).resolve().parents[2] / ".." / "shared" / "reference" / "survival" / "data"
CUTOFF = datetime.date(2022, 6, 30)


def survive(name: str, data: Sample, conf_type: ConfType = "log-log") -> GroupSurvival:
    curve = kaplan_meier(data, conf_type)
    return GroupSurvival(
        group=name,
        sample=data,
        curve=curve,
        quantiles=(quantile(curve, 0.25), quantile(curve, 0.5), quantile(curve, 0.75)),
        landmarks=tuple(landmark(curve, data, day) for day in (30.0, 200.0, 700.0)),
        follow_up=follow_up(data, conf_type),
        restricted=restricted_mean(curve, 365.0),
    )


def render_report(analysis: Analysis, opinion: SecondOpinion) -> str:
    further = compute_further(analysis)
    return render_html(report_page(Results(analysis, further, number_all(analysis, further), {}, opinion=opinion)))


def result_of(data: Sample, labels: list[str], conf_type: ConfType = "log-log") -> EndpointResult:
    """An endpoint as `cohort` makes it, without its limits on small groups."""
    names = sorted(set(labels))
    parts = {name: data.take(np.asarray(labels) == name) for name in names}
    ratios: tuple[HazardRatio, ...] = ()
    test = log_rank(data, labels)
    if test is not None:
        fit = fit_cox(data, *dummies(labels, names))
        if fit.converged:
            ratios = tuple(
                HazardRatio(one.name, names[0], one.hazard_ratio, one.lower, one.upper, one.p, one.coef, one.se)
                for one in fit.terms
            )
    groups = tuple(survive(name, part, conf_type) for name, part in parts.items())
    return EndpointResult("os", survive("all", data, conf_type), groups, test, "", ratios, 0, 0)


WORKED_TIMES = [3, 5, 7, 9, 10, 12, 15, 20, 2, 2, 4, 5, 6, 8, 9, 11]
WORKED_EVENTS = [1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1]
WORKED = result_of(sample(WORKED_TIMES, WORKED_EVENTS), ["A"] * 8 + ["B"] * 8)


def found(checks: tuple[Check, ...], statistic: str, group: str = "all") -> Check:
    return next(one for one in checks if one.group == group and one.statistic.startswith(statistic))


def test_the_worked_example_agrees_in_curve_test_and_model() -> None:
    checks = check_endpoint(WORKED)
    assert [one for one in checks if one.verdict in (DIFFERS, NOT_COMPARED)] == []
    both = "A / B"
    assert found(checks, "log-rank chi-square", both).verdict == AGREE
    coefficient = found(checks, "Cox coefficient", both)
    assert (coefficient.ours, coefficient.lifelines) == (pytest.approx(1.01789773), pytest.approx(1.01789773))
    assert found(checks, "Cox standard error", both).lifelines == pytest.approx(0.63457811)


def test_a_median_on_a_level_stretch_is_explained_by_the_midpoint() -> None:
    one = found(check_endpoint(WORKED), "quantile 0.5", "A")
    assert (one.ours, one.lifelines) == (10.5, 12)
    assert one.verdict == BY_DEFINITION
    assert "its middle here and in R" in one.why


def test_an_upper_limit_where_the_curve_reaches_nought_is_explained() -> None:
    data = sample([2, 5, 9, 9, 12, 18], [1] * 6)
    one = found(check_endpoint(result_of(data, ["A"] * 6)), "upper limit of the median")
    assert (one.ours, one.lifelines, one.verdict) == (None, 18, BY_DEFINITION)


def test_a_landmark_after_the_last_observation_is_explained() -> None:
    one = next(
        one
        for one in check_endpoint(result_of(sample([10, 20], [1, 0]), ["A", "A"]))
        if one.statistic == "S(t) at a landmark" and one.day == 200
    )
    assert (one.ours, one.lifelines, one.verdict) == (None, 0.5, BY_DEFINITION)


def test_a_group_that_no_event_could_meet_is_explained() -> None:
    """It was gone before the first event; R's `survdiff` takes its degree of freedom away, as we do."""
    data = sample([6, 28, 24, 15], [0, 1, 0, 1])
    checks = check_endpoint(result_of(data, ["C", "A", "B", "B"]))
    assert found(checks, "log-rank p", "A / B / C").verdict == BY_DEFINITION
    assert not [one for one in checks if one.verdict == DIFFERS]


PEOPLE = st.lists(st.tuples(st.integers(1, 60), st.booleans(), st.sampled_from("ABC"), st.floats(0, 0.99)), min_size=1, max_size=40)  # fmt: skip


@given(PEOPLE, st.booleans())
@settings(max_examples=25, deadline=None)
def test_lifelines_never_contradicts_us(people: list[tuple[int, bool, str, float]], delayed: bool) -> None:
    entry = [float(int(day * share)) for day, _, _, share in people] if delayed else None
    data = sample([one[0] for one in people], [int(one[1]) for one in people], entry)
    checks = check_endpoint(result_of(data, [one[2] for one in people]))
    assert [one for one in checks if one.verdict == DIFFERS] == []
    assert all(one.why for one in checks if one.verdict != AGREE)


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the R reference files are not beside the project")
@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.csv")) or [REFERENCE / "none"], ids=lambda path: path.stem)
def test_lifelines_never_contradicts_us_on_the_reference_data(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        pytest.skip("no rows")
    entry = [float(row["entry"]) for row in rows] if "entry" in rows[0] else None
    data = sample([float(row["time"]) for row in rows], [int(row["event"]) for row in rows], entry)
    checks = check_endpoint(result_of(data, [row.get("arm") or "all" for row in rows]))
    assert checks
    assert [one for one in checks if one.verdict == DIFFERS] == []


@pytest.mark.parametrize("conf_type", ["log", "plain"])
def test_intervals_lifelines_lacks_are_said_not_to_be_compared(conf_type: ConfType) -> None:
    result = result_of(sample(WORKED_TIMES, WORKED_EVENTS), ["A"] * 16, conf_type)
    left = {one.statistic: one.why for one in check_endpoint(result) if one.verdict == NOT_COMPARED}
    assert left["limits of the median"] == f"lifelines has no {conf_type} intervals"


def test_delayed_entry_is_compared_where_lifelines_can_and_named_where_it_cannot() -> None:
    entry = [0, 0, 0, 1, 2, 3, 2, 5, 0, 0, 1, 1, 2, 3, 0, 4]
    checks = check_endpoint(result_of(sample(WORKED_TIMES, WORKED_EVENTS, entry), ["A"] * 8 + ["B"] * 8))
    both = "A / B"
    assert found(checks, "S(t)").verdict == AGREE
    assert found(checks, "Cox coefficient", both).verdict == AGREE
    assert found(checks, "log-rank", both).why == "lifelines has no log-rank test with delayed entry"


def test_a_risk_set_that_empties_is_a_row_and_no_crash() -> None:
    checks = check_endpoint(result_of(sample([5, 20, 30], [1, 1, 0], [0, 10, 12]), ["A"] * 3))
    assert found(checks, "Kaplan–Meier").why == "lifelines refuses delayed entry where the risk set empties early"


def test_whatever_lifelines_raises_is_a_row_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(lifelines.CoxPHFitter, "fit", fail)
    one = found(check_endpoint(WORKED), "Cox", "A / B")
    assert (one.verdict, one.why) == (NOT_COMPARED, "lifelines failed (ZeroDivisionError)")


def test_its_warnings_stay_inside_and_ours_are_not_silenced() -> None:
    before = list(warnings.filters)
    check_endpoint(result_of(sample([1, 2, 3, 4], [1, 1, 0, 0]), ["A", "A", "B", "B"]))
    assert warnings.filters == before


def patient(name: str, death: int) -> PatientRecord:
    return PatientRecord(
        name,
        (
            Fact(name, "histology", "small_cell"),
            Fact(name, "stage.valg", "limited" if death % 2 else "extensive"),
            Fact(name, "therapy_line", "1", date="2021-01-10", attributes={"drugs": "carboplatin"}),
            Fact(name, "death_date", str(datetime.date(2021, 1, 10) + datetime.timedelta(days=death))),
        ),
    )


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyse([patient(f"p{place:02d}", 40 + 7 * place) for place in range(24)], Protocol(), CUTOFF)


def spoil(analysis: Analysis) -> Analysis:
    """The same analysis with one wrong number: the median of OS a day late."""
    result = analysis.endpoint("os")
    wrong = tuple(dataclasses.replace(one, estimate=(one.estimate or 0) + 1) for one in result.overall.quantiles)
    overall = dataclasses.replace(result.overall, quantiles=wrong)  # type: ignore[arg-type]
    spoilt = dataclasses.replace(result, overall=overall)
    return dataclasses.replace(
        analysis, endpoints=tuple(spoilt if one is result else one for one in analysis.endpoints)
    )


def test_all_numbers_of_a_cohort_agree_and_are_counted(analysis: Analysis) -> None:
    opinion = ask_lifelines(analysis)
    assert opinion.disagreements == ()
    assert opinion.compared == sum(opinion.reasons(AGREE).values()) + sum(opinion.reasons(BY_DEFINITION).values()) > 100
    assert opinion.text().startswith(f"{opinion.compared} numbers recomputed with lifelines ")
    assert "all agree" in opinion.text()


def test_a_wrong_number_is_found_and_stands_at_the_top_of_the_report(analysis: Analysis) -> None:
    spoilt = spoil(analysis)
    opinion = ask_lifelines(spoilt)
    assert {(one.endpoint, one.statistic) for one in opinion.disagreements} == {
        ("os", "quantile 0.25"),
        ("os", "quantile 0.5"),
        ("os", "quantile 0.75"),
    }
    page = render_report(spoilt, opinion)
    assert 'class="alarm"' in page
    assert page.index("3 DISAGREE") < page.index("From notes to the analysis")
    assert 'class="alarm"' not in render_report(analysis, ask_lifelines(analysis))


def test_a_wrong_number_is_a_warning_in_the_summary(
    analysis: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("abstractor.outcomes.run.analyse", lambda *_, **__: spoil(analysis))
    records = [PatientRecord(one.patient_id, ()) for one in analysis.patients]
    summary = run_outcomes(records, tmp_path, protocol=Protocol(), cutoff=CUTOFF)
    assert summary.lines()[0].startswith("WARNING: ")
    assert "3 DISAGREE" in summary.lines()[0]
    with (tmp_path / "tables" / "second_opinion.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(row["verdict"] == "DIFFERS" for row in rows) == 3
    assert list(rows[0]) == [
        "endpoint",
        "group",
        "statistic",
        "day",
        "ours",
        "lifelines",
        "difference",
        "verdict",
        "why",
    ]


@pytest.mark.parametrize(
    ("most", "why"), [(0, "switched off"), (23, "24 patients are more than the 23 it is done for")]
)
def test_large_cohorts_are_skipped_and_this_is_said(analysis: Analysis, most: int, why: str) -> None:
    opinion = ask_lifelines(analysis, most)
    assert (opinion.checks, opinion.skipped) == ((), why)
    assert why in opinion.text()
    assert why in render_report(analysis, opinion)


def test_without_anybody_nothing_is_recomputed() -> None:
    assert ask_lifelines(analyse([], Protocol(), CUTOFF)) == SecondOpinion((), f"lifelines {lifelines.__version__}", "nobody is analysed")  # fmt: skip


def imports(path: Path) -> set[str]:
    """Top-level packages a module imports anywhere."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_only_the_second_opinion_knows_lifelines_and_pandas_and_loads_them_when_asked() -> None:
    knowing = {path.name for path in PACKAGE.rglob("*.py") if imports(path) & {"lifelines", "pandas"}}
    assert knowing == {"second_opinion.py", "table_one.py"}  # the table of baseline values takes pandas alone
    tree = ast.parse((PACKAGE / "second_opinion.py").read_text(encoding="utf-8"))
    at_top = {name.name.split(".")[0] for node in tree.body if isinstance(node, ast.Import) for name in node.names} | {
        node.module.split(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom) and node.module
    }
    assert not at_top & {"lifelines", "pandas"}
