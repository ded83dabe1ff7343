"""Does who responds live longer? From a landmark, and with response as something that happens on a day; never responders as such.

Who responded has lived until the response; a plain comparison would count that time as theirs (immortal time), so there is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from abstractor.outcomes.cohort import Analysis, GroupSurvival, HazardRatio, survive
from abstractor.outcomes.cox import Term, fit_cox
from abstractor.outcomes.landmarks import Followed, from_landmark, time_dependent
from abstractor.outcomes.patient import PatientOutcome
from abstractor.outcomes.survival import LogRank, log_rank, sample, why_no_test
from abstractor.outcomes.timing import TimeToEvent, at

RESPONDED, NOT_RESPONDED = "responded by the landmark", "had not responded by the landmark"


@dataclass(frozen=True, slots=True, eq=False)
class ResponseResult:
    """One endpoint by response to line 1."""

    endpoint: str
    landmark_days: int
    left_before: tuple[str, ...]
    """Patients whose time ended by the landmark: in neither group."""
    groups: tuple[GroupSurvival, ...]
    """Times from the landmark, in days."""
    later: tuple[str, ...]
    """Counted as not responding, though they responded after the landmark."""
    test: LogRank | None
    ratio: HazardRatio | None
    """Of who responded by the landmark."""
    no_test: str
    time_dependent: Term | None
    """Of the time after the response against the time before or without it, everybody from time zero."""
    why_not: str
    """Why there is no time-dependent ratio; "" where there is."""


@dataclass(frozen=True, slots=True)
class _Course:
    patient: str
    row: TimeToEvent
    responded: int | None
    """Days from time zero to the first response."""


def response_results(analysis: Analysis) -> tuple[ResponseResult, ...]:
    """Of overall and progression-free survival; times run from line 1, so only with that time zero."""
    if analysis.protocol.time_zero != "line_1_start":
        return ()
    return tuple(_result(analysis, endpoint) for endpoint in ("os", "pfs"))


def _result(analysis: Analysis, endpoint: str) -> ResponseResult:
    protocol = analysis.protocol
    mark = protocol.response_landmark_days
    courses = [
        _Course(one.patient_id, row, first_response_day(one))
        for one in analysis.treated
        if (row := one.endpoints[endpoint]).primary
    ]
    staying = [
        (courses[one.place], RESPONDED if one.reached else NOT_RESPONDED)
        for one in from_landmark(_followed(courses), mark)
    ]
    still_followed = {one.patient for one, _ in staying}
    by_label = {
        name: {one.patient: _counted_anew(analysis, one.row) for one, label in staying if label == name}
        for name in (NOT_RESPONDED, RESPONDED)
    }
    groups = tuple(survive(name, rows, protocol) for name, rows in by_label.items() if rows)
    test, ratio, no_test = _compare(analysis, groups)
    term, why_not = _time_dependent(analysis, courses)
    return ResponseResult(
        endpoint=endpoint,
        landmark_days=mark,
        left_before=tuple(one.patient for one in courses if one.patient not in still_followed),
        groups=groups,
        later=tuple(one.patient for one, label in staying if one.responded is not None and label == NOT_RESPONDED),
        test=test,
        ratio=ratio,
        no_test=no_test,
        time_dependent=term,
        why_not=why_not,
    )


def _followed(courses: Sequence[_Course]) -> list[Followed]:
    """With the response as what happens to them."""
    return [
        Followed(None if one.responded is None else float(one.responded), float(one.row.days or 0), bool(one.row.event))
        for one in courses
    ]


def first_response_day(outcome: PatientOutcome) -> int | None:
    """Days from the start of line 1 to the first CR or PR; None without a response."""
    first = outcome.first_line
    if first is None or first.best.value not in ("CR", "PR"):
        return None
    days = [(one.date - first.line.start).days for one in first.assessments if one.value in ("CR", "PR")]
    return min(days, default=None)


def _counted_anew(analysis: Analysis, row: TimeToEvent) -> TimeToEvent:
    assert row.start is not None
    assert row.stop is not None
    start = row.start + timedelta(days=analysis.protocol.response_landmark_days)
    return at(
        row.endpoint, start, row.stop, bool(row.event), row.reason, analysis.protocol, rule=row.rule,
        flags=row.flags, evidence=row.evidence,
    )  # fmt: skip


def _compare(analysis: Analysis, groups: Sequence[GroupSurvival]) -> tuple[LogRank | None, HazardRatio | None, str]:
    protocol = analysis.protocol
    sizes = {one.group: (one.sample.n, one.sample.events) for one in groups}
    why = why_no_test(sizes, protocol.min_group_patients, protocol.min_group_events)
    if why:
        return None, None, why
    first, second = groups
    data = sample(
        [*first.sample.time, *second.sample.time], [*map(int, first.sample.event), *map(int, second.sample.event)]
    )
    labels = [first.group] * first.sample.n + [second.group] * second.sample.n
    term = fit_cox(
        data, [float(one == RESPONDED) for one in labels], [RESPONDED], conf_level=protocol.conf_level
    ).terms[0]
    ratio = HazardRatio(
        term.name, first.group, term.hazard_ratio, term.lower, term.upper, term.p, coef=term.coef, se=term.se
    )
    return log_rank(data, labels), ratio if term.estimable else None, ""


def _time_dependent(analysis: Analysis, courses: Sequence[_Course]) -> tuple[Term | None, str]:
    protocol = analysis.protocol
    patients = _followed(courses)
    after = [one for one in patients if one.reached is not None and one.reached < one.exit]
    events = sum(one.event for one in after)
    sizes = {
        "with a response": (len(after), events),
        "without a response": (len(patients) - len(after), sum(one.event for one in patients) - events),
    }
    why = why_no_test(sizes, protocol.min_group_patients, protocol.min_group_events)
    if why:
        return None, why
    data, changed, _ = time_dependent(patients)
    fit = fit_cox(data, changed, ["after the response"], conf_level=protocol.conf_level)
    return (fit.terms[0], "") if fit.converged else (None, "no hazard ratio: the model did not converge")
