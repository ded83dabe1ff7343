"""Competing risks, proportional hazards, concordance, two proportions, delayed entry, landmark: against slow or exact ways."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abstractor.model.errors import InputError
from abstractor.outcomes.competing_risks import cumulative_incidence, incidence_at
from abstractor.outcomes.concordance import concordance
from abstractor.outcomes.cox import deaths, fit_cox
from abstractor.outcomes.delayed_entry import check_entry, first_reliable_time, start_at
from abstractor.outcomes.landmarks import Followed, known_late, refuse_immortal_time, time_dependent
from abstractor.outcomes.multiplicity import Limits, screen_markers
from abstractor.outcomes.proportional_hazards import GLOBAL, TRANSFORMS, check_hazards
from abstractor.outcomes.proportions import benjamini_hochberg, compare_proportions, holm
from abstractor.outcomes.survival import (
    CONF_TYPES,
    Sample,
    compare_restricted_means,
    kaplan_meier,
    restricted_mean,
    sample,
)

# time, code (0 censored, 1 and 2 causes)
COMPETING = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=1, max_size=30)
# entry, length, event, score
SCORED = st.lists(
    st.tuples(st.integers(0, 6), st.integers(1, 8), st.booleans(), st.integers(0, 4)), min_size=2, max_size=25
)


def two_causes(rows: Sequence[tuple[int, int]]) -> tuple[Sample, np.ndarray]:  # type: ignore[type-arg]
    time, code = (np.array(column) for column in zip(*rows, strict=True))
    return sample(time.astype(float), code > 0), code == 1


@given(COMPETING)
@settings(max_examples=60, deadline=None)
def test_incidences_and_survival_add_up_to_one(rows: list[tuple[int, int]]) -> None:
    data, first = two_causes(rows)
    one, other = cumulative_incidence(data, first), cumulative_incidence(data, data.event & ~first)
    assert one.incidence + other.incidence + kaplan_meier(data).survival == pytest.approx(np.ones(one.time.size))
    assert np.all(np.diff(one.incidence) >= 0)


@given(COMPETING, st.sampled_from(CONF_TYPES))
@settings(max_examples=60, deadline=None)
def test_with_one_cause_the_incidence_is_one_minus_kaplan_meier(rows: list[tuple[int, int]], conf_type: str) -> None:
    data, _ = two_causes(rows)
    found = cumulative_incidence(data, data.event, next(one for one in CONF_TYPES if one == conf_type))
    curve = kaplan_meier(data)
    assert found.incidence == pytest.approx(1 - curve.survival, abs=1e-12)
    known = curve.survival > 0
    assert found.std_err[known] == pytest.approx(curve.std_err[known], abs=1e-9)
    within = ~np.isnan(found.lower)
    assert np.all(found.lower[within] <= found.incidence[within] + 1e-12)
    assert np.all(found.upper[within] >= found.incidence[within] - 1e-12)


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 2)), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_without_censoring_the_incidence_is_a_share_with_the_error_of_a_share(rows: list[tuple[int, int]]) -> None:
    data, first = two_causes(rows)
    found = cumulative_incidence(data, first)
    share = np.array([np.mean((data.time <= day) & first) for day in found.time])
    assert found.incidence == pytest.approx(share, abs=1e-12)
    assert found.std_err == pytest.approx(np.sqrt(share * (1 - share) / data.n), abs=1e-8)


def incidence_by_matrices(data: Sample, first: np.ndarray) -> tuple[list[float], list[float]]:  # type: ignore[type-arg]
    """The product of transition matrices over the states alive, cause 1, cause 2, and its covariance step by step."""
    kept, covariance = np.eye(3), np.zeros((9, 9))
    incidence, errors = [], []
    for day in np.unique(data.time):
        at_risk = float(np.sum((data.entry < day) & (data.time >= day)))
        counts = [float(np.sum((data.time == day) & data.event & chosen)) for chosen in (first, ~first)]
        step, spread = np.eye(3), np.zeros((9, 9))
        if sum(counts):
            rates = np.array(counts) / at_risk
            step[0] = [1 - rates.sum(), *rates]
            moved = (np.diag(rates) - np.outer(rates, rates)) / at_risk
            full = np.zeros((3, 3))
            full[1:, 1:] = moved
            full[0, 1:] = full[1:, 0] = -moved.sum(axis=0)
            full[0, 0] = moved.sum()
            spread[np.ix_([0, 3, 6], [0, 3, 6])] = full  # column by column, the first row of the step
        left, right = np.kron(step.T, np.eye(3)), np.kron(np.eye(3), kept)
        covariance = left @ covariance @ left.T + right @ spread @ right.T
        kept = kept @ step
        incidence.append(float(kept[0, 1]))
        errors.append(math.sqrt(max(covariance[3, 3], 0.0)))
    return incidence, errors


@given(COMPETING)
@settings(max_examples=60, deadline=None)
def test_the_variance_is_that_of_the_matrix_product(rows: list[tuple[int, int]]) -> None:
    data, first = two_causes(rows)
    found = cumulative_incidence(data, first)
    incidence, errors = incidence_by_matrices(data, first)
    assert found.incidence == pytest.approx(incidence, abs=1e-12)
    assert found.std_err == pytest.approx(errors, abs=1e-7)


def test_incidence_at_given_times() -> None:
    data = sample([2, 4, 4, 6, 8], [1, 1, 1, 0, 1])
    curve = cumulative_incidence(data, [True, False, True, False, False])
    before, during, late = (incidence_at(curve, data, day) for day in (1, 4, 9))
    assert (before.incidence, before.lower, before.at_risk) == (0, None, 5)
    assert during.incidence == pytest.approx(0.4)
    assert (during.at_risk, during.beyond_last) == (4, False)
    assert late.beyond_last
    nobody = sample([], [])
    assert incidence_at(cumulative_incidence(nobody, []), nobody, 3).incidence is None


def slow_concordance(data: Sample, score: Sequence[int], strata: Sequence[str]) -> float | None:
    good = pairs = 0.0
    for i, j in itertools.permutations(range(data.n), 2):
        longer = data.time[j] > data.time[i] or (data.time[j] == data.time[i] and not data.event[j])
        if data.event[i] and longer and data.entry[j] < data.time[i] and strata[i] == strata[j]:
            pairs += 1
            good += 1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0
    return good / pairs if pairs else None


@given(SCORED, st.booleans())
@settings(max_examples=100, deadline=None)
def test_concordance_is_what_counting_pair_by_pair_gives(rows: list[tuple[int, int, bool, int]], delayed: bool) -> None:
    entry, length, event, score = zip(*rows, strict=True)
    time = [a + b for a, b in zip(entry, length, strict=True)]
    data = sample(time, event, entry if delayed else None)
    strata = ["even" if place % 2 else "odd" for place in range(len(rows))]
    for layers in (None, strata):
        expected = slow_concordance(data, score, layers or ["one"] * len(rows))
        assert concordance(data, score, layers) == (None if expected is None else pytest.approx(expected))


def test_the_hazards_test_does_not_depend_on_the_unit_of_a_covariate() -> None:
    random = np.random.default_rng(7)
    x = random.normal(size=(80, 2))
    data = sample(np.ceil(random.exponential(20, 80)), random.random(80) < 0.7)
    for transform in TRANSFORMS:
        plain = check_hazards(data, x, fit_cox(data, x, ["a", "b"]), transform=transform)
        scaled = x * [1e5, 1e-4] + [2000, 0]
        other = check_hazards(data, scaled, fit_cox(data, scaled, ["a", "b"]), transform=transform)
        assert [one.term for one in plain] == ["a", "b", GLOBAL]
        assert [one.chi_square for one in other] == pytest.approx([one.chi_square for one in plain], rel=1e-6)


def test_no_hazards_test_where_the_logarithm_of_time_is_not_defined() -> None:
    data, x = sample([0, 1, 2, 3], [1, 1, 1, 1]), [[0.0], [1.0], [0.0], [1.0]]
    assert check_hazards(data, x, fit_cox(data, x, ["x"]), transform="log") == ()


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_cox_model_follows_the_unit_of_its_covariates(scale: float) -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=(60, 2))
    data = sample(np.ceil(random.exponential(20, 60)), random.random(60) < 0.8)
    plain, other = fit_cox(data, x, ["a", "b"]), fit_cox(data, x * [scale, 1.0], ["a", "b"])
    assert other.converged
    assert other.terms[0].coef * scale == pytest.approx(plain.terms[0].coef, rel=1e-9)
    assert other.terms[0].se * scale == pytest.approx(plain.terms[0].se, rel=1e-9)
    assert other.terms[1].coef == pytest.approx(plain.terms[1].coef, rel=1e-9)


def test_only_the_endless_coefficient_of_a_model_has_no_estimate() -> None:
    random = np.random.default_rng(5)
    spared, age = np.repeat([0.0, 1.0], 30), random.normal(size=60)
    data = sample(np.ceil(random.exponential(50, 60)), (spared == 0) & (random.random(60) < 0.9))
    fit = fit_cox(data, np.column_stack((spared, age)), ["spared", "age"])
    assert not fit.converged
    assert [term.estimable for term in fit.terms] == [False, True]


@given(SCORED, st.booleans(), st.sampled_from([0.0, 1.0, 40.0]))
@settings(max_examples=80, deadline=None)
def test_means_over_the_risk_sets_keep_their_digits(
    rows: list[tuple[int, int, bool, int]], delayed: bool, coefficient: float
) -> None:
    """Also where those who have yet to enter weigh e^160 times as much as those at risk."""
    entry, length, event, score = zip(*rows, strict=True)
    data = sample([a + b for a, b in zip(entry, length, strict=True)], event, entry if delayed else None)
    x = np.array(score, dtype=float)[:, None]
    found = deaths(data, x, np.array([coefficient]), "breslow")
    for when, mean in zip(found.time, found.mean[:, 0], strict=True):
        at_risk = x[(data.entry < when) & (data.time >= when), 0]
        weight = np.exp(coefficient * (at_risk - at_risk.max()))
        assert mean == pytest.approx(float((weight * at_risk).sum() / weight.sum()), rel=1e-9, abs=1e-12)


@given(SCORED, st.booleans(), st.sampled_from([1.0, 100.0]))
@settings(max_examples=80, deadline=None)
def test_a_model_that_cannot_be_fitted_says_so_and_never_fails(
    rows: list[tuple[int, int, bool, int]], delayed: bool, scale: float
) -> None:
    entry, length, event, score = zip(*rows, strict=True)
    data = sample([a + b for a, b in zip(entry, length, strict=True)], event, entry if delayed else None)
    x = np.column_stack((np.array(score) * scale, np.array(score) > 2))
    fit = fit_cox(data, x, ["score", "high"])
    if fit.converged:
        assert all(math.isfinite(one.chi_square) for one in check_hazards(data, x, fit))
        assert all(math.isfinite(one.coef) and one.se > 0 for one in fit.terms)


def fisher_by_counting(x1: int, n1: int, x2: int, n2: int) -> float:
    hits = x1 + x2
    ways = {x: math.comb(n1, x) * math.comb(n2, hits - x) for x in range(max(0, hits - n2), min(n1, hits) + 1)}
    return sum(one for one in ways.values() if one <= ways[x1]) / math.comb(n1 + n2, hits)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_fishers_test_is_the_share_of_ways_no_likelier(data: st.DataObject) -> None:
    n1, n2 = data.draw(st.integers(1, 25)), data.draw(st.integers(1, 25))
    x1, x2 = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n2))
    two = compare_proportions(x1, n1, x2, n2)
    assert two.fisher_p == pytest.approx(fisher_by_counting(x1, n1, x2, n2), rel=1e-9)
    assert two.odds_lower <= two.odds_ratio <= two.odds_upper
    assert two.difference_lower <= two.difference <= two.difference_upper
    turned = compare_proportions(x2, n2, x1, n1)
    assert turned.fisher_p == pytest.approx(two.fisher_p, rel=1e-9)
    if 0 < two.odds_ratio < math.inf:
        assert turned.odds_ratio == pytest.approx(1 / two.odds_ratio, rel=1e-6)


@pytest.mark.parametrize("counts", [(3, 2, 0, 4), (0, 0, 1, 2), (-1, 2, 1, 2)])
def test_impossible_counts_are_refused(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="can't be compared"):
        compare_proportions(*counts)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_corrected_p_values_keep_their_order_and_never_fall(p_values: list[float]) -> None:
    for corrected in (holm(p_values), benjamini_hochberg(p_values)):
        assert all(p <= one <= 1 for p, one in zip(p_values, corrected, strict=True))
        pairs = sorted(zip(p_values, corrected, strict=True))
        assert all(one[1] <= other[1] for one, other in itertools.pairwise(pairs))
    assert all(one <= other + 1e-12 for one, other in zip(benjamini_hochberg(p_values), holm(p_values), strict=True))


def test_a_screen_tests_what_is_common_enough_and_corrects_for_how_many() -> None:
    random = np.random.default_rng(13)
    strong = random.random(200) < 0.4
    data = sample(np.ceil(random.exponential(np.where(strong, 60, 200))), random.random(200) < 0.8)
    chance = {f"g{place}": list(random.random(200) < 0.3) for place in range(8)}
    rare, half = (
        [place < 9 for place in range(200)],
        [None if place % 2 else bool(strong[place]) for place in range(200)],
    )
    found = {
        one.marker: one
        for one in screen_markers(
            data, {"strong": list(strong), **chance, "rare": rare, "half": half}, ["strong", "rare"]
        )
    }
    assert found["rare"].test is None
    assert found["rare"].why_not == "altered in 9 (at least 10)"
    assert (found["half"].known, found["half"].altered) == (100, int(strong[::2].sum()))
    tested = [one for one in found.values() if one.test is not None]
    assert len(tested) == 10
    assert [one.q for one in tested] == list(benjamini_hochberg([one.test.p for one in tested if one.test]))
    strongest = found["strong"]
    assert strongest.test is not None
    assert strongest.p_holm == strongest.test.p  # alone in its set: the rare one was not tested
    assert strongest.ratio is not None
    assert strongest.ratio.lower > 1
    assert found["g0"].p_holm is None
    common = Limits(prevalence=0.5)
    (low,) = screen_markers(data, {"g0": chance["g0"]}, limits=common)
    assert low.why_not.endswith("% (at least 50 %)")


def test_restricted_means_are_compared() -> None:
    one, other = (kaplan_meier(sample(times, [1] * 4)) for times in ([2, 4, 6, 8], [4, 6, 8, 10]))
    first, second = restricted_mean(one, 10), restricted_mean(other, 10)
    found = compare_restricted_means(first, second)
    assert found.estimate == pytest.approx(2)
    assert found.std_err == pytest.approx(math.sqrt(2 * 5 / 4))  # each: variance 5 of the four times, over four
    assert found.lower < found.estimate < found.upper
    assert math.isnan(compare_restricted_means(restricted_mean(one, 1), restricted_mean(other, 1)).p)
    with pytest.raises(ValueError, match="restricted to 10 and 9"):
        compare_restricted_means(first, restricted_mean(other, 9))


def test_a_curve_with_delayed_entry_starts_when_enough_are_at_risk() -> None:
    data = sample([5, 20, 30, 40, 50], [1, 1, 1, 1, 0], [0, 1, 8, 10, 12])
    assert first_reliable_time(data, 2) == 1
    assert first_reliable_time(data, 3) == 10
    assert first_reliable_time(data, 1) == 0
    assert first_reliable_time(data, 9) is None
    later, kept = start_at(data, 10)
    assert list(kept) == [False, True, True, True, True]
    curve = kaplan_meier(later)
    assert list(curve.time) == [20, 30, 40, 50]
    assert list(curve.at_risk) == [4, 3, 2, 1]


def test_without_delayed_entry_a_curve_starts_at_once() -> None:
    assert first_reliable_time(sample([5, 6], [1, 1]), 2) == 0


def test_an_entry_that_follows_the_outcome_is_seen() -> None:
    random = np.random.default_rng(11)
    exit_ = np.ceil(random.exponential(100, 120)) + 1
    late = check_entry(sample(exit_, np.ones(120), np.floor(exit_ * 0.6)))
    assert late is not None
    assert late.kendall_tau > 0.3
    assert late.p < 1e-4
    assert late.cox.coef < 0
    chance = check_entry(sample(exit_ + 50, np.ones(120), np.floor(random.uniform(0, 50, 120))))
    assert chance is not None
    assert chance.p > 0.01
    assert check_entry(sample([3, 4], [1, 1])) is None
    assert check_entry(sample([3, 4], [1, 1], [0, 0])) is None


def test_the_test_of_entry_by_hand() -> None:
    # At 4 at risk: entries 0, 1, 2; the one with 1 has the event: one enters later, one earlier, sum 0; variance (4 + 0 + 4) / 3.
    # At 6: entries 0, 2, 5; the one with 0: two later, sum 2; variance 8/3. At 7: 2 and 5, that of 5: -1; variance 1. At 9 alone.
    found = check_entry(sample([6, 4, 9, 7], [1, 1, 1, 1], [0, 1, 2, 5]))
    assert found is not None
    assert found.z == pytest.approx((0 + 2 - 1 + 0) / math.sqrt(8 / 3 + 8 / 3 + 1))
    assert found.kendall_tau == pytest.approx(1 / (2 + 2 + 1))


def test_a_time_dependent_covariate_changes_after_the_day_it_happened() -> None:
    patients = [Followed(None, 10, True), Followed(4, 12, True), Followed(8, 8, True), Followed(0, 6, False)]
    data, after, place = time_dependent(patients)
    assert list(data.time) == [10, 4, 12, 8, 0, 6]
    assert list(data.entry) == [-1, -1, 4, -1, -1, 0]
    assert list(after) == [0, 0, 1, 0, 0, 1]
    assert list(place) == [0, 1, 1, 2, 3, 3]
    assert data.events == 3


def test_responders_have_no_advantage_left_once_their_waiting_is_counted_rightly() -> None:
    """Response comes at a fixed rate and changes nothing; grouped plainly, responders seem to live much longer."""
    random = np.random.default_rng(2)
    died, responded = np.ceil(random.exponential(300, 600)), np.ceil(random.exponential(200, 600))
    ever = (responded < died).astype(float)
    plain = fit_cox(sample(died, np.ones(600)), ever, ["response"]).terms[0]
    assert plain.hazard_ratio < 0.7
    data, after, _ = time_dependent(
        [Followed(float(r) if r < d else None, float(d), True) for d, r in zip(died, responded, strict=True)]
    )
    right = fit_cox(data, after, ["response"]).terms[0]
    assert right.lower < 1 < right.upper


@pytest.mark.parametrize("column", ["best_response", "Responder", "n_lines", "PCI", "ever.sequenced", "os_event"])
def test_a_group_known_only_later_is_refused(column: str) -> None:
    with pytest.raises(InputError, match="immortal time"):
        refuse_immortal_time(column, "use a landmark")


@pytest.mark.parametrize("column", ["arm", "stage_valg", "sex", "TP53", "ecog", "specimen", "baseline"])
def test_what_is_known_at_the_start_may_group(column: str) -> None:
    assert not known_late(column)
