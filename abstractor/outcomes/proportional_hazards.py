"""Does a hazard ratio stay the same over time? The score test of R `survival` 3 and later (`cox.zph`).

Not the older approximation by scaled Schoenfeld residuals, which lifelines has and which gives other numbers. For each covariate x
the model gets one more, x·g(t), and the score test asks whether its coefficient is 0; no model is fitted anew.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from abstractor.outcomes.cox import CoxFit, Ties, deaths, split_strata
from abstractor.outcomes.survival import Floats, Sample, kaplan_meier

Transform = Literal["km", "rank", "identity", "log"]
TRANSFORMS: tuple[Transform, ...] = ("km", "rank", "identity", "log")
GLOBAL = "GLOBAL"


@dataclass(frozen=True, slots=True)
class HazardsTest:
    """Of one term, or of all together (`GLOBAL`, the last row)."""

    term: str
    transform: Transform
    chi_square: float
    df: int
    p: float


def check_hazards(
    data: Sample,
    covariates: npt.ArrayLike,
    fit: CoxFit,
    strata: Sequence[str] | None = None,
    *,
    transform: Transform = "km",
    ties: Ties = "efron",
) -> tuple[HazardsTest, ...]:
    """Tests each coefficient of a fitted model, and all of them.

    Args:
        data: what the model was fitted to.
        covariates: as they were given to the fit.
        fit: the model, converged.
        strata: as they were given to the fit.
        transform: g(t). `km` is 1 - S(t-) of all subjects together, `rank` the rank
            among all times, also the censored.
        ties: as they were given to the fit.

    Returns:
        A row a term and one for all; none without events, or where g is not defined (`log` of an event at time 0).
    """
    names = [term.name for term in fit.terms]
    x = np.asarray(covariates, dtype=float).reshape(data.n, len(names))
    spread = x.std(axis=0)
    scale = np.where(spread > 0.0, spread, 1.0)
    x = (x - x.mean(axis=0)) / scale
    beta = np.array([term.coef for term in fit.terms]) * scale
    found = [deaths(data.take(inside), x[inside], beta, ties) for inside in split_strata(data.n, strata)]
    when = np.concatenate([one.time for one in found])
    with np.errstate(divide="ignore"):
        g = _CLOCKS[transform](data, when)
    if not when.size or not np.all(np.isfinite(g)):
        return ()
    g = g - g.mean()
    residual = np.concatenate([one.x - one.mean for one in found])
    variance = np.concatenate([one.variance for one in found])
    score = (g[:, None] * residual).sum(axis=0)
    size = len(names)
    information = np.zeros((2 * size, 2 * size))
    for power, (row, column) in enumerate(((0, 0), (0, size), (size, size))):
        block = np.tensordot(g**power, variance, axes=1)
        information[row : row + size, column : column + size] = block
        information[column : column + size, row : row + size] = block
    terms = [(name, [place]) for place, name in enumerate(names)]
    return tuple(
        _test(name, transform, score, information, chosen) for name, chosen in (*terms, (GLOBAL, [*range(size)]))
    )


def _test(name: str, transform: Transform, score: Floats, information: Floats, chosen: list[int]) -> HazardsTest:
    size = score.size
    added = [size + one for one in chosen]
    base = [*range(size)]
    inner = (
        information[np.ix_(added, added)]
        - information[np.ix_(added, base)]
        @ np.linalg.lstsq(information[np.ix_(base, base)], information[np.ix_(base, added)], rcond=None)[0]
    )
    gap = score[chosen]
    chi_square = max(float(gap @ np.linalg.lstsq(inner, gap, rcond=None)[0]), 0.0)
    return HazardsTest(name, transform, chi_square, len(chosen), float(chdtrc(len(chosen), chi_square)))


def _survived(data: Sample, when: Floats) -> Floats:
    curve = kaplan_meier(data)
    before = np.concatenate(([1.0], curve.survival))
    left: Floats = 1.0 - before[np.searchsorted(curve.time, when, side="left")]
    return left


def _ranks(data: Sample, when: Floats) -> Floats:
    ordered = np.sort(data.time)
    first, last = np.searchsorted(ordered, when, side="left") + 1, np.searchsorted(ordered, when, side="right")
    ranks: Floats = (first + last) / 2.0  # ties share their ranks
    return ranks


_CLOCKS: dict[Transform, Callable[[Sample, Floats], Floats]] = {
    "km": _survived,
    "rank": _ranks,
    "identity": lambda _data, when: when,
    "log": lambda _data, when: np.asarray(np.log(when), dtype=float),
}
