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
    x = x - x.mean(axis=0)
    layers = np.asarray(strata) if strata is not None else np.zeros(data.n, dtype=int)
    parts = [(data.take(layers == layer), x[layers == layer]) for layer in np.unique(layers)]
    beta = np.zeros(len(names))
    null = here = _evaluate(parts, beta, ties)
    converged = False
    for _ in range(_ROUNDS):
        step = np.linalg.lstsq(here.information, here.gradient, rcond=None)[0]
        if np.abs(x @ (beta + step)).max(initial=0.0) > _WIDEST:
            break
        there = _evaluate(parts, beta + step, ties)
        while (
            there.log_likelihood < here.log_likelihood - _CLOSE * abs(here.log_likelihood)
            and np.abs(step).max() > _CLOSE
        ):
            step = step / 2.0
            there = _evaluate(parts, beta + step, ties)
        beta = beta + step
        change = abs(there.log_likelihood - here.log_likelihood)
        here = there
        if change <= _CLOSE * max(abs(here.log_likelihood), 1.0):
            converged = bool(np.abs(step).max() < 1e-4)
            break
    covariance = np.linalg.pinv(here.information)
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    likelihood_ratio = 2.0 * (here.log_likelihood - null.log_likelihood)
    wald = float(beta @ here.information @ beta)
    score = float(null.gradient @ np.linalg.lstsq(null.information, null.gradient, rcond=None)[0])
    df = len(names)
    return CoxFit(
        terms=tuple(
            _term(name, float(b), float(se), conf_level) for name, b, se in zip(names, beta, spread, strict=True)
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
        converged=converged and bool(np.all((spread > 0) & (spread < 1e3))),
    )


def _term(name: str, coef: float, se: float, conf_level: float) -> Term:
    z = coef / se if se else math.nan
    half = float(ndtri(0.5 + conf_level / 2.0)) * se
    with np.errstate(over="ignore"):
        ratio, lower, upper = (float(one) for one in np.exp([coef, coef - half, coef + half]))
    p = math.nan if math.isnan(z) else float(chdtrc(1, z * z))
    return Term(name, coef, se, ratio, lower, upper, z, p)


def _evaluate(parts: list[tuple[Sample, Floats]], beta: Floats, ties: Ties) -> _Point:
    points = [_evaluate_stratum(data, x, beta, ties) for data, x in parts]
    return _Point(
        sum(point.log_likelihood for point in points),
        np.sum([point.gradient for point in points], axis=0),
        np.sum([point.information for point in points], axis=0),
    )


def _evaluate_stratum(data: Sample, x: Floats, beta: Floats, ties: Ties) -> _Point:
    """The partial likelihood, its gradient and its information, from sums over the risk sets."""
    eta = x @ beta
    shift = float(eta.max()) if eta.size else 0.0
    weight = np.exp(np.maximum(eta - shift, -700.0))
    columns = np.column_stack((weight, weight[:, None] * x, weight[:, None] * _outer(x)))
    times = np.unique(data.time[data.event])
    if not times.size:
        size = x.shape[1]
        return _Point(0.0, np.zeros(size), np.zeros((size, size)))
    risk = _sums_from(data.time, columns, times)
    if data.delayed:
        risk = risk - _sums_from(data.entry, columns, times)
    order = np.argsort(data.time[data.event], kind="stable")
    died_at = data.time[data.event][order]
    starts = np.searchsorted(died_at, times, side="left")
    tied = np.add.reduceat(columns[data.event][order], starts, axis=0)
    count = np.diff(np.append(starts, died_at.size))
    place = np.repeat(np.arange(times.size), count)
    earlier = (np.arange(died_at.size) - np.repeat(starts, count)) / np.repeat(count, count)
    share = earlier if ties == "efron" else np.zeros(died_at.size)
    left = risk[place] - share[:, None] * tied[place]
    total, size = left[:, 0], x.shape[1]
    mean = left[:, 1 : 1 + size] / total[:, None]
    second = (left[:, 1 + size :] / total[:, None]).sum(axis=0).reshape(size, size)
    return _Point(
        float(eta[data.event].sum() - np.log(total).sum() - shift * died_at.size),
        x[data.event].sum(axis=0) - mean.sum(axis=0),
        second - mean.T @ mean,
    )


def _outer(x: Floats) -> Floats:
    return (x[:, :, None] * x[:, None, :]).reshape(x.shape[0], -1)


def _sums_from(when: Floats, columns: Floats, times: Floats) -> Floats:
    """For each time, the column sums over the subjects with `when` at or after it."""
    order = np.argsort(when, kind="stable")
    sums = np.vstack((np.cumsum(columns[order][::-1], axis=0)[::-1], np.zeros((1, columns.shape[1]))))
    return sums[np.searchsorted(when[order], times, side="left")]


def dummies(labels: Sequence[str], levels: Sequence[str]) -> tuple[Floats, tuple[str, ...]]:
    """Indicator columns of a factor against its first level, and their names."""
    values = np.asarray(labels)
    columns: list[Mask] = [values == level for level in levels[1:]]
    return np.column_stack(columns).astype(float), tuple(levels[1:])
