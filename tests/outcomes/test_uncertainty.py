"""How far abstraction itself moves the results."""

import datetime
import json
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.model.errors import InputError
from abstractor.outcomes.cohort import Analysis, analyse
from abstractor.outcomes.error_rates import ErrorRates, Rate, measured_here, read_error_rates
from abstractor.outcomes.lines import DrugGroups
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.uncertainty import (
    ACCEPTED,
    ADJUDICATED,
    CONFIRMED,
    MACHINE,
    REJECTED,
    Facts,
    Uncertainty,
    _most_extreme,
    compute_uncertainty,
)

MakePatient = Callable[..., PatientRecord]
PERFECT = ErrorRates(Rate(1.0, 1.0), Rate(1.0, 1.0), "a dream")


@pytest.fixture(scope="module")
def records(make_patient: MakePatient) -> list[PatientRecord]:
    courses = ["43PR 85PR 127PD", "43PR 85PR", "43SD 100PD", "43PD", "43SD 127PD", "43PR 85PR 169PD"]
    return [make_patient(f"p{place}", scans, death=250 + place) for place, scans in enumerate(courses)]


@pytest.fixture(scope="module")
def analysis(records: list[PatientRecord], cutoff: datetime.date) -> Analysis:
    return analyse(records, Protocol(error_runs=200), cutoff, by=None)


def computed(
    analysis: Analysis, records: list[PatientRecord], *others: Facts, rates: ErrorRates | None = None
) -> Uncertainty:
    return compute_uncertainty(analysis, records, others, DrugGroups(), rates)


def test_sets_of_facts_stand_side_by_side(
    analysis: Analysis, records: list[PatientRecord], make_patient: MakePatient
) -> None:
    machine = (make_patient("p0", "43PD", death=250), *records[1:])
    found = computed(
        analysis, records, Facts(MACHINE, machine, 1), Facts(ADJUDICATED, (), 0, "nothing was adjudicated")
    )
    by_name = {one.name: one for one in found.outcomes}
    confirmed, only = by_name[CONFIRMED].orr, by_name[MACHINE].orr
    assert confirmed is not None
    assert only is not None
    assert (confirmed.x, only.x) == (3, 2)
    assert by_name[ADJUDICATED].orr is None
    assert by_name[ADJUDICATED].why_not == "nothing was adjudicated"


def test_pending_suggestions_bound_the_response_rate(
    analysis: Analysis, records: list[PatientRecord], make_patient: MakePatient
) -> None:
    """One would lose its response, one would gain one: all accepted hides what choosing shows."""
    accepted = (
        make_patient("p0", "43PD", death=250), *records[1:3], make_patient("p3", "43PR 85PR", death=253), *records[4:],
    )  # fmt: skip
    found = computed(analysis, records, Facts(ACCEPTED, accepted, 2), Facts(REJECTED, tuple(records), 0))
    by_name = {one.name: one.orr for one in found.outcomes}
    assert all(one is not None and one.x == 3 for one in by_name.values())
    assert found.extremes is not None
    assert (found.extremes.lowest.x, found.extremes.highest.x, found.extremes.patients) == (2, 4, 2)


@given(st.lists(st.sets(st.sampled_from([(0, 0), (0, 1), (1, 1)]), min_size=1, max_size=2), min_size=1, max_size=6))
def test_the_extremes_are_those_of_trying_every_choice(options: list[set[tuple[int, int]]]) -> None:
    every = [(sum(x for x, _ in ways), sum(n for _, n in ways)) for ways in product(*options)]
    shares = [Fraction(x, n) for x, n in every if n]
    if not shares:
        return
    for sign, best in ((-1, min(shares)), (1, max(shares))):
        x, n = _most_extreme(options, sign)
        if n:
            assert Fraction(x, n) == best


def test_without_errors_the_simulation_gives_the_results_back(analysis: Analysis, records: list[PatientRecord]) -> None:
    found = computed(analysis, records, rates=PERFECT).simulation
    assert found is not None
    assert (found.orr.lower, found.orr.middle, found.orr.upper) == (0.5, 0.5, 0.5)
    median = analysis.endpoint("pfs").overall.median.estimate
    assert (found.median_pfs.lower, found.median_pfs.upper) == (median, median)


def test_the_same_seed_gives_the_same_numbers(analysis: Analysis, records: list[PatientRecord]) -> None:
    rates = ErrorRates(Rate(0.8, 0.7), Rate(0.8, 0.7), "a test")
    one, other = (computed(analysis, records, rates=rates).simulation for _ in range(2))
    assert one == other
    assert one is not None
    assert one.orr.lower is not None
    assert one.orr.upper is not None
    assert one.orr.lower < 0.5 < one.orr.upper


def test_false_responses_alone_lower_the_rate_to_what_precision_leaves(
    records: list[PatientRecord], cutoff: datetime.date
) -> None:
    analysis = analyse(records, Protocol(error_runs=4000), cutoff, by=None)
    rates = ErrorRates(Rate(2 / 3, 1.0), Rate(1.0, 1.0), "a test")
    found = computed(analysis, records, rates=rates).simulation
    assert found is not None
    assert found.orr.middle == pytest.approx(2 / 6)  # the median of Binomial(3, 2/3) is 2
    assert found.orr.upper == pytest.approx(3 / 6)


def test_without_rates_nothing_is_simulated_and_the_reason_is_given(
    analysis: Analysis, records: list[PatientRecord]
) -> None:
    found = computed(analysis, records)
    assert found.simulation is None
    assert "--error-rates" in found.why_no_simulation


def test_rates_are_measured_from_the_machine_where_no_file_gives_them(
    records: list[PatientRecord], make_patient: MakePatient
) -> None:
    machine = [make_patient("p0", "43PR 85PR 120PD", death=250), *records[1:]]
    rates = measured_here(machine, records)
    assert rates is not None
    assert rates.response == Rate(1.0, 1.0)
    assert rates.progression == Rate(4 / 5, 4 / 5)
    assert measured_here([], records) is None


def test_what_evaluate_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text(json.dumps({"fields": {"response": {"precision": 0.9, "recall": 0.8}}}), encoding="utf-8")
    rates = read_error_rates(path)
    assert rates.response == rates.progression == Rate(0.9, 0.8)
    assert rates.source == "read from figures.json"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("{}", 'no rates of "response"'),
        ('{"response": {"precision": 0.9}}', "response: no recall"),
        ('{"response": {"precision": 0.9, "recall": 0}}', "recall 0 is not above 0"),
        ('{"response": {"precision": 1.2, "recall": 0.5}}', "precision 1.2 is not above 0"),
        ('{"response": {"precision": true, "recall": 0.5}}', "response: no precision"),
        ('{"response": {"precision": 1, "recall": 1}, "progression": {"precision": "x"}}', "progression: no precision"),
    ],
)
def test_rates_that_cannot_be_are_refused_with_file_and_reason(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "rates.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=says) as told:
        read_error_rates(path)
    assert str(path) in str(told.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.json: can't be read"):
        read_error_rates(tmp_path / "nothing.json")


def test_switched_off_nothing_is_simulated(records: list[PatientRecord], cutoff: datetime.date) -> None:
    off = analyse(records, replace_runs(0), cutoff, by=None)
    found = computed(off, records, rates=PERFECT)
    assert (found.simulation, found.why_no_simulation) == (None, "switched off (error_runs = 0)")


def replace_runs(runs: int) -> Protocol:
    return Protocol().model_copy(update={"error_runs": runs})


def test_nobody_treated_is_no_error(cutoff: datetime.date) -> None:
    record = PatientRecord("u", ())
    empty = analyse([record], Protocol(), cutoff, by=None)
    assert computed(empty, [record], rates=PERFECT).why_no_simulation == "nobody was treated"
