"""What an audited sample says of the whole: shares of right values with intervals, and whether a field passes.

A plain sample has the exact interval of Clopper and Pearson. A stratified one has the same interval for an effective size and the
weighted share (Korn and Graubard 1998): the size that a plain sample would need for the variance of the stratified one. Strata of about
the same weight are taken together for the variance (in proportion, strata never do worse than a plain draw), and each such part counts as
if one more right and one more wrong value had been audited in it: a small part without an error is not taken to be without errors. The
effective size never counts for more than what was audited. `benchmarks/quality_simulation.py` shows what the intervals cover.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from abstractor.quality.agreement import Estimate
from abstractor.quality.clusters import exact_limits
from abstractor.quality.plans import allowed_errors, plan
from abstractor.quality.settings import FieldClass

_ALIKE = 1.5
"""Weights up to this many times the lightest are about the same."""


@dataclass(frozen=True, slots=True)
class Audited:
    """One audited value."""

    stratum: str
    right: bool


@dataclass(frozen=True, slots=True)
class StratumSize:
    """How many of the frame a stratum holds, and how many of them have been audited."""

    size: int
    audited: int


def share_right(audited: Sequence[Audited], strata: dict[str, StratumSize], level: float = 0.95) -> Estimate:
    """The share of right values in the part of the frame that `audited` stands for.

    Args:
        audited: of one field, rule or abstractor.
        strata: of the whole sample, with all that was audited in them. What was drawn and waits is taken to be like what was audited.
        level: of the interval.
    """
    if not audited:
        return Estimate(None)
    parts = _parts(audited, strata)
    n, whole = len(audited), sum(one.size for one in parts)
    share = sum(one.right_weight for one in parts) / whole
    effective = _effective_size(parts, whole)
    if effective is None:
        return Estimate(share, share, share, n, "all were audited")
    size = min(effective, float(n))
    lower, upper = exact_limits(share, size, level)
    return Estimate(
        share, lower, upper, n, "exact (Clopper–Pearson)" if len(parts) == 1 else "stratified (Korn–Graubard)"
    )


@dataclass(slots=True)
class _Part:
    """Strata of about the same weight."""

    least_weight: float
    audited: int = 0
    right: int = 0
    size: float = 0.0
    """Of the frame."""
    right_weight: float = 0.0


def _parts(audited: Sequence[Audited], strata: dict[str, StratumSize]) -> list[_Part]:
    groups: dict[str, list[bool]] = defaultdict(list)
    for one in audited:
        groups[one.stratum].append(one.right)
    weighted = sorted((strata[name].size / strata[name].audited, name) for name in groups)
    parts: list[_Part] = []
    for weight, name in weighted:
        # what was audited in full (weight 1) is certain: it lends nothing to what was drawn
        if not parts or weight > _ALIKE * parts[-1].least_weight or (parts[-1].least_weight == 1 < weight):
            parts.append(_Part(weight))
        here, rights = parts[-1], groups[name]
        here.audited += len(rights)
        here.right += sum(rights)
        here.size += weight * len(rights)
        here.right_weight += weight * sum(rights)
    return parts


def _effective_size(parts: Sequence[_Part], whole: float) -> float | None:
    """None where nothing was left to chance: every stratum was audited in full."""
    variance = middle = 0.0
    for one in parts:
        cautious = (one.right + 1) / (one.audited + 2)
        middle += one.size / whole * cautious
        left = max(1 - one.audited / one.size, 0.0)
        variance += (one.size / whole) ** 2 * left * cautious * (1 - cautious) / one.audited
    return middle * (1 - middle) / variance if variance > 0 else None


Verdict = Literal["accepted", "failed", "open"]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Whether a field's audit passes, and in words why."""

    verdict: Verdict
    text: str


def is_even(strata: Iterable[StratumSize]) -> bool:
    """Whether all values weigh about the same, so that a plan for plain samples may judge them. `audited`: how many are to be."""
    weights = [one.size / one.audited for one in strata if one.audited]
    return not weights or max(weights) <= _ALIKE * min(weights)


def accept(
    audited: int, errors: int, drawn: int, frame: int, rules: FieldClass, right: Estimate | None = None
) -> Acceptance:
    """Judges a field by its acceptance plan, once its sample is audited; a field that can't pass any more fails at once.

    Args:
        audited: how many values of the field were audited.
        errors: of these, how many were wrong as the field's class counts.
        drawn: how many are in the sample.
        frame: how many there are in all; where all were drawn and audited, the share itself is judged.
        rules: the field's class.
        right: of a sample whose strata weigh differently: the weighted share of right values, its lower limit one-sided at the confidence
            of the class. No plan fits such a sample: what was taken in full would stand for more than it is. None: a plain sample.
    """
    if drawn >= frame:
        return _accept_all(audited, errors, frame, int(rules.error_limit * frame + 1e-9))
    if right is not None:
        return _accept_weighted(audited, errors, drawn, rules, right)
    limit, sure = f"{rules.plan_limit:.0%}", f"{rules.confidence:.0%}"
    allowed = allowed_errors(drawn, rules.plan_limit, rules.confidence)
    if allowed is None:
        needed = min(plan(rules.plan_limit, rules.confidence, errors).n, frame)
        return Acceptance("open", f"open: {drawn} drawn are too few to judge; draw {needed}")
    if errors > allowed:
        return Acceptance(
            "failed", f"failed: {errors} wrong of {audited} audited, {allowed} allowed of {drawn}; {REMEDY}"
        )
    if audited < drawn:
        return Acceptance("open", f"open: {audited} of {drawn} audited, {errors} wrong, {allowed} allowed")
    return Acceptance(
        "accepted",
        f"accepted: {errors} wrong of {audited}, {allowed} allowed; {sure} sure that fewer than {limit} are wrong",
    )


def _accept_all(audited: int, errors: int, frame: int, allowed: int) -> Acceptance:
    """Nothing was left to chance."""
    if errors > allowed:
        return Acceptance("failed", f"failed: {errors} wrong, {allowed} allowed of all {frame}; {REMEDY}")
    if audited < frame:
        return Acceptance("open", f"open: {audited} of all {frame} audited, {errors} wrong, {allowed} allowed")
    return Acceptance("accepted", f"accepted: all {frame} audited, {errors} wrong, {allowed} allowed")


def _accept_weighted(audited: int, errors: int, drawn: int, rules: FieldClass, right: Estimate) -> Acceptance:
    limit, sure = f"{rules.plan_limit:.0%}", f"{rules.confidence:.0%}"
    if audited < drawn or right.value is None or right.lower is None:
        return Acceptance("open", f"open: {audited} of {drawn} audited, {errors} wrong")
    most = 1 - right.lower
    told = f"{errors} wrong of {audited}, about {1 - right.value:.1%} of all"
    if most <= rules.plan_limit:
        return Acceptance("accepted", f"accepted: {told}; {sure} sure that fewer than {limit} are wrong")
    if errors == 0:
        return Acceptance("open", f"open: none wrong of {audited}, but up to {most:.1%} of all may be; draw more")
    return Acceptance("failed", f"failed: {told}, up to {most:.1%} may be where {limit} is the limit; {REMEDY}")


REMEDY = "find the cause, train, and abstract the failed part again in full"
