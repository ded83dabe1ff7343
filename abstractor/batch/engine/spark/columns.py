"""The columns that travel: notes in, findings out, and what became of each note."""

from enum import StrEnum

NOTES = ("note_id", "patient_id", "text", "note_date", "note_type")

FINDING_TYPES = {
    "note_id": "string",
    "patient_id": "string",
    "note_date": "string",
    "note_type": "string",
    "field": "string",
    "value": "string",
    "assertion": "string",
    "start": "bigint",
    "end": "bigint",
    "text": "string",
    "section": "string",
    "date": "string",
    "date_precision": "string",
    "date_source": "string",
    "attributes": "string",
    "rule": "string",
    "rulebook": "string",
    "confidence": "double",
}
FINDINGS = tuple(FINDING_TYPES)
"""In the order of a findings file."""


class Outcome(StrEnum):
    """What a row of `annotate_with_status` says."""

    FINDING = "finding"
    NOTHING = "nothing"
    """The note was read, and nothing was found in it."""
    QUARANTINED = "quarantined"
    """The note was set aside: `stage` and `reason` say why."""
    UNREADABLE = "unreadable"
    """The row is no note, or not whole: `reason` says what became of it."""
    REPEATED = "repeated"
    """The same note again, same id and same text; it was read once."""


def _ddl(types: dict[str, str]) -> str:
    return ", ".join(f"`{name}` {kind}" for name, kind in types.items())


WHY = ("status", "stage", "reason", "place")
_WHERE = {"unit": "int", "row": "bigint"}
STATUS_TYPES = FINDING_TYPES | dict.fromkeys(WHY, "string") | _WHERE
"""What workers give back; `unit` and `row` only for notes out of files: which file, and the place in it."""
STATUS_SCHEMA = _ddl(STATUS_TYPES)
UNITS_SCHEMA = _ddl({"key": "string", **_WHERE, "place": "string", "fault": "string"} | dict.fromkeys(NOTES, "string"))
"""What comes of reading files: notes, and rows that could not be read (`fault`); `key` is the note's id."""
