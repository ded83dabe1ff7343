"""Many markers tested on one outcome: which of them may be tested at all, and the p values corrected for how many were.

Benjamini–Hochberg over all that were tested, Holm over those named before the data were seen (DOMAIN 2.8). A marker that is too rare
is listed with the reason, so that the number tested is plain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from abstractor.outcomes.cox import Term, fit_cox
from abstractor.outcomes.proportions import benjamini_hochberg, holm
from abstractor.outcomes.survival import LogRank, Sample, log_rank, why_no_test


@dataclass(frozen=True, slots=True)
class Limits:
    """Below these a marker is not tested."""

    prevalence: float = 0.05
    altered: int = 10
    group_patients: int = 10
    group_events: int = 5


@dataclass(frozen=True, slots=True)
class Screened:
    """One marker: altered against not altered."""

    marker: str
    known: int
    """Patients in whom it was looked for."""
    altered: int
    test: LogRank | None
    ratio: Term | None
    """Hazard ratio of the altered; None also where it has no estimate."""
    q: float | None
    """Benjamini–Hochberg, over all markers tested."""
    p_holm: float | None
    """Holm, over the markers named in advance that were tested; None for the others."""
    why_not: str
    """Why there is no test, else ""."""


def screen_markers(
    data: Sample,
    markers: Mapping[str, Sequence[bool | None]],
    named_before: Sequence[str] = (),
    strata: Sequence[str] | None = None,
    limits: Limits | None = None,
    conf_level: float = 0.95,
) -> tuple[Screened, ...]:
    """Tests each marker by the log-rank test among those in whom it was looked for.

    Args:
        data: the outcome.
        markers: for each marker the status of each subject; None is not tested for it.
        named_before: markers of the pre-specified set.
        strata: of the tests and models.
        limits: default those of DOMAIN 2.8.
        conf_level: of the hazard ratios.
    """
    least = limits or Limits()
    raw = {name: _screen(name, data, status, strata, least, conf_level) for name, status in markers.items()}
    tested = [name for name, one in raw.items() if one.test is not None]
    chosen = [name for name in tested if name in named_before]
    q = dict(zip(tested, benjamini_hochberg(_p_values(raw, tested)), strict=True))
    by_holm = dict(zip(chosen, holm(_p_values(raw, chosen)), strict=True))
    return tuple(
        Screened(name, one.known, one.altered, one.test, one.ratio, q.get(name), by_holm.get(name), one.why_not)
        for name, one in raw.items()
    )


def _p_values(rows: Mapping[str, Screened], names: Sequence[str]) -> list[float]:
    return [test.p for name in names if (test := rows[name].test) is not None]


def _screen(
    name: str,
    data: Sample,
    status: Sequence[bool | None],
    strata: Sequence[str] | None,
    limits: Limits,
    conf_level: float,
) -> Screened:
    known = np.array([one is not None for one in status], dtype=bool)
    part, altered = data.take(known), np.array([bool(one) for one in status if one is not None], dtype=bool)
    count = int(altered.sum())
    reason = ""
    if count < limits.altered:
        reason = f"altered in {count} (at least {limits.altered})"
    elif count < limits.prevalence * part.n:
        reason = f"altered in {100 * count / part.n:.1f} % (at least {100 * limits.prevalence:g} %)"
    else:
        sizes = {
            label: (int(chosen.sum()), int(part.event[chosen].sum()))
            for label, chosen in (("altered", altered), ("not altered", ~altered))
        }
        reason = why_no_test(sizes, limits.group_patients, limits.group_events).removeprefix("no test: ")
    if reason:
        return Screened(name, part.n, count, None, None, None, None, reason)
    layers = None if strata is None else [one for one, here in zip(strata, known, strict=True) if here]
    test = log_rank(part, ["altered" if one else "not" for one in altered], layers)
    term = fit_cox(part, altered.astype(float), [name], layers, conf_level).terms[0]
    return Screened(name, part.n, count, test, term if term.estimable else None, None, None, "")
