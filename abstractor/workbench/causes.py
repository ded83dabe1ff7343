"""The likely cause of a miss or a false alarm, from what became of the mentions at that place. A guess for a person who mends rules. Pure."""

from collections.abc import Iterable, Sequence

from abstractor.evaluation import GoldFact
from abstractor.model.finding import Assertion
from abstractor.pipeline.explain import Fate, Trace
from abstractor.workbench.quotes import Span

NOTHING = "no rule fires on these words"
_FATES = {
    Fate.MASKED: "masked",
    Fate.SILENCED: "silenced",
    Fate.NOT_THIS_CANCER: "whose cancer",
    Fate.RULED_OUT: "ruling",
}
_PREFIX = 2
"""Letters that two values must share at least for one to be the less exact form of the other (`T2` and `T2a`)."""


def why_missed(fact: GoldFact, traces: Sequence[Trace]) -> str:
    """Why a gold fact was not found.

    Args:
        fact: what the annotator stated.
        traces: of all mentions of the note.
    """
    here = [one for one in traces if _touches(fact.spans, (one.start, one.end))]
    same = [one for one in here if (one.field, one.value) == (fact.field, fact.value)]
    if same:
        return min((_of_trace(one, fact) for one in same), key=_weight)
    value = [one for one in here if one.field == fact.field]
    if value:
        kept = next((one for one in value if one.fate is Fate.KEPT), value[0])
        return f"value: read as {kept.value} {kept.assertion} by {kept.rule}"
    elsewhere = [one for one in traces if (one.field, one.value) == (fact.field, fact.value)]
    if elsewhere:
        return f"{min((_of_trace(one, fact) for one in elsewhere), key=_weight)}; these words are read by no rule"
    if any(one.fate is Fate.NOT_THIS_CANCER for one in traces):
        return "whose cancer: the note is taken to be about another cancer, or about none"
    other = next((one for one in here if one.fate is Fate.KEPT), None)
    if other is not None:
        return f"field: these words are read as {other.field} {other.value} by {other.rule}"
    return NOTHING


def why_false(found: Trace, gold: Sequence[GoldFact]) -> str:
    """Why a finding is no gold fact.

    Args:
        found: the finding, as traced.
        gold: all facts of the note.
    """
    by = f" (by {found.by})" if found.by else ""
    if not gold:
        return "whose cancer: the gold has no facts in this note"
    same = [fact for fact in gold if (fact.field, fact.value) == (found.field, found.value)]
    if same:
        return f"assertion: the gold says {same[0].assertion}, not {found.assertion}{by}"
    here = [fact for fact in gold if fact.field == found.field and _touches(fact.spans, (found.start, found.end))]
    if here:
        kind = "less exact" if _shares(here[0].value, found.value) else "value"
        return f"{kind}: the gold has {here[0].value} {here[0].assertion} at these words"
    finer = [fact for fact in gold if fact.field == found.field and _shares(fact.value, found.value)]
    if finer and len(finer[0].value) > len(found.value):
        return f"less exact: the gold has {finer[0].value} {finer[0].assertion} elsewhere in the note"
    rest = [fact for fact in gold if fact.field == found.field]
    if rest:
        values = ", ".join(dict.fromkeys(f"{fact.value} {fact.assertion}" for fact in rest[:3]))
        return f"value: of this field the gold has only {values}, elsewhere in the note"
    other = next((fact for fact in gold if _touches(fact.spans, (found.start, found.end))), None)
    if other is not None:
        return f"field: the gold reads these words as {other.field} {other.value}"
    return "no fact: the gold has nothing of this field in the note"


def _of_trace(trace: Trace, fact: GoldFact) -> str:
    if trace.fate is not Fate.KEPT:
        return f"{_FATES[trace.fate]}: by {trace.by}" if trace.by else _FATES[trace.fate]
    if str(trace.assertion) == fact.assertion:
        return "found, but its words do not touch the evidence"
    if trace.assertion is Assertion.PRESENT:
        return f"assertion: nothing makes it {fact.assertion}; {trace.rule} takes it for present"
    return f"assertion: {trace.assertion} by {trace.by or trace.rule}"


def _weight(cause: str) -> tuple[bool, str]:
    """A mention that was kept with another assertion tells more than one that was dropped for a better one."""
    return not cause.startswith("assertion"), cause


def _touches(spans: Iterable[Span], span: Span) -> bool:
    return any(start < span[1] and span[0] < end for start, end in spans)


def _shares(one: str, two: str) -> bool:
    """Whether one value begins with the other, and so says it more exactly."""
    low, high = sorted((one, two), key=len)
    return len(low) >= _PREFIX and low != high and high.startswith(low)
