"""Progression-free survival in all its definitions: real-world, GENIE variants, trial style. Pure functions over dates.

Each takes days that are already imputed and returns one row with the reason for its event or censoring. What lies after
the cutoff is not seen.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import Assessment
from abstractor.outcomes.timing import Dated, TimeToEvent, at, happened, not_computed

Day = datetime.date
Variant = Literal["I", "M", "I_or_M", "I_and_M"]
VARIANTS: tuple[Variant, ...] = ("I", "M", "I_or_M", "I_and_M")


@dataclass(frozen=True, slots=True)
class FollowUp:
    """How long progression was looked for."""

    last_abstraction: Day | None
    """The last day whose record was read for the state of the disease."""
    last_activity: Day | None
    """The last contact of any kind."""
    gap_start: Day | None = None
    """The last visit before the first gap that is too long; None without one."""
    visits_known: bool = True
    """False where no visits were abstracted, so that no gap can be seen."""

    def end(self, index: Day, cutoff: Day) -> tuple[Day, str] | None:
        """End of follow-up for progression and which of the three it is; None where it can't be said."""
        if self.last_abstraction is None or self.last_activity is None:
            return None
        if min(self.last_abstraction, self.last_activity) <= index:
            return None
        ends = [
            (self.last_abstraction, "last status read"),
            (self.last_activity, "last contact"),
            (cutoff, "data cutoff"),
        ]
        if self.gap_start is not None:
            ends.append((self.gap_start, "visit gap"))
        return min(ends, key=lambda one: one[0])


def visit_gap_start(visits: Sequence[Day], index: Day, gap_days: int | None, cutoff: Day) -> Day | None:
    """The last visit from the index on before the first gap of more than `gap_days`; None without such a gap."""
    if gap_days is None:
        return None
    days = sorted({index, *(day for day in visits if index <= day <= cutoff)})
    return next((one for one, after in pairwise(days) if (after - one).days > gap_days), None)


def real_world_pfs(
    index: Day,
    progressions: Sequence[Dated],
    death: Dated | None,
    follow_up: FollowUp,
    *,
    cutoff: Day,
    protocol: Protocol,
    next_line: Dated | None = None,
    endpoint: str = "pfs",
    basis: str = "clinician-anchored",
) -> TimeToEvent:
    """rwPFS: clinician-anchored progression within follow-up, death soon after it, else censored at its end (2.4a)."""
    ended = follow_up.end(index, cutoff)
    if ended is None:
        return not_computed(
            endpoint, index, "not computed: no follow-up for progression after the index", "MISSING 2.4a/1"
        )
    eof, why = ended
    died = death if death is not None and death.date <= cutoff else None
    grace_end = index + datetime.timedelta(days=protocol.rwp_grace_days)
    counted = sorted((one for one in progressions if grace_end < one.date <= cutoff), key=lambda one: one.date)
    first = counted[0] if counted else None
    flags = list(() if follow_up.visits_known else ("visits_unknown",))
    if any(index < one.date <= grace_end for one in progressions):
        flags.append("progression_in_grace_period")
    if died is not None and any(one.date > died.date for one in progressions):
        flags.append("progression_after_death")
    changed = next_line if protocol.line_change_before_rwp != "follow" and next_line is not None else None
    if changed is not None and changed.date <= eof and (first is None or changed.date < first.date):
        if protocol.line_change_before_rwp == "event" and (died is None or changed.date <= died.date):
            return at(
                endpoint,
                index,
                changed.date,
                True,
                "next line before progression",
                protocol,
                rule="EVENT_NEXT_LINE 2.4",
                basis=basis,
                flags=flags,
                evidence=changed.evidence,
            )
        eof, why = changed.date, "next line"
    if first is not None and first.date <= eof and (died is None or first.date <= died.date):
        site = f" ({first.site})" if first.site else ""
        return happened(
            endpoint, index, first, f"progression{site}", protocol, rule="PROGRESSION 2.4a/3", basis=basis, flags=flags
        )
    window = protocol.death_window_days
    if died is not None and (window is None or (died.date - eof).days <= window):
        if died.date < index:
            return not_computed(endpoint, index, "excluded: death before the index", "EXCLUDED", died.evidence)
        return happened(endpoint, index, died, "death", protocol, rule="DEATH 2.4a/4", basis=basis, flags=flags)
    return at(
        endpoint,
        index,
        max(eof, index),
        False,
        f"censored: end of follow-up for progression ({why})",
        protocol,
        rule="CENSORED 2.4a/5",
        basis=basis,
        flags=flags,
    )


def real_world_ttp(
    index: Day,
    progressions: Sequence[Dated],
    death: Dated | None,
    follow_up: FollowUp,
    *,
    cutoff: Day,
    protocol: Protocol,
    next_line: Dated | None = None,
) -> TimeToEvent:
    """rwTTP: as rwPFS, but death is censored (2.4c)."""
    row = real_world_pfs(
        index, progressions, death, follow_up, cutoff=cutoff, protocol=protocol, next_line=next_line, endpoint="ttp"
    )
    if row.event and row.rule.startswith("DEATH") and row.stop is not None:
        ended = follow_up.end(index, cutoff)
        stop = min(row.stop, ended[0]) if ended else row.stop
        return at("ttp", index, stop, False, "censored: death", protocol, rule="CENS_DEATH 2.4c", evidence=row.evidence)
    return row


def genie_pfs(
    kind: Variant,
    index: Day,
    assessed: Sequence[Assessment],
    death: Dated | None,
    *,
    cutoff: Day,
    protocol: Protocol,
    next_line: Day | None = None,
) -> TimeToEvent:
    """PFS-I, -M, -I-or-M, -I-and-M: which reports must call it progression (2.4b).

    A clinician's assessment counts on the day the clinician wrote it. Death is an event in all; everything behind the next
    line is cut off, and censoring is at the last report of the kind until then.
    """
    endpoint = "pfs_" + kind.lower()
    until = min([cutoff, *([next_line] if next_line else [])])
    imaging = [(one.date, one) for one in assessed if one.imaging]
    clinician = [(one.clinician_date or one.date, one) for one in assessed if one.clinician]
    first = [_first_progression(reports, index, until) for reports in (imaging, clinician)]
    last = [
        max((day for day, one in reports if one.adequate and index < day <= until), default=None)
        for reports in (imaging, clinician)
    ]
    found = {
        "I": first[0],
        "M": first[1],
        "I_or_M": min((one for one in first if one), key=lambda one: one.date, default=None),
        "I_and_M": max((one for one in first if one), key=lambda one: one.date) if all(first) else None,
    }[kind]
    lasts = {"I": last[:1], "M": last[1:]}.get(kind, last)
    known = [day for day in lasts if day is not None]
    basis = f"PFS-{kind.replace('_', '-')}"
    died = death if death is not None and index <= death.date <= until else None
    if found is not None and (died is None or found.date <= died.date):
        return happened(endpoint, index, found, "progression", protocol, rule="PROGRESSION 2.4b", basis=basis)
    if died is not None:
        return happened(endpoint, index, died, "death", protocol, rule="DEATH 2.4b", basis=basis)
    reason = "censored: last assessment" if known else "censored: no assessment after the index"
    if next_line is not None and next_line <= cutoff:
        reason += " before the next line"
    return at(endpoint, index, max([index, *known]), False, reason, protocol, rule="CENSORED 2.4b", basis=basis)


def _first_progression(reports: Sequence[tuple[Day, Assessment]], index: Day, until: Day) -> Dated | None:
    days = [
        (day, one) for day, one in reports if one.value == "PD" and not one.pseudoprogression and index < day <= until
    ]
    if not days:
        return None
    day, one = min(days, key=lambda pair: pair[0])
    return Dated(day, one.evidence, _imputation(one), one.site)


def _imputation(one: Assessment) -> str:
    return next((flag.removeprefix("imputed:") for flag in one.flags if flag.startswith("imputed:")), "")


def progressions(assessed: Sequence[Assessment]) -> tuple[Dated, ...]:
    """The progressions among the assessments, pseudoprogression left out, ascending."""
    return tuple(
        Dated(one.date, one.evidence, _imputation(one), one.site)
        for one in sorted(assessed, key=lambda each: each.date)
        if one.value == "PD" and not one.pseudoprogression
    )


def trial_pfs(
    index: Day,
    assessed: Sequence[Assessment],
    death: Dated | None,
    *,
    cutoff: Day,
    protocol: Protocol,
    next_line: Dated | None = None,
    endpoint: str = "pfs_trial",
    baseline: bool = True,
) -> TimeToEvent:
    """PFS as a trial counts it (2.3): first progression on a scan or death, censored by the six rules."""
    clinical = protocol.clinical_progression_in_trial_pfs
    usable = [
        one
        for one in sorted(assessed, key=lambda each: each.date)
        if index < one.date <= cutoff and one.adequate and (clinical or not one.clinical_only)
    ]
    died = death if death is not None and death.date <= cutoff else None
    progressed = next(iter(progressions(usable)), None)
    event, name = (progressed, "PD") if progressed is not None else (died, "death")
    if died is not None and event is not None and died.date < event.date:
        event, name = died, "death"
    if next_line is not None and next_line.date <= cutoff and (event is None or next_line.date < event.date):
        before = _last(usable, next_line.date)
        return at(
            endpoint,
            index,
            before or index,
            False,
            "censored: new therapy before progression",
            protocol,
            rule="CENS_NEW_THERAPY 2.3/4",
            basis="trial",
            evidence=next_line.evidence,
        )
    if event is None:
        last = usable[-1].date if usable and baseline else None
        if last is None:
            return at(
                endpoint,
                index,
                index,
                False,
                "censored: no adequate assessment after the index",
                protocol,
                rule="CENS_NO_POSTBASELINE 2.3/2",
                basis="trial",
            )
        return at(
            endpoint,
            index,
            last,
            False,
            "censored: last adequate assessment",
            protocol,
            rule="CENS_LAST_ASSESSMENT 2.3/3",
            basis="trial",
            evidence=usable[-1].evidence,
        )
    if event.date < index:
        return not_computed(endpoint, index, "excluded: death before the index", "EXCLUDED", event.evidence)
    before = _last(usable, event.date - datetime.timedelta(days=1)) or index
    if protocol.recist_gap_days is not None and (event.date - before).days > protocol.recist_gap_days:
        return at(
            endpoint,
            index,
            before,
            False,
            "censored: missed assessments before the event",
            protocol,
            rule="CENS_MISSED_ASSESSMENTS 2.3/5",
            basis="trial",
            evidence=event.evidence,
        )
    return happened(endpoint, index, event, name, protocol, rule=f"{name.upper()} 2.3/1", basis="trial")


def _last(usable: Sequence[Assessment], until: Day) -> Day | None:
    return max((one.date for one in usable if one.date <= until), default=None)
