"""`facts.csv` (INTERFACE.md): every confirmed fact, with who decided it and the words it rests on."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from abstractor.exports.leaving import Leaving
from abstractor.exports.source import Chart
from abstractor.files import safe_cell
from abstractor.model.fact import COLUMNS, Fact


def facts_csv(facts: Iterable[Fact]) -> str:
    """A row a fact; of its evidence, the first place. Same facts, same bytes."""
    return facts_header() + fact_lines(facts)


def facts_header() -> str:
    """The first line of `facts.csv`."""
    return ",".join(COLUMNS) + "\n"


def fact_lines(facts: Iterable[Fact]) -> str:
    """The lines of facts, in one order whatever order they come in."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    for fact in sorted(facts, key=lambda one: (one.patient_id, one.field, one.date or "", one.value, one.slot)):
        first = fact.evidence[0] if fact.evidence else None
        attributes = json.dumps(dict(fact.attributes), sort_keys=True, ensure_ascii=False) if fact.attributes else ""
        cells = (
            fact.patient_id,
            fact.field,
            fact.value,
            str(fact.assertion),
            fact.date,
            fact.end_date,
            attributes,
            fact.source,
            fact.decided_by,
            fact.decided_at,
            first.note_id if first else None,
            first.start if first else None,
            first.end if first else None,
        )
        writer.writerow([safe_cell(cell) for cell in cells])
    return out.getvalue()


def leaving_facts(chart: Chart, leaving: Leaving, dates: frozenset[str]) -> Iterator[Fact]:
    """The facts of a patient as the profile lets them leave.

    Args:
        chart: the patient.
        leaving: the rules of the export; de-identified, dates are whole days from the diagnosis, and a birth date does not leave.
        dates: the fields whose value is a date.
    """
    for fact in chart.facts:
        if leaving.identified:
            yield fact
        elif not (leaving.deidentified and fact.field == "birth_date"):
            yield _masked(fact, chart, leaving, is_date=fact.field in dates)


def _masked(fact: Fact, chart: Chart, leaving: Leaving, *, is_date: bool) -> Fact:
    """Without ids, people, words and what else may be free text."""
    bare = replace(fact, patient_id=chart.patient_id, attributes={}, decided_by="", decided_at="", evidence=())
    if not leaving.deidentified:
        return bare
    value, start, end = (_days(chart, one) for one in (fact.value if is_date else None, fact.date, fact.end_date))
    return replace(bare, value=(value or "") if is_date else fact.value, date=start, end_date=end)


def _days(chart: Chart, stated: str | None) -> str | None:
    day = chart.calendar.day(stated)
    return None if day is None else str(day)
