"""Agreement of two readers on categories: percent, Cohen's kappa, PABAK, AC1, weighted kappa, specific agreement.

Kappa and its standard error are statsmodels' (`cohens_kappa`). PABAK and AC1 are short formulas that no kept library offers under a
licence and with requirements that fit here (docs/decisions/0013-quality.md); they are held to published numbers in the tests.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from abstractor.outcomes.proportions import clopper_pearson

Counts = npt.NDArray[np.int64]
Weights = Literal["linear", "quadratic"]

_NO_SPREAD = 1e-6
"""A standard error below it is rounding: nothing in the table tells how sure the figure is."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; None where it is not defined."""

    value: float | None
    lower: float | None = None
    upper: float | None = None
    n: int = 0
    """How many pairs, items or patients it rests on."""
    method: str = ""
    """How the interval was made."""


def cross_table(pairs: Sequence[tuple[str, str]], categories: Sequence[str]) -> Counts:
    """First reader down, second across, both in the order of `categories`.

    Raises:
        ValueError: a value that is no category.
    """
    place = {one: number for number, one in enumerate(categories)}
    table = np.zeros((len(categories), len(categories)), dtype=np.int64)
    for first, second in pairs:
        if first not in place or second not in place:
            raise ValueError("a value is none of the categories")
        table[place[first], place[second]] += 1
    return table


def percent_agreement(table: Counts, level: float = 0.95) -> Estimate:
    """The share of pairs with the same category; exact interval (Clopper–Pearson)."""
    same, n = int(np.trace(table)), int(table.sum())
    if not n:
        return Estimate(None)
    lower, upper = clopper_pearson(same, n, level)
    return Estimate(same / n, lower, upper, n, "exact (Clopper–Pearson)")


def cohen_kappa(table: Counts, weights: Weights | None = None, level: float = 0.95) -> Estimate:
    """(Po - Pe) / (1 - Pe), plain or weighted by the distance of ordered categories; large-sample interval (Fleiss, Cohen and Everitt).

    Not defined where both readers only ever used one category: nothing can then be told from chance.
    """
    from statsmodels.stats.inter_rater import cohens_kappa

    n = int(table.sum())
    if not n or len(set(np.flatnonzero(table.sum(axis=0))) | set(np.flatnonzero(table.sum(axis=1)))) < 2:
        return Estimate(None, n=n)
    with np.errstate(invalid="ignore", divide="ignore"):  # its test against 0 is not asked for, and may be 0 / 0
        found = cohens_kappa(table, weights=np.arange(len(table)) if weights else None, wt=weights, return_results=True)
    kappa, error = float(found.kappa), float(found.std_kappa)
    if not error > _NO_SPREAD:  # not a number, too: a variance that rounding made negative
        return Estimate(kappa, n=n)
    half = float(norm.ppf((1 + level) / 2)) * error
    return Estimate(kappa, max(kappa - half, -1.0), min(kappa + half, 1.0), n, "large-sample (statsmodels)")


def pabak(table: Counts, level: float = 0.95) -> Estimate:
    """Kappa as it would be without prevalence and bias: (k Po - 1) / (k - 1) for k categories; the interval is Po's, carried over."""
    po, k = percent_agreement(table, level), len(table)
    if po.value is None or po.lower is None or po.upper is None or k < 2:
        return Estimate(None)

    def adjusted(share: float) -> float:
        return (k * share - 1) / (k - 1)

    return Estimate(adjusted(po.value), adjusted(po.lower), adjusted(po.upper), po.n, po.method)


def ac1(table: Counts, level: float = 0.95) -> Estimate:
    """Gwet's first-order agreement coefficient, with his variance (Gwet 2008, for an unlimited number of subjects)."""
    n, k = int(table.sum()), len(table)
    if not n or k < 2:
        return Estimate(None)
    shares = table / n
    used = (shares.sum(axis=0) + shares.sum(axis=1)) / 2
    po = float(np.trace(shares))
    pe = float((used * (1 - used)).sum()) / (k - 1)
    value = (po - pe) / (1 - pe)
    pairs = (used[:, None] + used[None, :]) / 2
    diagonal = float((np.diag(shares) * (1 - used)).sum()) / (k - 1)
    spread = float((shares * (1 - pairs) ** 2).sum()) / (k - 1) ** 2
    variance = po * (1 - po) - 4 * (1 - value) * (diagonal - po * pe) + 4 * (1 - value) ** 2 * (spread - pe**2)
    half = float(norm.ppf((1 + level) / 2)) * math.sqrt(max(variance, 0.0) / n) / (1 - pe)
    return Estimate(value, max(value - half, -1.0), min(value + half, 1.0), n, "large-sample (Gwet)")


@dataclass(frozen=True, slots=True)
class Specific:
    """What kappa alone hides about a yes-or-no question."""

    positive: float | None
    """2a / (2a + b + c): of what either calls positive, how much both do. The F1 of one reader against the other."""
    negative: float | None
    prevalence_index: float
    """|a - d| / n: near 1, one answer is rare, and kappa falls though the readers agree."""
    bias_index: float
    """|b - c| / n: near 1, one reader says yes more often."""


def specific_agreement(table: Counts) -> Specific:
    """Of a 2 × 2 table, `yes` first.

    Raises:
        ValueError: another shape, or no pair at all.
    """
    n = int(table.sum())
    if table.shape != (2, 2) or not n:
        raise ValueError("specific agreement is of a 2 × 2 table that holds something")
    (a, b), (c, d) = table.tolist()
    return Specific(
        2 * a / (2 * a + b + c) if a + b + c else None,
        2 * d / (2 * d + b + c) if d + b + c else None,
        abs(a - d) / n,
        abs(b - c) / n,
    )
