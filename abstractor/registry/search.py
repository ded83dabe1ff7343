"""Search in all notes of a patient."""

from itertools import islice

import regex as expressions
from sqlalchemy import select

from abstractor.model.errors import InputError
from abstractor.registry.engine import Registry
from abstractor.registry.tables import NoteRow, NoteTextRow

_SECONDS = 1.0
"""A pattern that takes longer on one note is given up: a careless expression must not hang the screen."""

_MOST = 1000


def search_notes(registry: Registry, patient_id: str, pattern: str, regex: bool = False) -> list[tuple[str, int, int]]:
    """Where a text (any case) or a regular expression occurs in the latest versions of a patient's notes.

    Returns:
        (note id, start, end), notes by date, at most 1000.

    Raises:
        InputError: the expression can't be read, or takes too long.
    """
    try:
        wanted = expressions.compile(pattern if regex else expressions.escape(pattern), expressions.IGNORECASE)
    except expressions.error as error:
        raise InputError(f"no regular expression: {error}") from None
    statement = (
        select(NoteRow.note_id, NoteTextRow.text)
        .join(NoteTextRow, NoteRow.note_key == NoteTextRow.note_key)
        .where(NoteRow.patient_id == patient_id, NoteRow.latest)
        .order_by(NoteRow.note_date.nulls_last(), NoteRow.note_id)
    )
    hits: list[tuple[str, int, int]] = []
    with registry.read() as connection:
        for note_id, text in connection.execute(statement):
            try:
                found = islice(wanted.finditer(text, timeout=_SECONDS), _MOST - len(hits))
                hits.extend((note_id, *match.span()) for match in found if match.end() > match.start())
            except TimeoutError:
                raise InputError("the expression takes too long; write a simpler one") from None
            if len(hits) >= _MOST:
                break
    return hits
