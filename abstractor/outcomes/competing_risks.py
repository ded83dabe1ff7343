"""Cumulative incidence with competing risks: the Aalen–Johansen estimate and its variance.

One minus Kaplan–Meier with the other causes censored overstates how many have had an event, and is therefore not offered. With a
single cause both are the same, to the last digit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from abstractor.outcomes.survival import ConfType, Floats, Ints, Sample, count_at_risk, kaplan_meier

_NEAR_ONE = 1e-12  # a sum of shares that is 1 but for rounding


@dataclass(frozen=True, slots=True, eq=False)
class Incidence:
    """The cumulative incidence of one cause; arrays over the distinct observed times, ascending."""

    time: Floats
    events: Ints
    """Of this cause."""
    others: Ints
    """Events of the other causes."""
    at_risk: Ints
    incidence: Floats
    std_err: Floats
    """Of the multinomial kind (Andersen, Borgan, Gill and Keiding 1993, IV.4): Greenwood's for a single cause."""
    lower: Floats
    """nan where the incidence is 0, and for log-log also at 1."""
    upper: Floats
    n: int

    @property
    def last(self) -> float:
        """The longest observed time; nan for an empty group."""
        return float(self.time[-1]) if self.time.size else math.nan


@dataclass(frozen=True, slots=True)
class IncidenceAt:
    """The cumulative incidence at a time chosen in advance."""

    time: float
    at_risk: int
    incidence: float | None
    std_err: float | None
    lower: float | None
    upper: float | None
    beyond_last: bool
    """The time lies after the last observation: publish NE."""


def cumulative_incidence(
    data: Sample,
    cause: Sequence[bool] | npt.NDArray[np.bool_],
    conf_type: ConfType = "log-log",
    conf_level: float = 0.95,
) -> Incidence:
    """Estimates one cause.

    Args:
        data: `event` is True for an event of any cause.
        cause: which of the events are of the cause in question; False for censored subjects.
        conf_type: the scale on which the interval is symmetric: of log(-log F), log F, or F.
        conf_level: of the interval.
    """
    whole = kaplan_meier(data)
    ours = kaplan_meier(Sample(data.time, data.event & np.asarray(cause, dtype=bool), data.entry, data.delayed))
    risk = whole.at_risk.astype(float)
    died, of_cause = whole.events.astype(float), ours.events.astype(float)
    before = np.concatenate(([1.0], whole.survival[:-1])) if risk.size else risk
    with np.errstate(divide="ignore", invalid="ignore"):
        incidence = np.cumsum(np.where(of_cause > 0, before * of_cause / risk, 0.0))
        std_err = _standard_error(risk, died, of_cause, before, whole.survival, incidence)
    lower, upper = _limits(incidence, std_err, conf_type, conf_level)
    return Incidence(
        whole.time, ours.events, whole.events - ours.events, whole.at_risk, incidence, std_err, lower, upper, data.n
    )


def _standard_error(
    risk: Floats, died: Floats, of_cause: Floats, before: Floats, after: Floats, incidence: Floats
) -> Floats:
    """By the delta method over the increments of the cumulative hazards.

    F(t) depends on the increment of all causes at u with slope -S(u-) (F(t) - F(u)) / S(u), and on that of the cause with S(u-); the
    increments at u vary as a multinomial. The square is written out, so that one running sum does for all t.
    """
    slope = np.where(after > 0, before / after, 0.0)
    all_causes = np.where(died > 0, died * (risk - died) / risk**3, 0.0) * slope**2
    crossed = np.where(of_cause > 0, of_cause * (risk - died) / risk**3, 0.0) * slope * before
    own = np.where(of_cause > 0, of_cause * (risk - of_cause) / risk**3, 0.0) * before**2
    # The differences F(t) - F(u) are taken from the middle of the curve, which keeps the squares small.
    here = incidence - (incidence[-1] / 2.0 if incidence.size else 0.0)
    square = (
        here**2 * np.cumsum(all_causes)
        - 2.0 * here * np.cumsum(all_causes * here + crossed)
        + np.cumsum(all_causes * here**2 + 2.0 * crossed * here + own)
    )
    error: Floats = np.sqrt(np.maximum(square, 0.0))
    return error


def _limits(incidence: Floats, std_err: Floats, conf_type: ConfType, conf_level: float) -> tuple[Floats, Floats]:
    z = float(ndtri(0.5 + conf_level / 2.0))
    usable = incidence > 0.0
    if conf_type == "log-log":
        usable &= incidence < 1.0 - _NEAR_ONE
    f = np.where(usable, incidence, np.nan)
    half = z * np.where(usable, std_err, np.nan)
    if conf_type == "log-log":
        spread = half / (f * np.log(f))
        return np.exp(np.log(f) * np.exp(-spread)), np.exp(np.log(f) * np.exp(spread))
    if conf_type == "log":
        return f * np.exp(-half / f), np.minimum(f * np.exp(half / f), 1.0)
    return np.maximum(f - half, 0.0), np.minimum(f + half, 1.0)


def incidence_at(curve: Incidence, data: Sample, time: float) -> IncidenceAt:
    """F(t) at a fixed time, with the number still at risk then."""
    if curve.n == 0:
        return IncidenceAt(time, 0, None, None, None, None, beyond_last=True)
    place = int(np.searchsorted(curve.time, time, side="right")) - 1
    beyond = bool(time > curve.last)
    at_risk = count_at_risk(data, time)
    if place < 0:
        return IncidenceAt(time, at_risk, 0.0, 0.0, None, None, beyond)
    incidence, std_err, lower, upper = (
        None if math.isnan(one[place]) else float(one[place])
        for one in (curve.incidence, curve.std_err, curve.lower, curve.upper)
    )
    return IncidenceAt(time, at_risk, incidence, std_err, lower, upper, beyond)
