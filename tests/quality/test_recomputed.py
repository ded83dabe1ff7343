"""Every figure once more by other means: from its definition, by simulation, or with published numbers; and where it is not defined."""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from abstractor.quality.agreement import ac1, cohen_kappa, pabak, percent_agreement
from abstractor.quality.clusters import f1_by_patient, share_by_patient
from abstractor.quality.day_agreement import bland_altman, intraclass_correlation, within
from abstractor.quality.estimates import Audited, StratumSize, accept, is_even, share_right
from abstractor.quality.many_readers import fleiss_kappa, krippendorff_alpha, many_readers
from abstractor.quality.matching import Found, estimated_total, recall
from abstractor.quality.plans import allowed_errors, plan
from abstractor.quality.settings import FieldClass

PLAIN = np.array([[40, 5], [3, 52]])
CRITICAL = FieldClass(error_limit=0.02, plan_limit=0.05, confidence=0.95, counted=("minor", "major"))


def test_kappa_and_its_interval_follow_their_definition() -> None:
    """Standard error: Fleiss, Cohen and Everitt (1969), cell by cell."""
    shares = PLAIN / 100
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    po, pe = np.trace(shares), (rows * columns).sum()
    kappa = (po - pe) / (1 - pe)
    a = sum(shares[i, i] * (1 - (rows[i] + columns[i]) * (1 - kappa)) ** 2 for i in range(2))
    b = (1 - kappa) ** 2 * sum(shares[i, j] * (columns[i] + rows[j]) ** 2 for i in range(2) for j in range(2) if i != j)
    error = math.sqrt((a + b - (kappa - pe * (1 - kappa)) ** 2) / (100 * (1 - pe) ** 2))
    found = cohen_kappa(PLAIN)
    assert found.value == pytest.approx(kappa)
    assert (found.lower, found.upper) == pytest.approx((kappa - 1.959964 * error, kappa + 1.959964 * error), abs=1e-6)


@pytest.mark.parametrize("table", [[[0, 0], [1, 2]], [[1, 0], [3, 0]], [[0, 1], [0, 3]], [[5, 0], [0, 5]]])
def test_a_kappa_without_spread_has_no_interval(table: Sequence[Sequence[int]]) -> None:
    found = cohen_kappa(np.array(table))
    assert found.value is not None
    assert found.lower is None


def test_the_interval_of_ac1_is_about_what_drawing_the_pairs_anew_gives() -> None:
    random = np.random.default_rng(2)
    table = np.array([[30, 4, 1], [3, 40, 6], [0, 2, 14]])
    drawn = (ac1(random.multinomial(100, table.ravel() / 100).reshape(3, 3)).value for _ in range(4000))
    draws = [one for one in drawn if one is not None]
    found = ac1(table)
    assert (found.lower, found.upper) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.015)


def test_shares_have_the_interval_of_another_implementation() -> None:
    told = binomtest(92, 100).proportion_ci(0.95, "exact")
    for found in (percent_agreement(PLAIN), recall(92, 8), within([0] * 92 + [9] * 8, 7)):
        assert (found.value, found.lower, found.upper) == pytest.approx((0.92, told.low, told.high))
    adjusted = pabak(PLAIN)
    assert (adjusted.value, adjusted.lower, adjusted.upper) == pytest.approx(
        (0.84, 2 * told.low - 1, 2 * told.high - 1)
    )


def test_alpha_is_one_less_the_disagreement_of_pairs() -> None:
    """Counted pair by pair, in fractions; three readers with gaps."""
    items = [(1, 1, 2), (2, 2), (3, 3, 3), (1, 3), (2,), (1, 1, 1)]
    paired = [one for one in items if len(one) > 1]
    values = [value for one in paired for value in one]
    observed = sum(Fraction(2 * (a != b), len(one) - 1) for one in paired for a, b in combinations(one, 2)) / len(
        values
    )
    expected = Fraction(2 * sum(a != b for a, b in combinations(values, 2)), len(values) * (len(values) - 1))
    columns = [[*one, *[None] * (3 - len(one))] for one in items]
    assert krippendorff_alpha(list(zip(*columns, strict=True))) == pytest.approx(float(1 - observed / expected))


def test_the_intraclass_correlation_is_that_of_shrout_and_fleiss() -> None:
    """Their six targets and four judges: ICC(2,1) 0.29, interval 0.02 to 0.76 (Shrout and Fleiss 1979; R psych)."""
    ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found = intraclass_correlation(ratings)
    assert (found.value, found.lower, found.upper) == pytest.approx((0.29, 0.019, 0.76), abs=0.005)


def test_limits_of_agreement_are_the_mean_and_two_spreads() -> None:
    days = [0.0, 3.0, -2.0, 10.0, 1.0]
    mean, spread = 2.4, math.sqrt(sum((one - 2.4) ** 2 for one in days) / 4)
    found = bland_altman(days)
    assert found is not None
    assert (found.bias, found.low, found.high) == pytest.approx(
        (mean, mean - 1.96 * spread, mean + 1.96 * spread), abs=1e-3
    )
    assert found.bias_upper == pytest.approx(mean + 2.776445 * spread / math.sqrt(5))  # t with 4 degrees of freedom


def test_capture_and_recapture_follow_chapman() -> None:
    found = estimated_total(Found(both=50, first_only=10, second_only=20))
    assert found.value == pytest.approx(61 * 71 / 51 - 1)
    assert found.lower is not None
    assert 80 <= found.lower < 61 * 71 / 51 - 1


def test_where_nothing_can_be_said_nothing_is_said() -> None:
    empty = np.zeros((2, 2), dtype=int)
    assert all(figure(empty).value is None for figure in (percent_agreement, cohen_kappa, pabak, ac1))
    assert cohen_kappa(np.array([[7, 0], [0, 0]])).value is None  # one category: no chance to compare with
    assert krippendorff_alpha([[1, 1], [1, 1]]) is None
    assert krippendorff_alpha([[1, None], [None, 2]]) is None
    assert fleiss_kappa([[3, 0], [3, 0]]) is None
    assert intraclass_correlation([[4, 4], [4, 4]]).value is None
    assert intraclass_correlation([[4, 4]]).value is None
    assert bland_altman([3.0]) is None
    assert within([], 7).value is None
    assert recall(0, 0).value is None
    assert estimated_total(Found(0, 3, 4)).value is None
    assert share_right([], {}).value is None
    assert share_by_patient([(0, 0)]).value is None
    assert many_readers("stage.valg", []).alpha.value is None


def test_fleiss_is_refused_where_readings_are_missing() -> None:
    with pytest.raises(ValueError, match="same number"):
        fleiss_kappa([[3, 0], [1, 1]])


def test_more_than_two_readers_agree_in_part() -> None:
    """Ten patients read by three, ten by two; every fifth reading differs."""
    answers = [["limited", "limited", "extensive" if place % 5 == 0 else "limited"] for place in range(5)]
    answers += [["extensive"] * 3] * 5 + [["limited", "limited"]] * 5 + [["extensive", "extensive"]] * 5
    found = many_readers("stage.valg", answers, seed=1)
    assert (found.patients, found.most_readers) == (20, 3)
    for one, n in ((found.alpha, 20), (found.fleiss, 10)):
        assert one.value is not None
        assert one.lower is not None
        assert one.lower < one.value < 1
        assert one.n == n


def test_no_disagreement_in_few_patients_is_no_proof_of_agreement() -> None:
    found = f1_by_patient([(7, 7)] * 4)
    assert (found.value, found.upper) == (1.0, 1.0)
    assert found.lower is not None
    assert found.lower < 0.6  # four patients, however many facts


@pytest.mark.parametrize(
    ("rate", "together", "patients", "least"),
    [(0.92, 0.0, 40, 0.93), (0.995, 0.0, 120, 0.93), (0.9, 0.3, 120, 0.92), (0.97, 0.5, 120, 0.90)],
)
def test_intervals_of_shares_cover_also_where_errors_come_by_patient(
    rate: float, together: float, patients: int, least: float
) -> None:
    """`together`: correlation within a patient. An interval for independent facts covers in only 64 to 74 of 100 such draws."""
    random = np.random.default_rng(9)
    covered, runs = 0, 300
    for _ in range(runs):
        trials = random.integers(1, 14, patients)
        odds = (1 - together) / together if together else 0.0
        rates = random.beta(rate * odds, (1 - rate) * odds, patients) if together else np.full(patients, rate)
        found = share_by_patient(list(zip(random.binomial(trials, rates).tolist(), trials.tolist(), strict=True)))
        assert found.lower is not None
        assert found.upper is not None
        covered += found.lower <= rate <= found.upper
    assert covered / runs >= least


def test_plans_are_the_smallest_that_keep_their_word() -> None:
    for errors in range(6):
        one = plan(0.05, 0.95, errors)
        assert binom.cdf(errors, one.n, 0.05) <= 0.05 < binom.cdf(errors, one.n - 1, 0.05)
        assert allowed_errors(one.n, 0.05, 0.95) == errors
    assert allowed_errors(0, 0.05, 0.95) is None


def test_what_was_audited_in_full_does_not_pass_for_what_was_not() -> None:
    """1000 conflicts, all audited and right; 1000 others of which every fifth is wrong: a tenth of the field, and a plan for plain samples allows 41."""
    taken = [Audited("all", True)] * 1000 + [Audited("drawn", place % 5 != 0) for place in range(59)]
    sizes = {"all": StratumSize(1000, 1000), "drawn": StratumSize(1000, 59)}
    assert allowed_errors(1059, 0.05, 0.95) == 41
    assert not is_even(sizes.values())
    verdict = accept(1059, 12, 1059, 2000, CRITICAL, share_right(taken, sizes, 0.9))
    assert verdict.verdict == "failed"


@pytest.mark.parametrize(("wrong", "verdict"), [(0, "accepted"), (6, "failed")])
def test_a_weighted_sample_is_judged_by_its_weighted_share(wrong: int, verdict: str) -> None:
    taken = [Audited("all", True)] * 40 + [Audited("drawn", place >= wrong) for place in range(90)]
    sizes = {"all": StratumSize(40, 40), "drawn": StratumSize(2000, 90)}
    assert accept(130, wrong, 130, 2040, CRITICAL, share_right(taken, sizes, 0.9)).verdict == verdict
    assert accept(100, wrong, 130, 2040, CRITICAL, share_right(taken, sizes, 0.9)).verdict == "open"


def test_a_bad_field_seldom_passes_a_weighted_audit() -> None:
    """At the limit itself (5 % wrong) no more than about 5 % of the audits may pass."""
    random = np.random.default_rng(5)
    sizes = {"all": StratumSize(200, 200), "drawn": StratumSize(2000, 93)}
    drawn = random.binomial(93, 0.055, 400)  # 0 of 200 and 5.5 % of 2000: 5 % of all
    passed = 0
    for wrong in drawn:
        taken = [Audited("all", True)] * 200 + [Audited("drawn", place >= wrong) for place in range(93)]
        passed += accept(293, int(wrong), 293, 2200, CRITICAL, share_right(taken, sizes, 0.9)).verdict == "accepted"
    assert passed / 400 <= 0.07
