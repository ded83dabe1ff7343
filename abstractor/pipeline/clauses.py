"""Cuts a sentence into clauses, within which words may modify one another. It knows no grammar beyond the marks in the rulebook."""

import re
from bisect import bisect_right

from abstractor.pipeline.sieve import Expression, compiled_expression
from abstractor.pipeline.view import NoteView
from abstractor.rulebook.schema import ContextRule

_CLAUSES = "clauses"
"""Key in `NoteView.memo`."""


def compile_borders(rules: tuple[ContextRule, ...]) -> Expression:
    """One expression for all words and marks of the `terminate` rules; a border lies where it begins to match."""
    ends = [rule for rule in rules if rule.category == "terminate"]
    terms = sorted({term for rule in ends for term in rule.terms}, key=len, reverse=True)
    words = "|".join(r"\s+".join(re.escape(word) for word in term.split()) for term in terms)
    marks = [regex for rule in ends for regex in rule.regex]
    alternatives = [rf"(?<!\w)(?:{words})(?!\w)"] if words else []
    return compiled_expression("|".join([*alternatives, *marks]) or r"(?!)", re.IGNORECASE)


def clause_around(
    view: NoteView, borders: Expression, stretch: tuple[int, int], span: tuple[int, int]
) -> tuple[int, int]:
    """The clause of a stretch (a sentence, a table row) that holds a span; it reaches over a border that lies inside the span."""
    known = view.memo.setdefault(_CLAUSES, {})
    assert isinstance(known, dict)
    cuts = known.get(stretch)
    if cuts is None:
        cuts = known[stretch] = [stretch[0], *(match.start() for match in borders.finditer(view.text, *stretch))]
    first = bisect_right(cuts, span[0]) - 1
    last = bisect_right(cuts, max(span[0], span[1] - 1))
    return cuts[max(first, 0)], cuts[last] if last < len(cuts) else stretch[1]
