"""The published numbers computed a second time, by lifelines, and set beside ours.

The only place that knows lifelines (and pandas, which it needs); both are loaded when asked, since that takes a second. Where
lifelines is known to follow another definition the difference is explained and checked, not waved through. Nothing here
changes a published number, and whatever goes wrong in lifelines becomes a row that says so.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import numpy as np
from scipy.special import chdtrc

from abstractor.outcomes.cohort import Analysis, EndpointResult, GroupSurvival
from abstractor.outcomes.survival import Floats, Mask, Quantile, Sample

Verdict = Literal["agree", "differs by definition", "DIFFERS", "not compared"]

AGREE: Verdict = "agree"
BY_DEFINITION: Verdict = "differs by definition"
DIFFERS: Verdict = "DIFFERS"
NOT_COMPARED: Verdict = "not compared"

MOST_PATIENTS = 20_000
"""Larger cohorts are not recomputed: lifelines takes minutes there, and R's numbers hold our code to account anyway."""
TOLERANCE = 1e-6
"""Largest relative difference that is agreement."""
COX_TOLERANCE = 1e-5
_ZERO = 1e-9  # below this the difference is taken as it is: a ratio of two noughts says nothing
_HALF = 1e-8  # how near a curve must be to a probability to lie on it
_FIT_OPTIONS = {"precision": 1e-12, "r_precision": 1e-14}  # with its defaults lifelines stops at four digits


_NOT_REACHED = "not reached here and in R; lifelines gives the last time where the curve ends at 0"
_MIDDLE = "the curve lies on the probability for a while: its middle here and in R, one end of it in lifelines"
_RISES = "the limit rises again later: its first crossing here and in R, lifelines searches as if it only fell"
_NO_LIMITS = "no interval is defined at S(t) = 0; lifelines gives the bound itself"
_NOT_YET = "before the first entry: 1 here and in R, lifelines has no value"
_UNMET = "no event could have met a group: it leaves the degrees of freedom here and in R, lifelines counts it"
_CARRIED_ON = "later than the last observation: NE here, lifelines carries the last value on"


@dataclass(frozen=True, slots=True)
class Check:
    """One number, ours and lifelines'. None is not reached, or not defined."""

    endpoint: str
    group: str
    statistic: str
    day: float | None
    """Where on the curve; None for what has no day."""
    ours: float | None
    lifelines: float | None
    difference: float | None
    """Relative to the larger (of two noughts: as it is); None where one of them is missing."""
    verdict: Verdict
    why: str = ""
    """Of every verdict but `agree`."""


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """All comparisons of one run."""

    checks: tuple[Check, ...]
    software: str
    """`lifelines 0.30.3`."""
    skipped: str = ""
    """Why nothing was compared at all."""

    @property
    def compared(self) -> int:
        """Numbers that were computed twice."""
        return sum(one.verdict != NOT_COMPARED for one in self.checks)

    @property
    def disagreements(self) -> tuple[Check, ...]:
        """Differences nobody can explain: one of the programs is wrong."""
        return tuple(one for one in self.checks if one.verdict == DIFFERS)

    def reasons(self, verdict: Verdict) -> Mapping[str, int]:
        """The reasons given with a verdict, and how many numbers each concerns."""
        found: dict[str, int] = {}
        for one in self.checks:
            if one.verdict == verdict:
                found[one.why] = found.get(one.why, 0) + 1
        return found

    def text(self) -> str:
        """One sentence for the summary and the report."""
        if self.skipped:
            return f"Nothing was recomputed with lifelines: {self.skipped}."
        head = f"{self.compared} numbers recomputed with {self.software}"
        if self.disagreements:
            return (
                f"{head}: {len(self.disagreements)} DISAGREE, see tables/second_opinion.csv before using any of them."
            )
        explained = sum(one.verdict == BY_DEFINITION for one in self.checks)
        but = f" but {explained}, which follow another definition there" if explained else ""
        left = sum(one.verdict == NOT_COMPARED for one in self.checks)
        return f"{head}: all agree{but}" + (f"; {left} could not be compared." if left else ".")


def ask_lifelines(analysis: Analysis, most: int = MOST_PATIENTS) -> SecondOpinion:
    """Recomputes every endpoint and group of the analysis.

    Args:
        analysis: what was computed.
        most: with more analysed patients nothing is recomputed; 0 switches the second opinion off.
    """
    software = _software()
    count = len(analysis.analysed)
    if most <= 0:
        return SecondOpinion((), software, "switched off")
    if count > most:
        return SecondOpinion((), software, f"{count} patients are more than the {most} it is done for")
    if not count:
        return SecondOpinion((), software, "nobody is analysed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import lifelines  # noqa: F401
    except ImportError as error:
        return SecondOpinion((), software, f"it can't be loaded ({type(error).__name__})")
    return SecondOpinion(tuple(one for result in analysis.endpoints for one in check_endpoint(result)), software)


def _software() -> str:
    try:
        return f"lifelines {version('lifelines')}"
    except PackageNotFoundError:
        return "lifelines"


def check_endpoint(result: EndpointResult) -> tuple[Check, ...]:
    """All that lifelines can say about one endpoint: the curves over all and by group, and the comparison."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return tuple(_checks_of_endpoint(result))


def _checks_of_endpoint(result: EndpointResult) -> Iterator[Check]:
    for group in (result.overall, *result.groups):
        if group.sample.n:
            yield from _checks_of_group(result.endpoint, group)
    if result.test is not None:
        yield from _checks_of_comparison(result)


def _checks_of_group(endpoint: str, group: GroupSurvival) -> Iterator[Check]:
    judge = _Judge(endpoint, group.group)
    yield from _attempt(judge, "Kaplan–Meier", lambda: _check_curve(judge, group))
    yield from _attempt(judge, "follow-up", lambda: _check_follow_up(judge, group))


def _checks_of_comparison(result: EndpointResult) -> Iterator[Check]:
    judge = _Judge(result.endpoint, " / ".join(one.group for one in result.groups))
    yield from _attempt(judge, "log-rank", lambda: _check_log_rank(judge, result))
    yield from _attempt(judge, "Cox", lambda: _check_cox(judge, result))


def _attempt(judge: "_Judge", statistic: str, compute: Callable[[], Iterable[Check]]) -> tuple[Check, ...]:
    """The checks, or a row that says how lifelines failed: it must never stop a report."""
    from lifelines.exceptions import StatError

    failures = (
        ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError,
    )  # fmt: skip
    try:
        return tuple(compute())
    except StatError:
        return (judge.leave(statistic, "lifelines refuses delayed entry where the risk set empties early"),)
    except failures as error:
        return (judge.leave(statistic, f"lifelines failed ({type(error).__name__})"),)


@dataclass(frozen=True, slots=True)
class _Judge:
    """Makes the rows of one endpoint and group."""

    endpoint: str
    group: str

    def compare(
        self,
        statistic: str,
        ours: float | None,
        theirs: float | None,
        *,
        day: float | None = None,
        tolerance: float = TOLERANCE,
        explained: str = "",
    ) -> Check:
        """Judges two numbers; `explained` is the other definition that accounts for exactly this difference, if one does."""
        difference = _difference(ours, theirs)
        if (ours is None and theirs is None) or (difference is not None and difference <= tolerance):
            return Check(self.endpoint, self.group, statistic, day, ours, theirs, difference, AGREE)
        verdict, why = (BY_DEFINITION, explained) if explained else (DIFFERS, "no known reason")
        return Check(self.endpoint, self.group, statistic, day, ours, theirs, difference, verdict, why)

    def leave(self, statistic: str, why: str) -> Check:
        """A row for what could not be compared."""
        return Check(self.endpoint, self.group, statistic, None, None, None, None, NOT_COMPARED, why)


def _difference(ours: float | None, theirs: float | None) -> float | None:
    if ours is None or theirs is None:
        return None
    largest = max(abs(ours), abs(theirs))
    return abs(ours - theirs) / (largest if largest > _ZERO else 1.0)


def _finite(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _fit_curve(time: Floats, event: Mask, data: Sample, conf_level: float) -> Any:
    """Their Kaplan–Meier estimate of times and events; entry times as in the sample."""
    from lifelines import KaplanMeierFitter

    entry = data.entry if data.delayed else None
    return KaplanMeierFitter(alpha=1.0 - conf_level).fit(time, event, entry=entry)


def _check_curve(judge: _Judge, group: GroupSurvival) -> Iterator[Check]:
    curve = group.curve
    fitted = _fit_curve(group.shown.time, group.shown.event, group.shown, curve.conf_level)
    table = fitted.event_table
    newcomers = table["entrance"].to_numpy().copy()
    newcomers[0] = 0  # who enters at the very start is at risk there; who enters later is so only after that day
    at_risk = dict(zip(table.index, table["at_risk"].to_numpy() - newcomers, strict=True))
    survival = fitted.survival_function_.iloc[:, 0].to_dict()
    limits = [fitted.confidence_interval_.iloc[:, column].to_dict() for column in (0, 1)]
    for place in np.flatnonzero(curve.events > 0):
        day = float(curve.time[place])
        yield judge.compare("number at risk", float(curve.at_risk[place]), float(at_risk[day]), day=day)
        yield judge.compare("S(t)", float(curve.survival[place]), float(survival[day]), day=day)
        if curve.conf_type != "log-log":
            continue
        for name, limits_here, limits_there in zip(("lower", "upper"), (curve.lower, curve.upper), limits, strict=True):
            ours, theirs = _finite(limits_here[place]), _finite(limits_there[day])
            explained = _NO_LIMITS if curve.survival[place] == 0.0 and ours is None and theirs in (0.0, 1.0) else ""
            yield judge.compare(f"{name} limit of S(t)", ours, theirs, day=day, explained=explained)
    for mark in group.landmarks:
        theirs = _finite(fitted.predict(mark.time))
        carried = mark.survival is not None and theirs is not None and math.isclose(mark.survival, theirs, rel_tol=1e-6)
        if mark.beyond_last:
            explained = _CARRIED_ON if carried else ""
            yield judge.compare("S(t) at a landmark", None, theirs, day=mark.time, explained=explained)
        else:
            too_early = mark.survival == 1.0 and theirs is None and mark.time < float(fitted.timeline[0])
            explained = _NOT_YET if too_early else ""
            yield judge.compare("S(t) at a landmark", mark.survival, theirs, day=mark.time, explained=explained)
    for one in group.quantiles:
        yield _check_quantile(judge, one, fitted, f"quantile {one.prob:g}")
    yield from _check_limits(judge, group.median, fitted, curve.conf_type, "median")


def _check_follow_up(judge: _Judge, group: GroupSurvival) -> Iterator[Check]:
    data, curve = group.shown, group.curve
    fitted = _fit_curve(data.time, ~data.event, data, curve.conf_level)
    middle = group.follow_up[1]
    yield _check_quantile(judge, middle, fitted, "median follow-up")
    yield from _check_limits(judge, middle, fitted, curve.conf_type, "median follow-up")


def _check_quantile(judge: _Judge, ours: Quantile, fitted: Any, statistic: str) -> Check:
    steps = fitted.survival_function_.iloc[:, 0]
    theirs = _finite(fitted.percentile(1.0 - ours.prob))
    explained = _explain(steps.to_numpy(), fitted, ours.estimate, ours.prob, whole=True)
    return judge.compare(statistic, ours.estimate, theirs, explained=explained)


def _check_limits(judge: _Judge, ours: Quantile, fitted: Any, conf_type: str, statistic: str) -> Iterator[Check]:
    if conf_type != "log-log":
        yield judge.leave(f"limits of the {statistic}", f"lifelines has no {conf_type} intervals")
        return
    from lifelines.utils import qth_survival_time

    for name, limit, column in (("lower", ours.lower, 0), ("upper", ours.upper, 1)):
        steps = fitted.confidence_interval_.iloc[:, column]
        theirs = _finite(qth_survival_time(1.0 - ours.prob, steps))
        explained = _explain(steps.to_numpy(), fitted, limit, ours.prob)
        yield judge.compare(f"{name} limit of the {statistic}", limit, theirs, explained=explained)


def _explain(heights: Floats, fitted: Any, ours: float | None, prob: float, *, whole: bool = False) -> str:
    """Why our quantile may differ from theirs, if it is the one that R's rule reads off lifelines' own curve; else "".

    Args:
        heights: their curve, or a limit of it, at each of their times.
        fitted: what it is from.
        ours: our time.
        prob: of the quantile.
        whole: the curve counts down to 0; of a limit, what is at S(t) = 0 does not count.
    """
    times = fitted.survival_function_.index.to_numpy(dtype=float)
    counted = np.full(times.size, True) if whole else fitted.survival_function_.iloc[:, 0].to_numpy() > 0.0
    gone = 1.0 - heights[counted]
    reached = np.flatnonzero(gone >= prob - _HALF)
    if not reached.size:
        return _NOT_REACHED if ours is None else ""
    first = last_end = float(times[counted][reached[0]])
    if gone[reached[0]] <= prob + _HALF:
        passed = np.flatnonzero(gone > prob + _HALF)
        last_end = float(times[counted][passed[0]] if passed.size else times[-1])
    if ours is None or abs(ours - (first + last_end) / 2.0) > _HALF:
        return ""
    return _RISES if bool(np.any(np.diff(heights[counted]) > _HALF)) else _MIDDLE


def _pooled(result: EndpointResult) -> tuple[Floats, Mask, Floats, list[str]]:
    samples = [one.sample for one in result.groups]
    return (
        np.concatenate([one.time for one in samples]),
        np.concatenate([one.event for one in samples]),
        np.concatenate([np.maximum(one.entry, 0.0) for one in samples]),
        [one.group for one in result.groups for _ in range(one.sample.n)],
    )


def _check_log_rank(judge: _Judge, result: EndpointResult) -> Iterator[Check]:
    from lifelines.statistics import multivariate_logrank_test

    if result.test is None:
        return
    if any(one.sample.delayed for one in result.groups):
        yield judge.leave("log-rank", "lifelines has no log-rank test with delayed entry")
        return
    time, event, _, labels = _pooled(result)
    theirs = multivariate_logrank_test(time, labels, event)
    yield judge.compare("log-rank chi-square", result.test.chi_square, _finite(theirs.test_statistic))
    counted = float(chdtrc(len(result.groups) - 1, result.test.chi_square))
    unmet = result.test.df < len(result.groups) - 1 and abs(counted - float(theirs.p_value)) < TOLERANCE
    explained = _UNMET if unmet else ""
    yield judge.compare("log-rank p", result.test.p, _finite(theirs.p_value), explained=explained)


def _check_cox(judge: _Judge, result: EndpointResult) -> Iterator[Check]:
    import pandas as pd
    from lifelines import CoxPHFitter

    if not result.hazard_ratios:
        yield judge.leave("Cox", "our model did not converge and gives no estimate")
        return
    time, event, entry, labels = _pooled(result)
    # Numbered and not named: names of groups come from the registry and could clash with the other columns.
    names = {ratio.group: f"x{place}" for place, ratio in enumerate(result.hazard_ratios)}
    columns: dict[str, Sequence[float] | Floats | Mask] = {"time": time, "event": event, "entry": entry}
    columns |= {column: [float(label == group) for label in labels] for group, column in names.items()}
    delayed = any(one.sample.delayed for one in result.groups)
    table = pd.DataFrame(columns) if delayed else pd.DataFrame(columns).drop(columns="entry")
    fitted = CoxPHFitter().fit(
        table, "time", "event", entry_col="entry" if delayed else None, fit_options=_FIT_OPTIONS
    )  # fmt: skip
    for ratio in result.hazard_ratios:
        column = names[ratio.group]
        pair = f"{ratio.group} against {ratio.reference}"
        theirs = (_finite(fitted.params_[column]), _finite(fitted.standard_errors_[column]))
        yield judge.compare(f"Cox coefficient, {pair}", ratio.coef, theirs[0], tolerance=COX_TOLERANCE)
        yield judge.compare(f"Cox standard error, {pair}", ratio.se, theirs[1], tolerance=COX_TOLERANCE)
