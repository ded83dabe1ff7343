"""Intervals by drawing patients anew with replacement: what one patient's facts have in common goes wrong together."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from abstractor.quality.agreement import Estimate

Patient = TypeVar("Patient")

DRAWS = 1000
SEED = 20240229


def by_patient(
    patients: Sequence[Patient],
    figure: Callable[[Sequence[Patient]], float | None],
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    level: float = 0.95,
) -> Estimate:
    """A figure over patients with its percentile bootstrap interval.

    Args:
        patients: whatever `figure` takes of each.
        figure: None where it can't be computed; such draws are left out.
        draws: how often patients are drawn.
        seed: the same seed gives the same interval.
        level: of the interval.

    Returns:
        Without limits where fewer than two patients, or fewer than nine in ten draws, give a figure.
    """
    value = figure(patients)
    n = len(patients)
    if value is None or n < 2:
        return Estimate(value, n=n)
    random = np.random.default_rng(seed)
    drawn = (figure([patients[place] for place in random.integers(n, size=n)]) for _ in range(draws))
    found = [one for one in drawn if one is not None]
    if len(found) < 0.9 * draws:
        return Estimate(value, n=n)
    lower, upper = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(lower), float(upper), n, f"bootstrap of patients, {draws} draws, seed {seed}")
