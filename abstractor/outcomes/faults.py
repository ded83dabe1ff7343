"""What is wrong with a patient's data, said by name: nobody leaves an analysis silently.

A fault either shuts the patient out of an endpoint (`excluded`) or is told and computed with (`warning`). Which statements contradict each
other is settled in `checks.stated`; here stands what the analysis makes of it. Two questions are this stage's own, because they hang on days that the
protocol settles: what lies before time zero (E02 and E07 ask about the dates as stated), and responses before line 1 (E25 asks about any treatment).
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from abstractor.checks.stated import StatedDeath, StatedLine, ends_before_it_starts, other_deaths, stated_lines
from abstractor.model.dates import stated_date
from abstractor.model.fact import Fact
from abstractor.outcomes.record import (
    CHANGE,
    RESPONSES,
    Contact,
    PatientRecord,
    change_percent,
)

Day = datetime.date
EXCLUDED, WARNING = "excluded", "warning"

_DATED_BY_VALUE = frozenset(
    {"diagnosis_date", "death_date", "birth_date", "last_contact_date", "molecular_report_date"}
)
_RESPONSE_VALUES = frozenset({*RESPONSES, "MIXED"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one patient."""

    patient_id: str
    code: str
    severity: str
    """`excluded` or `warning`."""
    scope: str
    """What it touches: `all`, `os`, `response`, ..."""
    text: str


def unreadable(record: PatientRecord) -> tuple[Fault, ...]:
    """Dates and values that can't be read; what they belong to is not used."""
    found = []
    for fact in record.facts:
        value_is_date = fact.field in _DATED_BY_VALUE or (fact.field == "visit" and not fact.date)
        dates = {"date": fact.date, "end_date": fact.end_date, "value": fact.value if value_is_date else None}
        found += [
            fault(record, "bad_date", WARNING, fact.field, f"{fact.field}: {label} {text!r} is no ISO date, not used")
            for label, text in dates.items()
            if text and stated_date(text) is None
        ]
    for fact in record.present("response"):
        if CHANGE in fact.attributes and change_percent(fact) is None:
            text = f"{_name(fact)} of {fact.date}: {CHANGE} is no number of at least -100, not drawn"
            found.append(fault(record, "bad_change", WARNING, "response", text))
        if fact.value.strip().upper() not in _RESPONSE_VALUES:
            found.append(
                fault(record, "bad_response", WARNING, "response", f"{_name(fact)} is no response category, not used")
            )
        elif not fact.date:
            found.append(fault(record, "undated_response", WARNING, "response", f"{_name(fact)} has no date, not used"))
    return tuple(found)


def backward_spans(record: PatientRecord) -> tuple[Fault, ...]:
    """Treatments that end before they begin; they are taken as given on their first day."""
    found = []
    for fact in record.present("systemic_therapy", "radiotherapy"):
        if ends_before_it_starts(fact):
            text = (
                f"{_name(fact)} ends {fact.end_date}, before it starts {fact.date}; taken as given on the day it starts"
            )
            found.append(fault(record, "ends_before_start", WARNING, "lines", text))
    return tuple(found)


def order_faults(
    record: PatientRecord, *, diagnosis: Day | None, line_1: Day | None, report: Day | None, before_diagnosis: int
) -> tuple[Fault, ...]:
    """What happened before it could have: times that would be negative are told, and none is computed from them.

    Args:
        record: the patient.
        diagnosis: the (imputed) day of diagnosis.
        line_1: the start of line 1.
        report: the first molecular report.
        before_diagnosis: days that treatment may begin before the dated diagnosis.
    """
    found = []
    if diagnosis is not None and line_1 is not None and (diagnosis - line_1).days > before_diagnosis:
        text = f"line 1 starts {line_1}, {(diagnosis - line_1).days} days before the diagnosis ({diagnosis}); times run from line 1 all the same"
        found.append(fault(record, "treated_before_diagnosis", WARNING, "all", text))
    if diagnosis is not None and report is not None and report < diagnosis:
        text = f"the molecular report ({report}) lies before the diagnosis ({diagnosis}); with delayed entry it counts as there from the start"
        found.append(fault(record, "report_before_diagnosis", WARNING, "os", text))
    born = [
        date for fact in record.present("birth_date") if (date := stated_date(fact.value) or stated_date(fact.date))
    ]
    known_ill = min((day for day in (diagnosis, line_1) if day is not None), default=None)
    if born and known_ill is not None and born[0].first > known_ill:
        text = f"born {born[0]}, after the illness was known ({known_ill}); the age is not used"
        found.append(fault(record, "born_after_diagnosis", WARNING, "age", text))
    return tuple(found)


def line_faults(record: PatientRecord) -> tuple[Fault, ...]:
    """Stated lines that contradict each other (E23): out of order or doubled shuts out, overlapping is told."""
    usable = stated_lines(record.facts)
    found = [
        fault(
            record, "incomplete_line", WARNING, "lines", f"{_name(one)} lacks a line number or a start date, not used"
        )
        for one in record.present("therapy_line")
        if all(line.fact is not one for line in usable)
    ]
    if usable and usable[0].number != 1:
        found.append(
            fault(record, "no_line_1", EXCLUDED, "all", f"line {usable[0].number} is stated but line 1 is not")
        )
    for one, after in pairwise(usable):
        found.extend(_line_pair(record, one, after))
    found += [
        fault(
            record,
            "line_ends_early",
            WARNING,
            "lines",
            f"line {one.number} ends {one.stop}, before it starts {one.start}",
        )
        for one in usable
        if ends_before_it_starts(one.fact)
    ]
    return tuple(found)


def _line_pair(record: PatientRecord, one: StatedLine, after: StatedLine) -> list[Fault]:
    if one.is_doubled_by(after):
        text = f"line {one.number} starts both {one.start} and {after.start}"
        return [fault(record, "line_twice", EXCLUDED, "all", text)]
    if one.number == after.number:
        text = f"line {one.number} is stated twice, the first is used"
        return [fault(record, "line_twice", WARNING, "lines", text)]
    if one.is_out_of_order_with(after):
        text = f"line {after.number} starts {after.start}, not after line {one.number} ({one.start})"
        return [fault(record, "lines_out_of_order", EXCLUDED, "all", text)]
    if one.overlaps(after):
        text = f"line {one.number} ends {one.stop}, after line {after.number} started {after.start}; cut at that start"
        return [fault(record, "overlapping_lines", WARNING, "lines", text)]
    return []


def death_faults(
    record: PatientRecord, deaths: Sequence[StatedDeath], contacts: Sequence[Contact], diagnosis_first: Day | None
) -> tuple[Fault, ...]:
    """Deaths that contradict each other, the diagnosis, or a later contact."""
    dated = [one.date for one in deaths if one.date is not None]
    if deaths and not dated:
        return (fault(record, "undated_death", EXCLUDED, "os", "dead, but no date of death"),)
    if not dated:
        return ()
    found = []
    best = dated[0]
    others = sorted({str(one.date) for one in other_deaths(deaths)})
    if others:
        text = f"two deaths: {best} and {', '.join(others)}"
        found.append(fault(record, "two_deaths", EXCLUDED, "os", text))
    if diagnosis_first is not None and best.last < diagnosis_first:
        text = f"death {best} before the diagnosis ({diagnosis_first})"
        found.append(fault(record, "death_before_diagnosis", EXCLUDED, "all", text))
    later = [one for one in contacts if one.date > best.last]
    if any(one.firm for one in later):
        day = max(one.date for one in later if one.firm)
        found.append(fault(record, "alive_after_death", EXCLUDED, "os", f"death {best}, but in contact on {day}"))
    elif later:
        text = f"a note is dated {later[-1].date}, after the death {best}; not taken as a contact"
        found.append(fault(record, "note_after_death", WARNING, "os", text))
    return tuple(found)


def early_responses(record: PatientRecord, line_1: Day | None) -> tuple[Fault, ...]:
    """Responses before or without any treatment are not used for best response (E25)."""
    found = []
    for fact in record.present("response"):
        stated = stated_date(fact.date)
        if stated is None:
            continue
        if line_1 is None:
            text = f"{_name(fact)} of {fact.date}, but no dated treatment"
            found.append(fault(record, "response_untreated", WARNING, "response", text))
        elif stated.last <= line_1:
            text = f"{_name(fact)} of {fact.date} is not after the start of line 1 ({line_1}); not used"
            found.append(fault(record, "response_before_treatment", WARNING, "response", text))
    return tuple(found)


def fault(record: PatientRecord, code: str, severity: str, scope: str, text: str) -> Fault:
    """A fault of this patient."""
    return Fault(record.patient_id, code, severity, scope, text)


def _name(fact: Fact) -> str:
    return f"{fact.field} {fact.value!r}"
