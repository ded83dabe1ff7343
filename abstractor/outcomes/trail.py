"""What a patient's endpoint rests on, step by step: the days, and behind each the decisions and notes that fix it.

Reads facts as they were confirmed; the quoted words stay with the facts, and whoever shows a trail decides whether to show them.
"""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from abstractor.model.dates import exact_day
from abstractor.model.fact import Fact
from abstractor.outcomes.patient import PatientOutcome
from abstractor.outcomes.record import PatientRecord, evidence_id

Day = datetime.date
RESPONSE = "response"
"""The trail of the best response, beside those of the endpoints."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what happened or was judged, and the decisions behind it."""

    endpoint: str
    what: str
    """`start`, `event`, `censored`, `assessment`, `not computed`."""
    day: Day | None
    text: str
    decisions: tuple[str, ...] = ()
    """Ids of decisions (or the facts, where an imported fact has none)."""
    notes: tuple[str, ...] = ()
    """Ids of notes that prove a contact by their date alone."""


def trail(record: PatientRecord, outcome: PatientOutcome, endpoint: str) -> tuple[Step, ...]:
    """From time zero to the end of one endpoint; of `RESPONSE`, line 1 and its assessments."""
    if endpoint == RESPONSE:
        return _response_steps(outcome)
    row = outcome.endpoints[endpoint]
    if row.event is None or row.start is None:
        return (Step(endpoint, "not computed", row.start, row.reason, row.evidence),)
    start = Step(endpoint, "start", row.start, "time zero", _start_evidence(record, outcome, row.start))
    kind = "event" if row.event else "censored"
    decisions = row.evidence
    notes: tuple[str, ...] = ()
    if not row.event and row.stop is not None:
        decisions = tuple(dict.fromkeys((*decisions, *_facts_on(record, row.stop))))
        notes = tuple(one.note_id for one in record.notes if one.date == row.stop and one.note_id)
    return start, Step(endpoint, kind, row.stop, row.reason, decisions, notes)


def _start_evidence(record: PatientRecord, outcome: PatientOutcome, start: Day) -> tuple[str, ...]:
    first = outcome.first_line
    if first is not None and first.line.start == start:
        return first.line.evidence
    return _facts_on(record, start)


def _facts_on(record: PatientRecord, day: Day) -> tuple[str, ...]:
    """Present facts that state this day as theirs, its end, or their value."""
    return tuple(evidence_id(fact) for fact in record.facts if _states(fact, day))


def _states(fact: Fact, day: Day) -> bool:
    return fact.assertion == "present" and day in {exact_day(one) for one in (fact.date, fact.end_date, fact.value)}


def _response_steps(outcome: PatientOutcome) -> tuple[Step, ...]:
    first = outcome.first_line
    if first is None:
        return (Step(RESPONSE, "not computed", None, "no dated line 1 of systemic therapy"),)
    line = first.line
    steps = [Step(RESPONSE, "start", line.start, f"line 1: {' + '.join(line.drugs)}", line.evidence)]
    steps += [Step(RESPONSE, "assessment", one.date, one.value, one.evidence) for one in first.assessments]
    text = f"best response {first.best.value}, confirmed {first.confirmed.value}"
    if not first.evaluable:
        text += "; not evaluable"
    steps.append(Step(RESPONSE, "result", first.confirmed.date or first.best.date, text))
    return tuple(steps)


def decided_facts(record: PatientRecord, decisions: Iterable[str]) -> tuple[Fact, ...]:
    """The facts behind decisions, in their order."""
    by_id = {evidence_id(fact): fact for fact in record.facts}
    return tuple(by_id[one] for one in decisions if one in by_id)
