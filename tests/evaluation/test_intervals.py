"""Intervals of proportions and of F1."""

import pytest

from abstractor.evaluation.intervals import exact_interval, f1_interval, f1_intervals
from abstractor.evaluation.scores import Counts


@pytest.mark.parametrize(
    ("hits", "trials", "lower", "upper"),
    [  # R 4.3: binom.test(hits, trials)$conf.int
        (9, 10, 0.5549839, 0.9974714),
        (0, 5, 0.0, 0.5218238),
        (5, 5, 0.4781762, 1.0),
        (50, 100, 0.3983211, 0.6016789),
    ],
)
def test_the_exact_interval_is_clopper_and_pearsons(hits: int, trials: int, lower: float, upper: float) -> None:
    assert exact_interval(hits, trials) == pytest.approx((lower, upper), abs=1e-6)


def test_without_trials_there_is_no_interval() -> None:
    assert exact_interval(0, 0) is None


def test_the_interval_of_f1_holds_f1_and_is_the_same_every_time() -> None:
    notes = [Counts(8, 1, 1), Counts(5, 0, 2), Counts(3, 2, 0), Counts(0, 0, 0)]
    found = f1_interval(notes)
    assert found is not None
    assert found[0] < 2 * 16 / (2 * 16 + 3 + 3) < found[1]
    assert found == f1_interval(notes)


def test_many_notes_that_agree_make_a_narrower_interval_than_few() -> None:
    few = [Counts(3, 1, 0), Counts(2, 0, 1)] * 3
    one, two = f1_interval(few), f1_interval(few * 20)
    assert one is not None
    assert two is not None
    assert two[1] - two[0] < one[1] - one[0]


def test_where_nothing_went_wrong_drawing_anew_tells_nothing() -> None:
    assert f1_interval([Counts(3, 0, 0), Counts(4, 0, 0)]) is None
    assert f1_interval([Counts(3, 1, 0)]) is None


def test_intervals_are_given_by_field_and_over_all() -> None:
    notes = {"n1": {"ecog": Counts(1, 0, 0), "response": Counts(0, 1, 0)}, "n2": {"ecog": Counts(0, 1, 1)}}
    assert set(f1_intervals(notes)) == {"ecog", "micro"}
