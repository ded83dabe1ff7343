"""Curves for others: no step, no number at risk tells of fewer than the limit."""

from itertools import pairwise

import numpy as np

from abstractor.outcomes.cohort import survive
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.shared_curves import coarse
from abstractor.outcomes.survival import count_at_risk
from abstractor.outcomes.timing import TimeToEvent


def row(days: int, *, event: bool) -> TimeToEvent:
    import datetime

    start = datetime.date(2021, 1, 1)
    return TimeToEvent("os", start, start + datetime.timedelta(days=days), days, event, "death" if event else "alive")


def group_of(n: int):  # type: ignore[no-untyped-def]
    rows = {f"p{place}": row(10 * place + 5, event=place % 3 > 0) for place in range(n)}
    return survive("all", rows, Protocol())


def test_each_step_stands_for_enough_events_and_enough_who_left() -> None:
    exact = group_of(60)
    found = coarse(exact, 5)
    assert found.curve.time.size > 1
    for events, censored in zip(found.curve.events, found.curve.censored, strict=True):
        assert events == 0 or events >= 5
        assert censored == 0 or censored >= 5


def test_the_height_of_the_curve_is_exact_where_it_is_shown() -> None:
    exact = group_of(60)
    found = coarse(exact, 5)
    by_day = dict(zip(exact.curve.time, exact.curve.survival, strict=True))
    assert [by_day[day] for day in found.curve.time] == list(found.curve.survival)


def test_numbers_at_risk_differ_by_none_or_enough() -> None:
    found = coarse(group_of(60), 5)
    at_risk = [count_at_risk(found.shown, day) for day in np.arange(0, found.curve.time[-1], 30)]
    gaps = [before - after for before, after in pairwise(at_risk)]
    assert all(gap == 0 or gap >= 5 for gap in gaps)


def test_a_group_too_small_for_one_step_has_no_curve() -> None:
    assert coarse(group_of(4), 5).curve.time.size == 0


def test_with_delayed_entry_there_is_no_curve() -> None:
    rows = {f"p{place}": row(10 * place + 50, event=True) for place in range(30)}
    late = {
        name: TimeToEvent(**{**{field: getattr(one, field) for field in one.__slots__}, "entry_days": 7})
        for name, one in rows.items()
    }
    assert coarse(survive("all", late, Protocol()), 5).curve.time.size == 0
