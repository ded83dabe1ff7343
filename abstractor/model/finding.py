"""What the pipeline found in one note: a field's value, whether it holds, and the words that prove it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum


class Assertion(StrEnum):
    """Whether, when and of whom a note says it (FIELDS.md)."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    HYPOTHETICAL = "hypothetical"
    HISTORICAL = "historical"
    OTHER_EXPERIENCER = "other_experiencer"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of "Findings out" in INTERFACE.md; the attributes are its columns, in order."""

    note_id: str
    patient_id: str
    note_date: str | None
    note_type: str
    field: str
    value: str
    assertion: Assertion
    start: int
    end: int
    text: str
    """`note.text[start:end]`, always."""
    section: str | None = None
    date: str | None = None
    date_precision: str | None = None
    """`day`, `month`, `year`; None without a date."""
    date_source: str | None = None
    """`stated`, `relative` (worked out from the note's date), `note` (the note's own date); None without a date."""
    attributes: Mapping[str, object] = dataclasses.field(default_factory=dict, hash=False)
    rule: str = ""
    rulebook: str = ""
    confidence: float = 0.0

    def row(self) -> dict[str, object]:
        """Column name to value; `attributes` as a plain dict."""
        row = {column.name: getattr(self, column.name) for column in fields(self)}
        row["assertion"] = str(self.assertion)
        row["attributes"] = dict(self.attributes)
        return row
