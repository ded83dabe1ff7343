"""For notebooks: a Spark frame of notes in, a Spark frame of findings out."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from abstractor.batch.engine.guard import Limits
from abstractor.batch.engine.spark.columns import FINDINGS, NOTES, STATUS_SCHEMA, WHY, Outcome
from abstractor.batch.engine.spark.orders import orders_for
from abstractor.batch.engine.spark.worker import annotating
from abstractor.model.errors import InputError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_REQUIRED = ("note_id", "text")


def annotate_frame(
    frame: "DataFrame",
    *,
    rules: str | Path | None = None,
    plain: bool = False,
    columns: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> "DataFrame":
    """The findings of the notes in a frame, a row a finding, lazily; `attributes` is JSON text. See docs/spark.md.

    What is set aside is left out: `annotate_with_status` shows it, and reads each note only once for both.

    Args:
        frame: a row a note. `note_id` and `text` are required; `patient_id`, `note_date`, `note_type` may be missing. Ids and dates of
            other types than string are taken as Spark writes them. Other columns are not read.
        rules: a folder of rules on the driver, sent along with the job; None: those that came with the program.
        plain: every component over the whole note; the same findings, slowly.
        columns: our column name to the frame's, where they differ: `{"text": "NOTE_TEXT"}`.
        limits: of time and memory, for each note.

    Raises:
        InputError: a column is missing, or the text is no string.
        RulebookError: the rules are at fault.
    """
    status = annotate_with_status(frame, rules=rules, plain=plain, columns=columns, limits=limits)
    return status.where(status["status"] == str(Outcome.FINDING)).select(*(f"`{name}`" for name in FINDINGS))


def annotate_with_status(
    frame: "DataFrame",
    *,
    rules: str | Path | None = None,
    plain: bool = False,
    columns: Mapping[str, str] | None = None,
    limits: Limits | None = None,
) -> "DataFrame":
    """As `annotate_frame`, with a row or more for every note: the columns of a finding, and `status`, `stage`, `reason`, `place`.

    `status` is `finding`; `nothing` (read, nothing found); `quarantined` (`stage` and `reason` say why); or `unreadable` (a row that is
    no note, `place` saying which of its partition; also a date that could not be read, the note itself being kept). Write or cache the
    frame before taking it apart, else each note is read once for every part.

    Raises:
        InputError: a column is missing, or the text is no string.
        RulebookError: the rules are at fault.
    """
    notes = _notes(frame, columns or {})
    rows = notes.mapInPandas(annotating(orders_for(rules, plain=plain, limits=limits)), STATUS_SCHEMA)
    return rows.select(*(f"`{name}`" for name in (*FINDINGS, *WHY)))


def _notes(frame: "DataFrame", columns: Mapping[str, str]) -> "DataFrame":
    """Our columns under our names, as the bytes that Spark holds: whether they are UTF-8 is for the worker to see."""
    from pyspark.sql.functions import col

    types = dict(frame.dtypes)
    unknown = sorted(set(columns) - set(NOTES))
    if unknown:
        raise InputError(f"columns: {', '.join(unknown)}: not one of {', '.join(NOTES)}")
    taken = {}
    for name in NOTES:
        theirs = columns.get(name, name)
        if theirs in types:
            taken[name] = theirs
        elif name in _REQUIRED or name in columns:
            there = ", ".join(list(types)[:20]) or "none"
            raise InputError(
                f"the frame has no column {theirs!r}; it has {there}. Name yours with columns={{{name!r}: 'YOUR_COLUMN'}}"
            )
    kind = types[taken["text"]]
    if kind not in ("string", "binary"):
        raise InputError(f"the column {taken['text']!r} is {kind}, not string")
    return frame.select(
        *(col(f"`{theirs}`").cast("string").cast("binary").alias(name) for name, theirs in taken.items())
    )
