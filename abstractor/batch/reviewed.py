"""What reviewers made of a rule in this registry, put into the confidence of what it still suggests. No decision is read twice or changed.

A suggestion's confidence is taken as the mean of a Beta distribution that weighs as much as a few judged suggestions; each suggestion of the
same rule that was let stand or refused moves it (the posterior mean). A rule that this hospital's wording fools loses its standing here.
"""

from collections.abc import Mapping
from dataclasses import replace

from abstractor.model.suggestion import Suggestion
from abstractor.pipeline.suggest import together
from abstractor.registry.engine import Registry
from abstractor.registry.judgements import RuleRecord, rule_records
from abstractor.registry.suggestions import reweigh_suggestions

PRIOR_WEIGHT = 20.0
"""Judged suggestions that the confidence from the notes counts for."""
_LEAST_CHANGE = 0.002
"""Nobody sees a smaller one: it is not written."""


def reweighed(suggestion: Suggestion, records: Mapping[str, RuleRecord]) -> Suggestion:
    """The suggestion with its confidence moved by the record of the rule that found its best evidence.

    Args:
        suggestion: with the confidence that its notes give it.
        records: by rule; a rule without judgements changes nothing.
    """
    record = records.get(next((one.rule for one in suggestion.evidence if one.rule), ""))
    if record is None or not record.judged:
        return suggestion
    share = (suggestion.confidence * PRIOR_WEIGHT + record.right) / (PRIOR_WEIGHT + record.judged)
    return replace(suggestion, confidence=round(min(max(share, 0.01), 0.99), 3))


def reweigh_registry(registry: Registry) -> int:
    """Brings the confidences of all suggestions to what reviewers have judged up to now.

    Returns:
        How many changed.
    """
    records = rule_records(registry)
    if not any(one.judged for one in records.values()):
        return 0

    def weighed(suggestion: Suggestion) -> float:
        if suggestion.origin != "nlp" or not suggestion.evidence:
            return suggestion.confidence
        from_notes = replace(suggestion, confidence=together(suggestion.evidence))
        return reweighed(from_notes, records).confidence

    return reweigh_suggestions(registry, weighed, _LEAST_CHANGE)
