"""The numbers of the outcomes screen: the same analysis as `abstractor outcomes`, cut down to what a terminal draws."""

import math
from collections.abc import Callable, Container, Sequence
from datetime import date

from abstractor.batch.records import records, unreviewed
from abstractor.outcomes.cohort import ALL, GROUPINGS, Analysis, GroupSurvival, analyse, grouping
from abstractor.outcomes.definitions import TITLES
from abstractor.outcomes.lines import drug_groups
from abstractor.outcomes.patient import PatientOutcome, derive_patient
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.survival import at_risk_table
from abstractor.registry.engine import Registry
from abstractor.review.curves import Arm, Ask, Curves, OutcomesSource, OutcomesView, Share, Stopped
from abstractor.rulebook.book import RuleBook

_ENDPOINTS = ("os", "pfs")
_MEASURES = ("ORR", "confirmed ORR", "DCR", "confirmed DCR")


def outcomes_source(
    registry: Registry,
    rulebook: RuleBook,
    protocol: Protocol,
    *,
    cutoff: Callable[[], date],
    clock: Callable[[], str],
    least: int,
    hidden: Callable[[], Container[str]] = frozenset,
) -> OutcomesSource:
    """What the outcomes screen asks.

    Args:
        registry: an open registry; read from the thread that asks.
        rulebook: for the drugs.
        protocol: the settings of the study.
        cutoff: gives the last day that is used.
        clock: gives the time, UTC, ISO 8601.
        least: groups with fewer patients are hidden.
        hidden: patients of which this person may know nothing, for they are still to be read blind.
    """
    groups = drug_groups(rulebook)

    def answer(ask: Ask, stopped: Callable[[], bool]) -> OutcomesView:
        def tick() -> None:
            if stopped():
                raise Stopped

        last_day = min(cutoff(), protocol.data_cutoff or date.max)
        grouping(ask.by, protocol)  # refused before anything is read
        as_of = clock()
        unseen = hidden()
        every = [one for one in records(registry, tick) if one.patient_id not in unseen]
        kept = _kept(every, ask, protocol, lambda one: derive_patient(one, protocol, last_day, groups), tick)
        left = unreviewed(registry, unseen).suggestions
        tick()
        analysis = analyse(kept, protocol, last_day, by=ask.by, groups=groups)
        return OutcomesView(
            ask=ask,
            as_of=as_of,
            cutoff=analysis.cutoff.isoformat(),
            patients=len(analysis.patients),
            analysed=len(analysis.analysed),
            unreviewed=left,
            curves=tuple(_curves(analysis, name, least) for name in _ENDPOINTS),
            shares=_shares(analysis, least),
            least=least,
            columns=(*GROUPINGS, *protocol.genes),
        )

    return answer


def _kept(
    every: Sequence[PatientRecord],
    ask: Ask,
    protocol: Protocol,
    derive: Callable[[PatientRecord], PatientOutcome],
    tick: Callable[[], None],
) -> Sequence[PatientRecord]:
    """The records of those whose baseline is as asked."""
    wanted = {grouping(name, protocol): value for name, value in ask.keep}
    if not wanted:
        return every
    found = []
    for record in every:
        tick()
        columns = derive(record).baseline.columns
        if all(str(columns.get(name or "")) == value for name, value in wanted.items()):
            found.append(record)
    return found


def _curves(analysis: Analysis, endpoint: str, least: int) -> Curves:
    result = analysis.endpoint(endpoint)
    drawn = [one for one in result.groups if one.sample.n >= least] or [result.overall]
    last = max((one.curve.last for one in drawn if one.curve.time.size), default=0.0)
    times = month_ticks(analysis.protocol.months(last))
    arms = tuple(_arm(one, times, analysis.protocol, least) for one in result.groups)
    hidden = any(one.hidden for one in arms)
    return Curves(
        endpoint=endpoint,
        title=TITLES[endpoint],
        overall=_arm(result.overall, times, analysis.protocol, least),
        arms=arms,
        times=times,
        p=result.test.p if result.test is not None and not hidden else None,
        no_test=f"no test: a group has fewer than {least} patients" if hidden else result.no_test,
    )


def _arm(group: GroupSurvival, times: Sequence[float], protocol: Protocol, least: int) -> Arm:
    if group.sample.n < least:
        return Arm(group.group, hidden=True)
    curve, shown = group.curve, group.shown
    at = [protocol.months(float(day)) for day in curve.time]
    survival = [float(one) for one in curve.survival]
    median = [None if one is None else protocol.months(one) for one in _limits(group)]
    return Arm(
        name=group.group,
        n=group.sample.n,
        events=group.sample.events,
        steps=((protocol.months(group.start), 1.0), *zip(at, survival, strict=True)),
        censored=tuple((month, one) for month, one, left in zip(at, survival, curve.censored, strict=True) if left),
        median=median[0],
        lower=median[1],
        upper=median[2],
        at_risk=tuple(one.at_risk for one in at_risk_table(shown, [month * protocol.month_days for month in times])),
    )


def _limits(group: GroupSurvival) -> tuple[float | None, float | None, float | None]:
    return group.median.estimate, group.median.lower, group.median.upper


def _shares(analysis: Analysis, least: int) -> tuple[Share, ...]:
    found = []
    for one in analysis.rates:
        if one.denominator != ALL or one.measure not in _MEASURES:
            continue
        value = one.value
        if value.n < least:
            found.append(Share(one.measure, one.group, hidden=True))
        else:
            found.append(Share(one.measure, one.group, value.x, value.n, value.estimate, value.lower, value.upper))
    return tuple(found)


def month_ticks(longest: float) -> tuple[float, ...]:
    """At most seven times from 0 on, in steps that divide years."""
    step = next((one for one in (1, 2, 3, 6, 12, 24, 36, 60, 120) if longest / one <= 6), 240)
    return tuple(float(step * place) for place in range(max(1, math.ceil(longest / step)) + 1))
