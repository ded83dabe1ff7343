"""Events that compete: how many progress, how many die before they could; and how many progress in the central nervous system first.

Takes the analysed patients' rows of progression-free survival apart by what ended them. No table, no drawing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from abstractor.outcomes.cohort import ALL, Analysis, HazardRatio, usable_sample
from abstractor.outcomes.competing_risks import Incidence, IncidenceAt, cumulative_incidence, incidence_at
from abstractor.outcomes.cox import dummies, fit_cox
from abstractor.outcomes.patient import CNS
from abstractor.outcomes.survival import Sample, why_no_test
from abstractor.outcomes.timing import TimeToEvent

PROGRESSION, DEATH = "progression", "death without progression"
IN_CNS, OUTSIDE = "progression in the central nervous system first", "other progression or death first"


@dataclass(frozen=True, slots=True, eq=False)
class CauseCurve:
    """The cumulative incidence of one cause in one group; times in days."""

    cause: str
    group: str
    events: int
    curve: Incidence
    at: tuple[IncidenceAt, ...]
    """At the landmark months of the protocol."""
    sample: Sample
    """The times, with an event of any cause."""
    patients: tuple[str, ...]
    ended_by: tuple[bool, ...]
    """Of each patient: whether this cause ended the time."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One question: the causes that exclude each other, in every group."""

    name: str
    title: str
    curves: tuple[CauseCurve, ...]
    ratios: tuple[HazardRatio, ...]
    """Cause-specific, of the first cause, each group against the first."""
    why_not: str
    """Why there is nothing, or no cause-specific ratio; "" where there is."""


def ends_in_death(row: TimeToEvent) -> bool:
    """Whether an event of progression-free survival is a death without progression."""
    return bool(row.event) and row.rule.startswith("DEATH")


def in_cns(row: TimeToEvent) -> bool:
    """Whether an event is a progression confined to the central nervous system, as far as its site is stated."""
    return bool(row.event) and any(f"({site})" in row.reason for site in CNS)


def cause_results(analysis: Analysis) -> tuple[Question, ...]:
    """Progression against death, and CNS progression against all else; the second only where a site is stated at all."""
    rows = {one.patient_id: row for one in analysis.analysed if (row := one.endpoints["pfs"]).primary}
    first = _question(
        analysis,
        rows,
        "progression",
        "Progression, with death without progression competing",
        ((PROGRESSION, lambda row: bool(row.event) and not ends_in_death(row)), (DEATH, ends_in_death)),
    )
    title = "First progression in the central nervous system, with other progression and death competing"
    if not any(in_cns(row) for row in rows.values()):
        why = "not derived: no confirmed progression names the central nervous system as its site"
        return first, Question("cns", title, (), (), why)
    second = _question(
        analysis,
        rows,
        "cns",
        title,
        ((IN_CNS, in_cns), (OUTSIDE, lambda row: bool(row.event) and not in_cns(row))),
    )
    return first, second


def _question(
    analysis: Analysis,
    rows: Mapping[str, TimeToEvent],
    name: str,
    title: str,
    causes: Sequence[tuple[str, Callable[[TimeToEvent], bool]]],
) -> Question:
    if not rows:
        return Question(name, title, (), (), "nobody to analyse")
    groups = {ALL: rows}
    if analysis.by:
        for level in (one.group for one in analysis.endpoint("pfs").groups):
            groups[level] = {one: row for one, row in rows.items() if analysis.split.get(one) == level}
    curves = [
        _curve(analysis, cause, group, of_group, is_cause)
        for group, of_group in groups.items()
        for cause, is_cause in causes
    ]
    by_level = {level: of_level for level, of_level in groups.items() if level != ALL}
    ratios, why = _ratios(analysis, by_level, causes[0][1]) if by_level else ((), "")
    return Question(name, title, tuple(curves), ratios, why)


def _curve(
    analysis: Analysis,
    cause: str,
    group: str,
    rows: Mapping[str, TimeToEvent],
    is_cause: Callable[[TimeToEvent], bool],
) -> CauseCurve:
    protocol = analysis.protocol
    data = usable_sample(list(rows.values()))
    ours = np.array([is_cause(row) for row in rows.values()], dtype=bool)
    curve = cumulative_incidence(data, ours, protocol.conf_type, protocol.conf_level)
    return CauseCurve(
        cause=cause,
        group=group,
        events=int(ours.sum()),
        curve=curve,
        at=tuple(incidence_at(curve, data, month * protocol.month_days) for month in protocol.landmark_months),
        sample=data,
        patients=tuple(rows),
        ended_by=tuple(bool(one) for one in ours),
    )


def _ratios(
    analysis: Analysis, by_level: Mapping[str, Mapping[str, TimeToEvent]], is_cause: Callable[[TimeToEvent], bool]
) -> tuple[tuple[HazardRatio, ...], str]:
    """Cause-specific hazard ratios: the other causes count as censored."""
    protocol = analysis.protocol
    sizes = {level: (len(rows), sum(map(is_cause, rows.values()))) for level, rows in by_level.items()}
    why = why_no_test(sizes, protocol.min_group_patients, protocol.min_group_events)
    if why:
        return (), why
    every = [row for rows in by_level.values() for row in rows.values()]
    data = usable_sample(every)
    only = Sample(data.time, np.array([is_cause(row) for row in every], dtype=bool), data.entry, data.delayed)
    labels = [level for level, rows in by_level.items() for _ in rows]
    levels = list(by_level)
    coded, names = dummies(labels, levels)
    fit = fit_cox(only, coded, names, conf_level=protocol.conf_level)
    if not fit.converged:
        return (), "no hazard ratio: the model did not converge"
    return (
        tuple(
            HazardRatio(one.name, levels[0], one.hazard_ratio, one.lower, one.upper, one.p, coef=one.coef, se=one.se)
            for one in fit.terms
        ),
        "",
    )
