"""Shares whose parts come by patient: the facts of one patient are missed together, so that patients are what was drawn, not facts.

The interval is that of Clopper and Pearson for the effective number of facts (Korn and Graubard 1998), from the spread between patients.
The spread alone is too small where the few patients that are read badly happen not to be among those read twice, or where few patients
hold most of the facts: so it is taken as if two more patients had been read, one with everything right and one with everything wrong,
each with as many facts as the patient of an average fact has. `benchmarks/quality_simulation.py` shows what the intervals cover.
"""

from collections.abc import Sequence

import numpy as np
from scipy.stats import beta

from abstractor.quality.agreement import Estimate


def share_by_patient(parts: Sequence[tuple[int, int]], level: float = 0.95) -> Estimate:
    """Hits among trials over all patients, with an interval that takes patients as the units.

    Args:
        parts: hits and trials of each patient; patients without a trial say nothing.
        level: of the interval.

    Returns:
        Without limits where there are fewer than two patients with a trial.
    """
    table = np.array([one for one in parts if one[1]], dtype=float).reshape(-1, 2)
    patients, trials = len(table), float(table[:, 1].sum())
    if not patients:
        return Estimate(None)
    share = float(table[:, 0].sum()) / trials
    if patients < 2:
        return Estimate(share, n=int(trials))
    lower, upper = exact_limits(share, _effective(table), level)
    return Estimate(share, lower, upper, int(trials), "by patient (Korn–Graubard)")


def _effective(table: "np.typing.NDArray[np.float64]") -> float:
    """How many facts a plain sample would need to tell as much; never more than there are."""
    patients, trials = len(table), float(table[:, 1].sum())
    size = float((table[:, 1] ** 2).sum()) / trials
    hits, facts = np.append(table[:, 0], [size, 0.0]), np.append(table[:, 1], [size, size])
    share = float(hits.sum() / facts.sum())
    spread = float(((hits - share * facts) ** 2).sum())
    variance = (patients + 2) / patients * spread / float(facts.sum()) ** 2  # of as many patients as there are
    return min(share * (1 - share) / variance, trials)


def exact_limits(share: float, size: float, level: float) -> tuple[float, float]:
    """Clopper–Pearson, for sizes that need not be whole."""
    hits, tail = share * size, (1 - level) / 2
    lower = 0.0 if hits <= 0 else float(beta.ppf(tail, hits, size - hits + 1))
    upper = 1.0 if hits >= size - 1e-9 else float(beta.ppf(1 - tail, hits + 1, size - hits))
    return lower, upper


def f1_by_patient(parts: Sequence[tuple[int, int]], level: float = 0.95) -> Estimate:
    """F1 of two readings: 2J / (1 + J), J being the share of all facts that both have.

    Args:
        parts: of each patient: facts that both have, and facts that either has.
        level: of the interval.
    """
    shared = share_by_patient(parts, level)

    def f1(share: float | None) -> float | None:
        return None if share is None else 2 * share / (1 + share)

    return Estimate(f1(shared.value), f1(shared.lower), f1(shared.upper), shared.n, shared.method)
