"""Left truncation: who enters late, from when a curve may be read, and whether the entry is independent of the outcome.

A registry that holds only patients who lived to be sequenced counts them at risk from the report on, not from diagnosis. These
tests can miss an informative entry (they see only what lies in the risk sets); a large p value is no proof of independence.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from abstractor.outcomes.cox import Term, fit_cox
from abstractor.outcomes.survival import Floats, Sample, kaplan_meier

ENOUGH = 10
"""At risk, for a curve with delayed entry to start (DOMAIN 2.9)."""


@dataclass(frozen=True, slots=True)
class EntryTest:
    """Is the time to the event independent of the entry, where both can be seen?"""

    kendall_tau: float
    """Conditional tau: 1 where those who enter later always live longer."""
    z: float
    p: float
    cox: Term
    """The entry time as a covariate of a Cox model with delayed entry."""


def first_reliable_time(data: Sample, least: int = ENOUGH) -> float | None:
    """The first time from which on at least `least` are at risk; 0 if so from the start, None if never.

    A risk set counts right after the entries at a time: who enters at t is at risk from then on.
    """
    if int(np.count_nonzero((data.entry <= 0.0) & (data.time > 0.0))) >= least:
        return 0.0
    entered = np.sort(data.entry[data.entry > 0.0])
    moments = np.unique(entered)
    inside = np.searchsorted(np.sort(data.entry), moments, side="right") - np.searchsorted(
        np.sort(data.time), moments, side="right"
    )
    enough = np.flatnonzero(inside >= least)
    return float(moments[enough[0]]) if enough.size else None


def start_at(data: Sample, time: float) -> tuple[Sample, np.ndarray]:  # type: ignore[type-arg]
    """The sample given survival to `time`: who left by then is out, who came before enters then.

    Returns:
        The sample, with times still counted from time zero; and which of the subjects are in it.
    """
    kept = data.time > time
    return Sample(data.time[kept], data.event[kept], np.maximum(data.entry[kept], time), delayed=True), kept


def check_entry(data: Sample) -> EntryTest | None:
    """Tests quasi-independence of entry and event (Tsai 1990) and fits the entry as a covariate.

    At each event the entry of who has it is compared with those of the others at risk; which of them it is would be chance.

    Returns:
        None where entries do not differ within any risk set.
    """
    if not data.delayed or not data.events:
        return None
    total = variance = pairs = 0.0
    curve = kaplan_meier(data)
    for day in curve.time[curve.events > 0]:
        at_risk = (data.entry < day) & (data.time >= day)
        signs = _sign_sums(data.entry[at_risk])
        had = (data.event & (data.time == day))[at_risk]
        total += float(signs[had].sum())
        variance += float(np.mean(signs**2)) * float(had.sum())
        pairs += float(had.sum()) * (signs.size - 1)
    if variance <= 0.0 or not pairs:
        return None
    # An early entry among those who have the event means that late entries live longer.
    z = total / math.sqrt(variance)
    fit = fit_cox(data, np.maximum(data.entry, 0.0), ["entry"])
    return EntryTest(total / pairs, z, float(chdtrc(1, z * z)), fit.terms[0])


def _sign_sums(values: Floats) -> Floats:
    """For each, how many of the values are larger less how many are smaller."""
    ordered = np.sort(values)
    larger = values.size - np.searchsorted(ordered, values, side="right")
    smaller = np.searchsorted(ordered, values, side="left")
    signs: Floats = (larger - smaller).astype(float)
    return signs
