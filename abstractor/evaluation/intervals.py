"""How sure a figure is: notes drawn anew with replacement for F1 (facts of one note err together), exact binomial limits for a proportion."""

from collections.abc import Mapping, Sequence

from abstractor.evaluation.scores import Counts

RESAMPLES = 1000
SEED = 20240229
_LEVEL = 0.95


def f1_interval(notes: Sequence[Counts], *, resamples: int = RESAMPLES, seed: int = SEED) -> tuple[float, float] | None:
    """The 95 % percentile bootstrap interval of F1 over notes.

    Args:
        notes: the counts of each note, those without any fact too.
        resamples: how often notes are drawn.
        seed: the same seed gives the same interval.

    Returns:
        Lower and upper limit; None with fewer than two notes that hold a fact, and where no draw differs (no error at all:
        drawing anew can't tell how rare errors are).
    """
    import numpy as np

    if sum(bool(one.tp + one.fp + one.fn) for one in notes) < 2:
        return None
    table = np.array([(one.tp, one.fp, one.fn) for one in notes], dtype=float)
    draws = np.random.default_rng(seed).multinomial(len(table), [1 / len(table)] * len(table), size=resamples)
    tp, fp, fn = (draws @ table).T
    whole = 2 * tp + fp + fn
    values = np.divide(2 * tp, whole, out=np.zeros_like(tp), where=whole > 0)[whole > 0]
    lower, upper = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return (float(lower), float(upper)) if lower < upper else None


def f1_intervals(notes: Mapping[str, Mapping[str, Counts]]) -> dict[str, tuple[float, float]]:
    """The intervals by field, and over all fields under the name `micro`.

    Args:
        notes: `Scores.notes`: note to field to counts.
    """
    names = sorted({name for fields in notes.values() for name in fields})
    found: dict[str, tuple[float, float]] = {}
    for name in names:
        interval = f1_interval([fields.get(name, Counts()) for fields in notes.values()])
        if interval is not None:
            found[name] = interval
    totals = []
    for fields in notes.values():
        total = Counts()
        for counts in fields.values():
            total.add(counts)
        totals.append(total)
    interval = f1_interval(totals)
    if interval is not None:
        found["micro"] = interval
    return found


def exact_interval(hits: int, trials: int) -> tuple[float, float] | None:
    """The exact 95 % interval of a proportion (Clopper and Pearson 1934); None without trials."""
    from scipy.stats import beta

    if trials <= 0:
        return None
    tail = (1 - _LEVEL) / 2
    lower = 0.0 if hits == 0 else float(beta.ppf(tail, hits, trials - hits + 1))
    upper = 1.0 if hits == trials else float(beta.ppf(1 - tail, hits + 1, trials - hits))
    return lower, upper
