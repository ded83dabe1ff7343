"""`facts.csv` (INTERFACE.md): every confirmed fact, with who decided it and the words it rests on."""

import csv
import io
import json
from collections.abc import Iterable

from abstractor.files import safe_cell
from abstractor.model.fact import COLUMNS, Fact


def facts_csv(facts: Iterable[Fact]) -> str:
    """A row a fact; of its evidence, the first place. Same facts, same bytes."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
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
