"""What may be drawn: every decision that holds, with what it came from and how fast it was made; and every chart."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from abstractor.model.case import Case, fold
from abstractor.model.decision import STATING, Action, Decision
from abstractor.quality.sampling import Unit
from abstractor.quality.settings import QualityRules, SampleRules
from abstractor.registry.decisions import decisions_of
from abstractor.registry.engine import Registry
from abstractor.registry.notes import patients

DECIDED = STATING | {Action.REJECT, Action.NOT_DOCUMENTED}
"""What can be audited: that something is so, and that it is not or is not said."""
PERSON = frozenset({"review", "script"})
"""Sources of decisions that an abstractor answers for; what was imported or adjudicated has its own origin."""

Flagged = Callable[[str], str]
"""From a patient to the id of an edit check that names a conflict in the chart; "" where none does."""


def nothing_flagged(_patient_id: str) -> str:
    """No edit check was run."""
    return ""


@dataclass(frozen=True, slots=True)
class Held:
    """A decision that holds, with what the sample is stratified by."""

    decision: Decision
    seconds: float | None
    """Since the same person's decision before it on this patient; None for the first one, and after a pause."""
    unit: Unit


def held_decisions(registry: Registry, rules: QualityRules, flagged: Flagged = nothing_flagged) -> Iterator[Held]:
    """The frame of a sample of facts, patient by patient."""
    for patient_id in patients(registry):
        yield from held_of(patient_id, decisions_of(registry, patient_id), rules, flagged)


def held_of(
    patient_id: str, decisions: Sequence[Decision], rules: QualityRules, flagged: Flagged = nothing_flagged
) -> Iterator[Held]:
    """The decisions of one patient that hold and that a person made."""
    seconds = decision_seconds(decisions, rules.sample.pause_seconds)
    case = fold(patient_id, decisions)
    check: str | None = None
    for _, decision in sorted(case.current.items()):
        if decision.action not in DECIDED or decision.source not in PERSON:
            continue
        if check is None:
            check = flagged(patient_id)
        took = seconds.get(decision.action_id)
        unit = Unit(
            decision.action_id,
            decision.field,
            traits(decision, took, rules.sample),
            targeted(decision, rules.sample, check),
        )
        yield Held(decision, took, unit)


def decision_seconds(decisions: Iterable[Decision], pause: float) -> dict[str, float]:
    """How long each decision took, by its id: since the step before it of the same person on the same patient."""
    last: dict[str, datetime] = {}
    found: dict[str, float] = {}
    for one in decisions:
        if one.source not in PERSON:
            continue
        at = datetime.fromisoformat(one.decided_at)
        before = last.get(one.decided_by)
        if before is not None and 0 <= (took := (at - before).total_seconds()) <= pause:
            found[one.action_id] = took
        last[one.decided_by] = at
    return found


def traits(decision: Decision, seconds: float | None, rules: SampleRules) -> dict[str, str]:
    """What a sample may be stratified by."""
    best = max(decision.evidence, key=lambda one: one.confidence, default=None)
    machine = next((one for one in decision.evidence if one.rule), None)
    return {
        "rule": decision.rule or (machine.rule if machine is not None else "none"),
        "abstractor": decision.decided_by,
        "confidence": "none"
        if machine is None
        else _band(max(one.confidence for one in decision.evidence if one.rule), rules),
        "speed": _speed(seconds, rules),
        "note_type": best.note_type if best is not None else "none",
    }


def _band(confidence: float, rules: SampleRules) -> str:
    borders = (0.0, *rules.confidence_bands, 1.0)
    place = bisect_right(rules.confidence_bands, confidence)
    return f"{borders[place]:g}-{borders[place + 1]:g}"


def _speed(seconds: float | None, rules: SampleRules) -> str:
    if seconds is None:
        return "unknown"
    if seconds < rules.fast_seconds:
        return "fast"
    return "slow" if seconds >= rules.slow_seconds else "usual"


def targeted(decision: Decision, rules: SampleRules, check: str = "") -> str:
    """Why a decision is audited whatever is drawn; "" where it is not."""
    for one in rules.targeted:
        if decision.field == one.field and one.value in (None, decision.value) and decision.action in STATING:
            return f"every {one.field}" + (f" {one.value}" if one.value else "")
    if check in rules.conflicts.checks and decision.field in rules.conflicts.fields:
        return f"conflict {check}"
    return ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A patient as it may be drawn for a second reading."""

    patient_id: str
    abstractor: str
    """Who made most of its decisions."""
    closed_at: str
    """When it was last closed; "" while it is open."""
    traits: Mapping[str, str]


def charts(registry: Registry) -> Iterator[Chart]:
    """Every patient that an abstractor has decided on: year of diagnosis, stage and abstractor as traits."""
    for patient_id in patients(registry):
        chart = chart_of(patient_id, decisions_of(registry, patient_id))
        if chart is not None:
            yield chart


def chart_of(patient_id: str, decisions: Sequence[Decision]) -> Chart | None:
    """None where nobody has decided anything."""
    work: dict[str, int] = defaultdict(int)
    closed_at = ""
    for one in decisions:
        if one.source in PERSON:
            work[one.decided_by] += 1
        if one.action is Action.CLOSE:
            closed_at = one.decided_at
    case = fold(patient_id, decisions)
    if not work:
        return None
    abstractor = min(work, key=lambda name: (-work[name], name))
    found = {"abstractor": abstractor, "year": _value(case, "diagnosis_date")[:4], "stage": _value(case, "stage.valg")}
    return Chart(patient_id, abstractor, closed_at if case.closed else "", found)


def _value(case: Case, slot: str) -> str:
    decision = case.current.get(slot)
    return decision.value if decision is not None and decision.action in STATING else "unknown"
