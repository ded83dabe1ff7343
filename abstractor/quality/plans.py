"""How many to audit, and how many errors still pass: exact binomial numbers, none of them from a printed table."""

import math
from dataclasses import dataclass

from scipy.stats import binom, norm


@dataclass(frozen=True, slots=True)
class Plan:
    """Audit `n`; pass with at most `errors`."""

    n: int
    errors: int


def plan(limit: float, confidence: float, errors: int) -> Plan:
    """The smallest audit that passes with `errors`, and seldom (1 - confidence) where the true share of errors is `limit` (LTPD)."""
    n = errors + 1
    high = max(16, n)
    while binom.cdf(errors, high, limit) > 1 - confidence:
        high *= 2
    while n < high:
        between = (n + high) // 2
        if binom.cdf(errors, between, limit) <= 1 - confidence:
            high = between
        else:
            n = between + 1
    return Plan(n, errors)


def allowed_errors(n: int, limit: float, confidence: float) -> int | None:
    """The most errors with which an audit of `n` passes; None where it is too small to pass with any."""
    errors = -1
    while errors + 1 < n and binom.cdf(errors + 1, n, limit) <= 1 - confidence:
        errors += 1
    return errors if errors >= 0 else None


def chance_to_pass(one: Plan, share: float) -> float:
    """How probably the plan passes where this share is wrong (its operating characteristic)."""
    return float(binom.cdf(one.errors, one.n, share))


def size_for_interval(share: float, half_width: float, confidence: float = 0.95) -> int:
    """How many to audit for an interval of about ± `half_width` round an expected `share` (normal approximation)."""
    z = float(norm.ppf((1 + confidence) / 2))
    return math.ceil(z**2 * share * (1 - share) / half_width**2 - 1e-9)
