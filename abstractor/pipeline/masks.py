"""Finds template text (legends, empty boxes, trial criteria) that states nothing of the patient."""

import re

from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.rulebook.schema import MaskRule


def compile_masks(rules: tuple[MaskRule, ...]) -> tuple[Expression, ...]:
    """The masks' regular expressions, any case."""
    return tuple(compiled_expression(rule.regex, re.IGNORECASE) for rule in rules)


def find_masked(
    text: str, masks: tuple[Expression, ...], others: tuple[tuple[int, int], ...] = ()
) -> tuple[tuple[int, int], ...]:
    """Stretches covered by any mask, or by others found elsewhere, in order and merged."""
    matches = (match.span() for mask in masks for match in mask.finditer(text) if match.end() > match.start())
    found = sorted([*matches, *others])
    merged: list[tuple[int, int]] = []
    for start, end in found:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)
