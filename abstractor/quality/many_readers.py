"""Agreement of more than two readers: Fleiss' kappa (complete readings), Krippendorff's alpha (gaps allowed).

Fleiss is statsmodels'. The kept library for alpha is under the GPL, so alpha is computed here from its coincidence matrix, and held to
the published worked example in the tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from abstractor.quality.agreement import Estimate
from abstractor.quality.resampling import by_patient

Floats = npt.NDArray[np.float64]
Level = Literal["nominal", "ordinal", "interval"]


def fleiss_kappa(counts: npt.ArrayLike) -> float | None:
    """Kappa of several readers who all judged every item.

    Args:
        counts: a row an item, a column a category: how many readers chose it.

    Returns:
        None where only one category was ever used.

    Raises:
        ValueError: some items have fewer readings than others.
    """
    from statsmodels.stats.inter_rater import fleiss_kappa as kappa

    table = np.asarray(counts, dtype=np.int64)
    if len(set(table.sum(axis=1).tolist())) > 1:
        raise ValueError("every item must have the same number of readings; Krippendorff's alpha allows gaps")
    if table.ndim != 2 or np.count_nonzero(table.sum(axis=0)) < 2:
        return None
    return float(kappa(table))


def krippendorff_alpha(readings: Sequence[Sequence[float | None]], level: Level = "nominal") -> float | None:
    """Alpha: 1 - observed / expected disagreement.

    Args:
        readings: a row a reader, a column an item; None where a reader has not judged it. Categories are given as numbers, in order.
        level: how far apart two values are: `nominal` (different or not), `ordinal` (by the values between), `interval` (by the square).

    Returns:
        None where no item has two readings, or all values are the same.
    """
    items = [[value for value in column if value is not None] for column in zip(*readings, strict=True)]
    items = [one for one in items if len(one) > 1]
    values = sorted({value for one in items for value in one})
    if len(values) < 2:
        return None
    matrix = _coincidences(items, values)
    totals = matrix.sum(axis=0)
    apart = _distances(np.asarray(values, dtype=float), totals, level)
    expected = np.outer(totals, totals)
    np.fill_diagonal(expected, totals * (totals - 1))
    return float(1 - (totals.sum() - 1) * (matrix * apart).sum() / (expected * apart).sum())


def _coincidences(items: Sequence[Sequence[float]], values: Sequence[float]) -> Floats:
    """How often two values meet on one item; each item counts for as many as it has readings."""
    matrix = np.zeros((len(values), len(values)))
    for one in items:
        counts = np.array([one.count(value) for value in values], dtype=float)
        matrix += (np.outer(counts, counts) - np.diag(counts)) / (len(one) - 1)
    return matrix


def _distances(values: Floats, totals: Floats, level: Level) -> Floats:
    if level == "nominal":
        return 1.0 - np.eye(len(values))
    if level == "interval":
        return np.asarray((values[:, None] - values[None, :]) ** 2)
    # the values from one to the other, the two ends counted half
    middles = np.cumsum(totals) - totals / 2
    return np.asarray((middles[:, None] - middles[None, :]) ** 2)


@dataclass(frozen=True, slots=True)
class ManyReaders:
    """One question that some patients were asked about by more than two readers."""

    field: str
    patients: int
    """With at least two readings; of those with exactly two as well as more."""
    most_readers: int
    alpha: Estimate
    """Krippendorff, nominal."""
    fleiss: Estimate
    """Of the patients whom the most readers read."""


def many_readers(field: str, answers: Sequence[Sequence[str]], *, seed: int = 0) -> ManyReaders:
    """Agreement of any number of readers, with intervals from drawing patients anew.

    Args:
        field: the question.
        answers: of each patient, what each reader answered, in any order.
        seed: of the intervals.
    """
    read = [one for one in answers if len(one) > 1]
    most = max((len(one) for one in read), default=0)
    complete = [one for one in read if len(one) == most]
    return ManyReaders(
        field, len(read), most, by_patient(read, _alpha, seed=seed), by_patient(complete, _fleiss, seed=seed)
    )


def _alpha(answers: Sequence[Sequence[str]]) -> float | None:
    codes = {label: float(place) for place, label in enumerate(sorted({one for each in answers for one in each}))}
    most = max((len(one) for one in answers), default=0)
    items = [[codes[label] for label in one] + [None] * (most - len(one)) for one in answers]
    return krippendorff_alpha(list(zip(*items, strict=True)))


def _fleiss(answers: Sequence[Sequence[str]]) -> float | None:
    labels = sorted({one for each in answers for one in each})
    if not labels:
        return None
    return fleiss_kappa([[each.count(label) for label in labels] for each in answers])
