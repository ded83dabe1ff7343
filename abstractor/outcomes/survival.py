"""Statistics of times to an event: Kaplan–Meier with delayed entry, quantiles, landmarks, restricted mean, log-rank.

Numbers only: no patient, no date, no display. Definitions are those of R `survival` 3.5, against which the tests hold
every one of them; where a definition has a choice it is said in the docstring. A limit that is not reached is None (to be
printed as NE), never the last time.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, ndtri

from abstractor.model.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
ConfType = Literal["log-log", "log", "plain"]

CONF_TYPES: tuple[ConfType, ...] = ("log-log", "log", "plain")
_SAME = 1.4901161193847656e-08  # square root of the machine epsilon: what R's timefix and quantile call equal
_WHOLE = 1e6  # whole numbers below it are never so near each other


@dataclass(frozen=True, slots=True)
class Sample:
    """Times of one group, checked and with near-equal times joined."""

    time: Floats
    event: Mask
    entry: Floats
    """When each came under observation; -inf without delayed entry."""
    delayed: bool

    @property
    def n(self) -> int:
        return int(self.time.size)

    @property
    def events(self) -> int:
        return int(self.event.sum())

    def take(self, chosen: Mask) -> "Sample":
        """The subjects that are True in `chosen`."""
        return Sample(self.time[chosen], self.event[chosen], self.entry[chosen], self.delayed)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A Kaplan–Meier step function; all arrays run over the distinct observed times, ascending."""

    time: Floats
    at_risk: Ints
    """Number with entry < time <= exit."""
    events: Ints
    censored: Ints
    survival: Floats
    std_err: Floats
    """Greenwood's standard error of S(t); nan where S(t) is 0."""
    lower: Floats
    """nan where the interval is not defined: at S = 0, and for log-log also at S = 1."""
    upper: Floats
    n: int
    delayed: bool
    conf_type: ConfType
    conf_level: float

    @property
    def last(self) -> float:
        """The longest observed time; nan for an empty group."""
        return float(self.time[-1]) if self.time.size else math.nan


@dataclass(frozen=True, slots=True)
class Quantile:
    """A time by which the given share has had the event, with its interval; None is not reached (NE)."""

    prob: float
    estimate: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class Landmark:
    """Survival at a time chosen in advance."""

    time: float
    at_risk: int
    """Number with entry < time <= exit (at time 0: entry <= 0)."""
    survival: float | None
    std_err: float | None
    lower: float | None
    upper: float | None
    beyond_last: bool
    """The time lies after the last observation: publish NE."""


@dataclass(frozen=True, slots=True)
class AtRisk:
    """One column of the table below a curve; events and censorings are counted up to and including the time."""

    time: float
    at_risk: int
    events: int
    censored: int


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """The area under the curve up to `tau`."""

    tau: float
    estimate: float
    std_err: float
    extrapolated: bool


@dataclass(frozen=True, slots=True)
class MeanDifference:
    """Two restricted means compared; no assumption about the hazards."""

    tau: float
    estimate: float
    std_err: float
    lower: float
    upper: float
    p: float
    """nan where nothing varies."""


@dataclass(frozen=True, slots=True)
class LogRank:
    """A comparison of k groups on k - 1 degrees of freedom."""

    chi_square: float
    df: int
    p: float
    observed: tuple[float, ...]
    expected: tuple[float, ...]


def join_near_times(values: Floats) -> Floats:
    """Makes times that differ only by rounding equal, as R's `timefix` does."""
    if not values.size or (np.abs(values).max() < _WHOLE and bool(np.all(values == np.rint(values)))):
        return values
    distinct = np.unique(values)
    if distinct.size < 2:
        return values
    gaps = np.diff(distinct)
    scale = float(np.mean(np.abs(distinct)))
    apart = gaps > _SAME
    if scale > _SAME:
        apart &= gaps / scale > _SAME
    heads = np.concatenate(([True], apart))
    joined: Floats = distinct[heads][np.searchsorted(distinct[heads], values, side="right") - 1]
    return joined


def sample(
    time: Sequence[float] | Floats, event: Sequence[int] | Mask, entry: Sequence[float] | Floats | None = None
) -> Sample:
    """Checks times and events.

    Args:
        time: time to the event or to censoring, not negative.
        event: 1 for an event, 0 for censored; nothing else.
        entry: when observation began; must be before `time`.

    Raises:
        InputError: names the first row (counted from 1) that is at fault.
    """
    times = np.asarray(time, dtype=float)
    flags = np.asarray(event, dtype=float)
    entries = np.full(times.shape, -np.inf) if entry is None else np.asarray(entry, dtype=float)
    for wrong, what in (
        (~np.isfinite(times), "the time is missing"),
        (times < 0, "the time is negative"),
        (~np.isin(flags, (0.0, 1.0)), "the event is neither 0 nor 1 (1/2 coding must be recoded)"),
        (np.isnan(entries), "the entry time is missing"),
    ):
        _refuse_first(wrong, what)
    if entry is not None and times.size:
        joined = join_near_times(np.concatenate((times, entries)))
        times, entries = joined[: times.size], joined[times.size :]
        _refuse_first(entries >= times, "the entry is not before the exit")
    else:
        times = join_near_times(times)
    return Sample(times, flags == 1.0, entries, entry is not None)


def _refuse_first(wrong: Mask, what: str) -> None:
    if wrong.any():
        raise InputError(f"row {int(np.argmax(wrong)) + 1}: {what}; correct or exclude it")


def kaplan_meier(data: Sample, conf_type: ConfType = "log-log", conf_level: float = 0.95) -> Curve:
    """The product-limit estimate with Greenwood's variance.

    With delayed entry the risk set at t is entry < t <= exit; it may empty and fill again.
    """
    order = np.argsort(data.time)
    ordered = data.time[order]
    starts = np.flatnonzero(np.concatenate((np.ones(min(data.n, 1), dtype=bool), ordered[1:] != ordered[:-1])))
    times = ordered[starts]
    at_risk = data.n - starts
    if data.delayed:
        at_risk = at_risk - (data.n - np.searchsorted(np.sort(data.entry), times, side="left"))
    before = np.concatenate(([0], np.cumsum(data.event[order])))
    ends = np.append(starts[1:], data.n) if data.n else starts
    died = before[ends] - before[starts]
    left = ends - starts - died
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.where(died > 0, 1.0 - died / at_risk, 1.0)
        survival = np.cumprod(steps)
        variance = np.cumsum(np.where(died > 0, died / (at_risk * (at_risk - died.astype(float))), 0.0))
        log_error = np.sqrt(variance)
        std_err = survival * log_error
    lower, upper = _limits(survival, log_error, conf_type, conf_level)
    return Curve(
        times, at_risk, died, left, survival, std_err, lower, upper, data.n, data.delayed, conf_type, conf_level
    )


def _limits(survival: Floats, log_error: Floats, conf_type: ConfType, conf_level: float) -> tuple[Floats, Floats]:
    z = float(ndtri(0.5 + conf_level / 2.0))
    usable = survival > 0.0
    if conf_type == "log-log":
        usable &= survival < 1.0
    s = np.where(usable, survival, np.nan)
    spread = z * np.where(usable, log_error, np.nan)
    if conf_type == "log-log":
        centre = np.log(-np.log(s))
        spread = spread / np.log(s)
        return np.exp(-np.exp(centre - spread)), np.exp(-np.exp(centre + spread))
    if conf_type == "log":
        return np.exp(np.log(s) - spread), np.minimum(np.exp(np.log(s) + spread), 1.0)
    return np.maximum(s - s * spread, 0.0), np.minimum(s + s * spread, 1.0)


def quantile(curve: Curve, prob: float) -> Quantile:
    """The time at which the share `prob` has had the event, by R's rule.

    The first time with S(t) <= 1 - prob; where S equals 1 - prob on an interval, the midpoint of that interval (of a flat
    tail: the midpoint to the last observation). The interval inverts the limits of the curve (Brookmeyer–Crowley).
    """
    return Quantile(
        prob=prob,
        estimate=_crossing(curve, curve.survival, prob),
        lower=_crossing(curve, curve.lower, prob),
        upper=_crossing(curve, curve.upper, prob),
    )


def _crossing(curve: Curve, band: Floats, prob: float) -> float | None:
    defined = ~np.isnan(band)
    times, gone = curve.time[defined], 1.0 - band[defined]
    reached = np.flatnonzero(gone >= prob - _SAME)
    if not reached.size:
        return None
    first = float(times[reached[0]])
    if abs(float(gone[reached[0]]) - prob) > _SAME:
        return first
    passed = np.flatnonzero(gone > prob + _SAME)
    until = float(times[passed[0]]) if passed.size else curve.last
    return (first + until) / 2.0


def landmark(curve: Curve, data: Sample, time: float) -> Landmark:
    """S(t) at a fixed time, with the number still at risk then."""
    place = int(np.searchsorted(curve.time, time, side="right")) - 1
    at_risk = count_at_risk(data, time)
    if curve.n == 0:
        return Landmark(time, 0, None, None, None, None, beyond_last=True)
    beyond = bool(time > curve.last)
    if place < 0:
        return Landmark(time, at_risk, 1.0, 0.0, 1.0, 1.0, beyond)
    return Landmark(
        time,
        at_risk,
        float(curve.survival[place]),
        _known(curve.std_err[place]),
        _known(curve.lower[place]),
        _known(curve.upper[place]),
        beyond,
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def count_at_risk(data: Sample, time: float) -> int:
    """Number with entry < time <= exit; at time 0 those who are there at the start."""
    entered = data.entry <= 0.0 if time == 0.0 else data.entry < time
    return int(np.count_nonzero(entered & (data.time >= time)))


def at_risk_table(data: Sample, times: Sequence[float]) -> tuple[AtRisk, ...]:
    """At risk, and events and censorings so far, at each of the times."""
    return tuple(
        AtRisk(
            time=time,
            at_risk=count_at_risk(data, time),
            events=int(np.count_nonzero(data.event & (data.time <= time))),
            censored=int(np.count_nonzero(~data.event & (data.time <= time))),
        )
        for time in times
    )


def follow_up(data: Sample, conf_type: ConfType = "log-log", conf_level: float = 0.95) -> tuple[Quantile, ...]:
    """Quartiles of potential follow-up by reverse Kaplan–Meier: censoring is the event, ties as they are."""
    flipped = Sample(data.time, ~data.event, data.entry, data.delayed)
    curve = kaplan_meier(flipped, conf_type, conf_level)
    return tuple(quantile(curve, prob) for prob in (0.25, 0.5, 0.75))


def restricted_mean(curve: Curve, tau: float) -> RestrictedMean:
    """The mean of min(T, tau), integrated from 0; beyond the last time the last S is carried on and flagged."""
    before = curve.time < tau
    knots = np.concatenate(([0.0], curve.time[before], [tau]))
    heights = np.concatenate(([1.0], curve.survival[before]))
    areas = heights * np.diff(knots)
    left_over = np.cumsum(areas[::-1])[::-1]
    died, at_risk = curve.events[before].astype(float), curve.at_risk[before].astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where((died > 0) & (at_risk > died), died / (at_risk * (at_risk - died)), 0.0)
    variance = float(np.sum(left_over[1:] ** 2 * weight))
    return RestrictedMean(tau, float(areas.sum()), math.sqrt(variance), extrapolated=bool(tau > curve.last))


def compare_restricted_means(first: RestrictedMean, second: RestrictedMean, conf_level: float = 0.95) -> MeanDifference:
    """The difference of two restricted means (second less first) with its normal interval and test.

    Raises:
        ValueError: they are restricted to different times.
    """
    if first.tau != second.tau:
        raise ValueError(f"restricted to {first.tau:g} and {second.tau:g}")
    gap, error = second.estimate - first.estimate, math.hypot(first.std_err, second.std_err)
    half = float(ndtri(0.5 + conf_level / 2.0)) * error
    p = float(chdtrc(1, (gap / error) ** 2)) if error > 0 else math.nan
    return MeanDifference(first.tau, gap, error, gap - half, gap + half, p)


def why_no_test(sizes: Mapping[str, tuple[int, int]], least_patients: int, least_events: int) -> str:
    """Why groups, each with its patients and events, are not to be tested against each other; "" where they may be."""
    if len(sizes) < 2:
        return "no test: fewer than two groups"
    for name, (patients, events) in sizes.items():
        if patients < least_patients:
            return f"no test: group {name} has {_counted(patients, 'patient')} (at least {least_patients})"
        if events < least_events:
            return f"no test: group {name} has {_counted(events, 'event')} (at least {least_events})"
    return ""


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def log_rank(
    data: Sample, group: Sequence[str], strata: Sequence[str] | None = None, rho: float = 0.0
) -> LogRank | None:
    """The (weighted, stratified) log-rank test; `rho` 1 is the Peto–Peto modification of the Wilcoxon test.

    The weight at t is S(t-) of the pooled sample of the stratum, to the power of `rho`. None when there are fewer than two
    groups. A group that no event could have met leaves the degrees of freedom.
    """
    names = sorted(set(group))
    if len(names) < 2:
        return None
    places = {name: place for place, name in enumerate(names)}
    codes = np.fromiter((places[name] for name in group), dtype=np.int64, count=data.n)
    layers = np.asarray(strata) if strata is not None else np.zeros(data.n, dtype=int)
    observed = np.zeros(len(names))
    expected = np.zeros(len(names))
    covariance = np.zeros((len(names), len(names)))
    for layer in np.unique(layers):
        inside = layers == layer
        part = _log_rank_stratum(data.take(inside), codes[inside], len(names), rho)
        observed += part[0]
        expected += part[1]
        covariance += part[2]
    usable = np.flatnonzero(expected > 0)
    df = max(len(usable) - 1, 0)
    chi_square = 0.0
    if df:
        kept = usable[:-1]
        gap = (observed - expected)[kept]
        # Least squares, since without variance (all events at one time) there is nothing to solve: then chi-square is 0.
        chi_square = float(gap @ np.linalg.lstsq(covariance[np.ix_(kept, kept)], gap, rcond=None)[0])
    return LogRank(
        chi_square,
        max(df, 1),
        float(chdtrc(max(df, 1), chi_square)),
        tuple(map(float, observed)),
        tuple(map(float, expected)),
    )


def _log_rank_stratum(data: Sample, codes: Ints, groups: int, rho: float) -> tuple[Floats, Floats, Floats]:
    """Observed, expected and covariance of the groups, whose numbers `codes` are."""
    times = np.unique(data.time[data.event])
    size = times.size + 1
    exits = np.searchsorted(times, data.time, side="right")  # how many event times each lives to see
    risk = _reaching(exits, codes, groups, size)
    if data.delayed:
        risk = risk - _reaching(np.searchsorted(times, data.entry, side="right"), codes, groups, size)
    seen = _tally(exits[data.event] - 1, codes[data.event], groups, size)[:, :-1]
    died = seen.sum(axis=0)
    whole = risk.sum(axis=0)
    weight = _survived_before(data, times) ** rho if rho else np.ones(times.size)
    share = risk / whole
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(whole > 1, weight**2 * died * (whole - died) / (whole - 1.0), 0.0)
    covariance = np.diag((share * spread).sum(axis=1)) - (share * spread) @ share.T
    return (seen * weight).sum(axis=1), (share * died * weight).sum(axis=1), covariance


def _tally(places: Ints, codes: Ints, groups: int, size: int) -> Floats:
    """How many of each group stand at each place: group, place."""
    return np.bincount(codes * size + places, minlength=groups * size).reshape(groups, size).astype(float)


def _reaching(places: Ints, codes: Ints, groups: int, size: int) -> Floats:
    """How many of each group see each event time, of those who see `places` of them."""
    counts = _tally(places, codes, groups, size)
    reaching: Floats = np.cumsum(counts[:, :0:-1], axis=1)[:, ::-1]
    return reaching


def _survived_before(data: Sample, times: Floats) -> Floats:
    curve = kaplan_meier(data)
    before: Floats = np.concatenate(([1.0], curve.survival))[np.searchsorted(curve.time, times, side="left")]
    return before
