"""Curves for others: each step stands for several events, so that none tells of one patient's day."""

from dataclasses import replace

import numpy as np

from abstractor.outcomes.cohort import Analysis, EndpointResult, GroupSurvival
from abstractor.outcomes.survival import Ints, Sample

_QUARTER = 91.3125  # days


def share_curves(analysis: Analysis, least: int) -> Analysis:
    """The same analysis with the curves of every endpoint made coarse; only for drawing."""
    return replace(analysis, endpoints=tuple(_endpoint(one, least) for one in analysis.endpoints))


def _endpoint(result: EndpointResult, least: int) -> EndpointResult:
    groups = tuple(coarse(one, least) for one in result.groups)
    return replace(result, overall=coarse(result.overall, least), groups=groups)


def coarse(group: GroupSurvival, least: int) -> GroupSurvival:
    """The curve at those of its times only between which nobody or at least `least` had the event, and left, alike.

    S and its limits are the exact ones at these times. The times of the sample are moved to the step they belong to, those behind the last one
    to the end of its quarter. With delayed entry numbers at risk rise again, which this does not cover: such a curve is left empty.
    """
    curve = group.curve
    kept = np.array([], dtype=int) if group.sample.delayed else _block_ends(curve.events, curve.censored, least)
    ends = curve.time[kept]
    first = np.concatenate(([0], kept[:-1] + 1)) if kept.size else kept
    shown = replace(
        curve,
        time=ends,
        at_risk=curve.at_risk[first],
        events=_sums(curve.events, kept),
        censored=_sums(curve.censored, kept),
        survival=curve.survival[kept],
        std_err=curve.std_err[kept],
        lower=curve.lower[kept],
        upper=curve.upper[kept],
    )
    last = np.ceil(curve.last / _QUARTER) * _QUARTER if curve.time.size else 0.0
    place = np.searchsorted(ends, group.sample.time, side="left")
    time = np.append(ends, last)[place]
    sample = Sample(time, group.sample.event, group.sample.entry, group.sample.delayed)
    return replace(group, curve=shown, sample=sample)


def _block_ends(events: Ints, censored: Ints, least: int) -> Ints:
    """Places of the times at which enough have ended since the one before."""
    found = []
    had = left = 0
    for place, (more, gone) in enumerate(zip(events, censored, strict=True)):
        had, left = had + int(more), left + int(gone)
        if had + left and all(one == 0 or one >= least for one in (had, left)):
            found.append(place)
            had = left = 0
    return np.array(found, dtype=int)


def _sums(counts: Ints, kept: Ints) -> Ints:
    """Of each block the sum."""
    totals: Ints = np.diff(np.concatenate(([0], np.cumsum(counts)[kept]))) if kept.size else counts[:0]
    return totals
