"""Harrell's concordance of a score with survival, counted over all pairs that can be compared, in n log n steps."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from abstractor.outcomes.cox import split_strata
from abstractor.outcomes.survival import Floats, Ints, Mask, Sample

_DIGITS = 10  # scores that differ by rounding alone are one score


def concordance(data: Sample, score: npt.ArrayLike, strata: Sequence[str] | None = None) -> float | None:
    """The share of comparable pairs in which the higher score had the event first; equal scores count half.

    A pair is comparable when one has the event while the other is at risk and goes on longer (or is censored on that day). Strata
    are not compared with each other. None without a comparable pair.
    """
    values = np.asarray(score, dtype=float)
    largest = float(np.abs(values).max(initial=0.0)) or 1.0
    levels = np.unique(np.round(values / largest, _DIGITS), return_inverse=True)[1].reshape(-1).astype(np.int64)
    higher = equal = pairs = 0
    for inside in split_strata(data.n, strata):
        counts = _count(data.take(inside), levels[inside])
        higher, equal, pairs = (sum(two) for two in zip((higher, equal, pairs), counts, strict=True))
    return (higher + equal / 2.0) / pairs if pairs else None


def _count(data: Sample, level: Ints) -> tuple[int, int, int]:
    """Pairs with the higher score first, with equal scores, and all."""
    everybody = np.zeros(data.n, dtype=np.int64)
    # On one day events come first, so that who is censored that day counts as later; two events of one day are no pair.
    order = np.lexsort((~data.event, data.time))
    later = _ordered_pairs(everybody[order], level[order], data.event[order], everybody[order] == 0)
    died = np.flatnonzero(data.event)
    died = died[np.argsort(data.time[died], kind="stable")]
    day = np.unique(data.time[died], return_inverse=True)[1].reshape(-1).astype(np.int64)
    first = np.ones(died.size, dtype=bool)
    same = _ordered_pairs(day, level[died], first, first)
    # Within a day the order of events is arbitrary, and every pair of them was counted once: the same order here takes it off again.
    found = [one - other for one, other in zip(later, same, strict=True)]
    if data.delayed:
        place = np.concatenate((data.time[died], data.entry))
        asks = np.concatenate((first, np.zeros(data.n, dtype=bool)))
        both = np.lexsort((~asks, place))
        outside = _ordered_pairs(
            np.zeros(place.size, dtype=np.int64), np.concatenate((level[died], level))[both], asks[both], ~asks[both]
        )
        found = [one - other for one, other in zip(found, outside, strict=True)]
    return found[0], found[1], found[2]


def _ordered_pairs(group: Ints, level: Ints, asks: Mask, counts: Mask) -> tuple[int, int, int]:
    """Over pairs of one group where `asks` stands before `counts`: how many with the higher level first, equal levels, all.

    `group` ascends. Level by level of the binary digits: pairs that part at this digit are counted with running sums.
    """
    higher = 0
    prefix, rest = group, level
    every = _pairs_within(group, asks, counts)
    for bit in range(int(level.max(initial=0)).bit_length() - 1, -1, -1):
        digit = (rest >> bit) & 1
        higher += _pairs_within(prefix, asks & (digit == 1), counts & (digit == 0))
        prefix = (prefix << 1) | digit
        order = np.argsort(prefix, kind="stable")
        prefix, rest, asks, counts = prefix[order], rest[order], asks[order], counts[order]
        prefix = np.concatenate(([0], np.cumsum(np.diff(prefix) != 0))).astype(np.int64) if prefix.size else prefix
    return higher, _pairs_within(prefix, asks, counts), every


def _pairs_within(group: Ints, asks: Mask, counts: Mask) -> int:
    """Pairs of one group, the group being a run, where `asks` stands before `counts`."""
    if not group.size:
        return 0
    asked = np.cumsum(asks)
    starts = np.flatnonzero(np.concatenate(([True], group[1:] != group[:-1])))
    sizes = np.diff(np.append(starts, group.size))
    before: Ints = np.repeat((asked - asks)[starts], sizes)
    return int(((asked - asks - before) * counts).sum())


def linear_predictor(covariates: npt.ArrayLike, coefficients: Sequence[float]) -> Floats:
    """The score of each subject in a fitted model."""
    x = np.asarray(covariates, dtype=float)
    return np.asarray(x.reshape(x.shape[0], -1) @ np.asarray(coefficients, dtype=float), dtype=float)
