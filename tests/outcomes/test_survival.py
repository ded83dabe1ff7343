import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abstractor.model.errors import InputError
from abstractor.outcomes.cox import fit_cox
from abstractor.outcomes.proportions import proportion
from abstractor.outcomes.survival import (
    CONF_TYPES,
    at_risk_table,
    follow_up,
    kaplan_meier,
    landmark,
    log_rank,
    quantile,
    restricted_mean,
    sample,
)

PATIENTS = st.lists(st.tuples(st.integers(0, 900), st.booleans()), min_size=1, max_size=40)


@given(PATIENTS, st.sampled_from(CONF_TYPES))
@settings(max_examples=60, deadline=None)
def test_a_curve_falls_and_lies_within_its_limits(patients: list[tuple[int, bool]], conf_type: str) -> None:
    time, event = zip(*patients, strict=True)
    curve = kaplan_meier(sample(time, event), next(one for one in CONF_TYPES if one == conf_type))
    assert np.all(np.diff(curve.survival) <= 0)
    assert np.all((curve.survival >= 0) & (curve.survival <= 1))
    known = ~np.isnan(curve.lower)
    assert np.all(curve.lower[known] <= curve.survival[known] + 1e-12)
    assert np.all(curve.upper[known] >= curve.survival[known] - 1e-12)
    assert curve.events.sum() + curve.censored.sum() == len(patients)


@given(PATIENTS)
@settings(max_examples=60, deadline=None)
def test_a_quantile_lies_within_its_interval_and_is_never_beyond_the_last_time(
    patients: list[tuple[int, bool]],
) -> None:
    time, event = zip(*patients, strict=True)
    curve = kaplan_meier(sample(time, event))
    for prob in (0.25, 0.5, 0.75):
        one = quantile(curve, prob)
        assert one.estimate is None or 0 <= one.estimate <= curve.last
        assert one.lower is None or one.estimate is None or one.lower <= one.estimate
        assert one.upper is None or (one.estimate is not None and one.estimate <= one.upper)
        if not any(event):
            assert one.estimate is None


@given(PATIENTS)
@settings(max_examples=60, deadline=None)
def test_entering_at_once_is_the_same_as_no_delayed_entry(patients: list[tuple[int, bool]]) -> None:
    time, event = zip(*[(day + 1, flag) for day, flag in patients], strict=True)
    plain = kaplan_meier(sample(time, event))
    delayed = kaplan_meier(sample(time, event, [0] * len(time)))
    assert np.array_equal(plain.at_risk, delayed.at_risk)
    assert np.array_equal(plain.survival, delayed.survival)


@given(PATIENTS, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_patients_does_not_matter(patients: list[tuple[int, bool]], random: object) -> None:
    shuffled = sorted(patients, key=lambda _: random.random())  # type: ignore[attr-defined]
    one, other = (kaplan_meier(sample(*zip(*rows, strict=True))) for rows in (patients, shuffled))
    assert np.array_equal(one.survival, other.survival)


def test_nobody_gives_an_empty_curve_and_nothing_reached() -> None:
    nobody = sample([], [])
    curve = kaplan_meier(nobody)
    assert curve.n == 0
    assert quantile(curve, 0.5).estimate is None
    assert landmark(curve, nobody, 365).survival is None
    assert at_risk_table(nobody, [0, 100])[0].at_risk == 0
    assert follow_up(nobody)[1].estimate is None


def test_the_risk_set_may_empty_and_fill_again_under_delayed_entry() -> None:
    curve = kaplan_meier(sample([5, 20, 30], [1, 1, 0], [0, 10, 12]))
    assert list(curve.at_risk) == [1, 2, 1]
    assert list(curve.survival) == [0, 0, 0]


@pytest.mark.parametrize(
    ("time", "event", "entry", "says"),
    [
        ([1, -2], [1, 1], None, "row 2: the time is negative"),
        ([1, math.nan], [1, 1], None, "row 2: the time is missing"),
        ([1, 2], [1, 2], None, "row 2: the event is neither 0 nor 1"),
        ([1, 2], [1, 1], [0, 2], "row 2: the entry is not before the exit"),
    ],
)
def test_a_row_that_is_at_fault_is_named(
    time: list[float], event: list[int], entry: list[float] | None, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        sample(time, event, entry)


def test_log_rank_needs_two_groups() -> None:
    assert log_rank(sample([1, 2], [1, 1]), ["A", "A"]) is None


def test_restricted_mean_of_an_uncensored_sample_is_the_mean() -> None:
    found = restricted_mean(kaplan_meier(sample([2, 4, 6], [1, 1, 1])), 6)
    assert found.estimate == pytest.approx(4.0)
    assert not found.extrapolated


def test_cox_model_of_the_worked_example() -> None:
    time = [3, 5, 7, 9, 10, 12, 15, 20, 2, 2, 4, 5, 6, 8, 9, 11]
    event = [1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1]
    arm = [[0.0]] * 8 + [[1.0]] * 8
    (efron,) = fit_cox(sample(time, event), arm, ["B"]).terms
    assert efron.coef == pytest.approx(1.01789773, abs=1e-8)
    assert efron.se == pytest.approx(0.63457811, abs=1e-8)
    assert (efron.hazard_ratio, efron.lower, efron.upper) == pytest.approx((2.767370, 0.797836, 9.598892), rel=1e-6)
    (breslow,) = fit_cox(sample(time, event), arm, ["B"], ties="breslow").terms
    assert (breslow.coef, breslow.se) == pytest.approx((1.00421598, 0.63524235), abs=1e-8)


def test_all_events_at_one_time_say_nothing_about_groups() -> None:
    found = log_rank(sample([70, 70, 70, 70], [1, 1, 1, 1]), ["A", "A", "B", "B"])
    assert found is not None
    assert (found.chi_square, found.p) == (0, 1)
    fit = fit_cox(sample([70, 70, 70, 70], [0, 0, 0, 0]), [[0.0], [0.0], [1.0], [1.0]], ["B"])
    assert not fit.converged


def test_a_group_without_events_gives_no_hazard_ratio() -> None:
    fit = fit_cox(sample([1, 2, 3, 4], [1, 1, 0, 0]), [[0.0], [0.0], [1.0], [1.0]], ["B"])
    assert not fit.converged


@given(st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(max_examples=60, deadline=None)
def test_an_interval_holds_its_proportion(pair: tuple[int, int]) -> None:
    found = proportion(*pair)
    if pair[1] == 0:
        assert found.estimate is None
        return
    assert found.estimate is not None
    assert found.lower is not None
    assert found.upper is not None
    assert 0 <= found.lower <= found.estimate <= found.upper <= 1
