"""Whether it matters to a survival curve who abstracted: the same patients' endpoints from both readings, side by side.

The hazard ratio treats the two readings as two groups; since they are the same patients, its interval is from drawing patients anew.
"""

import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass

from abstractor.outcomes.cohort import usable_sample
from abstractor.outcomes.cox import fit_cox
from abstractor.outcomes.lines import DrugGroups
from abstractor.outcomes.patient import derive_patient
from abstractor.outcomes.protocol import Protocol
from abstractor.outcomes.record import PatientRecord
from abstractor.outcomes.survival import Curve, kaplan_meier, quantile
from abstractor.outcomes.timing import TimeToEvent
from abstractor.quality.agreement import Estimate
from abstractor.quality.resampling import by_patient

_DRAWS = 300
"""Each fits a model; more would make a report wait."""
Twice = tuple[TimeToEvent, TimeToEvent]


@dataclass(frozen=True, slots=True, eq=False)
class CurveAgreement:
    """One endpoint from two readings of the same patients; days."""

    endpoint: str
    patients: int
    """With this endpoint in both readings."""
    only_one: int
    """With it in one reading only: in neither curve."""
    first: Curve
    second: Curve
    first_median: float | None
    second_median: float | None
    median_difference: Estimate
    """Second less first; no value where one of the medians is not reached."""
    hazard_ratio: Estimate
    """Second against first: 1 where the readings tell of the same hazard."""


def agree_curves(
    first: Sequence[PatientRecord],
    second: Sequence[PatientRecord],
    endpoint: str,
    *,
    protocol: Protocol,
    cutoff: datetime.date,
    groups: DrugGroups,
    seed: int = 0,
) -> CurveAgreement | None:
    """Compares an endpoint (`os`, `pfs`, …) of the patients that both readings have.

    Args:
        first: records from the first reading.
        second: from the second.
        endpoint: its name.
        protocol: the study's settings.
        cutoff: nothing later is used.
        groups: what the drugs are.
        seed: of the intervals.

    Returns:
        None where no patient has the endpoint in both.
    """
    theirs = {one.patient_id: one for one in second}
    pairs = [(one, theirs[one.patient_id]) for one in first if one.patient_id in theirs]
    rows = [
        (
            derive_patient(one, protocol, cutoff, groups).endpoints[endpoint],
            derive_patient(other, protocol, cutoff, groups).endpoints[endpoint],
        )
        for one, other in pairs
    ]
    both = [one for one in rows if one[0].primary and one[1].primary]
    if not both:
        return None
    curves = tuple(kaplan_meier(usable_sample([one[side] for one in both])) for side in (0, 1))
    return CurveAgreement(
        endpoint,
        len(both),
        sum(one.primary != other.primary for one, other in rows),
        curves[0],
        curves[1],
        _median(both, 0),
        _median(both, 1),
        by_patient(both, _median_difference, draws=_DRAWS, seed=seed),
        by_patient(both, _hazard_ratio, draws=_DRAWS, seed=seed),
    )


def _median(rows: Sequence[Twice], side: int) -> float | None:
    return quantile(kaplan_meier(usable_sample([one[side] for one in rows])), 0.5).estimate


def _median_difference(rows: Sequence[Twice]) -> float | None:
    first, second = _median(rows, 0), _median(rows, 1)
    return None if first is None or second is None else second - first


def _hazard_ratio(rows: Sequence[Twice]) -> float | None:
    data = usable_sample([one for one, _ in rows] + [other for _, other in rows])
    if not data.events:
        return None
    fit = fit_cox(data, [[0.0]] * len(rows) + [[1.0]] * len(rows), ["second"])
    return math.exp(fit.terms[0].coef) if fit.converged else None
