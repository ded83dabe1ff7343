"""Agreement of two readers on dates and other measures: within so many days, Bland–Altman, intraclass correlation.

The intraclass correlation is computed here from its analysis of variance (Shrout and Fleiss 1979; limits of McGraw and Wong 1996): the
library that offers it does not run with our numpy.
"""

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import f, t

from abstractor.model.dates import PartialDate
from abstractor.outcomes.proportions import clopper_pearson
from abstractor.quality.agreement import Estimate


def days_apart(first: str, second: str) -> int:
    """The least number of days between two partial dates: 0 where both may mean the same day.

    Raises:
        ValueError: one of them is no date.
    """
    one, other = PartialDate.parse(first), PartialDate.parse(second)
    early, late = (one, other) if one.first <= other.first else (other, one)
    return max((late.first - early.last).days, 0)


def middle(text: str) -> datetime.date:
    """The day in the middle of what a partial date may mean.

    Raises:
        ValueError: it is no date.
    """
    date = PartialDate.parse(text)
    return date.first + (date.last - date.first) // 2


def within(apart: Sequence[int], days: int, level: float = 0.95) -> Estimate:
    """The share of pairs no further apart than `days`; exact interval."""
    n = len(apart)
    if not n:
        return Estimate(None)
    near = sum(abs(one) <= days for one in apart)
    lower, upper = clopper_pearson(near, n, level)
    return Estimate(near / n, lower, upper, n, "exact (Clopper–Pearson)")


@dataclass(frozen=True, slots=True)
class BlandAltman:
    """Differences of the second reader from the first."""

    n: int
    bias: float
    """The mean difference, with its interval (t)."""
    bias_lower: float
    bias_upper: float
    low: float
    """Limits of agreement: about 95 of 100 differences lie between them, if they are normally distributed."""
    high: float


def bland_altman(differences: Sequence[float], level: float = 0.95) -> BlandAltman | None:
    """None with fewer than two differences."""
    n = len(differences)
    if n < 2:
        return None
    values = np.asarray(differences, dtype=float)
    bias, spread = float(values.mean()), float(values.std(ddof=1))
    half = float(t.ppf((1 + level) / 2, n - 1)) * spread / math.sqrt(n)
    return BlandAltman(n, bias, bias - half, bias + half, bias - 1.959964 * spread, bias + 1.959964 * spread)


def intraclass_correlation(ratings: npt.ArrayLike, level: float = 0.95) -> Estimate:
    """ICC(2,1): absolute agreement of single readings, readers taken as a sample of readers.

    Args:
        ratings: a row a subject, a column a reader; no gaps.
        level: of the interval.
    """
    table = np.asarray(ratings, dtype=float)
    n, k = table.shape if table.ndim == 2 else (0, 0)
    if n < 2 or k < 2:
        return Estimate(None, n=n)
    mean = table.mean()
    rows = k * float(((table.mean(axis=1) - mean) ** 2).sum()) / (n - 1)
    columns = n * float(((table.mean(axis=0) - mean) ** 2).sum()) / (k - 1)
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0, keepdims=True) + mean
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    whole = rows + (k - 1) * error + k * (columns - error) / n
    if whole <= 0:
        return Estimate(None, n=n)
    value = (rows - error) / whole
    if error <= 0 or value >= 1:
        return Estimate(value, n=n)
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * columns + b * error) ** 2 / ((a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
    tail = (1 + level) / 2
    down, up = float(f.ppf(tail, n - 1, freedom)), float(f.ppf(tail, freedom, n - 1))
    share = k * columns + (k * n - k - n) * error
    lower = n * (rows - down * error) / (down * share + n * rows)
    upper = n * (up * rows - error) / (share + n * up * rows)
    return Estimate(value, lower, upper, n, "F (McGraw and Wong)")
