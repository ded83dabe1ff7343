"""Intervals of a proportion, and corrections of p values for several tests. Pure numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import betaincinv, ndtri


@dataclass(frozen=True, slots=True)
class Proportion:
    """x of n with the exact (Clopper–Pearson) and the Wilson score interval; all None where n is 0."""

    x: int
    n: int
    estimate: float | None
    lower: float | None
    upper: float | None
    wilson_lower: float | None
    wilson_upper: float | None
    conf_level: float


def proportion(x: int, n: int, conf_level: float = 0.95) -> Proportion:
    """The share x/n with both intervals.

    Raises:
        ValueError: x is negative or more than n.
    """
    if not 0 <= x <= n:
        raise ValueError(f"{x} of {n} is no proportion")
    if n == 0:
        return Proportion(0, 0, None, None, None, None, None, conf_level)
    return Proportion(x, n, x / n, *clopper_pearson(x, n, conf_level), *wilson(x, n, conf_level), conf_level)


def clopper_pearson(x: int, n: int, conf_level: float = 0.95) -> tuple[float, float]:
    """The exact interval: beta quantiles, with 0 below x = 0 and 1 above x = n."""
    tail = (1.0 - conf_level) / 2.0
    lower = 0.0 if x == 0 else float(betaincinv(x, n - x + 1, tail))
    upper = 1.0 if x == n else float(betaincinv(x + 1, n - x, 1.0 - tail))
    return lower, upper


def wilson(x: int, n: int, conf_level: float = 0.95) -> tuple[float, float]:
    """The score interval without continuity correction."""
    z = float(ndtri(0.5 + conf_level / 2.0))
    p = x / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (0.0 if x == 0 else max(centre - half, 0.0)), (1.0 if x == n else min(centre + half, 1.0))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjusted p values, in the order given."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return tuple(adjusted)


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Benjamini–Hochberg adjusted p values (q values), in the order given."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place], reverse=True)
    adjusted = [0.0] * len(p_values)
    lowest = 1.0
    for rank, place in enumerate(order):
        lowest = min(lowest, p_values[place] * len(p_values) / (len(p_values) - rank))
        adjusted[place] = lowest
    return tuple(adjusted)
