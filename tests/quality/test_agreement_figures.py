"""Agreement statistics against numbers that were worked out elsewhere: the specification's fixtures (DOMAIN §6.2) and published examples."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abstractor.quality.agreement import (
    ac1,
    cohen_kappa,
    cross_table,
    pabak,
    percent_agreement,
    specific_agreement,
)
from abstractor.quality.day_agreement import bland_altman, days_apart, intraclass_correlation, middle, within
from abstractor.quality.many_readers import Level, fleiss_kappa, krippendorff_alpha
from abstractor.quality.matching import Found, estimated_total, match_events, recall
from abstractor.quality.plans import Plan, allowed_errors, chance_to_pass, plan, size_for_interval
from abstractor.quality.resampling import by_patient

USUAL = np.array([[40, 5], [3, 52]])
RARE = np.array([[1, 3], [3, 93]])
ORDERED = np.array([[8, 2, 0, 0], [1, 30, 4, 0], [0, 3, 20, 2], [0, 0, 2, 28]])
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
"""Six subjects and four judges (Shrout and Fleiss, Psychological Bulletin 1979, table 2)."""


def test_the_usual_table_gives_the_numbers_of_the_specification() -> None:
    assert percent_agreement(USUAL).value == pytest.approx(0.92)
    assert cohen_kappa(USUAL).value == pytest.approx(0.8377, abs=5e-5)
    assert pabak(USUAL).value == pytest.approx(0.84)
    assert ac1(USUAL).value == pytest.approx(0.8423, abs=5e-5)
    specific = specific_agreement(USUAL)
    assert specific.positive == pytest.approx(0.9091, abs=5e-5)
    assert specific.negative == pytest.approx(0.9286, abs=5e-5)


def test_where_one_answer_is_rare_kappa_falls_and_the_others_tell_why() -> None:
    assert percent_agreement(RARE).value == pytest.approx(0.94)
    assert cohen_kappa(RARE).value == pytest.approx(0.2187, abs=1e-4)
    assert pabak(RARE).value == pytest.approx(0.88)
    assert ac1(RARE).value == pytest.approx(0.935, abs=5e-5)
    specific = specific_agreement(RARE)
    assert specific.prevalence_index == pytest.approx(0.92)
    assert specific.positive == pytest.approx(0.25)


def test_weighted_kappa_of_ordered_responses() -> None:
    assert cohen_kappa(ORDERED).value == pytest.approx(0.8038, abs=5e-5)
    assert cohen_kappa(ORDERED, "linear").value == pytest.approx(0.8711, abs=5e-5)
    assert cohen_kappa(ORDERED, "quadratic").value == pytest.approx(0.9280, abs=5e-5)


def test_fleiss_kappa_of_three_readers() -> None:
    counts = [(3, 0, 0), (2, 1, 0), (0, 3, 0), (0, 2, 1), (0, 0, 3), (3, 0, 0), (1, 1, 1), (0, 3, 0)]
    assert fleiss_kappa(counts) == pytest.approx(0.5459, abs=5e-5)


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.7434), ("ordinal", 0.8154), ("interval", 0.8491)])
def test_krippendorffs_own_example_with_its_gaps(level: Level, alpha: float) -> None:
    n = None
    readings = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, n, n, n],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, n, 3],
        [n, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, n],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, n],
    ]
    assert krippendorff_alpha(readings, level) == pytest.approx(alpha, abs=5e-5)


def test_readers_who_only_ever_say_one_thing_have_no_kappa() -> None:
    assert cohen_kappa(np.array([[10, 0], [0, 0]])).value is None
    assert fleiss_kappa([(3, 0), (3, 0)]) is None
    assert krippendorff_alpha([[1, 1], [1, 1]]) is None


def test_a_value_outside_the_categories_is_refused() -> None:
    with pytest.raises(ValueError, match="categories"):
        cross_table([("PR", "XX")], ["CR", "PR"])


def test_the_intraclass_correlation_of_shrout_and_fleiss() -> None:
    found = intraclass_correlation(SHROUT_FLEISS)
    assert found.value == pytest.approx(0.2898, abs=5e-5)
    assert (found.lower, found.upper) == pytest.approx((0.0188, 0.7611), abs=5e-5)  # R, psych::ICC


def test_bland_altman_limits_by_hand() -> None:
    # differences 0, 2, 4: mean 2, standard deviation 2
    found = bland_altman([0, 2, 4])
    assert found is not None
    assert (found.bias, found.low, found.high) == pytest.approx((2, 2 - 3.919928, 2 + 3.919928))


def test_partial_dates_are_as_far_apart_as_they_must_be() -> None:
    assert days_apart("2021-03", "2021-03-20") == 0
    assert days_apart("2021-03-31", "2021-04-02") == 2
    assert days_apart("2022", "2021-12-30") == 2
    assert str(middle("2021-02")) == "2021-02-14"
    assert within([0, 3, 9, 40], 7).value == 0.5


def test_events_are_matched_one_to_one_with_the_fewest_days_in_all() -> None:
    def apart(one: int, other: int) -> int | None:
        return abs(one - other) if abs(one - other) <= 30 else None

    # the nearest for the first alone (20 and 25) would leave 0 and 45 unmatched
    assert match_events([20, 0], [25, 45], apart) == [(0, 1), (1, 0)]
    assert match_events([0], [100], apart) == []


def test_f1_and_capture_recapture_by_hand() -> None:
    counts = Found(both=40, first_only=10, second_only=5)
    assert counts.f1 == pytest.approx(80 / 95)
    total = estimated_total(counts)
    assert total.value == pytest.approx(51 * 46 / 41 - 1)
    assert total.lower is not None
    assert total.lower >= 55
    assert recall(40, 5).value == pytest.approx(40 / 45)
    assert estimated_total(Found(0, 3, 3)).value is None


def test_acceptance_plans_are_those_of_the_specification() -> None:
    plans = [plan(0.05, 0.95, errors) for errors in range(6)]
    assert plans == [Plan(59, 0), Plan(93, 1), Plan(124, 2), Plan(153, 3), Plan(181, 4), Plan(208, 5)]
    assert [round(100 * chance_to_pass(one, 0.01)) for one in plans] == [55, 76, 87, 93, 96, 98]
    assert [plan(limit, 0.95, 0).n for limit in (0.10, 0.05, 0.03, 0.02, 0.01)] == [29, 59, 99, 149, 299]
    assert [allowed_errors(n, 0.05, 0.95) for n in (58, 59, 92, 93)] == [None, 0, 0, 1]


def test_sizes_for_an_interval_are_those_of_the_specification() -> None:
    assert [size_for_interval(*one) for one in ((0.90, 0.05), (0.95, 0.03), (0.95, 0.02))] == [139, 203, 457]


def test_the_bootstrap_draws_patients_and_repeats_itself() -> None:
    def mean(rows: Sequence[int]) -> float:
        return sum(rows) / len(rows)

    values = list(range(20))
    once, again = by_patient(values, mean, seed=5), by_patient(values, mean, seed=5)
    assert once == again
    assert once.lower is not None
    assert once.upper is not None
    assert once.lower < 9.5 < once.upper
    assert by_patient([1], mean).lower is None


@given(st.lists(st.lists(st.integers(0, 30), min_size=2, max_size=2), min_size=2, max_size=2))
def test_all_figures_of_any_table_lie_where_they_may(rows: list[list[int]]) -> None:
    table = np.array(rows)
    for one in (percent_agreement(table), cohen_kappa(table), pabak(table), ac1(table)):
        if one.value is not None:
            assert -1 - 1e-9 <= one.value <= 1 + 1e-9
            assert one.lower is None or one.lower - 1e-9 <= one.value <= (one.upper or 0) + 1e-9


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2, max_size=40))
def test_it_does_not_matter_who_is_called_first(pairs: list[tuple[str, str]]) -> None:
    table, turned = cross_table(pairs, "abc"), cross_table([(b, a) for a, b in pairs], "abc")
    for figure in (cohen_kappa, pabak, ac1):
        one, other = figure(table).value, figure(turned).value
        assert (one is None) == (other is None)
        assert one is None or one == pytest.approx(other)
