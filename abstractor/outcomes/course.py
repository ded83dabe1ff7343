"""How patients were followed, counted: what ended each time, how sensitive the cancer was to platinum, how often it was assessed.

A referee asks these of any real-world curve: censoring that is not one's last contact, and groups scanned at different intervals,
make curves that can't be compared. No drawing, no printing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from abstractor.outcomes.cohort import ALL, Analysis
from abstractor.outcomes.endpoints import SENSITIVITY_CUTOFFS
from abstractor.outcomes.patient import PatientOutcome

ENDINGS_OF = ("os", "pfs", "pfs_trial")
"""The endpoints whose endings are counted."""
CATEGORIES = ("sensitive", "resistant", "refractory", "not progressed", "unknown")
"""Of platinum sensitivity; the last three are the same at every cut-off."""


@dataclass(frozen=True, slots=True)
class Ending:
    """One way in which times of an endpoint end, and whose."""

    endpoint: str
    reason: str
    event: bool
    patients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlatinumCounts:
    """Patients by platinum sensitivity at one cut-off in days."""

    cutoff: int
    patients: tuple[tuple[str, tuple[str, ...]], ...]
    """Category and who is in it, in the order of `CATEGORIES`."""


@dataclass(frozen=True, slots=True)
class AssessmentInterval:
    """Days between assessments in one group: of each patient the median, of the patients the quartiles."""

    group: str
    patients: tuple[str, ...]
    """With at least one assessment during line 1."""
    quartiles: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class Course:
    """All of one run."""

    endings: tuple[Ending, ...]
    platinum: tuple[PlatinumCounts, ...]
    intervals: tuple[AssessmentInterval, ...]


def describe_course(analysis: Analysis) -> Course:
    """Counts them among the analysed."""
    return Course(tuple(_endings(analysis)), _platinum(analysis), _intervals(analysis))


def _endings(analysis: Analysis) -> Iterator[Ending]:
    """Events first, then the censored; each by its number of patients, then by name."""
    for endpoint in ENDINGS_OF:
        found: dict[tuple[bool, str], list[str]] = {}
        for one in analysis.analysed:
            row = one.endpoints[endpoint]
            if row.primary:
                found.setdefault((bool(row.event), row.reason), []).append(one.patient_id)
        for (event, reason), who in sorted(found.items(), key=lambda item: (not item[0][0], -len(item[1]), item[0][1])):
            yield Ending(endpoint, reason, event, tuple(who))


def _platinum(analysis: Analysis) -> tuple[PlatinumCounts, ...]:
    if not analysis.treated:
        return ()
    cutoffs = sorted({*SENSITIVITY_CUTOFFS, analysis.protocol.platinum_free_cutoff})
    return tuple(
        PlatinumCounts(
            cutoff,
            tuple(
                (name, tuple(one.patient_id for one in analysis.treated if _category(one, cutoff) == name))
                for name in CATEGORIES
            ),
        )
        for cutoff in cutoffs
    )


def _category(outcome: PatientOutcome, cutoff: int) -> str:
    days = outcome.platinum.days
    if days is None or days <= 0:
        return outcome.platinum.category
    return "sensitive" if days >= cutoff else "resistant"


def _intervals(analysis: Analysis) -> tuple[AssessmentInterval, ...]:
    levels = [one.group for one in analysis.endpoint("pfs").groups]
    found = []
    for group in (ALL, *levels):
        medians = {
            one.patient_id: middle
            for one in analysis.treated
            if group == ALL or analysis.split.get(one.patient_id) == group
            if (middle := _median_gap(one)) is not None
        }
        quartiles = None
        if medians:
            low, middle, high = (float(one) for one in np.percentile(list(medians.values()), (25, 50, 75)))
            quartiles = (low, middle, high)
        found.append(AssessmentInterval(group, tuple(medians), quartiles))
    return tuple(found)


def _median_gap(outcome: PatientOutcome) -> float | None:
    """Of the days from the start of line 1 to its first assessment, and from each to the next; None without an assessment."""
    first = outcome.first_line
    if first is None:
        return None
    days = sorted({0, *((one.date - first.line.start).days for one in first.assessments)})
    gaps = [after - before for before, after in pairwise(days)]
    return float(np.median(gaps)) if gaps else None
