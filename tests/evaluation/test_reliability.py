"""Whether a confidence means what it says."""

import pytest

from abstractor.evaluation.reliability import reliability, reliability_table


def test_what_is_right_as_often_as_stated_has_no_error() -> None:
    found = reliability([(0.75, True)] * 3 + [(0.75, False)])
    assert found.ece == pytest.approx(0.0)
    assert found.brier == pytest.approx((3 * 0.25**2 + 0.75**2) / 4)


def test_the_error_is_the_mean_distance_weighted_by_facts() -> None:
    found = reliability([(0.95, True)] * 6 + [(0.55, False)] * 2)
    assert [(one.facts, one.observed) for one in found.bins] == [(2, 0.0), (6, 1.0)]
    assert found.ece == pytest.approx((6 * 0.05 + 2 * 0.55) / 8)


def test_certainty_falls_into_the_last_bin() -> None:
    [one] = reliability([(1.0, True)]).bins
    assert (one.lower, one.upper) == (0.9, 1.0)


def test_no_facts_are_no_error() -> None:
    assert (reliability([]).ece, reliability([]).bins) == (0.0, ())


def test_the_table_tells_every_bin_and_the_figures() -> None:
    told = reliability_table(reliability([(0.95, True), (0.35, False)]))
    assert "0.3 to 0.4" in told
    assert "2 facts found; expected calibration error 0.200" in told
    assert max(map(len, told.splitlines())) <= 80
