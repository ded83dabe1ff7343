"""Cox regression with Efron (or Breslow) ties, strata and delayed entry, to the precision of R's `coxph`.

Written here and not taken from lifelines, which is ten times slower and stops earlier; `second_opinion` holds each fit against
it, and the tests against R (docs/decisions/0007-statistics.md).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtri

from abstractor.outcomes.survival import Floats, Mask, Sample

Ties = Literal["efron", "breslow"]

_ROUNDS = 60
_CLOSE = 1e-12
_WIDEST = 300.0
"""A log hazard ratio that no data support: a flat likelihood runs off, and past this the sums lose all digits."""
_STILL = 1e-4
"""A coefficient (of a covariate of spread 1) that moves further in the last round is on its way to infinity."""
_FLAT = 1e3
"""... and one with such a standard error has no maximum that the data can show."""


@dataclass(frozen=True, slots=True)
class Term:
    """One coefficient of a model."""

    name: str
    coef: float
    se: float
    hazard_ratio: float
    lower: float
    upper: float
    z: float
    p: float
    estimable: bool = True
    """False where the likelihood keeps rising as the coefficient grows: then it has no estimate, whatever the other numbers say."""


@dataclass(frozen=True, slots=True)
class CoxFit:
    """A fitted model with its three global tests, each on `len(terms)` degrees of freedom."""

    terms: tuple[Term, ...]
    n: int
    events: int
    log_likelihood_null: float
    log_likelihood: float
    likelihood_ratio: float
    likelihood_ratio_p: float
    wald: float
    wald_p: float
    score: float
    score_p: float
    converged: bool
    """False for a monotone or flat likelihood (a group without events, no events): then publish no estimate."""


@dataclass(frozen=True, slots=True, eq=False)
class Deaths:
    """What the risk set looked like at each event of a stratum, in order of time; one row an event, also among ties."""

    time: Floats
    x: Floats
    """Covariates of who had the event."""
    mean: Floats
    """Weighted mean of the covariates at risk."""
    second: Floats
    """Weighted mean of the products of the covariates at risk, flattened."""
    log_likelihood: Floats
    """Contribution of each event."""

    @property
    def variance(self) -> Floats:
        """Weighted covariance of the covariates at risk: event, covariate, covariate."""
        size = self.x.shape[1]
        return self.second.reshape(-1, size, size) - self.mean[:, :, None] * self.mean[:, None, :]


@dataclass(frozen=True, slots=True)
class _Point:
    log_likelihood: float
    gradient: Floats
    information: Floats


def fit_cox(
    data: Sample,
    covariates: npt.ArrayLike,
    names: Sequence[str],
    strata: Sequence[str] | None = None,
    conf_level: float = 0.95,
    ties: Ties = "efron",
) -> CoxFit:
    """Fits by Newton–Raphson with step halving.

    Args:
        data: the times; subjects with missing covariates must have been left out, and named, before.
        covariates: one row a subject, one column a name.
        names: of the columns.
        strata: each with its own baseline hazard.
        conf_level: of the Wald intervals.
        ties: how events at one time share the risk set.
    """
    x = np.asarray(covariates, dtype=float).reshape(data.n, len(names))
    x, scale = _standardize(x)
    parts = [(data.take(inside), x[inside]) for inside in split_strata(data.n, strata)]
    beta = np.zeros(len(names))
    null = here = _evaluate(parts, beta, ties)
    converged = False
    step = np.full(len(names), np.inf)
    for _ in range(_ROUNDS):
        step = np.linalg.lstsq(here.information, here.gradient, rcond=None)[0]
        if np.abs(x @ (beta + step)).max(initial=0.0) > _WIDEST:
            break
        there = _evaluate(parts, beta + step, ties)
        while not _rises(here, there) and np.abs(step).max() > _CLOSE:
            step = step / 2.0
            there = _evaluate(parts, beta + step, ties)
        if not _rises(here, there):
            break
        beta = beta + step
        change = abs(there.log_likelihood - here.log_likelihood)
        here = there
        if change <= _CLOSE * max(abs(here.log_likelihood), 1.0):
            converged = True
            break
    spread = np.sqrt(np.maximum(np.diag(np.linalg.pinv(here.information)), 0.0))
    estimable = (np.abs(step) < _STILL) & (spread > 0.0) & (spread < _FLAT)
    likelihood_ratio = 2.0 * (here.log_likelihood - null.log_likelihood)
    wald = float(beta @ here.information @ beta)
    score = float(null.gradient @ np.linalg.lstsq(null.information, null.gradient, rcond=None)[0])
    df = len(names)
    return CoxFit(
        terms=tuple(
            _term(name, float(b), float(se), conf_level, bool(known))
            for name, b, se, known in zip(names, beta / scale, spread / scale, estimable, strict=True)
        ),
        n=data.n,
        events=data.events,
        log_likelihood_null=null.log_likelihood,
        log_likelihood=here.log_likelihood,
        likelihood_ratio=likelihood_ratio,
        likelihood_ratio_p=float(chdtrc(df, max(likelihood_ratio, 0.0))),
        wald=wald,
        wald_p=float(chdtrc(df, max(wald, 0.0))),
        score=score,
        score_p=float(chdtrc(df, max(score, 0.0))),
        converged=converged and bool(estimable.all()),
    )


def _term(name: str, coef: float, se: float, conf_level: float, estimable: bool) -> Term:
    z = coef / se if se else math.nan
    half = float(ndtri(0.5 + conf_level / 2.0)) * se
    with np.errstate(over="ignore"):
        ratio, lower, upper = (float(one) for one in np.exp([coef, coef - half, coef + half]))
    p = math.nan if math.isnan(z) else float(chdtrc(1, z * z))
    return Term(name, coef, se, ratio, lower, upper, z, p, estimable)


def _rises(here: _Point, there: _Point) -> bool:
    """False also where the sums have lost themselves (nan)."""
    return there.log_likelihood >= here.log_likelihood - _CLOSE * max(abs(here.log_likelihood), 1.0)


def _standardize(x: Floats) -> tuple[Floats, Floats]:
    """Columns of mean 0 and spread 1, so that no unit of measurement makes the information singular; and the spreads."""
    centred = x - x.mean(axis=0) if x.size else x
    scale = centred.std(axis=0) if x.size else np.ones(x.shape[1])
    scale = np.where(scale > 0.0, scale, 1.0)
    return centred / scale, scale


def split_strata(n: int, strata: Sequence[str] | None) -> list[Mask]:
    """Who is in each stratum, in the order of their names."""
    layers = np.asarray(strata) if strata is not None else np.zeros(n, dtype=int)
    return [layers == layer for layer in np.unique(layers)]


def _evaluate(parts: list[tuple[Sample, Floats]], beta: Floats, ties: Ties) -> _Point:
    points = [_evaluate_stratum(data, x, beta, ties) for data, x in parts]
    return _Point(
        sum(point.log_likelihood for point in points),
        np.sum([point.gradient for point in points], axis=0),
        np.sum([point.information for point in points], axis=0),
    )


def _evaluate_stratum(data: Sample, x: Floats, beta: Floats, ties: Ties) -> _Point:
    """The partial likelihood, its gradient and its information."""
    found, size = deaths(data, x, beta, ties), x.shape[1]
    return _Point(
        float(found.log_likelihood.sum()),
        (found.x - found.mean).sum(axis=0),
        found.second.sum(axis=0).reshape(size, size) - found.mean.T @ found.mean,
    )


def deaths(data: Sample, x: Floats, beta: Floats, ties: Ties) -> Deaths:
    """The terms of the partial likelihood of one stratum, from sums over the risk sets."""
    size = x.shape[1]
    died_at = data.time[data.event]
    if not died_at.size:
        return Deaths(died_at, np.zeros((0, size)), np.zeros((0, size)), np.zeros((0, size * size)), died_at)
    eta = x @ beta
    shift = float(eta.max())
    weight = np.exp(np.maximum(eta - shift, -700.0))
    columns = np.column_stack((weight, weight[:, None] * x, weight[:, None] * _outer(x)))
    order = np.argsort(died_at, kind="stable")
    died_at = died_at[order]
    times, starts, count = np.unique(died_at, return_index=True, return_counts=True)
    risk = _sums_at_risk(data, columns, times) if data.delayed else _sums_from(data.time, columns, times)
    tied = np.add.reduceat(columns[data.event][order], starts, axis=0)
    place = np.repeat(np.arange(times.size), count)
    earlier = (np.arange(died_at.size) - np.repeat(starts, count)) / np.repeat(count, count)
    share = earlier if ties == "efron" else np.zeros(died_at.size)
    left = risk[place] - share[:, None] * tied[place]
    total = left[:, 0]
    return Deaths(
        died_at,
        x[data.event][order],
        left[:, 1 : 1 + size] / total[:, None],
        left[:, 1 + size :] / total[:, None],
        eta[data.event][order] - shift - np.log(total),
    )


def _outer(x: Floats) -> Floats:
    return (x[:, :, None] * x[:, None, :]).reshape(x.shape[0], -1)


def _sums_from(when: Floats, columns: Floats, times: Floats) -> Floats:
    """For each time, the column sums over the subjects with `when` at or after it."""
    order = np.argsort(when, kind="stable")
    sums = np.vstack((np.cumsum(columns[order][::-1], axis=0)[::-1], np.zeros((1, columns.shape[1]))))
    return sums[np.searchsorted(when[order], times, side="left")]


def _sums_at_risk(data: Sample, columns: Floats, times: Floats) -> Floats:
    """The same with delayed entry: for each time, the column sums over those with entry < time <= exit.

    Who has left less who has yet to come would be a difference of two sums, which loses all digits where those to come weigh much
    more. So each subject's span of event times is cut into spans of powers of two, whose sums are only ever added (a segment tree).
    """
    size = 1 << max(times.size - 1, 1).bit_length()
    tree = np.zeros((2 * size, columns.shape[1]))
    first = np.searchsorted(times, data.entry, side="right") + size
    last = np.searchsorted(times, data.time, side="right") + size  # one beyond
    while True:
        open_ = first < last
        if not open_.any():
            break
        at_first, at_last = open_ & (first % 2 == 1), open_ & (last % 2 == 1)
        for nodes, chosen in ((first, at_first), (last - 1, at_last)):
            for place in range(columns.shape[1]):
                tree[:, place] += np.bincount(nodes[chosen], columns[chosen, place], minlength=2 * size)
        first, last = (first + at_first) // 2, (last - at_last) // 2
    for start in (1 << level for level in range(size.bit_length() - 1)):
        tree[2 * start : 4 * start] += np.repeat(tree[start : 2 * start], 2, axis=0)
    return tree[size : size + times.size]


def dummies(labels: Sequence[str], levels: Sequence[str]) -> tuple[Floats, tuple[str, ...]]:
    """Indicator columns of a factor against its first level, and their names."""
    values = np.asarray(labels)
    columns: list[Mask] = [values == level for level in levels[1:]]
    return np.column_stack(columns).astype(float), tuple(levels[1:])
