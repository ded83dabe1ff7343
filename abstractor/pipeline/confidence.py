"""How likely a finding is right: what its rule proved to be worth on annotated notes, and what stands around it.

The figures are data (`rules/settings/confidence.toml`, written by `abstractor rules calibrate`); without them a finding keeps the confidence
its rule states. Nothing here finds, drops or changes a finding but for its confidence, which is never 0 and never 1.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from abstractor.model.errors import RulebookError
from abstractor.model.finding import Assertion, Finding
from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.rulebook.book import MEASURED, RuleBook

LOWEST, HIGHEST = 0.02, 0.98
"""However sure the figures are, the next note may be of a kind that none of them knows."""
_STATED = 0.9
"""The confidence of a rule that states none."""
_AROUND = 80
"""Characters on either side in which a doubt counts as near."""
_MOST = 3
"""Mentions beyond this many make a fact no surer."""


@dataclass(frozen=True)
class Trust:
    """The measured figures, ready to use."""

    overall: float
    fields: Mapping[str, float]
    """Share of findings of a field that are right."""
    rules: Mapping[str, Mapping[str, float]]
    """By field, then by rule."""
    context: Mapping[str, float]
    """Name of a trait to what it adds to the log-odds."""
    doubts: Expression

    @classmethod
    def from_rulebook(cls, rulebook: RuleBook) -> "Trust | None":
        """The figures of a rulebook; None where it has none.

        Raises:
            RulebookError: a figure is missing, or is no probability.
        """
        settings: Mapping[str, Any] | None = rulebook.settings.get(MEASURED)
        if settings is None:
            return None
        try:
            trust = cls(
                _probability(settings["overall"]),
                {name: _probability(one) for name, one in settings["fields"].items()},
                {
                    name: {rule: _probability(one) for rule, one in rules.items()}
                    for name, rules in settings["rules"].items()
                },
                {name: float(one) for name, one in settings["context"].items()},
                doubts(rulebook),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise RulebookError(
                [
                    f"settings/{MEASURED}.toml: not as `abstractor rules calibrate` writes it ({type(error).__name__}: {error})"
                ]
            ) from None
        return trust

    def weigh(self, text: str, findings: Sequence[Finding]) -> list[Finding]:
        """The findings of one note, each with its measured confidence.

        Args:
            text: the note's.
            findings: all of them, as many mentions of each fact as are kept.
        """
        return [
            replace(one, confidence=self.of(one, traits_of_it))
            for one, traits_of_it in zip(findings, traits(text, findings, self.doubts), strict=True)
        ]

    def of(self, finding: Finding, its_traits: Mapping[str, float]) -> float:
        """The probability that a finding is right; the rule's share gives way to the field's, and that to the share of all."""
        share = self.rules.get(finding.field, {}).get(finding.rule, self.fields.get(finding.field, self.overall))
        odds = log_odds(share) + self.context.get("any", 0.0)
        odds += sum(self.context.get(name, 0.0) * size for name, size in its_traits.items())
        return round(min(max(probability(odds), LOWEST), HIGHEST), 3)


def traits(text: str, findings: Sequence[Finding], doubt: Expression) -> list[dict[str, float]]:
    """What stands around each finding, by name, with its size.

    `stated`: how much surer than usual the rule is by its own word; `repeated`: the fact stands more than once (log of how often);
    `contradicted`: the note says otherwise of the same value elsewhere; `doubt nearby`; and what kind of assertion, note and section it is.

    Args:
        text: the note's.
        findings: all of the note, with the confidences their rules state.
        doubt: from `doubts`.
    """
    said: dict[tuple[str, str], Counter[Assertion]] = defaultdict(Counter)
    for one in findings:
        said[one.field, one.value][one.assertion] += 1
    return [_traits(text, one, said[one.field, one.value], doubt) for one in findings]


def _traits(text: str, one: Finding, seen: Counter[Assertion], doubt: Expression) -> dict[str, float]:
    found = {f"assertion {one.assertion}": 1.0, f"note type {one.note_type}": 1.0, f"section {one.section}": 1.0}
    found["stated"] = log_odds(min(max(one.confidence, LOWEST), HIGHEST)) - log_odds(_STATED)
    found["repeated"] = math.log(min(seen[one.assertion], _MOST))
    found["contradicted"] = float(len(seen) > 1)
    found["doubt nearby"] = float(doubt.search(text, max(0, one.start - _AROUND), one.end + _AROUND) is not None)
    return {name: size for name, size in found.items() if size}


RISING, FALLING = frozenset({"stated", "repeated"}), frozenset({"contradicted", "doubt nearby"})
"""Traits that may only make a finding surer, and those that may only make it less sure, whatever a small sample says."""


def doubts(rulebook: RuleBook) -> Expression:
    """The words of the rulebook that make a statement uncertain."""
    terms: Iterable[str] = {term for rule in rulebook.context if rule.category == "uncertain" for term in rule.terms}
    words = "|".join(sorted(map(re.escape, terms), key=len, reverse=True))
    return compiled_expression(rf"(?<!\w)(?:{words})(?!\w)" if words else "(?!)", re.IGNORECASE)


def log_odds(share: float) -> float:
    """The logit of a probability between 0 and 1, both excluded."""
    return math.log(share / (1 - share))


def probability(odds: float) -> float:
    """The probability of log-odds."""
    return 1 / (1 + math.exp(-odds)) if odds > 0 else math.exp(odds) / (1 + math.exp(odds))


def _probability(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1:
        raise ValueError(f"{value!r} does not lie between 0 and 1")
    return float(value)
