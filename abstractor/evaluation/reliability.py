"""Whether a confidence means what it says: of the facts that are given 0.8, eight in ten should be right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Facts of like confidence."""

    lower: float
    upper: float
    facts: int
    stated: float
    """Mean confidence."""
    observed: float
    """Share that is right."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """The reliability of a set of facts."""

    bins: tuple[Bin, ...]
    """Those that hold facts, from low to high."""
    facts: int
    ece: float
    """Expected calibration error: the mean distance of stated from observed over bins, weighted by facts (Naeini 2015)."""
    brier: float
    """Mean squared distance of the confidence from 1 (right) or 0 (wrong)."""

    def row(self) -> dict[str, object]:
        """For JSON."""
        return {
            "facts": self.facts,
            "ece": self.ece,
            "brier": self.brier,
            "bins": [
                {
                    "lower": one.lower,
                    "upper": one.upper,
                    "facts": one.facts,
                    "stated": one.stated,
                    "observed": one.observed,
                }
                for one in self.bins
            ],
        }


def reliability(judged: Iterable[tuple[float, bool]], bins: int = BINS) -> Reliability:
    """Bins facts by confidence, in steps of equal width.

    Args:
        judged: confidence and whether the fact is right.
        bins: how many steps there are from 0 to 1.
    """
    pairs = list(judged)
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for confidence, right in pairs:
        groups[min(int(confidence * bins), bins - 1)].append((confidence, right))
    made = tuple(
        Bin(number / bins, (number + 1) / bins, len(group), _mean([one for one, _ in group]), _share(group))
        for number, group in enumerate(groups)
        if group
    )
    count = len(pairs)
    return Reliability(
        made,
        count,
        sum(one.facts * abs(one.stated - one.observed) for one in made) / count if count else 0.0,
        _mean([(confidence - right) ** 2 for confidence, right in pairs]),
    )


def reliability_table(found: Reliability) -> str:
    """The bins as text, a line each."""
    lines = [f"{'confidence':12} {'facts':>6} {'stated':>7} {'right':>7}"]
    lines += [
        f"{f'{one.lower:.1f} to {one.upper:.1f}':12} {one.facts:6} {one.stated:7.3f} {one.observed:7.3f}"
        for one in found.bins
    ]
    lines.append(
        f"{found.facts} facts found; expected calibration error {found.ece:.3f}, Brier score {found.brier:.3f}"
    )
    return "\n".join(lines)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _share(group: Sequence[tuple[float, bool]]) -> float:
    return _mean([float(right) for _, right in group])
