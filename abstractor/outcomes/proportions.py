"""Intervals of a proportion, two proportions compared, and corrections of p values for several tests. Pure numbers."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, chdtrc, gammaln, ndtri


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
        lowest = min(lowest, max(p_values[place], p_values[place] * len(p_values) / (len(p_values) - rank)))
        adjusted[place] = lowest
    return tuple(adjusted)


@dataclass(frozen=True, slots=True)
class TwoProportions:
    """Two shares compared: Fisher's exact test, and the difference with Wald's interval."""

    fisher_p: float
    odds_ratio: float
    """The conditional estimate, as R's `fisher.test` gives it; infinite where a cell is empty."""
    odds_lower: float
    odds_upper: float
    chi_square: float
    """Without continuity correction; nan where nobody or everybody has it."""
    chi_square_p: float
    difference: float
    difference_lower: float
    difference_upper: float


def compare_proportions(x1: int, n1: int, x2: int, n2: int, conf_level: float = 0.95) -> TwoProportions:
    """Compares x1 of n1 with x2 of n2.

    The conditional odds ratio and its limits are solved for to 1e-12; R stops about 1e-4 short of them.

    Raises:
        ValueError: a count is impossible, or a group empty.
    """
    if not (0 <= x1 <= n1 and 0 <= x2 <= n2 and n1 and n2):
        raise ValueError(f"{x1} of {n1} and {x2} of {n2} can't be compared")
    table = _Margins(n1, n2, x1 + x2)
    tail = (1.0 - conf_level) / 2.0
    p1, p2, pooled = x1 / n1, x2 / n2, (x1 + x2) / (n1 + n2)
    half = float(ndtri(1.0 - tail)) * math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    spread = pooled * (1 - pooled) * (1 / n1 + 1 / n2)
    chi_square = (p1 - p2) ** 2 / spread if spread > 0 else math.nan
    return TwoProportions(
        fisher_p=table.two_sided(x1),
        odds_ratio=table.solve(table.mean, x1, 0.0 if x1 == table.least else math.inf if x1 == table.most else None),
        odds_lower=table.solve(lambda log: table.above(x1, log), tail, 0.0 if x1 == table.least else None),
        odds_upper=table.solve(lambda log: -table.below(x1, log), -tail, math.inf if x1 == table.most else None),
        chi_square=chi_square,
        chi_square_p=math.nan if math.isnan(chi_square) else float(chdtrc(1, chi_square)),
        difference=p1 - p2,
        difference_lower=max(p1 - p2 - half, -1.0),
        difference_upper=min(p1 - p2 + half, 1.0),
    )


class _Margins:
    """The distribution of x1 when the margins of a fourfold table are given, for any odds ratio (by its logarithm)."""

    def __init__(self, n1: int, n2: int, hits: int) -> None:
        self.least, self.most = max(0, hits - n2), min(n1, hits)
        self._counts = np.arange(self.least, self.most + 1)
        self._log_weights = (
            -gammaln(self._counts + 1)
            - gammaln(n1 - self._counts + 1)
            - gammaln(hits - self._counts + 1)
            - gammaln(n2 - hits + self._counts + 1)
        )

    def _chances(self, log_odds: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        logs = self._log_weights + self._counts * log_odds
        chances = np.exp(logs - logs.max())
        return np.asarray(chances / chances.sum())

    def mean(self, log_odds: float) -> float:
        return float((self._counts * self._chances(log_odds)).sum())

    def above(self, x: int, log_odds: float) -> float:
        return float(self._chances(log_odds)[self._counts >= x].sum())

    def below(self, x: int, log_odds: float) -> float:
        return float(self._chances(log_odds)[self._counts <= x].sum())

    def two_sided(self, x: int) -> float:
        chances = self._chances(0.0)
        return min(1.0, float(chances[chances <= chances[x - self.least] * (1.0 + 1e-7)].sum()))

    def solve(self, rising: Callable[[float], float], wanted: float, known: float | None) -> float:
        """The odds ratio at which a rising function of its logarithm takes a value, unless it is known."""
        if known is not None:
            return known
        low, high = -1.0, 1.0
        while rising(low) > wanted:
            low *= 2.0
        while rising(high) < wanted:
            high *= 2.0
        for _ in range(200):
            middle = (low + high) / 2.0
            low, high = (middle, high) if rising(middle) < wanted else (low, middle)
        return math.exp((low + high) / 2.0)
